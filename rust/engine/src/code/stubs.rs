#![allow(unsafe_code)] // a table of addresses that code which runs reads

//! What stands for the functions of a module that are compiled when they are called: in the
//! module's block behind its trampolines a *gate* and a *veneer* for each function
//! ([`isa::veneer`](crate::isa::veneer)), and behind these, on pages that are never executable, a
//! *slot* for each, where its code is, and its *tally*: how many calls of quickly made code are
//! left, and whether better code is there.
//!
//! Sandbox-critical: code goes where a slot says. A slot leads to the request of its own veneer, to
//! quickly made code of its own function, to better code, or to that in all of the module linked
//! anew, in this order, and code that was in it stays as long as the module.
//!
//! ```text
//! code of the artifact, gate, veneers | page | owner, stub, slots, tallies
//! ```

use super::arena::PAGE;
use crate::error::{Error, ErrorKind, Result};
use crate::isa::FILLER;
use crate::isa::near_call::BadCall;
use crate::isa::veneer::{Request, native as veneer};
use core::mem::offset_of;
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};

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

/// What is known of quickly made code of a function. Code that runs counts without an atomic
/// instruction: some calls of several threads may count as one.
#[repr(C)]
#[derive(Debug)]
struct Tally {
    /// Calls that are left until better code is asked for.
    left: AtomicI32,
    /// Not 0 when better code is there.
    better: AtomicU32,
}

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
        self.tally_offset(self.functions)
    }

    const fn tally_offset(&self, function: usize) -> usize {
        self.data + (HEAD + self.functions) * WORD + function * size_of::<Tally>()
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
        block[self.tally_offset(0)..self.end()].fill(0);
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

    /// The same, unless it was made quickly.
    pub(super) fn better_code(&self, base: usize, function: u32) -> Option<usize> {
        let better = self.tally(base, function).better.load(Ordering::Acquire) != 0;
        self.code(base, function).filter(|_| better)
    }

    /// What can be called for a function at any time: its code if none will take its place, else
    /// its veneer.
    pub(super) fn function(&self, base: usize, function: u32) -> usize {
        self.better_code(base, function).unwrap_or_else(|| base + self.veneer(function as usize))
    }

    /// Sets the entry of quickly made code of a function, if it has no code, for so many calls.
    pub(super) fn fill_quickly(&self, base: usize, function: u32, entry: usize, calls: i32) {
        let request = base + self.veneer(function as usize) + veneer::REQUEST;
        self.allow(base, function, calls);
        let _ = self.word(base, function).compare_exchange(request, entry, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Sets a function's code, if it has none but quickly made code.
    pub(super) fn fill(&self, base: usize, function: u32, code: usize) {
        let (word, better) = (self.word(base, function), &self.tally(base, function).better);
        loop {
            let before = word.load(Ordering::Acquire);
            // Whoever has set better code before this was read has said so: then nothing changes.
            // Whoever does so afterwards changes the word.
            if better.load(Ordering::Acquire) != 0 {
                return;
            }
            if word.compare_exchange(before, code, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                better.store(1, Ordering::Release);
                return;
            }
        }
    }

    /// Sets other code of a function that is compiled.
    pub(super) fn refill(&self, base: usize, function: u32, code: usize) {
        self.word(base, function).store(code, Ordering::Release);
    }

    /// Sets how many calls of quickly made code are left.
    pub(super) fn allow(&self, base: usize, function: u32, calls: i32) {
        self.tally(base, function).left.store(calls, Ordering::Relaxed);
    }

    /// Whether no call of quickly made code is left.
    pub(super) fn is_used_up(&self, base: usize, function: u32) -> bool {
        self.tally(base, function).left.load(Ordering::Relaxed) < 0
    }

    /// What asks for better code of a function.
    pub(super) fn request(&self, base: usize, function: u32) -> Request {
        let calls = base + self.tally_offset(function as usize) + offset_of!(Tally, left);
        Request { calls, number: function, owner: base + self.data, stub: base + self.data + WORD }
    }

    fn tally(&self, base: usize, function: u32) -> &Tally {
        assert!((function as usize) < self.functions, "function {function} of {}", self.functions);
        // SAFETY: as of `word`.
        unsafe { &*((base + self.tally_offset(function as usize)) as *const Tally) }
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
        assert!(stubs.code_end().is_multiple_of(PAGE) && stubs.end() == stubs.code_end() + 8 * WORD);
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
        stubs.fill(base, 1, 77);
        stubs.fill(base, 1, 78);
        assert_eq!((stubs.code(base, 1), stubs.function(base, 1)), (Some(77), 77));
        stubs.refill(base, 1, 79);
        assert_eq!(stubs.code(base, 1), Some(79));
        assert_eq!(stubs.code(base, 2), None);
    }

    #[test]
    fn better_code_takes_the_place_of_quickly_made_code() {
        let stubs = Stubs::after(100, 2);
        let mut block = vec![0_usize; stubs.end() / WORD];
        let base = block.as_mut_ptr() as usize;
        // SAFETY: the same memory.
        let bytes = unsafe { core::slice::from_raw_parts_mut(base as *mut u8, stubs.end()) };
        stubs.write(bytes, base, 0x1234).unwrap();
        let veneer = base + stubs.veneer(1);
        stubs.fill_quickly(base, 1, 50, 1000);
        stubs.fill_quickly(base, 1, 51, 1000);
        assert_eq!(
            (stubs.code(base, 1), stubs.better_code(base, 1), stubs.function(base, 1)),
            (Some(50), None, veneer)
        );
        assert_eq!(block[(stubs.request(base, 1).calls - base) / WORD] as u32, 1000);
        assert!(!stubs.is_used_up(base, 1));
        stubs.allow(base, 1, -1);
        assert!(stubs.is_used_up(base, 1));
        stubs.fill(base, 1, 77);
        stubs.fill(base, 1, 78);
        stubs.fill_quickly(base, 1, 52, 1000);
        assert_eq!((stubs.better_code(base, 1), stubs.function(base, 1)), (Some(77), 77));
        assert_eq!(stubs.code(base, 0), None);
    }
}
