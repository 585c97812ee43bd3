#![allow(unsafe_code)] // maps, protects and hands out the stacks that guests run on
//! The arena of fiber slots: one reservation, cut into slots of one size, so that a slot is found
//! from any stack pointer by masking.
//!
//! ```text
//! slot:  | guard, no access | stack, grows down  ...  | argument slots | context |
//!        0               GUARD_SIZE               CONTEXT_SIZE from the end      slot size
//! ```
//!
//! Sandbox-critical: the guard is what stops endless recursion, and [`slot_of`] is what the signal
//! handler trusts.

use crate::abi::context::{CONTEXT_SIZE, Context};
use crate::budget::{self, Taken};
use crate::error::{Error, ErrorKind, Result};
use crate::os;
use crate::prelude::*;
use crate::sync::{Mutex, OnceLock};
use core::sync::atomic::{AtomicUsize, Ordering};

/// Bytes without access at the low end of a slot. Compiled code probes every page of a large frame,
/// so one page would do; the rest is there for functions of the engine that run on the fiber.
pub const GUARD_SIZE: usize = 64 << 10;
/// Bytes of a slot, unless chosen otherwise.
const DEFAULT_SLOT_SIZE: usize = 1 << 20;
/// Bytes of the arena, unless chosen otherwise: address space only.
const DEFAULT_ARENA_SIZE: usize = 64 << 30;
/// The smallest arena that is worth having, in slots.
const MIN_SLOTS: usize = 16;
/// Free slots that keep their memory; what is released beyond returns it to the system.
const WARM_SLOTS: usize = 64;
/// Free slots that stay accessible; what is released beyond is closed, and returns its mappings.
const OPEN_SLOTS: usize = 512;

/// First address of the arena, read by the signal handler; 0 while there is none.
static BASE: AtomicUsize = AtomicUsize::new(0);
/// End of the arena.
static END: AtomicUsize = AtomicUsize::new(0);
/// `!(slot size - 1)`, read by the stubs.
#[unsafe(no_mangle)]
pub(super) static GW_SLOT_MASK: AtomicUsize = AtomicUsize::new(0);
/// Distance of the context from the slot's first byte, read by the stubs.
#[unsafe(no_mangle)]
pub(super) static GW_CONTEXT_OFFSET: AtomicUsize = AtomicUsize::new(0);

static ARENA: OnceLock<Result<Arena>> = OnceLock::new();

/// Sizes that the embedder can choose before first use; 0 means the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct ArenaOptions {
    /// Bytes of address space for all slots.
    pub arena_size: usize,
    /// Bytes of one slot, a power of two of at least 256 KiB.
    pub slot_size: usize,
}

struct Arena {
    base: usize,
    slot_size: usize,
    slots: usize,
    free: Mutex<Free>,
}

struct Free {
    /// Slots that have been released and are accessible, last one first.
    list: Vec<u32>,
    /// Slots that have been released and are not accessible.
    closed: Vec<u32>,
    /// Whether a slot is accessible, of each that was ever used; changed before it is closed and
    /// after it is opened.
    open: Vec<bool>,
    /// Part of the mappings budget that the accessible slots hold, and the arena.
    mappings: Vec<Taken>,
}

/// Reserves the arena; the first call decides its sizes.
pub(super) fn init(options: ArenaOptions) -> Result<()> {
    ARENA.get_or_init(|| Arena::reserve(options)).as_ref().map(drop).map_err(Clone::clone)
}

fn arena() -> Result<&'static Arena> {
    ARENA.get_or_init(|| Arena::reserve(ArenaOptions::default())).as_ref().map_err(Clone::clone)
}

/// How many slots to ask for: at least a few, and no more than can be counted in bytes with one to
/// spare.
fn slots_in(bytes: usize, slot_size: usize) -> usize {
    (bytes / slot_size).clamp(MIN_SLOTS, isize::MAX as usize / slot_size)
}

