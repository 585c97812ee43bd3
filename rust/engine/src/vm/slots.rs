//! The pool of slots for guarded memories, and the quarantine of address ranges that Go has seen.
//!
//! ============================================================================================
//!   Sandbox-critical.
//!   Compiled code accesses a guarded memory without checks. It relies on every byte
//!   from a memory's base to the end of its guard belonging to this slot alone, and on pages
//!   that are not the memory's being inaccessible. A slot that is handed out holds the initial
//!   bytes of its next memory and nothing else. Change it with a second reader.
//! ============================================================================================
//!
//! A slot is 8 GiB of address space: 4 GiB that an index reaches, a 2 GiB guard that an offset
//! reaches, and 2 GiB of slack. A memory whose bytes were shown to Go leaves the range that it had
//! committed behind, inaccessible, since a stale slice may still point there; the next memory of
//! the slot begins above it, in the slack. A slot whose slack is used up waits in a queue, and is
//! used from its beginning again only when the queue is full or no address space is left.
//!
//! A slot whose memory was never shown can stay *warm*: its pages are made what they were when the
//! memory began, and stay accessible. The next memory that begins in the same way, with the same
//! image and as many bytes, needs no system call. A bounded number of slots is warm, the oldest
//! ones are closed for newer ones, and those of an image when its module goes.
//!
//! Slots are reserved in blocks, so that those that are not in use are one mapping together.

#![allow(unsafe_code)] // owns the mappings of its slots

use super::image::{self, MemoryImage};
use super::pages;
use crate::budget::{self, Taken};
use crate::error::Result;
use crate::options::{GUARD, RESERVATION};
use crate::os::{self, Errno};
use crate::prelude::*;
use crate::sync::Lazy;
use crate::sync::Mutex;
use alloc::collections::VecDeque;
use alloc::sync::Arc;

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
/// Slots that are warm at most. Each keeps half a MiB at most of pages that were written to.
const WARM: usize = 64;

/// One slot, taken from the pool or in it. Inaccessible as long as no memory uses it and it is not
/// warm.
#[derive(Debug)]
struct Slot {
    start: usize,
    /// Where the next memory begins; everything below may be known to Go.
    shift: u64,
}

impl Slot {
    const fn base(&self) -> usize {
        self.start + self.shift as usize
    }
}

/// What a memory begins with.
#[derive(Clone, Debug)]
pub(super) struct Beginning {
    /// Accessible bytes, whole pages of the host: zeros but for those of the image.
    pub(super) length: u64,
    /// Its bytes lie below `length`.
    pub(super) image: Option<Arc<MemoryImage>>,
}

impl Beginning {
    fn is(&self, other: &Self) -> bool {
        let images = (&self.image, &other.image);
        self.length == other.length
            && match images {
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                (None, None) => true,
                _ => false,
            }
    }

    /// Makes an inaccessible range a memory that begins like this.
    ///
    /// # Safety
    /// The range is that of a slot, which is the caller's.
    unsafe fn prepare(&self, base: usize) -> Result<(), Errno> {
        // SAFETY: by the caller's promise.
        unsafe {
            pages::commit(base, self.length as usize)?;
            self.image.as_ref().map_or(Ok(()), |image| image.map(base))
        }
    }

    /// Makes a memory begin again, after `committed` bytes of it were accessible, of which there
    /// are as many as in the beginning at least.
    ///
    /// # Safety
    /// As for `prepare`, which was called; and nobody uses the memory.
    unsafe fn prepare_again(&self, base: usize, committed: u64) -> Result<(), Errno> {
        let length = self.length as usize;
        // SAFETY: by the caller's promise. What lies above the beginning becomes inaccessible.
        unsafe {
            pages::discard(base + length, committed as usize - length)?;
            image::restore(base, length, self.image.as_deref())
        }
    }
}

/// A slot that holds the beginning of a memory, and that no memory uses.
#[derive(Debug)]
struct Warm {
    slot: Slot,
    beginning: Beginning,
    _mappings: Taken,
}

impl Warm {
    /// Makes the slot inaccessible; none if the system refuses: then it is never used again.
    fn close(self) -> Option<Slot> {
        // SAFETY: no memory uses the slot.
        let closed = unsafe { pages::discard(self.slot.base(), self.beginning.length as usize) };
        if closed.is_err() {
            core::mem::forget(self);
            return None;
        }
        Some(self.slot)
    }
}

