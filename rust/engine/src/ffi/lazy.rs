//! Modules whose functions are compiled when they are called: what a guest wants that has left for
//! one, and compiling functions in steps, by threads of the caller.
//!
//! `gw_lazy_compile` and `gw_lazy_gather` take no lock and keep nothing of what they allocate
//! anywhere but in the batch, so that a caller who can take away their memory may stop them
//! anywhere.

use super::compilation::gw_compilation;
use super::compilation::gw_progress;
use super::error::gw_error;
use super::module::gw_module;
use super::{borrow, fallible, infallible, output, release};
use crate::abi::Context;
use crate::compile::{Batch, Bench};
use crate::error::{Error, ErrorKind, Result};
use crate::os::on_large_stack;
use crate::prelude::*;
use crate::vm::Module;
use crate::vm::lazy::{self, Source, Work};

/// A module with functions that are not compiled. It keeps the code and what compiles it.
#[derive(Debug)]
pub struct gw_lazy(Work);

/// Functions that were compiled together.
#[derive(Debug)]
pub struct gw_batch(Batch);

/// What compiling reuses, and what was compiled there last.
#[derive(Debug)]
pub struct gw_bench {
    bench: Bench,
    batch: Option<gw_batch>,
}

/// Functions that were compiled at a bench.
#[repr(C)]
#[derive(Debug)]
pub struct gw_compiled {
    /// They belong to the bench, until it is used again.
    pub batch: *const gw_batch,
    /// Not 0: the bench takes more memory than one that is kept for later should.
    pub large: u64,
}

/// What a guest wants.
#[repr(C)]
#[derive(Debug)]
pub struct gw_wanted {
    /// The module, owned; null if the guest can be resumed as it is.
    pub lazy: *mut gw_lazy,
    /// Serial number of the module's code.
    pub code: u64,
    /// The function by its number among the module's own.
    pub function: u64,
}

/// Ends a compilation of which all is done and nobody is in `gw_compilation_run`, and whose
/// functions are to be compiled when they are called. The module takes the compilation over, which
/// must not be used or freed any more; if it lies in the heap of some work, that is given by its
/// root, and taken over, too. In the case of an error nothing is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_compilation_finish_lazy(
    compilation: *mut gw_compilation,
    heap: usize,
    out: *mut *mut gw_module,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (unfinished, out) = unsafe { (borrow(compilation, "compilation")?, output(out, "out")?) };
        let Some(linked) = unfinished.0.get().finish()? else {
            let message = "the compilation is to validate a module, expected one to compile it";
            return Err(Error::new(ErrorKind::Argument, message));
        };
        let module = Module::load_lazy(&linked)?;
        drop(linked);
        // SAFETY: a compilation of ours that is not used by the caller any more, by the rules of
        // this function.
        let owned = unsafe { gw_compilation::into_owned(compilation) };
        *out = Box::into_raw(Box::new(gw_module(module.with(Source::new(owned, heap)))));
        Ok(())
    })
}

/// Tells what a fiber wants that has left with `GW_STATUS_RUNTIME_CALL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_lazy_wanted(context: *const Context, out: *mut gw_wanted) {
    infallible((), || {
        // SAFETY: null or valid, by the rules of this ABI.
        let Ok(out) = (unsafe { output(out, "out") }) else { return };
        *out = gw_wanted { lazy: core::ptr::null_mut(), code: 0, function: 0 };
        if context.is_null() {
            return;
        }
        // SAFETY: a context whose guest is stopped and whose last status is the one that asks for
        // this, by the rules of this ABI.
        if let Some((work, function)) = unsafe { lazy::wanted(context) } {
            let code = work.serial();
            *out = gw_wanted { lazy: Box::into_raw(Box::new(gw_lazy(work))), code, function: function.into() };
        }
    });
}

/// What compiles the functions of a module: null if all are compiled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_module_lazy(module: *const gw_module, out: *mut *mut gw_lazy) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (module, out) = unsafe { (borrow(module, "module")?, output(out, "out")?) };
        *out = module.0.work().map_or(core::ptr::null_mut(), |work| Box::into_raw(Box::new(gw_lazy(work))));
        Ok(())
    })
}

/// Makes a bench, at which one thread at a time compiles functions of any modules.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_bench_new(out: *mut *mut gw_bench) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let out = unsafe { output(out, "out")? };
        *out = Box::into_raw(Box::new(gw_bench { bench: Bench::new(), batch: None }));
        Ok(())
    })
}

