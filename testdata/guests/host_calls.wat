;; Calls of the host: in a loop, of several shapes, and nested (the host calls back into this instance).
(module $host_calls
  (import "env" "nop" (func $nop))
  (import "env" "next" (func $next (param i32) (result i32)))
  (import "env" "mix" (func $mix (param i32 i64 f32 f64) (result f64)))
  (import "env" "reenter" (func $reenter (param i32) (result i32)))  ;; the host calls "descend" with the same argument
  (memory (export "memory") 1)

  ;; Calls nop n times.
  (func (export "call_nop") (param $n i32)
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $n)))
        (call $nop)
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        br $again)))

  ;; value = next(value), n times, beginning at 0: with next(x) = x + 1 the result is n.
  (func (export "call_next") (param $n i32) (result i32) (local $value i32)
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $value (call $next (local.get $value)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        br $again))
    local.get $value)

  (func (export "call_mix") (param i32 i64 f32 f64) (result f64)
    local.get 0 local.get 1 local.get 2 local.get 3 call $mix)

  ;; The depth of nesting reached: wasm -> host -> wasm -> ..., n times.
  (func (export "descend") (param $n i32) (result i32)
    (if (result i32) (i32.eqz (local.get $n))
      (then i32.const 0)
      (else (i32.add (i32.const 1) (call $reenter (i32.sub (local.get $n) (i32.const 1)))))))

  ;; A host call from n frames deep: the stack has to come back whole after it.
  (func $deep (export "call_next_at_depth") (param $n i32) (result i32)
    (if (result i32) (i32.eqz (local.get $n))
      (then (call $next (i32.const 0)))
      (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get $n) (i32.const 1)))))))

  ;; Values of all kinds live across a host call: the sum of the parameters.
  (func (export "live_across") (param i32 i64 f32 f64) (result f64)
    (call $nop)
    (f64.add
      (f64.add (f64.convert_i32_s (local.get 0)) (f64.convert_i64_s (local.get 1)))
      (f64.add (f64.promote_f32 (local.get 2)) (local.get 3))))

  ;; The host's error or panic leaves from the middle of this: the trap after it is never reached then.
  (func (export "nop_then_trap") (call $nop) unreachable))
