#![allow(unsafe_code)] // acts on contexts
//! What a run loop (Go's, go/internal/fiber) has done for a guest that has left.

use super::exceptions;
use super::instance::InstanceData;
use super::refused::Refused;
use super::runtime;
use crate::abi::vmctx::Header;
use crate::abi::{Context, RuntimeOp};
use crate::fiber::ranges;
use crate::prelude::*;
use core::sync::atomic::Ordering;

/// Runs the runtime function that a guest has left for; its result goes to the guest with the next
/// resume.
///
/// # Safety
/// The context's last status is `RuntimeCall`.
pub unsafe fn runtime_call(context: *mut Context) {
    // SAFETY: the guest is stopped, so that nobody else uses the context.
    let op = unsafe { (*context).runtime_op };
    if op == RuntimeOp::Throw as u64 || op == RuntimeOp::ThrowRef as u64 {
        // SAFETY: by the caller's promise.
        return unsafe { exceptions::throw(context) };
    }
    // SAFETY: compiled code passes the vmctx it runs with, and operands of the operation.
    unsafe { (*context).runtime_result = runtime::runtime_call((*context).runtime_op, (*context).runtime_args) };
}

/// Makes the C call that a guest entered by assembly has left for.
///
/// # Safety
/// The context's last status is `CCall`.
pub unsafe fn c_call(context: *mut Context) {
    // SAFETY: the record was made by the vm with an adapter compiled for its type; slots are those
    // of the trampoline.
    unsafe {
        let callee = &*(*context).callee;
        type Adapter = unsafe extern "C" fn(*const u8, *const u8, *mut u64);
        let adapter = core::mem::transmute::<*const u8, Adapter>(callee.c_adapter);
        adapter(callee.c_function, callee.c_context, (*context).slots);
    }
}

/// What is known of a trap beside its code and its frames.
#[derive(Debug, Default)]
pub struct TrapDetails {
    /// The address in a memory that could not be accessed, and the bytes of that memory.
    pub fault: Option<(u64, u64)>,
    /// What the instance that was called did not get: whether it is a table's elements, its size of
    /// a page in bytes, and what.
    pub refused: Vec<(bool, u64, Refused)>,
}

/// Tells the details of a trap, once.
///
/// # Safety
/// The guest is stopped, and the instance that was called is alive.
#[must_use]
pub unsafe fn trap_details(context: *mut Context) -> TrapDetails {
    // SAFETY: the guest is stopped, so that nobody else uses the context.
    let (address, store, vmctx) = unsafe {
        let address = core::mem::take(&mut (*context).trap_address);
        (address, (*context).store.load(Ordering::Acquire).cast_const(), (*context).vmctx)
    };
    // SAFETY: the store is that of the instance, which is alive, and with it all that its store
    // lists.
    let fault = unsafe { ranges::memory_at(store, address).as_ref() }.map(|memory| {
        let base = memory.base.load(Ordering::Acquire);
        (address.wrapping_sub(base) as u64, memory.length.load(Ordering::Acquire))
    });
    // SAFETY: by the caller's promise it is the vmctx of an instance; its header never changes.
    let instance = unsafe { &*(*(vmctx as *const Header)).instance.cast::<InstanceData>() };
    TrapDetails { fault, refused: instance.refused() }
}
