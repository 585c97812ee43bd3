//! Instances end to end: linked, initialised, called.

#![allow(unsafe_code)] // runs guests

mod files;
mod images;
mod lazy;
mod memories;
mod tail_calls;

use super::*;
use crate::error::ErrorKind;
use crate::options::{BoundsMode, CompileOptions, OptLevel};
use crate::trap::TrapCode;
use crate::types::{FuncType, GlobalType, Limits, MemoryType, TableType, ValType};

const EXPLICIT: CompileOptions =
    CompileOptions { bounds: BoundsMode::Explicit, canonicalize_nans: false, opt_level: OptLevel::Speed };

fn module_with(text: &str, options: CompileOptions) -> Module {
    Module::compile(&wat::parse_str(text).unwrap(), options).unwrap()
}

fn module(text: &str) -> Module {
    module_with(text, CompileOptions::default())
}

fn instance(linker: &Linker, text: &str) -> Instance {
    linker.instantiate(&Store::new(), &module(text), InstanceOptions::default()).unwrap()
}

fn function(instance: &Instance, name: &str) -> FuncHandle {
    match instance.export(name) {
        Some(Extern::Func(function)) => function,
        other => panic!("{name} is {other:?}"),
    }
}

fn table(instance: &Instance, name: &str) -> TableHandle {
    match instance.export(name) {
        Some(Extern::Table(table)) => table,
        other => panic!("{name} is {other:?}"),
    }
}

/// Calls a function whose host functions answer 100 times their instance plus their index.
fn try_call(function: &FuncHandle, slots: &[u64]) -> Result<u64, TrapCode> {
    let mut slots = slots.to_vec();
    slots.resize(slots.len().max(1), 0);
    let host = &mut |callee: &crate::abi::vmctx::HostFunction, slots: &mut [u64]| {
        if let Some(slot) = slots.first_mut() {
            *slot = callee.instance_id * 100 + callee.function_index;
        }
        Ok::<(), ()>(())
    };
    // SAFETY: the handle keeps the function alive, and the tests pass slots of its types.
    match unsafe { run(function.record(), function.store_pointer(), &mut slots, host) } {
        Ok(()) => Ok(slots[0]),
        Err(Stop::Trap { code, .. }) => Err(code),
        Err(stop) => panic!("{stop:?}"),
    }
}

fn call(instance: &Instance, name: &str, slots: &[u64]) -> u64 {
    try_call(&function(instance, name), slots).unwrap()
}

#[test]
fn memories_tables_and_globals_are_shared_through_exports() {
    let mut linker = Linker::new();
    let owner = instance(
        &linker,
        r#"(module
            (memory (export "memory") 1 5)
            (table (export "table") 4 20 funcref)
            (global (export "count") (mut i32) (i32.const 40))
            (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0)))
            (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
            (func (export "pages") (result i32) (memory.size)))"#,
    );
    linker.define_instance("owner", &owner);
    let user = instance(
        &linker,
        r#"(module
            (import "owner" "memory" (memory 1))
            (import "owner" "table" (table 2 funcref))
            (import "owner" "count" (global $count (mut i32)))
            (func $two (result i32) (global.set $count (i32.add (global.get $count) (i32.const 2))) (global.get $count))
            (elem (i32.const 1) $two)
            (data (i32.const 7) "x")
            (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
            (func (export "grow_table") (param i32) (result i32) (table.grow (ref.func $two) (local.get 0))))"#,
    );
    assert!(owner.store().is(user.store()), "linked instances are one store");
    assert_eq!(call(&owner, "load", &[7]), u64::from(b'x'));
    assert_eq!(call(&user, "grow", &[3]), 1);
    assert_eq!(call(&owner, "pages", &[]), 4);
    assert_eq!(call(&user, "grow", &[2]), 0xffff_ffff);
    assert_eq!(call(&user, "grow_table", &[2]), 4);
    assert_eq!(call(&user, "grow_table", &[0xffff_ffff]), 0xffff_ffff);
    // What the user has written to the table outlives its handle, as the owner's handle keeps the
    // store.
    drop((user, linker));
    assert_eq!(call(&owner, "call", &[1]), 42);
    assert_eq!(call(&owner, "call", &[5]), 44);
    assert_eq!(try_call(&function(&owner, "call"), &[0]), Err(TrapCode::IndirectCallToNull));
    assert_eq!(try_call(&function(&owner, "call"), &[6]), Err(TrapCode::UndefinedElement));
    let Some(Extern::Global(count)) = owner.export("count") else { panic!() };
    assert_eq!(count.get(), 44);
    count.set(1).unwrap();
    assert_eq!(call(&owner, "call", &[1]), 3);
}

