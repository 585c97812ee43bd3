;; Every way to trap, one export each, and loops that never end. Tests look at the trap's code, and that the process lives.
(module $traps
  (type $i32_to_i32 (func (param i32) (result i32)))
  (memory (export "memory") 1 2)
  (table 4 funcref)                                   ;; 0: identity, 1: returns_i64, 2 and 3: null
  (elem (i32.const 0) $identity $returns_i64)
  (global $spins (export "spins") (mut i64) (i64.const 0))

  (func $identity (param i32) (result i32) local.get 0)
  (func $returns_i64 (result i64) i64.const 7)

  (func (export "sane") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)

  (func $unreachable (export "unreachable") unreachable)

  (func (export "i32_div_s") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s)
  (func (export "i32_div_u") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_u)
  (func (export "i32_rem_s") (param i32 i32) (result i32) local.get 0 local.get 1 i32.rem_s)
  (func (export "i32_rem_u") (param i32 i32) (result i32) local.get 0 local.get 1 i32.rem_u)
  (func (export "i64_div_s") (param i64 i64) (result i64) local.get 0 local.get 1 i64.div_s)
  (func (export "i64_div_u") (param i64 i64) (result i64) local.get 0 local.get 1 i64.div_u)
  (func (export "i64_rem_s") (param i64 i64) (result i64) local.get 0 local.get 1 i64.rem_s)
  (func (export "i64_rem_u") (param i64 i64) (result i64) local.get 0 local.get 1 i64.rem_u)
  (func (export "div_by_zero") (result i32) i32.const 1 i32.const 0 i32.div_s)
  (func (export "div_overflow") (result i32) i32.const 0x80000000 i32.const -1 i32.div_s)

  (func (export "i32_trunc_f32_s") (param f32) (result i32) local.get 0 i32.trunc_f32_s)
  (func (export "i32_trunc_f64_u") (param f64) (result i32) local.get 0 i32.trunc_f64_u)
  (func (export "i64_trunc_f64_s") (param f64) (result i64) local.get 0 i64.trunc_f64_s)
  (func (export "trunc_nan") (result i32) f64.const nan i32.trunc_f64_s)
  (func (export "trunc_overflow") (result i32) f64.const 1e10 i32.trunc_f64_s)

  (func (export "load32") (param i32) (result i32) local.get 0 i32.load)
  (func (export "load64") (param i32) (result i64) local.get 0 i64.load)
  (func (export "store32") (param i32 i32) local.get 0 local.get 1 i32.store)
  (func (export "store64") (param i32 i64) local.get 0 local.get 1 i64.store)
  (func (export "load_far") (param i32) (result i32) local.get 0 i32.load offset=0xffffffff)
  (func (export "load_2g") (param i32) (result i32) local.get 0 i32.load offset=0x80000000)
  (func (export "out_of_bounds") (result i32) i32.const 65533 i32.load)
  (func (export "memory_grow") (param i32) (result i32) local.get 0 memory.grow)

  (func (export "call_indirect") (param i32) (result i32)  ;; the parameter is the table index; identity returns 5
    i32.const 5 local.get 0 call_indirect (type $i32_to_i32))
  (func (export "indirect_null") (result i32) i32.const 5 i32.const 2 call_indirect (type $i32_to_i32))
  (func (export "bad_signature") (result i32) i32.const 5 i32.const 1 call_indirect (type $i32_to_i32))
  (func (export "indirect_out_of_bounds") (result i32) i32.const 5 i32.const 4 call_indirect (type $i32_to_i32))

  ;; Recursion: without end, and to a depth with a result (the depth), so that tests can find how deep the stack goes.
  (func $recurse_forever (export "stack_overflow") (param i64) (result i64)
    local.get 0 i64.const 1 i64.add call $recurse_forever
    local.get 0 i64.add)
  (func $recurse (export "recurse") (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0))
      (then i32.const 0)
      (else (i32.add (i32.const 1) (call $recurse (i32.sub (local.get 0) (i32.const 1)))))))
  ;; Loops without end at a depth that the test chooses: against the stack's guard when it is the deepest that recurse reached.
  (func $recurse_and_spin (export "spin_at_depth") (param i32)
    (if (i32.eqz (local.get 0))
      (then (call $endless_loop))
      (else (call $recurse_and_spin (i32.sub (local.get 0) (i32.const 1)))
            (global.set $spins (i64.add (global.get $spins) (i64.const 1))))))
  ;; Goes to a depth and back without end, so that its stack pointer sweeps the stack, up to the guard when the depth is chosen so.
  (func (export "sweep_forever") (param i32)
    (loop $again
      (drop (call $recurse (local.get 0)))
      (global.set $spins (i64.add (global.get $spins) (i64.const 1)))
      br $again))

  (func $endless_loop (export "endless_loop") (loop $again br $again))
  (func (export "endless_loop_counting")
    (loop $again
      (global.set $spins (i64.add (global.get $spins) (i64.const 1)))
      br $again))
  (func (export "endless_br_table") (param i32)
    (loop $again
      (block $one
        (block $two
          (br_table $again $one $two (local.get 0)))
        br $again)
      br $again))
  ;; A loop that works in memory up to the last byte before its end, without end.
  (func (export "endless_loop_against_the_guard")
    (loop $again
      (i64.store (i32.const 65528) (i64.add (i64.load (i32.const 65528)) (i64.const 1)))
      br $again)))
