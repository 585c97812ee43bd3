#![allow(unsafe_code)] // asks the C library for the bounds of a thread's stack
//! What the C twin of entry does beyond the assembly one: it records the thread, so that a signal can pause the guest, and refuses
//! when the thread's own stack is nearly used up, since C functions that the guest calls run there.

use crate::abi::context::{Context, Status};
use crate::trap::TrapCode;
use std::cell::Cell;
use std::sync::atomic::Ordering;

/// Bytes of the thread's stack that must be left: for the C function, and for Go's way back into Go.
const RESERVE: usize = 64 << 10;

thread_local! {
    /// Address below which the thread's stack must not go, and its thread id.
    static THREAD: Cell<Option<(usize, u32)>> = const { Cell::new(None) };
}

/// Called by `gw_enter` and `gw_resume` on the host's stack. Gives 0 where the call is refused, with a stack overflow in the context.
///
/// A guest that is refused while suspended can be given up, nothing else.
pub(super) unsafe extern "C" fn prepare_c(context: *mut Context) -> u32 {
    let (limit, thread) = THREAD.get().unwrap_or_else(|| {
        let found = (stack_limit(), thread_id());
        THREAD.set(Some(found));
        found
    });
    let here = (&raw const limit).addr();
    // SAFETY: the caller passes the context of a slot that it holds.
    let context = unsafe { &mut *context };
    if here < limit {
        context.status = Status::Trap as u64;
        context.trap_code = TrapCode::StackOverflow as u64;
        context.trap_pc = 0;
        context.trap_fp = 0;
        return 0;
    }
    context.thread.store(thread, Ordering::Release);
    1
}

/// The lowest stack address at which an entry is accepted on this thread.
fn stack_limit() -> usize {
    let (low, size) = super::os::thread_stack();
    low + RESERVE.min(size / 2)
}

fn thread_id() -> u32 {
    super::os::thread_id()
}