impl Arena {
    fn reserve(options: ArenaOptions) -> Result<Self> {
        let slot_size = if options.slot_size == 0 { DEFAULT_SLOT_SIZE } else { options.slot_size };
        if !slot_size.is_power_of_two() || !(256 << 10..=1 << 30).contains(&slot_size) {
            return Err(Error::new(
                ErrorKind::Argument,
                format!("stack size of {slot_size} bytes: expected a power of two from 262144 to 1073741824"),
            ));
        }
        let wanted = match (options.arena_size, os::address_space_limit()) {
            // Memories and Go's heap need the rest.
            (0, Some(limit)) => DEFAULT_ARENA_SIZE.min(limit as usize / 16),
            (0, None) => DEFAULT_ARENA_SIZE,
            (chosen, _) => chosen,
        };
        let mut slots = slots_in(wanted, slot_size);
        let mappings = budget::take(2)?;
        loop {
            // One slot more than needed, so that the first one can be aligned.
            let size = (slots + 1) * slot_size;
            // SAFETY: a fresh reservation without access disturbs no other mapping.
            let mapped = unsafe { os::map(0, size, os::NONE, os::MAP_NORESERVE) };
            let refused = match mapped {
                Ok(at) => {
                    let base = at.next_multiple_of(slot_size);
                    GW_SLOT_MASK.store(!(slot_size - 1), Ordering::Release);
                    GW_CONTEXT_OFFSET.store(slot_size - CONTEXT_SIZE, Ordering::Release);
                    END.store(base + slots * slot_size, Ordering::Release);
                    BASE.store(base, Ordering::Release);
                    let free = Mutex::new(Free {
                        list: Vec::new(),
                        closed: Vec::new(),
                        open: Vec::new(),
                        mappings: vec![mappings],
                    });
                    return Ok(Self { base, slot_size, slots, free });
                }
                Err(refused) => refused,
            };
            if slots == MIN_SLOTS {
                return Err(Error::new(
                    ErrorKind::Resource,
                    format!(
                        "no address space for the stacks of guests: {size} bytes refused ({refused}); raise the limit of virtual memory \
                         (ulimit -v) or choose a smaller stack size"
                    ),
                ));
            }
            slots = (slots / 2).max(MIN_SLOTS);
        }
    }

    fn acquire(&self) -> Result<*mut Context> {
        let slot = self.take()? as usize;
        let low = self.base + slot * self.slot_size;
        let context = (low + self.slot_size - CONTEXT_SIZE) as *mut Context;
        // SAFETY: the context lies in the accessible part of a slot that is ours alone, is aligned
        // (the slot and CONTEXT_SIZE are multiples of 64), and all of its fields are valid as
        // zeros.
        unsafe {
            core::ptr::write_bytes(context, 0, 1);
            (*context).stack_low = low + GUARD_SIZE;
            (*context).slot = slot as u32;
        }
        Ok(context)
    }

    /// Takes a slot that is accessible, or makes one so. The lock is not held during system calls.
    fn take(&self) -> Result<u32> {
        let slot = {
            let mut free = self.free.lock();
            if let Some(slot) = free.list.pop() {
                return Ok(slot);
            }
            if let Some(slot) = free.closed.pop() {
                slot
            } else if free.open.len() < self.slots {
                free.open.push(false);
                (free.open.len() - 1) as u32
            } else {
                let message =
                    format!("too many calls at once: all {} stacks of {} bytes are in use", self.slots, self.slot_size);
                return Err(Error::new(ErrorKind::Resource, message));
            }
        };
        let opened = self.open(slot);
        let mut free = self.free.lock();
        match opened {
            Ok(mappings) => {
                free.mappings.push(mappings);
                free.open[slot as usize] = true;
                Ok(slot)
            }
            Err(error) => {
                free.closed.push(slot);
                Err(error)
            }
        }
    }

    /// First byte and size of a slot's stack, with what is above it.
    fn stack(&self, slot: u32) -> (usize, usize) {
        let stack = self.base + slot as usize * self.slot_size + GUARD_SIZE;
        (stack, self.slot_size - GUARD_SIZE)
    }

    /// Makes a slot accessible that is closed, and ours.
    fn open(&self, slot: u32) -> Result<Taken> {
        let mappings = budget::take_for_call(2)?;
        let (stack, size) = self.stack(slot);
        // SAFETY: the range is within this slot of our own reservation, and nobody uses the slot
        // yet.
        unsafe { os::protect(stack, size, os::READ_WRITE) }.map_err(|error| {
            let message = format!("no memory for the stack of a guest, {size} bytes: {error}");
            Error::new(ErrorKind::Resource, message)
        })?;
        Ok(mappings)
    }

    /// Takes a slot's memory away, and its mappings, as what is not accessible merges with its
    /// neighbours.
    fn close(&self, slot: u32) -> bool {
        let (stack, size) = self.stack(slot);
        // SAFETY: it replaces a part of our own reservation that is no longer in use.
        unsafe { os::map(stack, size, os::NONE, os::MAP_NORESERVE | os::MAP_FIXED) }.is_ok()
    }

