;; What the stress test and the fault tests run: traps of every kind, loops with and without end, loops whose result tells whether
;; a register was lost in a pause, recursion to a chosen depth, and storms of host calls, runtime functions and bulk operations.
(module $stress
  (type $unary (func (param i32) (result i32)))
  (import "env" "host" (func $host (type $unary)))
  (memory (export "memory") 2 64)
  (table $functions 8 8 funcref)                    ;; 0: identity, 1: of another type, 2 to 7: null
  (table $growing 1 1000 funcref)
  (elem (table $functions) (i32.const 0) func $identity $other)
  (data $text "0123456789abcdef")

  (func $identity (type $unary) local.get 0)
  (func $other (result i64) i64.const 7)

  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)

  ;; Calls the host n times with its previous answer; live values of all kinds cross each call. With host(x) = x + 1 it returns
  ;; 2n + 3: the answer, the number of calls, and 3 if no value was lost.
  (func (export "host_loop") (param $n i32) (result i32)
    (local $value i32) (local $count i64) (local $single f32) (local $double f64)
    (local.set $single (f32.const 1))
    (local.set $double (f64.const 2))
    (block $done
      (loop $again
        (br_if $done (i64.ge_u (local.get $count) (i64.extend_i32_u (local.get $n))))
        (local.set $value (call $host (local.get $value)))
        (local.set $count (i64.add (local.get $count) (i64.const 1)))
        (br $again)))
    (i32.add
      (i32.add (local.get $value) (i32.wrap_i64 (local.get $count)))
      (i32.trunc_f64_s (f64.add (f64.promote_f32 (local.get $single)) (local.get $double)))))

  ;; Mixes integers and floats in registers n times: the result is wrong if a pause loses any of them.
  (func $mix (export "mix") (param $n i64) (result i64)
    (local $a i64) (local $b i64) (local $c i64) (local $d i64) (local $f f64) (local $g f64) (local $h f32)
    (local.set $a (i64.const 1)) (local.set $b (i64.const 2)) (local.set $c (i64.const 3)) (local.set $d (i64.const 4))
    (block $done
      (loop $again
        (br_if $done (i64.eqz (local.get $n)))
        (local.set $a (i64.add (i64.mul (local.get $a) (i64.const 6364136223846793005)) (i64.const 1442695040888963407)))
        (local.set $b (i64.xor (i64.rotl (local.get $b) (i64.const 13)) (local.get $a)))
        (local.set $c (i64.add (local.get $c) (i64.rotl (local.get $b) (local.get $a))))
        (local.set $d (i64.sub (i64.xor (local.get $d) (local.get $c)) (local.get $n)))
        (local.set $f (f64.add (f64.mul (local.get $f) (f64.const 0.5)) (f64.convert_i32_s (i32.wrap_i64 (local.get $a)))))
        (local.set $g (f64.add (f64.mul (local.get $g) (f64.const 0.25)) (local.get $f)))
        (local.set $h (f32.add (f32.mul (local.get $h) (f32.const 0.5)) (f32.convert_i32_s (i32.wrap_i64 (local.get $b)))))
        (local.set $n (i64.sub (local.get $n) (i64.const 1)))
        (br $again)))
    (i64.xor
      (i64.add (i64.xor (local.get $a) (local.get $b)) (i64.add (local.get $c) (local.get $d)))
      (i64.add
        (i64.xor (i64.reinterpret_f64 (local.get $f)) (i64.rotl (i64.reinterpret_f64 (local.get $g)) (i64.const 7)))
        (i64.extend_i32_u (i32.reinterpret_f32 (local.get $h))))))

  ;; Recurses to a depth and runs a loop of n rounds there, without a further call: against the guard, if the depth is the
  ;; greatest that works. Returns depth + n.
  (func $spin_at_depth (export "spin_at_depth") (param $depth i32) (param $n i64) (result i64)
    (local $count i64)
    (if (result i64) (i32.eqz (local.get $depth))
      (then
        (loop $again
          (if (i64.ne (local.get $count) (local.get $n))
            (then
              (local.set $count (i64.add (local.get $count) (i64.const 1)))
              (br $again))))
        (local.get $count))
      (else
        (i64.add
          (call $spin_at_depth (i32.sub (local.get $depth) (i32.const 1)) (local.get $n))
          (i64.const 1)))))

  ;; Goes down to a depth and back, rounds times: prologues and returns along the whole stack, up to the guard.
  (func $recurse (export "recurse") (param $depth i32) (result i32)
    (if (result i32) (i32.eqz (local.get $depth))
      (then (i32.const 0))
      (else (i32.add (i32.const 1) (call $recurse (i32.sub (local.get $depth) (i32.const 1)))))))
  (func (export "sweep") (param $depth i32) (param $rounds i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (call $recurse (local.get $depth))))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $again (local.get $rounds)))
    (local.get $sum))
  ;; The same with a host function, a runtime function, or a bulk operation called at the bottom.
  (func $host_at_depth (export "host_at_depth") (param $depth i32) (result i32)
    (if (result i32) (i32.eqz (local.get $depth))
      (then (call $host (i32.const 0)))
      (else (i32.add (i32.const 1) (call $host_at_depth (i32.sub (local.get $depth) (i32.const 1)))))))
  (func $grow_at_depth (export "grow_at_depth") (param $depth i32) (result i32)
    (if (result i32) (i32.eqz (local.get $depth))
      (then (memory.grow (i32.const 0)))
      (else (i32.add (i32.const 1) (call $grow_at_depth (i32.sub (local.get $depth) (i32.const 1)))))))
  (func $fill_at_depth (export "fill_at_depth") (param $depth i32) (result i32)
    (if (result i32) (i32.eqz (local.get $depth))
      (then (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (i32.const 0))
      (else (i32.add (i32.const 1) (call $fill_at_depth (i32.sub (local.get $depth) (i32.const 1)))))))

  ;; Storms: many short runtime functions; many bulk operations, which also check what they wrote.
  (func (export "grow_storm") (param $n i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (memory.grow (i32.const 0))))
      (local.set $sum (i32.sub (local.get $sum) (memory.size)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (local.get $n)))
    (local.get $sum))
  (func (export "table_storm") (param $n i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (table.grow $growing (ref.func $identity) (i32.const 0))))
      (local.set $sum (i32.sub (local.get $sum) (table.size $growing)))
      (table.copy $functions $functions (i32.const 4) (i32.const 0) (i32.const 4))
      (table.fill $functions (i32.const 6) (ref.null func) (i32.const 2))
      (table.set $functions (i32.const 7) (table.get $functions (i32.const 0)))
      (local.set $sum (i32.add (local.get $sum) (call_indirect $functions (type $unary) (i32.const 0) (i32.const 7))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (local.get $n)))
    (local.get $sum))
  (func (export "bulk_storm") (param $n i32) (result i32)
    (local $sum i32)
    (loop $again
      (memory.fill (i32.const 4096) (local.get $n) (i32.const 60000))
      (memory.copy (i32.const 4097) (i32.const 4096) (i32.const 60000))
      (memory.init $text (i32.const 64000) (i32.const 0) (i32.const 16))
      (if (i32.eq (i32.load8_u (i32.const 63999)) (i32.and (local.get $n) (i32.const 255)))
        (then (local.set $sum (i32.add (local.get $sum) (i32.const 1)))))
      (if (i32.eq (i32.load8_u (i32.const 64015)) (i32.const 102))
        (then (local.set $sum (i32.add (local.get $sum) (i32.const 1)))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (local.get $n)))
    (local.get $sum))

  ;; Loops without end.
  (func (export "endless") (loop $again (br $again)))
  (func (export "endless_br_table") (param $index i32)
    (loop $again
      (block $one
        (block $two
          (br_table $again $one $two (local.get $index)))
        (br $again))
      (br $again)))
  (func (export "endless_grow") (loop $again (drop (memory.grow (i32.const 0))) (br $again)))
  (func (export "endless_fill") (loop $again (memory.fill (i32.const 0) (i32.const 1) (i32.const 131072)) (br $again)))
  (func (export "endless_copy") (loop $again (memory.copy (i32.const 0) (i32.const 1) (i32.const 131071)) (br $again)))
  (func (export "endless_table")
    (loop $again (table.copy $functions $functions (i32.const 4) (i32.const 0) (i32.const 4)) (br $again)))
  (func (export "endless_host") (loop $again (drop (call $host (i32.const 0))) (br $again)))
  (func (export "endless_memory")
    (loop $again
      (i64.store (i32.const 131064) (i64.add (i64.load (i32.const 131064)) (i64.const 1)))
      (br $again)))
  (func (export "endless_sweep") (param $depth i32) (loop $again (drop (call $recurse (local.get $depth))) (br $again)))

  ;; Traps, each export under the name of its cause.
  (func (export "trap_unreachable") unreachable)
  (func (export "trap_load") (param $address i32) (result i32) (i32.load (local.get $address)))
  (func (export "trap_store") (param $address i32) (i64.store offset=1 (local.get $address) (i64.const -1)))
  (func (export "trap_far_load") (param $address i32) (result i32) (i32.load offset=0xfffffff0 (local.get $address)))
  (func (export "trap_fill") (memory.fill (i32.const 131000) (i32.const 1) (i32.const 73)))
  (func (export "trap_copy") (memory.copy (i32.const 0) (i32.const 131000) (i32.const 73)))
  (func (export "trap_init") (memory.init $text (i32.const 0) (i32.const 10) (i32.const 7)))
  (func (export "trap_divide") (param $by i32) (result i32) (i32.div_s (i32.const 1) (local.get $by)))
  (func (export "trap_remainder") (param $by i64) (result i64) (i64.rem_u (i64.const 1) (local.get $by)))
  (func (export "trap_overflow") (param $by i32) (result i32) (i32.div_s (i32.const 0x80000000) (local.get $by)))
  (func (export "trap_truncate") (param $value f64) (result i32) (i32.trunc_f64_s (local.get $value)))
  (func (export "trap_table") (param $index i32) (result i32) (ref.is_null (table.get $functions (local.get $index))))
  (func (export "trap_table_fill") (table.fill $functions (i32.const 7) (ref.null func) (i32.const 2)))
  (func (export "trap_null") (result i32) (call_indirect $functions (type $unary) (i32.const 0) (i32.const 3)))
  (func (export "trap_signature") (result i32) (call_indirect $functions (type $unary) (i32.const 0) (i32.const 1)))
  (func (export "trap_undefined") (param $index i32) (result i32)
    (call_indirect $functions (type $unary) (i32.const 0) (local.get $index)))
  (func $recurse_forever (export "trap_stack") (param $n i64) (result i64)
    (i64.add (local.get $n) (call $recurse_forever (i64.add (local.get $n) (i64.const 1)))))
  ;; Many locals that live across the call: a frame of some hundred bytes, whose spills hit the guard, too.
  (func $recurse_wide (export "trap_stack_wide") (param $n i64) (result i64)
    (local $a i64) (local $b i64) (local $c i64) (local $d i64) (local $e i64) (local $f i64) (local $g i64) (local $h i64)
    (local.set $a (i64.mul (local.get $n) (i64.const 3)))
    (local.set $b (i64.mul (local.get $a) (i64.const 5)))
    (local.set $c (i64.mul (local.get $b) (i64.const 7)))
    (local.set $d (i64.mul (local.get $c) (i64.const 9)))
    (local.set $e (i64.mul (local.get $d) (i64.const 11)))
    (local.set $f (i64.mul (local.get $e) (i64.const 13)))
    (local.set $g (i64.mul (local.get $f) (i64.const 15)))
    (local.set $h (call $recurse_wide (i64.xor (local.get $g) (i64.const 1))))
    (i64.add
      (i64.add (i64.add (local.get $a) (local.get $b)) (i64.add (local.get $c) (local.get $d)))
      (i64.add (i64.add (local.get $e) (local.get $f)) (i64.add (local.get $g) (local.get $h)))))
  ;; Recursion through the table, and through the host.
  (func $recurse_indirect (export "trap_stack_indirect") (param $n i32) (result i32)
    (table.set $functions (i32.const 5) (ref.func $recurse_indirect))
    (i32.add (local.get $n)
      (call_indirect $functions (type $unary) (i32.add (local.get $n) (i32.const 1)) (i32.const 5))))

  ;; Calls the host, then traps.
  (func (export "host_then_trap") (param $n i32) (result i32) (drop (call $host (local.get $n))) unreachable)
  ;; Calls the host between two frames of its own: 100 + host(n).
  (func $middle (param $n i32) (result i32) (i32.add (i32.const 90) (call $host (local.get $n))))
  (func (export "host_once") (param $n i32) (result i32) (i32.add (i32.const 10) (call $middle (local.get $n))))
  (elem declare func $recurse_indirect))
