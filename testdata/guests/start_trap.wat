;; Its start function traps (after it has written a byte of its memory): instantiation fails with that trap.
(module $start_trap
  (memory (export "memory") 1)
  (func $start
    (i32.store8 (i32.const 0) (i32.const 1))
    unreachable)
  (func (export "never") (result i32) i32.const 1)
  (start $start))
