//! From a program counter to a function, its name, and the offset in the module's bytes: for backtraces, never in a signal handler.

use crate::artifact::{AddressRecord, CodeBody};
use crate::wasm::Names;
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Where a frame of a backtrace is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbol {
    /// Index of the function in the module's index space; `u32::MAX` in a trampoline.
    pub function: u32,
    /// Its name from the name section.
    pub name: Option<String>,
    /// The module's name from the name section.
    pub module_name: Option<String>,
    /// Offset of the instruction in the module's bytes; in the code before a function's first instruction that of the first one, 0 in a
    /// trampoline.
    pub wasm_offset: u32,
    /// Whether this is a trampoline of ours, which backtraces leave out.
    pub in_trampoline: bool,
}

/// Every loaded module by the address of its first byte.
static LOADED: RwLock<BTreeMap<usize, Arc<Symbols>>> = RwLock::new(BTreeMap::new());

/// Finds the instruction at `pc`: the exact program counter of a trap or a pause.
///
/// The caller of a frame is found by its return address, which is that of the instruction *after* the call and may already belong to
/// something else: use [`symbolize_return`] for it.
#[must_use]
pub fn symbolize(pc: usize) -> Option<Symbol> {
    let symbols = LOADED.read().range(..=pc).next_back()?.1.clone();
    symbols.find(pc)
}

/// Finds the call that returns to `address`.
#[must_use]
pub fn symbolize_return(address: usize) -> Option<Symbol> {
    symbolize(address.checked_sub(1)?)
}

/// What is needed to name the code of one module; a compact copy, as the artifact may be gone.
#[derive(Debug)]
pub(super) struct Symbols {
    range: Range<usize>,
    /// End of each body, by its offset from the module's start, in order.
    ends: Box<[u32]>,
    /// Start of each body, likewise.
    starts: Box<[u32]>,
    /// For each body the first of its address records in `addresses`; one more entry at the end.
    first_address: Box<[u32]>,
    addresses: Box<[AddressRecord]>,
    imported_functions: u32,
    functions: u32,
    names: Arc<Names>,
}

impl Symbols {
    /// `bodies` are the own functions, then the trampolines; `starts` their offsets, in the same, ascending order.
    pub(super) fn new<'a>(
        range: Range<usize>,
        starts: Vec<u32>,
        bodies: impl Iterator<Item = &'a CodeBody>,
        functions: usize,
        imported_functions: u32,
        names: &Names,
    ) -> Self {
        let (mut ends, mut first_address, mut addresses) = (Vec::with_capacity(starts.len()), vec![0], Vec::new());
        for (body, start) in bodies.zip(&starts) {
            ends.push(start + body.code.len() as u32);
            addresses.extend_from_slice(&body.addresses);
            first_address.push(addresses.len() as u32);
        }
        Self {
            range,
            ends: ends.into(),
            starts: starts.into(),
            first_address: first_address.into(),
            addresses: addresses.into(),
            imported_functions,
            functions: functions as u32,
            names: Arc::new(names.clone()),
        }
    }

    fn find(&self, pc: usize) -> Option<Symbol> {
        if !self.range.contains(&pc) {
            return None;
        }
        let offset = (pc - self.range.start) as u32;
        let body = self.starts.partition_point(|start| *start <= offset).checked_sub(1)?;
        if offset >= self.ends[body] {
            return None;
        }
        if body as u32 >= self.functions {
            let module_name = self.names.module.clone();
            return Some(Symbol { function: u32::MAX, in_trampoline: true, module_name, ..Symbol::default() });
        }
        let function = self.imported_functions + body as u32;
        Some(Symbol {
            function,
            name: self.names.function(function).map(Into::into),
            module_name: self.names.module.clone(),
            wasm_offset: self.wasm_offset(body, offset - self.starts[body]),
            in_trampoline: false,
        })
    }

    /// The location that holds at `offset` of a body, or the nearest one that is known: before it, else after it.
    fn wasm_offset(&self, body: usize, offset: u32) -> u32 {
        let records = &self.addresses[self.first_address[body] as usize..self.first_address[body + 1] as usize];
        let (before, after) = records.split_at(records.partition_point(|record| record.code <= offset));
        let known = |record: &&AddressRecord| record.wasm != u32::MAX;
        before.iter().rev().find(known).or_else(|| after.iter().find(known)).map_or(0, |record| record.wasm)
    }
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
