//! Engines with a planted fault, for tests of the harness: each must be found.

use super::{Ours, Variant};
use crate::subject::{Call, Subject};
use crate::transcript::{Engine, HostCalls, Session, State};
use crate::value::{Failure, Trap, Value};
use std::str::FromStr;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The lowest bit of the first result of a call.
    Result,
    /// Every trap is `unreachable`.
    Trap,
    /// A byte of a memory.
    Memory,
    /// A bit of a global.
    Global,
    /// An element of a table.
    Table,
    /// One call of the host is forgotten.
    HostCall,
    /// The process dies in a call that returns something.
    Abort,
}

impl Fault {
    /// All faults that leave the process alive.
    pub const DIFFERENCES: [Self; 6] =
        [Self::Result, Self::Trap, Self::Memory, Self::Global, Self::Table, Self::HostCall];
}

impl Fault {
    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Trap => "trap",
            Self::Memory => "memory",
            Self::Global => "global",
            Self::Table => "table",
            Self::HostCall => "host-call",
            Self::Abort => "abort",
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::DIFFERENCES.into_iter().chain([Self::Abort]).find(|fault| fault.name() == name);
        found.ok_or_else(|| format!("planted fault {name:?}, expected one of `Fault`"))
    }
}

/// This project's engine with a fault.
#[derive(Clone, Copy, Debug)]
pub struct Planted {
    engine: Ours,
    fault: Fault,
}

impl Planted {
    /// The engine with this fault.
    #[must_use]
    pub const fn new(fault: Fault) -> Self {
        Self { engine: Ours(Variant::Guarded), fault }
    }
}

impl Engine for Planted {
    fn name(&self) -> &'static str {
        "planted"
    }

    fn open<'a>(&'a self, subject: &'a Subject) -> Result<Box<dyn Session + 'a>, Failure> {
        Ok(Box::new(Opened { session: self.engine.open(subject)?, fault: self.fault }))
    }
}

struct Opened<'a> {
    session: Box<dyn Session + 'a>,
    fault: Fault,
}

impl Session for Opened<'_> {
    fn instantiate(&mut self) -> Result<(), Failure> {
        self.session.instantiate()
    }

    fn call(&mut self, call: &Call) -> Result<Vec<Value>, Failure> {
        let mut result = self.session.call(call);
        match (self.fault, &mut result) {
            (Fault::Result, Ok(values)) => {
                if let Some(Value::I32(bits)) = values.first_mut() {
                    *bits ^= 1;
                }
            }
            (Fault::Trap, Err(Failure::Trap(trap))) => *trap = Trap::Unreachable,
            (Fault::Abort, Ok(values)) if !values.is_empty() => std::process::abort(),
            _ => {}
        }
        result
    }

    fn state(&mut self) -> Vec<State> {
        let mut states = self.session.state();
        for state in &mut states {
            match (self.fault, state) {
                (Fault::Memory, State::Memory { hash, .. }) | (Fault::Table, State::Table { hash, .. }) => *hash ^= 1,
                (Fault::Global, State::Global(Value::I64(bits))) => *bits ^= 1 << 63,
                _ => {}
            }
        }
        states
    }

    fn host_calls(&mut self) -> HostCalls {
        let mut calls = self.session.host_calls();
        if self.fault == Fault::HostCall {
            calls.count = calls.count.saturating_sub(1);
        }
        calls
    }
}
