#![allow(unsafe_code)] // installs signal handlers and reads what the kernel hands them
//! The signal handler: traps and pauses of guests.
//!
//! Sandbox-critical. The handler allocates nothing, takes no lock and cannot panic. For each signal it decides one of four things:
//!
//! - **trap**: the guest's instruction faulted in a way that its trap record foretells; control leaves with the trap's code;
//! - **stack overflow**: the address lies in the guard of the very slot that the stack pointer is in;
//! - **pause**: SIGURG found the guest in compiled code; its registers go to the context and control leaves;
//! - **not ours**: the handler that was there before runs (Go's). With the stack pointer on a guest's stack a fault that is not
//!   ours would be an escape or a bug of the engine: one line is written and the process aborts, as Go's own handling of faults
//!   must not run there. A signal that was sent, not raised by an instruction, is no fault; Go's handler may print stacks for it, and
//!   is shown the place that the guest was entered from instead of the guest's registers, which it cannot walk.
//!
//! Handlers are installed after Go's, with the flags Go uses, on Go's alternate stacks.

use super::arena::{self, GUARD_SIZE, Slot};
use super::machine;
use super::ranges;
use crate::abi::context::{Context, Status};
use crate::code;
use crate::error::{Error, ErrorKind, Result};
use crate::trap::TrapCode;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The signal that Go sends to a thread whose goroutine shall yield; ours to pause a guest is the same.
pub(super) const PAUSE_SIGNAL: i32 = libc::SIGURG;

const SIGNALS: [i32; 7] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, PAUSE_SIGNAL, libc::SIGQUIT, libc::SIGABRT];

/// Those of them that are only passed on: Go ends the process with the stacks of all goroutines.
const PASSED_ON: [i32; 2] = [libc::SIGQUIT, libc::SIGABRT];

/// The first page of the address space: nothing is ever mapped there.
const NULL_PAGE: usize = 4096;

/// A handler that was there before ours; written before ours is installed.
struct Previous {
    action: AtomicUsize,
    flags: AtomicUsize,
}

static PREVIOUS: [Previous; SIGNALS.len()] =
    [const { Previous { action: AtomicUsize::new(libc::SIG_DFL), flags: AtomicUsize::new(0) } }; SIGNALS.len()];

type PlainAction = extern "C" fn(i32);

/// Installs the handler for all signals. Call once, after Go's runtime has installed its own.
pub(super) fn install() -> Result<()> {
    for (signal, previous) in SIGNALS.iter().zip(&PREVIOUS) {
        let old = current_action(*signal)?;
        if PASSED_ON.contains(signal) && matches!(old.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN) {
            continue; // nobody to pass it on to
        }
        previous.flags.store(old.sa_flags as usize, Ordering::Release);
        previous.action.store(old.sa_sigaction, Ordering::Release);
        set_handler(*signal)?;
    }
    Ok(())
}

/// Puts the handler of the pause signal back where the program removed it (`signal.Ignore` of everything does): without it an
/// endless guest could not be stopped. Go's own handler stays chained.
pub(super) fn ensure_pause_handler() -> Result<()> {
    if current_action(PAUSE_SIGNAL)?.sa_sigaction != handler as *const () as usize {
        set_handler(PAUSE_SIGNAL)?;
        // Go sends a thread no further signal before it has handled the last one (`m.signalPending`): one that was ignored
        // would be waited for for ever, so each thread gets another.
        super::os::signal_all_threads(PAUSE_SIGNAL);
    }
    Ok(())
}

fn current_action(signal: i32) -> Result<libc::sigaction> {
    let mut old = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: only reads the present action into memory of ours.
    if unsafe { libc::sigaction(signal, ptr::null(), old.as_mut_ptr()) } != 0 {
        return Err(system_error("read", signal));
    }
    // SAFETY: filled by the successful call above.
    Ok(unsafe { old.assume_init() })
}

fn set_handler(signal: i32) -> Result<()> {
    // SAFETY: a zeroed sigaction is valid, and all fields that matter are set below.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // SAFETY: the mask is ours to fill; the handler keeps the rules of signal handlers.
    let failed = unsafe {
        libc::sigfillset(&raw mut action.sa_mask);
        libc::sigaction(signal, &raw const action, ptr::null_mut())
    } != 0;
    if failed { Err(system_error("set", signal)) } else { Ok(()) }
}

fn system_error(verb: &str, signal: i32) -> Error {
    Error::new(
        ErrorKind::Resource,
        format!("cannot {verb} the handler of signal {signal}: {}", io::Error::last_os_error()),
    )
}

