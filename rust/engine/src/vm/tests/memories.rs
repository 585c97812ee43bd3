//! Several memories, 64-bit memories and tables, pages of one byte, and the constant expressions
//! that place segments in them.

use super::*;
use crate::prelude::*;
use crate::types::MAX_BYTES64;

const MODES: [BoundsMode; 2] = [BoundsMode::Guarded, BoundsMode::Explicit];

fn in_mode(text: &str, bounds: BoundsMode) -> Instance {
    let module = module_with(text, CompileOptions { bounds, ..CompileOptions::default() });
    Instance::new(&Store::new(), &module, &[], InstanceOptions::default()).unwrap()
}

fn refused(text: &str, options: InstanceOptions) -> crate::error::Error {
    Instance::new(&Store::new(), &module(text), &[], options).unwrap_err()
}

#[test]
fn a_hundred_memories_are_apart() {
    for mode in MODES {
        let memories = "(memory 1)".repeat(100);
        let accesses = |op: &str, value: &str| {
            (0..100)
                .map(|i| format!("({op} {i} (i32.const 8) {})", value.replace('#', &i.to_string())))
                .collect::<String>()
        };
        let text = format!(
            r#"(module {memories}
                (func (export "store") {})
                (func (export "grow") (drop (memory.grow 50 (i32.const 3))))
                (func (export "size") (result i32) (memory.size 50))
                (func (export "next") (result i32) (memory.size 51))
                (func (export "copy") (memory.copy 7 93 (i32.const 8) (i32.const 8) (i32.const 4)))
                (func (export "load") (result i32) (i32.load 7 (i32.const 8)))
                (func (export "sum") (result i32) (i32.const 0) {}))"#,
            accesses("i32.store", "(i32.const #)"),
            (0..100).map(|i| format!("(i32.add (i32.load {i} (i32.const 8)))")).collect::<String>(),
        );
        let instance = in_mode(&text, mode);
        call(&instance, "store", &[]);
        assert_eq!(call(&instance, "sum", &[]), 99 * 100 / 2);
        call(&instance, "copy", &[]);
        assert_eq!(call(&instance, "load", &[]), 93);
        call(&instance, "grow", &[]);
        assert_eq!(["size", "next"].map(|name| call(&instance, name, &[])), [4, 1]);
    }
}

#[test]
fn a_64_bit_memory_grows_to_its_maximum_and_to_the_limit() {
    let text = r#"(module
        (memory (export "m") i64 1 5)
        (memory $large i64 0)
        (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
        (func (export "size") (result i64) (memory.size))
        (func (export "load") (param i64) (result i32) (i32.load8_u (local.get 0)))
        (func (export "grow_large") (param i64) (result i64) (memory.grow $large (local.get 0)))
        (func (export "store_large") (param i64) (i32.store8 $large (local.get 0) (i32.const 1))))"#;
    for mode in MODES {
        let instance = in_mode(text, mode);
        assert_eq!(call(&instance, "grow", &[4]), 1);
        assert_eq!(call(&instance, "size", &[]), 5);
        for pages in [1, 1 << 32, 1 << 48, u64::MAX] {
            assert_eq!(call(&instance, "grow", &[pages]), u64::MAX, "-1 of 64 bits");
        }
        assert_eq!(call(&instance, "load", &[5 * 65_536 - 1]), 0);
        for index in [5 * 65_536, 1 << 32, u64::MAX] {
            assert_eq!(try_call(&function(&instance, "load"), &[index]), Err(TrapCode::MemoryOutOfBounds));
        }
        let limit = MAX_BYTES64 / 65_536;
        assert_eq!(call(&instance, "grow_large", &[limit + 1]), u64::MAX);
        // More than 4 GiB, where the system grants so much.
        if call(&instance, "grow_large", &[65_538]) == 0 {
            call(&instance, "store_large", &[(4 << 30) + 7]);
        }
    }
    let declared = module("(module (memory i64 1 0x1_0000_0000_0000))");
    Instance::new(&Store::new(), &declared, &[], InstanceOptions::default()).unwrap();
    let error = refused("(module (memory i64 262145))", InstanceOptions::default());
    assert_eq!(error.kind(), ErrorKind::Resource);
    assert_eq!(error.message(), "memory of 262145 pages, expected at most 262144, the limit of this implementation");
}

