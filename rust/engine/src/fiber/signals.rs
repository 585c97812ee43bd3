#![allow(unsafe_code)] // installs signal handlers and reads what the kernel hands them
//! The signal handler: traps and pauses of guests.
//!
//! Sandbox-critical. The handler allocates nothing, takes no lock and cannot panic. For each signal
//! it decides one of four things:
//!
//! - **trap**: the guest's instruction faulted in a way that its trap record foretells; control
//!   leaves with the trap's code;
//! - **stack overflow**: the address lies in the guard of the very slot that the stack pointer is
//!   in;
//! - **pause**: SIGURG found the guest in compiled code; its registers go to the context and
//!   control leaves;
//! - **not ours**: the handler that was there before runs (Go's). With the stack pointer on a
//!   guest's stack a fault that is not ours would be an escape or a bug of the engine: one line is
//!   written and the process aborts, as Go's own handling of faults must not run there. A signal
//!   that was sent, not raised by an instruction, is no fault; Go's handler may print stacks for
//!   it, and is shown the place that the guest was entered from instead of the guest's registers,
//!   which it cannot walk.
//!
//! Handlers are installed after Go's, with the flags Go uses, on Go's alternate stacks.

use super::arena::{self, GUARD_SIZE, Slot};
use super::ranges;
use super::{machine, profile};
use crate::abi::context::{Context, Status};
use crate::code;
use crate::error::{Error, ErrorKind, Result};
use crate::os::signal::{self, ABRT, BUS, FPE, ILL, PROF, QUIT, SEGV, URG};
use crate::os::{self, Errno, SignalInfo};
use crate::trap::TrapCode;
use core::ffi::c_void;
use core::sync::atomic::{AtomicUsize, Ordering};

/// The signal that Go sends to a thread whose goroutine shall yield; ours to pause a guest is the
/// same.
pub(super) const PAUSE_SIGNAL: i32 = URG;

/// Those that instructions raise.
const FAULTS: [i32; 4] = [SEGV, BUS, FPE, ILL];

/// Those that are only passed on, with the place that the guest was entered from: Go ends the
/// process with the stacks of all goroutines, or counts a sample of a profile there.
const PASSED_ON: [i32; 3] = [QUIT, ABRT, PROF];

/// Whether all others that Go handles are passed on likewise. Go without cgo looks for its
/// goroutine elsewhere if it sees the vDSO interrupted, here `fiber::clock`'s, and ends the process
/// where it finds none.
const ALL_PASSED_ON: bool = cfg!(all(target_arch = "aarch64", not(feature = "hosted")));

/// The highest number of a signal.
const LAST_SIGNAL: i32 = 64;

/// The first page of the address space: nothing is ever mapped there.
const NULL_PAGE: usize = 4096;

/// A handler that was there before ours; written before ours is installed.
struct Previous {
    action: AtomicUsize,
    flags: AtomicUsize,
}

/// By the numbers of the signals.
static PREVIOUS: [Previous; LAST_SIGNAL as usize + 1] =
    [const { Previous { action: AtomicUsize::new(signal::DEFAULT), flags: AtomicUsize::new(0) } };
        LAST_SIGNAL as usize + 1];

type PlainAction = extern "C" fn(i32);

/// Installs the handler for all signals. Call once, after Go's runtime has installed its own.
pub(super) fn install() -> Result<()> {
    let go = current_action(PAUSE_SIGNAL)?.0;
    for (signal, previous) in (1..).zip(&PREVIOUS[1..]) {
        let own = FAULTS.contains(&signal) || signal == PAUSE_SIGNAL;
        if !own && !PASSED_ON.contains(&signal) && !ALL_PASSED_ON {
            continue;
        }
        let (action, flags) = current_action(signal)?;
        let handled = !matches!(action, signal::DEFAULT | signal::IGNORE);
        if own || handled && (PASSED_ON.contains(&signal) || action == go) {
            previous.flags.store(flags, Ordering::Release);
            previous.action.store(action, Ordering::Release);
            set_handler(signal)?;
        }
    }
    Ok(())
}

