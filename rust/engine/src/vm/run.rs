#![allow(unsafe_code)] // acts on contexts
//! What a run loop (Go's, go/internal/fiber) has done for a guest that has left.

use super::runtime;
use crate::abi::Context;

/// Runs the runtime function that a guest has left for; its result goes to the guest with the next resume.
///
/// # Safety
/// The context's last status is `RuntimeCall`.
pub unsafe fn runtime_call(context: *mut Context) {
    // SAFETY: compiled code passes the vmctx it runs with, and operands of the operation.
    unsafe { (*context).runtime_result = runtime::runtime_call((*context).runtime_op, (*context).runtime_args) };
}

/// Makes the C call that a guest entered by assembly has left for.
///
/// # Safety
/// The context's last status is `CCall`.
pub unsafe fn c_call(context: *mut Context) {
    // SAFETY: the record was made by the vm with an adapter compiled for its type; slots are those of the trampoline.
    unsafe {
        let callee = &*(*context).callee;
        type Adapter = unsafe extern "C" fn(*const u8, *const u8, *mut u64);
        let adapter = core::mem::transmute::<*const u8, Adapter>(callee.c_adapter);
        adapter(callee.c_function, callee.c_context, (*context).slots);
    }
}
