#![allow(unsafe_code)] // a list that a signal handler reads
//! Which addresses belong to the memories of a running guest: what the signal handler asks before
//! it takes a fault for a trap.
//!
//! Sandbox-critical. Readable at any time without a lock: a list that only grows at its head.

use crate::abi::vmctx::MemoryDefinition;
use crate::prelude::*;
use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicPtr, Ordering};

/// The address ranges of one store's memories. Its own address is what a context names as the store
/// of the running call.
#[derive(Debug, Default)]
pub struct Ranges {
    /// Ranges of the memories of this store; also of those that it took in, until it was taken in
    /// itself.
    ranges: AtomicPtr<Entry>,
    /// The ranges of the store that took this one in.
    merged: AtomicPtr<Ranges>,
}

/// Where accesses to a memory can fault.
#[derive(Clone, Debug)]
pub struct Region {
    /// The addresses.
    pub range: Range<usize>,
    /// The memory's definition, which lives as long as the range is listed.
    pub definition: *const MemoryDefinition,
}

#[derive(Debug)]
struct Entry {
    region: Region,
    next: *mut Entry,
}

impl Ranges {
    /// Adds a range; only under the lock of the store.
    pub fn add(&self, region: Region) {
        let next = self.ranges.load(Ordering::Relaxed);
        let entry = Box::into_raw(Box::new(Entry { region, next }));
        self.ranges.store(entry, Ordering::Release);
    }

    /// Makes lookups go on with the ranges of the store that takes this one in.
    pub fn merge_into(&self, other: NonNull<Self>) {
        self.merged.store(other.as_ptr(), Ordering::Release);
    }
}

impl Drop for Ranges {
    fn drop(&mut self) {
        let mut entry = *self.ranges.get_mut();
        while !entry.is_null() {
            // SAFETY: entries come from boxes, and are freed here only.
            entry = unsafe { Box::from_raw(entry) }.next;
        }
    }
}

/// The definition of the memory of a store in whose range an address lies, or null. For the signal
/// handler: it takes no lock and allocates nothing.
///
/// # Safety
/// `store` is null, or the store pointer of an instance that is pinned by the running call.
#[must_use]
pub unsafe fn memory_at(store: *const (), address: usize) -> *const MemoryDefinition {
    let mut node = store.cast::<Ranges>();
    while !node.is_null() {
        // SAFETY: a node lives as long as the contents of its store, the one that it points to as
        // long, and their entries, too; none of them changes but by adding.
        unsafe {
            let mut entry = (*node).ranges.load(Ordering::Acquire).cast_const();
            while !entry.is_null() {
                if (*entry).region.range.contains(&address) {
                    return (*entry).region.definition;
                }
                entry = (*entry).next;
            }
            node = (*node).merged.load(Ordering::Acquire);
        }
    }
    core::ptr::null()
}
