//! Modules that are refused, and in which words.

use super::{binary, refused};
use crate::prelude::*;
use crate::wasm::limits::{MAX_BR_TABLE_LABELS, MAX_MODULE_SIZE};
use crate::wasm::required_proposals;
use std::fmt::Write;

/// Each proposal, named; the first text of each is refused in its declarations, some later ones in
/// a body.
#[test]
fn proposals_are_named() {
    let cases = [
        ("threads", "(module (memory 1 1 shared))"),
        ("threads", "(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))"),
        ("threads", "(module (func (atomic.fence)))"),
        ("typed function references", "(module (type $t (func)) (func (param (ref null $t))))"),
        ("typed function references", "(module (type $t (func)) (func (param (ref $t)) (call_ref $t (local.get 0))))"),
        ("typed function references", "(module (func $f) (table 1 funcref (ref.func $f)))"),
        ("garbage collection", "(module (type (struct)))"),
        ("garbage collection", "(module (type (array i8)))"),
        ("garbage collection", "(module (rec (type (func)) (type (func))))"),
        ("garbage collection", "(module (type (sub (func))))"),
        ("garbage collection", "(module (func (param anyref)))"),
        ("garbage collection", "(module (func (drop (ref.i31 (i32.const 1)))))"),
        (
            "typed function references",
            "(module (type $t (func)) (func (param (ref $t)) (return_call_ref $t (local.get 0))))",
        ),
        ("stack switching", "(module (type $f (func)) (type (cont $f)))"),
        ("wide arithmetic", "(module (func (drop (drop (i64.mul_wide_u (i64.const 1) (i64.const 1))))))"),
        ("component model", "(component)"),
        ("component model", "(component (core module))"),
    ];
    for (proposal, text) in cases {
        let bytes = binary(text);
        let error = refused(&bytes);
        let expected = format!("the proposal {proposal} is not supported: ");
        assert!(error.message().starts_with(&expected), "{text}: {error}");
    }
}

/// Reading a global that the module itself defines does not open the door to the rest of the
/// proposal that it once belonged to.
#[test]
fn required_proposals_are_found() {
    for (text, expected) in [
        ("(module)", &[][..]),
        ("(module (func (result i32 i32) (i32.const 1) (i32.const 2)))", &[("multi-value", true)]),
        ("(module (func (param v128)))", &[("SIMD", true)]),
        ("(module (memory 1) (memory 1))", &[("multiple memories", true)]),
        ("(module (memory i64 1))", &[("64-bit memories", true)]),
        ("(module (memory 1 2 shared))", &[("threads", false)]),
        ("(module (tag))", &[("exception handling", true)]),
        ("(module (func try catch_all end))", &[("legacy exception handling", true)]),
        (
            "(module (table 1 externref) (func (param i32) (result i32) (i32.extend8_s (local.get 0))))",
            &[("reference types", true), ("sign extension", true)],
        ),
        (
            "(module (func (export \"f\") (param i64 i64 i64 i64) (result i64 i64)
               (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3))))",
            &[("multi-value", true), ("wide arithmetic", false)],
        ),
    ] {
        assert_eq!(required_proposals(&binary(text)).unwrap(), expected, "{text}");
    }
    let error = required_proposals(&binary("(module (func (result i32)))")).unwrap_err();
    assert!(error.message().contains("type mismatch"), "{error:?}");
}

