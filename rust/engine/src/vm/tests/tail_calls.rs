//! Tail calls: the stack stays as it is, whatever is called; traps in what was called name it, and
//! not what has gone.

use super::*;
use crate::fiber::Backtrace;
use crate::prelude::*;

/// More than any stack has room for as ordinary calls.
const MANY: u64 = 10_000_000;

/// The functions of a trap's backtrace, innermost first.
fn trapped(instance: &Instance, name: &str, arguments: &[u64]) -> (TrapCode, Vec<u32>) {
    let function = function(instance, name);
    let mut slots = arguments.to_vec();
    slots.resize(function.ty().slots(), 0);
    let host = &mut |_: &crate::abi::vmctx::HostFunction, _: &mut [u64]| Ok::<(), ()>(());
    // SAFETY: as in `try_call`.
    match unsafe { run(function.record(), function.store_pointer(), &mut slots, host) } {
        Err(Stop::Trap { code, backtrace: Backtrace { frames, .. } }) => {
            (code, frames.iter().map(|frame| frame.function).collect())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn many_take_no_stack() {
    let even_and_odd = instance(
        &Linker::new(),
        r#"(module
            (type $t (func (param i64) (result i32)))
            (table 2 funcref) (elem (i32.const 0) $even_by_table $odd_by_table)
            (func $even (export "even") (type $t)
                (if (i64.eqz (local.get 0)) (then (return (i32.const 1))))
                (return_call $odd (i64.sub (local.get 0) (i64.const 1))))
            (func $odd (type $t)
                (if (i64.eqz (local.get 0)) (then (return (i32.const 0))))
                (return_call $even (i64.sub (local.get 0) (i64.const 1))))
            (func $even_by_table (export "even_by_table") (type $t)
                (if (i64.eqz (local.get 0)) (then (return (i32.const 1))))
                (return_call_indirect (type $t) (i64.sub (local.get 0) (i64.const 1)) (i32.const 1)))
            (func $odd_by_table (type $t)
                (if (i64.eqz (local.get 0)) (then (return (i32.const 0))))
                (return_call_indirect (type $t) (i64.sub (local.get 0) (i64.const 1)) (i32.const 0)))
            (func $sum (export "sum") (param i64 i64) (result i64)
                (if (i64.eqz (local.get 0)) (then (return (local.get 1))))
                (return_call $sum (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 0) (local.get 1)))))"#,
    );
    for name in ["even", "even_by_table"] {
        assert_eq!([MANY, MANY + 1].map(|n| call(&even_and_odd, name, &[n])), [1, 0], "{name}");
    }
    assert_eq!(call(&even_and_odd, "sum", &[MANY, 0]), MANY * (MANY + 1) / 2);
}

/// Arguments beyond the registers, more and fewer than the caller has, and results beyond the
/// registers.
#[test]
fn arguments_and_results_on_the_stack() {
    let list = |ty: &str, count: usize| [ty].repeat(count).join(" ");
    let gets = |count: usize| (0..count).map(|i| format!("(local.get {i}) ")).collect::<String>();
    let zeros = |count: usize| "(i64.const 7) ".repeat(count);
    for (few, many, results) in [(1, 40, 1), (9, 10, 1), (3, 1000, 1), (2, 12, 30), (11, 200, 1000)] {
        let text = format!(
            r#"(module
                (type $few (func (param {few_params}) (result {results_list})))
                (type $many (func (param {many_params}) (result {results_list})))
                (table 1 funcref) (elem (i32.const 0) $many)
                (func $few (export "few") (type $few)
                    (if (result {results_list}) (i64.eqz (local.get 0))
                        (then {last} (return))
                        (else (return_call $many {gets_few} {zeros}))))
                (func $many (type $many)
                    (return_call $few (i64.sub (local.get 0) (i64.const 1)) {gets_rest}))
                (func (export "indirect") (type $few)
                    (return_call_indirect (type $many) {gets_few} {zeros} (i32.const 0)))
                (func (export "called") (type $few) (call $few {gets_few})))"#,
            few_params = list("i64", few),
            many_params = list("i64", many),
            results_list = list("i64", results),
            last = (0..results).map(|i| format!("(i64.const {}) ", i + 5)).collect::<String>(),
            gets_few = gets(few),
            zeros = zeros(many - few),
            gets_rest = gets(few).split_once(')').map_or("", |(_, rest)| rest),
        );
        let instance = instance(&Linker::new(), &text);
        for name in ["few", "indirect", "called"] {
            let function = function(&instance, name);
            let mut slots = vec![100_000; function.ty().slots()];
            let host = &mut |_: &crate::abi::vmctx::HostFunction, _: &mut [u64]| Ok::<(), ()>(());
            // SAFETY: the handle keeps the function alive; the slots are those of its type.
            unsafe { run(function.record(), function.store_pointer(), &mut slots, host) }.unwrap();
            let expected: Vec<u64> = (5..results as u64 + 5).collect();
            assert_eq!(slots[..results], expected, "{name}: {few} to {many} parameters, {results} results");
        }
    }
}