    /// Gives a slot back. Here, too, the lock is not held during system calls.
    fn release(&self, slot: u32) {
        let close = {
            let mut free = self.free.lock();
            debug_assert!(!free.list.contains(&slot), "slot {slot} released twice");
            if free.list.len() < WARM_SLOTS {
                free.list.push(slot);
                return;
            }
            let close = free.list.len() >= OPEN_SLOTS;
            free.open[slot as usize] = !close;
            close
        };
        if close && self.close(slot) {
            let mut free = self.free.lock();
            free.mappings.pop();
            free.closed.push(slot);
            return;
        }
        let (stack, size) = self.stack(slot);
        // SAFETY: the slot is ours and no longer in use; its next user finds zeros and writes the
        // context anew.
        let _ = unsafe { os::discard(stack, size) };
        let mut free = self.free.lock();
        free.open[slot as usize] = true;
        free.list.push(slot);
    }
}

/// Takes a slot and returns its context, with the fields of the slot filled in.
pub(super) fn acquire() -> Result<*mut Context> {
    arena()?.acquire()
}

/// Gives a slot back.
///
/// # Safety
/// `context` came from [`acquire`], was not released since, and no guest runs on it.
pub(super) unsafe fn release(context: *mut Context) {
    // SAFETY: by the caller's promise the context is readable and the slot is ours to release.
    let slot = unsafe { (*context).slot };
    if let Ok(arena) = arena() {
        arena.release(slot);
    }
}

/// Does something with a context that may have been released meanwhile, unless its slot is closed;
/// no slot is closed meanwhile.
pub(super) fn if_open(context: *const Context, action: impl FnOnce(&Context)) {
    let (Some(slot), Ok(arena)) = (slot_of(context.addr()), arena()) else { return };
    let free = arena.free.lock();
    let index = (slot.low - arena.base) / arena.slot_size;
    if slot.context.cast_const() == context && free.open.get(index) == Some(&true) {
        // SAFETY: the slot is accessible while the lock is held, and its context has atomic fields
        // where others may write.
        action(unsafe { &*context });
    }
}

/// Number of slots that are taken.
#[must_use]
pub fn in_use() -> usize {
    match ARENA.get() {
        Some(Ok(arena)) => {
            let free = arena.free.lock();
            free.open.len() - free.list.len() - free.closed.len()
        }
        _ => 0,
    }
}

/// A slot found from a stack pointer. Safe in a signal handler.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    /// Lowest address of the slot, where the guard begins.
    pub low: usize,
    /// The slot's context.
    pub context: *mut Context,
}

/// The slot that an address lies in, if it lies in the arena. Safe in a signal handler: reads three
/// atomics.
///
/// A slot whose stack pointer is live is accessible, and so is its context.
pub(super) fn slot_of(address: usize) -> Option<Slot> {
    let base = BASE.load(Ordering::Acquire);
    if base == 0 || address < base || address >= END.load(Ordering::Acquire) {
        return None;
    }
    let low = address & GW_SLOT_MASK.load(Ordering::Relaxed);
    Some(Slot { low, context: (low + GW_CONTEXT_OFFSET.load(Ordering::Relaxed)) as *mut Context })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_beyond_those_that_stay_open_are_closed_and_used_again() {
        for _ in 0..2 {
            let contexts: Vec<_> = (0..OPEN_SLOTS + 100).map(|_| acquire().unwrap()).collect();
            for context in contexts {
                // SAFETY: the slot was just acquired; the lowest byte of its stack is accessible,
                // and nobody uses it.
                unsafe {
                    *((*context).stack_low as *mut u8) = 1;
                    release(context);
                }
                if_open(context, |context| assert!(context.slot < u32::MAX)); // faults if the slot is closed
            }
            let free = arena().unwrap().free.lock();
            // Other tests may take some at the same time.
            let (open, closed) = (free.list.len(), free.closed.len());
            assert!(open <= OPEN_SLOTS + 20 && closed > 50, "{open} {closed}");
        }
    }

    #[test]
    fn no_size_that_an_embedder_asks_for_wraps_around() {
        for slot_size in [256 << 10, DEFAULT_SLOT_SIZE, 1 << 30] {
            for bytes in [0, 1, slot_size, DEFAULT_ARENA_SIZE, usize::MAX - slot_size, usize::MAX] {
                let slots = slots_in(bytes, slot_size);
                let size = (slots + 1).checked_mul(slot_size);
                assert!(slots >= MIN_SLOTS && size.is_some(), "{bytes} bytes of slots of {slot_size}: {slots}");
            }
        }
    }
}
