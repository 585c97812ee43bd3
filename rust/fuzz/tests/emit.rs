//! What `scripts/differential` is told: the encoding is that which its tests read, and the command
//! writes it.

use gowasmer_fuzz::encoding::{self, END};
use gowasmer_fuzz::expect::{By, Expected, Oracle};
use gowasmer_fuzz::generate::Case;
use gowasmer_fuzz::guests::testdata;
use gowasmer_fuzz::kinds::Kind;
use std::process::{Command, Output};

/// All types of values, all sorts of imports and exports, calls of the host, traps, and a start
/// function.
const EVERYTHING: &str = r#"(module
    (import "host" "number" (func $number (param i32 i64 f32 f64) (result f64 f32 i64 i32)))
    (import "host" "other" (func $other (param v128 funcref externref) (result externref funcref v128)))
    (import "host" "memory" (memory $imported 1 300))
    (import "host" "memory64" (memory $imported64 i64 1 2))
    (import "host" "table" (table 2 externref))
    (import "host" "table64" (table i64 2 3 funcref))
    (import "host" "i32" (global $i32 i32))
    (import "host" "i64" (global (mut i64)))
    (import "host" "f32" (global f32))
    (import "host" "f64" (global f64))
    (import "host" "v128" (global v128))
    (import "host" "funcref" (global funcref))
    (import "host" "externref" (global $externref externref))
    (memory $own (export "own") 1 1 (pagesize 1))
    (table $functions (export "functions") 3 3 funcref)
    (table $objects (export "objects") 3 3 externref)
    (global $count (export "count") (mut i32) (i32.const 0))
    (export "memory" (memory $imported))
    (export "memory64" (memory $imported64))
    (export "table" (table 0))
    (export "table64" (table 1))
    (export "i32" (global $i32))
    (export "externref" (global $externref))
    (start $start)
    (func $start (drop (call $other (v128.const i64x2 1 2) (ref.null func) (ref.null extern))) (drop) (drop))
    (func (export "numbers") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (i32.store8 $own (i32.const 0) (local.get 0))
        (i64.store $imported (i32.const 8) (local.get 1))
        (f64.store $imported64 (i64.const 16) (local.get 3))
        (call $number (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
    (func (export "others") (param v128 funcref externref) (result externref funcref v128)
        (table.set $functions (i32.const 1) (local.get 1))
        (table.set $objects (i32.const 1) (local.get 2))
        (call $other (local.get 0) (local.get 1) (local.get 2)))
    (func (export "divide") (param i32) (result i32) (i32.div_u (i32.const 1) (i32.and (local.get 0) (i32.const 0))))
    (func (export "indirect") (param i32) (result i32)
        (call_indirect $functions (param i32) (result i32) (i32.const 5) (i32.const 2)))
    (func (export "outside") (result i32) (i32.load $own (i32.const 0))))"#;

/// Enough for wasmtime to judge it.
const SMALL: &str =
    r#"(module (func (export "add") (param i64 i64) (result i64) (i64.add (local.get 0) (local.get 1))))"#;

#[test]
fn the_encoding_is_that_which_go_reads() {
    let mut oracle = Oracle::new(2);
    let mut stream = Vec::new();
    let mut add = |number, case, expected: &Expected| stream.extend(encoding::frame(number, case, expected));
    let everything = wat::parse_str(EVERYTHING).unwrap();
    // Which ways of running and calling it the seed chooses is seen from its bits; it must not be
    // one that wasmtime judges.
    for (number, seed) in (0..).zip([0x0001_0100, 0x0301_1001, 0x0701_0803]) {
        let case = Case { kind: Kind::All, seed };
        let expected = oracle.module(case, everything.clone());
        assert!(matches!(expected, Expected::Valid(_, _, By::Wasmi)), "{expected:?}");
        add(number, case, &expected);
    }
    let case = Case { kind: Kind::Floats, seed: 0 };
    let expected = oracle.module(case, wat::parse_str(SMALL).unwrap());
    assert!(matches!(expected, Expected::Valid(_, _, By::Wasmtime)), "{expected:?}");
    add(3, case, &expected);
    let case = Case { kind: Kind::Bytes, seed: 5 };
    let expected = oracle.module(case, everything[..40].to_vec());
    assert!(matches!(expected, Expected::Invalid(_)), "{expected:?}");
    add(4, case, &expected);
    add(5, case, &Expected::Nothing);
    add(6, case, &Expected::Disputed(vec![1, 2, 3], "words".into()));
    stream.extend(END);

    let path = testdata().join("../scripts/differential/testdata/cases.bin");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &stream).unwrap();
    }
    assert!(std::fs::read(&path).unwrap() == stream, "{} differs; BLESS=1 rewrites it", path.display());
}

#[test]
fn the_command_writes_a_part_of_a_run() {
    let one = emit(&["--cases", "7", "--from", "4", "--step", "4", "--seed", "9"]);
    let case = Case::numbered(9, 4, &Kind::ALL).to_string();
    let length = u32::from_le_bytes(one.stdout[..4].try_into().unwrap()) as usize;
    assert_eq!(one.stdout[4 + length..], END, "{}", String::from_utf8_lossy(&one.stderr));
    assert!(one.stdout.windows(case.len()).any(|part| part == case.as_bytes()));
    // The same case by its name, but for its number.
    let again = emit(&["--case", &case]).stdout;
    assert!(again[16..] == one.stdout[16..]);
    assert_eq!(emit(&["--cases", "0"]).stdout, END);
}

fn emit(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_gowasmer-fuzz")).arg("--emit").args(arguments).output();
    let output = output.expect("the command can be run");
    assert!(output.status.success(), "{output:?}");
    output
}
