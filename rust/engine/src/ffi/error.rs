//! Owned errors, and the two ways in which bytes cross: borrowed and owned.

use super::{infallible, release};
use crate::error::Error;
use crate::prelude::*;

/// Borrowed bytes: valid as long as what they were asked of.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct gw_slice {
    /// First byte; never null.
    pub data: *const u8,
    /// Number of bytes.
    pub len: usize,
}

/// Owned bytes: to be freed by `gw_bytes_free`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct gw_bytes {
    /// First byte; never null.
    pub data: *mut u8,
    /// Number of bytes.
    pub len: usize,
}

impl gw_bytes {
    /// Hands bytes over to C. The address is that of something even if there are none: Rust's own
    /// for nothing is 1, and Go's runtime ends the process when it finds such a number where it
    /// expects a pointer.
    pub(super) fn from_vec(bytes: Vec<u8>) -> Self {
        static NOTHING: u8 = 0;
        if bytes.is_empty() {
            return Self { data: (&raw const NOTHING).cast_mut(), len: 0 };
        }
        let bytes = Box::leak(bytes.into_boxed_slice());
        Self { data: bytes.as_mut_ptr(), len: bytes.len() }
    }
}

/// An error: its kind (`gw_error_code`), perhaps a trap (`gw_trap_code`), and a text.
#[derive(Debug)]
pub struct gw_error(Error);

impl gw_error {
    /// Hands an error over to C.
    pub(super) fn into_raw(error: Error) -> *mut Self {
        Box::into_raw(Box::new(Self(error)))
    }
}

/// Kind of an error, a `gw_error_code`; 0 for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_error_kind(error: *const gw_error) -> u32 {
    // SAFETY: null or an error of ours, by the rules of this ABI.
    unsafe { error.as_ref() }.map_or(0, |error| error.0.kind() as u32)
}

/// The trap that ended an instantiation, a `gw_trap_code`: an active segment out of bounds. 0 for
/// any other error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_error_trap(error: *const gw_error) -> u32 {
    // SAFETY: null or an error of ours, by the rules of this ABI.
    unsafe { error.as_ref() }.and_then(|error| error.0.trap()).map_or(0, |code| code as u32)
}

/// A place in a text that was given.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct gw_position {
    /// The line, counted from 1; 0 for no place.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
}

/// Where in the text that was given the error is; all 0 if it is about no text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_error_position(error: *const gw_error) -> gw_position {
    // SAFETY: null or an error of ours, by the rules of this ABI.
    let position = unsafe { error.as_ref() }.and_then(|error| error.0.position());
    position.map_or_else(gw_position::default, |at| gw_position { line: at.line, column: at.column })
}

/// Text of an error, valid until it is freed; empty for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_error_message(error: *const gw_error) -> gw_slice {
    // SAFETY: null or an error of ours, by the rules of this ABI.
    let text = unsafe { error.as_ref() }.map_or("", |error| error.0.message());
    gw_slice { data: text.as_ptr(), len: text.len() }
}

/// Frees an error; null is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_error_free(error: *mut gw_error) {
    // SAFETY: null or an error of ours that is freed once, by the rules of this ABI.
    unsafe { release(error) }
}

/// Frees bytes that a function of this ABI gave.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_bytes_free(bytes: gw_bytes) {
    infallible((), || {
        if !bytes.data.is_null() {
            // SAFETY: from `gw_bytes::from_vec`, freed once, by the rules of this ABI; a box of
            // nothing frees nothing.
            drop(unsafe { Box::from_raw(core::ptr::slice_from_raw_parts_mut(bytes.data, bytes.len)) });
        }
    });
}
