//! What parsing returns of a valid module.

use super::{binary, declared};
use crate::prelude::*;
use crate::types::{ExternType, FuncType, GlobalType, Limits, MemoryType, TableType, ValType};
use crate::wasm::{ConstOp, ExternKind, Names, SegmentMode, TableContents, parse};

#[test]
fn index_spaces_begin_with_imports() {
    let info = declared(
        r#"(module $counter
            (type $binary (func (param i32 i64) (result f32 f64)))
            (import "a" "f" (func $f (type $binary)))
            (import "a" "t" (table 1 2 externref))
            (import "b" "m" (memory 1 3))
            (import "b" "g" (global $g i64))
            (func $own (param f32))
            (table 5 funcref)
            (global $h (mut i32) (i32.const -7))
            (global i64 (global.get $g))
            (global f32 (f32.const nan:0x200001))
            (global f64 (f64.const -0))
            (global externref (ref.null extern))
            (global funcref (ref.func $own))
            (func $start)
            (export "sum" (func $own)) (export "table" (table 1)) (export "memory" (memory 0)) (export "global" (global $h))
            (start $start))"#,
    );
    let binary = FuncType { params: vec![ValType::I32, ValType::I64], results: vec![ValType::F32, ValType::F64] };
    let single = FuncType { params: vec![ValType::F32], results: vec![] };
    assert_eq!(info.types, [binary.clone(), single.clone(), FuncType::default()]);
    assert_eq!(info.functions, [0, 1, 2]);
    assert_eq!(info.function_type(1), &single);
    assert!(info.is_imported_function(0) && !info.is_imported_function(1));

    let table = TableType::new(ValType::ExternRef, Limits { min: 1, max: Some(2) });
    let memory = MemoryType::new(Limits { min: 1, max: Some(3) });
    let global = GlobalType { value: ValType::I64, mutable: false };
    let imports: Vec<_> =
        info.imports.iter().map(|import| (&*import.namespace, &*import.name, import.ty.clone())).collect();
    assert_eq!(
        imports,
        [
            ("a", "f", ExternType::Func(binary)),
            ("a", "t", ExternType::Table(table)),
            ("b", "m", ExternType::Memory(memory)),
            ("b", "g", ExternType::Global(global)),
        ]
    );
    assert_eq!(
        [info.imported_functions, info.imported_tables, info.imported_memories, info.imported_globals],
        [1, 1, 1, 1]
    );
    assert_eq!(info.tables, [table, TableType::new(ValType::FuncRef, Limits { min: 5, max: None })]);
    assert_eq!(info.memories, [memory]);
    assert_eq!(info.globals[0], global);
    assert_eq!(info.globals[1], GlobalType { value: ValType::I32, mutable: true });

    let inits: Vec<_> = info.global_inits.iter().map(|init| init[0]).collect();
    assert!(info.global_inits.iter().all(|init| init.len() == 1));
    assert_eq!(
        inits,
        [
            ConstOp::I32(-7),
            ConstOp::GlobalGet(0),
            ConstOp::F32(0x7fa0_0001),
            ConstOp::F64(1 << 63),
            ConstOp::RefNull,
            ConstOp::RefFunc(1)
        ]
    );
    let exports: Vec<_> = info.exports.iter().map(|export| (&*export.name, export.kind, export.index)).collect();
    assert_eq!(
        exports,
        [
            ("sum", ExternKind::Func, 1),
            ("table", ExternKind::Table, 1),
            ("memory", ExternKind::Memory, 0),
            ("global", ExternKind::Global, 1)
        ]
    );
    assert_eq!(info.export_type(&info.exports[0]), ExternType::Func(single));
    assert_eq!(info.start, Some(2));
    let functions = [(0, "f"), (1, "own"), (2, "start")].map(|(index, name)| (index, name.to_owned()));
    assert_eq!(info.names, Names { module: Some("counter".into()), functions: functions.into() });
    assert_eq!(info.names.function(1), Some("own"));
}

