#![allow(unsafe_code)] // reads and writes the registers that a signal interrupted
//! The interrupted registers on x86-64 Linux: reading them, saving all of them for a pause, and
//! redirecting the thread to leave.
//!
//! Sandbox-critical; runs in the signal handler only.

use crate::abi::context::Context;
use core::arch::asm;
use core::ffi::c_void;
use core::mem;
use core::ptr;

unsafe extern "C" {
    fn gw_leave();
    fn gw_unpause();
    safe static gw_stubs_start: u8;
    safe static gw_stubs_end: u8;
}

/// The registers of the interrupted thread; writing them takes effect when the handler returns.
pub(super) struct Registers(*mut Ucontext);

/// The beginning of `struct ucontext` of the kernel (asm-generic/ucontext.h and asm/sigcontext.h).
#[repr(C)]
struct Ucontext {
    flags: u64,
    link: u64,
    stack: [u64; 3],
    /// r8..r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags, selectors, error, trap, mask,
    /// address of the fault.
    registers: [u64; 23],
    /// Address of the floating-point state, in the layout of FXSAVE.
    state: *const u8,
}

const RDI: usize = 8;
const RBP: usize = 10;
const RSP: usize = 15;
const RIP: usize = 16;
const EFLAGS: usize = 17;

impl Registers {
    /// # Safety
    /// `ucontext` is the third argument of a handler with SA_SIGINFO, and the handler has not
    /// returned.
    pub(super) unsafe fn from_ucontext(ucontext: *mut c_void) -> Self {
        Self(ucontext.cast())
    }

    fn get(&self, register: usize) -> u64 {
        // SAFETY: by the promise of `from_ucontext`.
        unsafe { (*self.0).registers[register] }
    }

    fn set(&self, register: usize, value: u64) {
        // SAFETY: by the promise of `from_ucontext`; nothing else refers to the structure.
        unsafe { (*self.0).registers[register] = value }
    }

    pub(super) fn pc(&self) -> usize {
        self.get(RIP) as usize
    }

    pub(super) fn sp(&self) -> usize {
        self.get(RSP) as usize
    }

    pub(super) fn fp(&self) -> usize {
        self.get(RBP) as usize
    }

    /// Saves everything that compiled code may use, so that `gw_unpause` restores it at once.
    pub(super) fn save(&self, context: &mut Context) {
        // r8..r15, rdi, rsi, rbp, rbx, rdx, rax, rcx stand in this order at the beginning.
        for register in 0..15 {
            context.regs[register] = self.get(register);
        }
        let (cs, ss): (u64, u64);
        // SAFETY: reads two segment registers; user code has one pair of them.
        unsafe {
            asm!("mov {0:r}, cs", "mov {1:r}, ss", out(reg) cs, out(reg) ss, options(nomem, nostack, preserves_flags));
        };
        context.iret = [self.get(RIP), cs, self.get(EFLAGS), self.get(RSP), ss, 0];
        // SAFETY: on x86-64 the kernel always saves the floating-point state, in the layout of
        // FXSAVE, 512 bytes.
        unsafe {
            let state = (*self.0).state;
            ptr::copy_nonoverlapping(state, context.fx.0.as_mut_ptr(), context.fx.0.len());
        }
        context.resume_frame = [0; 20];
        context.resume_frame[6] = gw_unpause as *const () as u64;
        context.sp = context.resume_frame.as_ptr() as usize;
    }

    /// Whether the signal was the way in which a pause is resumed; here `gw_unpause` needs none.
    #[allow(clippy::unused_self)] // as on aarch64
    pub(super) const fn restore_pause(&self, _: &Context) -> bool {
        false
    }

    /// Sets program counter, stack pointer and frame pointer, and returns those that were there.
    pub(super) fn replace_frame(&self, (pc, sp, fp): (usize, usize, usize)) -> (usize, usize, usize) {
        let before = (self.pc(), self.sp(), self.fp());
        for (register, value) in [(RIP, pc), (RSP, sp), (RBP, fp)] {
            self.set(register, value as u64);
        }
        before
    }

    /// Makes the thread leave the guest when the handler returns.
    pub(super) fn leave(&self, context: &mut Context) {
        self.set(RDI, ptr::from_mut(context) as u64);
        self.set(RIP, gw_leave as *const () as u64);
    }
}

/// Calls a handler of three arguments that was there before ours. Go finds its `g` in thread-local
/// storage here, on a guest's stack or not.
///
/// # Safety
/// The first three arguments are those of a handler that has not returned, and `handler` was
/// installed with SA_SIGINFO for the signal.
pub(super) unsafe fn call_handler(
    handler: usize,
    signal: i32,
    info: *mut c_void,
    ucontext: *mut c_void,
    _: Option<&Context>,
) {
    type Handler = extern "C" fn(i32, *mut c_void, *mut c_void);
    // SAFETY: by the caller's promise.
    let handler = unsafe { mem::transmute::<usize, Handler>(handler) };
    handler(signal, info, ucontext);
}

/// How far above a suspended guest's stack pointer its frame pointer and its return address are,
/// and the end of what leaving has pushed.
pub(super) const SUSPENDED: (usize, usize, usize) = (40, 48, 56);

/// Program counter and frame pointer of a paused guest.
pub(super) const fn paused(context: &Context) -> (usize, usize) {
    const RBP: usize = 10; // in the order of `regs`
    (context.iret[0] as usize, context.regs[RBP] as usize)
}

/// Whether an instruction is one of our stubs. The part of them that enters a guest from C runs on
/// the host's stack, so with a stack pointer in the arena it is one of those that guests call.
pub(super) fn is_stub(pc: usize) -> bool {
    (ptr::addr_of!(gw_stubs_start) as usize..ptr::addr_of!(gw_stubs_end) as usize).contains(&pc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::offset_of;

    #[test]
    fn the_layout_is_the_systems() {
        let machine = offset_of!(libc::ucontext_t, uc_mcontext);
        assert_eq!(offset_of!(Ucontext, registers), machine + offset_of!(libc::mcontext_t, gregs));
        assert_eq!(offset_of!(Ucontext, state), machine + offset_of!(libc::mcontext_t, fpregs));
        let registers = [libc::REG_RDI, libc::REG_RBP, libc::REG_RSP, libc::REG_RIP, libc::REG_EFL];
        assert_eq!([RDI, RBP, RSP, RIP, EFLAGS].map(|register| register as i32), registers);
        assert_eq!((libc::REG_R8, libc::REG_RCX), (0, 14));
    }
}