#[test]
fn own_globals_in_constant_expressions_bring_no_garbage_collection() {
    let with = |fields: &str| {
        binary(&format!("(module (global $a i32 (i32.const 1)) (global $b i32 (global.get $a)) {fields})"))
    };
    super::validate_here(&with("(global funcref (ref.null func)) (memory 1) (data (global.get $b) \"x\")")).unwrap();
    let refused_by_name = [
        "(global anyref (ref.null any))",
        "(global funcref (ref.null nofunc))",
        "(global externref (ref.null noextern))",
        "(global i31ref (ref.i31 (i32.const 1)))",
        "(elem anyref (ref.null any))",
        "(elem funcref (ref.null nofunc))",
        "(func (local anyref))",
        "(func (drop (ref.null any)))",
        "(func (drop (ref.null nofunc)))",
        "(func (drop (ref.i31 (i32.const 1))))",
        "(func (param i32) (drop (ref.test funcref (ref.null func))))",
        "(func (block (result eqref) unreachable) drop)",
    ];
    for fields in refused_by_name {
        let error = refused(&with(fields));
        assert!(error.message().starts_with("the proposal garbage collection is not supported: "), "{fields}: {error}");
    }
    let wrong = [
        ("(global i32 (global.get 9))", "unknown global"),
        ("(global i64 (global.get $a))", "type mismatch"),
        ("(global $m (mut i32) (i32.const 1)) (global i32 (global.get $m))", "constant expression required"),
        ("(global i32 (i32.div_s (i32.const 1) (i32.const 1)))", "constant expression required"),
        ("(func (result i32))", "type mismatch"),
    ];
    for (fields, words) in wrong {
        let error = refused(&with(fields));
        assert!(error.message().starts_with(words), "{fields}: {error}");
    }
    let error = refused(&binary("(module (global i32 (global.get 1)) (global i32 (i32.const 1)))"));
    assert!(error.message().starts_with("unknown global"), "only globals before it: {error}");
}

