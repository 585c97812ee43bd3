//! The engine as a whole: its functions by number, its options, and counters for tests and
//! diagnostics.

use super::error::gw_error;
use super::{argument, fallible, infallible, output, table};
use crate::fiber::ArenaOptions;
use crate::vm::stats;
use core::ffi::c_void;

/// The number that stands for this ABI. Whoever calls by `gw_entries` compares it first with the
/// one that they know.
#[unsafe(no_mangle)]
pub extern "C" fn gw_abi() -> u64 {
    table::ABI
}

/// The addresses of all other functions of this ABI by their numbers, which are those of
/// `ffi/table.rs`.
#[unsafe(no_mangle)]
pub extern "C" fn gw_entries() -> *const *const c_void {
    table::TABLE.as_ptr().cast()
}

/// Options of the engine, fixed by its first use.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct gw_engine_options {
    /// Address space for the stacks of all calls, in bytes; 0 for 64 GiB. Less where the address
    /// space is short.
    pub fiber_arena_bytes: u64,
    /// Bytes of one call's stack with its guard, a power of two; 0 for 1 MiB.
    pub stack_size: u64,
}

/// Starts the engine: reserves the arena of stacks and installs the signal handlers. Only the first
/// call counts; null options are the defaults.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_engine_init(options: *const gw_engine_options) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let options = unsafe { options.as_ref() }.copied().unwrap_or_default();
        let size = |bytes: u64, name: &str| {
            usize::try_from(bytes)
                .map_err(|_| argument(format!("option `{name}` is {bytes}, more than fits an address space")))
        };
        crate::fiber::init(ArenaOptions {
            arena_size: size(options.fiber_arena_bytes, "fiber_arena_bytes")?,
            slot_size: size(options.stack_size, "stack_size")?,
        })
    })
}

/// Nanoseconds of the system's monotonic clock, for the datum of the intrinsic `clock_read`.
#[unsafe(no_mangle)]
pub extern "C" fn gw_clock_monotonic() -> i64 {
    infallible(0, crate::fiber::clock::monotonic)
}

/// What is alive now, for tests and diagnostics.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct gw_stats {
    /// Instances, with half-made ones and those that are kept by their store.
    pub instances: u64,
    /// Modules with their code.
    pub modules: u64,
    /// Stores: sets of linked instances.
    pub stores: u64,
    /// Memories.
    pub memories: u64,
    /// Stacks in use by calls.
    pub fibers: u64,
    /// Mappings that are counted against `vm.max_map_count`.
    pub mappings: u64,
    /// Bytes of code that are mapped.
    pub code_bytes: u64,
}

/// Reads the counters.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_stats_read(out: *mut gw_stats) {
    infallible((), || {
        // SAFETY: null or valid for writing, by the rules of this ABI.
        if let Ok(out) = unsafe { output(out, "out") } {
            *out = gw_stats {
                instances: stats::INSTANCES.get(),
                modules: stats::MODULES.get(),
                stores: stats::STORES.get(),
                memories: stats::MEMORIES.get(),
                fibers: crate::fiber::arena::in_use() as u64,
                mappings: crate::budget::used(),
                code_bytes: crate::code::mapped_bytes(),
            };
        }
    });
}

/// Has samples of guests written to a ring of `fiber::profile`'s layout when the signal of Go's CPU
/// profiler comes, or where its address is 0 no longer. The ring stays for the life of the process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_profile(ring: usize) {
    let ring = core::ptr::with_exposed_provenance_mut(ring);
    // SAFETY: null or valid, by the rules of this ABI.
    infallible((), || unsafe { crate::fiber::profile::set_ring(ring) });
}
