//! Modules whose functions are compiled when they are called.

use super::*;
use crate::compile::Bench;
use crate::fiber::Backtrace;
use crate::prelude::*;

fn lazy(text: &str) -> Module {
    Module::compile_lazy(&wat::parse_str(text).unwrap(), CompileOptions::default()).unwrap()
}

fn lazy_instance(linker: &Linker, module: &Module) -> Instance {
    linker.instantiate(&Store::new(), module, InstanceOptions::default()).unwrap()
}

/// How many functions are compiled.
fn compiled(module: &Module) -> usize {
    module.work().expect("not all functions are compiled").progress().0
}

fn complete(module: &Module) {
    let work = module.work().unwrap();
    let (_, functions) = work.progress();
    work.add(&work.compile(0..functions as u32, &mut Bench::new())).unwrap();
    assert_eq!(work.progress(), (functions, functions));
    work.complete(&work.gather().unwrap()).unwrap();
}

#[test]
fn functions_are_compiled_when_they_are_called() {
    let module = lazy(
        r#"(module
            (func $leaf (param i32) (result i32) (if (result i32) (local.get 0)
                (then (loop (br_if 0 (i32.const 0))) (i32.const 7)) (else (i32.const 9))))
            (func (export "a") (param i32) (result i32)
                (loop (br_if 0 (i32.const 0)))
                (i32.add (call $leaf (local.get 0)) (i32.const 1)))
            (func (export "b") (result i32) (loop (br_if 0 (i32.const 0))) (i32.const 5)))"#,
    );
    let instance = lazy_instance(&Linker::new(), &module);
    assert_eq!(compiled(&module), 0);
    assert_eq!(call(&instance, "b", &[]), 5);
    assert_eq!(compiled(&module), 1);
    assert_eq!([call(&instance, "a", &[1]), call(&instance, "a", &[0])], [8, 10]);
    assert_eq!(compiled(&module), 3);
    assert!(module.code_bytes() > 0 && module.serialize().is_err());
    complete(&module);
    assert!(module.work().is_none());
    let later = lazy_instance(&Linker::new(), &module);
    for instance in [&instance, &later] {
        assert_eq!([call(instance, "a", &[1]), call(instance, "b", &[])], [8, 5]);
    }
}

/// The first calls of a function that does not stay in a loop are by quickly made code, which is
/// not what the module is complete with.
#[test]
fn what_is_called_often_is_compiled_better() {
    // Too much to be inlined.
    let same = format!("{}(local.get 0){}", "(i32.xor (i32.const 0) ".repeat(20), ")".repeat(20));
    let module = lazy(&format!(
        r#"(module
            (func $brief (param i32) (result i32) (i32.add {same} (i32.const 1)))
            (func (export "brief") (param i32) (result i32) (call $brief (local.get 0)))
            (func (export "often") (param i32) (result i32)
                (loop (drop (call $brief (local.get 0)))
                    (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (i32.const 7)))"#
    ));
    let instance = lazy_instance(&Linker::new(), &module);
    assert_eq!([call(&instance, "brief", &[4]), call(&instance, "brief", &[5])], [5, 6]);
    assert_eq!(compiled(&module), 0);
    assert_eq!(call(&instance, "often", &[150]), 7);
    assert_eq!(compiled(&module), 1, "only the one with a loop");
    assert_eq!([call(&instance, "often", &[900]), call(&instance, "brief", &[4])], [7, 5]);
    assert_eq!(compiled(&module), 2);
    complete(&module);
    assert_eq!([call(&instance, "often", &[900]), call(&instance, "brief", &[4])], [7, 5]);
}

/// What is near to a called function is compiled before it is called.
#[test]
fn callees_are_compiled_ahead() {
    let module = lazy(
        r#"(module
            (import "m" "f" (func $f))
            (func $a (export "a") (result i32) (i32.add (call $b) (call $d)))
            (func $b (result i32) (call $c))
            (func $c (result i32) (i32.const 1))
            (func $d (result i32) (loop (br_if 0 (i32.const 0))) (i32.const 2))
            (func (export "e") (call $f)))"#,
    );
    let work = module.work().unwrap();
    let ahead = |bench: &mut Bench| -> Vec<_> {
        let batch = work.compile_ahead(0, bench);
        work.add(&batch).unwrap();
        batch.functions().collect()
    };
    let mut bench = Bench::new();
    assert_eq!(ahead(&mut bench), [1, 2, 3]);
    assert_eq!(ahead(&mut bench), [], "all have code, but the one with a loop");
    let mut linker = Linker::new();
    let ty = FuncType { params: vec![], results: vec![] };
    linker.define("m", "f", Extern::Func(Store::new().host_function(ty, 1, 2)));
    assert_eq!(call(&lazy_instance(&linker, &module), "a", &[]), 3);
    drop(work);
    complete(&module);
}

