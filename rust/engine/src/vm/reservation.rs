//! The address range of one memory, in either mode: a place in a guarded slot, or a small
//! reservation of its own.

#![allow(unsafe_code)] // owns mappings

use super::image::{self, MemoryImage};
use super::pages::{self, HOST_PAGE, LEFT_TO_GO};
use super::slots::{Beginning, Place, SPAN};
use crate::budget::{self, Taken};
use crate::error::Result;
use crate::options::BoundsMode;
use crate::os::{self, Errno};
use crate::sync::Lazy;
use crate::sync::Mutex;
use crate::types::PAGE_SIZE;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::ops::Range;

/// Bytes of explicit memories that stay inaccessible after Go has seen them, where address space is
/// not limited.
const QUARANTINE: u64 = 64 << 30;
/// How many such ranges may wait: each is a mapping.
const QUARANTINED: usize = 1024;

/// The address range of a memory: reserved as a whole, accessible from its base on as far as it was
/// committed.
#[derive(Debug)]
pub(super) struct Reservation {
    /// None once it was given back.
    kind: Option<Kind>,
    base: usize,
    /// Bytes that can be committed.
    capacity: u64,
    /// Bytes from the base that no other thing uses: the capacity, and the guard where there is
    /// one.
    span: u64,
}

#[derive(Debug)]
enum Kind {
    Guarded(Place),
    Explicit(Taken),
}

impl Reservation {
    /// Reserves for a memory of at least `min` and at most `max` bytes. Of a guarded one both are
    /// multiples of the page size and at most 4 GiB, and it begins with an image if there is one.
    /// The first `min` bytes are accessible.
    ///
    /// A guarded one has room for 4 GiB. An explicit one has room for `max`, or, where that much
    /// address space cannot be had, for less, down to `min`.
    pub(super) fn new(mode: BoundsMode, min: u64, max: u64, image: Option<&Arc<MemoryImage>>) -> Result<Self> {
        match mode {
            BoundsMode::Guarded => {
                let place = Place::take(&Beginning { length: min, image: image.cloned() })?;
                let base = place.base();
                Ok(Self { kind: Some(Kind::Guarded(place)), base, capacity: max, span: SPAN })
            }
            BoundsMode::Explicit => {
                let mappings = budget::take(2)?;
                let (base, capacity) = reserve_between(min, max)?;
                let made = Self { kind: Some(Kind::Explicit(mappings)), base, capacity, span: capacity };
                let committed = made.commit(0, min);
                committed.map_err(|error| pages::refused("make accessible a memory", min, error))?;
                Ok(made)
            }
        }
    }

    /// First byte.
    pub(super) const fn base(&self) -> usize {
        self.base
    }

    /// Bytes that can be committed.
    pub(super) const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Addresses where a fault can be an access to this memory.
    pub(super) const fn range(&self) -> Range<usize> {
        self.base..self.base + self.span as usize
    }

    /// Makes the bytes `from..to` accessible, after those before them; they read as zeros. Where
    /// pages of the memory are smaller than those of the host, so do some bytes more: such a memory
    /// is explicit, no guest gets at them.
    pub(super) fn commit(&self, from: u64, to: u64) -> Result<(), Errno> {
        assert!(from <= to && to <= self.capacity, "commit {from}..{to} of {}", self.capacity);
        let (from, to) = (whole_pages(from), whole_pages(to));
        // SAFETY: the range lies in the reservation, which is ours and consists of whole pages.
        unsafe { pages::commit(self.base + from, to - from) }
    }

    /// Makes the memory begin again, after `committed` bytes of it were accessible: with the image,
    /// if there is one, and else zeros. What lies behind is inaccessible then where that keeps
    /// guests inside, and else zeros, too.
    ///
    /// # Safety
    /// The memory's length says so already, and nobody relies on what it was.
    pub(super) unsafe fn begin_again(&self, committed: u64) -> Result<(), Errno> {
        let committed = whole_pages(committed);
        match &self.kind {
            // SAFETY: by the caller's promise.
            Some(Kind::Guarded(place)) => unsafe { place.begin_again(committed as u64) },
            // SAFETY: as above; the range is accessible.
            _ => unsafe { image::restore(self.base, committed, None) },
        }
    }