#[test]
fn what_is_just_wrong_names_no_proposal() {
    let cases = [
        ("(module (func (result i32)))", "type mismatch: expected i32 but nothing on stack (at offset 0x18)"),
        ("(module (func (call 7)))", "unknown function 7: function index out of bounds (at offset 0x17)"),
        ("(module (memory 65537))", "memory size must be at most 0x10000 65536-byte pages (at offset 0xb)"),
        (
            "(module (memory i64 0x1_0000_0000_0001))",
            "memory size must be at most 0x1000000000000 65536-byte pages (at offset 0xb)",
        ),
        (
            "(module (memory 1 (pagesize 65536)) (memory i64 1) (func (drop (i32.load 1 (i32.const 0)))))",
            "type mismatch",
        ),
        ("(module (memory 2 1))", "size minimum must not be greater than maximum (at offset 0xb)"),
        (r#"(module (func) (export "a" (func 0)) (export "a" (func 0)))"#, "duplicate export name `a` already defined"),
        ("(module (func (drop (ref.func 0))))", "undeclared function reference (at offset 0x17)"),
    ];
    for (text, words) in cases {
        let error = refused(&binary(text));
        assert!(error.message().starts_with(words), "{text}: {error}");
    }
}

#[test]
fn of_several_invalid_bodies_the_first_is_reported() {
    let mut text = String::from("(module (func)");
    for index in 0..200 {
        write!(text, "(func (call {}))", 1_000 + index).unwrap();
    }
    let bytes = binary(&(text + ")"));
    for _ in 0..20 {
        assert!(refused(&bytes).message().starts_with("unknown function 1000"));
    }
}

#[test]
fn no_module_at_all() {
    let cases: [(&[u8], &str); 7] = [
        (b"", "the module is empty, expected a WebAssembly binary (at offset 0x0)"),
        (b"\0", "unexpected end"),
        (b"\0as", "unexpected end"),
        (b"hello, world", "magic header not detected"),
        (b"\0asm", "unexpected end"),
        (b"\0asm\x02\0\0\0", "unknown binary version"),
        (b"\0asm\x01\0\x07\0", "unknown binary version"),
    ];
    for (bytes, words) in cases {
        let error = refused(bytes);
        assert!(error.message().starts_with(words), "{bytes:?}: {error}");
    }
    refused(&binary("(module)")[..7]);
    refused(&[&binary("(module)")[..], b"\0"].concat());
}

/// A function whose body holds a type of instruction many times.
fn repeated(before: &str, what: &str, times: usize, after: &str) -> Vec<u8> {
    binary(&(before.to_owned() + &what.repeat(times) + after))
}

#[test]
fn limits_are_named() {
    let branches = |labels| repeated("(module (func (block (br_table ", "0 ", labels, "(i32.const 0)))))");
    super::validate_here(&branches(MAX_BR_TABLE_LABELS as usize + 1)).unwrap();
    let locals = |count| repeated("(module (func (local ", "i32 ", count, ")))");
    super::validate_here(&locals(50_000)).unwrap();
    super::validate_here(&repeated("(module (func (param ", "i32 ", 1_000, ")))")).unwrap();
    super::validate_here(&repeated("(module ", "(table 0 funcref)", 200, ")")).unwrap();

    let cases = [
        (branches(MAX_BR_TABLE_LABELS as usize + 2), "br_table labels 65521 exceed limit of 65520"),
        (locals(50_001), "too many locals: locals exceed maximum: limit of 50000"),
        (
            repeated("(module (func (param ", "i32 ", 1_001, ")))"),
            "function params size is out of bounds: limit of 1000",
        ),
        (
            repeated("(module (func (result ", "i32 ", 1_001, ") unreachable))"),
            "function returns size is out of bounds: limit of 1000",
        ),
        (repeated("(module (func ", "nop ", 7_654_321, "))"), "function body size count exceeds limit of 7654321"),
        (
            repeated("(module (func (block (type 0)) unreachable) (type (func (param ", "i32 ", 1_001, "))))"),
            "function params size is out of bounds: limit of 1000",
        ),
        (vec![0; MAX_MODULE_SIZE + 1], "module size 1073741825 exceeds limit of 1073741824 bytes"),
        (repeated("(module ", r#"(data "")"#, 100_001, ")"), "data segments count exceeds limit of 100000"),
    ];
    for (bytes, words) in cases {
        let error = refused(&bytes);
        assert!(error.message().starts_with(words), "{error}");
    }
}

/// Counts of sections beyond the limits of the JavaScript API ("Implementation-defined Limits"):
/// refused before anything is read.
#[test]
fn counts_of_sections_are_limited() {
    let cases = [
        (1, "types", 1_000_000_u32),
        (2, "imports", 1_000_000),
        (3, "functions", 1_000_000),
        (4, "tables", 100_000),
        (5, "memories", 100),
        (6, "globals", 1_000_000),
        (7, "exports", 1_000_000),
        (9, "element segments", 100_000),
        (11, "data segments", 100_000),
    ];
    for (id, what, limit) in cases {
        let claims = |count: u32| {
            let mut contents = Vec::new();
            let mut rest = count;
            while rest >= 0x80 {
                contents.push((rest as u8) | 0x80);
                rest >>= 7;
            }
            contents.push(rest as u8);
            let mut bytes = binary("(module)");
            bytes.extend([id, contents.len() as u8]);
            bytes.extend(contents);
            refused(&bytes)
        };
        let error = claims(limit + 1);
        assert!(error.message().starts_with(&format!("{what} count exceeds limit of {limit} (at offset ")), "{error}");
        assert!(!claims(limit).message().contains("exceeds"), "{what}: {limit} are allowed");
    }
    super::validate_here(&repeated("(module ", "(memory 0)", 100, ")")).unwrap();
    super::validate_here(&repeated("(module ", "(func)", 50_000, ")")).unwrap();
    // Imports count, too.
    let error = refused(&repeated("(module ", "(import \"\" \"\" (memory 0))", 60, &("(memory 0)".repeat(41) + ")")));
    assert!(error.message().starts_with("memories count exceeds limit of 100"), "{error}");
    let mut bytes = binary("(module (table 0 funcref) (func) (elem (i32.const 0) func 0))");
    let at = bytes.windows(3).position(|window| window == [9, 7, 1]).unwrap();
    // A size of 10,000,010 and 10,000,001 items.
    let head = [9, 0x8a, 0xad, 0xe2, 0x04, 1, 0, 0x41, 0, 0x0b, 0x81, 0xad, 0xe2, 0x04];
    bytes.splice(at..at + 9, head.into_iter().chain(std::iter::repeat_n(0, 10_000_001)));
    let error = refused(&bytes);
    assert!(error.message().starts_with("number of elements is out of bounds: limit of 10000000"), "{error}");
}

#[test]
fn depth_takes_no_stack() {
    let depth = 100_000;
    let nested = repeated("(module (func ", "block ", depth, &("end ".repeat(depth) + "))"));
    let chain = repeated("(module (func (result i32) i32.const 1 ", "i32.eqz ", depth, "))");
    let small = std::thread::Builder::new().stack_size(64 << 10).spawn(move || {
        super::validate_here(&nested).unwrap();
        super::validate_here(&chain).unwrap();
    });
    small.unwrap().join().unwrap();
}