/// Puts the handler of the pause signal back where the program removed it (`signal.Ignore` of
/// everything does): without it an endless guest could not be stopped. Go's own handler stays
/// chained.
pub(super) fn ensure_pause_handler() -> Result<()> {
    let present = os::signal_handler(PAUSE_SIGNAL).map_err(|error| system_error("read", PAUSE_SIGNAL, error))?;
    if present != handler as *const () as usize {
        set_handler(PAUSE_SIGNAL)?;
        // Go sends a thread no further signal before it has handled the last one
        // (`m.signalPending`): one that was ignored would be waited for forever, so each thread
        // gets another.
        os::signal_all_threads(PAUSE_SIGNAL);
    }
    Ok(())
}

fn current_action(signal: i32) -> Result<(usize, usize)> {
    os::signal_action(signal).map_err(|error| system_error("read", signal, error))
}

fn set_handler(signal: i32) -> Result<()> {
    os::set_signal_handler(signal, handler as *const () as usize).map_err(|error| system_error("set", signal, error))
}

fn system_error(verb: &str, signal: i32, error: Errno) -> Error {
    Error::new(ErrorKind::Resource, format!("cannot {verb} the handler of signal {signal}: {error}"))
}

pub(crate) extern "C" fn handler(signal: i32, info: *mut c_void, ucontext: *mut c_void) {
    // SAFETY: the kernel passes both to a handler with SA_SIGINFO.
    let (registers, SignalInfo { code, address }) =
        unsafe { (machine::Registers::from_ucontext(ucontext), SignalInfo::read(info)) };
    #[cfg(not(feature = "hosted"))]
    if let Some(stack) = os::own::stack_of(registers.sp()) {
        if !own_stack(signal, SignalInfo { code, address }, &registers, stack) {
            // SAFETY: as there.
            let context = unsafe { &*stack.context };
            let entry = registers.replace_frame((context.host_pc, context.host_sp, context.host_bp));
            chain(signal, info, ucontext, Some(context));
            registers.replace_frame(entry);
        }
        return;
    }
    if let Some(slot) = arena::slot_of(registers.sp()) {
        // The stack pointer is on a guest's stack: the slot is accessible, and the guest runs on
        // this very thread.
        // SAFETY: by the above the context is readable and nobody else writes it now.
        let context = unsafe { &mut *slot.context };
        if signal == ILL && registers.restore_pause(context) {
            return;
        }
        if signal == PAUSE_SIGNAL {
            if code::is_code(registers.pc()) {
                pause(context, &registers);
            } else {
                context.pause_requested.store(1, Ordering::Relaxed);
            }
        } else if signal == PROF {
            profile::sample(context, registers.pc(), registers.fp());
        } else if code > 0 && FAULTS.contains(&signal) {
            match trap_of(signal, address, &registers, slot, context) {
                Some(trap) => {
                    context.trap_address = if signal == SEGV || signal == BUS { address } else { 0 };
                    return leave_with_trap(context, &registers, trap);
                }
                None => abort(signal, b"guest's"),
            }
        }
        // Go's handler runs, after a pause too: it counts the signal as delivered, and finds no Go
        // code here to preempt.
        let guest = registers.replace_frame((context.host_pc, context.host_sp, context.host_bp));
        chain(signal, info, ucontext, Some(context));
        registers.replace_frame(guest);
        return;
    }
    chain(signal, info, ucontext, None);
}

/// Which trap a fault is, if it is one (rules a and b of the design). It was raised by an
/// instruction: `si_code` is positive.
fn trap_of(
    signal: i32,
    address: usize,
    registers: &machine::Registers,
    slot: Slot,
    context: &Context,
) -> Option<TrapCode> {
    let pc = registers.pc();
    let recorded = code::trap_at(pc).and_then(TrapCode::from_u8);
    match signal {
        ILL => recorded,
        FPE => recorded.filter(|trap| matches!(trap, TrapCode::IntegerDivideByZero | TrapCode::IntegerOverflow)),
        _ => {
            let in_guard = address >= slot.low && address < slot.low + GUARD_SIZE;
            if in_guard && (code::is_code(pc) || machine::is_stub(pc)) {
                return Some(TrapCode::StackOverflow);
            }
            recorded.filter(|trap| match trap {
                // A failed explicit check selects address 0 for the access (translate/bounds).
                TrapCode::MemoryOutOfBounds => {
                    let store = context.store.load(Ordering::Acquire).cast_const();
                    // SAFETY: whoever entered the guest put the store of the running instance
                    // there, which its handle keeps alive.
                    address < NULL_PAGE || unsafe { !ranges::memory_at(store, address).is_null() }
                }
                // The only loads with the first record read a field of a null function record; a
                // failed check of a table's bound selects address 0 (translate/table_access).
                TrapCode::IndirectCallToNull | TrapCode::TableOutOfBounds | TrapCode::UndefinedElement => {
                    address < NULL_PAGE
                }
                _ => false,
            })
        }
    }
}

