//! The maps budget: how many memory mappings of the process belong to this engine, held short of
//! what the kernel allows.
//!
//! Go's own `mmap` failing is fatal, so the engine refuses a mapping several thousand short of
//! `vm.max_map_count` instead of taking the last one. Everything that maps, or that splits a
//! mapping by changing its protection, takes its part here first.

use crate::error::{Error, ErrorKind, Result};
use crate::os;
use crate::sync::Lazy;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Mappings left to everything else in the process: Go's heap, the C library, the embedder's own
/// files.
const RESERVE: u64 = 8192;
/// Part of the reserve that stacks of calls may use, so that instances that exist can still be
/// called when no more can be made.
const FOR_CALLS: u64 = 2048;
/// What Linux allows if nothing was changed; used where `/proc` cannot be read.
const DEFAULT_MAX_MAP_COUNT: u64 = 65_530;

static LIMIT: Lazy<u64> = Lazy::new(|| limit_of(os::max_map_count()));
static USED: AtomicU64 = AtomicU64::new(0);

/// The engine's part of a `max_map_count`; at least a few, so that a tiny limit fails at the kernel
/// rather than here.
fn limit_of(max_map_count: Option<u64>) -> u64 {
    let max = max_map_count.unwrap_or(DEFAULT_MAX_MAP_COUNT);
    max.saturating_sub(RESERVE).max(max / 2)
}

/// Mappings that were taken and are given back on drop.
#[derive(Debug)]
#[must_use = "dropping it returns the mappings"]
pub struct Taken {
    count: u64,
}

/// Takes `count` mappings.
///
/// # Errors
/// Kind `Resource` where the engine's part of `vm.max_map_count` would be exceeded.
pub fn take(count: u64) -> Result<Taken> {
    take_below(*LIMIT, count)
}

/// Takes `count` mappings for the stack of a call.
///
/// # Errors
/// As of [`take`], at a somewhat higher limit.
pub fn take_for_call(count: u64) -> Result<Taken> {
    take_below(*LIMIT + FOR_CALLS.min(*LIMIT / 8), count)
}

fn take_below(limit: u64, count: u64) -> Result<Taken> {
    USED.try_update(Relaxed, Relaxed, |used| used.checked_add(count).filter(|sum| *sum <= limit))
        .map(|_| Taken { count })
        .map_err(|used| {
            Error::new(
                ErrorKind::Resource,
                format!(
                    "too many memory mappings: {used} of {limit} are in use and {count} more are wanted; close instances or \
                     raise vm.max_map_count (sysctl), which this limit stays {RESERVE} short of"
                ),
            )
        })
}

/// Mappings in use by the engine now.
#[must_use]
pub fn used() -> u64 {
    USED.load(Relaxed)
}

impl Taken {
    /// How many mappings this holds.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Makes this hold `count`, whatever the limit says: for mappings that exist already, such as
    /// the gap that freeing leaves.
    pub fn set(&mut self, count: u64) {
        USED.fetch_add(count.wrapping_sub(self.count), Relaxed);
        self.count = count;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        USED.fetch_sub(self.count, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_stays_short_of_the_kernels() {
        assert_eq!(limit_of(Some(65_530)), 65_530 - RESERVE);
        assert_eq!(limit_of(Some(1_000_000)), 1_000_000 - RESERVE);
        assert_eq!(limit_of(None), DEFAULT_MAX_MAP_COUNT - RESERVE);
        assert_eq!(limit_of(Some(100)), 50);
    }

    // Other tests of the process take mappings at the same time: only numbers far above theirs are
    // compared.
    #[test]
    fn taken_is_given_back_and_the_limit_holds() {
        const MANY: u64 = 1 << 40;
        let before = used();
        assert!(before < MANY);
        let mut held = take_below(2 * MANY, MANY).unwrap();
        assert_eq!(held.count(), MANY);
        assert!(used() >= MANY);
        let error = take_below(2 * MANY, 2 * MANY).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Resource);
        assert!(error.message().contains("raise vm.max_map_count"), "{error}");
        held.set(2 * MANY);
        assert!(used() >= 2 * MANY);
        held.set(1);
        assert!(used() < MANY);
        drop(held);
        assert!(take_below(MANY, u64::MAX).is_err(), "no wrap around");
    }
}
