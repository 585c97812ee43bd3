//! The parent process: starts the workers, shows the progress, and collects what they find, crashes
//! included.

use crate::generate::Case;
use crate::kinds::Kind;
use crate::shrink;
use crate::worker::{self, Job};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// More findings than this are not made smaller: they are most likely one.
const MAX_SHRUNK: usize = 5;

/// What is counted, for each kind.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    cases: u64,
    agreed: u64,
    fuel: u64,
    stack: u64,
    resource: u64,
    nan: u64,
    fault: u64,
    wasmi: u64,
    invalid: u64,
    nothing: u64,
    different: u64,
    crashed: u64,
    returned: u64,
    trapped: u64,
    wasmtime: u64,
}

/// What a worker's thread tells.
enum Message {
    /// A line after a case.
    Done(String),
    /// The worker died in a case.
    Crashed(Case, String),
    /// The worker has ended.
    Ended(io::Result<()>),
}

/// Runs cases in so many workers; the number of findings.
///
/// # Errors
/// Where workers cannot be run, or findings cannot be written.
pub fn supervise(job: &Job, jobs: u64) -> io::Result<usize> {
    let (sender, receiver) = mpsc::channel();
    let start = Instant::now();
    for number in 0..jobs {
        let part = Job { from: job.from + number, step: jobs, ..job.clone() };
        let sender = sender.clone();
        thread::spawn(move || {
            let ended = watch(part, &sender);
            // Nobody listens any more where another worker could not be run.
            let _ = sender.send(Message::Ended(ended));
        });
    }
    let mut table: BTreeMap<&'static str, Counts> = BTreeMap::new();
    let mut findings = Vec::new();
    let mut running = jobs;
    let (interval, mut shown) = (Duration::from_secs(if io::stderr().is_terminal() { 1 } else { 10 }), start);
    while running > 0 {
        match receiver.recv_timeout(interval) {
            Ok(Message::Done(line)) => {
                if let Some(case) = count(&mut table, &line, job) {
                    eprintln!("\ndifference in case {case}");
                    findings.push(case);
                }
            }
            Ok(Message::Crashed(case, how)) => {
                eprintln!("\ncrash in case {case}: {how}");
                let counts = table.entry(case.kind.name()).or_default();
                counts.cases += 1;
                counts.crashed += 1;
                worker::write_finding(&job.findings, case, &case.module().unwrap_or_default(), &how)?;
                findings.push(case);
            }
            Ok(Message::Ended(result)) => {
                result?;
                running -= 1;
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        if shown.elapsed() >= interval {
            shown = Instant::now();
            eprint!("{}", progress(&table, start));
        }
    }
    eprintln!();
    println!("{}", report(&table, start));
    for case in findings.iter().take(MAX_SHRUNK) {
        shrink::finding(job, *case)?;
    }
    Ok(findings.len())
}

/// Runs the workers for one part: a new one after each crash.
fn watch(mut part: Job, sender: &Sender<Message>) -> io::Result<()> {
    let start = Instant::now();
    let time = part.time;
    loop {
        part.time = time.map(|time| time.saturating_sub(start.elapsed()));
        let mut child = spawn(&part)?;
        let mut last = None;
        for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
            let line = line?;
            if let Some(index) = line.strip_prefix("> ") {
                last = index.parse().ok();
            } else if sender.send(Message::Done(line)).is_err() {
                return Ok(());
            }
        }
        let status = child.wait()?;
        if status.success() {
            return Ok(());
        }
        let Some(index) = last else {
            return Err(io::Error::other(format!("a worker died before its first case: {status}")));
        };
        let _ = sender.send(Message::Crashed(Case::numbered(part.seed, index, &part.kinds), status.to_string()));
        part.from = index + part.step;
    }
}

fn spawn(part: &Job) -> io::Result<Child> {
    let kinds: Vec<&str> = part.kinds.iter().map(|kind| kind.name()).collect();
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--worker").args(["--from", &part.from.to_string(), "--step", &part.step.to_string()]);
    command.args(["--seed", &part.seed.to_string(), "--cases", &part.end.to_string(), "--only", &kinds.join(",")]);
    command.args(["--wasmtime-every", &part.wasmtime_every.to_string()]).arg("--findings").arg(&part.findings);
    if let Some(fault) = part.planted {
        command.args(["--plant", fault.name()]);
    }
    if let Some(time) = part.time {
        command.args(["--seconds", &time.as_secs().to_string()]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()
}

/// Counts a line; the case, if it is a finding.
fn count(table: &mut BTreeMap<&'static str, Counts>, line: &str, job: &Job) -> Option<Case> {
    let fields: Vec<&str> = line.split(' ').collect();
    let ["=", index, kind, verdict, returned, trapped, wasmtime, wasmi] = fields[..] else {
        eprintln!("\nline that no worker should write: {line}");
        return None;
    };
    let kind: Kind = kind.parse().ok()?;
    let number = |field: &str| field.parse::<u64>().unwrap_or_default();
    let counts = table.entry(kind.name()).or_default();
    counts.cases += 1;
    counts.returned += number(returned);
    counts.trapped += number(trapped);
    counts.wasmtime += number(wasmtime);
    counts.wasmi += number(wasmi);
    match verdict {
        "agreed" => counts.agreed += 1,
        "fuel" => counts.fuel += 1,
        "stack" => counts.stack += 1,
        "resource" => counts.resource += 1,
        "nan" => counts.nan += 1,
        "wasmi" => counts.fault += 1,
        "invalid" => counts.invalid += 1,
        "nothing" => counts.nothing += 1,
        _ => {
            counts.different += 1;
            return Some(Case::numbered(job.seed, number(index), &job.kinds));
        }
    }
    None
}

fn sum(table: &BTreeMap<&'static str, Counts>) -> Counts {
    table.values().fold(Counts::default(), |a, b| Counts {
        cases: a.cases + b.cases,
        agreed: a.agreed + b.agreed,
        fuel: a.fuel + b.fuel,
        stack: a.stack + b.stack,
        resource: a.resource + b.resource,
        nan: a.nan + b.nan,
        fault: a.fault + b.fault,
        wasmi: a.wasmi + b.wasmi,
        invalid: a.invalid + b.invalid,
        nothing: a.nothing + b.nothing,
        different: a.different + b.different,
        crashed: a.crashed + b.crashed,
        returned: a.returned + b.returned,
        trapped: a.trapped + b.trapped,
        wasmtime: a.wasmtime + b.wasmtime,
    })
}

fn progress(table: &BTreeMap<&'static str, Counts>, start: Instant) -> String {
    let all = sum(table);
    let rate = all.cases / start.elapsed().as_secs().max(1);
    let end = if io::stderr().is_terminal() { '\r' } else { '\n' };
    format!(
        "{} cases, {rate} per second: {} invalid, {} calls returned, {} trapped, {} too long, {} different, {} crashed{end}",
        all.cases, all.invalid, all.returned, all.trapped, all.fuel, all.different, all.crashed
    )
}

/// The table of a whole run.
fn report(table: &BTreeMap<&'static str, Counts>, start: Instant) -> String {
    let mut text = String::from(
        "| kind | cases | agreed | invalid | too long | stack | limit | NaN | wasmi's fault | no module | different | crashed | calls | traps | by wasmi | by wasmtime |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let mut row = |name: &str, c: &Counts| {
        writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            c.cases,
            c.agreed,
            c.invalid,
            c.fuel,
            c.stack,
            c.resource,
            c.nan,
            c.fault,
            c.nothing,
            c.different,
            c.crashed,
            c.returned,
            c.trapped,
            c.wasmi,
            c.wasmtime
        )
        .expect("strings can be written to");
    };
    for (name, counts) in table {
        row(name, counts);
    }
    let all = sum(table);
    row("all", &all);
    let seconds = start.elapsed().as_secs().max(1);
    write!(text, "{} cases in {seconds} s, {} per second", all.cases, all.cases / seconds)
        .expect("strings can be written to");
    text
}

/// Tells a child's end as a class of finding.
#[must_use]
pub fn how_it_ended(status: std::process::ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    status.signal().map_or_else(|| format!("exit {:?}", status.code()), |signal| format!("signal {signal}"))
}
