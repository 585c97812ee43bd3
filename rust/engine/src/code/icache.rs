#![allow(unsafe_code)] // instructions that maintain caches

//! Makes code that was written as data visible to the fetching of instructions.
//!
//! x86-64 keeps both alike by itself. On aarch64 the writer cleans its data cache and discards what
//! the instruction caches hold of the addresses; both work on all processors. A thread that fetched
//! instructions of these addresses before, of code that was freed, must synchronize its own
//! pipeline, too: the system call `membarrier(2)` with MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE
//! does that to all threads, and is for whoever asks the operating system to make a block
//! executable.

use core::ops::Range;

/// To be called after the last byte of `range` is written and before its protection changes. The
/// range is mapped and readable.
#[cfg(target_arch = "x86_64")]
pub(super) const fn synchronize(_: &Range<usize>) {}

/// To be called after the last byte of `range` is written and before its protection changes. The
/// range is mapped and readable.
#[cfg(target_arch = "aarch64")]
pub(super) fn synchronize(range: &Range<usize>) {
    use core::arch::asm;

    let cache_type: usize;
    // SAFETY: reads a register that Linux lets programs read, or reads for them where processors
    // differ.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) cache_type, options(nomem, nostack, preserves_flags)) };
    let lines = Lines::of(cache_type);
    if let Some(line) = lines.data {
        for address in (range.start & !(line - 1)..range.end).step_by(line) {
            // SAFETY: cleaning a line of mapped, readable memory changes nothing that a program can
            // see.
            unsafe { asm!("dc cvau, {}", in(reg) address, options(nostack, preserves_flags)) };
        }
    }
    // SAFETY: a barrier.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
    if let Some(line) = lines.instruction {
        for address in (range.start & !(line - 1)..range.end).step_by(line) {
            // SAFETY: the same for a line of instructions.
            unsafe { asm!("ic ivau, {}", in(reg) address, options(nostack, preserves_flags)) };
        }
        // SAFETY: a barrier.
        unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
    }
    // SAFETY: a barrier.
    unsafe { asm!("isb", options(nostack, preserves_flags)) };
}

/// Bytes of the smallest lines that have to be maintained, of the caches that have to be.
#[cfg(any(target_arch = "aarch64", test))]
#[derive(Debug, PartialEq)]
struct Lines {
    data: Option<usize>,
    instruction: Option<usize>,
}

#[cfg(any(target_arch = "aarch64", test))]
impl Lines {
    /// Reads them from the register CTR_EL0.
    const fn of(cache_type: usize) -> Self {
        Self {
            data: if cache_type >> 28 & 1 == 0 { Some(4 << (cache_type >> 16 & 15)) } else { None },
            instruction: if cache_type >> 29 & 1 == 0 { Some(4 << (cache_type & 15)) } else { None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_from_the_register() {
        // A Cortex-A57, and a Neoverse N1, which keeps its caches alike.
        assert_eq!(Lines::of(0x8444_c004), Lines { data: Some(64), instruction: Some(64) });
        assert_eq!(Lines::of(0xb444_c004), Lines { data: None, instruction: None });
        assert_eq!(Lines::of(0x9443_c005), Lines { data: None, instruction: Some(128) });
    }

    #[test]
    fn any_range_is_taken() {
        let bytes = vec![0_u8; 1000];
        let start = bytes.as_ptr().addr();
        for (from, to) in [(0, 0), (1, 2), (63, 65), (0, 1000)] {
            synchronize(&(start + from..start + to));
        }
    }
}
