#![allow(unsafe_code)] // reads stacks in a signal handler, and writes to memory of Go's
//! Samples for CPU profiles: where a guest was when Go's profiling signal came, and which Go
//! functions have called it.
//!
//! Sandbox-critical: [`sample`] runs in the signal handler. It allocates nothing, takes no lock and
//! cannot panic. It reads the guest's stack within its bounds, and of Go's stack what the frame
//! pointers of Go's own functions lead to, as Go's tracer does.

use crate::abi::context::{Context, EntryMode};
use crate::code;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// Program counters of a sample, first those of the guest, then Go's; innermost first.
pub const PCS: usize = 126;
/// How many of them are the guest's, at most.
pub const GUEST_PCS: usize = 64;

/// Where samples go: Go makes it, and reads. It is never freed, as a handler may be about to write
/// when profiling ends.
#[repr(C)]
#[derive(Debug)]
pub struct Ring {
    /// How many samples were begun.
    pub begun: AtomicU64,
    /// How many of them Go has read. A sample that finds no room is lost.
    pub read: AtomicU64,
    /// How many were lost.
    pub lost: AtomicU64,
    /// How many records follow, a power of two.
    pub capacity: u64,
}

/// A sample.
#[repr(C)]
#[derive(Debug)]
pub struct Record {
    /// Its number, counted from 1, once it is written.
    pub number: AtomicU64,
    /// Program counters of the guest. All but the first are return addresses.
    pub guest: u32,
    /// Program counters of Go after them: return addresses.
    pub host: u32,
    /// The program counters.
    pub pcs: [usize; PCS],
}

static RING: AtomicPtr<Ring> = AtomicPtr::new(core::ptr::null_mut());

/// Has samples written from now on, or where the pointer is null no longer.
///
/// # Safety
/// The ring is followed by as many records as it says, and stays for the life of the process.
pub unsafe fn set_ring(ring: *mut Ring) {
    RING.store(ring, Ordering::Release);
}

/// Writes a sample of the guest of a context, which was interrupted with this program counter and
/// frame pointer.
pub(super) fn sample(context: &Context, pc: usize, fp: usize) {
    // SAFETY: a ring stays for the life of the process.
    let Some(ring) = (unsafe { RING.load(Ordering::Acquire).as_ref() }) else { return };
    let Some(number) = claim(ring) else { return };
    let records = (&raw const *ring).wrapping_add(1).cast::<Record>().cast_mut();
    // SAFETY: as many records as the capacity says follow the ring; this one is ours until its
    // number is written.
    unsafe {
        let record = records.add((number & (ring.capacity - 1)) as usize);
        let pcs = &mut (*record).pcs;
        let guest = guest_stack(context, pc, fp, &mut pcs[..GUEST_PCS]);
        let host = host_stack(context, &mut pcs[guest..]);
        (*record).guest = guest as u32;
        (*record).host = host as u32;
        (*record).number.store(number + 1, Ordering::Release);
    }
}

/// Takes a record, if one is free.
fn claim(ring: &Ring) -> Option<u64> {
    let mut number = ring.begun.load(Ordering::Relaxed);
    loop {
        if number.wrapping_sub(ring.read.load(Ordering::Acquire)) >= ring.capacity {
            ring.lost.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        match ring.begun.compare_exchange_weak(number, number + 1, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return Some(number),
            Err(now) => number = now,
        }
    }
}

/// The guest's program counters. Each step stays within the slot's stack and goes up.
fn guest_stack(context: &Context, pc: usize, mut fp: usize, pcs: &mut [usize]) -> usize {
    let (low, high) = (context.stack_low, (&raw const *context).addr());
    let mut count = 0;
    if code::is_code(pc) {
        pcs[0] = pc;
        count = 1;
    }
    while count < pcs.len() && fp >= low && fp <= high - 16 && fp.is_multiple_of(8) {
        // SAFETY: fp and the word above it lie in the accessible stack of this slot, by the
        // condition of the loop.
        let (next, return_address) = unsafe { (*(fp as *const usize), *((fp + 8) as *const usize)) };
        if code::is_code(return_address) {
            pcs[count] = return_address;
            count += 1;
        }
        if next <= fp {
            break;
        }
        fp = next;
    }
    count
}

/// The program counters of the Go functions that have called the guest.
fn host_stack(context: &Context, pcs: &mut [usize]) -> usize {
    /// Beyond the frames of one function, and of what Go's stacks can be.
    const LARGEST_STEP: usize = 1 << 20;
    if context.entry_mode.load(Ordering::Relaxed) != EntryMode::Assembly as u32 || pcs.is_empty() {
        return 0;
    }
    pcs[0] = context.host_pc;
    let (mut count, mut fp) = (1, context.host_bp);
    while count < pcs.len() && fp != 0 && fp.is_multiple_of(8) {
        // SAFETY: Go's functions keep frame pointers, and Go's stack does not move while the guest
        // runs. The outermost function's caller has none.
        let (next, return_address) = unsafe { (*(fp as *const usize), *((fp + 8) as *const usize)) };
        if return_address == 0 {
            break;
        }
        pcs[count] = return_address;
        count += 1;
        if next <= fp || next - fp > LARGEST_STEP {
            break;
        }
        fp = next;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_ring_loses_samples() {
        let ring = Ring { begun: AtomicU64::new(6), read: AtomicU64::new(4), lost: AtomicU64::new(0), capacity: 4 };
        assert_eq!((claim(&ring), claim(&ring), claim(&ring)), (Some(6), Some(7), None));
        assert_eq!(ring.lost.load(Ordering::Relaxed), 1);
        ring.read.store(5, Ordering::Relaxed);
        assert_eq!(claim(&ring), Some(8));
    }
}
