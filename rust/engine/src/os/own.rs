//! The engine's own stacks: where its functions run when Go calls them, entered like guests. The
//! layout of a slot is in `abi/head.rs`.
//!
//! A slot is found from the stack pointer by masking, so that it takes the place of thread-local
//! storage: the head says which heap allocations come from, whether the entry may be paused, and
//! what is wanted of Go.
//!
//! Sandbox-critical: the signal handler trusts [`stack_of`]. A status is written in the stubs below
//! only, which are never paused: a pause between writing and leaving would lose it.

use crate::abi::context::{CONTEXT_SIZE, Context, Status};
use crate::abi::head::{HEAD_SIZE, Head, STACK_SIZE, Service, TEXT_SIZE};
use core::arch::global_asm;
use core::mem::offset_of;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering, compiler_fence};

const CONTEXT_OFFSET: usize = STACK_SIZE - CONTEXT_SIZE;

static LOW: AtomicUsize = AtomicUsize::new(0);
static HIGH: AtomicUsize = AtomicUsize::new(0);

/// Notes where the stacks are.
///
/// # Safety
/// The range consists of slots.
pub unsafe fn set_stacks(low: usize, high: usize) {
    LOW.store(low, Ordering::Release);
    HIGH.store(high, Ordering::Release);
}

/// How the heap of some work is given back, which the allocator knows.
static RELEASE_HEAP: AtomicUsize = AtomicUsize::new(0);

/// Notes how the heap of some work is given back.
///
/// # Safety
/// The function does that for the root of a heap that nobody uses any more.
pub unsafe fn set_heap_release(release: unsafe extern "C" fn(*mut usize)) {
    RELEASE_HEAP.store(release as *const () as usize, Ordering::Release);
}

/// Gives the heap of some work back, by its root.
///
/// # Safety
/// Nobody uses it any more.
pub unsafe fn release_heap(root: usize) {
    let release = RELEASE_HEAP.load(Ordering::Acquire);
    if release != 0 {
        let mut root = root;
        // SAFETY: what is not 0 is the function that was noted; the caller's promise.
        unsafe { core::mem::transmute::<usize, unsafe extern "C" fn(*mut usize)>(release)(&raw mut root) };
    }
}

unsafe extern "C" {
    fn gw_service();
    fn gw_died() -> !;
    safe static gw_own_start: u8;
    safe static gw_own_end: u8;
}

/// An own stack, as the signal handler finds it.
#[derive(Clone, Copy, Debug)]
pub struct Stack {
    /// Lowest address of the slot, where the guard begins.
    pub low: usize,
    /// Its context.
    pub context: *mut Context,
    /// Its head.
    pub head: *mut Head,
}

/// The own stack that an address lies in. Safe in a signal handler.
#[must_use]
pub fn stack_of(address: usize) -> Option<Stack> {
    if address < LOW.load(Ordering::Acquire) || address >= HIGH.load(Ordering::Acquire) {
        return None;
    }
    let low = address & !(STACK_SIZE - 1);
    let context = low + CONTEXT_OFFSET;
    Some(Stack { low, context: context as *mut Context, head: (context - HEAD_SIZE) as *mut Head })
}

/// Whether an instruction is one of the stubs below. Safe in a signal handler.
#[must_use]
pub fn is_stub(pc: usize) -> bool {
    (&raw const gw_own_start as usize..&raw const gw_own_end as usize).contains(&pc)
}

/// The head of the stack that this runs on.
#[inline(always)]
#[allow(clippy::inline_always)] // on the way of every allocation
#[must_use]
pub fn head() -> *mut Head {
    let here = 0_u8;
    let address = (&raw const here).addr();
    if address < LOW.load(Ordering::Relaxed) || address >= HIGH.load(Ordering::Relaxed) {
        foreign_stack()
    }
    ((address & !(STACK_SIZE - 1)) + CONTEXT_OFFSET - HEAD_SIZE) as *mut Head
}

#[cold]
fn foreign_stack() -> ! {
    super::complain(
        b"gowasmer: fatal: a function of the engine runs on a foreign stack; this is a bug of the engine\n",
    );
    super::abort()
}

/// While it lives, the entry that runs is not paused: a signal that wanted to comes again.
#[derive(Debug)]
pub struct Unpaused {
    head: *mut Head,
    before: u64,
}

impl Unpaused {
    /// Puts pauses off.
    #[must_use]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        let head = head();
        // SAFETY: as in `leave_for`; the signal handler reads it on this thread.
        let before = unsafe { (&raw mut (*head).pausable).replace(0) };
        compiler_fence(Ordering::SeqCst);
        Self { head, before }
    }
}

impl Drop for Unpaused {
    fn drop(&mut self) {
        compiler_fence(Ordering::SeqCst);
        // SAFETY: as in `new`.
        unsafe { (&raw mut (*self.head).pausable).write_volatile(self.before) };
    }
}

