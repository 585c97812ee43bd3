//! What a case has to do, as an oracle does it: for engines that are not here, of which
//! [`crate::emit`] tells.

use crate::engines::{Wasmi, Wasmtime};
use crate::generate::Case;
use crate::imports;
use crate::kinds::Kind;
use crate::oracles;
use crate::subject::Subject;
use crate::transcript::{self, Engine, Event, Transcript};
use crate::validity;
use crate::value::Failure;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a case has to do.
#[derive(Debug)]
pub enum Expected {
    /// The generator makes no module.
    Nothing,
    /// The module is refused.
    Invalid(Vec<u8>),
    /// The module does this.
    Valid(Box<Subject>, Transcript, By),
    /// The oracles do not agree, or one of them does what none may do.
    Disputed(Vec<u8>, String),
}

/// Who says what a module does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// wasmi
    Wasmi,
    /// wasmtime
    Wasmtime,
}

/// The oracles. This project's engine, as it is here, is asked for declarations only, and has one
/// voice of several in what is valid.
pub struct Oracle {
    wasmi: Wasmi,
    /// Ends calls that take too long.
    wasmtime: Wasmtime,
    /// Its compilation takes the most time: one case of so many has it.
    wasmtime_every: u64,
}

impl Oracle {
    /// Lets wasmtime say what one case of so many does, and those that wasmi cannot.
    #[must_use]
    pub fn new(wasmtime_every: u64) -> Self {
        Self { wasmi: Wasmi::new(), wasmtime: Wasmtime::counting(), wasmtime_every: wasmtime_every.max(1) }
    }

    /// Generates a case and says what it has to do.
    pub fn case(&mut self, case: Case) -> Expected {
        // The generators may panic on what they did not foresee: that says nothing about the
        // engines.
        let module = catch_unwind(AssertUnwindSafe(|| case.module())).unwrap_or_default();
        module.map_or(Expected::Nothing, |bytes| self.module(case, bytes))
    }

    /// Says what a module has to do, as that of a case.
    pub fn module(&mut self, case: Case, bytes: Vec<u8>) -> Expected {
        let chosen = (case.seed >> 16).is_multiple_of(self.wasmtime_every);
        let wasmtime = (chosen || case.kind == Kind::Bytes).then_some(&self.wasmtime);
        match validity::agreed(&bytes, &self.wasmi, wasmtime) {
            Err(text) => return Expected::Disputed(bytes, text),
            Ok(false) => return Expected::Invalid(bytes),
            Ok(true) => {}
        }
        let bytes = imports::with_unique_names(bytes);
        let Some(subject) = Subject::new(bytes.clone(), case.seed, case.canonical()) else {
            return Expected::Disputed(bytes, "valid, but the declarations are refused".into());
        };
        match self.transcript(&subject, chosen) {
            Ok((transcript, by)) => Expected::Valid(Box::new(subject), transcript, by),
            Err(text) => Expected::Disputed(bytes, text),
        }
    }

    fn transcript(&mut self, subject: &Subject, chosen: bool) -> Result<(Transcript, By), String> {
        let faulty = oracles::wasmi_swaps_select(&subject.bytes) || oracles::wasmi_misplaces_values(&subject.bytes);
        if !chosen && !faulty {
            // Its translator panics for some valid modules, and is not used again then.
            match catch_unwind(AssertUnwindSafe(|| transcribe(&self.wasmi, subject))) {
                Ok(Ok(Some(transcript))) => return Ok((transcript, By::Wasmi)),
                Ok(Ok(None)) => {}
                Ok(Err(text)) => return Err(text),
                Err(_) => self.wasmi = Wasmi::new(),
            }
        }
        // wasmi makes every NaN canonical; so does this one.
        let transcript = transcribe(&self.wasmtime, &subject.canonicalized())?;
        let cut = || Transcript { cut: Some(Failure::Resource("to compile it".into())), ..Transcript::default() };
        Ok((transcript.unwrap_or_else(cut), By::Wasmtime))
    }
}

/// Runs a subject; none where the engine lacks the resources to compile it.
fn transcribe(engine: &dyn Engine, subject: &Subject) -> Result<Option<Transcript>, String> {
    let transcript = match engine.open(subject) {
        Ok(mut session) => transcript::run(&mut *session, subject, usize::MAX),
        Err(Failure::Resource(_)) => return Ok(None),
        Err(failure) => return Err(format!("{} does not compile a valid module: {failure}", engine.name())),
    };
    for event in &transcript.events {
        if let Event::Instance(Err(failure), _) | Event::Call(Err(failure), _) = event
            && !matches!(failure, Failure::Trap(_))
        {
            return Err(format!("{}: {failure}", engine.name()));
        }
    }
    Ok(Some(transcript))
}
