//! Makes the module of a finding smaller while the finding stays the same. Each attempt is checked
//! in a child process, as it may crash.

use crate::engines::Fault;
use crate::generate::Case;
use crate::rng::Rng;
use crate::supervise::how_it_ended;
use crate::worker::Job;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use wasm_mutate::WasmMutate;

/// Attempts in a row without success after which a module counts as small.
const ATTEMPTS: usize = 300;
/// Alterations that are tried of each that wasm-mutate proposes.
const ALTERNATIVES: usize = 8;

/// Makes the finding of a case smaller, and writes it to the directory of regressions.
///
/// # Errors
/// Where children cannot be run, or files cannot be read or written.
pub fn finding(job: &Job, case: Case) -> io::Result<()> {
    let original = fs::read(job.findings.join(format!("{case}.wasm")))?;
    let attempts = Attempts { case, scratch: job.findings.join(format!("{case}.attempt.wasm")), planted: job.planted };
    let class = attempts.class(&original)?;
    if class == AGREED {
        eprintln!("case {case}: the finding did not come again");
        return Ok(());
    }
    let small = smallest(original, |bytes| Ok(attempts.class(bytes)? == class))?;
    fs::remove_file(&attempts.scratch)?;
    fs::create_dir_all(&job.regress)?;
    let target = job.regress.join(format!("differential_{case}.wasm"));
    fs::write(&target, &small)?;
    eprintln!("case {case}: {class}; {} bytes in {}", small.len(), target.display());
    Ok(())
}

/// What a child says where it finds nothing.
pub const AGREED: &str = "agreed";

/// Modules that are checked as that of one case.
struct Attempts {
    case: Case,
    scratch: PathBuf,
    planted: Option<Fault>,
}

impl Attempts {
    /// The sort of finding that a module is, as a child process sees it.
    fn class(&self, bytes: &[u8]) -> io::Result<String> {
        fs::write(&self.scratch, bytes)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--class", &self.case.to_string()]).arg("--file").arg(&self.scratch).stderr(Stdio::null());
        if let Some(fault) = self.planted {
            command.args(["--plant", fault.name()]);
        }
        let output = command.output()?;
        let class = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(if output.status.success() { class } else { how_it_ended(output.status) })
    }
}

/// The smallest module that is found to keep a property.
///
/// # Errors
/// Those of the property.
pub fn smallest(mut best: Vec<u8>, mut keeps: impl FnMut(&[u8]) -> io::Result<bool>) -> io::Result<Vec<u8>> {
    let mut rng = Rng::new(best.len() as u64);
    let mut failures = 0;
    while failures < ATTEMPTS {
        let mut mutate = WasmMutate::default();
        mutate.reduce(true).seed(rng.bits());
        let current = best.clone();
        let proposed: Vec<Vec<u8>> = match mutate.run(&current) {
            Ok(found) => found.take(ALTERNATIVES).filter_map(Result::ok).collect(),
            Err(_) => Vec::new(),
        };
        failures += 1;
        for candidate in proposed.into_iter().filter(|candidate| candidate.len() < current.len()) {
            if keeps(&candidate)? {
                best = candidate;
                failures = 0;
                break;
            }
        }
    }
    // What is no module for wasm-mutate can still lose bytes.
    let mut length = best.len() / 2;
    while length > 0 {
        let mut at = 0;
        while at + length <= best.len() {
            let mut candidate = best.clone();
            drop(candidate.drain(at..at + length));
            if keeps(&candidate)? { best = candidate } else { at += length }
        }
        length /= 2;
    }
    Ok(best)
}
