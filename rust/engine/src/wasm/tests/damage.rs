//! Damaged modules: whatever the bytes are, there is an answer and never a panic.

use super::{binary, validate_here};

/// Small modules that have every kind of section, segment and constant expression between them.
const MODULES: [&str; 5] = [
    r#"(module $numbers
        (import "env" "f" (func $f (param i32 i64) (result f32)))
        (import "env" "g" (global $g i32))
        (memory 1 2)
        (global $h (mut f64) (f64.const 1.5))
        (func $sum (export "sum") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func $main (local i64 f32) (drop (call $f (global.get $g) (i64.const -1))) (global.set $h (f64.const 2)))
        (start $main)
        (data (global.get $g) "hello"))"#,
    r#"(module
        (type $t (func (param i32) (result i32)))
        (table $t 4 8 funcref) (table 2 externref)
        (elem (i32.const 1) func $a $b)
        (elem (table $t) (i32.const 0) funcref (ref.func $a) (ref.null func))
        (elem func $b) (elem declare func $a)
        (func $a (type $t) (call_indirect (type $t) (local.get 0) (local.get 0)))
        (func $b (type $t) (drop (table.grow 1 (ref.null extern) (i32.const 1))) (drop (ref.func $a))
            (table.copy 0 0 (i32.const 0) (i32.const 1) (i32.const 2)) (table.init 0 2 (i32.const 0) (i32.const 0) (i32.const 1))
            (local.get 0))
        (export "table" (table 0)) (export "b" (func $b)))"#,
    r#"(module
        (memory (export "memory") 1)
        (data "passive") (data (i32.const 4) "\00\01")
        (func (export "f") (param i32) (result i32)
            (block (block (block (br_table 0 1 2 (local.get 0))) (return (i32.const 1))) (return (i32.const 2)))
            (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 3)) (data.drop 0)
            (memory.fill (i32.const 0) (i32.const 1) (i32.const 2)) (memory.copy (i32.const 0) (i32.const 8) (i32.const 2))
            (if (result i32) (i32.eqz (local.get 0)) (then (i32.load offset=4 (i32.const 0)))
                (else (i32.trunc_sat_f32_s (f32.load (i32.const 4)))))))"#,
    r#"(module
        (memory i64 1 2) (memory 3 (pagesize 1)) (table i64 2 funcref) (elem (i64.const 0) func 0)
        (global $a i64 (i64.add (i64.const 1) (i64.const 2))) (global i64 (i64.mul (global.get $a) (i64.const 3)))
        (func (param i64) (result i32)
            (memory.copy 0 1 (local.get 0) (i32.const 0) (i32.const 1)) (i64.store offset=0x1_0000_0000 (local.get 0) (i64.const 1))
            (if (i32.load8_u 1 (i32.const 2)) (then (return_call 0 (local.get 0))))
            (return_call_indirect (param i64) (result i32) (local.get 0) (local.get 0)))
        (data (i64.sub (i64.const 8) (i64.const 4)) "x"))"#,
    r"(module (func (param i32) (result i32 i32) (loop (param) (result) (br_if 0 (local.get 0)))
        (i32.extend8_s (local.get 0)) (select (result i32) (i32.const 1) (i32.const 2) (local.get 0))))",
];

/// Panics with what was done to the bytes, if validation does.
fn answers(bytes: &[u8], damage: std::fmt::Arguments<'_>) {
    let answer = std::panic::catch_unwind(|| validate_here(bytes));
    if let Ok(Err(error)) = &answer {
        assert!(error.message().contains("(at offset 0x"), "{damage}: {error}");
    }
    assert!(answer.is_ok(), "{damage}");
}

#[test]
fn every_truncation() {
    for text in MODULES {
        let bytes = binary(text);
        validate_here(&bytes).unwrap();
        for length in 0..bytes.len() {
            answers(&bytes[..length], format_args!("{length} of {} bytes of {text}", bytes.len()));
        }
        assert!(validate_here(&bytes[..bytes.len() - 1]).is_err());
    }
}

#[test]
fn every_flipped_bit() {
    for text in MODULES {
        let mut bytes = binary(text);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                bytes[at] ^= 1 << bit;
                answers(&bytes, format_args!("bit {bit} of byte {at} flipped in {text}"));
                bytes[at] ^= 1 << bit;
            }
        }
    }
}

#[test]
fn every_byte_replaced_by_an_extreme() {
    for text in MODULES {
        let bytes = binary(text);
        for at in 8..bytes.len() {
            for extreme in [0x00, 0x7f, 0x80, 0xff, 0x40, 0xfc, 0xfd] {
                let mut damaged = bytes.clone();
                damaged[at] = extreme;
                answers(&damaged, format_args!("byte {at} is {extreme:#x} in {text}"));
            }
            // A number of five bytes that claims 2^32 - 1 of whatever is counted here.
            let mut damaged = bytes.clone();
            damaged.splice(at..=at, [0xff, 0xff, 0xff, 0xff, 0x0f]);
            answers(&damaged, format_args!("byte {at} is 2^32 - 1 in {text}"));
        }
    }
}
