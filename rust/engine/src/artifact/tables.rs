//! The tables beside a module's block of code. Every number is an offset in the block, so that they
//! hold wherever it lies.
//!
//! They are made when compiling ends and never change: those who find traps and symbols read them
//! where they are.

use super::{AddressMap, TrampolineKey, differences};
use crate::prelude::*;
use crate::translate::InlinedLocation;
use serde::{Deserialize, Serialize};

/// In place of an entry: the function has no code yet, and its body is empty. Modules whose
/// functions are compiled when they are called begin so; serialised bytes that have one are
/// refused.
pub const NOT_COMPILED: u32 = u32::MAX;

/// What is where in a block of code. Bodies are numbered: own functions in the order of their
/// indices, then trampolines in the order of their keys. They lie in this order and do not overlap;
/// between them is filler.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tables {
    /// Where each body begins.
    #[serde(with = "differences")]
    pub starts: Box<[u32]>,
    /// Where each body ends; the last one's end is that of the block.
    #[serde(with = "differences")]
    pub ends: Box<[u32]>,
    /// Where calls of each body go: what lies before it only moves the code to a better place. Or
    /// [`NOT_COMPILED`].
    #[serde(with = "differences")]
    pub entries: Box<[u32]>,
    /// The keys of the trampolines, in ascending order. Of equal types, they name the lowest.
    pub trampolines: Box<[TrampolineKey]>,
    /// Instructions that can trap.
    pub traps: Traps,
    /// What catches exceptions.
    pub handlers: Handlers,
    /// From code to wasm.
    pub addresses: AddressMap,
    /// Instructions of functions whose bodies were inlined into others; parents come before what
    /// refers to them.
    #[serde(with = "super::inlined")]
    pub inlined: Box<[InlinedLocation]>,
}

/// Instructions that can trap, in ascending order: two lists of equal length.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Traps {
    /// Where they are.
    #[serde(with = "differences")]
    pub offsets: Box<[u32]>,
    /// Their `TrapCode`s as numbers.
    #[serde(with = "crate::wasm::bytes")]
    pub codes: Box<[u8]>,
}

/// The calls that have handlers, and these.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Handlers {
    /// In ascending order.
    pub sites: Box<[Site]>,
    /// Those of each call together.
    pub clauses: Box<[Clause]>,
}

/// A call in a function that may catch what the callee throws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Where the call returns to.
    pub at: u32,
    /// How far the stack pointer is below the frame pointer there; the offsets that follow count
    /// from it.
    pub frame: u32,
    /// Where the function's vmctx is.
    pub vmctx: u32,
    /// Where exceptions are handed over: see `abi::exception`.
    pub slot: u32,
    /// The first of its clauses.
    pub first: u32,
    /// How many there are.
    pub count: u32,
}

/// Where a function goes on with exceptions of a tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clause {
    /// Which exceptions it catches: a number of `abi::exception`.
    pub catches: u32,
    /// Where its code is.
    pub target: u32,
}

impl Handlers {
    /// The call that returns to an offset, with its clauses, which are asked in their order.
    #[must_use]
    pub fn find(&self, at: u32) -> Option<(&Site, &[Clause])> {
        let site = &self.sites[self.sites.binary_search_by_key(&at, |site| site.at).ok()?];
        let first = site.first as usize;
        Some((site, self.clauses.get(first..first + site.count as usize)?))
    }
}

impl Tables {
    /// Bytes of the block.
    #[must_use]
    pub fn block_size(&self) -> usize {
        self.ends.last().map_or(0, |end| *end as usize)
    }

    /// Bytes of code, without the filler between bodies.
    #[must_use]
    pub fn code_bytes(&self) -> usize {
        self.starts.iter().zip(&self.ends).map(|(start, end)| (end - start) as usize).sum()
    }

    /// How many of the bodies are functions.
    #[must_use]
    pub fn functions(&self) -> usize {
        self.starts.len() - self.trampolines.len()
    }

    /// Where calls of a trampoline go.
    #[must_use]
    pub fn trampoline(&self, key: TrampolineKey) -> Option<u32> {
        let at = self.trampolines.binary_search(&key).ok()?;
        Some(self.entries[self.functions() + at])
    }

    /// The body that an offset lies in.
    #[must_use]
    pub fn body_at(&self, offset: u32) -> Option<usize> {
        let body = self.starts.partition_point(|start| *start <= offset).checked_sub(1)?;
        (offset < self.ends[body]).then_some(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_found_by_offset() {
        // The second body has no code yet.
        let tables = Tables {
            starts: [0, 20, 32].into(),
            ends: [20, 20, 40].into(),
            entries: [8, NOT_COMPILED, 32].into(),
            trampolines: [TrampolineKey::Entry(3)].into(),
            ..Tables::default()
        };
        assert_eq!(
            [0, 19, 20, 31, 32, 39, 40].map(|at| tables.body_at(at)),
            [Some(0), Some(0), None, None, Some(2), Some(2), None]
        );
        assert_eq!((tables.block_size(), tables.code_bytes(), tables.functions()), (40, 28, 2));
        assert_eq!(tables.trampoline(TrampolineKey::Entry(3)), Some(32));
        assert_eq!(tables.trampoline(TrampolineKey::Entry(4)), None);
        assert_eq!((Tables::default().block_size(), Tables::default().body_at(0)), (0, None));
    }
}
