;;! explicit bounds
;; What an index gives to the offset counts in the comparison.
(module
  (memory 1 2)
  (func $masked_and_scaled (param i32) (result i32)
    (i32.load offset=8 (i32.add (i32.shl (i32.and (local.get 0) (i32.const 0x3ff)) (i32.const 2)) (i32.const 0x400))))
  (func $always_beyond_the_maximum (param i32) (result i32)
    (i32.load8_u (i32.add (i32.load8_u (local.get 0)) (i32.const 0x20000)))))
