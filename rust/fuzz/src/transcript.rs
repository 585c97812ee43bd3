//! Runs a subject in one engine and writes down everything that can be seen from outside; compares
//! two such transcripts.

use crate::rng::mix;
use crate::subject::{Call, Subject};
use crate::value::{Failure, Value};

/// New instances that a run may make after traps.
const MAX_RENEWALS: usize = 3;

/// An engine that runs modules.
pub trait Engine {
    /// For messages.
    fn name(&self) -> &'static str;

    /// Compiles the subject's module.
    ///
    /// # Errors
    /// `Refused` where the engine says that it is invalid, `Resource` for limits of the
    /// implementation.
    fn open<'a>(&'a self, subject: &'a Subject) -> Result<Box<dyn Session + 'a>, Failure>;
}

/// A compiled module; one instance of it lives at a time.
pub trait Session {
    /// Makes an instance in place of the one before, and runs its start function.
    ///
    /// # Errors
    /// As the module does.
    fn instantiate(&mut self) -> Result<(), Failure>;

    /// Calls an exported function.
    ///
    /// # Errors
    /// As the module does.
    fn call(&mut self, call: &Call) -> Result<Vec<Value>, Failure>;

    /// What all exports but functions hold, in the order of the exports.
    fn state(&mut self) -> Vec<State>;

    /// A hash of all calls of the host's functions since this was last asked.
    fn host_calls(&mut self) -> HostCalls;
}

/// Of the calls of the host's functions so many are kept, the first ones.
const MAX_KEPT: u64 = 1000;

/// Calls of functions of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostCalls {
    /// How many.
    pub count: u64,
    /// Hash of functions and arguments.
    pub hash: u64,
    /// The first of them: the functions, by their position among the imported ones, and the
    /// arguments.
    kept: Vec<(usize, Vec<Value>)>,
}

impl HostCalls {
    /// Notes one call.
    pub fn note(&mut self, import: usize, arguments: &[Value]) {
        self.count += 1;
        self.hash = arguments.iter().fold(mix(self.hash, import as u64), |hash, value| {
            mix(mix(hash, value.bits() as u64), (value.bits() >> 64) as u64)
        });
        if self.count <= MAX_KEPT {
            self.kept.push((import, arguments.to_vec()));
        }
    }

    /// All calls, in their order, as functions and arguments. None if there were too many.
    #[must_use]
    pub fn all(&self) -> Option<&[(usize, Vec<Value>)]> {
        (self.count <= MAX_KEPT).then_some(&*self.kept)
    }
}

/// What an export holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// A global's value.
    Global(Value),
    /// A memory's bytes, hashed.
    Memory {
        /// Its length.
        bytes: u64,
        /// Hash of them.
        hash: u64,
    },
    /// A table's elements, hashed.
    Table {
        /// How many.
        size: u64,
        /// Hash of them.
        hash: u64,
    },
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An instance was made, or not.
    Instance(Result<(), Failure>, HostCalls),
    /// An export was called.
    Call(Result<Vec<Value>, Failure>, HostCalls),
    /// What the instance holds.
    State(Vec<State>),
}

/// All that happened, and the failure after which nothing can be compared.
#[derive(Debug, Default)]
pub struct Transcript {
    /// In their order.
    pub events: Vec<Event>,
    /// Which call each event was.
    pub calls: Vec<Option<Call>>,
    /// Why the run ended early.
    pub cut: Option<Failure>,
    /// Calls that returned.
    pub returned: u64,
    /// Calls that trapped.
    pub trapped: u64,
}

/// Runs all calls of a subject, or the first `limit` events.
#[must_use]
pub fn run(session: &mut dyn Session, subject: &Subject, limit: usize) -> Transcript {
    let mut transcript = Transcript::default();
    let mut calls = subject.calls().into_iter();
    for _ in 0..=MAX_RENEWALS {
        let made = session.instantiate();
        let failed = made.is_err();
        let host_calls = session.host_calls();
        if transcript.add(None, Event::Instance(made, host_calls), limit) || failed {
            return transcript;
        }
        let mut trapped = false;
        for call in calls.by_ref() {
            let result = session.call(&call);
            trapped = result.is_err();
            let host_calls = session.host_calls();
            if transcript.add(Some(call), Event::Call(result, host_calls), limit) {
                return transcript;
            }
            if trapped {
                break;
            }
        }
        if transcript.add(None, Event::State(session.state()), limit) || !trapped {
            return transcript;
        }
    }
    transcript
}

impl Transcript {
    /// Adds an event; whether the run ends here.
    fn add(&mut self, call: Option<Call>, event: Event, limit: usize) -> bool {
        if let Event::Instance(Err(failure), _) | Event::Call(Err(failure), _) = &event {
            if failure.cuts() {
                self.cut = Some(failure.clone());
                return true;
            }
            self.trapped += 1;
        } else if matches!(event, Event::Call(..)) {
            self.returned += 1;
        }
        self.events.push(event);
        self.calls.push(call);
        self.events.len() >= limit
    }

    /// The first difference to another transcript of the same subject, as far as both can be
    /// compared.
    #[must_use]
    pub fn difference(&self, name: &str, other: &Self, other_name: &str) -> Option<String> {
        let mut pairs = self.events.iter().zip(&other.events).zip(&self.calls).enumerate();
        if let Some((at, ((mine, theirs), call))) = pairs.find(|(_, ((mine, theirs), _))| mine != theirs) {
            let what = call
                .as_ref()
                .map_or_else(String::new, |call| format!(" (call of {:?} with {:x?})", call.name, call.arguments));
            return Some(format!("event {at}{what}:\n  {name}: {mine:x?}\n  {other_name}: {theirs:x?}"));
        }
        let (mine, theirs) = (self.events.len(), other.events.len());
        let explained = mine == theirs || mine < theirs && self.cut.is_some() || theirs < mine && other.cut.is_some();
        (!explained).then(|| format!("{name} has {mine} events, {other_name} has {theirs}"))
    }
}