#[test]
fn functions_that_can_be_referred_to() {
    let info = declared(
        "(module
            (func $0) (func $1) (func $2) (func $3) (func $4) (func $5) (func $6) (func $7)
            (table 4 funcref)
            (global funcref (ref.func 1))
            (export \"six\" (func 6)) (export \"again\" (func 6))
            (elem (i32.const 0) func 5 5)
            (elem func 2)
            (elem declare func 3)
            (elem funcref (ref.func 4) (ref.null func))
            (func (drop (ref.func 3)) (drop (table.get (i32.const 0)))))",
    );
    assert_eq!(info.escaping, [1, 2, 3, 4, 5, 6]);
    assert_eq!(info.escaping_index(4), Some(3));
    assert_eq!(info.escaping_index(0), None);
}

#[test]
fn functions_of_shared_tables_that_can_be_referred_to() {
    let declared = |text: &str| {
        let info = declared(&format!("(module (func) (func) (func) (func) (func) (table $x 4 funcref) {text})"));
        (info.table_contents[0].is_some_and(|contents| contents.shared), info.escaping)
    };
    let segment = "(elem (table $x) (i32.const 0) func 1 2 3)";
    let with = |text: &str| declared(&format!("{segment} {text}"));
    assert_eq!(with(""), (true, vec![]));
    assert_eq!(with("(func (call_indirect (i32.const 1)) (return_call_indirect (i32.const 1)))"), (true, vec![]));
    assert_eq!(with("(func (drop (table.size $x)))"), (true, vec![]));
    // Those that others name, too.
    assert_eq!(with(r#"(export "two" (func 2)) (global funcref (ref.func 4))"#), (true, vec![2, 4]));
    assert_eq!(with("(func (drop (ref.func 3)) (drop (ref.func 3)))"), (true, vec![3]));
    assert_eq!(with("(elem func 0 1)"), (true, vec![0, 1]));
    assert_eq!(with("(table $y 2 funcref) (elem (table $y) (i32.const 0) func 0)"), (true, vec![]));
    assert_eq!(with("(table $y 2 externref) (func (table.set $y (i32.const 0) (ref.null extern)))"), (true, vec![]));
    // Others read the table, or change it, or segments do not fit in all instances.
    for uses in [
        "(func (drop (table.get $x (i32.const 0))))",
        "(table $y 2 funcref) (func (table.copy $y $x (i32.const 0) (i32.const 0) (i32.const 1)))",
        "(func (table.set $x (i32.const 0) (ref.null func)))",
        "(func (drop (table.grow $x (ref.null func) (i32.const 1))))",
        r#"(export "x" (table $x))"#,
        "(elem (table $x) (i32.const 2) func 1 1 1)",
        "(elem (table $x) (i32.const -1) func 1)",
        "(global $g i32 (i32.const 0)) (elem (table $x) (global.get $g) func 1)",
        "(elem (table $x) (i32.add (i32.const 0) (i32.const 0)) func 1)",
    ] {
        assert_eq!(with(uses), (false, vec![1, 2, 3]), "{uses}");
    }
    // The bytes of such instructions in others.
    assert_eq!(with("(func (drop (i32.const 0x25)) (drop (i64.const 0x52)))"), (true, vec![]));
}

#[test]
fn segments() {
    let info = declared(
        r#"(module
            (import "" "base" (global $base i32))
            (memory 1) (table $t 3 funcref) (table $u 3 externref) (func $f)
            (elem (table $t) (offset (global.get $base)) funcref (ref.func $f) (ref.null func))
            (elem (table $u) (i32.const 1) externref (ref.null extern))
            (elem declare func $f)
            (data (i32.const 8) "abc" "\00\ff") (data "passive"))"#,
    );
    let modes: Vec<_> = info.elements.iter().map(|segment| (segment.mode.clone(), segment.ty)).collect();
    let active = |index, offset| SegmentMode::Active { index, offset: vec![offset].into() };
    assert_eq!(
        modes,
        [
            (active(0, ConstOp::GlobalGet(0)), ValType::FuncRef),
            (active(1, ConstOp::I32(1)), ValType::ExternRef),
            (SegmentMode::Declared, ValType::FuncRef),
        ]
    );
    let items: Vec<Vec<_>> =
        info.elements.iter().map(|segment| segment.items.iter().map(|item| item[0]).collect()).collect();
    assert_eq!(items, [vec![ConstOp::RefFunc(0), ConstOp::RefNull], vec![ConstOp::RefNull], vec![ConstOp::RefFunc(0)]]);
    let data: Vec<_> = info.data.iter().map(|segment| (segment.mode.clone(), &*segment.bytes)).collect();
    assert_eq!(data, [(active(0, ConstOp::I32(8)), &b"abc\x00\xff"[..]), (SegmentMode::Passive, b"passive")]);
}

#[test]
fn what_tables_hold() {
    let contents = |tables: &str| {
        let text = format!(
            r#"(module
                (type $t (func)) (type $same (func)) (type $other (func (param i32)))
                (import "" "f" (func $import (type $t))) (import "" "g" (global $g funcref))
                (func $a (type $t)) (func $b (type $same)) (func $c (type $other)) {tables})"#
        );
        declared(&text).table_contents
    };
    let known = |ty, own| Some(TableContents { ty, own, shared: own });
    let read = |ty, own| Some(TableContents { ty, own, shared: false });
    let one = |rest: &str| contents(&format!("(table $x 9 funcref) (elem (table $x) (i32.const 1) func $a $b) {rest}"));
    assert_eq!(one(""), [known(Some(0), true)]);
    assert_eq!(one("(elem (table $x) (i32.const 5) func $c)"), [known(None, true)]);
    assert_eq!(one("(elem (table $x) (i32.const 5) func $import)"), [known(Some(0), false)]);
    assert_eq!(one("(elem (table $x) (i32.const 5) funcref (ref.null func))"), [known(Some(0), true)]);
    assert_eq!(one("(elem (table $x) (i32.const 5) funcref (global.get $g))"), [None]);
    // Segments of others do not count, nor do those that no instruction copies.
    assert_eq!(one("(elem func $c) (elem declare func $c)"), [known(Some(0), true)]);
    assert_eq!(
        one("(table $y 1 funcref) (elem (table $y) (i32.const 0) func $c)"),
        [known(Some(0), true), known(Some(2), true)]
    );
    // Whoever can write to it.
    for writes in [
        r#"(export "x" (table $x))"#,
        "(func (table.set $x (i32.const 0) (ref.func $a)))",
        "(func (table.fill $x (i32.const 0) (ref.func $a) (i32.const 1)))",
        "(func (drop (table.grow $x (ref.func $a) (i32.const 1))))",
        "(elem $p func $c) (func (table.init $x $p (i32.const 0) (i32.const 0) (i32.const 1)))",
        "(func (table.copy $x $x (i32.const 0) (i32.const 1) (i32.const 1)))",
    ] {
        assert_eq!(one(writes)[0], None, "{writes}");
    }
    // Reading leaves it as it is.
    let reads = "(table $y 1 funcref) (func (table.copy $y $x (i32.const 0) (i32.const 1) (i32.const 1)) \
                 (drop (table.get $x (i32.const 0))))";
    assert_eq!(one(reads), [read(Some(0), true), None]);
    // Nothing is called through these.
    assert_eq!(contents("(table 1 externref)"), [None]);
    assert_eq!(contents("(table 1 funcref)"), [None]);
    let info =
        declared(r#"(module (import "" "t" (table 1 funcref)) (func $f) (elem (table 0) (i32.const 0) func $f))"#);
    assert_eq!(info.table_contents, [None]);
}

#[test]
fn tables_that_can_grow() {
    let info = declared(
        r#"(module
            (import "" "t" (table 1 1 funcref))
            (table 1 funcref) (table 1 funcref) (table 1 funcref) (table 2 2 funcref) (table 2 2 funcref)
            (export "two" (table 2)) (export "five" (table 5))
            (func (drop (table.grow 3 (ref.null func) (i32.const 1))))
            (func (drop (table.grow 4 (ref.null func) (i32.const 1)))))"#,
    );
    assert_eq!(info.table_can_grow, [true, false, true, true, false, false]);
    // The bytes of a table.grow in a constant; and one with its number written longer than needed.
    let bytes = binary("(module (table 1 funcref) (func (drop (i32.const 2044))))");
    assert!(bytes.windows(2).any(|pair| pair == [0xfc, 15]));
    assert_eq!(parse(&bytes).unwrap().info.table_can_grow, [false]);
    let mut bytes = binary("(module (table 1 funcref) (func (drop (table.grow 0 (ref.null func) (i32.const 1)))))");
    let at = bytes.windows(2).position(|pair| pair == [0xfc, 15]).unwrap();
    bytes.splice(at + 1..=at + 1, [0x8f, 0x80, 0x00]);
    let start = bytes.windows(2).position(|pair| pair[0] == 10).unwrap();
    bytes[start + 1] += 2;
    bytes[start + 3] += 2;
    assert_eq!(parse(&bytes).unwrap().info.table_can_grow, [true]);
}

