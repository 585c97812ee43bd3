;; Sums and shifts of an index that cannot wrap are done in 64 bits, where addressing modes take them up; all others in 32.
(module
  (memory 1)
  (func $masked_and_scaled (param i32) (result i32)
    (i32.load offset=8 (i32.add (i32.shl (i32.and (local.get 0) (i32.const 0x3ff)) (i32.const 2)) (i32.const 0x400))))
  (func $narrow_load (param i32) (result i32)
    (i32.load8_u (i32.add (i32.load8_u (local.get 0)) (i32.const 0x400))))
  (func $may_wrap (param i32) (result i32)
    (i32.load (i32.add (local.get 0) (i32.const 4))))
  (func $shift_may_lose_bits (param i32) (result i32)
    (i32.load (i32.shl (local.get 0) (i32.const 2))))
  (func $just_wraps (param i32) (result i32)
    (i32.load8_u (i32.add (i32.load8_u (local.get 0)) (i32.const 0xffffff01)))))
