//! The C ABI: its only definition, from which cbindgen writes `go/internal/engine/wasmer.h`.
//!
//! Rules that hold for every function here:
//! - A pointer to a handle is either one that a function of this ABI gave and that was not freed
//!   since, or null. Null for a required argument is an error of kind `Argument`; the `..._free`
//!   functions accept null and do nothing.
//! - A function that can fail returns null on success and an owned error otherwise, to be freed by
//!   `gw_error_free`; its `out` is written on success only.
//! - Panics are caught and become errors of kind `Internal`.
//! - Handles may be used from any thread, by several at once; freeing one ends its use everywhere.
//! - Values cross as 64-bit slots; strings as bytes of UTF-8 with a length.
//! - Arguments take 8 words at most, results 2; Go's functions for these are generated
//!   (`rust/header/src/bindings.rs`), by which Go calls them by number (`gw_entries`).
#![allow(unsafe_code)] // C callers hand in raw pointers; each is checked for null and read once, at the border.
#![allow(non_camel_case_types)] // these are the names that C sees
#![allow(clippy::missing_safety_doc)] // the rules above are the contract of all functions here

pub mod compilation;
pub mod describe;
pub mod engine;
pub mod error;
pub mod exceptions;
mod externs;
pub mod fiber;
pub mod instance;
pub mod lazy;
pub mod memory;
pub mod module;
pub mod roots;
pub mod snapshot;
#[allow(clashing_extern_declarations)] // it knows the functions by their addresses only
#[rustfmt::skip] // generated
pub mod table;
pub mod text;

use crate::error::{Error, ErrorKind, Result};
use crate::os::catch_panic;
use crate::prelude::*;
use error::gw_error;

/// The address of a function of this ABI.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Entry(*const ());

// SAFETY: an address of code, which nobody reads or writes through it.
unsafe impl Sync for Entry {}

/// Runs the body of a function that can fail: null, or an owned error; a panic becomes one.
fn fallible(body: impl FnOnce() -> Result<()>) -> *mut gw_error {
    let result = catch_panic(body)
        .unwrap_or_else(|said| Err(Error::new(ErrorKind::Internal, format!("bug of the engine: it panicked: {said}"))));
    match result {
        Ok(()) => core::ptr::null_mut(),
        Err(error) => gw_error::into_raw(error),
    }
}

/// Runs the body of a function that has nowhere to put an error: a panic yields the fallback.
fn infallible<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    catch_panic(body).unwrap_or(fallback)
}

/// An error for an argument of the C ABI.
fn argument(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Argument, message)
}

/// A shared reference to what a C caller points to.
///
/// # Safety
/// The pointer is null or valid for the call.
unsafe fn borrow<'a, T>(pointer: *const T, name: &str) -> Result<&'a T> {
    // SAFETY: the caller promises that it is null or valid.
    unsafe { pointer.as_ref() }.ok_or_else(|| argument(format!("argument `{name}` is null")))
}

/// Where a C caller wants a result.
///
/// # Safety
/// The pointer is null or valid for writing during the call, and nobody else uses it meanwhile.
unsafe fn output<'a, T>(pointer: *mut T, name: &str) -> Result<&'a mut T> {
    // SAFETY: the caller promises that it is null or valid and not shared.
    unsafe { pointer.as_mut() }.ok_or_else(|| argument(format!("argument `{name}` is null")))
}

/// The items that a C caller points to; null is allowed for none.
///
/// # Safety
/// The pointer is null or valid for `len` items during the call.
unsafe fn items<'a, T>(data: *const T, len: usize, name: &str) -> Result<&'a [T]> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(argument(format!("argument `{name}` is null, with a length of {len}")));
    }
    if len > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(argument(format!("argument `{name}` has a length of {len}, more than fits an address space")));
    }
    // SAFETY: not null, and the caller promises `len` items.
    Ok(unsafe { core::slice::from_raw_parts(data, len) })
}

/// Frees a handle made by `Box::into_raw`; dropping it may panic only by a bug, which is caught.
///
/// # Safety
/// The pointer is null or from `Box::into_raw`, and not freed before.
unsafe fn release<T>(handle: *mut T) {
    infallible((), || {
        if !handle.is_null() {
            // SAFETY: the caller promises that it came from a box and is freed once.
            drop(unsafe { Box::from_raw(handle) });
        }
    });
}

#[cfg(test)]
mod tests;
