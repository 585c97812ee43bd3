//! The pool of slots for guarded memories, and the quarantine of address ranges that Go has seen.
//!
//! ============================================================================================
//!   Sandbox-critical.
//!   Compiled code accesses a guarded memory without checks. It relies on every byte
//!   from a memory's base to the end of its guard belonging to this slot alone, and on pages
//!   that are not the memory's being inaccessible. Change it with a second reader.
//! ============================================================================================
//!
//! A slot is 8 GiB of address space: 4 GiB that an index reaches, a 2 GiB guard that an offset
//! reaches, and 2 GiB of slack. A memory whose bytes were shown to Go leaves the range that it had
//! committed behind, inaccessible, since a stale slice may still point there; the next memory of
//! the slot begins above it, in the slack. A slot whose slack is used up waits in a queue, and is
//! used from its beginning again only when the queue is full or no address space is left.
//!
//! Slots are reserved in blocks, so that those that are not in use are one mapping together.

#![allow(unsafe_code)] // owns the mappings of its slots

use super::pages;
use crate::budget::{self, Taken};
use crate::error::Result;
use crate::options::{GUARD, RESERVATION};
use crate::os;
use crate::prelude::*;
use crate::sync::Lazy;
use crate::sync::Mutex;
use alloc::collections::VecDeque;

/// How far a memory may begin above its slot's first byte.
const SLACK: u64 = 2 << 30;
/// Bytes of address space of a slot.
const SLOT: u64 = RESERVATION + GUARD + SLACK;
/// Bytes from a memory's base that belong to it alone.
pub(super) const SPAN: u64 = RESERVATION + GUARD;
/// Slots without slack that wait before the first of them is used again, where address space is not
/// limited.
const QUEUE: usize = 1024;
/// Slots of a block at most.
const BLOCK: usize = 64;
/// Address space that slots leave: they are never given back, and memories without a slot need
/// some, too.
const LEFT: usize = 8 << 40;
/// Mappings of a memory beyond that of its block: its accessible pages, and what they cut off.
const MAPPINGS: u64 = 2;

/// One slot, taken from the pool or in it. Inaccessible as long as no memory uses it.
#[derive(Debug)]
struct Slot {
    start: usize,
    /// Where the next memory begins; everything below may be known to Go.
    shift: u64,
}

/// The pool.
#[derive(Debug)]
struct Pool {
    /// Slots with slack left; the last one is used next.
    ready: Vec<Slot>,
    /// Slots without, in the order in which they came.
    exhausted: VecDeque<Slot>,
    /// How many of those may wait.
    queue: usize,
    /// Slots that were ever reserved.
    slots: usize,
    /// A mapping for each block.
    blocks: Vec<Taken>,
}

static POOL: Lazy<Mutex<Pool>> = Lazy::new(|| {
    // Where address space is limited, Go's heap needs it more than the quarantine does.
    Mutex::new(Pool::new(if os::address_space_limit().is_some() { 0 } else { QUEUE }))
});

impl Pool {
    const fn new(queue: usize) -> Self {
        Self { ready: Vec::new(), exhausted: VecDeque::new(), queue, slots: 0, blocks: Vec::new() }
    }

    fn take(&mut self) -> Result<Slot> {
        if let Some(slot) = self.ready.pop() {
            return Ok(slot);
        }
        if self.exhausted.len() <= self.queue {
            match self.reserve() {
                Ok(slot) => return Ok(slot),
                Err(error) if self.exhausted.is_empty() => return Err(error),
                Err(_) => {}
            }
        }
        let slot = self.exhausted.pop_front().expect("not empty: checked above");
        Ok(Slot { shift: 0, ..slot })
    }

    /// Reserves a block, as many slots as there are already, and returns one of them; fewer where
    /// the system refuses.
    fn reserve(&mut self) -> Result<Slot> {
        let mapping = budget::take(1)?;
        let mut count = self.slots.clamp(1, if self.queue == 0 { 1 } else { BLOCK });
        let start = loop {
            match pages::reserve(count * SLOT as usize, LEFT) {
                Ok(start) => break start,
                Err(error) if count == 1 => {
                    return Err(pages::refused("reserve the address space for a memory", SLOT, error));
                }
                Err(_) => count /= 2,
            }
        };
        self.blocks.push(mapping);
        self.slots += count;
        // The lowest is used first.
        self.ready.extend((1..count).rev().map(|n| Slot { start: start + n * SLOT as usize, shift: 0 }));
        Ok(Slot { start, shift: 0 })
    }

    /// Takes an inaccessible slot back, after a memory that had `committed` bytes.
    fn give(&mut self, mut slot: Slot, committed: u64, shown: bool) {
        if shown {
            slot.shift += committed;
        }
        if slot.shift <= SLACK {
            self.ready.push(slot);
        } else {
            self.exhausted.push_back(slot);
        }
    }
}