extern "C" fn handler(signal: i32, info: *mut libc::siginfo_t, ucontext: *mut libc::c_void) {
    // SAFETY: the kernel passes both to a handler with SA_SIGINFO.
    let (registers, code, address) = unsafe {
        let address = (*info).si_addr() as usize;
        (machine::Registers::from_ucontext(ucontext), (*info).si_code, address)
    };
    if let Some(slot) = arena::slot_of(registers.sp()) {
        // The stack pointer is on a guest's stack: the slot is accessible, and the guest runs on this very thread.
        // SAFETY: by the above the context is readable and nobody else writes it now.
        let context = unsafe { &mut *slot.context };
        if signal == libc::SIGILL && registers.restore_pause(context) {
            return;
        }
        if signal == PAUSE_SIGNAL {
            if code::is_code(registers.pc()) {
                pause(context, &registers);
            } else {
                context.pause_requested.store(1, Ordering::Relaxed);
            }
        } else if code > 0 && !PASSED_ON.contains(&signal) {
            match trap_of(signal, address, &registers, slot, context) {
                Some(trap) => return leave_with_trap(context, &registers, trap),
                None => abort(signal),
            }
        }
        // Go's handler runs, after a pause too: it counts the signal as delivered, and finds no Go code here to preempt.
        let guest = registers.replace_frame((context.host_pc, context.host_sp, context.host_bp));
        chain(signal, info, ucontext, Some(context));
        registers.replace_frame(guest);
        return;
    }
    chain(signal, info, ucontext, None);
}

/// Which trap a fault is, if it is one (rules a and b of the design). It was raised by an instruction: `si_code` is positive.
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
        libc::SIGILL => recorded,
        libc::SIGFPE => {
            recorded.filter(|trap| matches!(trap, TrapCode::IntegerDivideByZero | TrapCode::IntegerOverflow))
        }
        _ => {
            let in_guard = address >= slot.low && address < slot.low + GUARD_SIZE;
            if in_guard && (code::is_code(pc) || machine::is_stub(pc)) {
                return Some(TrapCode::StackOverflow);
            }
            recorded.filter(|trap| match trap {
                // A failed explicit check selects address 0 for the access (translate/bounds).
                TrapCode::MemoryOutOfBounds => {
                    let store = context.store.load(Ordering::Acquire).cast_const();
                    // SAFETY: whoever entered the guest put the store of the running instance there, which its handle keeps alive.
                    address < NULL_PAGE || unsafe { ranges::owns_address(store, address) }
                }
                // The only loads with the first record read a field of a null function record; a failed check of a table's bound
                // selects address 0 (translate/table_access).
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

/// Hands the signal to the handler that was there before; it has interrupted the guest of a context, or something else.
fn chain(signal: i32, info: *mut libc::siginfo_t, ucontext: *mut libc::c_void, guest: Option<&Context>) {
    let Some(at) = SIGNALS.iter().position(|candidate| *candidate == signal) else { return };
    let action = PREVIOUS[at].action.load(Ordering::Acquire);
    let flags = PREVIOUS[at].flags.load(Ordering::Acquire);
    match action {
        libc::SIG_IGN => {}
        libc::SIG_DFL if signal == PAUSE_SIGNAL => {} // its default is to be ignored
        libc::SIG_DFL => {
            // The default of all others ends the process: restore it, and let the instruction fault again, or what was sent come
            // again.
            // SAFETY: a zeroed sigaction is SIG_DFL without flags; the kernel passes `info`; raising is safe in a handler.
            unsafe {
                let default: libc::sigaction = MaybeUninit::zeroed().assume_init();
                libc::sigaction(signal, &raw const default, ptr::null_mut());
                if (*info).si_code <= 0 {
                    libc::raise(signal);
                }
            }
        }
        _ if flags & libc::SA_SIGINFO as usize != 0 => {
            // SAFETY: the kernel passed the arguments, and accepted this address as a handler with SA_SIGINFO.
            unsafe { machine::call_handler(action, signal, info.cast(), ucontext, guest) };
        }
        _ => {
            // SAFETY: the system accepted this address as a handler without SA_SIGINFO.
            let action = unsafe { std::mem::transmute::<usize, PlainAction>(action) };
            action(signal);
        }
    }
}

/// Ends the process: a fault on a guest's stack that no trap explains.
fn abort(signal: i32) -> ! {
    let text: &[u8] = match signal {
        libc::SIGSEGV => b"gowasmer: fatal: unexpected SIGSEGV on a guest's stack; this is a bug of the engine\n",
        libc::SIGBUS => b"gowasmer: fatal: unexpected SIGBUS on a guest's stack; this is a bug of the engine\n",
        libc::SIGFPE => b"gowasmer: fatal: unexpected SIGFPE on a guest's stack; this is a bug of the engine\n",
        _ => b"gowasmer: fatal: unexpected SIGILL on a guest's stack; this is a bug of the engine\n",
    };
    // SAFETY: write, signal and abort are safe in a signal handler. Go's own handler of SIGABRT must not run here.
    unsafe {
        libc::write(2, text.as_ptr().cast(), text.len());
        libc::signal(libc::SIGABRT, libc::SIG_DFL);
        libc::abort()
    }
}

/// Pauses the guest that was entered by C with this context, if one runs: at once in compiled code, otherwise when its C or runtime
/// function returns. May come late and hit nothing.
pub(super) fn interrupt(context: &Context) {
    context.pause_requested.store(1, Ordering::Release);
    let thread = context.thread.load(Ordering::Acquire);
    if thread != 0 {
        super::os::signal_thread(thread, PAUSE_SIGNAL);
    }
}