/// The pool.
#[derive(Debug)]
struct Pool {
    /// Slots with slack left; the last one is used next.
    ready: Vec<Slot>,
    /// Slots that hold the beginning of a memory, the newest last.
    warm: VecDeque<Warm>,
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
        Self {
            ready: Vec::new(),
            warm: VecDeque::new(),
            exhausted: VecDeque::new(),
            queue,
            slots: 0,
            blocks: Vec::new(),
        }
    }

    /// A slot that holds this beginning.
    fn take_warm(&mut self, beginning: &Beginning) -> Option<Warm> {
        let found = self.warm.iter().rposition(|warm| warm.beginning.is(beginning))?;
        self.warm.remove(found)
    }

    /// Keeps a warm slot. Gives the oldest one if there are too many, or this one if nobody will
    /// want it: its image was retired, by who then takes the lock of this pool.
    fn give_warm(&mut self, warm: Warm) -> Option<Warm> {
        if warm.beginning.image.as_ref().is_some_and(|image| image.is_retired()) {
            return Some(warm);
        }
        self.warm.push_back(warm);
        if self.warm.len() > WARM { self.warm.pop_front() } else { None }
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

/// Closes a warm slot, and puts it among the others.
fn cool(warm: Warm) {
    if let Some(slot) = warm.close() {
        POOL.lock().give(slot, 0, false);
    }
}

/// Closes the warm slots of an image, with which no more memories will begin.
pub(super) fn retire(image: &Arc<MemoryImage>) {
    image.retire();
    cool_all(Some(image));
}

/// Closes warm slots, the oldest first, and says whether there were any: all, or those of an image.
fn cool_all(image: Option<&Arc<MemoryImage>>) -> bool {
    let mut any = false;
    loop {
        let warm = {
            let mut pool = POOL.lock();
            let of_image =
                |warm: &Warm, image| warm.beginning.image.as_ref().is_some_and(|own| Arc::ptr_eq(own, image));
            let found = pool.warm.iter().position(|warm| image.is_none_or(|image| of_image(warm, image)));
            found.and_then(|found| pool.warm.remove(found))
        };
        let Some(warm) = warm else { return any };
        cool(warm);
        any = true;
    }
}

/// The address range of one guarded memory.
#[derive(Debug)]
pub(super) struct Place {
    slot: Option<Slot>,
    beginning: Beginning,
    mappings: Taken,
}

impl Place {
    /// Takes a range from the pool that begins as is wanted, and is inaccessible behind that.
    pub(super) fn take(beginning: &Beginning) -> Result<Self> {
        if beginning.length > 0
            && let Some(Warm { slot, beginning, _mappings: mappings }) = POOL.lock().take_warm(beginning)
        {
            return Ok(Self { slot: Some(slot), beginning, mappings });
        }
        let count = MAPPINGS + beginning.image.as_ref().map_or(0, |image| image.mappings());
        let mappings =
            budget::take(count).or_else(|error| if cool_all(None) { budget::take(count) } else { Err(error) })?;
        let slot = POOL.lock().take();
        // Warm slots have address space, too.
        let slot = slot.or_else(|error| if cool_all(None) { POOL.lock().take() } else { Err(error) })?;
        let place = Self { slot: Some(slot), beginning: beginning.clone(), mappings };
        // SAFETY: the slot was just taken.
        if let Err(error) = unsafe { beginning.prepare(place.base()) } {
            // SAFETY: as above.
            unsafe { place.close(beginning.length, false) };
            return Err(pages::refused("make accessible a memory", beginning.length, error));
        }
        Ok(place)
    }

    /// First byte of the memory.
    pub(super) fn base(&self) -> usize {
        self.slot.as_ref().expect("only `give` takes it").base()
    }

    /// Makes the memory begin again, after so many bytes from its base were accessible.
    ///
    /// # Safety
    /// No code that relies on the length is running.
    pub(super) unsafe fn begin_again(&self, committed: u64) -> Result<(), Errno> {
        // SAFETY: by the caller's promise; the range is this one's.
        unsafe { self.beginning.prepare_again(self.base(), committed) }
    }

    /// Gives the range back after a memory that had committed so many bytes from its base. What was
    /// shown becomes inaccessible first; what was not becomes that, or begins again.
    ///
    /// # Safety
    /// Nobody uses the memory any more.
    pub(super) unsafe fn give(mut self, committed: u64, shown: bool) {
        // SAFETY: by the caller's promise.
        if shown || self.beginning.length == 0 || unsafe { self.begin_again(committed) }.is_err() {
            // SAFETY: as above.
            unsafe { self.close(committed, shown) };
            return;
        }
        let slot = self.slot.take().expect("only this takes it");
        let warm = Warm { slot, beginning: self.beginning, _mappings: self.mappings };
        let superfluous = POOL.lock().give_warm(warm);
        if let Some(warm) = superfluous {
            cool(warm);
        }
    }

    /// Makes the range inaccessible and gives it back.
    ///
    /// # Safety
    /// As for `give`.
    unsafe fn close(mut self, committed: u64, shown: bool) {
        // SAFETY: the range lies in the slot, which is ours; nobody uses it by the caller's
        // promise.
        let closed = unsafe { pages::discard(self.base(), committed as usize) };
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
