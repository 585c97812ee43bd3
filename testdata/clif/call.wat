;; Calls of own and of imported functions. The own ones have a loop each, so that they are not inlined.
(module
  (import "m" "f" (func $imported (param i32 f64) (result i64)))
  (func $own (param i32 i64) (result i64 i32)
    loop end local.get 1 local.get 0)
  (func $calls (param i32) (result i64)
    local.get 0
    local.get 0 f64.const 1.5 call $imported
    call $own
    drop)
  (func $twice (param i32 f64) (result i64)
    local.get 0 local.get 1 call $imported drop
    local.get 0 local.get 1 call $imported)
  (func $recursive (param i32) (result i32)
    loop end local.get 0 i32.eqz
    if (result i32) i32.const 1
    else local.get 0 i32.const 1 i32.sub call $recursive local.get 0 i32.mul end))