/// Compiles something at a bench, which keeps it.
fn at_bench(bench: &mut gw_bench, compile: impl FnOnce(&mut Bench) -> Batch + Send) -> Result<gw_compiled> {
    // What was compiled before goes first.
    bench.batch = None;
    let batch = on_large_stack(|| compile(&mut bench.bench))?;
    let batch = core::ptr::from_ref(bench.batch.insert(gw_batch(batch)));
    Ok(gw_compiled { batch, large: bench.bench.is_large().into() })
}

/// Compiles those functions of a module that have no code, of `count` functions from `first` on,
/// which is the number of one among the module's own. Any number of threads may be in it at the
/// same time, each with its own bench.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_lazy_compile(
    lazy: *const gw_lazy,
    bench: *mut gw_bench,
    first: u32,
    count: u32,
    out: *mut gw_compiled,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (lazy, bench, out) = unsafe { (borrow(lazy, "lazy")?, output(bench, "bench")?, output(out, "out")?) };
        *out = at_bench(bench, |bench| lazy.0.compile(first..first.saturating_add(count), bench))?;
        Ok(())
    })
}

/// Compiles a function that is called, given by its number among the module's own: quickly if it
/// has no code and that is good enough for its first calls. As `gw_lazy_compile` else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_lazy_compile_called(
    lazy: *const gw_lazy,
    bench: *mut gw_bench,
    function: u32,
    out: *mut gw_compiled,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (lazy, bench, out) = unsafe { (borrow(lazy, "lazy")?, output(bench, "bench")?, output(out, "out")?) };
        *out = at_bench(bench, |bench| lazy.0.compile_called(function, bench))?;
        Ok(())
    })
}

/// Compiles, quickly, some of the functions that a function calls which is given by its number
/// among the module's own, and that have no code, for `gw_lazy_add`. As `gw_lazy_compile` else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_lazy_compile_ahead(
    lazy: *const gw_lazy,
    bench: *mut gw_bench,
    function: u32,
    out: *mut gw_compiled,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (lazy, bench, out) = unsafe { (borrow(lazy, "lazy")?, output(bench, "bench")?, output(out, "out")?) };
        *out = at_bench(bench, |bench| lazy.0.compile_ahead(function, bench))?;
        Ok(())
    })
}

/// Makes a function callable that was compiled by `gw_lazy_compile_called`. It goes on with quickly
/// made code if it has some and could not be compiled better.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_lazy_add_called(lazy: *const gw_lazy, batch: *const gw_batch) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (lazy, batch) = unsafe { (borrow(lazy, "lazy")?, borrow(batch, "batch")?) };
        lazy.0.add_called(&batch.0)
    })
}

/// Frees a bench with what was compiled at it last. Null is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_bench_free(bench: *mut gw_bench) {
    // SAFETY: null or a bench of ours that is freed once, by the rules of this ABI.
    unsafe { release(bench) }
}

/// Makes the functions of a batch callable. The error is that of the first function that could not
/// be compiled, when all others can be called; or there is no room for the code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_lazy_add(lazy: *const gw_lazy, batch: *const gw_batch) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (lazy, batch) = unsafe { (borrow(lazy, "lazy")?, borrow(batch, "batch")?) };
        lazy.0.add(&batch.0)
    })
}

/// Collects all of the functions, which must be compiled, for `gw_lazy_complete`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_lazy_gather(lazy: *const gw_lazy, out: *mut *mut gw_batch) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (lazy, out) = unsafe { (borrow(lazy, "lazy")?, output(out, "out")?) };
        *out = Box::into_raw(Box::new(gw_batch(lazy.0.gather()?)));
        Ok(())
    })
}

/// Links all of the functions anew: from now on the module is what compiling it at once makes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_lazy_complete(lazy: *const gw_lazy, batch: *const gw_batch) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (lazy, batch) = unsafe { (borrow(lazy, "lazy")?, borrow(batch, "batch")?) };
        lazy.0.complete(&batch.0)
    })
}

/// Tells how many functions are compiled; at any time, from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_lazy_progress(lazy: *const gw_lazy, out: *mut gw_progress) {
    infallible((), || {
        // SAFETY: null or valid, by the rules of this ABI.
        if let (Ok(lazy), Ok(out)) = unsafe { (borrow(lazy, "lazy"), output(out, "out")) } {
            let (done, total) = lazy.0.progress();
            *out = gw_progress { done: done as u64, total: total as u64, threads: total as u64 };
        }
    });
}

/// Frees a handle; the module and its instances keep what they have. Null is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_lazy_free(lazy: *mut gw_lazy) {
    // SAFETY: null or a handle of ours that is freed once, by the rules of this ABI.
    unsafe { release(lazy) }
}

/// Frees a batch of `gw_lazy_gather`. Null is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_batch_free(batch: *mut gw_batch) {
    // SAFETY: null or a batch of ours that is freed once, by the rules of this ABI.
    unsafe { release(batch) }
}
