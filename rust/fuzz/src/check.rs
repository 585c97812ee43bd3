//! One case: the module is validated, run in each engine, and the transcripts are compared.

use crate::engines::{Fault, Ours, Planted, Variant, Wasmi, Wasmtime};
use crate::generate::Case;
use crate::kinds::Kind;
use crate::oracles;
use crate::subject::Subject;
use crate::transcript::{self, Engine, Transcript};
use crate::validity;
use crate::value::Failure;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// How a case ended.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// All engines did the same.
    Agreed(Summary),
    /// All engines refuse the module.
    Invalid,
    /// The generator gave no module.
    Nothing,
    /// Something differs.
    Different(Difference),
}

/// What was compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// Calls that returned.
    pub returned: u64,
    /// Calls and instantiations that trapped.
    pub trapped: u64,
    /// Why the comparison ended early.
    pub cut: Option<Cut>,
    /// Whether wasmtime ran it, too.
    pub wasmtime: bool,
    /// Whether wasmi ran it: not where a known fault of wasmi lies in the way.
    pub wasmi: bool,
}

/// Why a comparison ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The guest ran too long.
    Fuel,
    /// Some engine's stack was used up.
    Stack,
    /// A limit was met.
    Resource,
    /// The generated module did not make a NaN canonical; with engines that do so, nothing differs.
    Nan,
    /// A known fault of wasmi explains a difference, and wasmtime agrees.
    Wasmi,
}

/// A finding.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The sort of finding and the engine: what stays the same while a module is made smaller.
    pub class: String,
    /// What happened, for people.
    pub text: String,
}

/// The engines, and how thoroughly they are used.
pub struct Checker {
    /// Goes first, with fuel: it decides how far a case is run.
    wasmi: RefCell<Rc<Wasmi>>,
    wasmtime: Wasmtime,
    /// Goes first where wasmi cannot.
    counting: Wasmtime,
    /// Compilation by wasmtime takes the most time: one case of so many has it.
    wasmtime_every: u64,
    /// Whether every case is run by all engines in all variants.
    thorough: bool,
    /// In place of all engines but the first, for tests of the harness.
    planted: Option<Planted>,
}

impl Checker {
    /// Lets the seed of a case decide which variants of the engine run it, and whether it is the
    /// one of `wasmtime_every` that wasmtime runs, too.
    #[must_use]
    pub fn new(wasmtime_every: u64) -> Self {
        let wasmi = RefCell::new(Rc::new(Wasmi::new()));
        let (wasmtime, counting) = (Wasmtime::new(), Wasmtime::counting());
        Self { wasmi, wasmtime, counting, wasmtime_every: wasmtime_every.max(1), thorough: false, planted: None }
    }

    /// Has every case run by all engines in all variants.
    #[must_use]
    pub fn thorough() -> Self {
        Self { thorough: true, ..Self::new(1) }
    }

    /// Puts a faulty engine in the place of this project's one.
    #[must_use]
    pub fn with_fault(self, fault: Fault) -> Self {
        Self { planted: Some(Planted::new(fault)), ..self }
    }

    /// Generates and checks a case.
    #[must_use]
    pub fn case(&self, case: Case) -> (Option<Vec<u8>>, Verdict) {
        // The generators may panic on what they did not foresee: that says nothing about the
        // engines.
        let module = catch_unwind(AssertUnwindSafe(|| case.module())).unwrap_or_default();
        let Some(bytes) = module else { return (None, Verdict::Nothing) };
        let verdict = self.module(case, bytes.clone());
        (Some(bytes), verdict)
    }

    /// Checks a module as that of a case.
    #[must_use]
    pub fn module(&self, case: Case, bytes: Vec<u8>) -> Verdict {
        let chosen = (case.seed >> 16).is_multiple_of(self.wasmtime_every);
        let wasmtime = (chosen || case.kind == Kind::Bytes).then_some(&self.wasmtime);
        match validity::agreed(&bytes, &self.wasmi.borrow(), wasmtime) {
            Err(text) => return different("validity", text),
            Ok(false) => return Verdict::Invalid,
            Ok(true) => {}
        }
        let Some(subject) = Subject::new(bytes, case.seed, case.canonical()) else {
            return different("validity", "valid, but the declarations are refused".into());
        };
        match self.run(&subject, chosen) {
            Ok(summary) => Verdict::Agreed(summary),
            Err(difference) => Verdict::Different(difference),
        }
    }