#[test]
fn host_functions_are_called_directly_re_exported_and_through_tables() {
    let store = Store::new();
    let ty = FuncType { params: vec![ValType::I64], results: vec![ValType::I64] };
    let mut linker = Linker::new();
    linker.define("env", "f", Extern::Func(store.host_function(ty.clone(), 3, 4)));
    let first = instance(
        &linker,
        r#"(module
            (import "env" "f" (func $f (param i64) (result i64)))
            (export "again" (func $f))
            (table (export "table") 1 funcref)
            (elem (i32.const 0) $f)
            (func (export "direct") (param i64) (result i64) (call $f (local.get 0)))
            (func (export "indirect") (param i64) (result i64)
                (call_indirect (param i64) (result i64) (local.get 0) (i32.const 0))))"#,
    );
    for name in ["again", "direct", "indirect"] {
        assert_eq!(call(&first, name, &[9]), 304, "{name}");
    }
    assert_eq!(table(&first, "table").get_function(0).unwrap().ty(), &ty);
    linker.define_instance("first", &first);
    let second = instance(
        &linker,
        r#"(module
            (import "first" "again" (func $f (param i64) (result i64)))
            (func (export "call") (param i64) (result i64) (call $f (local.get 0))))"#,
    );
    assert_eq!(call(&second, "call", &[9]), 304);
    // SAFETY: an import's context is a host function's record, whose header is the owner's.
    let header = unsafe { &*function(&first, "again").record().vmctx.cast::<crate::abi::vmctx::Header>() };
    assert_eq!((header.magic, header.store), (crate::abi::vmctx::HOST_MAGIC, first.store_pointer()));
}

#[test]
fn wrong_imports_are_named_with_both_types() {
    let store = Store::new();
    let mut linker = Linker::new();
    let wanting = |linker: &Linker, import: &str| {
        let module = module(&format!("(module (import \"env\" \"sum\" {import}))"));
        linker.instantiate(&store, &module, InstanceOptions::default()).unwrap_err()
    };
    let error = wanting(&linker, "(func (param i32 i32) (result i32))");
    assert_eq!(error.kind(), ErrorKind::Link);
    assert_eq!(error.message(), "Import not found, namespace: env, name: sum");
    let ty = FuncType { params: vec![ValType::I32], results: vec![] };
    linker.define("env", "sum", Extern::Func(store.host_function(ty, 0, 0)));
    let error = wanting(&linker, "(func (param i32 i32) (result i32))");
    assert_eq!(error.kind(), ErrorKind::Link);
    let expected =
        "Import `env.sum` has the wrong type: expected function [i32 i32] -> [i32], given function [i32] -> []";
    assert_eq!(error.message(), expected);
    let error = wanting(&linker, "(memory 1 2)");
    let expected = "Import `env.sum` has the wrong type: expected memory {min 1, max 2}, given function [i32] -> []";
    assert_eq!(error.message(), expected);
    // The present size counts.
    let memory = store.memory(MemoryType::new(Limits { min: 1, max: Some(4) })).unwrap();
    linker.define("env", "sum", Extern::Memory(memory.clone()));
    let error = wanting(&linker, "(memory 2 4)");
    let expected = "Import `env.sum` has the wrong type: expected memory {min 2, max 4}, given memory {min 1, max 4}";
    assert_eq!(error.message(), expected);
    memory.grow(1).unwrap();
    instance(&linker, "(module (import \"env\" \"sum\" (memory 2 4)))");
    let missing =
        Instance::new(&store, &module("(module (import \"a\" \"b\" (func)))"), &[], InstanceOptions::default());
    assert_eq!(missing.unwrap_err().message(), "Import not found, namespace: a, name: b");
}

#[test]
fn modules_without_checks_refuse_memories_without_guards() {
    let store = Store::new();
    let ty = MemoryType::new(Limits { min: 1, max: None });
    let text = "(module (import \"a\" \"m\" (memory 1)) (func (export \"f\") (result i32) (memory.size)))";
    let explicit = Extern::Memory(store.memory_with(ty, BoundsMode::Explicit).unwrap());
    let options = InstanceOptions::default();
    let error = Instance::new(&store, &module(text), std::slice::from_ref(&explicit), options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Link);
    assert!(error.message().contains("explicit bounds checks"), "{error}");
    let guarded = Extern::Memory(store.memory(ty).unwrap());
    for memory in [explicit, guarded] {
        let instance = Instance::new(&store, &module_with(text, EXPLICIT), &[memory], options).unwrap();
        assert_eq!(call(&instance, "f", &[]), 1);
    }
}

