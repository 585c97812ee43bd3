//! Counters of what is alive, for tests and diagnostics.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many things of a sort are alive.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

/// Instances, with half-made ones and those that are kept by their store.
pub static INSTANCES: Counter = Counter(AtomicU64::new(0));
/// Modules with their code.
pub static MODULES: Counter = Counter(AtomicU64::new(0));
/// Stores: sets of linked instances.
pub static STORES: Counter = Counter(AtomicU64::new(0));
/// Memories.
pub static MEMORIES: Counter = Counter(AtomicU64::new(0));

impl Counter {
    /// The count now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Counts one more for as long as the result lives.
    pub(super) fn count(&'static self) -> Live {
        self.0.fetch_add(1, Relaxed);
        Live(self)
    }
}

/// One thing that is counted.
#[derive(Debug)]
#[must_use = "dropping it counts down"]
pub(super) struct Live(&'static Counter);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Relaxed);
    }
}