    /// Gives the range back, after `committed` bytes of it were accessible. They become
    /// inaccessible first, and are not given out again for as long as possible if they were shown
    /// to Go.
    ///
    /// # Safety
    /// Nobody uses the memory any more.
    pub(super) unsafe fn give_back(&mut self, committed: u64, shown: bool) {
        let committed = whole_pages(committed) as u64;
        match self.kind.take() {
            // SAFETY: by the caller's promise.
            Some(Kind::Guarded(place)) => unsafe { place.give(committed, shown) },
            Some(Kind::Explicit(mappings)) => {
                let kept = if shown { committed } else { 0 };
                // SAFETY: by the caller's promise; the kept part goes to the quarantine.
                unsafe { pages::release(self.base + kept as usize, (self.capacity - kept) as usize) };
                // SAFETY: as above. Where it fails the quarantine unmaps the range later, or the
                // range stays as it is forever.
                if kept > 0 && unsafe { pages::discard(self.base, kept as usize) }.is_ok() {
                    EXPLICIT.lock().put(self.base, kept, mappings);
                }
            }
            None => {}
        }
    }
}

/// The number of bytes of the host's pages that so many bytes lie in.
const fn whole_pages(bytes: u64) -> usize {
    bytes.next_multiple_of(HOST_PAGE as u64) as usize
}

/// Reserves `max` bytes, or as much as the system grants by halving, but not less than `min`; whole
/// pages of 64 KiB. Where address space is limited, one reservation takes a small part of it,
/// unless `min` is more.
pub(super) fn reserve_between(min: u64, max: u64) -> Result<(usize, u64)> {
    let [min, max] = [min, max].map(|bytes| bytes.next_multiple_of(PAGE_SIZE));
    let least = min.max(PAGE_SIZE);
    let part = os::address_space_limit().map_or(max, |limit| limit / 8 / PAGE_SIZE * PAGE_SIZE);
    let mut capacity = max.min(part).max(least);
    loop {
        match pages::reserve(capacity as usize, LEFT_TO_GO) {
            Ok(base) => return Ok((base, capacity)),
            Err(error) if capacity <= least => {
                return Err(pages::refused("reserve the address space", capacity, error));
            }
            Err(_) => capacity = (capacity / 2).next_multiple_of(PAGE_SIZE).max(least),
        }
    }
}

/// Ranges of explicit memories that Go has seen.
struct Quarantine {
    ranges: VecDeque<(usize, u64, Taken)>,
    bytes: u64,
    limit: u64,
}

static EXPLICIT: Lazy<Mutex<Quarantine>> = Lazy::new(|| {
    let limit = os::address_space_limit().map_or(QUARANTINE, |limit| limit / 64);
    Mutex::new(Quarantine { ranges: VecDeque::new(), bytes: 0, limit })
});