/// The address range of one guarded memory.
#[derive(Debug)]
pub(super) struct Place {
    slot: Option<Slot>,
    _mappings: Taken,
}

impl Place {
    /// Takes a range from the pool; all of it is inaccessible.
    pub(super) fn take() -> Result<Self> {
        let mappings = budget::take(MAPPINGS)?;
        let slot = POOL.lock().take()?;
        Ok(Self { slot: Some(slot), _mappings: mappings })
    }

    /// First byte of the memory.
    pub(super) fn base(&self) -> usize {
        let slot = self.slot.as_ref().expect("only `give` takes it");
        slot.start + slot.shift as usize
    }

    /// Gives the range back after a memory that had committed so many bytes from its base. They
    /// become inaccessible first.
    ///
    /// # Safety
    /// Nobody uses the memory any more.
    pub(super) unsafe fn give(mut self, committed: u64, shown: bool) {
        let base = self.base();
        // SAFETY: the range lies in the slot, which is ours; nobody uses it by the caller's
        // promise.
        let closed = unsafe { pages::discard(base, committed as usize) };
        if let (Ok(()), Some(slot)) = (closed, self.slot.take()) {
            POOL.lock().give(slot, committed, shown);
        } else {
            // Out of mappings: the range stays as it is, and is never used again.
            core::mem::forget(self);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::PAGE_SIZE;

    impl Drop for Pool {
        fn drop(&mut self) {
            for slot in self.ready.iter().chain(&self.exhausted) {
                // SAFETY: the slots of a test's pool are used by nobody else.
                unsafe { pages::release(slot.start, SLOT as usize) };
            }
        }
    }

    #[test]
    fn a_memory_that_was_never_shown_leaves_its_place_at_once() {
        let mut pool = Pool::new(4);
        let slot = pool.take().unwrap();
        let start = slot.start;
        pool.give(slot, 100 * PAGE_SIZE, false);
        let again = pool.take().unwrap();
        assert_eq!((again.start, again.shift), (start, 0));
        pool.give(again, 0, false);
    }

    #[test]
    fn the_next_memory_begins_above_what_was_shown() {
        let mut pool = Pool::new(4);
        let slot = pool.take().unwrap();
        let start = slot.start;
        pool.give(slot, 3 * PAGE_SIZE, true);
        let again = pool.take().unwrap();
        assert_eq!((again.start, again.shift), (start, 3 * PAGE_SIZE));
        assert!(again.shift + SPAN <= SLOT);
        pool.give(again, SLACK - 3 * PAGE_SIZE, true);
        let last = pool.take().unwrap();
        assert_eq!((last.start, last.shift), (start, SLACK), "the last place ends with the slot");
        assert_eq!(last.shift + SPAN, SLOT);
        pool.give(last, PAGE_SIZE, true);
        assert_eq!(pool.exhausted.len(), 1);
        assert!(pool.ready.is_empty());
    }

    #[test]
    fn blocks_grow_and_their_slots_do_not_overlap() {
        let mut pool = Pool::new(4);
        let mut slots: Vec<_> = (0..10).map(|_| pool.take().unwrap()).collect();
        assert!(pool.blocks.len() < 10, "{} blocks", pool.blocks.len());
        assert_eq!(pool.slots, slots.len() + pool.ready.len());
        slots.sort_unstable_by_key(|slot| slot.start);
        assert!(slots.windows(2).all(|pair| pair[0].start + SLOT as usize <= pair[1].start));
        for slot in slots {
            pool.give(slot, 0, false);
        }
        // Where address space is limited, no slot is reserved before it is needed.
        let mut limited = Pool::new(0);
        let slots: Vec<_> = (0..3).map(|_| limited.take().unwrap()).collect();
        assert!(limited.ready.is_empty());
        for slot in slots {
            limited.give(slot, 0, false);
        }
    }

    #[test]
    fn slots_without_slack_are_used_again_last_and_in_order() {
        let mut pool = Pool::new(2);
        let mut starts = Vec::new();
        for _ in 0..3 {
            pool.ready.clear(); // what is left of a block
            let slot = pool.take().unwrap();
            assert!(!starts.contains(&slot.start), "the queue has room: a new slot");
            starts.push(slot.start);
            pool.give(slot, SLACK + PAGE_SIZE, true);
        }
        assert_eq!(pool.exhausted.len(), 3);
        pool.ready.clear();
        for start in starts {
            let slot = pool.take().unwrap();
            assert_eq!((slot.start, slot.shift), (start, 0));
            pool.give(slot, SLACK + PAGE_SIZE, true);
        }
    }
}
