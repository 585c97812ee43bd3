//! Tags (WebAssembly 3.0, section 4.2.8 "Tag Instances"): an exception belongs to one by its
//! address, as compiled code and `fiber::unwind` compare it.

#![allow(unsafe_code)] // handles point into their store

use super::exceptions::Counts;
use super::externs::argument;
use super::pinned::Pinned;
use super::store::Store;
use crate::error::Result;
use crate::types::FuncType;
use alloc::sync::Arc;
use core::ptr::NonNull;

/// A tag, in the store that owns it.
#[derive(Debug)]
pub(super) struct Tag {
    /// The values of its exceptions: parameters, and no results.
    pub(super) ty: FuncType,
    /// What the store that it was made in keeps.
    pub(super) counts: Arc<Counts>,
}

impl Tag {
    pub(super) fn new(ty: &FuncType, store: &Store) -> Self {
        Self { ty: ty.clone(), counts: store.with(|contents| Arc::clone(&contents.exceptions)) }
    }
}

/// A tag.
#[derive(Clone, Debug)]
pub struct TagHandle {
    store: Store,
    tag: NonNull<Tag>,
}

// SAFETY: the store keeps the tag alive, which never changes.
unsafe impl Send for TagHandle {}
// SAFETY: as above.
unsafe impl Sync for TagHandle {}

impl Store {
    /// Makes a tag.
    ///
    /// # Errors
    /// Kind `Argument` for a type with results.
    pub fn tag(&self, ty: &FuncType) -> Result<TagHandle> {
        if !ty.results.is_empty() {
            return Err(argument(format!("a tag of type {ty}, expected no results")));
        }
        let tag = Pinned::new(Tag::new(ty, self));
        let pointer = tag.pointer();
        self.with(|contents| contents.tags.push(tag));
        Ok(TagHandle::new(self, pointer))
    }
}

impl TagHandle {
    pub(super) fn new(store: &Store, tag: NonNull<Tag>) -> Self {
        Self { store: store.clone(), tag }
    }

    /// The store that it belongs to.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    pub(super) const fn pointer(&self) -> NonNull<Tag> {
        self.tag
    }

    /// Which tag it is: handles to the same one have the same number.
    #[must_use]
    pub fn identity(&self) -> usize {
        self.tag.as_ptr().addr()
    }

    /// Its type, which has no results.
    #[must_use]
    pub fn ty(&self) -> &FuncType {
        // SAFETY: the store keeps it alive.
        &unsafe { self.tag.as_ref() }.ty
    }
}
