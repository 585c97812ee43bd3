;; Vectors that stay alive in registers while the guest is paused, and over host calls: fourteen of them at once.
(module
  (import "env" "host" (func $host (param i32) (result i32)))

  ;; Adds multiples of the counter to the lanes of fourteen vectors for n rounds, calling the host every 2^12 rounds if asked to; gives
  ;; the sum of all lanes.
  (func (export "sum") (param $n i32) (param $calls i32) (result i64)
    (local $i i32) (local $x v128)
    (local $0 v128) (local $1 v128) (local $2 v128) (local $3 v128) (local $4 v128) (local $5 v128) (local $6 v128)
    (local $7 v128) (local $8 v128) (local $9 v128) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (loop $next
      (local.set $x (i64x2.splat (i64.extend_i32_u (local.get $i))))
      (local.set $0 (i64x2.add (local.get $0) (local.get $x)))
      (local.set $1 (i64x2.add (local.get $1) (i64x2.shl (local.get $x) (i32.const 1))))
      (local.set $2 (i64x2.add (local.get $2) (i64x2.shl (local.get $x) (i32.const 2))))
      (local.set $3 (i64x2.add (local.get $3) (i64x2.shl (local.get $x) (i32.const 3))))
      (local.set $4 (i64x2.add (local.get $4) (i64x2.shl (local.get $x) (i32.const 4))))
      (local.set $5 (i64x2.add (local.get $5) (i64x2.shl (local.get $x) (i32.const 5))))
      (local.set $6 (i64x2.add (local.get $6) (i64x2.shl (local.get $x) (i32.const 6))))
      (local.set $7 (i64x2.sub (local.get $7) (local.get $x)))
      (local.set $8 (i64x2.sub (local.get $8) (i64x2.shl (local.get $x) (i32.const 1))))
      (local.set $9 (i64x2.sub (local.get $9) (i64x2.shl (local.get $x) (i32.const 2))))
      (local.set $a (i64x2.sub (local.get $a) (i64x2.shl (local.get $x) (i32.const 3))))
      (local.set $b (v128.xor (local.get $b) (local.get $x)))
      (local.set $c (i64x2.add (local.get $c) (v128.const i64x2 1 3)))
      ;; Float lanes: exact while they are below 2^53.
      (local.set $d (f64x2.add (local.get $d) (f64x2.convert_low_i32x4_u (v128.const i32x4 5 7 0 0))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (if (i32.and (local.get $calls) (i32.eqz (i32.and (local.get $i) (i32.const 4095))))
        (then (if (i32.ne (call $host (local.get $i)) (i32.add (local.get $i) (i32.const 1))) (then unreachable))))
      (br_if $next (i32.lt_u (local.get $i) (local.get $n))))
    (local.set $0 (i64x2.add (i64x2.add (local.get $0) (local.get $1)) (i64x2.add (local.get $2) (local.get $3))))
    (local.set $4 (i64x2.add (i64x2.add (local.get $4) (local.get $5)) (i64x2.add (local.get $6) (local.get $7))))
    (local.set $8 (i64x2.add (i64x2.add (local.get $8) (local.get $9)) (i64x2.add (local.get $a) (local.get $b))))
    (local.set $0 (i64x2.add (i64x2.add (local.get $0) (local.get $4)) (i64x2.add (local.get $8) (local.get $c))))
    (i64.add
      (i64.add (i64x2.extract_lane 0 (local.get $0)) (i64.mul (i64x2.extract_lane 1 (local.get $0)) (i64.const 3)))
      (i64.add
        (i64.trunc_f64_u (f64x2.extract_lane 0 (local.get $d)))
        (i64.trunc_f64_u (f64x2.extract_lane 1 (local.get $d)))))))
