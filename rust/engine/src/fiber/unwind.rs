#![allow(unsafe_code)] // reads and writes frames of a guest that is stopped
//! Finding who catches an exception, and having the guest go on there.
//!
//! Sandbox-critical: what is found here becomes a program counter, a stack pointer and a frame
//! pointer. All three come from the tables that compiling has made (`artifact::Handlers`) and from
//! the chain of frame pointers, each step of which is checked to stay within the slot's stack and
//! to go up.
//!
//! Compiled code keeps no register over a call (`CallConv::Tail`), so that a frame is all there is
//! to restore.

use super::machine;
use crate::abi::context::Context;
use crate::abi::exception::{self, ANY};
use crate::code;

/// Where an exception is caught.
#[derive(Clone, Copy, Debug)]
pub struct Handler {
    pc: usize,
    sp: usize,
    fp: usize,
    /// Where the frame wants the exception: a word for the reference, then the slots of its values.
    pub slot: *mut u64,
    /// Whether a reference is wanted.
    pub with_ref: bool,
    /// Whether the values are wanted: a clause that catches any exception has no room for them.
    pub with_values: bool,
}

/// Finds the innermost handler for an exception, from the call by which a guest has left.
///
/// # Safety
/// The guest of the context has left for the host, was not resumed since, and the code that runs
/// there is still loaded. `tag` is the address of a tag.
#[must_use]
pub unsafe fn find(context: *const Context, tag: usize) -> Option<Handler> {
    // SAFETY: by the caller's promise nobody writes it now.
    let (low, suspended) = unsafe { ((*context).stack_low, (*context).sp) };
    let high = context as usize;
    let (fp_at, return_at, pushed) = machine::SUSPENDED;
    let inside = |at: usize| at >= low && at <= high - 8 && at.is_multiple_of(8);
    // SAFETY: of addresses that lie in the accessible stack of this slot.
    let word = |at: usize| inside(at).then(|| unsafe { *(at as *const usize) });
    let (mut fp, mut return_address) = (word(suspended + fp_at)?, word(suspended + return_at)?);
    // Frames lie above what leaving has pushed.
    let mut below = suspended + pushed - 1;
    loop {
        if return_address == 0 || fp <= below || !inside(fp) || !inside(fp + 8) {
            return None;
        }
        let found = code::with_handlers(return_address, |base, site, clauses| {
            let sp = fp.checked_sub(site.frame as usize).filter(|sp| *sp > below && sp.is_multiple_of(8))?;
            let (vmctx_at, slot) = (sp + site.vmctx as usize, sp + site.slot as usize);
            let vmctx = word(vmctx_at).filter(|_| vmctx_at < fp && slot < fp)?;
            let clause = clauses.iter().find(|clause| {
                let offset = exception::tag(clause.catches);
                // SAFETY: compiled code has said that this is its vmctx, and that a word there is
                // one of its tags.
                offset == ANY || unsafe { *((vmctx + offset as usize) as *const usize) } == tag
            })?;
            Some(Handler {
                pc: base + clause.target as usize,
                sp,
                fp,
                slot: slot as *mut u64,
                with_ref: exception::with_ref(clause.catches),
                with_values: exception::tag(clause.catches) != ANY,
            })
        });
        if found.is_some() {
            return found;
        }
        below = fp;
        (fp, return_address) = (word(fp)?, word(below + 8)?);
    }
}

/// Has a guest go on at a handler when it is resumed.
///
/// # Safety
/// The handler was found in this context, whose guest was not resumed since.
pub unsafe fn resume_at(context: *mut Context, handler: &Handler) {
    let (fp_at, return_at, pushed) = machine::SUSPENDED;
    // What resuming pops. The frames below are dead, and took as much at least: the guest has left
    // from one of them.
    let sp = handler.sp - pushed;
    // SAFETY: it lies in the accessible stack of the slot, above where the guest was suspended.
    unsafe {
        debug_assert!(sp >= (*context).sp);
        core::ptr::write_bytes(sp as *mut u8, 0, pushed);
        *((sp + fp_at) as *mut usize) = handler.fp;
        *((sp + return_at) as *mut usize) = handler.pc;
        (*context).sp = sp;
    }
}