#[test]
fn sections_in_their_order() {
    let bytes = binary(
        r#"(module (@custom "first" (before first) "1234") (func) (memory 1) (export "f" (func 0)) (data "x") (func (data.drop 0)))"#,
    );
    let info = parse(&bytes).unwrap().info;
    let sections: Vec<_> = info.sections.iter().map(|section| (&*section.name, section.custom, section.size)).collect();
    let expected = [
        ("first", true, 10),
        ("type", false, 4),
        ("function", false, 3),
        ("memory", false, 3),
        ("export", false, 5),
        ("data count", false, 1),
        ("code", false, 10),
        ("data", false, 4),
    ];
    assert_eq!(sections, expected);
    let own = |name| {
        let section = info.sections.iter().find(|section| section.name == name).unwrap();
        &bytes[section.start as usize..section.end as usize]
    };
    assert_eq!((own("first"), own("memory")), (&b"1234"[..], &[1, 0, 1][..]));
    assert_eq!(info.code_offset() as usize, bytes.windows(2).position(|pair| pair == [10, 10]).unwrap() + 2);
}

#[test]
fn debugging_information_is_kept() {
    let bytes = binary(
        r#"(module (@custom ".debug_info" "12") (@custom ".debug_info" "34") (@custom ".debug_else" "56") (@custom ".debug_line" "78"))"#,
    );
    let debug = parse(&bytes).unwrap().info.debug;
    let debug: Vec<_> = debug.iter().map(|section| (&*section.name, &*section.bytes)).collect();
    assert_eq!(debug, [(".debug_info", &b"12"[..]), (".debug_line", b"78")]);
}

