//! From a program counter to a function, its name, and the offset in the module's bytes: for
//! backtraces, never in a signal handler.

use crate::artifact::{Artifact, Tables};
use crate::compile::Piece;
use crate::prelude::*;
use crate::sync::RwLock;
use crate::translate::Location;
use crate::types::FuncType;
use crate::wasm::ModuleInfo;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::ops::Range;

/// Where a frame of a backtrace is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbol {
    /// Index of the function in the module's index space; `u32::MAX` in a trampoline.
    pub function: u32,
    /// Its name from the name section.
    pub name: Option<String>,
    /// The module's name from the name section.
    pub module_name: Option<String>,
    /// Offset of the instruction in the module's bytes; in the code before a function's first
    /// instruction that of the first one, 0 in a trampoline.
    pub wasm_offset: u32,
    /// Offset of the contents of the code section in the module's bytes.
    pub code_offset: u32,
    /// The function's type.
    pub ty: FuncType,
    /// Serial number of the module's code.
    pub module: u64,
    /// Whether this is a trampoline of ours, which backtraces leave out.
    pub in_trampoline: bool,
}

/// Every block that is loaded by the address of its first byte.
static LOADED: RwLock<BTreeMap<usize, Arc<Symbols>>> = RwLock::new(BTreeMap::new());

/// Finds the instruction at `pc`: the exact program counter of a trap or a pause. The function that
/// it belongs to comes first, then, if that was inlined, its callers up to the one whose code this
/// is. Empty where there is no code.
///
/// The caller of a frame is found by its return address, which is that of the instruction *after*
/// the call and may already belong to something else: use [`symbolize_return`] for it.
#[must_use]
pub fn symbolize(pc: usize) -> Vec<Symbol> {
    loaded(pc).map_or_else(Vec::new, |symbols| symbols.find(pc))
}

/// How many functions [`symbolize`] finds at `pc`; none in a trampoline.
#[must_use]
pub fn frames_at(pc: usize) -> u32 {
    let Some((symbols, place)) = loaded(pc).and_then(|symbols| symbols.place(pc).map(|place| (symbols, place))) else {
        return 0;
    };
    let mut count = 0;
    if place.function.is_some() {
        symbols.walk(&place, |_, _| count += 1);
    }
    count
}

fn loaded(pc: usize) -> Option<Arc<Symbols>> {
    Some(LOADED.read().range(..=pc).next_back()?.1.clone())
}

/// Finds the call that returns to `address`.
#[must_use]
pub fn symbolize_return(address: usize) -> Vec<Symbol> {
    address.checked_sub(1).map_or_else(Vec::new, symbolize)
}

/// What is in one block of code.
#[derive(Clone, Debug)]
pub(super) enum Bodies {
    /// All that the artifact says.
    Module(Arc<Artifact>),
    /// Some functions of the artifact's module.
    Piece(Arc<Artifact>, Arc<Piece>),
}

impl Bodies {
    /// Async-signal-safe.
    pub(super) fn tables(&self) -> &Tables {
        match self {
            Self::Module(artifact) => &artifact.tables,
            Self::Piece(_, piece) => &piece.tables,
        }
    }

    fn info(&self) -> &ModuleInfo {
        match self {
            Self::Module(artifact) | Self::Piece(artifact, _) => &artifact.info,
        }
    }

    /// The index of the function whose body has a number; none of a trampoline.
    fn function(&self, body: usize) -> Option<u32> {
        match self {
            Self::Module(artifact) => {
                (body < artifact.tables.functions()).then(|| artifact.info.imported_functions + body as u32)
            }
            Self::Piece(_, piece) => piece.functions.get(body).copied(),
        }
    }
}

/// What is needed to name the code of one block.
#[derive(Debug)]
pub(super) struct Symbols {
    range: Range<usize>,
    bodies: Bodies,
    serial: u64,
}

impl Symbols {
    /// `range` begins with the block of the bodies.
    pub(super) const fn new(range: Range<usize>, bodies: Bodies, serial: u64) -> Self {
        Self { range, bodies, serial }
    }

    fn find(&self, pc: usize) -> Vec<Symbol> {
        let Some(place) = self.place(pc) else { return Vec::new() };
        let info = self.bodies.info();
        let names = &info.names;
        let module_name = || names.module.clone();
        if place.function.is_none() {
            let trampoline =
                Symbol { function: u32::MAX, in_trampoline: true, module_name: module_name(), ..Symbol::default() };
            return vec![trampoline];
        }
        let code_offset = info.code_offset();
        let mut found = Vec::with_capacity(1);
        self.walk(&place, |function, wasm_offset| {
            let name = names.function(function).map(Into::into);
            found.push(Symbol {
                function,
                name,
                module_name: module_name(),
                wasm_offset,
                code_offset,
                ty: info.function_type(function).clone(),
                module: self.serial,
                in_trampoline: false,
            });
        });
        found
    }

    fn place(&self, pc: usize) -> Option<Place> {
        if !self.range.contains(&pc) {
            return None;
        }
        let offset = (pc - self.range.start) as u32;
        let body = self.bodies.tables().body_at(offset)?;
        Some(Place { body, offset, function: self.bodies.function(body) })
    }

    /// Visits function and offset of the instruction at a place, then those of the calls that
    /// inlining has removed, outwards.
    fn walk(&self, place: &Place, mut visit: impl FnMut(u32, u32)) {
        let Some(function) = place.function else { return };
        let inlined = &self.bodies.tables().inlined;
        let (mut location, exact) = self.location(place);
        // Parents come before what refers to them, so this ends.
        while let Some(entry) = location.inlined_index().and_then(|index| inlined.get(index)) {
            // The prologue belongs to the function itself, whatever its first instruction was made
            // of.
            if exact {
                visit(entry.function, entry.wasm);
            }
            location = entry.parent;
        }
        visit(function, location.wasm().unwrap_or(0));
    }

    /// The location that holds at a place, or the nearest one that is known: before it, else after
    /// it, and then it is not exact.
    fn location(&self, place: &Place) -> (Location, bool) {
        let tables = self.bodies.tables();
        let at = place.offset - tables.starts[place.body];
        let mut held = None;
        for (from, location) in tables.addresses.body(place.body) {
            if location == Location::UNKNOWN {
                continue;
            }
            if from > at {
                return held.map_or((location, false), |held| (held, true));
            }
            held = Some(location);
        }
        held.map_or((Location::UNKNOWN, false), |held| (held, true))
    }
}

/// Where a program counter is.
struct Place {
    /// Number of the body: own functions, then trampolines.
    body: usize,
    /// Offset in the block.
    offset: u32,
    /// Its function, if it is no trampoline.
    function: Option<u32>,
}

/// Symbols that [`symbolize`] can find, until dropped.
#[derive(Debug)]
pub(super) struct Registered(usize);

impl Registered {
    pub(super) fn new(symbols: Symbols) -> Self {
        let start = symbols.range.start;
        LOADED.write().insert(start, Arc::new(symbols));
        Self(start)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let symbols = LOADED.write().remove(&self.0);
        // Freed after the lock is.
        drop(symbols);
    }
}