#[test]
fn active_segments_trap_one_by_one_and_what_was_written_stays() {
    let mut linker = Linker::new();
    let owner = instance(
        &linker,
        r#"(module
            (memory (export "memory") 1)
            (table (export "table") 2 funcref)
            (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
            (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0))))"#,
    );
    linker.define_instance("owner", &owner);
    let fail = |fields: &str| {
        let text = format!(
            r#"(module (import "owner" "memory" (memory 1)) (import "owner" "table" (table 2 funcref))
                (func $seven (result i32) (i32.const 7)) {fields})"#
        );
        linker.instantiate(&Store::new(), &module(&text), InstanceOptions::default()).unwrap_err()
    };
    let error = fail("(elem (i32.const 0) $seven) (elem (i32.const 1) $seven $seven) (data (i32.const 0) \"a\")");
    assert_eq!((error.kind(), error.trap()), (ErrorKind::Instantiate, Some(TrapCode::TableOutOfBounds)));
    let text =
        "out of bounds table access: element segment 1 of 2 items at offset 1 does not fit table 0 of 2 elements";
    assert_eq!(error.message(), text);
    assert_eq!(call(&owner, "call", &[0]), 7, "the half-made instance lives as long as its function");
    assert_eq!(try_call(&function(&owner, "call"), &[1]), Err(TrapCode::IndirectCallToNull));
    assert_eq!(call(&owner, "load", &[0]), 0);
    let error = fail("(data (i32.const 3) \"a\") (data (i32.const -1) \"b\") (data (i32.const 4) \"c\")");
    assert_eq!(error.trap(), Some(TrapCode::MemoryOutOfBounds));
    assert_eq!([3, 4].map(|at| call(&owner, "load", &[at])), [u64::from(b'a'), 0]);
    // Empty segments may lie at the end, not beyond it.
    let error = fail("(data (i32.const 65536) \"\") (elem (i32.const 2)) (elem (i32.const 3))");
    assert_eq!(error.trap(), Some(TrapCode::TableOutOfBounds));
}

#[test]
fn constant_expressions_give_their_values() {
    let store = Store::new();
    let mut linker = Linker::new();
    let global = |value, slot| Extern::Global(store.global(GlobalType { value, mutable: false }, slot).unwrap());
    linker.define("env", "at", global(ValType::I32, 9));
    linker.define("env", "handle", global(ValType::ExternRef, 77));
    let instance = instance(
        &linker,
        r#"(module
            (import "env" "at" (global $at i32))
            (import "env" "handle" (global $handle externref))
            (global $f (export "f") funcref (ref.func $eleven))
            (global (export "i64") i64 (i64.const -2))
            (global (export "f32") (mut f32) (f32.const -1))
            (global (export "f64") f64 (f64.const 1))
            (global (export "copy") i32 (global.get $at))
            (global (export "handle") externref (global.get $handle))
            (table (export "externs") 1 externref)
            (table (export "functions") 3 funcref)
            (elem (table 0) (i32.const 0) externref (item (global.get $handle)))
            (elem $passive funcref (ref.func $eleven) (ref.null func))
            (memory 1)
            (data $late "hello")
            (data (global.get $at) "now")
            (func $eleven (export "eleven") (result i32) (i32.const 11))
            (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
            (func (export "late")
                (memory.init $late (i32.const 20) (i32.const 1) (i32.const 3))
                (table.init 1 $passive (i32.const 1) (i32.const 0) (i32.const 2))
                (data.drop $late) (elem.drop $passive)))"#,
    );
    let value = |name| match instance.export(name) {
        Some(Extern::Global(global)) => global.get(),
        other => panic!("{other:?}"),
    };
    assert_eq!(value("i64"), (-2i64).cast_unsigned());
    assert_eq!(value("f32"), u64::from((-1f32).to_bits()));
    assert_eq!((value("f64"), value("copy"), value("handle")), (1f64.to_bits(), 9, 77));
    assert_eq!(value("f"), function(&instance, "eleven").slot());
    assert_eq!(table(&instance, "externs").get(0), Some(77));
    assert_eq!(call(&instance, "load", &[9]), u64::from(b'n'));
    call(&instance, "late", &[]);
    assert_eq!(call(&instance, "load", &[20]), u64::from(b'e'));
    let functions = table(&instance, "functions");
    assert!(functions.get_function(0).is_none() && functions.get_function(2).is_none());
    assert_eq!(try_call(&functions.get_function(1).unwrap(), &[]), Ok(11));
    assert_eq!(try_call(&function(&instance, "late"), &[]), Err(TrapCode::MemoryOutOfBounds), "both were dropped");
}

