#![allow(unsafe_code)] // writes to a context
//! What the C twin of entry does beyond the assembly one: it records the thread, so that a signal
//! can pause the guest, and refuses when the thread's own stack is nearly used up, since C
//! functions that the guest calls run there.

use crate::abi::context::{Context, Status};
use crate::trap::TrapCode;
use core::sync::atomic::Ordering;

/// Called by `gw_enter` and `gw_resume` on the host's stack, with the address below which that must
/// not go and the number of the thread, as the caller passes them. Returns 0 where the call is
/// refused, with a stack overflow in the context.
///
/// A guest that is refused while suspended can be given up, nothing else.
pub(super) unsafe extern "C" fn prepare_c(context: *mut Context, stack_limit: usize, thread: u32) -> u32 {
    let here = (&raw const stack_limit).addr();
    // SAFETY: the caller passes the context of a slot that it holds.
    let context = unsafe { &mut *context };
    if here < stack_limit {
        context.status = Status::Trap as u64;
        context.trap_code = TrapCode::StackOverflow as u64;
        context.trap_pc = 0;
        context.trap_fp = 0;
        return 0;
    }
    context.thread.store(thread, Ordering::Release);
    1
}
