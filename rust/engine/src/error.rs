//! The one error type of the engine: a kind that the Go side maps to its own types, and a text for
//! people.
//!
//! Imports only the leaf [`crate::trap`]. Traps of running guests are not errors of this type; that
//! of an active segment at instantiation, before any code runs, is.

use crate::prelude::*;
use crate::trap::TrapCode;
use core::fmt;

/// What sort of operation failed; its numbers are part of the C ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ErrorKind {
    /// The bytes are not a valid module, or use a proposal that this engine refuses.
    Validation = 1,
    /// The code generator failed, or a limit of the implementation was met.
    Compile = 2,
    /// An import is missing or has another type than the module declares.
    Link = 3,
    /// Creating an instance failed for another reason than its imports.
    Instantiate = 4,
    /// A serialised module cannot be used.
    Deserialize = 5,
    /// The system, or a limit set by the embedder, refuses memory, address space, code space or
    /// mappings.
    Resource = 6,
    /// An argument of the C ABI is wrong.
    Argument = 7,
    /// A bug of the engine: a panic was caught at the C ABI.
    Internal = 8,
    /// A text is not a module, or not a script, in the text format.
    Text = 9,
}

/// A place in a text. Lines and columns count from 1, columns by characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// An error: what failed, and a text that says what was given and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    trap: Option<TrapCode>,
    position: Option<Position>,
    message: String,
}

/// Result of the engine's operations.
pub type Result<T, E = Error> = core::result::Result<T, E>;

impl Error {
    /// Makes an error of a kind with a text for people.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, trap: None, position: None, message: message.into() }
    }

    /// The same error, caused by a trap during instantiation.
    #[must_use]
    pub fn with_trap(self, code: TrapCode) -> Self {
        Self { trap: Some(code), ..self }
    }

    /// The same error, at a place in the text that was given.
    #[must_use]
    pub fn at(self, position: Position) -> Self {
        Self { position: Some(position), ..self }
    }

    /// The place in the text that was given.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        self.position
    }

    /// The trap that ended an instantiation, if one did.
    #[must_use]
    pub const fn trap(&self) -> Option<TrapCode> {
        self.trap
    }

    /// What sort of operation failed.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The text for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Error {}