impl Quarantine {
    /// Puts an inaccessible range in, and returns to the system what exceeds the limits, oldest
    /// first.
    fn put(&mut self, base: usize, bytes: u64, mut mappings: Taken) {
        mappings.set(1);
        self.bytes += bytes;
        self.ranges.push_back((base, bytes, mappings));
        while self.bytes > self.limit || self.ranges.len() > QUARANTINED {
            let Some((base, bytes, _mappings)) = self.ranges.pop_front() else { break };
            self.bytes -= bytes;
            // SAFETY: the range is the quarantine's own, and no memory uses it.
            unsafe { pages::release(base, bytes as usize) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether an address is accessible, by asking the kernel to read it.
    fn readable(address: usize) -> bool {
        let mut byte = 0u8;
        let local = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        let remote = libc::iovec { iov_base: address as *mut _, iov_len: 1 };
        // SAFETY: the kernel checks the remote address itself, and writes to `byte` only.
        unsafe { libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0) == 1 }
    }

    fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
        a.start < b.end && b.start < a.end
    }

    #[test]
    fn edges_of_a_guarded_reservation() {
        let mut memory = Reservation::new(BoundsMode::Guarded, PAGE_SIZE, 4 << 30, None).unwrap();
        let base = memory.base();
        assert!(readable(base) && readable(base + PAGE_SIZE as usize - 1));
        assert!(!readable(base + PAGE_SIZE as usize));
        assert!(!readable(base + (4 << 30) - 1) && !readable(base + (6 << 30) - 1));
        assert_eq!(memory.range(), base..base + (6 << 30));
        memory.commit(PAGE_SIZE, 4 << 30).unwrap();
        assert!(readable(base + (4 << 30) - 1) && !readable(base + (4 << 30)));
        // SAFETY: nobody uses it.
        unsafe { memory.give_back(4 << 30, false) };
    }

    #[test]
    fn what_was_shown_stays_inaccessible_and_is_not_given_out() {
        for mode in [BoundsMode::Guarded, BoundsMode::Explicit] {
            let mut first = Reservation::new(mode, PAGE_SIZE, 16 * PAGE_SIZE, None).unwrap();
            first.commit(0, 2 * PAGE_SIZE).unwrap();
            let shown = first.base()..first.base() + 2 * PAGE_SIZE as usize;
            // SAFETY: the first byte is accessible, and nobody else uses the memory.
            unsafe {
                *(first.base() as *mut u8) = 0xaa;
                first.give_back(2 * PAGE_SIZE, true);
            }
            for _ in 0..20 {
                let mut next = Reservation::new(mode, PAGE_SIZE, 16 * PAGE_SIZE, None).unwrap();
                next.commit(0, 2 * PAGE_SIZE).unwrap();
                let used = next.base()..next.base() + 2 * PAGE_SIZE as usize;
                assert!(!overlap(&used, &shown), "{mode:?}: {used:x?} was given out of {shown:x?}");
                assert!(!readable(shown.start) && !readable(shown.end - 1), "{mode:?}");
                // SAFETY: the first byte is accessible, and nobody else uses the memory.
                unsafe {
                    assert_eq!(*(next.base() as *const u8), 0);
                    next.give_back(2 * PAGE_SIZE, true);
                }
            }
        }
    }

    #[test]
    fn an_explicit_reservation_takes_less_where_the_system_refuses() {
        // No system grants 2^60 bytes.
        let (base, capacity) = reserve_between(3 * PAGE_SIZE, 1 << 60).unwrap();
        assert!((3 * PAGE_SIZE..1 << 60).contains(&capacity));
        // SAFETY: just reserved.
        unsafe { pages::release(base, capacity as usize) };
        let error = reserve_between(1 << 60, 1 << 60).unwrap_err();
        assert!(error.message().contains("1073741824 GiB"), "{error}");
    }

    #[test]
    fn quarantine_of_explicit_memories_is_bounded() {
        let mut quarantine = Quarantine { ranges: VecDeque::new(), bytes: 0, limit: 4 * PAGE_SIZE };
        for _ in 0..10 {
            let base = pages::reserve(PAGE_SIZE as usize, LEFT_TO_GO).unwrap();
            quarantine.put(base, PAGE_SIZE, budget::take(2).unwrap());
        }
        assert_eq!((quarantine.ranges.len(), quarantine.bytes), (4, 4 * PAGE_SIZE));
        quarantine.limit = 0;
        let base = pages::reserve(PAGE_SIZE as usize, LEFT_TO_GO).unwrap();
        quarantine.put(base, PAGE_SIZE, budget::take(1).unwrap());
        assert!(quarantine.ranges.is_empty());
    }
}
