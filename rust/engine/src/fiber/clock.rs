#![allow(unsafe_code)] // reads a host function's record and slots, and writes to a guest's memory
//! The intrinsic `clock_read`: reading the system's clocks for a guest without leaving its stack.
//!
//! Sandbox-critical: [`leaf_clock`] runs on a guest's stack, above the reserve that its stub has
//! checked, and writes eight bytes to the guest's memory, at an address that it has checked against
//! the memory's length. It allocates nothing, takes no lock and cannot panic. What is not plainly
//! right, another clock or a bad address, is left to the host function, which knows the errors.

use crate::abi::vmctx::HostFunction;
use crate::os::{clock, read_clock};
use crate::types::{FuncType, ValType};
use core::ptr;
use core::sync::atomic::Ordering;

/// Numbers of clocks: that of the day, and one that never goes back.
const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;

/// The type of the intrinsic: number of a clock, a precision that is not looked at, address of the
/// result in nanoseconds, to 0 or whatever the host says is wrong.
#[must_use]
pub fn ty() -> FuncType {
    FuncType { params: vec![ValType::I32, ValType::I64, ValType::I32], results: vec![ValType::I32] }
}

/// Nanoseconds of the system's monotonic clock, as the datum of this intrinsic counts them.
#[must_use]
pub fn monotonic() -> i64 {
    read_clock(clock::MONOTONIC).unwrap_or(0)
}

/// Does what a call asks for and returns 1, or does nothing and returns 0: the host function has to
/// be called.
///
/// # Safety
/// The record is of a function of the type [`ty`], the slots are those of a call of it.
pub(super) unsafe extern "C" fn leaf_clock(callee: *const HostFunction, slots: *mut u64) -> u32 {
    // SAFETY: by the caller's promise; records do not change, and the three slots are on the
    // guest's stack.
    let (callee, number, address) = unsafe { (&*callee, *slots as u32, u64::from(*slots.add(2) as u32)) };
    // SAFETY: null, or a definition that lives as long as the store does, which the running call
    // keeps.
    let Some(memory) = (unsafe { callee.memory.as_ref() }) else { return 0 };
    let (system, origin) = match number {
        REALTIME => (clock::REALTIME, 0),
        MONOTONIC => (clock::MONOTONIC, callee.intrinsic_data),
        _ => return 0,
    };
    // The length only grows, and is 0 before the bytes go.
    let (length, base) = (memory.length.load(Ordering::Acquire), memory.base.load(Ordering::Acquire));
    if base == 0 || address + 8 > length {
        return 0;
    }
    let Some(now) = read_clock(system) else { return 0 };
    let place = ptr::with_exposed_provenance_mut::<i64>(base + address as usize);
    // SAFETY: the eight bytes are within the memory, by the check above; the result goes where the
    // first argument was.
    unsafe {
        place.write_unaligned(now.wrapping_sub(origin));
        *slots = 0;
    }
    1
}

/// Reads the clocks once, so that no dynamic linking is left to do on a guest's stack.
pub(super) fn bind() {
    core::hint::black_box((read_clock(clock::REALTIME), read_clock(clock::MONOTONIC)));
}
