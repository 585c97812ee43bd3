//! What instances begin with: images of memories, slots that are used again, reset and snapshots.

use super::*;
use crate::prelude::*;
use crate::wasm::ModuleInfo;

const MODES: [BoundsMode; 2] = [BoundsMode::Guarded, BoundsMode::Explicit];
const PAGE: usize = 65_536;

fn in_mode(text: &str, bounds: BoundsMode) -> Module {
    module_with(text, CompileOptions { bounds, ..CompileOptions::default() })
}

fn new(module: &Module) -> Instance {
    Instance::new(&Store::new(), module, &[], InstanceOptions::default()).unwrap()
}

/// All bytes of memory 0.
fn bytes(instance: &Instance) -> Vec<u8> {
    let memory = instance.memory(0).unwrap();
    let mut bytes = vec![0; memory.memory().length() as usize];
    assert!(memory.read(0, &mut bytes));
    bytes
}

/// Two pages with bytes at their edges, and room for two more.
fn edges(mark: &str) -> String {
    format!(
        r#"(module
            (memory (export "m") 2 4)
            (data (i32.const 0) "{mark}") (data (i32.const 65535) "{mark}{mark}") (data (i32.const 131071) "{mark}")
            (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
            (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
            (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))"#
    )
}

fn expected(mark: u8) -> Vec<u8> {
    let mut bytes = vec![0; 2 * PAGE];
    for at in [0, PAGE - 1, PAGE, 2 * PAGE - 1] {
        bytes[at] = mark;
    }
    bytes
}

#[test]
fn every_instance_begins_with_the_data_and_zeros() {
    for mode in MODES {
        let modules = ["A", "B"].map(|mark| in_mode(&edges(mark), mode));
        for round in 0..40 {
            let (module, mark) = if round % 3 == 0 { (&modules[0], b'A') } else { (&modules[1], b'B') };
            let instance = new(module);
            assert_eq!(bytes(&instance), expected(mark), "round {round}, {mode:?}");
            // What lies behind is not accessible, whatever the memory before had grown to.
            let load = function(&instance, "load");
            assert_eq!(try_call(&load, &[2 * PAGE as u64]), Err(TrapCode::MemoryOutOfBounds));
            match round % 4 {
                0 => {}
                1 => drop(call(&instance, "fill", &[PAGE as u64 - 7, 0xff, 9])),
                2 => {
                    assert_eq!(call(&instance, "grow", &[2]), 2);
                    call(&instance, "fill", &[0, 0xee, 4 * PAGE as u64]);
                }
                _ => {
                    assert_eq!(call(&instance, "grow", &[1]), 2);
                    assert!(bytes(&instance)[2 * PAGE..].iter().all(|byte| *byte == 0));
                    let fill = function(&instance, "fill");
                    let trap = try_call(&fill, &[5, 0xdd, 4 * PAGE as u64]);
                    assert_eq!(trap, Err(TrapCode::MemoryOutOfBounds));
                }
            }
        }
    }
}

#[test]
fn the_image_goes_with_the_last_of_its_module() {
    let module = module(&edges("Z"));
    let (a, b) = (new(&module), new(&module));
    let image = alloc::sync::Arc::downgrade(module.template().images[0].as_ref().unwrap());
    drop((a, module));
    assert!(image.upgrade().is_some(), "an instance is left");
    drop(b);
    assert!(image.upgrade().is_none(), "neither a slot nor anything else keeps it");
}

#[test]
fn threads_of_two_modules_never_see_each_others_bytes() {
    let modules = ["A", "B"].map(module_of_edges);
    std::thread::scope(|scope| {
        for thread in 0..4_usize {
            let modules = &modules;
            scope.spawn(move || {
                for round in 0..60 {
                    let which = (thread + round) % 2;
                    let instance = new(&modules[which]);
                    assert_eq!(bytes(&instance), expected(b"AB"[which]));
                    if round % 3 > 0 {
                        call(&instance, "grow", &[round as u64 % 3]);
                    }
                    let memory = instance.memory(0).unwrap();
                    assert!(memory.write(round as u64 * 1000, &[0x77; 5000]));
                    if round % 5 == 0 {
                        let _ = memory.show(); // goes through the quarantine
                    }
                }
            });
        }
    });
}

fn module_of_edges(mark: &str) -> Module {
    module(&edges(mark))
}

#[test]
fn segments_that_depend_on_imports_or_do_not_fit_are_copied() {
    let has_image = |module: &Module| module.template().has_data;
    assert!(has_image(&module("(module (memory 1) (data (i32.add (i32.const 3) (i32.const 4)) \"x\"))")));
    assert!(has_image(&module("(module (memory 1))")));
    for text in [
        "(module (import \"\" \"g\" (global i32)) (memory 1) (data (global.get 0) \"x\"))",
        "(module (import \"\" \"m\" (memory 1)) (data (i32.const 0) \"x\"))",
        "(module (memory 1) (data (i32.const 0) \"x\") (data (i32.const 65536) \"y\"))",
        "(module (import \"\" \"t\" (table 1 funcref)) (memory 1) (func) (elem (i32.const 0) func 0) (data (i32.const 0) \"x\"))",
        "(module (memory i64 1) (data (i64.const 0) \"x\"))",
        "(module (memory 1 (pagesize 1)) (data (i32.const 0) \"x\"))",
    ] {
        assert!(!has_image(&module(text)), "{text}");
    }
    // A gibibyte with a byte at its beginning and one at its end.
    let sparse = module("(module (memory 16384) (data (i32.const 0) \"x\") (data (i32.const 0x3fffffff) \"y\"))");
    assert!(!has_image(&sparse));
    let store = Store::new();
    let given = store.global(GlobalType { value: ValType::I32, mutable: false }, 9).unwrap();
    let text = "(module (import \"\" \"g\" (global i32)) (memory (export \"m\") 1) (data (global.get 0) \"x\"))";
    let instance =
        Instance::new(&Store::new(), &module(text), &[Extern::Global(given)], InstanceOptions::default()).unwrap();
    assert_eq!(bytes(&instance)[8..11], [0, b'x', 0]);
    call_nothing_and_reset(&instance);
    assert_eq!(bytes(&instance)[8..11], [0, b'x', 0]);
}

/// Overwrites memory 0 and resets the instance.
fn call_nothing_and_reset(instance: &Instance) {
    let memory = instance.memory(0).unwrap();
    assert!(memory.write(0, &[0xcc; 100]));
    // SAFETY: no code runs.
    unsafe { instance.reset().unwrap() };
}

/// All that an instance can change.
const STATE: &str = r#"(module
    (memory (export "m") 1 3)
    (table $t (export "t") 2 5 funcref)
    (table $e 3 externref)
    (table $never 2 funcref)
    (table $shared 3 funcref)
    (global $g (export "g") (mut i64) (i64.const 7))
    (global $f (mut funcref) (ref.func $one))
    (global $v (mut v128) (v128.const i64x2 1 2))
    (data (i32.const 10) "data")
    (data $passive "passive")
    (elem (table $t) (i32.const 1) func $one)
    (elem $items func $two)
    (elem (table $never) (i32.const 0) func $one)
    (elem (table $shared) (i32.const 1) func $two)
    (type $get (func (result i32)))
    (func $one (export "one") (result i32) (i32.const 1))
    (func $two (result i32) (i32.const 2))
    (func (export "change")
        (i32.store8 (i32.const 10) (i32.const 1))
        (drop (memory.grow (i32.const 2)))
        (i32.store8 (i32.const 196607) (i32.const 1))
        (memory.init $passive (i32.const 100) (i32.const 0) (i32.const 7))
        (data.drop $passive)
        (table.init $t $items (i32.const 0) (i32.const 0) (i32.const 1))
        (elem.drop $items)
        (drop (table.grow $t (ref.func $one) (i32.const 3)))
        (table.set $t (i32.const 1) (ref.null func))
        (global.set $g (i64.const 8))
        (global.set $f (ref.null func))
        (global.set $v (v128.const i64x2 3 4)))
    (func (export "again") (memory.init $passive (i32.const 100) (i32.const 0) (i32.const 7)))
    (func (export "items") (table.init $t $items (i32.const 0) (i32.const 0) (i32.const 1)))
    (func (export "indirect") (param i32) (result i32) (call_indirect $t (type $get) (local.get 0)))
    (func (export "global") (result i32) (call_indirect $t (type $get) (i32.const 4)))
    (func (export "shared") (param i32) (result i32) (call_indirect $shared (type $get) (local.get 0)))
    (func (export "other") (param i32) (call_indirect $shared (local.get 0)))
    (func (export "never") (result funcref) (table.get $never (i32.const 0)))
    (func (export "size") (result i32) (memory.size))
    (func (export "elements") (result i32) (table.size $t))
    (func (export "vector") (result i64) (i64x2.extract_lane 1 (global.get $v)))
    (func (export "null") (result i32) (ref.is_null (global.get $f)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (elem declare func $one $two))"#;

fn check_unchanged(instance: &Instance) {
    let numbers = ["size", "elements", "vector", "null"].map(|name| call(instance, name, &[]));
    assert_eq!(numbers, [1, 2, 2, 0]);
    assert_eq!(try_call(&function(instance, "indirect"), &[0]), Err(TrapCode::IndirectCallToNull));
    assert_eq!(call(instance, "indirect", &[1]), 1);
    check_shared(instance);
    let all = bytes(instance);
    assert!(all.starts_with(b"\0\0\0\0\0\0\0\0\0\0data\0") && all[14..].iter().all(|byte| *byte == 0));
}

fn check_changed(instance: &Instance) {
    let numbers = ["size", "elements", "vector", "null"].map(|name| call(instance, name, &[]));
    assert_eq!(numbers, [3, 5, 4, 1]);
    assert_eq!([0, 4].map(|element| call(instance, "indirect", &[element])), [2, 1]);
    assert_eq!(try_call(&function(instance, "indirect"), &[1]), Err(TrapCode::IndirectCallToNull));
    assert_eq!(try_call(&function(instance, "again"), &[]), Err(TrapCode::MemoryOutOfBounds));
    assert_eq!(try_call(&function(instance, "items"), &[]), Err(TrapCode::TableOutOfBounds));
    check_shared(instance);
    let all = bytes(instance);
    assert_eq!((&all[10..14], &all[100..107], all[3 * PAGE - 1]), (&b"\x01ata"[..], &b"passive"[..], 1));
}

/// The table that all instances share is as any other for calls.
fn check_shared(instance: &Instance) {
    assert_eq!(call(instance, "shared", &[1]), 2);
    let outcomes = [0, 2, 3, u64::from(u32::MAX)].map(|element| try_call(&function(instance, "shared"), &[element]));
    let (null, outside) = (Err(TrapCode::IndirectCallToNull), Err(TrapCode::UndefinedElement));
    assert_eq!(outcomes, [null, null, outside, outside]);
    assert_eq!(try_call(&function(instance, "other"), &[1]), Err(TrapCode::BadSignature));
}

#[test]
fn a_table_that_only_calls_use_is_one_for_all_instances() {
    let text = r#"(module
        (import "" "memory" (memory 1))
        (table $shared 3 funcref) (table $own (export "own") 3 funcref)
        (elem (table $shared) (i32.const 0) func $a $b) (elem (table $shared) (i32.const 1) func $c)
        (elem (table $own) (i32.const 0) func $a $b)
        (global $g (mut i32) (i32.const 0))
        (type $t (func (result i32)))
        (func $a (result i32) (global.get $g)) (func $b (result i32) (i32.const 11)) (func $c (result i32) (i32.load (i32.const 8)))
        (func (export "set") (param i32) (global.set $g (local.get 0)) (i32.store (i32.const 8) (i32.mul (local.get 0) (i32.const 2))))
        (func (export "call") (param i32) (result i32) (call_indirect $shared (type $t) (local.get 0)))
        (func (export "tail") (param i32) (result i32) (return_call_indirect $shared (type $t) (local.get 0))))"#;
    let module = module(text);
    let made = || {
        let memory = Store::new().memory(MemoryType::new(Limits { min: 1, max: None })).unwrap();
        Instance::new(&Store::new(), &module, &[Extern::Memory(memory)], InstanceOptions::default()).unwrap()
    };
    let instances = [5, 6].map(|value| (value, made()));
    let bases = |index| instances.each_ref().map(|(_, instance)| instance.data().table(index).base());
    assert_eq!(bases(0)[0], bases(0)[1]);
    assert_ne!(bases(1)[0], bases(1)[1]);
    for (value, instance) in &instances {
        call(instance, "set", &[*value]);
    }
    for (value, instance) in &instances {
        for export in ["call", "tail"] {
            assert_eq!([0, 1].map(|element| call(instance, export, &[element])), [*value, 2 * value], "{export}");
            assert_eq!(try_call(&function(instance, export), &[2]), Err(TrapCode::IndirectCallToNull));
        }
    }
    // Ceilings of the embedder count as for tables of an instance's own.
    let memory = Store::new().memory(MemoryType::new(Limits { min: 1, max: None })).unwrap();
    let options = InstanceOptions { max_table_elements: Some(2), ..InstanceOptions::default() };
    let error = Instance::new(&Store::new(), &module, &[Extern::Memory(memory)], options).unwrap_err();
    assert_eq!(error.message(), "table of 3 elements, expected at most 2, the limit set by the embedder");
    // The table outlives the module's handle and other instances.
    let [(_, first), (value, last)] = instances;
    drop((first, module));
    assert_eq!(call(&last, "call", &[0]), value);
}

#[test]
fn reset_undoes_all_that_was_changed() {
    for mode in MODES {
        let instance = new(&in_mode(STATE, mode));
        for _ in 0..3 {
            check_unchanged(&instance);
            call(&instance, "change", &[]);
            check_changed(&instance);
            assert_eq!(call(&instance, "grow", &[9]) as u32, u32::MAX);
            assert!(!instance.data().refused().is_empty());
            // SAFETY: no code runs.
            unsafe { instance.reset().unwrap() };
            assert!(instance.data().refused().is_empty());
        }
        check_unchanged(&instance);
        call(&instance, "again", &[]);
        call(&instance, "items", &[]);
        assert_eq!(call(&instance, "grow", &[1]), 1);
        assert!(bytes(&instance)[PAGE..].iter().all(|byte| *byte == 0), "what has grown again is zero");
    }
}

#[test]
fn a_memory_that_has_shrunk_leaves_all_that_was_shown_behind() {
    let instance = new(&module(STATE));
    call(&instance, "change", &[]);
    let memory = instance.memory(0).unwrap();
    let _ = memory.show();
    let shown = memory.memory().base() as usize..memory.memory().base() as usize + 3 * PAGE;
    // SAFETY: no code runs.
    unsafe { instance.reset().unwrap() };
    drop((memory, instance));
    for _ in 0..10 {
        let next = new(&module(STATE));
        let range = next.memory(0).unwrap().memory().range();
        assert!(range.end <= shown.start || shown.end <= range.start, "{range:x?} overlaps {shown:x?}");
    }
}

#[test]
fn snapshots_begin_where_they_were_taken() {
    for mode in MODES {
        let module = in_mode(STATE, mode);
        let first = new(&module);
        call(&first, "change", &[]);
        let snapshot = first.snapshot().unwrap();
        let read = Snapshot::deserialize(&module, &snapshot.serialize()).unwrap();
        drop(first);
        for snapshot in [&snapshot, &read] {
            let made = || Instance::from_snapshot(&Store::new(), snapshot, &[], InstanceOptions::default()).unwrap();
            let (a, b) = (made(), made());
            check_changed(&a);
            assert!(a.memory(0).unwrap().write(0, &vec![9; 3 * PAGE]));
            check_changed(&b);
            // SAFETY: no code runs.
            unsafe { a.reset().unwrap() };
            check_changed(&a);
            assert_eq!(call(&a, "grow", &[0]), 3);
        }
        check_unchanged(&new(&module));
    }
}

#[test]
fn what_a_snapshot_cannot_keep_is_named() {
    let text = r#"(module
        (table $e (export "e") 3 externref) (table (export "t") 1 funcref)
        (global $x (export "x") (mut externref) (ref.null extern)))"#;
    let instance = instance(&Linker::new(), text);
    let Some(Extern::Global(global)) = instance.export("x") else { panic!("no global") };
    instance.snapshot().unwrap();
    global.set(5).unwrap();
    let error = instance.snapshot().unwrap_err();
    assert!(error.message().starts_with("global 0 holds a value of type externref"), "{error}");
    global.set(0).unwrap();
    table(&instance, "e").set(2, 5).unwrap();
    let error = instance.snapshot().unwrap_err();
    assert!(error.message().starts_with("element 2 of table 0 holds a value of type externref"), "{error}");
    table(&instance, "e").set(2, 0).unwrap();
    let other = new(&module("(module (func (export \"f\")))"));
    table(&instance, "t").set_function(0, &function(&other, "f")).unwrap();
    let error = instance.snapshot().unwrap_err();
    assert!(error.message().starts_with("element 0 of table 1 holds a function of another instance"), "{error}");
}