/// What lives as long as the process must not be made on the heap of some work.
pub fn assert_shared_heap() {
    // SAFETY: the head of the own stack; Go writes it only while nothing runs there.
    let heap = unsafe { (*head()).heap };
    assert!(heap == 0, "a value for the life of the process is made on a transient heap");
}

/// Leaves for Go to do something; returns its result and the number of the error or 0.
#[allow(clippy::must_use_candidate)] // some services have no result
pub fn leave_for(service: Service, arguments: &[u64]) -> (u64, u64) {
    let head = head();
    // SAFETY: the head of the own stack, which nobody else uses while this runs; Go has written the
    // result when the stub comes back.
    unsafe {
        (&raw mut (*head).service).write_volatile(service as u64);
        for (place, argument) in (0..6).zip(arguments) {
            (&raw mut (*head).service_arguments[place]).write_volatile(*argument);
        }
        gw_service();
        let result = (&raw const (*head).service_result).read_volatile();
        (result[0], result[1])
    }
}

/// Lets other goroutines run.
pub fn yield_now() {
    leave_for(Service::Yield, &[]);
}

/// Lists a lock that is held from now on.
pub(crate) fn hold(lock: &AtomicU32) {
    let address = core::ptr::from_ref(lock).addr() as u64;
    // SAFETY: as in `leave_for`.
    let (held, pausable) = unsafe { (&mut (*head()).held, (*head()).pausable) };
    assert!(pausable == 0, "an entry that may be paused takes a lock");
    let place = held[..HEAP_LOCK].iter_mut().find(|place| **place == 0);
    *place.expect("no entry holds more than seven locks") = address;
}

/// The place of the lock of the shared heap.
const HEAP_LOCK: usize = 7;

/// Takes the lock of the shared heap for the entry whose head this is.
///
/// # Safety
/// The head is that of the stack that this runs on, and the lock is not held by it.
#[inline]
pub unsafe fn lock_heap(head: *mut Head, lock: &AtomicU32) {
    let mut spins = 0;
    while lock.compare_exchange_weak(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
        spins += 1;
        if spins < 100 { core::hint::spin_loop() } else { yield_now() }
    }
    // SAFETY: by the caller's promise.
    unsafe { (&raw mut (*head).held[HEAP_LOCK]).write_volatile(core::ptr::from_ref(lock).addr() as u64) };
}

/// Releases it.
///
/// # Safety
/// By the entry that has taken it.
#[inline]
pub unsafe fn unlock_heap(head: *mut Head, lock: &AtomicU32) {
    // SAFETY: by the caller's promise.
    unsafe { (&raw mut (*head).held[HEAP_LOCK]).write_volatile(0) };
    lock.store(0, Ordering::Release);
}

/// Strikes a lock from the list, before it is released.
pub(crate) fn let_go(lock: &AtomicU32) {
    let address = core::ptr::from_ref(lock).addr() as u64;
    // SAFETY: as in `leave_for`.
    let held = unsafe { &mut (*head()).held };
    if let Some(place) = held.iter_mut().find(|place| **place == address) {
        *place = 0;
    }
}

/// Releases the locks of an entry that has died, from another stack.
///
/// # Safety
/// The head is that of a stack whose entry has died or was given up.
pub unsafe fn release_locks(head: *mut Head) {
    // SAFETY: by the caller's promise nobody else uses it.
    for place in unsafe { &mut (*head).held } {
        let lock = core::mem::take(place);
        if lock != 0 {
            // SAFETY: the address of a lock that was held when its entry died, so that what it is a
            // part of still exists: it is a static, or belongs to what the caller of the entry
            // keeps.
            unsafe { (*(lock as *const AtomicU32)).store(0, Ordering::Release) };
        }
    }
}

/// Ends the entry that runs: it has panicked, and its text is in the head.
pub fn die(text: &[u8]) -> ! {
    let head = head();
    let length = text.len().min(TEXT_SIZE);
    // SAFETY: as in `leave_for`; the text fits.
    unsafe {
        (&raw mut (*head).text).cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), length);
        (&raw mut (*head).text_length).write_volatile(length as u64);
        gw_died()
    }
}

unsafe extern "C" {
    /// How Go enters a function: `gw_call(function, head, words)` calls it with eight words and
    /// stores its results over the first two. The three come in the registers where compiled code
    /// has its first arguments: on arm64 those are x2 to x4.
    pub fn gw_call();
}

