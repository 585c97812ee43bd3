//! The memory system calls: reserve address space, make parts of it accessible, empty and close
//! them, give it back.
#![allow(unsafe_code)] // system calls on address ranges that the callers own

use crate::error::{Error, ErrorKind};
use crate::os::{self, Errno, address_space_limit};
use crate::prelude::*;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Granule of protection; a page of 64 KiB is a multiple of it.
pub(super) use crate::abi::HOST_PAGE;

/// Address space that a reservation leaves to Go's heap and all else: that Go cannot map memory is
/// fatal.
pub(super) const LEFT_TO_GO: usize = 64 << 30;
/// The same where address space is limited, whatever is asked for; an eighth of the limit if that
/// is less.
const LEFT_OF_LIMIT: usize = 256 << 20;
/// Bytes that may be reserved before anybody looks at what is left, where address space is not
/// limited.
const UNWATCHED: usize = 1 << 40;

/// Bytes that are reserved.
static RESERVED: AtomicUsize = AtomicUsize::new(0);

/// Reserves address space that cannot be accessed, aligned to the host's pages. It fails where less
/// than `left` bytes in one piece would remain.
pub(super) fn reserve(bytes: usize, left: usize) -> Result<usize, Errno> {
    let address = map_inaccessible(bytes)?;
    let reserved = RESERVED.fetch_add(bytes, Ordering::Relaxed) + bytes;
    let left = match address_space_limit() {
        Some(limit) => LEFT_OF_LIMIT.min(limit as usize / 8),
        None if reserved > UNWATCHED => left,
        None => return Ok(address),
    };
    match map_inaccessible(left) {
        Ok(probe) => {
            // SAFETY: mapped just now, and used by nobody.
            let _ = unsafe { os::unmap(probe, left) };
        }
        Err(error) => {
            // SAFETY: as above.
            unsafe { release(address, bytes) };
            return Err(error);
        }
    }
    Ok(address)
}

/// Maps zeros that the caller unmaps soon, beside the budget.
pub(super) fn map_for_a_moment(bytes: usize) -> Result<usize, Errno> {
    // SAFETY: as in `map_inaccessible`.
    unsafe { os::map(0, bytes, os::READ_WRITE, 0) }
}

/// Mappings that are left to Go's heap and all else where they are spent on speed.
const MAPPINGS_LEFT: usize = 64;

/// Whether the system has some more mappings, found out by making them: what the budget counts is
/// not all that the process has.
pub(super) fn mappings_are_left() -> bool {
    let bytes = MAPPINGS_LEFT * HOST_PAGE;
    let Ok(base) = map_for_a_moment(bytes) else { return false };
    // SAFETY: the range was just mapped, and nobody uses it.
    let all =
        (0..bytes).step_by(2 * HOST_PAGE).all(|at| unsafe { os::protect(base + at, HOST_PAGE, os::NONE).is_ok() });
    // SAFETY: as above.
    all & unsafe { os::unmap(base, bytes).is_ok() }
}

fn map_inaccessible(bytes: usize) -> Result<usize, Errno> {
    // SAFETY: a fresh mapping at an address of the kernel's choice touches nothing that exists.
    unsafe { os::map(0, bytes, os::NONE, 0) }
}

/// Makes a part of a reservation accessible; it reads as zeros where it was not accessible before.
///
/// # Safety
/// The range lies in a reservation that the caller owns.
pub(super) unsafe fn commit(address: usize, bytes: usize) -> Result<(), Errno> {
    if bytes == 0 {
        return Ok(());
    }
    // SAFETY: by the caller's promise nothing else lives in the range.
    unsafe { os::protect(address, bytes, os::READ_WRITE) }
}

/// Makes a part of a reservation inaccessible and drops its contents. A fresh mapping does both at
/// once, and merges with its inaccessible neighbours, where `mprotect` would leave a mapping of its
/// own.
///
/// # Safety
/// The range lies in a reservation that the caller owns, and nobody uses its contents any more.
pub(super) unsafe fn discard(address: usize, bytes: usize) -> Result<(), Errno> {
    if bytes == 0 {
        return Ok(());
    }
    // SAFETY: it replaces only what the caller owns.
    unsafe { os::map(address, bytes, os::NONE, os::MAP_FIXED) }.map(drop)
}

/// Gives a reservation, or a part of one, back to the system.
///
/// # Safety
/// The range belongs to the caller, and nobody uses it any more.
pub(super) unsafe fn release(address: usize, bytes: usize) {
    if bytes > 0 {
        // SAFETY: by the caller's promise. It can fail only where it would split a mapping; then
        // the range stays reserved.
        if unsafe { os::unmap(address, bytes) }.is_ok() {
            RESERVED.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

/// An error for a range that the system refuses: what it was for, how much it is, and what can be
/// done.
pub(super) fn refused(what: &str, bytes: u64, error: Errno) -> Error {
    let limit =
        address_space_limit().map(|limit| format!(" (`ulimit -v` is {} KiB)", limit / 1024)).unwrap_or_default();
    let message = format!(
        "cannot {what} of {}: {error}{limit}; close instances, raise the limit, or compile with explicit bounds checks, \
         which need no large reservations",
        size(bytes)
    );
    Error::new(ErrorKind::Resource, message)
}

/// A number of bytes in the largest unit that divides it.
fn size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units.into_iter().find(|(shift, _)| bytes > 0 && bytes.is_multiple_of(1 << shift));
    unit.map_or_else(|| format!("{bytes} bytes"), |(shift, name)| format!("{} {name}", bytes >> shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_sizes() {
        assert_eq!(size(8 << 30), "8 GiB");
        assert_eq!(size(65536), "64 KiB");
        assert_eq!(size(7), "7 bytes");
        let error = refused("reserve the address space", 8 << 30, Errno(libc::ENOMEM));
        assert_eq!(error.kind(), ErrorKind::Resource);
        assert!(error.message().starts_with("cannot reserve the address space of 8 GiB: "), "{error}");
    }

    #[test]
    fn what_is_reserved_leaves_room() {
        // The count of what is reserved is that of all tests: it is taken beyond the point where it
        // is not looked at.
        let high = reserve(2 * UNWATCHED, LEFT_TO_GO).unwrap();
        // No system has 2^60 bytes left.
        assert!(reserve(HOST_PAGE, 1 << 60).is_err());
        let low = reserve(HOST_PAGE, LEFT_TO_GO).unwrap();
        // SAFETY: both were just reserved.
        unsafe {
            release(low, HOST_PAGE);
            release(high, 2 * UNWATCHED);
        }
    }

    #[test]
    fn discarded_pages_read_as_zeros_when_committed_again() {
        let base = reserve(4 * HOST_PAGE, LEFT_TO_GO).unwrap();
        // SAFETY: the range was just reserved, and is accessed only where it is committed.
        unsafe {
            commit(base, HOST_PAGE).unwrap();
            *(base as *mut u8) = 7;
            discard(base, HOST_PAGE).unwrap();
            commit(base, HOST_PAGE).unwrap();
            assert_eq!(*(base as *const u8), 0);
            release(base, 4 * HOST_PAGE);
        }
    }
}
