#![allow(unsafe_code)] // reads frames of a guest that is stopped
//! The backtrace of a guest that is stopped, read from its stack after control has left it.

use super::machine;
use crate::abi::context::{CONTEXT_SIZE, Context, Status};
use crate::code::{self, Symbol};
use crate::prelude::*;

/// Frames that a backtrace shows at most, from the innermost.
pub const MAX_FRAMES: usize = 64;

/// The frames of a guest that is stopped, innermost first.
#[derive(Clone, Debug, Default)]
pub struct Backtrace {
    /// At most [`MAX_FRAMES`] frames of wasm functions.
    pub frames: Vec<Symbol>,
    /// How many more there were.
    pub left_out: u32,
}

/// Walks the chain of frame pointers of a guest that has trapped, was paused, or has left for
/// something, and was not resumed or entered since.
///
/// Each step is checked to stay within the slot's stack and to go up, so that a damaged chain ends
/// the walk and nothing else.
///
/// # Safety
/// `context` belongs to a slot that the caller holds, and the code that ran there is still loaded.
#[must_use]
pub unsafe fn backtrace(context: *const Context) -> Backtrace {
    // SAFETY: by the caller's promise.
    let low = unsafe { (*context).stack_low };
    let high = context as usize;
    // SAFETY: as above.
    let (pc, mut fp) = unsafe { stopped_at(context, low, high) };
    debug_assert!(high.is_multiple_of(CONTEXT_SIZE.min(64)));
    let mut trace = Backtrace::default();
    trace.push(pc);
    while fp >= low && fp <= high - 16 && fp.is_multiple_of(8) {
        // SAFETY: fp and the word above it lie in the accessible stack of this slot, by the
        // condition of the loop.
        let (next, return_address) = unsafe { (*(fp as *const usize), *((fp + 8) as *const usize)) };
        if return_address == 0 {
            break;
        }
        trace.push(return_address - 1);
        if next <= fp {
            break;
        }
        fp = next;
    }
    trace
}

/// Program counter and frame pointer of a guest that is stopped; of one that has left, those of the
/// call that it has left by, and 0 where its stack pointer is not within its stack.
unsafe fn stopped_at(context: *const Context, low: usize, high: usize) -> (usize, usize) {
    // SAFETY: by the caller's promise nobody writes it now.
    let context = unsafe { &*context };
    if context.status == Status::Trap as u64 {
        return (context.trap_pc, context.trap_fp);
    }
    if context.status == Status::Paused as u64 {
        return machine::paused(context);
    }
    let (fp, return_address, _) = machine::SUSPENDED;
    if context.sp < low || context.sp > high - (return_address + 8) || !context.sp.is_multiple_of(8) {
        return (0, 0);
    }
    // SAFETY: both lie in the accessible stack of this slot.
    let word = |at: usize| unsafe { *((context.sp + at) as *const usize) };
    (word(return_address) - 1, word(fp))
}

impl Backtrace {
    fn push(&mut self, pc: usize) {
        if !code::is_code(pc) {
            return;
        }
        if self.frames.len() == MAX_FRAMES {
            self.left_out += code::frames_at(pc);
            return;
        }
        let mut symbols = code::symbolize(pc);
        symbols.retain(|symbol| !symbol.in_trampoline);
        let shown = symbols.len().min(MAX_FRAMES - self.frames.len());
        self.left_out += (symbols.len() - shown) as u32;
        self.frames.extend(symbols.drain(..shown));
    }
}