    fn run(&self, subject: &Subject, chosen: bool) -> Result<Summary, Difference> {
        let wasmi = Rc::clone(&self.wasmi.borrow());
        let transcript = if oracles::wasmi_swaps_select(&subject.bytes) {
            None
        } else {
            // Its translator panics for some valid modules, and is not used again then.
            let unwound = catch_unwind(AssertUnwindSafe(|| transcribe(&*wasmi, subject, usize::MAX)));
            unwound.inspect_err(|_| drop(self.wasmi.replace(Rc::new(Wasmi::new())))).ok().transpose()?
        };
        let by_wasmi = transcript.is_some();
        let first: &dyn Engine = if by_wasmi { &*wasmi } else { &self.counting };
        let transcript = transcript.map_or_else(|| transcribe(first, subject, usize::MAX), Ok)?;
        let mut summary = Summary { wasmtime: chosen || !by_wasmi, wasmi: by_wasmi, ..Summary::default() };
        let Some(transcript) = transcript else {
            return Ok(Summary { cut: Some(Cut::Resource), ..summary });
        };
        (summary.returned, summary.trapped) = (transcript.returned, transcript.trapped);
        let others = self.others(subject, chosen && by_wasmi);
        match compare(subject, (first, &transcript), &others) {
            Ok(cut) => summary.cut = cut,
            // The generator makes most NaN canonical, but not all.
            Err(_) if !subject.canonical && Self::agree_on_nan(subject, first, &others) => summary.cut = Some(Cut::Nan),
            Err(_) if by_wasmi && self.is_fault_of_wasmi(subject, &others) => {
                (summary.cut, summary.wasmi) = (Some(Cut::Wasmi), false);
            }
            Err(difference) => return Err(difference),
        }
        Ok(summary)
    }

    /// Whether a difference may come from a known fault of wasmi, and wasmtime does the same as
    /// this project's engine.
    fn is_fault_of_wasmi(&self, subject: &Subject, others: &[&dyn Engine]) -> bool {
        let known = oracles::wasmi_misplaces_values(&subject.bytes);
        let transcript = known.then(|| transcribe(&self.counting, subject, usize::MAX).ok().flatten()).flatten();
        transcript.is_some_and(|transcript| compare(subject, (&self.counting, &transcript), others).is_ok())
    }

    /// Whether there is no difference once the engines make NaN canonical.
    fn agree_on_nan(subject: &Subject, first: &dyn Engine, others: &[&dyn Engine]) -> bool {
        let subject = subject.canonicalized();
        let transcript = transcribe(first, &subject, usize::MAX).ok().flatten();
        transcript.is_some_and(|transcript| compare(&subject, (first, &transcript), others).is_ok())
    }

    /// The engines to compare with the first one.
    fn others(&self, subject: &Subject, wasmtime: bool) -> Vec<&dyn Engine> {
        if let Some(planted) = &self.planted {
            return vec![planted];
        }
        let has = |variant| self.thorough || Variant::of_seed(subject.seed).any(|chosen| chosen == variant);
        let candidates: [(bool, &dyn Engine); 5] = [
            (has(Variant::Guarded), &Ours(Variant::Guarded)),
            (has(Variant::Serialized), &Ours(Variant::Serialized)),
            (has(Variant::Explicit), &Ours(Variant::Explicit)),
            (has(Variant::NotOptimized), &Ours(Variant::NotOptimized)),
            (wasmtime, &self.wasmtime),
        ];
        candidates.into_iter().filter(|(chosen, _)| *chosen).map(|(_, engine)| engine).collect()
    }
}

fn different(class: &str, text: String) -> Verdict {
    Verdict::Different(Difference { class: class.into(), text })
}

fn cut(transcript: &Transcript) -> Option<Cut> {
    transcript.cut.as_ref().map(|failure| match failure {
        Failure::Fuel => Cut::Fuel,
        Failure::Stack => Cut::Stack,
        _ => Cut::Resource,
    })
}

/// Compares engines with what another one did; why the comparison ended early.
fn compare(
    subject: &Subject,
    (first, transcript): (&dyn Engine, &Transcript),
    others: &[&dyn Engine],
) -> Result<Option<Cut>, Difference> {
    let mut early = cut(transcript);
    for engine in others {
        let Some(theirs) = transcribe(*engine, subject, transcript.events.len())? else {
            return Err(Difference {
                class: format!("compile {}", engine.name()),
                text: format!("{} lacks a resource to compile it", engine.name()),
            });
        };
        if let Some(text) = theirs.difference(engine.name(), transcript, first.name()) {
            return Err(Difference { class: format!("run {}", engine.name()), text });
        }
        early = early.or(cut(&theirs));
    }
    Ok(early)
}

/// Runs a subject; none where the engine lacks the resources to compile it.
fn transcribe(engine: &dyn Engine, subject: &Subject, limit: usize) -> Result<Option<Transcript>, Difference> {
    match engine.open(subject) {
        Ok(_) if limit == 0 => Ok(Some(Transcript::default())),
        Ok(mut session) => Ok(Some(transcript::run(&mut *session, subject, limit))),
        Err(Failure::Resource(_)) => Ok(None),
        Err(failure) => Err(Difference {
            class: format!("compile {}", engine.name()),
            text: format!("{} does not compile a valid module: {failure}", engine.name()),
        }),
    }
}
