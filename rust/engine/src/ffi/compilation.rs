//! Compiling in steps, by threads of the caller: `gw_compilation_new`, `gw_compilation_run` on any
//! of them, `gw_compilation_finish`.
//!
//! The first two take no lock and keep nothing of what they allocate anywhere but in the
//! compilation, so that a caller who can take away their memory may stop them anywhere.
//! `gw_compilation_prepare` has made before what is kept.

use super::error::gw_error;
use super::module::gw_module;
use super::{borrow, fallible, infallible, items, output, release};
use crate::compile::{OwnedCompilation, Purpose};
use crate::options::{BoundsMode, CompileOptions, OptLevel};
use crate::os::on_large_stack;
use crate::prelude::*;
use crate::vm::Module;

/// Choices of compilation; all zero is the default.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct gw_compile_options {
    /// Not 0: small reservations and explicit bounds checks, for hosts that are short of address
    /// space.
    pub explicit_bounds: u32,
    /// Not 0: NaN results are made canonical.
    pub canonicalize_nans: u32,
    /// Not 0: code that is compiled quickly and runs slowly.
    pub opt_level_none: u32,
    /// Not 0: the module is only validated.
    pub validate: u32,
    /// Not 0: functions are compiled when they are called; `gw_compilation_finish_lazy` ends the
    /// compilation, which keeps a copy of the bytes.
    pub lazy: u32,
}

impl gw_compile_options {
    pub(super) fn choices(self) -> CompileOptions {
        let bounds = if self.explicit_bounds == 0 { BoundsMode::Guarded } else { BoundsMode::Explicit };
        let opt_level = if self.opt_level_none == 0 { OptLevel::Speed } else { OptLevel::None };
        CompileOptions { bounds, canonicalize_nans: self.canonicalize_nans != 0, opt_level }
    }

    fn purpose(self) -> Purpose {
        match (self.validate, self.lazy) {
            (0, 0) => Purpose::Compile(self.choices()),
            (0, _) => Purpose::Lazy(self.choices()),
            _ => Purpose::Validate,
        }
    }
}

/// A module that is being compiled.
#[derive(Debug)]
pub struct gw_compilation(pub(super) OwnedCompilation);

impl gw_compilation {
    /// Takes over what a handle refers to.
    ///
    /// # Safety
    /// The handle is from `gw_compilation_new`, and is not used any more.
    pub(super) unsafe fn into_owned(this: *mut Self) -> Box<OwnedCompilation> {
        // What it consists of lies at its beginning, and has its size: the allocation is as good
        // as one of that type. It stays where it is, in the heap of some work.
        const _: () = assert!(size_of::<gw_compilation>() == size_of::<OwnedCompilation>());
        const _: () = assert!(align_of::<gw_compilation>() == align_of::<OwnedCompilation>());
        // SAFETY: by the caller's promise, and the line above.
        unsafe { Box::from_raw(&raw mut (*this).0) }
    }
}

/// How far a compilation is.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct gw_progress {
    /// Functions that are done, and what belongs to them.
    pub done: u64,
    /// All of them.
    pub total: u64,
    /// How many threads can work at the same time with gain.
    pub threads: u64,
}

/// Makes what all compilations with these options share. Null options are the defaults. Call it
/// before `gw_compilation_new`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_compilation_prepare(options: *const gw_compile_options) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let options = unsafe { options.as_ref() }.copied().unwrap_or_default();
        crate::isa::targets_for(options.choices()).map(|_| ())
    })
}

/// Begins to compile a module from the binary format: reads and validates its declarations. The
/// bytes must stay as they are until the compilation is freed or finished. Null options are the
/// defaults.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_compilation_new(
    data: *const u8,
    len: usize,
    options: *const gw_compile_options,
    out: *mut *mut gw_compilation,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI; the bytes live as long as the
        // compilation.
        let (bytes, options, out) = unsafe { (items(data, len, "data")?, options.as_ref(), output(out, "out")?) };
        let options = options.copied().unwrap_or_default();
        let compilation = on_large_stack(|| match options.purpose() {
            purpose @ Purpose::Lazy(_) => OwnedCompilation::copying(bytes, purpose),
            purpose => OwnedCompilation::borrowing(bytes, purpose),
        })??;
        *out = Box::into_raw(Box::new(gw_compilation(compilation)));
        Ok(())
    })
}

/// Compiles functions until none is left that nobody has begun. Any number of threads may be in it
/// at the same time. Errors of the module are told by `gw_compilation_finish`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_compilation_run(compilation: *const gw_compilation) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let compilation = unsafe { borrow(compilation, "compilation")? };
        on_large_stack(|| compilation.0.get().run())
    })
}

/// Asks those who are in `gw_compilation_run` to come back after the function that they are at.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_compilation_cancel(compilation: *const gw_compilation) {
    infallible((), || {
        // SAFETY: null or valid, by the rules of this ABI.
        if let Ok(compilation) = unsafe { borrow(compilation, "compilation") } {
            compilation.0.get().cancel();
        }
    });
}

/// Tells how far a compilation is; at any time, from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_compilation_progress(compilation: *const gw_compilation, out: *mut gw_progress) {
    infallible((), || {
        // SAFETY: null or valid, by the rules of this ABI.
        if let (Ok(compilation), Ok(out)) = unsafe { (borrow(compilation, "compilation"), output(out, "out")) } {
            let progress = compilation.0.get().progress();
            *out = gw_progress {
                done: progress.done as u64,
                total: progress.total as u64,
                threads: progress.threads as u64,
            };
        }
    });
}

/// Ends a compilation that is complete while nobody is in `gw_compilation_run`: returns the module,
/// null where the module was only to be validated, or the error of the function with the lowest
/// index that has one. It copies what it keeps.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_compilation_finish(
    compilation: *const gw_compilation,
    out: *mut *mut gw_module,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (compilation, out) = unsafe { (borrow(compilation, "compilation")?, output(out, "out")?) };
        *out = match compilation.0.get().finish()? {
            Some(linked) => Box::into_raw(Box::new(gw_module(Module::load(&linked)?))),
            None => core::ptr::null_mut(),
        };
        Ok(())
    })
}

/// Frees a compilation; nobody is in `gw_compilation_run`. Null is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_compilation_free(compilation: *mut gw_compilation) {
    // SAFETY: null or a compilation of ours that is freed once, by the rules of this ABI.
    unsafe { release(compilation) }
}
