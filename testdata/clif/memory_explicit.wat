;;! explicit bounds
;; Each access is compared with the length; what fails becomes an access to address 0.
(module
  (memory 1 2)
  (func $byte (param i32) (result i32)
    local.get 0 i32.load8_u)
  (func $word (param i32) (result i32)
    local.get 0 i32.load offset=16)
  (func $store (param i32 i64)
    local.get 0 local.get 1 i64.store)
  (func $beyond_the_maximum (param i32) (result i32)
    local.get 0 i32.load offset=131070)
  (func $constant_and_not (param i32) (result i32)
    i32.const 8 i32.load
    local.get 0 i32.load
    i32.add))
