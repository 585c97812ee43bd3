//! The operating system, as far as the engine needs it. It exists twice, with the same functions:
//! by the C library in the hosted form, and in the image, where an entry leaves to Go for what it
//! wants. What the signal handler uses leaves nowhere.
#![allow(unsafe_code)] // maps and protects memory for callers who own it

use core::fmt;

#[cfg_attr(feature = "hosted", path = "os/hosted.rs")]
#[cfg_attr(not(feature = "hosted"), path = "os/image.rs")]
mod form;
#[cfg(not(feature = "hosted"))]
pub mod own;

pub use form::*;

/// No access.
pub const NONE: i32 = 0;
/// Reading.
pub const READ: i32 = 1;
/// Reading and writing.
pub const READ_WRITE: i32 = 1 | 2;
/// Reading and executing.
pub const READ_EXECUTE: i32 = 1 | 4;

/// A mapping that replaces what was there.
pub const MAP_FIXED: i32 = 0x10;
/// A mapping that no swap space is set aside for.
pub const MAP_NORESERVE: i32 = 0x4000;

/// What `PAGEMAP_SCAN` of Linux 6.7 is asked (`struct pm_scan_arg`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PageScan {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    found: u64,
    found_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// A range of pages that a scan has found (`struct page_region`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct PageRange {
    /// First byte.
    pub start: u64,
    /// The byte behind the last.
    pub end: u64,
    categories: u64,
}

impl PageScan {
    // Categories of pages. One that a private mapping has of its own is present or swapped out, and
    // neither of a file nor the page of zeros that all share.
    const FILE: u64 = 1 << 2;
    const PRESENT: u64 = 1 << 3;
    const SWAPPED: u64 = 1 << 4;
    const ZERO: u64 = 1 << 5;

    fn new(address: usize, bytes: usize, found: &mut [PageRange]) -> Self {
        Self {
            size: size_of::<Self>() as u64,
            flags: 0,
            start: address as u64,
            end: (address + bytes) as u64,
            walk_end: 0,
            found: found.as_mut_ptr().addr() as u64,
            found_len: found.len() as u64,
            max_pages: 0,
            category_inverted: Self::FILE | Self::ZERO,
            category_mask: Self::FILE | Self::ZERO,
            category_anyof_mask: Self::PRESENT | Self::SWAPPED,
            return_mask: Self::PRESENT,
        }
    }
}

/// Finds the pages of a range that a private mapping has of its own, as they were written to: the
/// ranges of pages, as far as there is room, and the address up to which was looked.
pub fn own_pages(address: usize, bytes: usize, found: &mut [PageRange]) -> Result<(usize, usize), Errno> {
    let mut scan = PageScan::new(address, bytes, found);
    let count = scan_pages(&mut scan)?;
    Ok((count.min(found.len()), scan.walk_end as usize))
}

/// Signals, by their numbers on Linux.
pub mod signal {
    /// To leave a core.
    pub const QUIT: i32 = 3;
    /// An instruction that does not exist.
    pub const ILL: i32 = 4;
    /// Abort.
    pub const ABRT: i32 = 6;
    /// Memory that is not there.
    pub const BUS: i32 = 7;
    /// Division.
    pub const FPE: i32 = 8;
    /// Access that is not allowed.
    pub const SEGV: i32 = 11;
    /// Go's signal to yield.
    pub const URG: i32 = 23;
    /// Time of the processor was used up that Go's CPU profiler counts by.
    pub const PROF: i32 = 27;

    /// The action that the system has for a signal.
    pub const DEFAULT: usize = 0;
    /// No action.
    pub const IGNORE: usize = 1;
    /// Flag of an action: the handler takes three arguments.
    pub const SIGINFO: usize = 4;
}

/// The system's clocks.
pub mod clock {
    /// That of the day.
    pub const REALTIME: i32 = 0;
    /// One that never goes back.
    pub const MONOTONIC: i32 = 1;
}

/// Why the system refused, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            1 => "Operation not permitted",
            4 => "Interrupted system call",
            11 => "Resource temporarily unavailable",
            12 => "Cannot allocate memory",
            13 => "Permission denied",
            14 => "Bad address",
            16 => "Device or resource busy",
            17 => "File exists",
            22 => "Invalid argument",
            38 => "Function not implemented",
            75 => "Value too large for defined data type",
            95 => "Operation not supported",
            _ => "System error",
        };
        write!(f, "{text} (os error {})", self.0)
    }
}

/// The three fields of `siginfo_t` that the handler looks at.
#[derive(Clone, Copy, Debug)]
pub struct SignalInfo {
    /// Positive where an instruction raised the signal.
    pub code: i32,
    /// Of a fault: the address.
    pub address: usize,
}

impl SignalInfo {
    /// # Safety
    /// `info` is the second argument of a handler with `SA_SIGINFO` that has not returned.
    #[must_use]
    pub unsafe fn read(info: *const core::ffi::c_void) -> Self {
        // SAFETY: by the caller's promise; siginfo_t has 128 bytes on Linux: three numbers of 32
        // bits, and from byte 16 on what the kind of signal has.
        unsafe { Self { code: *info.cast::<i32>().add(2), address: *info.cast::<usize>().add(2) } }
    }
}

#[cfg(all(test, feature = "hosted"))]
mod tests {
    use super::*;
    use crate::prelude::*;

    #[test]
    fn numbers_are_the_systems() {
        assert_eq!(
            [NONE, READ, READ_WRITE, READ_EXECUTE],
            [libc::PROT_NONE, libc::PROT_READ, libc::PROT_READ | libc::PROT_WRITE, libc::PROT_READ | libc::PROT_EXEC]
        );
        assert_eq!([MAP_FIXED, MAP_NORESERVE], [libc::MAP_FIXED, libc::MAP_NORESERVE]);
        use signal::{ABRT, BUS, FPE, ILL, PROF, QUIT, SEGV, URG};
        let expected = [
            libc::SIGABRT,
            libc::SIGBUS,
            libc::SIGFPE,
            libc::SIGILL,
            libc::SIGPROF,
            libc::SIGQUIT,
            libc::SIGSEGV,
            libc::SIGURG,
        ];
        assert_eq!([ABRT, BUS, FPE, ILL, PROF, QUIT, SEGV, URG], expected);
        assert_eq!([signal::DEFAULT, signal::IGNORE], [libc::SIG_DFL, libc::SIG_IGN]);
        assert_eq!(signal::SIGINFO, libc::SA_SIGINFO as usize);
        assert_eq!([clock::REALTIME, clock::MONOTONIC], [libc::CLOCK_REALTIME, libc::CLOCK_MONOTONIC]);
    }

    #[test]
    fn errors_read_as_the_systems() {
        for number in [1, 4, 11, 12, 13, 14, 16, 17, 22, 38, 75, 95] {
            assert_eq!(Errno(number).to_string(), std::io::Error::from_raw_os_error(number).to_string());
        }
    }
}
