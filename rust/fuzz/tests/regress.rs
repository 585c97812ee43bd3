//! Every module in testdata/regress: all validators agree on it, and all engines in all variants do
//! the same with it.

use gowasmer_fuzz::check::{Checker, Verdict};
use gowasmer_fuzz::generate::Case;
use gowasmer_fuzz::guests::testdata;
use gowasmer_fuzz::kinds::Kind;
use std::fs;

#[test]
fn regressions_stay_repaired() {
    let checker = Checker::thorough();
    let entries = fs::read_dir(testdata().join("regress")).expect("the directory can be read");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the directory can be read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "wasm"));
    paths.sort();
    assert!(!paths.is_empty(), "no modules");
    let mut failures = Vec::new();
    for path in paths {
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        // Those that were found here have their case in the name, which decides the arguments; for
        // the others any will do.
        let case = match name.strip_prefix("differential_") {
            Some(case) => case.parse().unwrap_or_else(|error| panic!("{name}: {error}")),
            None => Case { kind: Kind::Bytes, seed: 1 },
        };
        if let Verdict::Different(difference) = checker.module(case, fs::read(&path).expect("the file can be read")) {
            failures.push(format!("{name}: {}\n{}", difference.class, difference.text));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