fn leave_with_trap(context: &mut Context, registers: &machine::Registers, trap: TrapCode) {
    context.status = Status::Trap as u64;
    context.trap_code = trap as u64;
    context.trap_pc = registers.pc();
    context.trap_fp = registers.fp();
    registers.leave(context);
}

fn pause(context: &mut Context, registers: &machine::Registers) {
    registers.save(context);
    context.status = Status::Paused as u64;
    context.pauses += 1;
    context.pause_requested.store(0, Ordering::Relaxed);
    registers.leave(context);
}

/// Hands the signal to the handler that was there before; it has interrupted the guest of a
/// context, or something else.
fn chain(signal: i32, info: *mut c_void, ucontext: *mut c_void, guest: Option<&Context>) {
    let Some(previous) = PREVIOUS.get(signal as usize) else { return };
    let action = previous.action.load(Ordering::Acquire);
    let flags = previous.flags.load(Ordering::Acquire);
    match action {
        signal::IGNORE => {}
        signal::DEFAULT if signal == PAUSE_SIGNAL => {} // its default is to be ignored
        signal::DEFAULT => {
            // The default of all others ends the process: restore it, and let the instruction fault
            // again, or what was sent come again.
            os::restore_default_action(signal);
            // SAFETY: the kernel passes `info`.
            if unsafe { SignalInfo::read(info) }.code <= 0 {
                os::raise(signal);
            }
        }
        _ if flags & signal::SIGINFO != 0 => {
            // SAFETY: the kernel passed the arguments, and accepted this address as a handler with
            // SA_SIGINFO.
            unsafe { machine::call_handler(action, signal, info, ucontext, guest) };
        }
        _ => {
            // SAFETY: the system accepted this address as a handler without SA_SIGINFO.
            let action = unsafe { core::mem::transmute::<usize, PlainAction>(action) };
            action(signal);
        }
    }
}

/// Ends the process: a fault on a stack of a guest or of the engine that nothing explains.
fn abort(signal: i32, whose: &[u8]) -> ! {
    let name: &[u8] = match signal {
        SEGV => b"SIGSEGV",
        BUS => b"SIGBUS",
        FPE => b"SIGFPE",
        _ => b"SIGILL",
    };
    for text in [b"gowasmer: fatal: unexpected ", name, b" on a ", whose, b" stack; this is a bug of the engine\n"]
        as [&[u8]; 5]
    {
        os::complain(text);
    }
    // Go's own handler of SIGABRT must not run here.
    os::abort()
}

/// The same for a stack of the engine's own: an entry that may be paused pauses, one whose stack is
/// used up ends.
#[cfg(not(feature = "hosted"))]
fn own_stack(signal: i32, info: SignalInfo, registers: &machine::Registers, stack: os::own::Stack) -> bool {
    // SAFETY: the stack pointer is on it, so that it is accessible; the entry runs on this very
    // thread.
    let (context, head) = unsafe { (&mut *stack.context, &*stack.head) };
    if signal == ILL && registers.restore_pause(context) {
        return true;
    }
    let pc = registers.pc();
    let stub = os::own::is_stub(pc) || machine::is_stub(pc);
    if signal == PAUSE_SIGNAL {
        if head.pausable != 0 && !stub && os::is_image(pc) {
            pause(context, registers);
        }
    } else if info.code > 0 && FAULTS.contains(&signal) {
        if !(stack.low..stack.low + crate::abi::head::GUARD_SIZE).contains(&info.address)
            || !matches!(signal, SEGV | BUS)
        {
            abort(signal, b"engine's");
        }
        leave_with_trap(context, registers, TrapCode::StackOverflow);
        return true;
    }
    false
}

/// Pauses the guest that was entered by C with this context, if one runs: at once in compiled code,
/// otherwise when its C or runtime function returns. May come late and hit nothing.
pub(super) fn interrupt(context: &Context) {
    context.pause_requested.store(1, Ordering::Release);
    let thread = context.thread.load(Ordering::Acquire);
    if thread != 0 {
        os::signal_thread(thread, PAUSE_SIGNAL);
    }
}
