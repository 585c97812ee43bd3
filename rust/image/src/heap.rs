//! The allocator: the heap that the running entry's stack names, which is that of some work, or the
//! one that all share and that lasts.

use crate::transient;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::AtomicU32;
use dlmalloc::{Allocator, Dlmalloc};
use gowasmer::abi::head::Head;
use gowasmer::os::{self, own};

/// Bytes that are mapped at a time, at least: each mapping may become one of those that
/// `vm.max_map_count` counts.
const GRANULE: usize = 1 << 20;

/// The system's memory for the shared heap.
struct System;

// SAFETY: what is mapped belongs to the heap alone; sizes and addresses are those that the system
// gave.
unsafe impl Allocator for System {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let size = size.next_multiple_of(GRANULE);
        // SAFETY: a new mapping touches nothing that exists.
        match unsafe { os::map(0, size, os::READ_WRITE, 0) } {
            Ok(at) => (ptr::with_exposed_provenance_mut(at), size, 0),
            Err(_) => (ptr::null_mut(), 0, 0),
        }
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        ptr::null_mut()
    }

    fn free_part(&self, block: *mut u8, old: usize, new: usize) -> bool {
        // SAFETY: the heap returns the end of a mapping of its own.
        unsafe { os::unmap(block.addr() + new, old - new) }.is_ok()
    }

    fn free(&self, block: *mut u8, size: usize) -> bool {
        // SAFETY: the heap returns a mapping of its own.
        unsafe { os::unmap(block.addr(), size) }.is_ok()
    }

    fn can_release_part(&self, _: u32) -> bool {
        true
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        4096
    }
}

/// The shared heap, under a lock that only [`Shared::with`] takes.
struct Shared {
    lock: AtomicU32,
    heap: UnsafeCell<Dlmalloc<System>>,
}

// SAFETY: the heap is used by the one who holds the lock.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared { lock: AtomicU32::new(0), heap: UnsafeCell::new(Dlmalloc::new_with_allocator(System)) };

impl Shared {
    /// # Safety
    /// The head is that of the stack that this runs on.
    #[inline]
    unsafe fn with<T>(&self, head: *mut Head, action: impl FnOnce(&mut Dlmalloc<System>) -> T) -> T {
        // SAFETY: by the caller's promise; allocating does not allocate, so that the lock is not
        // held here.
        unsafe { own::lock_heap(head, &self.lock) };
        // SAFETY: the lock is held.
        let result = action(unsafe { &mut *self.heap.get() });
        // SAFETY: taken above.
        unsafe { own::unlock_heap(head, &self.lock) };
        result
    }
}

struct Heaps;

#[global_allocator]
static HEAPS: Heaps = Heaps;

/// The head of the running entry's stack, and the root of the heap that it names; 0 for the shared
/// one.
#[inline(always)]
fn here() -> (*mut Head, usize) {
    let head = own::head();
    // SAFETY: Go writes it only while nothing runs on the stack.
    (head, unsafe { (*head).heap as usize })
}

// SAFETY: both heaps keep the rules of allocators. A block is freed by an entry with the heap that
// it is of: what is made by work on a transient heap is not handed to others, but copied (see
// ffi::compilation). In each function: the head is that of this stack, the root that of the running
// entry's heap, which it alone uses, and the block and its layout are what the caller promises.
unsafe impl GlobalAlloc for Heaps {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match here() {
            // SAFETY: see above.
            (head, 0) => unsafe { SHARED.with(head, |heap| heap.malloc(layout.size(), layout.align())) },
            // SAFETY: see above.
            (_, root) => unsafe { transient::allocate(root, layout) },
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match here() {
            // SAFETY: see above.
            (head, 0) => unsafe { SHARED.with(head, |heap| heap.free(block, layout.size(), layout.align())) },
            // SAFETY: see above.
            (_, root) => unsafe { transient::free(root, block, layout) },
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match here() {
            // SAFETY: see above.
            (head, 0) => unsafe { SHARED.with(head, |heap| heap.calloc(layout.size(), layout.align())) },
            // SAFETY: see above.
            (_, root) => unsafe { transient::allocate_zeroed(root, layout) },
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        match here() {
            // SAFETY: see above.
            (head, 0) => unsafe { SHARED.with(head, |heap| heap.realloc(block, layout.size(), layout.align(), size)) },
            // SAFETY: see above.
            (_, root) => unsafe { transient::reallocate(root, block, layout, size) },
        }
    }
}
