//! Owns `memcpy` and `memmove`, which are one: the ranges may overlap in both.
//!
//! Up to 128 bytes everything is read before anything is written, by blocks from both ends that
//! overlap in the middle. Beyond that both ends are read first and written last, and between them
//! goes a loop of four blocks at a time to aligned addresses.

use crate::block::{Block, copy_long, load, store};

/// Bytes that a loop moves at a time.
const STEP: usize = 64;
const BLOCK: usize = 16;

/// Copies `length` bytes; the ranges may overlap. Returns `to`.
///
/// # Safety
/// `from` is readable and `to` writable for `length` bytes.
#[cfg_attr(feature = "export", unsafe(no_mangle))]
pub unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    // SAFETY: as the caller says.
    unsafe { copy(to, from, length) }
}

/// Copies `length` bytes; the ranges may overlap. Returns `to`.
///
/// # Safety
/// `from` is readable and `to` writable for `length` bytes.
#[cfg_attr(feature = "export", unsafe(no_mangle))]
pub unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    // SAFETY: as the caller says.
    unsafe { copy(to, from, length) }
}

#[inline(always)]
unsafe fn copy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    // SAFETY: as the caller says, and each callee gets the lengths that it is for.
    unsafe {
        if length < BLOCK {
            copy_small(to, from, length);
        } else if length <= 2 * BLOCK {
            copy_blocks(to, from, length);
        } else if length <= 4 * BLOCK {
            copy_pairs(to, from, length);
        } else if length <= 8 * BLOCK {
            copy_steps(to, from, length);
        } else if (to as usize).wrapping_sub(from as usize) >= length {
            // Below the source or beyond its end.
            if !copy_long(to, from, length) {
                copy_forwards(to, from, length);
            }
        } else {
            copy_backwards(to, from, length);
        }
    }
    to
}

/// Fewer than 16 bytes.
#[inline(always)]
unsafe fn copy_small(to: *mut u8, from: *const u8, length: usize) {
    /// Two values from both ends, which cover all between one and two times their size.
    #[inline(always)]
    unsafe fn ends<T: Copy>(to: *mut u8, from: *const u8, length: usize) {
        let last = length - size_of::<T>();
        // SAFETY: there are at least as many bytes as a value has, so both lie within the ranges;
        // unaligned access takes any address.
        unsafe {
            let (first_value, last_value) =
                (from.cast::<T>().read_unaligned(), from.add(last).cast::<T>().read_unaligned());
            to.cast::<T>().write_unaligned(first_value);
            to.add(last).cast::<T>().write_unaligned(last_value);
        }
    }
    // SAFETY: as the caller says; each has the length that it needs.
    unsafe {
        if length >= 8 {
            ends::<u64>(to, from, length);
        } else if length >= 4 {
            ends::<u32>(to, from, length);
        } else if length >= 2 {
            ends::<u16>(to, from, length);
        } else if length == 1 {
            *to = *from;
        }
    }
}

/// One or two blocks.
#[inline(always)]
unsafe fn copy_blocks(to: *mut u8, from: *const u8, length: usize) {
    let last = length - BLOCK;
    // SAFETY: there is a block at least, so that from the start and that up to the end lie within
    // the ranges.
    unsafe {
        let (first_block, last_block) = (load(from), load(from.add(last)));
        store(to, first_block);
        store(to.add(last), last_block);
    }
}

/// Two to four blocks.
#[inline(always)]
unsafe fn copy_pairs(to: *mut u8, from: *const u8, length: usize) {
    let last = length - 2 * BLOCK;
    // SAFETY: there are two blocks at least, so those from the start and those up to the end lie
    // within the ranges.
    unsafe {
        let (a, b) = (load(from), load(from.add(BLOCK)));
        let (c, d) = (load(from.add(last)), load(from.add(last + BLOCK)));
        store(to, a);
        store(to.add(BLOCK), b);
        store(to.add(last), c);
        store(to.add(last + BLOCK), d);
    }
}

/// Four to eight blocks.
#[inline(always)]
unsafe fn copy_steps(to: *mut u8, from: *const u8, length: usize) {
    let last = length - STEP;
    // SAFETY: there is a step at least, so that from the start and that up to the end lie within
    // the ranges.
    unsafe {
        let (first_step, last_step) = (Step::load(from), Step::load(from.add(last)));
        first_step.store(to);
        last_step.store(to.add(last));
    }
}

/// More than 128 bytes, where no byte is written by the loop before it is read.
#[inline(always)]
unsafe fn copy_forwards(to: *mut u8, from: *const u8, length: usize) {
    // SAFETY: both ends lie within the ranges, which are longer. The loop starts within the first
    // step and stops once what is left lies within the last, so it stays in the ranges, too. `to`
    // is below `from` or apart, so that what a step writes over was read by it or before.
    unsafe {
        let first = Step::load(from);
        let last = Step::load(from.add(length - STEP));
        let mut at = STEP - (to as usize & (STEP - 1));
        while at < length - STEP {
            let step = Step::load(from.add(at));
            step.store(to.add(at));
            at += STEP;
        }
        first.store(to);
        last.store(to.add(length - STEP));
    }
}

/// More than 128 bytes, where `to` lies within the source.
#[inline(always)]
unsafe fn copy_backwards(to: *mut u8, from: *const u8, length: usize) {
    // SAFETY: as in `copy_forwards`, from the other end: each step ends at `left`, which begins
    // within the last step, and the loop stops once what is left lies within the first.
    unsafe {
        let first = Step::load(from);
        let last = Step::load(from.add(length - STEP));
        let mut left = length - 1 - (to.add(length - 1) as usize & (STEP - 1));
        while left > STEP {
            left -= STEP;
            let step = Step::load(from.add(left));
            step.store(to.add(left));
        }
        last.store(to.add(length - STEP));
        first.store(to);
    }
}

/// Four blocks.
#[derive(Clone, Copy)]
struct Step(Block, Block, Block, Block);

impl Step {
    /// # Safety
    /// 64 bytes are readable.
    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: each block lies within the 64 bytes.
        unsafe { Self(load(from), load(from.add(BLOCK)), load(from.add(2 * BLOCK)), load(from.add(3 * BLOCK))) }
    }

    /// # Safety
    /// 64 bytes are writable.
    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: each block lies within the 64 bytes.
        unsafe {
            store(to, self.0);
            store(to.add(BLOCK), self.1);
            store(to.add(2 * BLOCK), self.2);
            store(to.add(3 * BLOCK), self.3);
        }
    }
}
