//! Owns the code for aarch64: blocks of 16 bytes in vector registers, which each such processor
//! has.

use core::arch::aarch64::{
    uint8x16_t, vandq_u8, vceqq_u8, vdupq_n_u8, veorq_u8, vgetq_lane_u64, vld1q_u8, vminvq_u8, vreinterpretq_u64_u8,
    vst1q_u8,
};

/// 16 bytes in a register.
pub type Block = uint8x16_t;

/// Reads 16 bytes from any address.
///
/// # Safety
/// The 16 bytes are readable.
#[inline(always)]
pub unsafe fn load(from: *const u8) -> Block {
    // SAFETY: as the caller says; the instruction takes any alignment.
    unsafe { vld1q_u8(from) }
}

/// Writes 16 bytes to any address.
///
/// # Safety
/// The 16 bytes are writable.
#[inline(always)]
pub unsafe fn store(to: *mut u8, block: Block) {
    // SAFETY: as the caller says; the instruction takes any alignment.
    unsafe { vst1q_u8(to, block) }
}

/// The byte, 16 times.
#[inline(always)]
pub fn splat(byte: u8) -> Block {
    // SAFETY: the target's baseline has these vectors.
    unsafe { vdupq_n_u8(byte) }
}

/// The number of bytes before the first that differs: 16 if none does.
#[inline(always)]
pub fn common(a: Block, b: Block) -> usize {
    // SAFETY: the target's baseline has these vectors.
    let (low, high) = unsafe {
        let different = vreinterpretq_u64_u8(veorq_u8(a, b));
        (vgetq_lane_u64::<0>(different), vgetq_lane_u64::<1>(different))
    };
    let bits = if low == 0 { 64 + high.trailing_zeros() } else { low.trailing_zeros() };
    bits as usize / 8
}

/// Reports whether four pairs of blocks are equal.
#[inline(always)]
pub fn equal4(a: [Block; 4], b: [Block; 4]) -> bool {
    // SAFETY: the target's baseline has these vectors.
    unsafe {
        let first = vandq_u8(vceqq_u8(a[0], b[0]), vceqq_u8(a[1], b[1]));
        let last = vandq_u8(vceqq_u8(a[2], b[2]), vceqq_u8(a[3], b[3]));
        vminvq_u8(vandq_u8(first, last)) == 0xff
    }
}

/// Reports false: a loop of blocks is what there is.
///
/// # Safety
/// None is needed.
#[inline(always)]
pub unsafe fn copy_long(_to: *mut u8, _from: *const u8, _length: usize) -> bool {
    false
}

/// Reports false: a loop of blocks is what there is.
///
/// # Safety
/// None is needed.
#[inline(always)]
pub unsafe fn fill_long(_to: *mut u8, _byte: u8, _length: usize) -> bool {
    false
}
