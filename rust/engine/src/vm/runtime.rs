//! Runtime functions of compiled code that need real stack, allocate, lock or block. The fiber has
//! left; these run on the host's stack.

#![allow(unsafe_code)] // gets the vmctx from compiled code

use super::instance::InstanceData;
use super::lazy::{self, Lazy};
use crate::abi::RuntimeOp;
use crate::abi::vmctx::Header;

/// The answer for a size that cannot be had; compiled code cuts it to -1 of 32 bits.
const FAILED: u64 = u64::MAX;

/// Runs the runtime function of a number ([`RuntimeOp`]) on a vmctx and up to three operands.
///
/// # Safety
/// The number and the operands come from compiled code of the instance that the vmctx belongs to,
/// which is alive.
#[must_use]
pub unsafe fn runtime_call(op: u64, [vmctx, a, b, c]: [u64; 4]) -> u64 {
    if op == RuntimeOp::Compile as u64 {
        // SAFETY: stubs pass the owner of the running module's stubs.
        return unsafe { lazy::address(vmctx as *const Lazy, a as u32) };
    }
    // SAFETY: by the caller's promise it is the vmctx of an instance; its header never changes.
    let instance = unsafe { &*(*(vmctx as *const Header)).instance.cast::<InstanceData>() };
    if op == RuntimeOp::MemoryGrow as u64 {
        let memory = instance.memory(a as u32);
        memory.grow(b).inspect(|_| *memory.refused().lock() = None).unwrap_or_else(|error| {
            memory.refuse(b, &error);
            FAILED
        })
    } else if op == RuntimeOp::TableGrow as u64 {
        let table = instance.table(a as u32);
        table.grow(b, c).inspect(|_| *table.refused().lock() = None).unwrap_or_else(|| {
            table.refuse(b);
            FAILED
        })
    } else {
        panic!("compiled code asks for runtime function {op}, which does not exist")
    }
}