#[test]
fn pages_of_one_byte() {
    let text = r#"(module
        (memory (export "m") 3 10000 (pagesize 1))
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "size") (result i32) (memory.size))
        (func (export "store") (param i32) (i32.store8 (local.get 0) (i32.const 200)))
        (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))"#;
    for mode in MODES {
        let instance = in_mode(text, mode);
        let load = |index| try_call(&function(&instance, "load"), &[index]);
        assert_eq!(call(&instance, "size", &[]), 3);
        assert_eq!((load(2), load(3)), (Ok(0), Err(TrapCode::MemoryOutOfBounds)));
        assert_eq!(call(&instance, "grow", &[4094]), 3);
        call(&instance, "store", &[4096]);
        assert_eq!((load(4096), load(4097)), (Ok(200), Err(TrapCode::MemoryOutOfBounds)));
        assert_eq!(call(&instance, "grow", &[5903]), 4097);
        assert_eq!(call(&instance, "grow", &[1]), 0xffff_ffff);
        assert_eq!((load(4096), load(9999), load(10_000)), (Ok(200), Ok(0), Err(TrapCode::MemoryOutOfBounds)));
        let memory = instance.memory(0).unwrap();
        assert_eq!(memory.ty().to_string(), "memory {min 10000, max 10000} (pagesize 1)");
        assert!(memory.write(9999, b"x") && !memory.write(9999, b"xy"));
        assert_eq!(load(9999), Ok(u64::from(b'x')));
    }
    // Without a maximum, as many as an i32 can count.
    let text = r#"(module (memory 0 (pagesize 1)) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;
    let instance = in_mode(text, BoundsMode::Guarded);
    assert_eq!(instance.memory(0).unwrap().memory().definition().page_size, 1);
    assert!([0, 0xffff_ffff].contains(&call(&instance, "grow", &[0xffff_ffff])));
    assert_eq!(call(&instance, "grow", &[0xffff_ffff]), 0xffff_ffff);
}

#[test]
fn ceilings_apply_to_each_memory_in_bytes() {
    let text = r#"(module (memory i64 1) (memory 1) (memory 7 (pagesize 1))
        (func (export "a") (param i64) (result i64) (memory.grow 0 (local.get 0)))
        (func (export "b") (param i32) (result i32) (memory.grow 1 (local.get 0)))
        (func (export "c") (param i32) (result i32) (memory.grow 2 (local.get 0))))"#;
    let options = |pages| InstanceOptions { max_memory_pages: Some(pages), ..InstanceOptions::default() };
    let instance = Instance::new(&Store::new(), &module(text), &[], options(2)).unwrap();
    assert_eq!(["a", "b"].map(|name| call(&instance, name, &[1])), [1, 1]);
    assert_eq!((call(&instance, "a", &[1]), call(&instance, "b", &[1])), (u64::MAX, 0xffff_ffff));
    assert_eq!(call(&instance, "c", &[2 * 65_536 - 6]), 0xffff_ffff);
    assert_eq!(call(&instance, "c", &[2 * 65_536 - 7]), 7);
    let error = refused("(module (memory 131073 (pagesize 1)))", options(2));
    assert!(error.message().contains("the limit set by the embedder"), "{error}");
}

