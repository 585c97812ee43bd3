//! Transient heaps: each for one piece of work, used by one entry at a time, given back as a whole.
//! So there is no lock, and what runs on one can be stopped anywhere and forgotten: a pause is put
//! off only while a chunk is neither the system's nor the heap's.
//!
//! A heap is a chain of chunks. Blocks are cut from the newest one's end, or taken from lists of
//! freed blocks, one for each size: 16-byte steps up to [`SMALL`], then four for each doubling.

use core::alloc::Layout;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};
use gowasmer::os;
use gowasmer::os::own;

/// Bytes of a chunk; larger ones for larger blocks.
const CHUNK: usize = 4 << 20;
/// Bytes at a chunk's beginning that stay in memory while it waits for its next heap.
const WARM: usize = 1 << 20;
/// Chunks that wait.
const KEPT: usize = 16;

const SMALL: usize = 512;
const SMALL_CLASSES: usize = SMALL / 16;
/// Up to 2^40.
const CLASSES: usize = SMALL_CLASSES + 4 * 31;

/// At the beginning of a chunk.
#[repr(C, align(16))]
struct Chunk {
    /// The one before it in its heap; 0 for none.
    previous: usize,
    /// All of its bytes.
    size: usize,
}

/// A heap, in its first chunk.
#[repr(C, align(16))]
struct Heap {
    chunk: Chunk,
    /// The newest chunk.
    newest: usize,
    /// What is left of it.
    next: usize,
    end: usize,
    /// From here on the newest chunk is zeros, as it came from the system.
    fresh: usize,
    free: [usize; CLASSES],
}

/// Chunks of [`CHUNK`] bytes that wait for a heap; 0 for none.
static WAITING: [AtomicUsize; KEPT] = [const { AtomicUsize::new(0) }; KEPT];

/// The list of a size, and the bytes that its blocks have.
#[inline(always)]
fn class_of(size: usize) -> (usize, usize) {
    if size <= SMALL {
        let class = size.saturating_sub(1) / 16;
        return (class, (class + 1) * 16);
    }
    // Between two powers of two, in four steps.
    let k = (size - 1).ilog2() as usize;
    let step = 1_usize << (k - 2);
    let quarter = (size - 1 - (1 << k)) / step;
    (SMALL_CLASSES + (k - 9) * 4 + quarter, (1 << k) + (quarter + 1) * step)
}

/// Maps a chunk.
fn map(size: usize) -> Option<usize> {
    // SAFETY: a new mapping touches nothing that exists.
    unsafe { os::map(0, size, os::READ_WRITE, os::MAP_NORESERVE) }.ok()
}

/// The heap of a root, made when it is first used. Null where there is no memory.
///
/// # Safety
/// The root is a word that is 0 or was written here, and nobody else uses it now.
#[inline(always)]
unsafe fn heap_of(root: usize) -> *mut Heap {
    // SAFETY: by the caller's promise.
    let heap = unsafe { *(root as *const usize) } as *mut Heap;
    if heap.is_null() {
        // SAFETY: as above.
        return unsafe { make(root) };
    }
    heap
}

#[cold]
unsafe fn make(root: usize) -> *mut Heap {
    let _unpaused = own::Unpaused::new();
    let waiting = WAITING.iter().map(|place| place.swap(0, Ordering::Acquire)).find(|at| *at != 0);
    let Some((at, fresh)) = waiting.map(|at| (at, WARM)).or_else(|| Some((map(CHUNK)?, 0))) else {
        return ptr::null_mut();
    };
    let heap = at as *mut Heap;
    // SAFETY: the chunk is mapped, aligned to a page, larger than the structure, and ours alone;
    // all fields are valid as zeros.
    unsafe {
        heap.write_bytes(0, 1);
        (*heap).chunk.size = CHUNK;
        (*heap).newest = at;
        (*heap).next = at + size_of::<Heap>();
        (*heap).end = at + CHUNK;
        (*heap).fresh = (*heap).next.max(at + fresh);
        *(root as *mut usize) = at;
    }
    heap
}

/// Cuts a block from the newest chunk; returns it, and whether it is zeros.
///
/// # Safety
/// As of [`heap_of`].
#[inline(always)]
unsafe fn take(root: usize, layout: Layout) -> (*mut u8, bool) {
    let (class, rounded) = class_of(layout.size());
    // SAFETY: by the caller's promise; lists hold freed blocks of their sizes, whose first word
    // leads to the next.
    unsafe {
        let heap = heap_of(root);
        if heap.is_null() {
            return (ptr::null_mut(), false);
        }
        if layout.align() <= 16 {
            let first = (*heap).free[class];
            if first != 0 {
                (*heap).free[class] = *(first as *const usize);
                return (first as *mut u8, false);
            }
        }
        let start = (*heap).next.next_multiple_of(layout.align().max(16));
        if rounded <= (*heap).end.saturating_sub(start) {
            (*heap).next = start + rounded;
            return (start as *mut u8, start >= (*heap).fresh);
        }
        grow(heap, rounded, layout.align())
    }
}

