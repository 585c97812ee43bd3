#![allow(unsafe_code)] // reads and writes the registers that a signal interrupted
//! The interrupted registers on aarch64 Linux. NOT YET RUN: the register lists and context fields are written down here, the stubs
//! are not, and the crate refuses to build for this architecture until both have been tested on it.
//!
//! What a suspended guest keeps (AAPCS64 section 6.1): x19..x28, x29 (frame pointer), x30 (return address), sp, d8..d15.
//! What a pause must save: x0..x30, sp, pc, pstate, v0..v31, fpsr, fpcr.
//! Leaving is `mov sp, host_sp; mov x29, host_bp; br host_pc` with the context in x0; x28 holds Go's g and x18 belongs to the platform.

use crate::abi::context::Context;

/// The registers of the interrupted thread; writing them takes effect when the handler returns.
pub(super) struct Registers(*mut libc::ucontext_t);

impl Registers {
    /// # Safety
    /// `ucontext` is the third argument of a handler with SA_SIGINFO, and the handler has not returned.
    pub(super) unsafe fn from_ucontext(ucontext: *mut libc::c_void) -> Self {
        Self(ucontext.cast())
    }

    pub(super) fn pc(&self) -> usize {
        // SAFETY: by the promise of `from_ucontext`.
        unsafe { (*self.0).uc_mcontext.pc as usize }
    }

    pub(super) fn sp(&self) -> usize {
        // SAFETY: by the promise of `from_ucontext`.
        unsafe { (*self.0).uc_mcontext.sp as usize }
    }

    pub(super) fn fp(&self) -> usize {
        // SAFETY: by the promise of `from_ucontext`.
        unsafe { (*self.0).uc_mcontext.regs[29] as usize }
    }

    /// Saves x0..x30 and pstate; the vector registers follow in `uc_mcontext.__reserved` as a `fpsimd_context`.
    pub(super) fn save(&self, context: &mut Context) {
        // SAFETY: by the promise of `from_ucontext`.
        let machine = unsafe { &(*self.0).uc_mcontext };
        context.regs.copy_from_slice(&machine.regs);
        context.pstate = machine.pstate;
    }
}
