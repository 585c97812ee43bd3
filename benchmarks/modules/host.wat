;; What calls of the host are measured with: loops over imported functions. host2 and host6 return the sum of their arguments.
(module
  (import "env" "host0" (func $host0))
  (import "env" "host2" (func $host2 (param i32 i32) (result i32)))
  (import "env" "host6" (func $host6 (param i32 i32 i32 i32 i32 i32) (result i32)))
  (func (export "loop0") (param $n i32) (result i32)
    (local $i i32)
    (loop $again
      (call $host0)
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (local.get $i))
  (func (export "loop2") (param $n i32) (result i32)
    (local $i i32) (local $sum i32)
    (loop $again
      (local.set $sum (call $host2 (local.get $sum) (local.get $i)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (local.get $sum))
  (func (export "loop6") (param $n i32) (result i32)
    (local $i i32) (local $sum i32)
    (loop $again
      (local.set $sum (call $host6 (local.get $sum) (local.get $i) (i32.const 1) (i32.const 2) (i32.const 3) (i32.const -6)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (local.get $sum)))
