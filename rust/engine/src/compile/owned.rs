#![allow(unsafe_code)] // a compilation beside the bytes that it borrows

//! A compilation that is not bound to the life of somebody's bytes.

use super::{Compilation, Purpose};
use crate::error::Result;
use crate::prelude::*;

/// A compilation with a copy of the module's bytes, or with bytes that somebody promises to keep.
#[derive(Debug)]
pub struct OwnedCompilation {
    // Dropped before the bytes are.
    compilation: Compilation<'static>,
    _copy: Box<[u8]>,
}

impl OwnedCompilation {
    /// Opens a compilation of a copy of the bytes.
    ///
    /// # Errors
    /// As [`Compilation::open`].
    pub fn copying(bytes: &[u8], purpose: Purpose) -> Result<Self> {
        let copy: Box<[u8]> = bytes.into();
        // SAFETY: the copy lives as long as what borrows it, which nobody gets without this, and
        // boxes do not move what they hold.
        let bytes = unsafe { core::slice::from_raw_parts(copy.as_ptr(), copy.len()) };
        Ok(Self { compilation: Compilation::open(bytes, purpose)?, _copy: copy })
    }

    /// Opens a compilation of the bytes themselves.
    ///
    /// # Errors
    /// As [`Compilation::open`].
    pub fn borrowing(bytes: &'static [u8], purpose: Purpose) -> Result<Self> {
        Ok(Self { compilation: Compilation::open(bytes, purpose)?, _copy: Box::default() })
    }

    /// The compilation.
    #[must_use]
    pub const fn get(&self) -> &Compilation<'_> {
        &self.compilation
    }
}
