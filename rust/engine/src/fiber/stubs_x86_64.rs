//! The stubs on x86-64: entering, resuming and leaving a guest. All of the swap between the host's
//! stack and the guest's is here and in its Go twin, go/internal/fiber/enter_amd64.s.
//!
//! Sandbox-critical. Rules that every stub keeps:
//!
//! - Who enters or resumes stores `host_sp`, `host_bp` and `host_pc` first; whoever leaves uses
//!   only these.
//! - A suspended guest's stack pointer points to six registers (r15 r14 r13 r12 rbx rbp) and a
//!   return address. So does that of a paused guest, but in the context (`resume_frame`), with
//!   `gw_unpause` as the address: resuming touches no guest stack.
//! - A signal may come at any instruction. While the program counter is here no pause happens; the
//!   handler sets `pause_requested` instead, and the stubs of runtime functions test it before they
//!   go back to compiled code.
//! - A push may hit the guard: the handler then leaves with a stack overflow, so nothing is half
//!   done before the last push.

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
    ".p2align 4",
    ".globl gw_stubs_start",
    ".hidden gw_stubs_start",
    "gw_stubs_start:",

    // uint64_t gw_enter(Context*, limit of the stack, thread): calls the context's function on the
    // guest's stack. The first six pushes and the slot for alignment are the frame that gw_c_left
    // takes down. prepare_c gets the arguments as they are.
    ".p2align 4",
    ".globl gw_enter",
    "gw_enter:",
    "push rbp", "push rbx", "push r12", "push r13", "push r14", "push r15", "sub rsp, 8",
    "mov rbx, rdi",
    "call {prepare_c}",
    "mov rdi, rbx",
    "test eax, eax",
    "jz gw_c_left",
    "lea rax, [rip + gw_c_left]",
    "mov [rdi + {host_pc}], rax",
    "mov [rdi + {host_sp}], rsp",
    "mov [rdi + {host_bp}], rbp",
    "mov dword ptr [rdi + {entry_mode}], {mode_c}",
    "mov rsp, [rdi + {stack_top}]",
    "mov rax, [rbx + {entry}]",
    "mov rdi, [rbx + {code}]",
    "mov rsi, [rbx + {vmctx}]",
    "mov rdx, [rbx + {args}]",
    "xor ebp, ebp", // the chain of frame pointers ends here
    "call rax",
    "mov qword ptr [rbx + {status}], {done}",
    "mov rdi, rbx",
    "jmp gw_leave",

    // uint64_t gw_resume(Context*, limit of the stack, thread): continues a suspended or paused
    // guest.
    ".p2align 4",
    ".globl gw_resume",
    "gw_resume:",
    "push rbp", "push rbx", "push r12", "push r13", "push r14", "push r15", "sub rsp, 8",
    "mov rbx, rdi",
    "call {prepare_c}",
    "mov rdi, rbx",
    "test eax, eax",
    "jz gw_c_left",
    "lea rax, [rip + gw_c_left]",
    "mov [rdi + {host_pc}], rax",
    "mov [rdi + {host_sp}], rsp",
    "mov [rdi + {host_bp}], rbp",
    "mov dword ptr [rdi + {entry_mode}], {mode_c}",
    "mov rsp, [rdi + {sp}]",
    "mov rax, [rdi + {runtime_result}]",
    "pop r15", "pop r14", "pop r13", "pop r12", "pop rbx", "pop rbp", "pop r11",
    "jmp r11",

    // The continuation of the two above. rdi = context.
    "gw_c_left:",
    "mov dword ptr [rdi + {thread}], 0",
    "mov rax, [rdi + {status}]",
    "add rsp, 8",
    "pop r15", "pop r14", "pop r13", "pop r12", "pop rbx", "pop rbp",
    "ret",

    // Builtin host_call(callee, slots).
    ".p2align 4",
    ".globl gw_stub_host_call",
    ".hidden gw_stub_host_call",
    "gw_stub_host_call:",
    "push rbp", "push rbx", "push r12", "push r13", "push r14", "push r15",
    "mov rax, rsp",
    "and rax, [rip + {slot_mask}]",
    "add rax, [rip + {context_offset}]",
    "gw_host_call_pushed:",
    "mov [rax + {callee}], rdi",
    "mov [rax + {slots}], rsi",
    "mov qword ptr [rax + {status}], {host_call}",
    // Leaves with six registers pushed. rax = context.
    "gw_suspend:",
    "mov [rax + {sp}], rsp",
    "mov rdi, rax",
    // Leaves for good or with all registers in the context. rdi = context. Touches no guest stack.
    ".globl gw_leave",
    ".hidden gw_leave",
    "gw_leave:",
    "mov rsp, [rdi + {host_sp}]",
    "mov rbp, [rdi + {host_bp}]",
    "jmp [rdi + {host_pc}]",

    // Builtin c_call(callee, slots): straight to the C function on the host's stack where the entry
    // was by C, else leaves. What the guest needs afterwards is on its stack already
    // (`CallConv::Tail` preserves no register), and the C function preserves the others, so here
    // the two that this stub uses suffice.
    ".p2align 4",
    ".globl gw_stub_c_call",
    ".hidden gw_stub_c_call",
    "gw_stub_c_call:",
    "mov rax, rsp",
    "and rax, [rip + {slot_mask}]",
    "add rax, [rip + {context_offset}]",
    "cmp dword ptr [rax + {entry_mode}], {mode_c}",
    "jne 4f",
    "push rbp", "push rbx",
    "mov [rax + {sp}], rsp",
    "mov rbx, rax",
    "mov rsp, [rax + {host_sp}]", // 16-byte aligned: see the pushes of gw_enter
    "mov rbp, [rax + {host_bp}]",
    "mov rdx, rsi",
    "mov rsi, [rdi + {c_context}]",
    "mov rax, [rdi + {c_adapter}]",
    "mov rdi, [rdi + {c_function}]",
    "call rax",
    "mov rax, rbx",
    "mov rsp, [rbx + {sp}]",
    "pop rbx", "pop rbp",
    "cmp dword ptr [rax + {pause_requested}], 0",
    "jne 5f",
    "ret",
    "4: push rbp", "push rbx", "push r12", "push r13", "push r14", "push r15",
    "mov [rax + {callee}], rdi",
    "mov [rax + {slots}], rsi",
    "mov qword ptr [rax + {status}], {c_call}",
    "jmp gw_suspend",
    "5: push rbp", "push rbx", "push r12", "push r13", "push r14", "push r15",
    // A pause that was asked for meanwhile happens now; otherwise back to the guest. rax = context,
    // six registers pushed.
    "gw_return_or_pause:",
    "cmp dword ptr [rax + {pause_requested}], 0",
    "jne 2f",
    "pop r15", "pop r14", "pop r13", "pop r12", "pop rbx", "pop rbp",
    "ret",
    "2: mov dword ptr [rax + {pause_requested}], 0",
    "mov qword ptr [rax + {status}], {paused}",
    "add qword ptr [rax + {pauses}], 1",
    "jmp gw_suspend",

    // Builtin c_call_registers(callee, a, b, c, d, slots) -> result: the same for C functions that
    // take at most four integers and any floats in registers, where they are already. The arguments
    // are in the slots, too, for the case that the guest has to leave.
    ".p2align 4",
    ".globl gw_stub_c_call_registers",
    ".hidden gw_stub_c_call_registers",
    "gw_stub_c_call_registers:",
    "mov rax, rsp",
    "and rax, [rip + {slot_mask}]",
    "add rax, [rip + {context_offset}]",
    "cmp dword ptr [rax + {entry_mode}], {mode_c}",
    "jne 6f",
    "push rbp", "push rbx",
    "mov [rax + {sp}], rsp",
    "mov rbx, rax",
    "mov r11, rdi",
    "mov rsp, [rax + {host_sp}]",
    "mov rbp, [rax + {host_bp}]",
    "mov rdi, [r11 + {c_context}]",
    "call [r11 + {c_function}]",
    "mov rsp, [rbx + {sp}]",
    "cmp dword ptr [rbx + {pause_requested}], 0",
    "jne 7f",
    "pop rbx", "pop rbp",
    "ret",
    "6: push r9",
    "mov rsi, r9",
    "call gw_stub_c_call", // leaves, and comes back with the result in the slots
    "pop r9",
    "mov rax, [r9]",
    "movsd xmm0, [r9]",
    "ret",
    // A pause was asked for: the result is kept over it.
    "7: sub rsp, 16",
    "mov [rsp], rax",
    "movsd [rsp + 8], xmm0",
    "mov rax, rbx",
    "call gw_pause_requested",
    "mov rax, [rsp]",
    "movsd xmm0, [rsp + 8]",
    "add rsp, 16",
    "pop rbx", "pop rbp",
    "ret",
    "gw_pause_requested:",
    "push rbp", "push rbx", "push r12", "push r13", "push r14", "push r15",
    "jmp gw_return_or_pause",

    // Builtin runtime_call(op, vmctx, a, b, c) -> u64: the result comes with the resume.
    ".p2align 4",
    ".globl gw_stub_runtime_call",
    ".hidden gw_stub_runtime_call",
    "gw_stub_runtime_call:",
    // Builtin throw: the same; both conventions pass numbers in the same registers.
    ".globl gw_stub_throw",
    ".hidden gw_stub_throw",
    "gw_stub_throw:",
    "push rbp", "push rbx", "push r12", "push r13", "push r14", "push r15",
    "mov rax, rsp",
    "and rax, [rip + {slot_mask}]",
    "add rax, [rip + {context_offset}]",
    "mov [rax + {runtime_op}], rdi",
    "mov [rax + {runtime_args}], rsi",
    "mov [rax + {runtime_args} + 8], rdx",
    "mov [rax + {runtime_args} + 16], rcx",
    "mov [rax + {runtime_args} + 24], r8",
    "mov qword ptr [rax + {status}], {runtime_call}",
    "jmp gw_suspend",

    // What the gates of modules lead to whose functions are compiled when they are called: eax =
    // number of the function, r11 = owner of the stubs, all else as the function is called. Keeps
    // what can be an argument (the first integers and floats, vectors whole), leaves for the
    // function's code, and goes there.
    ".p2align 4",
    ".globl gw_stub_compile",
    ".hidden gw_stub_compile",
    "gw_stub_compile:",
    "push rbp",
    "mov rbp, rsp",
    "sub rsp, 176",
    "movups [rsp], xmm0", "movups [rsp + 16], xmm1", "movups [rsp + 32], xmm2", "movups [rsp + 48], xmm3",
    "movups [rsp + 64], xmm4", "movups [rsp + 80], xmm5", "movups [rsp + 96], xmm6", "movups [rsp + 112], xmm7",
    "mov [rsp + 128], rdi", "mov [rsp + 136], rsi", "mov [rsp + 144], rdx", "mov [rsp + 152], rcx",
    "mov [rsp + 160], r8", "mov [rsp + 168], r9",
    "mov edi, {compile}",
    "mov rsi, r11",
    "mov edx, eax",
    "xor ecx, ecx",
    "xor r8d, r8d",
    "call gw_stub_runtime_call",
    "movups xmm0, [rsp]", "movups xmm1, [rsp + 16]", "movups xmm2, [rsp + 32]", "movups xmm3, [rsp + 48]",
    "movups xmm4, [rsp + 64]", "movups xmm5, [rsp + 80]", "movups xmm6, [rsp + 96]", "movups xmm7, [rsp + 112]",
    "mov rdi, [rsp + 128]", "mov rsi, [rsp + 136]", "mov rdx, [rsp + 144]", "mov rcx, [rsp + 152]",
    "mov r8, [rsp + 160]", "mov r9, [rsp + 168]",
    "mov rsp, rbp",
    "pop rbp",
    // 0, or what a failed runtime function answers: no address.
    "lea r11, [rax + 1]",
    "cmp r11, 1",
    "jbe 9f",
    "jmp rax",
    "9: mov rax, rsp",
    "and rax, [rip + {slot_mask}]",
    "add rax, [rip + {context_offset}]",
    "mov qword ptr [rax + {trap_code}], {not_compiled}",
    "jmp gw_trap_of_caller",

    // Builtins memory_move(dst, src, length) and memory_fill(dst, value, length): leaf functions on
    // the guest's stack, if there is enough of it.
    ".p2align 4",
    ".globl gw_stub_memory_move",
    ".hidden gw_stub_memory_move",
    "gw_stub_memory_move:",
    "lea r11, [rip + {leaf_move}]",
    "jmp gw_leaf",
    ".p2align 4",
    ".globl gw_stub_memory_fill",
    ".hidden gw_stub_memory_fill",
    "gw_stub_memory_fill:",
    "lea r11, [rip + {leaf_fill}]",
    "gw_leaf:",
    "mov rax, rsp",
    "and rax, [rip + {slot_mask}]",
    "add rax, [rip + {context_offset}]",
    "mov r10, rsp",
    "sub r10, [rax + {stack_low}]",
    "cmp r10, {leaf_reserve}",
    "jb 3f",
    "push rbp", "push rbx", "push r12", "push r13", "push r14", "push r15",
    "mov rbx, rax",
    "sub rsp, 8", // a call's return address and seven words: aligned to 16 bytes
    "call r11",
    "add rsp, 8",
    "mov rax, rbx",
    "jmp gw_return_or_pause",
    // Too little stack: a trap of the caller.
    "3: mov qword ptr [rax + {trap_code}], {stack_overflow}",
    "gw_trap_of_caller:",
    "mov qword ptr [rax + {status}], {trap}",
    "mov r10, [rsp]",
    "sub r10, 1",
    "mov [rax + {trap_pc}], r10",
    "mov [rax + {trap_fp}], rbp",
    "mov rdi, rax",
    "jmp gw_leave",

    // Builtin host_call of the intrinsic clock_read: reads the clock on the guest's stack. What it
    // cannot do, for want of stack or because the host has to say what is wrong, is an ordinary
    // host call.
    ".p2align 4",
    ".globl gw_stub_clock_call",
    ".hidden gw_stub_clock_call",
    "gw_stub_clock_call:",
    "mov rax, rsp",
    "and rax, [rip + {slot_mask}]",
    "add rax, [rip + {context_offset}]",
    "mov r10, rsp",
    "sub r10, [rax + {stack_low}]",
    "cmp r10, {leaf_reserve}",
    "jb gw_stub_host_call",
    "push rbp", "push rbx", "push r12", "push r13", "push r14", "push r15",
    "mov rbx, rax",
    "mov r12, rdi",
    "mov r13, rsi",
    "sub rsp, 8",
    "call {leaf_clock}",
    "add rsp, 8",
    "test eax, eax",
    "mov rax, rbx",
    "jnz gw_return_or_pause",
    "mov rdi, r12",
    "mov rsi, r13",
    "jmp gw_host_call_pushed",

    // A resumed pause arrives here, rdi = context, rsp in the context: restores everything at once.
    ".p2align 4",
    ".globl gw_unpause",
    ".hidden gw_unpause",
    "gw_unpause:",
    "fxrstor64 [rdi + {fx}]",
    "lea rsp, [rdi + {iret}]",
    "mov r8, [rdi + {regs}]",
    "mov r9, [rdi + {regs} + 8]",
    "mov r10, [rdi + {regs} + 16]",
    "mov r11, [rdi + {regs} + 24]",
    "mov r12, [rdi + {regs} + 32]",
    "mov r13, [rdi + {regs} + 40]",
    "mov r14, [rdi + {regs} + 48]",
    "mov r15, [rdi + {regs} + 56]",
    "mov rsi, [rdi + {regs} + 72]",
    "mov rbp, [rdi + {regs} + 80]",
    "mov rbx, [rdi + {regs} + 88]",
    "mov rdx, [rdi + {regs} + 96]",
    "mov rax, [rdi + {regs} + 104]",
    "mov rcx, [rdi + {regs} + 112]",
    "mov rdi, [rdi + {regs} + 64]",
    "iretq",

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
    regs = const offset_of!(Context, regs),
    iret = const offset_of!(Context, iret),
    fx = const offset_of!(Context, fx),
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
