//! The engine as an image: one position-independent piece of code and data without a C library,
//! without thread-local storage, and without symbols to resolve. Go maps it (go/internal/image) and
//! enters its functions on stacks that it provides, as it enters guests.
//!
//! What is here is what the engine needs of its surroundings: the table that Go finds everything
//! by, the heaps, and the end of a function that panics.
#![no_std]

mod heap;
mod panic;
mod transient;

use gowasmer::abi::head::{HEAD_SIZE, Head, STACK_SIZE};
use gowasmer::abi::image::{MAGIC, Start, Table};
use gowasmer::ffi::Entry;
use gowasmer::ffi::table::{ABI, TABLE};
use gowasmer::os::{own, set_system};
use gowasmer_image_mem as _; // memcpy and its kin, which the compiler calls by name
use hashbrown::HashMap;

/// The table with the functions that follow it.
#[repr(C)]
pub struct WholeTable {
    table: Table,
    functions: [Entry; TABLE.len()],
}

unsafe extern "C" {
    fn gw_enter();
    fn gw_resume();
    fn gw_c_call();
}

/// The table.
#[unsafe(no_mangle)]
pub static GW_TABLE: WholeTable = WholeTable {
    table: Table {
        magic: MAGIC,
        abi: ABI,
        head_size: HEAD_SIZE as u64,
        stack_size: STACK_SIZE as u64,
        start,
        call: own::gw_call,
        handler: gowasmer::fiber::SIGNAL_HANDLER,
        abandoned,
        heap_release: transient::release,
        spin,
        fail,
        enter: gw_enter,
        resume: gw_resume,
        c_call: gw_c_call,
        count: TABLE.len() as u64,
    },
    functions: TABLE,
};

/// # Safety
/// The parameters are right.
unsafe extern "C" fn start(parameters: *const Start) {
    // SAFETY: by the caller's promise; nothing of the engine runs yet.
    unsafe {
        let Start { stacks, clock, capabilities, text } = &*parameters;
        own::set_stacks(stacks[0], stacks[1]);
        own::set_heap_release(transient::release);
        // The seed of hashed tables is made under a lock when the first one is made, which must not
        // happen in an entry that can be given up.
        core::hint::black_box(HashMap::<u8, u8>::new());
        set_system(*clock, (capabilities[0], capabilities[1]), text[0]..text[1]);
    }
}

/// # Safety
/// The head is that of a stack whose entry has died or was given up.
unsafe extern "C" fn abandoned(head: *mut Head) {
    // SAFETY: by the caller's promise.
    unsafe { own::release_locks(head) };
}

/// Dies, so that tests can see that what surrounds it survives.
extern "C" fn fail(how: u64) {
    fn deeper(depth: u64) -> u64 {
        if core::hint::black_box(depth) == u64::MAX { 0 } else { deeper(depth + 1) ^ core::hint::black_box(depth) }
    }
    assert!(how != 0, "asked to");
    core::hint::black_box(deeper(0));
}

extern "C" fn spin(rounds: u64) {
    for round in 0..rounds {
        core::hint::black_box(round);
    }
}
