//! What compiling one function or trampoline results in, before the bodies of a module are linked.

use crate::artifact::{Clause, Site};
use crate::prelude::*;
use crate::translate::{InlinedLocation, Location};

/// Machine code of one body, position independent but for its relocations.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CodeBody {
    /// The instructions.
    pub(super) code: Vec<u8>,
    /// Alignment in bytes.
    pub(super) alignment: u32,
    /// Where calls go: what lies before it only moves the code to a better place.
    pub(super) entry: u32,
    /// Calls of other functions of the module.
    pub(super) relocations: Vec<Relocation>,
    /// Instructions that can trap, sorted by offset.
    pub(super) traps: Vec<TrapRecord>,
    /// Calls with handlers, sorted by offset; their clauses are [`CodeBody::clauses`].
    pub(super) sites: Vec<Site>,
    /// All offsets count from the body's beginning.
    pub(super) clauses: Vec<Clause>,
    /// From code to wasm: sorted by code offset, each entry holds up to the next.
    pub(super) addresses: Vec<AddressRecord>,
    /// Instructions of other functions whose bodies were inlined into this one; parents come before
    /// what refers to them.
    pub(super) inlined: Vec<InlinedLocation>,
}

impl CodeBody {
    /// No code.
    pub(super) const NONE: Self = Self {
        code: Vec::new(),
        alignment: 1,
        entry: 0,
        relocations: Vec::new(),
        traps: Vec::new(),
        sites: Vec::new(),
        clauses: Vec::new(),
        addresses: Vec::new(),
        inlined: Vec::new(),
    };
}

/// A place in code that holds the distance to another function of the module (x86-64:
/// `X86CallPCRel4`, aarch64: `Arm64Call`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Relocation {
    /// Offset in the code.
    pub(super) offset: u32,
    /// Index of the wasm function that is called; never an imported one.
    pub(super) function: u32,
}

/// An instruction that can trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TrapRecord {
    /// Offset in the function's code.
    pub(super) offset: u32,
    /// `TrapCode` as a number.
    pub(super) code: u8,
}

/// Where code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AddressRecord {
    /// Offset in the function's code.
    pub(super) code: u32,
    /// Which instruction.
    pub(super) location: Location,
}