/// The same from a new chunk.
#[cold]
unsafe fn grow(heap: *mut Heap, rounded: usize, align: usize) -> (*mut u8, bool) {
    let _unpaused = own::Unpaused::new();
    let wanted = size_of::<Chunk>().checked_add(align).and_then(|head| head.checked_add(rounded));
    let size = wanted.and_then(|wanted| wanted.checked_next_multiple_of(CHUNK));
    let Some((size, at)) = size.and_then(|size| Some((size, map(size)?))) else { return (ptr::null_mut(), false) };
    let chunk = at as *mut Chunk;
    // SAFETY: mapped just now; the heap is the caller's.
    unsafe {
        (*chunk).previous = (*heap).newest;
        (*chunk).size = size;
        let start = (at + size_of::<Chunk>()).next_multiple_of(align.max(16));
        (*heap).newest = at;
        (*heap).next = start + rounded;
        (*heap).end = at + size;
        (*heap).fresh = start;
        (start as *mut u8, true)
    }
}

/// # Safety
/// The root is that of the running entry's heap.
#[inline(always)]
pub(crate) unsafe fn allocate(root: usize, layout: Layout) -> *mut u8 {
    // SAFETY: by the caller's promise.
    unsafe { take(root, layout) }.0
}

/// # Safety
/// As of [`allocate`].
#[inline(always)]
pub(crate) unsafe fn allocate_zeroed(root: usize, layout: Layout) -> *mut u8 {
    // SAFETY: by the caller's promise.
    let (block, zeros) = unsafe { take(root, layout) };
    if !zeros && !block.is_null() {
        // SAFETY: it has the size that was asked for.
        unsafe { block.write_bytes(0, layout.size()) };
    }
    block
}

/// # Safety
/// The block is of the running entry's heap, whose root this is, and has this layout.
#[inline(always)]
pub(crate) unsafe fn free(root: usize, block: *mut u8, layout: Layout) {
    let (class, _) = class_of(layout.size());
    // SAFETY: by the caller's promise; a block has 16 bytes at least.
    unsafe {
        let heap = heap_of(root);
        *block.cast::<usize>() = (*heap).free[class];
        (*heap).free[class] = block.addr();
    }
}

/// # Safety
/// As of [`free`].
#[inline(always)]
pub(crate) unsafe fn reallocate(root: usize, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
    let (old, new) = (class_of(layout.size()), class_of(size));
    if old.0 == new.0 {
        return block;
    }
    // SAFETY: by the caller's promise.
    unsafe {
        let heap = heap_of(root);
        let end = block.addr() + old.1;
        if end == (*heap).next && new.1 > old.1 && new.1 - old.1 <= (*heap).end - end {
            (*heap).next = block.addr() + new.1; // the last one grows in place
            return block;
        }
        let moved = allocate(root, Layout::from_size_align_unchecked(size, layout.align()));
        if !moved.is_null() {
            ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
            free(root, block, layout);
        }
        moved
    }
}

/// Gives the chunks of a heap back, and makes its root that of an empty one.
///
/// # Safety
/// The root is 0 or that of a heap that nobody uses any more.
pub(crate) unsafe extern "C" fn release(root: *mut usize) {
    // SAFETY: by the caller's promise; a chunk is read before it goes.
    unsafe {
        let heap = *root as *const Heap;
        if heap.is_null() {
            return;
        }
        *root = 0;
        let mut at = (*heap).newest;
        while at != 0 {
            let Chunk { previous, size } = ptr::read(at as *const Chunk);
            if previous != 0 || !keep(at) {
                let _ = os::unmap(at, size);
            }
            at = previous;
        }
    }
}

/// Keeps a chunk of [`CHUNK`] bytes for the next heap, if there is a place.
///
/// # Safety
/// Nobody uses it any more.
unsafe fn keep(at: usize) -> bool {
    // SAFETY: by the caller's promise.
    if unsafe { os::discard(at + WARM, CHUNK - WARM) }.is_err() {
        return false;
    }
    WAITING.iter().any(|place| place.compare_exchange(0, at, Ordering::Release, Ordering::Relaxed).is_ok())
}
