#![allow(unsafe_code)] // a table of pointers that a signal handler reads

//! From a program counter to its trap record.
//!
//! ============================================================================================
//! Sandbox-critical. The signal handler decides by this file whether a fault is a guest's trap: a
//! wrong answer turns an escape into a trap, or a trap into the end of the process. Everything the
//! handler calls here is async-signal-safe: loads of atomics and of memory that never changes, no
//! locks, no allocation, no panic.
//! ============================================================================================
//!
//! The table has one pointer for each page of the arena, and each page has code of one block: of a
//! module, or of functions that were compiled when they were called, which are published while
//! others of the same module run. It is set before code of that page can run and cleared after the
//! last call of it has ended, so the page of a *running* program counter is never changed under the
//! handler: the running call pins the module. The handler touches no entry but its own program
//! counter's.

use super::arena::PAGE;
use super::symbols::Bodies;
use crate::artifact::{Clause, Site};
use crate::budget;
use crate::error::{Error, ErrorKind, Result};
use crate::os;
use crate::prelude::*;
use core::ops::Range;
use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicPtr, AtomicUsize};

static START: AtomicUsize = AtomicUsize::new(0);
/// Written last: while it is 0 nothing is code.
static END: AtomicUsize = AtomicUsize::new(0);
static TABLE: AtomicPtr<AtomicPtr<Traps>> = AtomicPtr::new(ptr::null_mut());

/// Where the trap records of one block are: of a module's, or of a piece of one.
struct Traps {
    /// The block's first page: offsets count from it.
    base: usize,
    bodies: Bodies,
}

// ---- what the signal handler calls
// ----------------------------------------------------------------------------------------------

/// Whether an address lies in the arena of compiled code. Async-signal-safe.
#[must_use]
pub fn is_code(pc: usize) -> bool {
    let end = END.load(Acquire);
    pc < end && pc >= START.load(Relaxed)
}

/// The number of the trap code of the instruction at `pc`, if it has a trap record.
/// Async-signal-safe.
///
/// `pc` must be the exact address of an instruction of code that a call pins (for a fault: the
/// program counter of its context).
#[must_use]
pub fn trap_at(pc: usize) -> Option<u8> {
    if !is_code(pc) {
        return None;
    }
    let page = (pc - START.load(Relaxed)) / PAGE;
    // SAFETY: `is_code` has seen END, which is written after the table; the table covers each page
    // up to END.
    let traps = unsafe { &*TABLE.load(Relaxed).add(page) }.load(Acquire);
    // SAFETY: null, or published and not freed while code of this page runs (see above); never
    // changed after publication.
    let traps = unsafe { traps.as_ref() }?;
    let offset = u32::try_from(pc.checked_sub(traps.base)?).ok()?;
    let traps = &traps.bodies.tables().traps;
    let at = traps.offsets.binary_search(&offset).ok()?;
    traps.codes.get(at).copied()
}

/// Does something with the call that returns to an address, if that has handlers: with the address
/// that offsets count from, the call, and its clauses. Takes no lock.
///
/// `pc` must be in code that a call pins.
pub fn with_handlers<R>(pc: usize, body: impl FnOnce(usize, &Site, &[Clause]) -> Option<R>) -> Option<R> {
    if !is_code(pc) {
        return None;
    }
    // A call may be the last instruction of a page.
    let page = (pc - 1).checked_sub(START.load(Relaxed))? / PAGE;
    // SAFETY: as in `trap_at`.
    let block = unsafe { (*TABLE.load(Relaxed).add(page)).load(Acquire).as_ref() }?;
    let offset = u32::try_from(pc.checked_sub(block.base)?).ok()?;
    let (site, clauses) = block.bodies.tables().handlers.find(offset)?;
    body(block.base, site, clauses)
}

// ---- what loading and freeing call
// ----------------------------------------------------------------------------------------------

/// Makes the table for the process's arena; called once, before there is any code.
pub(super) fn install(arena: Range<usize>) -> Result<()> {
    let taken = budget::take(1)?;
    let bytes = arena.len() / PAGE * size_of::<AtomicPtr<Traps>>();
    // SAFETY: a new anonymous mapping touches nothing that exists.
    let table = unsafe { os::map(0, bytes, os::READ_WRITE, os::MAP_NORESERVE) }.map_err(|error| {
        let message = format!("cannot map {bytes} bytes for the index of code: {error}");
        Error::new(ErrorKind::Resource, message)
    })?;
    // Never given back: the table lives as long as the process.
    core::mem::forget(taken);
    // Zeroed memory is a table of null pointers.
    TABLE.store(ptr::with_exposed_provenance_mut(table), Relaxed);
    START.store(arena.start, Relaxed);
    END.store(arena.end, Release);
    Ok(())
}

/// Trap records that the handler can see, until dropped.
#[derive(Debug)]
pub(super) struct Published {
    traps: *mut Traps,
    pages: Range<usize>,
}

// SAFETY: `traps` is an owned allocation that is only read while shared.
unsafe impl Send for Published {}
// SAFETY: as above.
unsafe impl Sync for Published {}

impl Published {
    /// Publishes the trap records of the bodies whose block begins `range` (whole pages of the
    /// arena).
    pub(super) fn new(range: &Range<usize>, bodies: Bodies) -> Self {
        assert!(is_code(range.start) && is_code(range.end - 1), "a range outside of the arena");
        debug_assert!(bodies.tables().traps.offsets.is_sorted());
        let traps = Box::new(Traps { base: range.start, bodies });
        let start = START.load(Relaxed);
        let published = Self {
            traps: Box::into_raw(traps),
            pages: (range.start - start) / PAGE..(range.end - start).div_ceil(PAGE),
        };
        published.set(published.traps);
        published
    }

    fn set(&self, to: *mut Traps) {
        let table = TABLE.load(Relaxed);
        for page in self.pages.clone() {
            // SAFETY: the pages lie in the arena (asserted when published), which the table covers.
            unsafe { &*table.add(page) }.store(to, Release);
        }
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        self.set(ptr::null_mut());
        // SAFETY: made by Box::into_raw; unpublished above, and no call is in this code any more,
        // so no handler holds it.
        drop(unsafe { Box::from_raw(self.traps) });
    }
}
