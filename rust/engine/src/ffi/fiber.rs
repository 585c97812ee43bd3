//! Fibers: getting and releasing them, entering and resuming by C, and what the host side does for
//! a fiber that has left.

use super::error::{gw_bytes, gw_error};
use super::{borrow, describe, fallible, infallible, output};
use crate::abi::Context;
use crate::abi::vmctx::HostFunction;
use crate::fiber::Fiber;
use crate::vm::run::TrapDetails;
use core::ffi::c_void;
use core::mem::offset_of;

unsafe extern "C" {
    /// Enters the guest: calls `entry(code, vmctx, args)` of the context on the fiber's stack.
    /// Gives when control is back: a `gw_status`. The context's entry mode is C. The stack of the
    /// calling thread must not go below `stack_limit`: where it is below already, the guest traps.
    /// `thread` is the number of the calling thread, to which `gw_interrupt` sends its signal;
    /// `gw_this_thread` returns both.
    pub fn gw_enter(context: *mut Context, stack_limit: usize, thread: u32) -> u64;
    /// Resumes a guest that has left or was paused. Returns as `gw_enter` does.
    pub fn gw_resume(context: *mut Context, stack_limit: usize, thread: u32) -> u64;
}

/// The record of a host function, which a context's `callee` points to.
#[repr(C)]
#[derive(Debug)]
pub struct gw_host_function {
    /// For the engine only.
    pub header: [usize; 4],
    /// Serial number of the instance that imports it, as the Go side counts them.
    pub instance_id: u64,
    /// Index of the implementation among that instance's host functions on the Go side.
    pub function_index: u64,
    /// The embedder's C function, or null.
    pub c_function: *const c_void,
    /// First argument of `c_function`: the token of the importing instance.
    pub c_context: *const c_void,
    /// For the engine only.
    pub c_adapter: *const c_void,
    /// Number of parameters.
    pub params: u32,
    /// Number of results.
    pub results: u32,
    /// For the engine only.
    pub memory: *const c_void,
    /// For the engine only.
    pub intrinsic_data: i64,
}

const _: () = {
    assert!(size_of::<gw_host_function>() == size_of::<HostFunction>());
    assert!(offset_of!(gw_host_function, instance_id) == offset_of!(HostFunction, instance_id));
    assert!(offset_of!(gw_host_function, function_index) == offset_of!(HostFunction, function_index));
    assert!(offset_of!(gw_host_function, c_function) == offset_of!(HostFunction, c_function));
    assert!(offset_of!(gw_host_function, c_context) == offset_of!(HostFunction, c_context));
    assert!(offset_of!(gw_host_function, c_adapter) == offset_of!(HostFunction, c_adapter));
    assert!(offset_of!(gw_host_function, params) == offset_of!(HostFunction, params));
    assert!(offset_of!(gw_host_function, results) == offset_of!(HostFunction, results));
};

/// Takes a fiber from the pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_fiber_new(out: *mut *mut Context) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let out = unsafe { output(out, "out")? };
        *out = Fiber::acquire()?.into_raw();
        Ok(())
    })
}

/// Gives a fiber back to the pool; a guest that it holds is abandoned. Null is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_fiber_release(context: *mut Context) {
    infallible((), || {
        if !context.is_null() {
            // SAFETY: a context of `gw_fiber_new` that is released once, by the rules of this ABI.
            unsafe { crate::fiber::release_raw(context) };
        }
    });
}

/// Does what a fiber that has left with `GW_STATUS_RUNTIME_CALL` asks for, and stores the result in
/// its context.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_runtime_call(context: *mut Context) {
    if context.is_null() {
        return;
    }
    // A failed operation answers so; it stands should this panic.
    // SAFETY: a context of ours whose guest is stopped, so that nobody else uses it.
    unsafe { (*context).runtime_result = u64::MAX };
    // SAFETY: as above, and its last status is the one that asks for this, by the rules of this
    // ABI.
    infallible((), || unsafe { crate::vm::run::runtime_call(context) });
}

/// Calls the C function that a fiber that has left with `GW_STATUS_C_CALL` asks for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_c_call(context: *mut Context) {
    if !context.is_null() {
        // SAFETY: a context of ours whose last status is the one that asks for this, by the rules
        // of this ABI.
        unsafe { crate::vm::run::c_call(context) }
    }
}

/// Asks for a pause of the guest that was entered by C on another thread. The context may have been
/// released.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_interrupt(context: *const Context) {
    infallible((), || crate::fiber::interrupt(context));
}

/// What an entry by C must know of the calling thread.
#[cfg(feature = "hosted")]
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct gw_thread {
    /// Address below which its stack should not go when a guest is entered.
    pub stack_limit: usize,
    /// Its number.
    pub number: u32,
}

/// Tells what `gw_enter` and `gw_resume` must know of the calling thread. It does not change in the
/// life of the thread.
#[cfg(feature = "hosted")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_this_thread(out: *mut gw_thread) {
    /// Bytes of the thread's stack that must be left: for C functions that guests call, and for
    /// Go's way back into Go.
    const RESERVE: usize = 64 << 10;
    infallible((), || {
        let (low, size) = crate::os::thread_stack();
        // SAFETY: null or valid for writing, by the rules of this ABI.
        if let Ok(out) = unsafe { output(out, "out") } {
            *out = gw_thread { stack_limit: low + RESERVE.min(size / 2), number: crate::os::thread_id() };
        }
    });
}

/// Tells what is known of a guest that has trapped, was paused or has left, and is not resumed,
/// once: its frames and more, in the encoding that `ffi/describe.rs` defines.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_trap(context: *mut Context, out: *mut gw_bytes) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (_, out) = unsafe { (borrow(context, "context")?, output(out, "out")?) };
        // SAFETY: the guest of this context is stopped and was not resumed, by the rules of this
        // ABI.
        let (trace, details) = unsafe { (crate::fiber::backtrace(context), crate::vm::run::trap_details(context)) };
        *out = gw_bytes::from_vec(describe::trap(&trace.frames, trace.left_out, &details));
        Ok(())
    })
}

/// Finds the functions at an address of compiled code: the one whose instruction it is, then, if
/// that was inlined, its callers up to the one whose code this is; none where there is no code.
/// They are encoded as a trap is, with nothing else known. The address of a call is one less than
/// that it returns to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_symbolize(address: usize, out: *mut gw_bytes) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let out = unsafe { output(out, "out")? };
        let mut symbols = crate::code::symbolize(address);
        symbols.retain(|symbol| !symbol.in_trampoline);
        *out = gw_bytes::from_vec(describe::trap(&symbols, 0, &TrapDetails::default()));
        Ok(())
    })
}
