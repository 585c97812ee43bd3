#![allow(unsafe_code)] // reads frames of a guest that is stopped
//! The backtrace of a trap, read from the guest's stack after control has left it.

use crate::abi::context::{CONTEXT_SIZE, Context};
use crate::code::{self, Symbol};
use crate::prelude::*;

/// Frames that a backtrace shows at most, from the innermost.
pub const MAX_FRAMES: usize = 64;

/// The frames of a trapped guest, innermost first.
#[derive(Clone, Debug, Default)]
pub struct Backtrace {
    /// At most [`MAX_FRAMES`] frames of wasm functions.
    pub frames: Vec<Symbol>,
    /// How many more there were.
    pub left_out: u32,
}

/// Walks the chain of frame pointers of a guest that has trapped and was not resumed or entered
/// since.
///
/// Each step is checked to stay within the slot's stack and to go up, so that a damaged chain ends
/// the walk and nothing else.
///
/// # Safety
/// `context` belongs to a slot that the caller holds, and the code that ran there is still loaded.
#[must_use]
pub unsafe fn backtrace(context: *const Context) -> Backtrace {
    // SAFETY: by the caller's promise.
    let (low, mut fp, pc) = unsafe { ((*context).stack_low, (*context).trap_fp, (*context).trap_pc) };
    let high = context as usize;
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
