#![allow(unsafe_code)] // a table of addresses that code which runs reads

//! What stands for the functions of a module that are compiled when they are called: in the
//! module's block behind its trampolines a *gate* and a *veneer* for each function
//! ([`isa::veneer`](crate::isa::veneer)), and behind these, on pages that are never executable, a
//! *slot* for each, where its code is.
//!
//! Sandbox-critical: code goes where a slot says. A slot leads to the request of its own veneer, or
//! to code of its own function; it changes once, or twice when all is linked anew, and code that
//! was in it stays as long as the module.
//!
//! ```text
//! code of the artifact, gate, veneers | page | owner, stub, slots
//! ```

use super::arena::PAGE;
use crate::error::{Error, ErrorKind, Result};
use crate::isa::FILLER;
use crate::isa::near_call::BadCall;
use crate::isa::veneer::native as veneer;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Where they are in a block, by their offsets.
#[derive(Debug)]
pub(super) struct Stubs {
    gate: usize,
    data: usize,
    functions: usize,
}

/// Bytes of a word of the data.
const WORD: usize = size_of::<AtomicUsize>();
/// Words before the slots: the owner and the stub.
const HEAD: usize = 2;

impl Stubs {
    /// Lays them out behind `size` bytes of code.
    pub(super) fn after(size: usize, functions: usize) -> Self {
        let gate = size.next_multiple_of(veneer::GATE.max(veneer::VENEER));
        let end = gate + veneer::GATE + functions * veneer::VENEER;
        Self { gate, data: end.next_multiple_of(PAGE), functions }
    }

    /// Where executable pages end.
    pub(super) const fn code_end(&self) -> usize {
        self.data
    }

    /// Bytes of the block.
    pub(super) const fn end(&self) -> usize {
        self.data + (HEAD + self.functions) * WORD
    }

    fn veneer(&self, function: usize) -> usize {
        assert!(function < self.functions, "function {function} of {}", self.functions);
        self.gate + veneer::GATE + function * veneer::VENEER
    }

    fn slot_offset(&self, function: usize) -> usize {
        assert!(function < self.functions, "function {function} of {}", self.functions);
        self.data + (HEAD + function) * WORD
    }

    /// Writes all of them to a block, which begins at `base`. The owner comes later.
    pub(super) fn write(&self, block: &mut [u8], base: usize, stub: usize) -> Result<()> {
        let wrong = |why: BadCall| Error::new(ErrorKind::Internal, format!("a veneer cannot be written: {why:?}"));
        let (gate, data) = (base + self.gate, base + self.data);
        block[self.gate..self.gate + veneer::GATE].fill(FILLER);
        veneer::gate(&mut block[self.gate..], gate, data, data + WORD).map_err(wrong)?;
        block[self.data + WORD..][..WORD].copy_from_slice(&stub.to_ne_bytes());
        for function in 0..self.functions {
            let (at, slot) = (self.veneer(function), self.slot_offset(function));
            let place = &mut block[at..at + veneer::VENEER];
            veneer::veneer(place, base + at, base + slot, function as u32, gate).map_err(wrong)?;
            block[slot..slot + WORD].copy_from_slice(&(base + at + veneer::REQUEST).to_ne_bytes());
        }
        Ok(())
    }

    /// Sets the owner, once, before any code runs.
    ///
    /// # Safety
    /// The block was written, begins at `base`, and is alive.
    pub(super) unsafe fn set_owner(&self, base: usize, owner: usize) {
        // SAFETY: the word lies in the block's data, which can be written, and is aligned.
        unsafe { &*((base + self.data) as *const AtomicUsize) }.store(owner, Ordering::Release);
    }

    /// The address of a function's slot.
    pub(super) fn slot(&self, base: usize, function: u32) -> usize {
        base + self.slot_offset(function as usize)
    }

    /// A function's code, if it is compiled. The block begins at `base`, and is alive.
    pub(super) fn code(&self, base: usize, function: u32) -> Option<usize> {
        let request = base + self.veneer(function as usize) + veneer::REQUEST;
        let code = self.word(base, function).load(Ordering::Acquire);
        (code != request).then_some(code)
    }

    /// What can be called for a function at any time: its code if it is compiled, else its veneer.
    pub(super) fn function(&self, base: usize, function: u32) -> usize {
        self.code(base, function).unwrap_or_else(|| base + self.veneer(function as usize))
    }

    /// Sets a function's code, if it has none; reports whether it had none.
    pub(super) fn fill(&self, base: usize, function: u32, code: usize) -> bool {
        let request = base + self.veneer(function as usize) + veneer::REQUEST;
        self.word(base, function).compare_exchange(request, code, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Sets other code of a function that is compiled.
    pub(super) fn refill(&self, base: usize, function: u32, code: usize) {
        self.word(base, function).store(code, Ordering::Release);
    }

    fn word(&self, base: usize, function: u32) -> &AtomicUsize {
        // SAFETY: the slot lies in the block's data, which is alive (the caller's word), can be
        // written, and is aligned.
        unsafe { &*(self.slot(base, function) as *const AtomicUsize) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_leads_to_its_request_until_it_is_filled() {
        let stubs = Stubs::after(100, 3);
        assert!(stubs.code_end().is_multiple_of(PAGE) && stubs.end() == stubs.code_end() + 5 * WORD);
        // Words, so that the slots are aligned.
        let mut block = vec![0_usize; stubs.end() / WORD];
        let base = block.as_mut_ptr() as usize;
        // SAFETY: the same memory.
        let bytes = unsafe { core::slice::from_raw_parts_mut(base as *mut u8, stubs.end()) };
        stubs.write(bytes, base, 0x1234).unwrap();
        assert_eq!(block[stubs.data / WORD..][..2], [0, 0x1234]);
        for function in 0..3 {
            assert_eq!(stubs.code(base, function), None);
            assert_eq!(stubs.function(base, function), base + stubs.veneer(function as usize));
        }
        assert!(stubs.fill(base, 1, 77) && !stubs.fill(base, 1, 78));
        assert_eq!((stubs.code(base, 1), stubs.function(base, 1)), (Some(77), 77));
        stubs.refill(base, 1, 79);
        assert_eq!(stubs.code(base, 1), Some(79));
        assert_eq!(stubs.code(base, 2), None);
    }
}
