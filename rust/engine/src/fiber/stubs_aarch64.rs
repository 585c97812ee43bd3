//! The stubs on aarch64: entering, resuming and leaving a guest. All of the swap between the host's
//! stack and the guest's is here and in its Go twin, go/internal/fiber/enter_arm64.s.
//!
//! Sandbox-critical. Rules that every stub keeps, those of the twin for x86-64 and what this
//! architecture adds:
//!
//! - Who enters or resumes stores `host_sp`, `host_bp` and `host_pc` first, and `host_g` where Go
//!   needs it; whoever leaves uses only these.
//! - A suspended guest's stack pointer points to twenty registers: x19..x30, then d8..d15, which is
//!   what a function preserves. So does that of a paused guest, but in the context
//!   (`resume_frame`), with `gw_unpause` as x30: resuming touches no guest stack.
//! - x28 is Go's `g`: Go without cgo finds it there when a signal comes. The image's code does not
//!   use it. The hosted form's does, so that it is saved and restored here.
//! - A signal may come at any instruction. While the program counter is here no pause happens; the
//!   handler sets `pause_requested` instead, and the stubs of runtime functions test it before they
//!   go back to compiled code.
//! - A store to the stack may hit the guard: the handler then leaves with a stack overflow, so
//!   nothing is half done before `gw_save` is.
//! - Nothing but what is in the same image is referred to, by distance; x18 and the thread's
//!   register are not touched.
//! - Between stubs x9 is the context, x10 to x12 are scratch. Leaving: x0 = context. Resuming: x0 =
//!   `runtime_result`, x1 = context.

use super::arena;
use super::clock;
use crate::abi::RuntimeOp;
use crate::abi::context::{Context, EntryMode, Status};
use crate::abi::vmctx::HostFunction;
use crate::trap::TrapCode;
use core::arch::global_asm;
use core::mem::offset_of;

/// Bytes of stack that a runtime function which runs on the fiber may use.
const LEAF_RESERVE: usize = 16 << 10;

