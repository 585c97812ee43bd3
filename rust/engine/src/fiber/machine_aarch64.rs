#![allow(unsafe_code)] // reads and writes the registers that a signal interrupted
//! The interrupted registers on aarch64 Linux: reading them, saving all of them for a pause,
//! restoring them when it ends, and redirecting the thread to leave.
//!
//! Sandbox-critical; runs in the signal handler only.
//!
//! The processor has no instruction that restores all registers and jumps, as `iretq` does, but the
//! kernel restores them all when a handler returns. So `gw_unpause` is an instruction that faults,
//! and [`Registers::restore_pause`] answers that fault.
//!
//! Go without cgo finds its `g` in x28 when its handler begins, whatever was interrupted. In the
//! image nothing else is ever there (RATIONALE.md, "arm64"). The hosted form's code uses x28, but
//! Go with cgo finds `g` elsewhere. [`call_handler`] sets it in any case.

use crate::abi::context::Context;
use core::arch::global_asm;
use core::ffi::c_void;
use core::mem::offset_of;
use core::ptr;

unsafe extern "C" {
    fn gw_leave();
    fn gw_unpause();
    fn gw_call_handler(signal: i32, info: *mut c_void, ucontext: *mut c_void, handler: usize, g: usize);
    safe static gw_stubs_start: u8;
    safe static gw_stubs_end: u8;
}

/// `struct ucontext` of the kernel (asm/ucontext.h). Its signal mask is followed by room for a
/// longer one.
#[repr(C)]
struct Ucontext {
    flags: u64,
    link: u64,
    stack: [u64; 3],
    mask: [u64; 16],
    machine: Machine,
}

/// `struct sigcontext` (asm/sigcontext.h).
#[repr(C, align(16))]
struct Machine {
    fault_address: u64,
    /// x0..x30.
    regs: [u64; 31],
    sp: u64,
    pc: u64,
    pstate: u64,
    records: Records,
}

/// Records that each begin with their kind and size; one of kind 0 ends them.
#[repr(C, align(16))]
struct Records([u8; 4096]);

/// `struct fpsimd_context`: the record of the vector registers, which the kernel writes for every
/// signal. Where the processor has SVE, there is another one with the longer registers; returning
/// takes the lower halves from this one all the same.
#[repr(C)]
struct Vectors {
    kind: u32,
    size: u32,
    fpsr: u32,
    fpcr: u32,
    /// v0..v31.
    registers: [u8; 512],
}

/// `FPSIMD_MAGIC`.
const VECTORS: u32 = 0x4650_8001;

const _: () = assert!(offset_of!(Ucontext, machine) == 176 && offset_of!(Machine, pc) == 264);
const _: () = assert!(offset_of!(Machine, records) == 288 && size_of::<Vectors>() == 528);

/// Where the frame pointer is among the registers, and Go's `g`.
const FP: usize = 29;
const G: usize = 28;

/// The registers of the interrupted thread; writing them takes effect when the handler returns.
pub(super) struct Registers(*mut Ucontext);

impl Registers {
    /// # Safety
    /// `ucontext` is the third argument of a handler with SA_SIGINFO, and the handler has not
    /// returned.
    pub(super) unsafe fn from_ucontext(ucontext: *mut c_void) -> Self {
        Self(ucontext.cast())
    }

    fn machine(&self) -> *mut Machine {
        // SAFETY: by the promise of `from_ucontext`; makes no reference.
        unsafe { &raw mut (*self.0).machine }
    }

    fn register(&self, number: usize) -> u64 {
        // SAFETY: by the promise of `from_ucontext`.
        unsafe { (*self.machine()).regs[number] }
    }

    pub(super) fn pc(&self) -> usize {
        // SAFETY: by the promise of `from_ucontext`.
        unsafe { (*self.machine()).pc as usize }
    }

    pub(super) fn sp(&self) -> usize {
        // SAFETY: by the promise of `from_ucontext`.
        unsafe { (*self.machine()).sp as usize }
    }

    pub(super) fn fp(&self) -> usize {
        self.register(FP) as usize
    }

    /// The record of the vector registers; null if there is none, which the kernel never does to a
    /// thread that has used them.
    fn vectors(&self) -> *mut Vectors {
        let mut offset = 0;
        while offset + size_of::<Vectors>() <= size_of::<Records>() {
            // SAFETY: by the promise of `from_ucontext` and the comparison; records are aligned to
            // 16 bytes.
            let (record, kind, size) = unsafe {
                let record = (&raw mut (*self.machine()).records).cast::<u8>().add(offset).cast::<Vectors>();
                (record, (*record).kind, (*record).size as usize)
            };
            if kind == VECTORS {
                return record;
            }
            if size == 0 {
                break;
            }
            offset += size;
        }
        ptr::null_mut()
    }