/// All integers, floats and vectors that registers hold, and more on the stack; results beyond the
/// registers, whose area takes the first register.
#[test]
fn arguments_are_kept() {
    let types = ["i64", "f64", "i32", "v128", "f32"];
    let params: Vec<_> = (0..30).map(|i| types[i % 5]).collect();
    let list = params.join(" ");
    let gets: String = (0..30).map(|i| format!("(local.get {i}) ")).collect();
    let consts: String = (0..30)
        .map(|i| match types[i % 5] {
            "v128" => format!("(v128.const i64x2 {i} {})", i + 100),
            ty => format!("({ty}.const {i}) "),
        })
        .collect();
    let checks: String = (0..30)
        .map(|i| match types[i % 5] {
            "v128" => format!(
                "(if (i64.ne (i64x2.extract_lane 0 (local.get {i})) (i64.const {i})) (then (return (i32.const {i}))))
                 (if (i64.ne (i64x2.extract_lane 1 (local.get {i})) (i64.const {})) (then (return (i32.const {i}))))",
                i + 100
            ),
            ty => format!("(if ({ty}.ne (local.get {i}) ({ty}.const {i})) (then (return (i32.const {i}))))"),
        })
        .collect();
    let text = format!(
        r#"(module
            (type $many (func (param {list}) (result {list})))
            (type $check (func (param {list}) (result i32)))
            (table 2 funcref) (elem (i32.const 0) $same $checks)
            (func $same (type $many) {gets})
            (func $checks (type $check) {checks} (i32.const 1000))
            (func (export "direct") (result i32) (call $checks (call $same {consts})))
            (func (export "indirect") (result i32)
                (call_indirect (type $check) (call_indirect (type $many) {consts} (i32.const 0)) (i32.const 1)))
            (func (export "tail") (result i32) (return_call $checks (call $same {consts})))
            (func (export "tail_indirect") (result i32)
                (return_call_indirect (type $check) (call $same {consts}) (i32.const 1))))"#
    );
    for name in ["direct", "indirect", "tail", "tail_indirect"] {
        let module = lazy(&text);
        let instance = lazy_instance(&Linker::new(), &module);
        assert_eq!([call(&instance, name, &[]), call(&instance, name, &[])], [1000; 2], "{name}");
        complete(&module);
        assert_eq!(call(&instance, name, &[]), 1000, "{name}");
    }
}

#[test]
fn the_backtrace_of_a_trap_is_the_same() {
    let text = r#"(module
        (func $inner (param i32) (i32.div_s (i32.const 1) (local.get 0)) (drop) (loop (br_if 0 (i32.const 0))))
        (func $middle (param i32) (loop (br_if 0 (i32.const 0))) (call $inner (local.get 0)) (loop))
        (func (export "outer") (param i32) (result i32) (call $middle (local.get 0)) (loop) (i32.const 3)))"#;
    let trapped = |instance: &Instance| {
        let function = function(instance, "outer");
        let host = &mut |_: &crate::abi::vmctx::HostFunction, _: &mut [u64]| Ok::<(), ()>(());
        // SAFETY: as in `try_call`.
        match unsafe { run(function.record(), function.store_pointer(), &mut [0], host) } {
            Err(Stop::Trap { code, backtrace: Backtrace { frames, .. } }) => {
                (code, frames.iter().map(|frame| (frame.function, frame.wasm_offset)).collect::<Vec<_>>())
            }
            other => panic!("{other:?}"),
        }
    };
    let expected = trapped(&instance(&Linker::new(), text));
    assert_eq!((expected.0, expected.1.len()), (TrapCode::IntegerDivideByZero, 3));
    let module = lazy(text);
    let instance = lazy_instance(&Linker::new(), &module);
    // Once while it is compiled, then in what is there.
    assert_eq!([trapped(&instance), trapped(&instance)], [expected.clone(), expected.clone()]);
    complete(&module);
    assert_eq!([trapped(&instance), trapped(&lazy_instance(&Linker::new(), &module))], [expected.clone(), expected]);
}

/// A module that was compiled to its end is byte for byte what compiling it at once makes.
#[test]
fn what_was_completed_is_what_compiling_makes() {
    let functions: String = (0..60)
        .map(|i| {
            format!(
                r#"(func $f{i} (export "f{i}") (param i32) (result i32)
                    (if (i32.eqz (local.get 0)) (then (return (i32.load (i32.const {i})))))
                    (loop (br_if 0 (i32.const 0)))
                    (i32.add (call $small (local.get 0)) (call $f{} (i32.sub (local.get 0) (i32.const 1)))))"#,
                (i * 7 + 3) % 60
            )
        })
        .collect();
    let text = format!(
        r#"(module (import "m" "f" (func (param i32))) (memory 1)
            (func $small (param i32) (result i32) (i32.div_u (i32.const 100) (local.get 0))) {functions})"#
    );
    let ty = FuncType { params: vec![ValType::I32], results: vec![] };
    let eager = module(&text).serialize().unwrap();
    for calls in [0, 25] {
        let module = lazy(&text);
        let mut linker = Linker::new();
        linker.define("m", "f", Extern::Func(Store::new().host_function(ty.clone(), 1, 2)));
        let instance = lazy_instance(&linker, &module);
        if calls > 0 {
            call(&instance, "f1", &[calls]);
        }
        complete(&module);
        assert!(module.serialize().unwrap() == eager, "after {calls} calls");
    }
}

