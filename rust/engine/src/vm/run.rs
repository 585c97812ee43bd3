#![allow(unsafe_code)] // enters guests
//! A run loop in Rust, for Rust users of the engine and its tests; Go has its own (go/internal/fiber) with the same states.

use super::runtime;
use crate::abi::vmctx::{FuncRecord, HostFunction};
use crate::abi::{Context, Status};
use crate::error::Error;
use crate::fiber::{self, ArenaOptions, Backtrace, Fiber, backtrace};
use crate::trap::TrapCode;

unsafe extern "C" {
    fn gw_enter(context: *mut Context) -> u64;
    fn gw_resume(context: *mut Context) -> u64;
}

/// Why a run ended before the function returned.
#[derive(Debug)]
pub enum Stop<E> {
    /// The guest trapped.
    Trap {
        /// Why.
        code: TrapCode,
        /// Where.
        backtrace: Backtrace,
    },
    /// The host function refused to go on.
    Host(E),
    /// The engine could not run the call at all.
    Engine(Error),
}

/// What runs host functions: it gets the record of the one that is wanted, and its slots.
pub type Host<'a, E> = &'a mut dyn FnMut(&HostFunction, &mut [u64]) -> Result<(), E>;

/// Calls a function on a fiber of its own: arguments are taken from `slots`, results are put there.
///
/// # Safety
/// `record` and `store` belong together and stay alive during the call; `slots` has the right number and kinds of arguments and
/// room for the results.
pub unsafe fn run<E>(
    record: &FuncRecord,
    store: *const (),
    slots: &mut [u64],
    host: Host<'_, E>,
) -> Result<(), Stop<E>> {
    fiber::init(ArenaOptions::default()).map_err(Stop::Engine)?;
    let fiber = Fiber::acquire().map_err(Stop::Engine)?;
    let context = fiber.context();
    let args = context as usize - slots.len() * 8;
    // SAFETY: the context and the words right below it lie in the slot that `fiber` holds. The guest runs only within
    // gw_enter and gw_resume, so nothing else touches them meanwhile. The callee's pointers are good by the caller's promise.
    unsafe {
        (*context).entry = record.entry as usize;
        (*context).code = record.code as usize;
        (*context).vmctx = record.vmctx as usize;
        (*context).args = args;
        (*context).stack_top = args & !15;
        (*context).store.store(store.cast_mut(), std::sync::atomic::Ordering::Release);
        std::ptr::copy_nonoverlapping(slots.as_ptr(), args as *mut u64, slots.len());
        let mut status = gw_enter(context);
        loop {
            if status == Status::Done as u64 {
                std::ptr::copy_nonoverlapping(args as *const u64, slots.as_mut_ptr(), slots.len());
                return Ok(());
            } else if status == Status::HostCall as u64 {
                let callee = &*(*context).callee;
                let count = callee.params.max(callee.results) as usize;
                let window = std::slice::from_raw_parts_mut((*context).slots, count);
                host(callee, window).map_err(Stop::Host)?;
            } else if status == Status::CCall as u64 {
                c_call(context);
            } else if status == Status::RuntimeCall as u64 {
                runtime_call(context);
            } else if status == Status::Trap as u64 {
                let code = TrapCode::from_u8((*context).trap_code as u8).expect("stubs and handler store known codes");
                return Err(Stop::Trap { code, backtrace: backtrace(context) });
            }
            status = gw_resume(context);
        }
    }
}

/// Runs the runtime function that a guest has left for; its result goes to the guest with the next resume.
///
/// # Safety
/// The context's last status is `RuntimeCall`.
pub unsafe fn runtime_call(context: *mut Context) {
    // SAFETY: compiled code passes the vmctx it runs with, and operands of the operation.
    unsafe { (*context).runtime_result = runtime::runtime_call((*context).runtime_op, (*context).runtime_args) };
}

/// Makes the C call that a guest entered by assembly has left for.
///
/// # Safety
/// The context's last status is `CCall`.
pub unsafe fn c_call(context: *mut Context) {
    // SAFETY: the record was made by the vm with an adapter compiled for its type; slots are those of the trampoline.
    unsafe {
        let callee = &*(*context).callee;
        type Adapter = unsafe extern "C" fn(*const u8, *const u8, *mut u64);
        let adapter = std::mem::transmute::<*const u8, Adapter>(callee.c_adapter);
        adapter(callee.c_function, callee.c_context, (*context).slots);
    }
}
