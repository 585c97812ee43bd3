//! Modules whose functions are compiled when they are called.
//!
//! An instance of such a module is made with stubs (`code::LazyCode`). A guest that calls a
//! function without code leaves as for a runtime function; who runs it has the function compiled
//! ([`wanted`], [`Work::compile`], [`Work::add`]) and resumes it with the function's address. When
//! all functions are there, all of the module is linked anew, as compiling it at once would have
//! done, for the instances to come; those that were made before go on with the pieces, whose calls
//! by slots lead to the new code.

#![allow(unsafe_code)] // is found by the address of an owner, and owns heaps of work

use super::code::Code;
use super::module::{Inner, Module};
use crate::abi::{Context, RuntimeOp};
use crate::code::LazyCode;
use crate::compile::{Batch, Bench, Linked, OwnedCompilation};
use crate::error::Result;
use crate::fiber;
use crate::os;
use crate::prelude::*;
use crate::sync::{Mutex, OnceLock};
use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::{Arc, Weak};
use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::Range;
use hashbrown::HashSet;

/// What compiles the functions of a module.
#[derive(Debug)]
pub struct Lazy {
    code: LazyCode,
    /// Gone when all functions are compiled.
    source: Mutex<Option<Arc<Source>>>,
    module: OnceLock<Weak<Inner>>,
}

/// The compilation that functions are compiled by, with the heap that it lies in.
pub struct Source {
    compilation: ManuallyDrop<Box<OwnedCompilation>>,
    heap: usize,
}

impl Source {
    /// Takes over a compilation. If it lies in the heap of some work, that is given by its root,
    /// and taken over, too.
    #[must_use]
    pub const fn new(compilation: Box<OwnedCompilation>, heap: usize) -> Self {
        Self { compilation: ManuallyDrop::new(compilation), heap }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if self.heap == 0 {
            // SAFETY: dropped once.
            unsafe { ManuallyDrop::drop(&mut self.compilation) };
        } else {
            // SAFETY: nothing but this refers to what lies there, and it goes as a whole.
            unsafe { os::release_work_heap(self.heap) };
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("heap", &self.heap).finish_non_exhaustive()
    }
}

/// What somebody who compiles functions of a module holds: it keeps the module's code and the
/// compilation.
#[derive(Debug)]
pub struct Work {
    lazy: Arc<Lazy>,
    source: Arc<Source>,
}

impl Module {
    /// Makes a module of a compilation that has only validated the functions, and of what it has
    /// ended with.
    ///
    /// # Errors
    /// Kind `Resource` where there is no room for the code.
    pub fn load_lazy(linked: &Linked<'_>) -> Result<LazyModule> {
        LazyCode::load(linked, fiber::compile_stub()).map(LazyModule)
    }

    /// What compiles the module's functions; none if all are compiled.
    #[must_use]
    pub fn work(&self) -> Option<Work> {
        self.code().lazy.clone()?.work()
    }

    /// Compiles a module from the binary format when its functions are called, on threads of the
    /// system.
    ///
    /// # Errors
    /// As [`Module::compile`].
    #[cfg(feature = "hosted")]
    pub fn compile_lazy(bytes: &[u8], options: crate::options::CompileOptions) -> Result<Self> {
        os::on_large_stack(|| {
            let compilation = OwnedCompilation::copying(bytes, crate::compile::Purpose::Lazy(options))?;
            compilation.get().run();
            let linked = compilation.get().finish()?.expect("code is wanted");
            let module = Self::load_lazy(&linked)?;
            drop(linked);
            Ok(module.with(Source::new(Box::new(compilation), 0)))
        })?
    }
}

/// A module that lacks its source.
#[derive(Debug)]
pub struct LazyModule(LazyCode);

impl LazyModule {
    /// Makes the module.
    #[must_use]
    pub fn with(self, source: Source) -> Module {
        let (code, source) = (self.0, Mutex::new(Some(Arc::new(source))));
        let lazy = Arc::new(Lazy { code, source, module: OnceLock::new() });
        lazy.code.set_owner(Arc::as_ptr(&lazy) as usize);
        let module = Module::of_code(Code::new(lazy.code.base().clone(), Some(lazy.clone())));
        let _ = lazy.module.set(Arc::downgrade(&module.0));
        module
    }
}

impl Lazy {
    pub(super) const fn code(&self) -> &LazyCode {
        &self.code
    }

    fn work(self: Arc<Self>) -> Option<Work> {
        let source = self.source.lock().clone()?;
        Some(Work { lazy: self, source })
    }

    fn function(&self, number: u32) -> u32 {
        self.code.functions().start + number
    }
}

impl Work {
    /// Compiles those of some functions, given by their numbers among the module's own, that have
    /// no code, or only quickly made code. Takes no lock and may be given up anywhere.
    #[must_use]
    pub fn compile(&self, numbers: Range<u32>, bench: &mut Bench) -> Batch {
        let wanted = |function| self.lazy.code.better_code(function).is_none();
        self.source.compilation.get().compile(self.functions(numbers), wanted, bench)
    }

    /// Compiles a function that is called, given by its number: quickly if it has no code and that
    /// is good enough for its first calls. Takes no lock and may be given up anywhere.
    #[must_use]
    pub fn compile_called(&self, number: u32, bench: &mut Bench) -> Batch {
        let (code, compilation) = (&self.lazy.code, self.source.compilation.get());
        let functions = self.functions(number..number.saturating_add(1));
        let is_quick = |function| code.code(function).is_none() && compilation.is_brief(function);
        if functions.clone().all(is_quick) {
            compilation.quick(functions, bench)
        } else {
            self.compile(number..number.saturating_add(1), bench)
        }
    }

