#![allow(unsafe_code)] // names the stubs, which are assembly
//! Guests as coroutines: the arena of their stacks, the stubs between them and the host, and the
//! signals.
//!
//! A call of a guest in one reading: a run loop (Go's, or that of `vm::testing`) fills a context ->
//! `stubs` enter on the slot's stack -> compiled code -> a builtin stub, a trap or a pause
//! (`signals`) leaves -> the loop acts on the status and resumes.

pub mod arena;
pub mod backtrace;
mod c_entry;
pub mod clock;
pub mod intrinsics;
#[cfg_attr(target_arch = "x86_64", path = "machine_x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "machine_aarch64.rs")]
mod machine;
pub mod profile;
pub mod ranges;
mod signals;
mod slot;
#[cfg_attr(target_arch = "x86_64", path = "stubs_x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "stubs_aarch64.rs")]
mod stubs;
pub mod unwind;

pub use arena::ArenaOptions;
pub use backtrace::{Backtrace, backtrace};
pub use slot::{Fiber, release_raw};

use crate::abi::{Builtins, Context};
use crate::error::Result;
use crate::sync::OnceLock;
use intrinsics::Intrinsic;

unsafe extern "C" {
    fn gw_stub_host_call();
    fn gw_stub_c_call();
    fn gw_stub_c_call_registers();
    fn gw_stub_runtime_call();
    fn gw_stub_throw();
    fn gw_stub_compile();
    fn gw_stub_memory_move();
    fn gw_stub_memory_fill();
    fn gw_stub_clock_call();
}

/// The table that every vmctx, and every host function record without an intrinsic, points to.
#[must_use]
pub fn builtins() -> *const Builtins {
    Intrinsic::None.builtins()
}

/// Where the gates of modules lead to whose functions are compiled when they are called.
#[must_use]
pub fn compile_stub() -> usize {
    gw_stub_compile as *const () as usize
}

fn table(host_call: *const ()) -> Builtins {
    Builtins {
        host_call: host_call as usize,
        c_call: gw_stub_c_call as *const () as usize,
        c_call_registers: gw_stub_c_call_registers as *const () as usize,
        runtime_call: gw_stub_runtime_call as *const () as usize,
        throw: gw_stub_throw as *const () as usize,
        memory_move: gw_stub_memory_move as *const () as usize,
        memory_fill: gw_stub_memory_fill as *const () as usize,
    }
}

/// Reserves the arena and installs the signal handlers; the first call decides the sizes, later
/// ones only report its outcome.
pub fn init(options: ArenaOptions) -> Result<()> {
    static DONE: OnceLock<Result<()>> = OnceLock::new();
    DONE.get_or_init(|| {
        arena::init(options)?;
        stubs::bind_leaf_functions();
        signals::install()
    })
    .clone()
}

/// Puts the handler of the pause signal back where the program removed it.
pub fn ensure_pause_handler() -> Result<()> {
    signals::ensure_pause_handler()
}

/// The handler of all signals, for whoever installs it.
pub const SIGNAL_HANDLER: extern "C" fn(i32, *mut core::ffi::c_void, *mut core::ffi::c_void) = signals::handler;

/// Asks the guest that was entered by C with this context to pause, if one runs. The context may
/// have been released, and may serve another guest by now, which then pauses for nothing.
pub fn interrupt(context: *const Context) {
    arena::if_open(context, signals::interrupt);
}

#[cfg(test)]
mod tests;
