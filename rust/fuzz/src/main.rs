//! The command: `gowasmer-fuzz [--cases N] [--seconds N] [--seed N] [--jobs N] [--only KIND,...]`,
//! or `--case KIND-SEED` for one case, or `--emit` to write the cases for others to run. Ends with
//! 1 if something was found.

use gowasmer_fuzz::check::{Checker, Verdict};
use gowasmer_fuzz::engines::Fault;
use gowasmer_fuzz::generate::Case;
use gowasmer_fuzz::kinds::Kind;
use gowasmer_fuzz::shrink::{self, AGREED};
use gowasmer_fuzz::worker::{self, Job};
use gowasmer_fuzz::{emit, guests, supervise};
use std::error::Error;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "gowasmer-fuzz: differential tests against wasmi and wasmtime
  --cases N            how many cases (default 10000)
  --seconds N          end after so many seconds
  --seed N             of the run (default 1): equal seeds give equal cases
  --jobs N             processes (default: processors)
  --only KIND,...      only these kinds of cases
  --wasmtime-every N   one case of N is run by wasmtime, too (default 4); wasmi runs all
  --findings DIR       where findings are written (default build/fuzz)
  --regress DIR        where they are written after they were made smaller (default testdata/regress)
  --case KIND-SEED     one case, with all engines; --file FILE: this module in place of the generated one
  --shrink KIND-SEED   makes the module of a finding smaller
  --emit               writes the cases and what they have to do to standard output, for scripts/differential, and runs nothing;
                       --from N --step N: only the cases N, N + STEP, ...; --case KIND-SEED: only this case";

/// What the command line says.
#[allow(clippy::struct_excessive_bools)] // each is a flag of the command line
#[derive(Default)]
struct Options {
    cases: Option<u64>,
    seconds: Option<u64>,
    seed: Option<u64>,
    jobs: Option<u64>,
    only: Option<Vec<Kind>>,
    wasmtime_every: Option<u64>,
    findings: Option<PathBuf>,
    regress: Option<PathBuf>,
    planted: Option<Fault>,
    case: Option<Case>,
    file: Option<PathBuf>,
    class: bool,
    shrink: bool,
    worker: bool,
    emit: bool,
    from: u64,
    step: Option<u64>,
}

impl Options {
    fn findings(&self) -> PathBuf {
        self.findings.clone().unwrap_or_else(|| guests::testdata().join("../build/fuzz"))
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("gowasmer-fuzz: {error}");
            ExitCode::from(2)
        }
    }
}

/// Does what the command line asks for; the number of findings.
fn run() -> Result<usize, Box<dyn Error>> {
    let Some(options) = parse()? else {
        println!("{USAGE}");
        return Ok(0);
    };
    if let Some(case) = options.case.filter(|_| !options.shrink && !options.emit) {
        return one(case, &options);
    }
    let findings = options.findings();
    let job = Job {
        seed: options.seed.unwrap_or(1),
        from: options.from,
        step: options.step.unwrap_or(1),
        end: options.cases.unwrap_or(if options.seconds.is_some() { u64::MAX } else { 10_000 }),
        time: options.seconds.map(Duration::from_secs),
        kinds: options.only.unwrap_or_else(|| Kind::ALL.to_vec()),
        wasmtime_every: options.wasmtime_every.unwrap_or(4),
        findings,
        regress: options.regress.unwrap_or_else(|| guests::testdata().join("regress")),
        planted: options.planted,
    };
    if options.worker {
        worker::work(&job)?;
        return Ok(0);
    }
    if options.emit {
        emit::emit(&job, options.case, &mut io::stdout().lock())?;
        return Ok(0);
    }
    if let Some(case) = options.case {
        let bytes = match &options.file {
            Some(file) => fs::read(file)?,
            None => case.module().ok_or_else(|| format!("case {case}: the generator makes no module"))?,
        };
        worker::write_finding(&job.findings, case, &bytes, "")?;
        shrink::finding(&job, case)?;
        return Ok(0);
    }
    let processors = std::thread::available_parallelism()?.get() as u64;
    Ok(supervise::supervise(&job, options.jobs.unwrap_or(processors).max(1))?)
}

/// Runs one case with all engines, and says what came of it; for a shrinking parent, only the sort
/// of finding.
fn one(case: Case, options: &Options) -> Result<usize, Box<dyn Error>> {
    worker::limit_time();
    let mut checker = Checker::thorough();
    if let Some(fault) = options.planted {
        checker = checker.with_fault(fault);
    }
    let bytes = match &options.file {
        Some(file) => Some(fs::read(file)?),
        None => case.module(),
    };
    let Some(bytes) = bytes else { return Err(format!("case {case}: the generator makes no module").into()) };
    if options.file.is_none() {
        worker::write_finding(&options.findings(), case, &bytes, "")?;
    }
    let verdict = checker.module(case, bytes);
    if options.class {
        println!("{}", if let Verdict::Different(difference) = verdict { difference.class } else { AGREED.into() });
        return Ok(0);
    }
    match verdict {
        Verdict::Different(difference) => {
            println!("{}\n{}", difference.class, difference.text);
            Ok(1)
        }
        other => {
            println!("{other:?}");
            Ok(0)
        }
    }
}

fn parse() -> Result<Option<Options>, Box<dyn Error>> {
    let mut options = Options::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} without a value"));
        match argument.as_str() {
            "--cases" => options.cases = Some(value()?.parse()?),
            "--seconds" => options.seconds = Some(value()?.parse()?),
            "--seed" => options.seed = Some(value()?.parse()?),
            "--jobs" => options.jobs = Some(value()?.parse()?),
            "--only" => options.only = Some(value()?.split(',').map(str::parse).collect::<Result<_, _>>()?),
            "--wasmtime-every" => options.wasmtime_every = Some(value()?.parse()?),
            "--findings" => options.findings = Some(value()?.into()),
            "--regress" => options.regress = Some(value()?.into()),
            "--plant" => options.planted = Some(value()?.parse()?),
            "--case" => options.case = Some(value()?.parse()?),
            "--shrink" => (options.case, options.shrink) = (Some(value()?.parse()?), true),
            "--class" => (options.case, options.class) = (Some(value()?.parse()?), true),
            "--file" => options.file = Some(value()?.into()),
            "--worker" => options.worker = true,
            "--emit" => options.emit = true,
            "--from" => options.from = value()?.parse()?,
            "--step" => options.step = Some(value()?.parse()?),
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("argument {other:?}\n{USAGE}").into()),
        }
    }
    Ok(Some(options))
}