#[test]
fn references_to_imports_lead_to_those_of_the_new_instance() {
    let text = r#"(module
        (import "" "f" (func $f (result i32)))
        (table (export "t") 2 funcref) (elem (i32.const 0) func $f)
        (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0))))"#;
    let module = module(text);
    let host = |index| {
        Extern::Func(Store::new().host_function(FuncType { params: vec![], results: vec![ValType::I32] }, 3, index))
    };
    let first = Instance::new(&Store::new(), &module, &[host(4)], InstanceOptions::default()).unwrap();
    assert_eq!(call(&first, "call", &[0]), 304);
    let snapshot = first.snapshot().unwrap();
    let one = new(&super::module("(module (func (export \"f\") (result i32) (i32.const 1)))"));
    for (import, result) in [(host(5), 305), (Extern::Func(function(&one, "f")), 1)] {
        let next = Instance::from_snapshot(&Store::new(), &snapshot, &[import], InstanceOptions::default()).unwrap();
        assert_eq!(call(&next, "call", &[0]), result);
        next.snapshot().unwrap();
    }
}

#[test]
fn altered_and_foreign_snapshots_are_refused() {
    let module = module(STATE);
    let snapshot = new(&module).snapshot().unwrap().serialize();
    let refused = |module: &Module, bytes: &[u8]| Snapshot::deserialize(module, bytes).unwrap_err();
    for length in [0, 5, 12, 31, snapshot.len() - 1] {
        assert_eq!(refused(&module, &snapshot[..length]).kind(), ErrorKind::Deserialize, "{length}");
    }
    for at in (0..snapshot.len()).step_by(snapshot.len() / 200 + 1) {
        let mut altered = snapshot.clone();
        altered[at] ^= 1;
        assert_eq!(refused(&module, &altered).kind(), ErrorKind::Deserialize, "{at}");
    }
    let other = super::module(&STATE.replace("i32.const 2))", "i32.const 3))"));
    let error = refused(&other, &snapshot);
    assert!(error.message().contains("another module"), "{error}");
}

