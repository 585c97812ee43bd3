//! The context block at the top of every fiber's slot: what Go, the stubs and the signal handler
//! share.
//!
//! Written once here. The assembly of both languages and the Go package `internal/fiber` use
//! offsets that are taken from here (`rust/header`).

use crate::abi::vmctx::HostFunction;
use core::mem::offset_of;
use core::sync::atomic::{AtomicPtr, AtomicU32};

/// Bytes between the context's first byte and the end of its slot.
pub const CONTEXT_SIZE: usize = 2048;

/// What the guest side answers when control is back on the host side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Status {
    /// The function has returned; results are in the argument slots.
    Done = 0,
    /// A host function is wanted: `callee` and `slots` say which and where its arguments are.
    HostCall = 1,
    /// A C function pointer is wanted, reached under assembly entry: make a real cgo call of
    /// `gw_c_call`, then resume.
    CCall = 2,
    /// A runtime function that needs real stack is wanted: call `gw_runtime_call`, then resume.
    RuntimeCall = 3,
    /// The guest has trapped: `trap_code`, `trap_pc`, `trap_fp`.
    Trap = 4,
    /// The guest was paused by a signal; resume, or give it up.
    Paused = 5,
    /// On a stack of the engine's own: its function has panicked.
    Died = 6,
}

/// How the running guest was entered or resumed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum EntryMode {
    /// By Go assembly: no C function may be called directly.
    Assembly = 0,
    /// By the C twin, from cgo or from Rust.
    C = 1,
}

/// The context. Fields used by assembly come first; all offsets are generated, none is written by
/// hand.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct Context {
    /// Guest stack pointer while suspended or paused.
    pub sp: usize,
    /// Why control is on the host side (`Status`).
    pub status: u64,
    /// Host stack pointer to leave to, stored by whoever enters or resumes...
    pub host_sp: usize,
    /// ...the continuation to leave by...
    pub host_pc: usize,
    /// ...and the host's frame pointer.
    pub host_bp: usize,
    /// Array-style entry trampoline of the callee's type.
    pub entry: usize,
    /// First argument of `entry`: the callee's code.
    pub code: usize,
    /// Second argument of `entry`: the callee's vmctx.
    pub vmctx: usize,
    /// Third argument of `entry`: the slots of arguments and results. They lie right below the
    /// context.
    pub args: usize,
    /// Stack pointer to enter with: 16-byte aligned, at most `args`.
    pub stack_top: usize,
    /// Lowest address of the slot's usable stack, just above the guard.
    pub stack_low: usize,
    /// Record of the host function that is wanted.
    pub callee: *const HostFunction,
    /// Its slots: arguments in, results out.
    pub slots: *mut u64,
    /// Number of the runtime function that is wanted (`RuntimeOp`).
    pub runtime_op: u64,
    /// Its arguments: the vmctx and up to three numbers.
    pub runtime_args: [u64; 4],
    /// Its result.
    pub runtime_result: u64,
    /// Why the guest was stopped (`TrapCode`), in `Status::Trap`.
    pub trap_code: u64,
    /// Instruction that trapped.
    pub trap_pc: usize,
    /// Frame pointer there.
    pub trap_fp: usize,
    /// The address that it could not access, where a fault was the trap. Whoever reads it sets it
    /// to 0.
    pub trap_address: usize,
    /// The exception that nothing has caught, where that was the trap, 0 otherwise. Whoever reads
    /// it sets it to 0.
    pub exception: u64,
    /// Not 0: so many exceptions were referred to that a collection would be worth while.
    pub collect: u32,
    /// What Go's assembly had in the register of its `g` (aarch64: x28) when it entered or resumed
    /// the guest, which in the hosted form uses that register like any other: whoever leaves, and
    /// whoever hands a signal to Go meanwhile, puts it back.
    pub host_g: usize,
    /// `EntryMode` of the last enter or resume.
    pub entry_mode: AtomicU32,
    /// Set by the signal handler when a pause was wanted where none is possible.
    pub pause_requested: AtomicU32,
    /// Store of the running call, for the signal handler's check of addresses.
    pub store: AtomicPtr<()>,
    /// Thread of an entry by C, 0 otherwise: where a pause signal must be sent.
    pub thread: AtomicU32,
    /// Index of the slot in the arena.
    pub slot: u32,
    /// How often the guest was paused, for tests and statistics.
    pub pauses: u64,
    /// What resuming a pause pops. x86-64: six registers and the address of the unpause stub;
    /// aarch64: twenty, one of which that address.
    pub resume_frame: [u64; 20],
    /// Registers of a pause. x86-64: r8..r15, rdi, rsi, rbp, rbx, rdx, rax, rcx (the order of
    /// `gregs`); aarch64: x0..x30, pstate.
    pub regs: [u64; 32],
    /// Where a pause continues. x86-64: the frame of `iretq`, which is rip, cs, rflags, rsp, ss;
    /// aarch64: pc, fpsr, fpcr, sp.
    pub iret: [u64; 6],
    /// The vector registers of a pause, all that compiled code uses. x86-64: xmm0-15 and mxcsr in
    /// the layout of FXSAVE; aarch64: v0-v31.
    pub fx: FxArea,
}

/// The vector registers as the processor or the kernel stores them.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct FxArea(pub [u8; 512]);

const _: () = assert!(size_of::<Context>() <= CONTEXT_SIZE);
const _: () = assert!(offset_of!(Context, fx).is_multiple_of(16), "FXSAVE needs 16-byte alignment");
