//! Owns `memset`: up to 128 bytes by blocks from both ends, beyond that by a loop of four blocks at
//! a time to aligned addresses.

use crate::block::{Block, fill_long, splat, store};

const BLOCK: usize = 16;
/// Bytes that a loop writes at a time.
const STEP: usize = 4 * BLOCK;

/// Writes the low byte of `value` to `length` bytes. Returns `to`.
///
/// # Safety
/// `to` is writable for `length` bytes.
#[cfg_attr(feature = "export", unsafe(no_mangle))]
pub unsafe extern "C" fn memset(to: *mut u8, value: i32, length: usize) -> *mut u8 {
    let byte = value as u8;
    // SAFETY: as the caller says, and each callee gets the lengths that it is for.
    unsafe {
        if length < BLOCK {
            fill_small(to, byte, length);
        } else if length <= 2 * BLOCK {
            fill_blocks(to, byte, length);
        } else if length <= 4 * BLOCK {
            fill_pairs(to, byte, length);
        } else if length <= 8 * BLOCK {
            fill_steps(to, byte, length);
        } else if !fill_long(to, byte, length) {
            fill_aligned(to, byte, length);
        }
    }
    to
}

/// Fewer than 16 bytes.
#[inline(always)]
unsafe fn fill_small(to: *mut u8, byte: u8, length: usize) {
    let word = u64::from(byte) * 0x0101_0101_0101_0101;
    // SAFETY: as the caller says; values from both ends cover all between one and two times their
    // size.
    unsafe {
        if length >= 8 {
            to.cast::<u64>().write_unaligned(word);
            to.add(length - 8).cast::<u64>().write_unaligned(word);
        } else if length >= 4 {
            to.cast::<u32>().write_unaligned(word as u32);
            to.add(length - 4).cast::<u32>().write_unaligned(word as u32);
        } else if length >= 2 {
            to.cast::<u16>().write_unaligned(word as u16);
            to.add(length - 2).cast::<u16>().write_unaligned(word as u16);
        } else if length == 1 {
            *to = byte;
        }
    }
}

/// One or two blocks.
#[inline(always)]
unsafe fn fill_blocks(to: *mut u8, byte: u8, length: usize) {
    let block = splat(byte);
    // SAFETY: there is a block at least, so that from the start and that up to the end lie within
    // the range.
    unsafe {
        store(to, block);
        store(to.add(length - BLOCK), block);
    }
}

/// Two to four blocks.
#[inline(always)]
unsafe fn fill_pairs(to: *mut u8, byte: u8, length: usize) {
    // SAFETY: two blocks from the start and two up to the end lie within the range.
    unsafe {
        fill_blocks(to, byte, 2 * BLOCK);
        fill_blocks(to.add(length - 2 * BLOCK), byte, 2 * BLOCK);
    }
}

/// Four to eight blocks.
#[inline(always)]
unsafe fn fill_steps(to: *mut u8, byte: u8, length: usize) {
    let block = splat(byte);
    // SAFETY: there is a step at least, so that from the start and that up to the end lie within
    // the range.
    unsafe {
        store_step(to, block);
        store_step(to.add(length - STEP), block);
    }
}

/// More than 128 bytes.
#[inline(always)]
unsafe fn fill_aligned(to: *mut u8, byte: u8, length: usize) {
    let block = splat(byte);
    // SAFETY: both ends lie within the range, which is longer. The loop starts within the first
    // step and stops once what is left lies within the last.
    unsafe {
        store_step(to, block);
        let mut at = STEP - (to as usize & (STEP - 1));
        while at < length - STEP {
            store_step(to.add(at), block);
            at += STEP;
        }
        store_step(to.add(length - STEP), block);
    }
}

/// # Safety
/// 64 bytes are writable.
#[inline(always)]
unsafe fn store_step(to: *mut u8, block: Block) {
    // SAFETY: each block lies within the 64 bytes.
    unsafe {
        store(to, block);
        store(to.add(BLOCK), block);
        store(to.add(2 * BLOCK), block);
        store(to.add(3 * BLOCK), block);
    }
}
