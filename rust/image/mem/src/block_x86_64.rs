//! Owns the code for x86-64: blocks of 16 bytes in SSE2's registers, and the string instructions
//! for long ranges.

use core::arch::asm;
use core::arch::x86_64::{
    __cpuid, __cpuid_count, __m128i, _mm_and_si128, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8,
    _mm_storeu_si128,
};
use core::sync::atomic::{AtomicU8, Ordering};

/// 16 bytes in a register.
pub type Block = __m128i;

/// Reads 16 bytes from any address.
///
/// # Safety
/// The 16 bytes are readable.
#[inline(always)]
pub unsafe fn load(from: *const u8) -> Block {
    // SAFETY: as the caller says; the instruction takes any alignment.
    unsafe { _mm_loadu_si128(from.cast()) }
}

/// Writes 16 bytes to any address.
///
/// # Safety
/// The 16 bytes are writable.
#[inline(always)]
pub unsafe fn store(to: *mut u8, block: Block) {
    // SAFETY: as the caller says; the instruction takes any alignment.
    unsafe { _mm_storeu_si128(to.cast(), block) }
}

/// The byte, 16 times.
#[inline(always)]
pub fn splat(byte: u8) -> Block {
    // SAFETY: SSE2 is a part of x86-64.
    unsafe { _mm_set1_epi8(byte as i8) }
}

/// The number of bytes before the first that differs: 16 if none does.
#[inline(always)]
pub fn common(a: Block, b: Block) -> usize {
    // SAFETY: SSE2 is a part of x86-64.
    let equal = unsafe { _mm_movemask_epi8(_mm_cmpeq_epi8(a, b)) };
    // Bit 16 is set in any case.
    (!equal).trailing_zeros() as usize
}

/// Reports whether four pairs of blocks are equal.
#[inline(always)]
pub fn equal4(a: [Block; 4], b: [Block; 4]) -> bool {
    // SAFETY: SSE2 is a part of x86-64.
    unsafe {
        let first = _mm_and_si128(_mm_cmpeq_epi8(a[0], b[0]), _mm_cmpeq_epi8(a[1], b[1]));
        let last = _mm_and_si128(_mm_cmpeq_epi8(a[2], b[2]), _mm_cmpeq_epi8(a[3], b[3]));
        _mm_movemask_epi8(_mm_and_si128(first, last)) == 0xffff
    }
}

/// From this length on `rep movsb` is faster than a loop of blocks where it is fast at all.
const LONG_COPY: usize = 2048;
/// Likewise for `rep stosb`.
const LONG_FILL: usize = 2048;

/// Copies a long range forwards if the processor has an instruction for it that beats a loop; else
/// reports false.
///
/// # Safety
/// Both ranges are valid, and no byte is written before it is to be read: `to` is below `from`, or
/// they do not overlap.
#[inline(always)]
pub unsafe fn copy_long(to: *mut u8, from: *const u8, length: usize) -> bool {
    // Where the ranges overlap closely, the instruction goes byte by byte.
    if length < LONG_COPY || (from as usize).wrapping_sub(to as usize) < 64 || !string_instructions() {
        return false;
    }
    // SAFETY: as the caller says. The direction flag is clear at each call (System V ABI, 3.2.1).
    unsafe {
        asm!("rep movsb", inout("rcx") length => _, inout("rdi") to => _, inout("rsi") from => _,
            options(nostack, preserves_flags));
    }
    true
}

/// Fills a long range if the processor has an instruction for it that beats a loop; else reports
/// false.
///
/// # Safety
/// The range is writable.
#[inline(always)]
pub unsafe fn fill_long(to: *mut u8, byte: u8, length: usize) -> bool {
    if length < LONG_FILL || !string_instructions() {
        return false;
    }
    // SAFETY: as the caller says. The direction flag is clear at each call (System V ABI, 3.2.1).
    unsafe {
        asm!("rep stosb", inout("rcx") length => _, inout("rdi") to => _, in("al") byte,
            options(nostack, preserves_flags));
    }
    true
}

const UNKNOWN: u8 = 0;
const SLOW: u8 = 1;
const FAST: u8 = 2;

/// Whether the string instructions are fast here. Threads that ask at the same time find the same
/// answer.
static STRINGS: AtomicU8 = AtomicU8::new(UNKNOWN);

#[inline(always)]
fn string_instructions() -> bool {
    match STRINGS.load(Ordering::Relaxed) {
        UNKNOWN => ask(),
        answer => answer == FAST,
    }
}

/// Intel's processors that say so ("enhanced rep movsb"). AMD's say so as well, but fall behind a
/// loop when source and destination lie alike within their pages (glibc's bug 30994).
#[cold]
#[inline(never)]
fn ask() -> bool {
    let vendor = __cpuid(0);
    let intel = [vendor.ebx, vendor.edx, vendor.ecx] == [0x756e_6547, 0x4965_6e69, 0x6c65_746e];
    let fast = intel && vendor.eax >= 7 && __cpuid_count(7, 0).ebx & 1 << 9 != 0;
    STRINGS.store(if fast { FAST } else { SLOW }, Ordering::Relaxed);
    fast
}