#[test]
fn across_instances_and_to_the_host() {
    let store = Store::new();
    let mut linker = Linker::new();
    let ty = FuncType { params: vec![ValType::I64], results: vec![ValType::I64] };
    linker.define("env", "f", Extern::Func(store.host_function(ty, 3, 4)));
    let table = store.table(TableType::new(ValType::FuncRef, Limits { min: 1, max: None })).unwrap();
    linker.define("env", "table", Extern::Table(table.clone()));
    let first = instance(
        &linker,
        r#"(module
            (type $t (func (param i64) (result i64)))
            (import "env" "f" (func $f (type $t)))
            (import "env" "table" (table 1 funcref))
            (global $count (mut i64) (i64.const 0))
            (func (export "count") (result i64) (global.get $count))
            (func (export "pong") (type $t)
                (global.set $count (i64.add (global.get $count) (i64.const 1)))
                (if (i64.eqz (local.get 0)) (then (return_call $f (i64.const 9))))
                (return_call_indirect (type $t) (i64.sub (local.get 0) (i64.const 1)) (i32.const 0)))
            (func (export "host") (type $t) (return_call $f (local.get 0))))"#,
    );
    linker.define_instance("first", &first);
    let second = instance(
        &linker,
        r#"(module
            (type $t (func (param i64) (result i64)))
            (import "first" "pong" (func $pong (type $t)))
            (import "env" "table" (table 1 funcref))
            (elem (i32.const 0) $ping)
            (func $ping (export "ping") (type $t) (return_call $pong (local.get 0)))
            (elem declare func $ping))"#,
    );
    assert_eq!(call(&first, "host", &[1]), 304);
    assert_eq!(call(&second, "ping", &[1_000_000]), 304, "the host function's answer is that of the first caller");
    assert_eq!(call(&first, "count", &[]), 1_000_001);
    assert!(table.get_function(0).is_some());
}

#[test]
fn traps_name_what_runs() {
    let instance = instance(
        &Linker::new(),
        r#"(module
            (type $t (func (param i32) (result i32)))
            (table 2 funcref) (elem (i32.const 0) $divide)
            (memory 1)
            (func $divide (type $t) (i32.div_u (i32.const 1) (local.get 0)))
            (func $through (type $t) (local i64 i64 i64)
                (loop (br_if 0 (i32.lt_u (local.get 0) (i32.const 0))))
                (return_call $divide (local.get 0)))
            (func (export "direct") (type $t) (i32.add (call $through (local.get 0)) (i32.const 1)))
            (func $by_table (type $t)
                (loop (br_if 0 (i32.lt_u (local.get 0) (i32.const 0))))
                (return_call_indirect (type $t) (i32.const 0) (local.get 0)))
            (func (export "indirect") (type $t) (i32.add (call $by_table (local.get 0)) (i32.const 1)))
            (func (export "load") (type $t) (return_call $divide (i32.load (local.get 0))))
            (func $deep (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
                (i32.add (i32.const 1) (call $shallow (local.get 0))))
            (func $shallow (export "overflow") (type $t)
                (loop (br_if 0 (i32.lt_u (local.get 0) (i32.const 0))))
                (return_call $deep (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
                    (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0))))"#,
    );
    assert_eq!(trapped(&instance, "direct", &[0]), (TrapCode::IntegerDivideByZero, vec![0, 2]));
    assert_eq!(trapped(&instance, "indirect", &[0]), (TrapCode::IntegerDivideByZero, vec![0, 4]));
    assert_eq!(trapped(&instance, "indirect", &[1]), (TrapCode::IndirectCallToNull, vec![3, 4]));
    assert_eq!(trapped(&instance, "indirect", &[2]), (TrapCode::UndefinedElement, vec![3, 4]));
    assert_eq!(trapped(&instance, "load", &[65_536]), (TrapCode::MemoryOutOfBounds, vec![5]));
    assert_eq!(trapped(&instance, "load", &[0]), (TrapCode::IntegerDivideByZero, vec![0]));
    let (code, frames) = trapped(&instance, "overflow", &[0]);
    assert_eq!(code, TrapCode::StackOverflow);
    assert!(frames.len() > 10 || frames.len() == 1, "{frames:?}");
    assert!(frames[1..].iter().all(|frame| *frame == 6), "only frames that were called are left: {frames:?}");
}

/// Frames just too small to be probed, below argument areas that a tail call has made larger: the
/// stack's end is never jumped over.
#[test]
fn large_frames_and_argument_areas_end_in_the_guard() {
    const PARAMS: usize = 1000;
    for locals in [900, 1000, 1500, 1900, 1980, 2020, 2040, 2060, 2100, 3000] {
        let list = |count: usize| "v128 ".repeat(count);
        let text = format!(
            r#"(module
                (memory 1)
                (type $many (func (param {params})))
                (table 1 funcref) (elem (i32.const 0) $many)
                (func $large (export "large") (param i32)
                    (local {locals_list})
                    {loads}
                    (call $few (local.get 0))
                    {stores})
                (func $few (param i32) (return_call_indirect (type $many) {arguments} (i32.const 0)))
                (func $many (type $many)
                    (call $large (i32.add (i32x4.extract_lane 0 (local.get 999)) (i32.const 16)))
                    (v128.store (i32.const 0) (local.get 998))))"#,
            params = list(PARAMS),
            locals_list = list(locals),
            loads = (1..=locals).map(|i| format!("(local.set {i} (v128.load (local.get 0)))")).collect::<String>(),
            stores = (1..=locals)
                .map(|i| format!(
                    "(v128.store offset=16 (i32.const 0) (i8x16.add (local.get {i}) (v128.load (i32.const {i}))))"
                ))
                .collect::<String>(),
            arguments = "(i32x4.splat (i32.and (local.get 0) (i32.const 0xff)))".repeat(PARAMS),
        );
        let instance = instance(&Linker::new(), &text);
        assert_eq!(try_call(&function(&instance, "large"), &[0]), Err(TrapCode::StackOverflow), "{locals} locals");
    }
}