#[cfg(target_arch = "x86_64")]
global_asm!(
    ".text",
    ".p2align 4",
    ".globl gw_call", ".hidden gw_call",
    "gw_call:",
    "push rbp", "mov rbp, rsp", "push rbx", "sub rsp, 8",
    "mov rbx, rdx",
    "mov r11, rdi",
    "push [rbx + 56]", "push [rbx + 48]",
    "mov rdi, [rbx]", "mov rsi, [rbx + 8]", "mov rdx, [rbx + 16]", "mov rcx, [rbx + 24]",
    "mov r8, [rbx + 32]", "mov r9, [rbx + 40]",
    "call r11",
    "mov [rbx], rax", "mov [rbx + 8], rdx",
    "mov rbx, [rbp - 8]",
    "leave",
    "ret",

    ".globl gw_own_start", ".hidden gw_own_start",
    "gw_own_start:",
    // void gw_service(void): leaves for Go, and comes back when Go resumes.
    ".p2align 4",
    ".globl gw_service", ".hidden gw_service",
    "gw_service:",
    "push rbp", "push rbx", "push r12", "push r13", "push r14", "push r15",
    "mov rax, rsp",
    "and rax, {mask}",
    "lea rdi, [rax + {context}]",
    "mov qword ptr [rdi + {status}], {wanted}",
    "mov [rdi + {sp}], rsp",
    "jmp gw_own_leave",
    // Leaves for good.
    ".globl gw_died", ".hidden gw_died",
    "gw_died:",
    "mov rax, rsp",
    "and rax, {mask}",
    "lea rdi, [rax + {context}]",
    "mov qword ptr [rdi + {status}], {died}",
    "gw_own_leave:",
    "mov rsp, [rdi + {host_sp}]",
    "mov rbp, [rdi + {host_bp}]",
    "jmp [rdi + {host_pc}]",
    ".globl gw_own_end", ".hidden gw_own_end",
    "gw_own_end:",
    mask = const !(STACK_SIZE as i64 - 1),
    context = const CONTEXT_OFFSET,
    wanted = const Status::RuntimeCall as u64,
    died = const Status::Died as u64,
    status = const offset_of!(Context, status),
    sp = const offset_of!(Context, sp),
    host_sp = const offset_of!(Context, host_sp),
    host_bp = const offset_of!(Context, host_bp),
    host_pc = const offset_of!(Context, host_pc),
);

// A suspended stack holds what the Go twin of resuming takes from it: see fiber/stubs_aarch64.rs.
#[cfg(target_arch = "aarch64")]
global_asm!(
    ".text",
    ".p2align 4",
    ".globl gw_call", ".hidden gw_call",
    "gw_call:",
    "stp x29, x30, [sp, #-32]!",
    "mov x29, sp",
    "str x19, [sp, #16]",
    "mov x19, x4",
    "mov x9, x2",
    "ldp x0, x1, [x19]", "ldp x2, x3, [x19, #16]", "ldp x4, x5, [x19, #32]", "ldp x6, x7, [x19, #48]",
    "blr x9",
    "stp x0, x1, [x19]",
    "ldr x19, [sp, #16]",
    "ldp x29, x30, [sp], #32",
    "ret",

    ".globl gw_own_start", ".hidden gw_own_start",
    "gw_own_start:",
    ".p2align 4",
    ".globl gw_service", ".hidden gw_service",
    "gw_service:",
    "sub sp, sp, #160",
    "stp x19, x20, [sp]", "stp x21, x22, [sp, #16]", "stp x23, x24, [sp, #32]", "stp x25, x26, [sp, #48]",
    "stp x27, x28, [sp, #64]", "stp x29, x30, [sp, #80]",
    "stp d8, d9, [sp, #96]", "stp d10, d11, [sp, #112]", "stp d12, d13, [sp, #128]", "stp d14, d15, [sp, #144]",
    "mov x9, sp",
    "and x9, x9, #{mask}",
    "mov x10, #{context_high}",
    "lsl x10, x10, #16",
    "movk x10, #{context_low}",
    "add x0, x9, x10",
    "mov x9, #{wanted}",
    "str x9, [x0, {status}]",
    "mov x9, sp",
    "str x9, [x0, {sp}]",
    "b gw_own_leave",
    ".globl gw_died", ".hidden gw_died",
    "gw_died:",
    "mov x9, sp",
    "and x9, x9, #{mask}",
    "mov x10, #{context_high}",
    "lsl x10, x10, #16",
    "movk x10, #{context_low}",
    "add x0, x9, x10",
    "mov x9, #{died}",
    "str x9, [x0, {status}]",
    "gw_own_leave:",
    "ldr x9, [x0, {host_sp}]",
    "ldr x29, [x0, {host_bp}]",
    "ldr x28, [x0, {host_g}]",
    "ldr x10, [x0, {host_pc}]",
    "mov sp, x9",
    "br x10",
    ".globl gw_own_end", ".hidden gw_own_end",
    "gw_own_end:",
    mask = const !(STACK_SIZE as i64 - 1),
    context_high = const CONTEXT_OFFSET >> 16,
    context_low = const CONTEXT_OFFSET & 0xffff,
    wanted = const Status::RuntimeCall as u64,
    died = const Status::Died as u64,
    status = const offset_of!(Context, status),
    sp = const offset_of!(Context, sp),
    host_sp = const offset_of!(Context, host_sp),
    host_bp = const offset_of!(Context, host_bp),
    host_pc = const offset_of!(Context, host_pc),
    host_g = const offset_of!(Context, host_g),
);
