;; Functions small enough to be inlined, in each other and in themselves: results, and backtraces that must not show it.
(module $inline
  (import "env" "host" (func $host (param i32) (result i32)))
  (memory 1 1)

  ;; Two levels: leaf in middle in outer. leaf traps for 0.
  (func $leaf (param i32) (result i32)
    (i32.div_s (i32.const 100) (local.get 0)))
  (func $middle (param i32) (result i32)
    (i32.add (call $leaf (local.get 0)) (i32.const 1)))
  (func $outer (export "outer") (param i32) (result i32)
    (i32.add (call $middle (local.get 0)) (i32.const 2)))
  ;; The same leaf at two places.
  (func $twice (export "twice") (param i32 i32) (result i32)
    (i32.add (call $leaf (local.get 0)) (call $leaf (local.get 1))))

  ;; n calls of itself, then 100 / x.
  (func $recurse (export "recurse") (param $n i32) (param $x i32) (result i32)
    (if (result i32) (local.get $n)
      (then (i32.add (call $recurse (i32.sub (local.get $n) (i32.const 1)) (local.get $x)) (i32.const 1)))
      (else (i32.div_s (i32.const 100) (local.get $x)))))
  ;; The same in two functions that call each other.
  (func $ping (export "ping") (param $n i32) (param $x i32) (result i32)
    (if (result i32) (local.get $n)
      (then (call $pong (i32.sub (local.get $n) (i32.const 1)) (local.get $x)))
      (else (call $leaf (local.get $x)))))
  (func $pong (param $n i32) (param $x i32) (result i32)
    (if (result i32) (local.get $n)
      (then (call $ping (i32.sub (local.get $n) (i32.const 1)) (local.get $x)))
      (else (call $leaf (local.get $x)))))
  (func $endless (export "endless") (param i32) (result i32)
    (i32.add (call $endless (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))

  ;; Whatever is done with the results of the call, the access is outside of the memory of one page.
  (func $outside (result i32)
    (i32.load offset=65536 (i32.const 0)))
  (func $outside_always (export "outside_always") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.mul (call $outside) (call $leaf (local.get 0))))
      (else (i32.const 7))))

  ;; A call of the host from an inlined function.
  (func $ask (param i32) (result i32)
    (call $host (local.get 0)))
  (func $asks (export "asks") (param i32) (result i32)
    (i32.add (call $ask (local.get 0)) (call $ask (i32.add (local.get 0) (i32.const 1)))))

  ;; `return` leaves the inlined function only, with values below its results on the stack.
  (func $sign (param i32) (result i32)
    (if (i32.lt_s (local.get 0) (i32.const 0))
      (then (return (i32.const 99) (i32.const -1))))
    (i32.gt_s (local.get 0) (i32.const 0)))
  (func (export "signs") (param i32 i32) (result i32)
    (i32.add
      (i32.mul (call $sign (local.get 0)) (i32.const 10))
      (call $sign (local.get 1))))
  (func $swap (param i32 i32) (result i32 i32)
    local.get 1 local.get 0)
  (func (export "difference_swapped") (param i32 i32) (result i32)
    (i32.sub (call $swap (local.get 0) (local.get 1))))

  ;; A local begins as zero each time.
  (func $one (result i32)
    (local i32)
    (local.tee 0 (i32.add (local.get 0) (i32.const 1))))
  (func (export "ones") (param $n i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (call $one)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