global_asm!(
    ".text",
    // Pushes what a function preserves: the frame that suspended guests have, and the callers of
    // gw_enter.
    ".macro gw_save",
    "stp x19, x20, [sp, #-160]!",
    "stp x21, x22, [sp, #16]",
    "stp x23, x24, [sp, #32]",
    "stp x25, x26, [sp, #48]",
    "stp x27, x28, [sp, #64]",
    "stp x29, x30, [sp, #80]",
    "stp d8, d9, [sp, #96]",
    "stp d10, d11, [sp, #112]",
    "stp d12, d13, [sp, #128]",
    "stp d14, d15, [sp, #144]",
    ".endm",
    // Loads it again.
    ".macro gw_restore base",
    "ldp x21, x22, [\\base, #16]",
    "ldp x23, x24, [\\base, #32]",
    "ldp x25, x26, [\\base, #48]",
    "ldp x27, x28, [\\base, #64]",
    "ldp x29, x30, [\\base, #80]",
    "ldp d8, d9, [\\base, #96]",
    "ldp d10, d11, [\\base, #112]",
    "ldp d12, d13, [\\base, #128]",
    "ldp d14, d15, [\\base, #144]",
    "ldp x19, x20, [\\base]",
    ".endm",
    // The context of the guest that runs, in x9; uses x10.
    ".macro gw_context",
    "adrp x10, {slot_mask}",
    "ldr x10, [x10, :lo12:{slot_mask}]",
    "mov x9, sp",
    "and x9, x9, x10",
    "adrp x10, {context_offset}",
    "ldr x10, [x10, :lo12:{context_offset}]",
    "add x9, x9, x10",
    ".endm",
    ".p2align 4",
    ".globl gw_stubs_start",
    ".hidden gw_stubs_start",
    "gw_stubs_start:",

    // uint64_t gw_enter(Context*, limit of the stack, thread): calls the context's function on the
    // guest's stack. What is saved first is the frame that gw_c_left takes down. prepare_c gets the
    // arguments as they are.
    ".p2align 4",
    ".globl gw_enter",
    ".hidden gw_enter",
    "gw_enter:",
    "gw_save",
    "mov x19, x0",
    "bl {prepare_c}",
    "mov w9, w0",
    "mov x0, x19",
    "cbz w9, gw_c_left",
    "adr x9, gw_c_left",
    "str x9, [x0, {host_pc}]",
    "mov x9, sp",
    "str x9, [x0, {host_sp}]",
    "str x29, [x0, {host_bp}]",
    "mov w9, {mode_c}",
    "str w9, [x0, {entry_mode}]",
    "ldr x9, [x0, {stack_top}]",
    "ldr x1, [x0, {entry}]",
    "ldr x2, [x0, {code}]",
    "ldr x3, [x0, {vmctx}]",
    "ldr x4, [x0, {args}]",
    "mov sp, x9",
    "mov x29, xzr", // the chain of frame pointers ends here
    "blr x1",
    "mov x9, {done}",
    "str x9, [x19, {status}]",
    "mov x0, x19",
    "b gw_leave",

    // uint64_t gw_resume(Context*, limit of the stack, thread): continues a suspended or paused
    // guest.
    ".p2align 4",
    ".globl gw_resume",
    ".hidden gw_resume",
    "gw_resume:",
    "gw_save",
    "mov x19, x0",
    "bl {prepare_c}",
    "mov w9, w0",
    "mov x0, x19",
    "cbz w9, gw_c_left",
    "adr x9, gw_c_left",
    "str x9, [x0, {host_pc}]",
    "mov x9, sp",
    "str x9, [x0, {host_sp}]",
    "str x29, [x0, {host_bp}]",
    "mov w9, {mode_c}",
    "str w9, [x0, {entry_mode}]",
    "ldr x9, [x0, {sp}]",
    "mov x1, x0",
    "ldr x0, [x1, {runtime_result}]",
    "add x10, x9, #160",
    "gw_restore x9",
    "mov sp, x10",
    "ret",

    // The continuation of the two above. x0 = context.
    "gw_c_left:",
    "str wzr, [x0, {thread}]",
    "ldr x0, [x0, {status}]",
    "gw_restore sp",
    "add sp, sp, #160",
    "ret",

    // Builtin host_call(callee, slots).
    ".p2align 4",
    ".globl gw_stub_host_call",
    ".hidden gw_stub_host_call",
    "gw_stub_host_call:",
    "gw_save",
    "gw_context",
    "gw_host_call_pushed:",
    "str x0, [x9, {callee}]",
    "str x1, [x9, {slots}]",
    "mov x10, {host_call}",
    "str x10, [x9, {status}]",
    // Leaves with all saved. x9 = context.
    "gw_suspend:",
    "mov x10, sp",
    "str x10, [x9, {sp}]",
    "mov x0, x9",
    // Leaves for good or with all registers in the context. x0 = context. Touches no guest stack.
    ".globl gw_leave",
    ".hidden gw_leave",
    "gw_leave:",
    "ldr x28, [x0, {host_g}]", // before the stack pointer; an entry by C restores its own
    "ldr x10, [x0, {host_sp}]",
    "mov sp, x10",
    "ldr x29, [x0, {host_bp}]",
    "ldr x16, [x0, {host_pc}]",
    "br x16",

    // Builtin c_call(callee, slots): straight to the C function on the host's stack where the entry
    // was by C, else leaves. C functions preserve what compiled code wants preserved, so here the
    // three registers that this stub uses suffice.
    ".p2align 4",
    ".globl gw_stub_c_call",
    ".hidden gw_stub_c_call",
    "gw_stub_c_call:",
    "gw_context",
    "ldr w10, [x9, {entry_mode}]",
    "cmp w10, {mode_c}",
    "b.ne 4f",
    "stp x29, x30, [sp, #-32]!",
    "str x19, [sp, #16]",
    "mov x10, sp",
    "str x10, [x9, {sp}]",
    "mov x19, x9",
    "ldr x10, [x9, {host_sp}]",
    "mov sp, x10",
    "ldr x29, [x9, {host_bp}]",
    "mov x2, x1",
    "ldr x1, [x0, {c_context}]",
    "ldr x11, [x0, {c_adapter}]",
    "ldr x0, [x0, {c_function}]",
    "blr x11",
    "ldr x10, [x19, {sp}]",
    "mov sp, x10",
    "mov x9, x19",
    "ldr x19, [sp, #16]",
    "ldp x29, x30, [sp], #32",
    "ldr w10, [x9, {pause_requested}]",
    "cbnz w10, 5f",
    "ret",
    "4:",
    "gw_save",
    "str x0, [x9, {callee}]",
    "str x1, [x9, {slots}]",
    "mov x10, {c_call}",
    "str x10, [x9, {status}]",
    "b gw_suspend",
    "5:",
    "gw_save",
    // A pause that was asked for meanwhile happens now; otherwise back to the guest. x9 = context,
    // all saved.
    "gw_return_or_pause:",
    "ldr w10, [x9, {pause_requested}]",
    "cbnz w10, 2f",
    "gw_restore sp",
    "add sp, sp, #160",
    "ret",
    "2:",
    "str wzr, [x9, {pause_requested}]",
    "mov x10, {paused}",
    "str x10, [x9, {status}]",
    "ldr x10, [x9, {pauses}]",
    "add x10, x10, #1",
    "str x10, [x9, {pauses}]",
    "b gw_suspend",

    // Builtin c_call_registers(callee, a, b, c, d, slots) -> result: the same for C functions that
    // take at most four integers and any floats in registers, where they are already. The arguments
    // are in the slots, too, for the case that the guest has to leave.
    ".p2align 4",
    ".globl gw_stub_c_call_registers",
    ".hidden gw_stub_c_call_registers",
    "gw_stub_c_call_registers:",
    "gw_context",
    "ldr w10, [x9, {entry_mode}]",
    "cmp w10, {mode_c}",
    "b.ne 6f",
    "stp x29, x30, [sp, #-32]!",
    "str x19, [sp, #16]",
    "mov x10, sp",
    "str x10, [x9, {sp}]",
    "mov x19, x9",
    "ldr x10, [x9, {host_sp}]",
    "mov sp, x10",
    "ldr x29, [x9, {host_bp}]",
    "ldr x11, [x0, {c_function}]",
    "ldr x0, [x0, {c_context}]",
    "blr x11",
    "ldr x10, [x19, {sp}]",
    "mov sp, x10",
    "ldr w10, [x19, {pause_requested}]",
    "cbnz w10, 7f",
    "8:",
    "ldr x19, [sp, #16]",
    "ldp x29, x30, [sp], #32",
    "ret",
    "6:",
    "stp x29, x30, [sp, #-32]!",
    "str x5, [sp, #16]",
    "mov x1, x5",
    "bl gw_stub_c_call", // leaves, and comes back with the result in the slots
    "ldr x5, [sp, #16]",
    "ldp x29, x30, [sp], #32",
    "ldr x0, [x5]",
    "ldr d0, [x5]",
    "ret",
    // A pause was asked for: the result is kept over it.
    "7:",
    "mov x9, x19",
    "str x0, [sp, #-16]!",
    "str d0, [sp, #8]",
    "bl gw_pause_requested",
    "ldr d0, [sp, #8]",
    "ldr x0, [sp], #16",
    "b 8b",
    "gw_pause_requested:",
    "gw_save",
    "b gw_return_or_pause",

    // Builtin throw: as runtime_call, but compiled code's own convention begins with x2.
    ".p2align 4",
    ".globl gw_stub_throw",
    ".hidden gw_stub_throw",
    "gw_stub_throw:",
    "mov x0, x2",
    "mov x1, x3",
    "mov x2, x4",
    "mov x3, x5",
    "mov x4, x6",
    // Builtin runtime_call(op, vmctx, a, b, c) -> u64: the result comes with the resume.
    ".globl gw_stub_runtime_call",
    ".hidden gw_stub_runtime_call",
    "gw_stub_runtime_call:",
    "gw_save",
    "gw_context",
    "str x0, [x9, {runtime_op}]",
    "str x1, [x9, {runtime_args}]",
    "str x2, [x9, {runtime_args} + 8]",
    "str x3, [x9, {runtime_args} + 16]",
    "str x4, [x9, {runtime_args} + 24]",
    "mov x10, {runtime_call}",
    "str x10, [x9, {status}]",
    "b gw_suspend",

    // What the gates of modules lead to whose functions are compiled when they are called: w17 =
    // number of the function, x9 = owner of the stubs, all else as the function is called. Keeps
    // what can be an argument (the first integers and floats, vectors whole), leaves for the
    // function's code, and goes there.
    ".p2align 4",
    ".globl gw_stub_compile",
    ".hidden gw_stub_compile",
    "gw_stub_compile:",
    "stp x29, x30, [sp, #-224]!",
    "mov x29, sp",
    "stp x0, x1, [sp, #16]",
    "stp x2, x3, [sp, #32]",
    "stp x4, x5, [sp, #48]",
    "stp x6, x7, [sp, #64]",
    "str x8, [sp, #80]",
    "stp q0, q1, [sp, #96]",
    "stp q2, q3, [sp, #128]",
    "stp q4, q5, [sp, #160]",
    "stp q6, q7, [sp, #192]",
    "mov x0, {compile}",
    "mov x1, x9",
    "mov w2, w17",
    "mov x3, xzr",
    "mov x4, xzr",
    "bl gw_stub_runtime_call",
    "mov x16, x0",
    "ldp x0, x1, [sp, #16]",
    "ldp x2, x3, [sp, #32]",
    "ldp x4, x5, [sp, #48]",
    "ldp x6, x7, [sp, #64]",
    "ldr x8, [sp, #80]",
    "ldp q0, q1, [sp, #96]",
    "ldp q2, q3, [sp, #128]",
    "ldp q4, q5, [sp, #160]",
    "ldp q6, q7, [sp, #192]",
    "ldp x29, x30, [sp], #224",
    // 0, or what a failed runtime function answers: no address.
    "add x17, x16, #1",
    "cmp x17, #1",
    "b.ls 9f",
    "br x16",
    "9:",
    "gw_context",
    "mov x10, {not_compiled}",
    "str x10, [x9, {trap_code}]",
    "b gw_trap_of_caller",

    // Builtins memory_move(dst, src, length) and memory_fill(dst, value, length): leaf functions on
    // the guest's stack, if there is enough of it.
    ".p2align 4",
    ".globl gw_stub_memory_move",
    ".hidden gw_stub_memory_move",
    "gw_stub_memory_move:",
    "adrp x11, {leaf_move}",
    "add x11, x11, :lo12:{leaf_move}",
    "b gw_leaf",
    ".p2align 4",
    ".globl gw_stub_memory_fill",
    ".hidden gw_stub_memory_fill",
    "gw_stub_memory_fill:",
    "adrp x11, {leaf_fill}",
    "add x11, x11, :lo12:{leaf_fill}",
    "gw_leaf:",
    "gw_context",
    "ldr x12, [x9, {stack_low}]",
    "mov x10, sp",
    "sub x10, x10, x12",
    "mov x12, {leaf_reserve}",
    "cmp x10, x12",
    "b.lo 3f",
    "gw_save",
    "mov x19, x9",
    "blr x11",
    "mov x9, x19",
    "b gw_return_or_pause",
    // Too little stack: a trap of the caller.
    "3:",
    "mov x10, {stack_overflow}",
    "str x10, [x9, {trap_code}]",
    "gw_trap_of_caller:",
    "mov x10, {trap}",
    "str x10, [x9, {status}]",
    "sub x10, x30, #1",
    "str x10, [x9, {trap_pc}]",
    "str x29, [x9, {trap_fp}]",
    "mov x0, x9",
    "b gw_leave",

    // Builtin host_call of `clock_time_get` where the engine implements it: reads the clock on the
    // guest's stack. What it cannot do, for want of stack or because the host has to say what is
    // wrong, is an ordinary host call.
    ".p2align 4",
    ".globl gw_stub_clock_call",
    ".hidden gw_stub_clock_call",
    "gw_stub_clock_call:",
    "gw_context",
    "ldr x12, [x9, {stack_low}]",
    "mov x10, sp",
    "sub x10, x10, x12",
    "mov x12, {leaf_reserve}",
    "cmp x10, x12",
    "b.lo gw_stub_host_call",
    "gw_save",
    "mov x19, x9",
    "mov x20, x0",
    "mov x21, x1",
    "bl {leaf_clock}",
    "mov w10, w0",
    "mov x9, x19",
    "cbnz w10, gw_return_or_pause",
    "mov x0, x20",
    "mov x1, x21",
    "b gw_host_call_pushed",

    // A resumed pause arrives here, with the stack pointer in the context: `udf` faults, and the
    // handler restores everything at once (`Registers::restore_pause`).
    ".p2align 4",
    ".globl gw_unpause",
    ".hidden gw_unpause",
    "gw_unpause:",
    "udf #0",
    ".globl gw_stubs_end",
    ".hidden gw_stubs_end",
    "gw_stubs_end:",
    prepare_c = sym super::c_entry::prepare_c,
    leaf_move = sym leaf_move,
    leaf_fill = sym leaf_fill,
    leaf_clock = sym clock::leaf_clock,
    slot_mask = sym arena::GW_SLOT_MASK,
    context_offset = sym arena::GW_CONTEXT_OFFSET,
    leaf_reserve = const LEAF_RESERVE,
    mode_c = const EntryMode::C as u32,
    done = const Status::Done as u64,
    host_call = const Status::HostCall as u64,
    c_call = const Status::CCall as u64,
    runtime_call = const Status::RuntimeCall as u64,
    trap = const Status::Trap as u64,
    paused = const Status::Paused as u64,
    stack_overflow = const TrapCode::StackOverflow as u64,
    not_compiled = const TrapCode::NotCompiled as u64,
    compile = const RuntimeOp::Compile as u64,
    c_function = const offset_of!(HostFunction, c_function),
    c_context = const offset_of!(HostFunction, c_context),
    c_adapter = const offset_of!(HostFunction, c_adapter),
    sp = const offset_of!(Context, sp),
    status = const offset_of!(Context, status),
    host_sp = const offset_of!(Context, host_sp),
    host_pc = const offset_of!(Context, host_pc),
    host_bp = const offset_of!(Context, host_bp),
    host_g = const offset_of!(Context, host_g),
    entry = const offset_of!(Context, entry),
    code = const offset_of!(Context, code),
    vmctx = const offset_of!(Context, vmctx),
    args = const offset_of!(Context, args),
    stack_top = const offset_of!(Context, stack_top),
    stack_low = const offset_of!(Context, stack_low),
    callee = const offset_of!(Context, callee),
    slots = const offset_of!(Context, slots),
    runtime_op = const offset_of!(Context, runtime_op),
    runtime_args = const offset_of!(Context, runtime_args),
    runtime_result = const offset_of!(Context, runtime_result),
    trap_code = const offset_of!(Context, trap_code),
    trap_pc = const offset_of!(Context, trap_pc),
    trap_fp = const offset_of!(Context, trap_fp),
    entry_mode = const offset_of!(Context, entry_mode),
    pause_requested = const offset_of!(Context, pause_requested),
    thread = const offset_of!(Context, thread),
    pauses = const offset_of!(Context, pauses),
);

/// Copies at most `BULK_CHUNK` bytes, also overlapping.
unsafe extern "C" fn leaf_move(dst: *mut u8, src: *const u8, length: usize) {
    // SAFETY: compiled code has checked both ranges against their memory or segment.
    unsafe { core::ptr::copy(src, dst, length) }
}

/// Fills at most `BULK_CHUNK` bytes.
unsafe extern "C" fn leaf_fill(dst: *mut u8, value: u64, length: usize) {
    // SAFETY: compiled code has checked the range against its memory.
    unsafe { core::ptr::write_bytes(dst, value as u8, length) }
}

/// Runs the leaf functions once, so that no dynamic linking is left to do on a guest's stack.
pub(super) fn bind_leaf_functions() {
    let (mut a, b) = ([1u8; 64], [2u8; 64]);
    let length = core::hint::black_box(a.len());
    // SAFETY: the ranges are those of the two arrays.
    unsafe {
        leaf_move(a.as_mut_ptr(), b.as_ptr(), length);
        leaf_fill(a.as_mut_ptr(), 3, length);
    }
    core::hint::black_box(&a);
    clock::bind();
}
