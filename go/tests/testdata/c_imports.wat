;; Imports that the tests implement by C function pointers, beside one that Go implements: both kinds of leaving in one guest.
(module $c_imports
  (import "env" "c_add" (func $c_add (param i32 i32) (result i32)))
  (import "env" "c_mix" (func $c_mix (param i32 i64 f32 f64 i32 i64 f32 f64 i64 i64) (result f64)))
  (import "env" "c_registers" (func $c_registers (param f32 i32 f64 i64 i32 f64 i64) (result f32)))
  (import "env" "c_go" (func $c_go (param i32) (result i32)))      ;; C, which calls Go
  (import "env" "host" (func $host (param i32) (result i32)))      ;; Go
  (memory (export "memory") 1 4)
  (table (export "table") 2 2 funcref)
  (elem (i32.const 0) func $c_add $add)
  (func $add (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)

  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  ;; The sum 0 + 1 + ... + (n - 1), added up by C.
  (func (export "c_loop") (param $n i32) (result i32) (local $i i32) (local $sum i32)
    (block $done
      (loop $again
        (br_if $done (i32.ge_s (local.get $i) (local.get $n)))
        (local.set $sum (call $c_add (local.get $sum) (local.get $i)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $again)))
    (local.get $sum))
  (func (export "c_mix") (result f64)
    (call $c_mix (i32.const -1) (i64.const 2) (f32.const 3) (f64.const 4) (i32.const 5) (i64.const 6) (f32.const 7)
      (f64.const 8) (i64.const 9) (i64.const 10)))
  ;; As many integers as C takes in registers beside its context, and floats between them: 1 + 2 + ... + 7.
  (func (export "c_registers") (result f32)
    (call $c_registers (f32.const 1) (i32.const 2) (f64.const 3) (i64.const 4) (i32.const 5) (f64.const 6) (i64.const 7)))
  ;; n rounds of C, C that calls Go, and Go: 3n, if each adds one.
  (func (export "all_loop") (param $n i32) (result i32) (local $value i32)
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $value (call $c_add (local.get $value) (i32.const 1)))
        (local.set $value (call $c_go (local.get $value)))
        (local.set $value (call $host (local.get $value)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $again)))
    (local.get $value))
  (func (export "c_go") (param $n i32) (result i32) (call $c_go (local.get $n)))
  (func (export "c_go_then_trap") (param $n i32) (result i32) (drop (call $c_go (local.get $n))) unreachable)
  (func (export "host") (param $n i32) (result i32) (call $host (local.get $n)))
  (func (export "indirect") (param $index i32) (param $a i32) (param $b i32) (result i32)
    (call_indirect (param i32 i32) (result i32) (local.get $a) (local.get $b) (local.get $index)))
  (export "c_add_again" (func $c_add))
  (func (export "endless") (loop $again (br $again)))
  (func (export "endless_c") (loop $again (drop (call $c_add (i32.const 1) (i32.const 2))) (br $again)))
  (func (export "endless_c_go") (loop $again (drop (call $c_go (i32.const 1))) (br $again)))
  (func $recurse_forever (export "trap_stack") (param $n i64) (result i64)
    (i64.add (local.get $n) (call $recurse_forever (i64.add (local.get $n) (i64.const 1)))))
  (func $recurse_c (export "trap_stack_c") (param $n i32) (result i32)
    (i32.add (local.get $n) (call $recurse_c (call $c_add (local.get $n) (i32.const 1)))))
  (func $c_at_depth (export "c_at_depth") (param $depth i32) (result i32)
    (if (result i32) (i32.eqz (local.get $depth))
      (then (call $c_add (i32.const 0) (i32.const 0)))
      (else (i32.add (i32.const 1) (call $c_at_depth (i32.sub (local.get $depth) (i32.const 1)))))))
  (func (export "trap_load") (param $address i32) (result i32) (i32.load (local.get $address)))
  (func (export "trap_divide") (param $by i32) (result i32) (i32.div_s (i32.const 1) (local.get $by)))
  (func (export "trap_unreachable") unreachable))
