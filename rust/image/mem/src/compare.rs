//! Owns `memcmp`, `bcmp` and `strlen`.

use crate::block::{Block, common, equal4, load};

const BLOCK: usize = 16;
const STEP: usize = 4 * BLOCK;

/// Compares `length` bytes as unsigned numbers: the result is negative, zero or positive, as the
/// first byte that differs says.
///
/// # Safety
/// Both are readable for `length` bytes.
#[must_use]
#[cfg_attr(feature = "export", unsafe(no_mangle))]
pub unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, length: usize) -> i32 {
    // SAFETY: as the caller says.
    unsafe { compare(a, b, length) }
}

/// Reports by a result other than zero that `length` bytes differ.
///
/// # Safety
/// Both are readable for `length` bytes.
#[must_use]
#[cfg_attr(feature = "export", unsafe(no_mangle))]
pub unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, length: usize) -> i32 {
    // SAFETY: as the caller says.
    unsafe { compare(a, b, length) }
}

/// The number of bytes before the first zero.
///
/// # Safety
/// All bytes up to and with the first zero are readable.
#[must_use]
#[cfg_attr(feature = "export", unsafe(no_mangle))]
pub unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut length = 0;
    // SAFETY: no byte before this one is zero, so it is readable.
    while unsafe { *text.add(length) } != 0 {
        length += 1;
    }
    length
}

#[inline(always)]
unsafe fn compare(a: *const u8, b: *const u8, length: usize) -> i32 {
    // SAFETY: as the caller says; a block starts at most `length - 16` bytes after the start, and
    // `differ` is given bytes of the ranges.
    unsafe {
        if length < BLOCK {
            return compare_small(a, b, length);
        }
        let last = length - BLOCK;
        let mut at = 0;
        while at + STEP <= last {
            if !equal4(load_step(a.add(at)), load_step(b.add(at))) {
                break;
            }
            at += STEP;
        }
        while at < last {
            let same = common(load(a.add(at)), load(b.add(at)));
            if same < BLOCK {
                return differ(a, b, at + same);
            }
            at += BLOCK;
        }
        // The last block overlaps what is compared already.
        let same = common(load(a.add(last)), load(b.add(last)));
        if same < BLOCK { differ(a, b, last + same) } else { 0 }
    }
}

/// # Safety
/// 64 bytes are readable.
#[inline(always)]
unsafe fn load_step(from: *const u8) -> [Block; 4] {
    // SAFETY: each block lies within the 64 bytes.
    unsafe { [load(from), load(from.add(BLOCK)), load(from.add(2 * BLOCK)), load(from.add(3 * BLOCK))] }
}

/// The result for ranges whose first byte that differs is this.
#[inline(always)]
unsafe fn differ(a: *const u8, b: *const u8, at: usize) -> i32 {
    // SAFETY: as the caller says.
    unsafe { i32::from(*a.add(at)) - i32::from(*b.add(at)) }
}

/// Fewer than 16 bytes: as numbers whose highest byte is the first.
#[inline(always)]
unsafe fn compare_small(a: *const u8, b: *const u8, length: usize) -> i32 {
    // SAFETY: as the caller says; values from both ends cover all between one and two times their
    // size.
    unsafe {
        if length >= 8 {
            let first = order(read8(a), read8(b));
            if first != 0 { first } else { order(read8(a.add(length - 8)), read8(b.add(length - 8))) }
        } else if length >= 4 {
            let last = length - 4;
            order(read4(a) << 32 | read4(a.add(last)), read4(b) << 32 | read4(b.add(last)))
        } else if length >= 1 {
            order(read3(a, length), read3(b, length))
        } else {
            0
        }
    }
}

#[inline(always)]
fn order(x: u64, y: u64) -> i32 {
    i32::from(x > y) - i32::from(x < y)
}

#[inline(always)]
unsafe fn read8(from: *const u8) -> u64 {
    // SAFETY: as the caller says; unaligned access takes any address.
    u64::from_be(unsafe { from.cast::<u64>().read_unaligned() })
}

#[inline(always)]
unsafe fn read4(from: *const u8) -> u64 {
    // SAFETY: as the caller says; unaligned access takes any address.
    u64::from(u32::from_be(unsafe { from.cast::<u32>().read_unaligned() }))
}

/// One to three bytes: the first, the one in the middle and the last are all there are.
#[inline(always)]
unsafe fn read3(from: *const u8, length: usize) -> u64 {
    // SAFETY: as the caller says, and each lies within the length.
    unsafe { u64::from(*from) << 16 | u64::from(*from.add(length / 2)) << 8 | u64::from(*from.add(length - 1)) }
}