#[test]
fn states_that_do_not_fit_are_refused() {
    use super::super::snapshot::{MemoryState, State, Value};
    type Change = fn(&mut State);
    let module = module(STATE);
    let fine = || {
        let snapshot = new(&module).snapshot().unwrap();
        let state = snapshot.state();
        State {
            module: module.clone(),
            memories: vec![MemoryState::new(PAGE as u64, 1, true, &[])],
            tables: state.tables.clone(),
            globals: state.globals.clone(),
            elements: state.elements.clone(),
            data: state.data.clone(),
        }
    };
    let read = |state: State| Snapshot::deserialize(&module, &Snapshot::new(state).serialize());
    read(fine()).unwrap();
    let info: &ModuleInfo = module.info();
    let changes: [(&str, Change); 11] = [
        ("a memory of 4, expected 1 to 3", |state| state.memories[0].pages = 4),
        ("bytes at offset", |state| state.memories[0].pieces = vec![(PAGE as u64 - 1, [1, 2].into())]),
        ("a table of 6, expected 2 to 5", |state| state.tables[0] = vec![None; 6]),
        ("a table of 4, expected 3 to 3", |state| state.tables[1] = vec![None; 4]),
        ("a reference to function 99", |state| state.tables[0][0] = Some(99)),
        ("function 2 in a table that never holds it", |state| state.tables[2][1] = Some(2)),
        ("1 elements of a table that never changes, expected 0", |state| state.tables[3] = vec![None]),
        ("type externref, expected null", |state| state.tables[1][0] = Some(0)),
        ("another value for a global of type i64", |state| state.globals[0] = Value::Reference(None)),
        ("another value for a global of type funcref", |state| state.globals[1] = Value::Number(4096)),
        ("a whole segment that is not passive", |state| state.data[0] = true),
    ];
    assert_eq!(info.tables.len(), 4);
    for (expected, change) in changes {
        let mut state = fine();
        change(&mut state);
        let error = read(state).unwrap_err();
        assert!(error.message().contains(expected), "{error}, expected {expected}");
    }
}
