//! A box whose contents are pointed to by compiled code and by handles, so that they never move.

#![allow(unsafe_code)] // an owning raw pointer: a `Box` would claim that nobody else points there

use crate::prelude::*;
use core::fmt;
use core::ops::Deref;
use core::ptr::NonNull;

/// Owns a value at a fixed address that others hold raw pointers to.
pub(super) struct Pinned<T>(NonNull<T>);

// SAFETY: it owns its value like a box, and returns only shared references to it.
unsafe impl<T: Send + Sync> Send for Pinned<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Pinned<T> {}

impl<T> Pinned<T> {
    pub(super) fn new(value: T) -> Self {
        Self(NonNull::from(Box::leak(Box::new(value))))
    }

    /// The address; valid as long as this.
    pub(super) const fn pointer(&self) -> NonNull<T> {
        self.0
    }
}

impl<T> Deref for Pinned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the value lives until `drop`.
        unsafe { self.0.as_ref() }
    }
}

impl<T> Drop for Pinned<T> {
    fn drop(&mut self) {
        // SAFETY: it came from a box and is dropped once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl<T: fmt::Debug> fmt::Debug for Pinned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