    /// Compiles, quickly, what a function calls that was called, and what that calls, as far as it
    /// has no code and that is good enough for the first calls: a number of functions that are near
    /// to it. Takes no lock and may be given up anywhere.
    #[must_use]
    pub fn compile_ahead(&self, number: u32, bench: &mut Bench) -> Batch {
        /// How much is compiled: functions and bytes of bodies; and how many bodies are looked at.
        const FUNCTIONS: usize = 32;
        const BYTES: u64 = 24 << 10;
        const LOOKED_AT: usize = 64;
        let (code, compilation) = (&self.lazy.code, self.source.compilation.get());
        let mut near: VecDeque<u32> = self.functions(number..number.saturating_add(1)).collect();
        let (mut seen, mut wanted, mut bytes) = (HashSet::new(), BTreeSet::new(), 0);
        for _ in 0..LOOKED_AT {
            let Some(function) = near.pop_front().filter(|_| wanted.len() < FUNCTIONS && bytes < BYTES) else { break };
            let (length, callees) = compilation.callees(function);
            if code.code(function).is_none() && compilation.is_brief(function) {
                wanted.insert(function);
                bytes += length;
            }
            near.extend(callees.into_iter().filter(|callee| seen.insert(*callee) && code.code(*callee).is_none()));
        }
        compilation.quick(wanted.into_iter(), bench)
    }

    /// The indices of functions of these numbers.
    fn functions(&self, numbers: Range<u32>) -> Range<u32> {
        let all = self.lazy.code.functions();
        let index = |number: u32| all.start.saturating_add(number).min(all.end);
        index(numbers.start)..index(numbers.end)
    }

    /// Makes compiled functions callable.
    ///
    /// # Errors
    /// Of the first function that could not be compiled: the others can be called. Kind `Resource`
    /// where there is no room for the code.
    pub fn add(&self, batch: &Batch) -> Result<()> {
        self.lazy.code.add(batch)?;
        batch.error().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// As [`Work::add`], for a function that is called: quickly made code is good enough where
    /// there can be no better.
    ///
    /// # Errors
    /// As [`Work::add`].
    pub fn add_called(&self, batch: &Batch) -> Result<()> {
        self.add(batch).or_else(|error| if self.lazy.code.go_on(batch) { Ok(()) } else { Err(error) })
    }

    /// How many functions are compiled, but for quickly made code, and how many there are.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        (self.lazy.code.compiled(), self.lazy.code.functions().len())
    }

    /// The serial number of the module's code.
    #[must_use]
    pub fn serial(&self) -> u64 {
        self.lazy.code.base().serial()
    }

    /// Collects all functions and trampolines, for [`Work::complete`]. Takes no lock and may be
    /// given up anywhere.
    ///
    /// # Errors
    /// Kind `Argument` while functions are not compiled.
    pub fn gather(&self) -> Result<Batch> {
        self.lazy.code.gather()
    }

    /// Makes the module one that is compiled, unless somebody has.
    ///
    /// # Errors
    /// Kind `Resource` where there is no room for the code; `Compile` where it is too large.
    pub fn complete(&self, all: &Batch) -> Result<()> {
        let Some(module) = self.lazy.module.get().and_then(Weak::upgrade) else { return Ok(()) };
        if self.lazy.source.lock().is_none() {
            return Ok(());
        }
        let loaded = self.lazy.code.complete(all)?;
        let source = self.lazy.source.lock().take();
        let Some(source) = source else {
            // Another one was faster. Slots may lead to this code: the module keeps it.
            self.lazy.code.keep(loaded);
            return Ok(());
        };
        let before = core::mem::replace(&mut *module.code.lock(), Code::new(loaded, None));
        drop((before, source));
        Ok(())
    }
}

/// What a guest wants that has left for a runtime function: to have a function compiled, which is
/// given by its number among the module's own; none if it wants something else, or if the function
/// has code by now: one that has quickly made code, all calls of which are used up, is compiled
/// anew.
///
/// # Safety
/// The context's last status is `RuntimeCall`, and the guest was not resumed since.
#[must_use]
pub unsafe fn wanted(context: *const Context) -> Option<(Work, u32)> {
    // SAFETY: by the caller's promise nobody else uses the context.
    let (op, [owner, number, ..]) = unsafe { ((*context).runtime_op, (*context).runtime_args) };
    if op != RuntimeOp::Compile as u64 {
        return None;
    }
    let (owner, number) = (owner as *const Lazy, number as u32);
    // SAFETY: stubs pass the owner of the running module's stubs, which its instance holds by an
    // `Arc`.
    let lazy = unsafe {
        Arc::increment_strong_count(owner);
        Arc::from_raw(owner)
    };
    let (code, function) = (&lazy.code, lazy.function(number));
    if code.better_code(function).is_some() || code.code(function).is_some() && !code.is_used_up(function) {
        return None;
    }
    Some((lazy.work()?, number))
}

/// The address of a function's code, 0 if it has none.
///
/// # Safety
/// The owner is that of stubs of a module that runs.
pub(super) unsafe fn address(owner: *const Lazy, number: u32) -> u64 {
    // SAFETY: as in `wanted`.
    let lazy = unsafe { &*owner };
    lazy.code.code(lazy.function(number)).map_or(0, |address| address as u64)
}

/// Has the function compiled that a guest wants, if it wants one.
///
/// # Errors
/// As [`Work::add`].
///
/// # Safety
/// As of [`wanted`].
#[cfg(any(test, feature = "testing"))]
pub unsafe fn serve(context: *const Context) -> Result<()> {
    // SAFETY: by the caller's promise.
    let Some((work, number)) = (unsafe { wanted(context) }) else { return Ok(()) };
    let batch = os::on_large_stack(|| work.compile_called(number, &mut Bench::new()))?;
    work.add_called(&batch)
}
