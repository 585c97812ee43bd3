#![allow(unsafe_code)] // enters guests
//! Linking by names, and a run loop in Rust: for tests and for rust/fuzz, never part of what is
//! shipped (feature `testing`). Go has its own (go/wasmer, go/internal/fiber) with the same states.

use super::externs::Extern;
use super::instance::{Instance, InstanceOptions};
use super::lazy;
use super::linker::missing;
use super::module::Module;
use super::run::{c_call, runtime_call};
use super::store::Store;
use crate::abi::vmctx::{FuncRecord, HostFunction};
use crate::abi::{Context, Status};
use crate::error::{Error, Result};
use crate::fiber::{self, ArenaOptions, Backtrace, Fiber, backtrace};
use crate::prelude::*;
use crate::trap::TrapCode;
use crate::wasm::Import;
use hashbrown::HashMap;

/// Things that modules can import, by namespace and name.
#[derive(Debug, Default)]
pub struct Linker {
    names: HashMap<String, HashMap<String, Extern>>,
}

impl Linker {
    /// A linker that knows nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives something a name, in place of what had it before.
    pub fn define(&mut self, namespace: &str, name: &str, item: Extern) {
        self.names.entry(namespace.to_string()).or_default().insert(name.to_string(), item);
    }

    /// Gives every export of an instance its name in a namespace.
    pub fn define_instance(&mut self, namespace: &str, instance: &Instance) {
        for (name, item) in instance.exports() {
            self.define(namespace, &name, item);
        }
    }

    /// What has a name.
    #[must_use]
    pub fn get(&self, namespace: &str, name: &str) -> Option<&Extern> {
        self.names.get(namespace)?.get(name)
    }

    /// What stands for each import of a module.
    ///
    /// # Errors
    /// Kind `Link` for the first import that nothing has the name of.
    pub fn resolve(&self, module: &Module) -> Result<Vec<Extern>> {
        let find = |import: &Import| self.get(&import.namespace, &import.name).cloned().ok_or_else(|| missing(import));
        module.info().imports.iter().map(find).collect()
    }

    /// Links an instance to what has the names of its imports.
    ///
    /// # Errors
    /// As [`Linker::resolve`] and [`Instance::new`].
    pub fn instantiate(&self, store: &Store, module: &Module, options: InstanceOptions) -> Result<Instance> {
        Instance::new(store, module, &self.resolve(module)?, options)
    }
}

unsafe extern "C" {
    fn gw_enter(context: *mut Context, stack_limit: usize, thread: u32) -> u64;
    fn gw_resume(context: *mut Context, stack_limit: usize, thread: u32) -> u64;
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
/// `record` and `store` belong together and stay alive during the call; `slots` has the right
/// number and kinds of arguments and room for the results.
pub unsafe fn run<E>(
    record: &FuncRecord,
    store: *const (),
    slots: &mut [u64],
    host: Host<'_, E>,
) -> Result<(), Stop<E>> {
    fiber::init(ArenaOptions::default()).map_err(Stop::Engine)?;
    let thread = crate::os::thread_id();
    let fiber = Fiber::acquire().map_err(Stop::Engine)?;
    let context = fiber.context();
    let args = context as usize - slots.len() * 8;
    // SAFETY: the context and the words right below it lie in the slot that `fiber` holds. The
    // guest runs only within gw_enter and gw_resume, so nothing else touches them meanwhile. The
    // callee's pointers are good by the caller's promise.
    unsafe {
        (*context).entry = record.entry as usize;
        (*context).code = record.code as usize;
        (*context).vmctx = record.vmctx as usize;
        (*context).args = args;
        (*context).stack_top = args & !15;
        (*context).store.store(store.cast_mut(), core::sync::atomic::Ordering::Release);
        core::ptr::copy_nonoverlapping(slots.as_ptr(), args as *mut u64, slots.len());
        let mut status = gw_enter(context, 0, thread);
        loop {
            if status == Status::Done as u64 {
                core::ptr::copy_nonoverlapping(args as *const u64, slots.as_mut_ptr(), slots.len());
                return Ok(());
            } else if status == Status::HostCall as u64 {
                let callee = &*(*context).callee;
                let count = callee.params.max(callee.results) as usize;
                let window = core::slice::from_raw_parts_mut((*context).slots, count);
                host(callee, window).map_err(Stop::Host)?;
            } else if status == Status::CCall as u64 {
                c_call(context);
            } else if status == Status::RuntimeCall as u64 {
                lazy::serve(context).map_err(Stop::Engine)?;
                runtime_call(context);
            } else if status == Status::Trap as u64 {
                let code = TrapCode::from_u8((*context).trap_code as u8).expect("stubs and handler store known codes");
                return Err(Stop::Trap { code, backtrace: backtrace(context) });
            }
            status = gw_resume(context, 0, thread);
        }
    }
}
