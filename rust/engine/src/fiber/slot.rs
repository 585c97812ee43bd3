#![allow(unsafe_code)] // returns slots
//! A slot of the arena as a value: who holds it may enter a guest there.

use super::arena;
use crate::abi::Context;
use crate::error::Result;

/// A slot of the arena, given back when dropped.
#[derive(Debug)]
pub struct Fiber(*mut Context);

impl Fiber {
    /// Takes a slot.
    pub fn acquire() -> Result<Self> {
        arena::acquire().map(Self)
    }

    /// Its context.
    #[must_use]
    pub fn context(&self) -> *mut Context {
        self.0
    }

    /// Hands the slot over to somebody who calls [`release_raw`].
    #[must_use]
    pub fn into_raw(self) -> *mut Context {
        let context = self.0;
        core::mem::forget(self);
        context
    }
}

impl Drop for Fiber {
    fn drop(&mut self) {
        // SAFETY: the slot is ours, and no guest runs on it as `run` has returned.
        unsafe { arena::release(self.0) }
    }
}

/// Gives back a slot that came from [`Fiber::into_raw`].
///
/// # Safety
/// The context came from there, once, and no guest runs on it.
pub unsafe fn release_raw(context: *mut Context) {
    // SAFETY: by the caller's promise.
    unsafe { arena::release(context) }
}
