//! The child process: runs cases one after the other and says, line by line, what it does, so that
//! a crash can be told from its last line.

#![allow(unsafe_code)] // timers

use crate::check::{Checker, Cut, Verdict};
use crate::engines::Fault;
use crate::generate::Case;
use crate::kinds::Kind;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Processor time that one case may take.
const CASE_SECONDS: libc::time_t = 60;

/// Which cases to run.
#[derive(Clone, Debug)]
pub struct Job {
    /// Seed of the run.
    pub seed: u64,
    /// The first case...
    pub from: u64,
    /// ...and the distance to the next...
    pub step: u64,
    /// ...below this number.
    pub end: u64,
    /// No case begins after so long.
    pub time: Option<Duration>,
    /// The kinds of cases.
    pub kinds: Vec<Kind>,
    /// As in [`Checker::new`].
    pub wasmtime_every: u64,
    /// Where findings are written...
    pub findings: PathBuf,
    /// ...and where what is left of them after they were made smaller.
    pub regress: PathBuf,
    /// A fault to find, for tests of the harness.
    pub planted: Option<Fault>,
}

/// Runs all cases of a job. Before a case it writes `> INDEX`, after it `= INDEX KIND VERDICT
/// RETURNED TRAPPED WASMTIME WASMI`.
///
/// # Errors
/// Where the supervisor is gone, or findings cannot be written.
pub fn work(job: &Job) -> io::Result<()> {
    let mut checker = Checker::new(job.wasmtime_every);
    if let Some(fault) = job.planted {
        checker = checker.with_fault(fault);
    }
    let start = Instant::now();
    let mut out = io::stdout().lock();
    let mut index = job.from;
    while index < job.end && job.time.is_none_or(|time| start.elapsed() < time) {
        writeln!(out, "> {index}")?;
        out.flush()?;
        limit_time();
        let case = Case::numbered(job.seed, index, &job.kinds);
        let (bytes, verdict) = checker.case(case);
        if let (Some(bytes), Verdict::Different(difference)) = (&bytes, &verdict) {
            write_finding(&job.findings, case, bytes, &format!("{}\n{}\n", difference.class, difference.text))?;
        }
        writeln!(out, "= {index} {} {}", case.kind, line(&verdict))?;
        index += job.step;
    }
    out.flush()
}

/// Writes the module of a finding and what was found, named after the case.
///
/// # Errors
/// Where they cannot be written.
pub fn write_finding(directory: &Path, case: Case, bytes: &[u8], text: &str) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join(format!("{case}.wasm")), bytes)?;
    fs::write(directory.join(format!("{case}.txt")), text)
}

fn line(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Agreed(summary) => {
            let word = match summary.cut {
                None => "agreed",
                Some(Cut::Fuel) => "fuel",
                Some(Cut::Stack) => "stack",
                Some(Cut::Resource) => "resource",
                Some(Cut::Nan) => "nan",
                Some(Cut::Wasmi) => "wasmi",
            };
            let (wasmtime, wasmi) = (u8::from(summary.wasmtime), u8::from(summary.wasmi));
            format!("{word} {} {} {wasmtime} {wasmi}", summary.returned, summary.trapped)
        }
        Verdict::Invalid => "invalid 0 0 0 0".into(),
        Verdict::Nothing => "nothing 0 0 0 0".into(),
        Verdict::Different(_) => "different 0 0 0 0".into(),
    }
}

/// From now on, so much processor time ends the process by SIGVTALRM: no case takes it but one that
/// hangs.
pub fn limit_time() {
    let zero = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let timer = libc::itimerval { it_interval: zero, it_value: libc::timeval { tv_sec: CASE_SECONDS, ..zero } };
    // SAFETY: the timer is read, and no old one is asked for.
    let failed = unsafe { libc::setitimer(libc::ITIMER_VIRTUAL, &raw const timer, std::ptr::null_mut()) } != 0;
    assert!(!failed, "cannot set a timer: {}", io::Error::last_os_error());
}