#[test]
fn damaged_names_are_left_out() {
    let named = |contents: &[u8]| {
        let mut bytes = binary("(module (func) (func) (func))");
        bytes.extend([0, 5 + contents.len() as u8, 4]);
        bytes.extend(b"name");
        bytes.extend(contents);
        parse(&bytes).unwrap().info.names
    };
    let names = |module: Option<&str>, functions: &[(u32, &str)]| Names {
        module: module.map(str::to_owned),
        functions: functions.iter().map(|(index, name)| (*index, (*name).to_owned())).collect(),
    };
    assert_eq!(named(&[]), names(None, &[]));
    assert_eq!(named(&[0, 2, 1, b'm', 1, 4, 1, 2, 1, b'f']), names(Some("m"), &[(2, "f")]));
    // The module's name is no UTF-8; of the functions one is out of range, one given twice, one out
    // of order.
    let map = [1, 16, 5, 0, 1, b'a', 0, 1, b'b', 2, 1, b'c', 1, 1, b'd', 9, 1, b'e'];
    assert_eq!(named(&[&[0, 2, 1, 0xff], &map[..]].concat()), names(None, &[(0, "a"), (2, "c")]));
    // A name longer than its subsection, and a subsection longer than the section.
    assert_eq!(named(&[1, 7, 2, 0, 1, b'a', 1, 9, b'b']), names(None, &[(0, "a")]));
    assert_eq!(named(&[0, 2, 1, b'm', 1, 90, 1, 0, 1, b'a']), names(Some("m"), &[]));
    assert_eq!(named(&[1]), names(None, &[]));
}

#[test]
fn bodies_are_in_order() {
    let bytes = binary(r#"(module (import "" "f" (func)) (func) (func (param i32) (result i32) (local.get 0)))"#);
    let parsed = parse(&bytes).unwrap();
    let indices: Vec<_> = parsed.bodies.iter().map(|body| (body.to_validate.index, body.to_validate.ty)).collect();
    assert_eq!(indices, [(1, 0), (2, 1)]);
}