    /// Saves everything that compiled code may use, for [`Self::restore_pause`].
    pub(super) fn save(&self, context: &mut Context) {
        // SAFETY: by the promise of `from_ucontext`; nothing writes to the structure meanwhile.
        let (machine, vectors) = unsafe { (&*self.machine(), self.vectors().as_ref()) };
        context.regs[..31].copy_from_slice(&machine.regs);
        context.regs[31] = machine.pstate;
        context.iret = [machine.pc, 0, 0, machine.sp, 0, 0];
        if let Some(vectors) = vectors {
            context.iret[1] = u64::from(vectors.fpsr);
            context.iret[2] = u64::from(vectors.fpcr);
            context.fx.0.copy_from_slice(&vectors.registers);
        }
        // As `gw_save` of the stubs leaves it; x30 is the twelfth.
        context.resume_frame = [0; 20];
        context.resume_frame[11] = gw_unpause as *const () as u64;
        context.sp = context.resume_frame.as_ptr() as usize;
    }

    /// If the instruction is the one that resumes a pause: restores what [`Self::save`] has saved,
    /// and reports true. `context` is that of the slot which the stack pointer is in.
    pub(super) fn restore_pause(&self, context: &Context) -> bool {
        if self.pc() != gw_unpause as *const () as usize {
            return false;
        }
        // SAFETY: by the promise of `from_ucontext`; nothing else refers to the structure, and the
        // record lies apart from what is in `Machine` before it.
        unsafe {
            let machine = self.machine();
            (*machine).regs.copy_from_slice(&context.regs[..31]);
            (*machine).pstate = context.regs[31];
            (*machine).pc = context.iret[0];
            (*machine).sp = context.iret[3];
            if let Some(vectors) = self.vectors().as_mut() {
                vectors.fpsr = context.iret[1] as u32;
                vectors.fpcr = context.iret[2] as u32;
                vectors.registers.copy_from_slice(&context.fx.0);
            }
        }
        true
    }

    /// Sets program counter, stack pointer and frame pointer, and returns those that were there.
    pub(super) fn replace_frame(&self, (pc, sp, fp): (usize, usize, usize)) -> (usize, usize, usize) {
        let before = (self.pc(), self.sp(), self.fp());
        // SAFETY: by the promise of `from_ucontext`; nothing else refers to the structure.
        unsafe {
            let machine = self.machine();
            (*machine).pc = pc as u64;
            (*machine).sp = sp as u64;
            (*machine).regs[FP] = fp as u64;
        }
        before
    }

    /// Makes the thread leave the guest when the handler returns.
    pub(super) fn leave(&self, context: &mut Context) {
        // SAFETY: by the promise of `from_ucontext`; nothing else refers to the structure.
        unsafe {
            let machine = self.machine();
            (*machine).regs[0] = ptr::from_mut(context) as u64;
            (*machine).pc = gw_leave as *const () as u64;
        }
    }
}

/// Calls a handler of three arguments that was there before ours, with `g` where it expects it.
/// `guest` is the context where the stack pointer of the interrupted registers is, or was before
/// [`Registers::replace_frame`], on a guest's stack.
///
/// # Safety
/// The first three arguments are those of a handler that has not returned, and `handler` was
/// installed with SA_SIGINFO for the signal.
pub(super) unsafe fn call_handler(
    handler: usize,
    signal: i32,
    info: *mut c_void,
    ucontext: *mut c_void,
    guest: Option<&Context>,
) {
    // SAFETY: by the caller's promise.
    let interrupted = unsafe { Registers::from_ucontext(ucontext) };
    let g = guest.map_or_else(|| interrupted.register(G) as usize, |context| context.host_g);
    // SAFETY: by the caller's promise; the stub keeps the convention of C.
    unsafe { gw_call_handler(signal, info, ucontext, handler, g) }
}

global_asm!(
    ".text",
    ".p2align 4",
    ".globl gw_call_handler",
    ".hidden gw_call_handler",
    "gw_call_handler:",
    "stp x29, x30, [sp, #-32]!",
    "mov x29, sp",
    "str x28, [sp, #16]",
    "mov x28, x4",
    "blr x3",
    "ldr x28, [sp, #16]",
    "ldp x29, x30, [sp], #32",
    "ret",
);

/// How far above a suspended guest's stack pointer its frame pointer and its return address are,
/// and the end of what leaving has pushed.
pub(super) const SUSPENDED: (usize, usize, usize) = (80, 88, 160);

/// Program counter and frame pointer of a paused guest.
pub(super) const fn paused(context: &Context) -> (usize, usize) {
    (context.iret[0] as usize, context.regs[29] as usize)
}

/// Whether an instruction is one of our stubs. The part of them that enters a guest from C runs on
/// the host's stack, so with a stack pointer in the arena it is one of those that guests call.
pub(super) fn is_stub(pc: usize) -> bool {
    (ptr::addr_of!(gw_stubs_start) as usize..ptr::addr_of!(gw_stubs_end) as usize).contains(&pc)
}