#[test]
fn limits_of_the_embedder_hold() {
    let module = module(
        "(module (memory (export \"m\") 2) (table 3 funcref) (func (export \"grow\") (result i32) (memory.grow (i32.const 1))))",
    );
    let with = |pages, elements| {
        let options = InstanceOptions {
            max_memory_pages: Some(pages),
            max_table_elements: Some(elements),
            ..InstanceOptions::default()
        };
        Instance::new(&Store::new(), &module, &[], options)
    };
    let instance = with(3, 3).unwrap();
    assert_eq!(call(&instance, "grow", &[]), 2);
    assert_eq!(call(&instance, "grow", &[]), 0xffff_ffff);
    for (pages, elements) in [(1, 3), (2, 2)] {
        let error = with(pages, elements).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Resource);
        assert!(error.message().contains("set by the embedder"), "{error}");
    }
}

#[test]
fn values_that_the_embedder_must_not_make_up_are_refused() {
    let store = Store::new();
    let ty = |value, mutable| GlobalType { value, mutable };
    assert!(store.global(ty(ValType::FuncRef, true), 8).is_err());
    assert!(store.global(ty(ValType::I32, true), 1 << 32).is_err());
    assert!(store.global(ty(ValType::V128, true), 0).is_err());
    assert!(store.global(ty(ValType::I32, false), 1).unwrap().set(2).is_err());
    let limits = Limits { min: 1, max: None };
    assert!(store.table(TableType::new(ValType::I32, limits)).is_err());
    let table = store.table(TableType::new(ValType::FuncRef, limits)).unwrap();
    assert!(table.set(0, 8).is_err() && table.set(1, 0).is_err() && table.set(0, 0).is_ok());
    assert!(table.set_function(0, &store.host_function(FuncType::default(), 0, 0)).is_err());
}

#[test]
fn instances_are_made_and_freed_by_many_threads() {
    let module = module(
        "(module (memory (export \"m\") 1) (func (export \"f\") (result i32) (i32.load (i32.const 0))) (func (export \"s\") (i32.store (i32.const 0) (i32.const 5))))",
    );
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let instance = Instance::new(&Store::new(), &module, &[], InstanceOptions::default()).unwrap();
                    assert_eq!(call(&instance, "f", &[]), 0, "memory of another tenant");
                    call(&instance, "s", &[]);
                }
            });
        }
    });
}

#[test]
fn arithmetic_of_an_index_wraps_and_traps_as_if_done_before_the_access() {
    let text = r#"(module (memory 1)
        (data (i32.const 0) "a") (data (i32.const 65535) "z")
        (func (export "scaled") (param i32) (result i32)
            (i32.load8_u (i32.add (i32.shl (i32.and (local.get 0) (i32.const 0xffff)) (i32.const 2)) (i32.const 3))))
        (func (export "offset") (param i32) (result i32)
            (i32.load8_u offset=4294967295 (i32.add (i32.and (local.get 0) (i32.const 0xff)) (i32.const 0xffffff00))))
        (func (export "masked") (param i32) (result i32)
            (i32.load8_u (i32.add (i32.and (local.get 0) (i32.const 0xff)) (i32.const 0xffffff01))))
        (func (export "plain") (param i32) (result i32)
            (i32.load8_u (i32.add (local.get 0) (i32.const 16))))
        (func (export "left") (param i32) (result i32)
            (i32.load8_u (i32.shl (local.get 0) (i32.const 3)))))"#;
    let outside = Err(TrapCode::MemoryOutOfBounds);
    for options in [CompileOptions::default(), EXPLICIT] {
        let store = Store::new();
        let instance = Instance::new(&store, &module_with(text, options), &[], InstanceOptions::default()).unwrap();
        let read = |name, index: u32| try_call(&function(&instance, name), &[u64::from(index)]);
        let (first, last) = (Ok(u64::from(b'a')), Ok(u64::from(b'z')));
        assert_eq!((read("scaled", 0x3fff), read("scaled", 0xfff3_3fff)), (last, last));
        assert_eq!((read("scaled", 0x4000), read("scaled", 0xffff)), (outside, outside));
        assert_eq!((read("offset", 0), read("offset", 0xff)), (outside, outside));
        assert_eq!((read("masked", 0xff), read("masked", 0xfe), read("masked", 0)), (first, outside, outside));
        assert_eq!(
            (read("plain", u32::MAX - 15), read("plain", 65_519), read("plain", 65_520)),
            (first, last, outside)
        );
        assert_eq!(
            (read("plain", u32::MAX - 16), read("left", 0x2000_0000), read("left", 0x2000)),
            (outside, first, outside)
        );
    }
}