#[test]
fn many_threads_call_what_is_not_compiled() {
    let functions: String = (0..100)
        .map(|i| format!(r#"(func (export "f{i}") (param i32) (result i32) (i32.add (local.get 0) (i32.const {i})))"#))
        .collect();
    let module = lazy(&format!("(module {functions})"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let module = &module;
            scope.spawn(move || {
                let instance = lazy_instance(&Linker::new(), module);
                for i in 0..100 {
                    assert_eq!(call(&instance, &format!("f{i}"), &[1000]), 1000 + i);
                }
            });
        }
        scope.spawn(|| complete(&module));
    });
    assert!(module.work().is_none());
}

/// Records of functions and blocks of instances that are gone hold addresses in the code: those of
/// pieces are of no use when the pieces are gone.
#[test]
fn what_instances_share_belongs_to_the_code() {
    let text = r#"(module
        (type $number (func (result i32)))
        (table 1 funcref) (elem (i32.const 0) $seven)
        (func $seven (export "seven") (type $number) (loop (br_if 0 (i32.const 0))) (i32.const 7))
        (func (export "indirect") (result i32) (call_indirect (type $number) (i32.const 0))))"#;
    let module = lazy(text);
    let check = |instance: &Instance| {
        assert_eq!([call(instance, "indirect", &[]), call(instance, "seven", &[])], [7; 2]);
    };
    let code_of = |instance: &Instance| function(instance, "seven").record().code as usize;
    // One is there while the module gets its code, and another one goes before and leaves its
    // block.
    let before = lazy_instance(&Linker::new(), &module);
    for _ in 0..2 {
        check(&lazy_instance(&Linker::new(), &module));
    }
    check(&before);
    complete(&module);
    let (start, bodies) = module.bodies();
    let whole = start..start + bodies.iter().map(|(range, _)| range.end as usize).max().unwrap();
    for _ in 0..2 {
        let after = lazy_instance(&Linker::new(), &module);
        assert!(whole.contains(&code_of(&after)) && !whole.contains(&code_of(&before)));
        check(&after);
    }
    check(&before);
    drop(before);
    for _ in 0..2 {
        check(&lazy_instance(&Linker::new(), &module));
    }
}

/// A function that is too complex to be optimised is compiled as by `OptLevel::None`, and all are
/// where that was chosen.
#[test]
fn levels_of_optimisation_are_those_of_compiling_at_once() {
    // More loops in each other than are optimised, and a function that is.
    let deep = format!("{}(local.get 0) drop {}", "(loop ".repeat(400), "(br_if 0 (local.get 0)))".repeat(400));
    let text = format!(
        r#"(module
            (func (export "deep") (param i32) {deep})
            (func (export "a") (param i32) (result i32) (loop (br_if 0 (i32.const 0)))
                (i32.add (i32.mul (local.get 0) (i32.const 1)) (i32.const 0))))"#
    );
    let bytes = wat::parse_str(&text).unwrap();
    for opt_level in [OptLevel::Speed, OptLevel::None] {
        let options = CompileOptions { opt_level, ..CompileOptions::default() };
        let eager = Module::compile(&bytes, options).unwrap();
        let module = Module::compile_lazy(&bytes, options).unwrap();
        let instance = lazy_instance(&Linker::new(), &module);
        assert_eq!(call(&instance, "a", &[5]), 5);
        complete(&module);
        assert!(module.serialize().unwrap() == eager.serialize().unwrap(), "{opt_level:?}");
    }
}

/// Instances of such a module are reset, and made of snapshots, before and after it is complete.
#[test]
fn instances_are_reset() {
    let module = lazy(
        r#"(module (memory 1) (data (i32.const 0) "\2a")
            (global $calls (mut i32) (i32.const 0))
            (func (export "count") (result i32)
                (loop (br_if 0 (i32.const 0)))
                (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1)))
                (i32.add (i32.load8_u (i32.const 0)) (i32.mul (i32.const 1000) (global.get $calls)))))"#,
    );
    let instance = lazy_instance(&Linker::new(), &module);
    for completed in [false, true] {
        if completed {
            complete(&module);
        }
        for _ in 0..2 {
            assert_eq!([call(&instance, "count", &[]), call(&instance, "count", &[])], [1043, 2044], "{completed}");
            // SAFETY: no code of it runs.
            unsafe { instance.reset().unwrap() };
        }
    }
}
