//! The harness itself: planted faults are found, crashes are reported with their case, cases come
//! again, findings become small.

use gowasmer_fuzz::check::{Checker, Verdict};
use gowasmer_fuzz::engines::Fault;
use gowasmer_fuzz::generate::Case;
use gowasmer_fuzz::kinds::Kind;
use gowasmer_fuzz::shrink;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Cases in which each fault must have been found.
const ENOUGH: u64 = 400;

#[test]
fn planted_faults_are_found() {
    for fault in Fault::DIFFERENCES {
        let checker = Checker::new(1).with_fault(fault);
        let kinds: &[Kind] = match fault {
            Fault::HostCall => &[Kind::Imports],
            Fault::Table => &[Kind::Tables],
            Fault::Memory | Fault::Trap => &[Kind::Memory],
            _ => &[Kind::All],
        };
        let found = (0..ENOUGH).find_map(|index| match checker.case(Case::numbered(7, index, kinds)).1 {
            Verdict::Different(difference) => Some(difference),
            _ => None,
        });
        let found = found.unwrap_or_else(|| panic!("{fault:?} was not found in {ENOUGH} cases"));
        assert_eq!(found.class, "run planted", "{fault:?}: {}", found.text);
        assert!(found.text.contains("planted:") && found.text.contains("wasmi:"), "{fault:?}: {}", found.text);
    }
}

#[test]
fn without_a_fault_nothing_is_found() {
    let checker = Checker::thorough();
    for index in 0..100 {
        let case = Case::numbered(3, index, &Kind::ALL);
        if let Verdict::Different(difference) = checker.case(case).1 {
            panic!("{case}: {}\n{}", difference.class, difference.text);
        }
    }
}

#[test]
fn faults_of_validators_are_known() {
    let case = Case { kind: Kind::Bytes, seed: 1 };
    // An import of an exact function, which only wasmtime takes.
    let exact = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x05\x01\0\0\x20\0";
    let verdict = Checker::thorough().module(case, exact.to_vec());
    assert!(matches!(verdict, Verdict::Invalid), "{verdict:?}");
}

#[test]
fn cases_come_again() {
    for index in 0..60 {
        let case = Case::numbered(5, index, &Kind::ALL);
        assert_eq!(case.to_string().parse(), Ok(case));
        assert_eq!(case, Case::numbered(5, index, &Kind::ALL));
        assert_eq!(case.module(), case.module(), "{case}");
    }
    for wrong in ["", "all", "all-", "all-xyz", "-12", "no_such_kind-12"] {
        wrong.parse::<Case>().expect_err(wrong);
    }
}

#[test]
fn every_kind_gives_modules_that_run() {
    let checker = Checker::new(u64::MAX);
    for kind in Kind::ALL.into_iter().filter(|kind| kind.weight() > 0) {
        let returns = |index| match checker.case(Case::numbered(11, index, &[kind])).1 {
            Verdict::Agreed(summary) => summary.returned > 0,
            _ => false,
        };
        assert!((0..ENOUGH).any(returns), "{kind}: no call returned");
    }
}

#[test]
fn a_difference_is_written_and_made_smaller() {
    let directory = Scratch::new("difference");
    let output = fuzz(&directory.0, &["--plant", "result", "--only", "calls", "--cases", "12", "--jobs", "2"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let small = files(&directory.0.join("regress"));
    assert!(!small.is_empty(), "{output:?}");
    for path in small {
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        let case: Case = name.strip_prefix("differential_").expect("the file is named so").parse().expect("a case");
        let (bytes, large) = (fs::read(&path).unwrap(), fs::read(directory.0.join(format!("{case}.wasm"))).unwrap());
        assert!(bytes.len() < large.len() && bytes.len() < 300, "{case}: {} of {} bytes", bytes.len(), large.len());
        let again = Checker::thorough().with_fault(Fault::Result).module(case, bytes.clone());
        assert!(matches!(again, Verdict::Different(_)), "{case}: {again:?}");
        let sound = Checker::thorough().module(case, bytes);
        assert!(matches!(sound, Verdict::Agreed(_)), "{case}: {sound:?}");
    }
}

#[test]
fn a_crash_is_reported_with_its_case() {
    let directory = Scratch::new("crash");
    let output = fuzz(&directory.0, &["--plant", "abort", "--only", "calls", "--cases", "3", "--jobs", "1"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("crash in case calls-") && errors.contains("signal: 6"), "{errors}");
    let texts = files(&directory.0).into_iter().filter(|path| path.extension().is_some_and(|e| e == "txt"));
    assert!(texts.count() > 0, "{errors}");
}

#[test]
fn arguments_that_are_wrong_are_refused() {
    let directory = Scratch::new("arguments");
    for wrong in [&["--cases", "x"][..], &["--only", "nothing"], &["--seed"], &["--unknown"], &["--case", "all"]] {
        assert_eq!(fuzz(&directory.0, wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn shrinking_keeps_the_property() {
    let module = wat::parse_str(
        "(module (func (export \"a\") (result i32) i32.const 1 i32.const 2 i32.mul) (func nop nop nop) (memory 1)
            (global i32 (i32.const 7)) (func (export \"b\") unreachable))",
    )
    .unwrap();
    let is_interesting = |bytes: &[u8]| {
        wasmparser::Validator::new().validate_all(bytes).is_ok() && bytes.contains(&0x6c) // i32.mul
    };
    let small = shrink::smallest(module.clone(), |bytes| Ok(is_interesting(bytes))).unwrap();
    assert!(is_interesting(&small) && small.len() < module.len() * 2 / 3, "{} of {}", small.len(), module.len());
}

/// A directory that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory can be made");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("the directory can be removed");
    }
}

fn fuzz(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gowasmer-fuzz"));
    command.args(arguments).arg("--findings").arg(directory).arg("--regress").arg(directory.join("regress"));
    command.output().expect("the command can be run")
}

fn files(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()).collect()
}