#[test]
fn imports_must_have_the_index_type_and_the_page_size() {
    let linker = |text: &str| {
        let mut linker = Linker::new();
        linker.define_instance("m", &instance(&Linker::new(), text));
        linker
    };
    let sorts = ["i64 1 2", "1 2", "1 2 (pagesize 1)", "i64 1 2 (pagesize 1)"];
    for given in sorts {
        let linker = linker(&format!(r#"(module (memory (export "x") {given}))"#));
        for wanted in sorts {
            let module = module(&format!(r#"(module (import "m" "x" (memory {wanted})))"#));
            let linked = linker.instantiate(&Store::new(), &module, InstanceOptions::default());
            assert_eq!(linked.is_ok(), given == wanted, "{given} for {wanted}: {linked:?}");
        }
    }
    let error = linker(r#"(module (memory (export "x") i64 1 2))"#)
        .instantiate(&Store::new(), &module(r#"(module (import "m" "x" (memory 1)))"#), InstanceOptions::default())
        .unwrap_err();
    let expected = "Import `m.x` has the wrong type: expected memory {min 1}, given memory i64 {min 1, max 2}";
    assert_eq!(error.message(), expected);
    let tables = linker(r#"(module (table (export "x") i64 1 2 funcref))"#);
    let wanting = |ty: &str| {
        let module = module(&format!(r#"(module (import "m" "x" (table {ty} funcref)))"#));
        tables.instantiate(&Store::new(), &module, InstanceOptions::default())
    };
    assert!(wanting("i64 1").is_ok());
    let expected =
        "Import `m.x` has the wrong type: expected table {min 1} of funcref, given table i64 {min 1, max 2} of funcref";
    assert_eq!(wanting("1").unwrap_err().message(), expected);
}

#[test]
fn tables_of_64_bits() {
    let instance = instance(
        &Linker::new(),
        r#"(module
            (type $t (func (result i32)))
            (table $t i64 3 1000 funcref) (table $small 3 funcref)
            (elem (table $t) (i64.const 1) func $one $two)
            (elem $passive func $two $one)
            (func $one (result i32) (i32.const 1))
            (func $two (result i32) (i32.const 2))
            (func (export "call") (param i64) (result i32) (call_indirect $t (type $t) (local.get 0)))
            (func (export "tail") (param i64) (result i32) (return_call_indirect $t (type $t) (local.get 0)))
            (func (export "call_small") (param i32) (result i32) (call_indirect $small (type $t) (local.get 0)))
            (func (export "get") (param i64) (result i32) (ref.is_null (table.get $t (local.get 0))))
            (func (export "set") (param i64) (table.set $t (local.get 0) (ref.null func)))
            (func (export "grow") (param i64) (result i64) (table.grow $t (ref.func $two) (local.get 0)))
            (func (export "size") (result i64) (table.size $t))
            (func (export "fill") (param i64 i64) (table.fill $t (local.get 0) (ref.func $one) (local.get 1)))
            (func (export "copy") (param i32 i64 i32) (table.copy $small $t (local.get 0) (local.get 1) (local.get 2)))
            (func (export "move") (param i64 i64 i64) (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
            (func (export "init") (param i64 i32 i32) (table.init $t $passive (local.get 0) (local.get 1) (local.get 2))))"#,
    );
    let attempt = |name, slots: &[u64]| try_call(&function(&instance, name), slots);
    for name in ["call", "tail"] {
        let called = [0, 1, 2, 3, 1 << 32, (1 << 61) + 1, u64::MAX].map(|index| attempt(name, &[index]));
        let undefined = Err(TrapCode::UndefinedElement);
        let expected = [Err(TrapCode::IndirectCallToNull), Ok(1), Ok(2), undefined, undefined, undefined, undefined];
        assert_eq!(called, expected, "{name}");
    }
    let outside = Err(TrapCode::TableOutOfBounds);
    for index in [3, 1 << 32, 1 << 61, u64::MAX] {
        assert_eq!(attempt("get", &[index]), outside);
        assert_eq!(attempt("set", &[index]), outside);
        assert_eq!(attempt("fill", &[index, 1]), outside);
    }
    for (index, count) in [(1, u64::MAX), (u64::MAX, 1), (u64::MAX, u64::MAX), (2, 2), (1 << 61, 1 << 61), (0, 4)] {
        assert_eq!(attempt("fill", &[index, count]), outside, "{index:#x} {count:#x}");
        assert_eq!(attempt("move", &[index, 0, count]), outside, "{index:#x} {count:#x}");
        assert_eq!(attempt("move", &[0, index, count]), outside, "{index:#x} {count:#x}");
    }
    assert_eq!(attempt("init", &[2, 0, 2]), outside);
    assert_eq!(attempt("init", &[u64::MAX, 0, 1]), outside);
    assert_eq!(attempt("copy", &[0, u64::MAX, 1]), outside);
    call(&instance, "copy", &[0, 1, 2]);
    assert_eq!([0, 1].map(|index| call(&instance, "call_small", &[index])), [1, 2]);
    assert_eq!([997, 1, u64::MAX].map(|count| call(&instance, "grow", &[count])), [3, u64::MAX, u64::MAX]);
    assert_eq!((call(&instance, "size", &[]), call(&instance, "call", &[999])), (1000, 2));
    call(&instance, "init", &[998, 0, 2]);
    assert_eq!(call(&instance, "call", &[999]), 1);
    let error = refused("(module (table i64 10000001 funcref))", InstanceOptions::default());
    let expected = "table of 10000001 elements, expected at most 10000000, the limit of this implementation";
    assert_eq!((error.kind(), error.message()), (ErrorKind::Resource, expected));
}

#[test]
fn extended_constant_expressions() {
    let store = Store::new();
    let mut linker = Linker::new();
    let global = |value, slot| Extern::Global(store.global(GlobalType { value, mutable: false }, slot).unwrap());
    linker.define("env", "at", global(ValType::I32, 9));
    linker.define("env", "at64", global(ValType::I64, 1 << 40));
    let instance = instance(
        &linker,
        r#"(module
            (import "env" "at" (global $at i32))
            (import "env" "at64" (global $at64 i64))
            (global $a (export "a") i32 (i32.mul (i32.add (global.get $at) (i32.const -1)) (i32.const 3)))
            (global $b (export "b") i32 (i32.sub (i32.const 0) (global.get $a)))
            (global (export "c") i64 (i64.sub (i64.mul (global.get $at64) (global.get $at64)) (i64.const 1)))
            (global (export "d") i32 (i32.mul (i32.const 0x7fffffff) (i32.const 0x7ffffff1)))
            (global $f (export "f") funcref (ref.func $eleven))
            (global (export "g") funcref (global.get $f))
            (table i64 30 funcref) (memory i64 1)
            (elem (offset (i64.add (i64.const 20) (i64.const 4))) funcref (global.get $f))
            (data (offset (i64.sub (i64.const 70000) (i64.const 60000))) "x")
            (func $eleven (result i32) (i32.const 11))
            (func (export "call") (result i32) (call_indirect (result i32) (i64.const 24)))
            (func (export "use_b") (result i32) (global.get $b))
            (func (export "load") (result i32) (i32.load8_u (i64.const 10000))))"#,
    );
    let value = |name| match instance.export(name) {
        Some(Extern::Global(global)) => global.get(),
        other => panic!("{other:?}"),
    };
    assert_eq!((value("a"), value("b")), (24, u64::from((-24_i32).cast_unsigned())));
    assert_eq!((value("c"), value("d")), (u64::MAX, u64::from(0x7fff_ffff_u32.wrapping_mul(0x7fff_fff1))));
    assert_eq!(value("f"), value("g"));
    assert_eq!((call(&instance, "call", &[]), call(&instance, "load", &[])), (11, u64::from(b'x')));
    assert_eq!(call(&instance, "use_b", &[]), value("b"));
    // Offsets of 64 bits are taken as they are.
    let error = refused("(module (memory i64 1) (data (i64.const -1) \"x\"))", InstanceOptions::default());
    assert_eq!(error.trap(), Some(TrapCode::MemoryOutOfBounds));
    let error = refused(
        "(module (table i64 1 funcref) (func $f) (elem (i64.const 0x1_0000_0000) $f))",
        InstanceOptions::default(),
    );
    assert_eq!(error.trap(), Some(TrapCode::TableOutOfBounds));
}

/// What the artifact's own checks know of them, too.
#[test]
fn serialised_modules_keep_them() {
    let text = r#"(module
        (memory i64 1) (memory 5 (pagesize 1)) (table i64 2 funcref)
        (global $a i32 (i32.add (i32.const 3) (i32.const 4)))
        (global i32 (global.get $a))
        (data (memory 0) (i64.add (i64.const 3) (i64.const 4)) "y")
        (func (export "f") (result i32) (i32.load8_u (i64.const 7))))"#;
    let module = Module::deserialize(&module(text).serialize().unwrap()).unwrap();
    let instance = Instance::new(&Store::new(), &module, &[], InstanceOptions::default()).unwrap();
    assert_eq!(call(&instance, "f", &[]), u64::from(b'y'));
}

/// The guest that tests of the Go package run: no other tool at hand knows all that its text uses.
/// `BLESS=1` writes the binary.
#[test]
fn the_committed_guest_is_what_its_source_builds_to() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/proposals/guest.wat");
    let built = wat::parse_file(&source).unwrap();
    let binary = source.with_extension("wasm");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&binary, &built).unwrap();
    }
    assert!(std::fs::read(&binary).unwrap() == built, "guest.wasm is stale: run this test with BLESS=1");
}
