//! Stores: who owns instances, memories, tables and globals, and for how long.
//!
//! A store is the set of instances that are linked together. When an instance imports something of
//! another store, both become one. Everything in a store is freed as one, when the last handle to
//! anything in it goes.
//!
//! A memory leads to no instance, so an instance that imports nothing else of other stores does not
//! join the memory's store but keeps it alive: many short-lived instances can share one long-lived
//! memory. Only a store that has nothing yet may begin to keep another, which has something: so
//! stores never keep each other alive in a circle. Where two stores become one, all that either
//! keeps joins them.
//!
//! There are two sides to a store:
//!
//! - *Handles* hold a [`Store`], a reference counted cell. The cell of a store that was merged
//!   points to the cell of the store that took it in, and keeps it alive; the one at the end of
//!   this chain owns the contents.
//! - *Compiled code and the signal handler* hold the address of a [`Ranges`], which lives as long
//!   as the contents. It lists the address ranges of the memories, readable at any time without a
//!   lock. The node of a merged store points to that of the other.

#![allow(unsafe_code)] // a list that a signal handler reads

use super::exceptions::{self, Counts};
use super::global::Global;
use super::instance::InstanceData;
use super::memory::Memory;
use super::pinned::Pinned;
use super::stats::{self, Live};
use super::table::Table;
use super::tag::Tag;
use crate::fiber::ranges::{Ranges, Region};
use crate::prelude::*;
use crate::sync::Mutex;
use crate::sync::OnceLock;
use alloc::sync::{Arc, Weak};
use core::ptr::NonNull;

/// A handle to a store; keeps everything in it alive.
#[derive(Clone, Debug)]
pub struct Store(Arc<Cell>);

/// Leads to a store without keeping it alive.
#[derive(Clone, Debug)]
pub struct StoreWatch(Weak<Cell>);

#[derive(Debug)]
struct Cell {
    /// The cell of the store that took this one in.
    merged: OnceLock<Arc<Cell>>,
    /// None once it was merged; `merged` is set before anybody can see that.
    contents: Mutex<Option<Contents>>,
}

/// What a store owns. Handles and compiled code hold the addresses of the pinned things.
#[derive(Debug)]
pub(super) struct Contents {
    // Dropped in this order: code that could run on a memory goes before the memory.
    pub(super) instances: Vec<Pinned<InstanceData>>,
    pub(super) tables: Vec<Pinned<Table>>,
    pub(super) globals: Vec<Pinned<Global>>,
    pub(super) tags: Vec<Pinned<Tag>>,
    /// What is kept of exceptions of the tags that were made here.
    pub(super) exceptions: Arc<Counts>,
    memories: Vec<Pinned<Memory>>,
    /// Stores of memories that instances of this one import.
    kept: Vec<Store>,
    /// Nodes of this store and of those that it took in; the first is its own.
    nodes: Vec<Pinned<Ranges>>,
    _live: Live,
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        let contents = Contents {
            instances: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
            exceptions: Arc::default(),
            memories: Vec::new(),
            kept: Vec::new(),
            nodes: vec![Pinned::new(Ranges::default())],
            _live: stats::STORES.count(),
        };
        Self(Arc::new(Cell { merged: OnceLock::new(), contents: Mutex::new(Some(contents)) }))
    }

    /// Whether both are the same store by now.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        loop {
            let (a, b) = (self.end(), other.end());
            if Arc::ptr_eq(&a, &b) {
                return true;
            }
            // If `a` still is an end, both were different ends when `b` was found.
            if a.merged.get().is_none() {
                return false;
            }
        }
    }

    /// Makes both stores one.
    pub fn merge(&self, other: &Self) {
        loop {
            let (a, b) = (self.end(), other.end());
            if Arc::ptr_eq(&a, &b) {
                return;
            }
            // Everybody locks two cells in the order of their addresses.
            let (first, second) = if Arc::as_ptr(&a) < Arc::as_ptr(&b) { (a, b) } else { (b, a) };
            let (mut in_first, mut in_second) = (first.contents.lock(), second.contents.lock());
            // The smaller is taken in, so that the chains stay short.
            let size = |contents: &Option<Contents>| contents.as_ref().map(|contents| contents.nodes.len());
            let (Some(size_of_first), Some(size_of_second)) = (size(&in_first), size(&in_second)) else {
                continue; // another merge was quicker
            };
            let (to, from, end, merged) = if size_of_first >= size_of_second {
                (&mut *in_first, &mut *in_second, &first, &second)
            } else {
                (&mut *in_second, &mut *in_first, &second, &first)
            };
            merged.merged.set(Arc::clone(end)).expect("a cell that has contents was not merged");
            let from = from.take().expect("checked above");
            let to = to.as_mut().expect("checked above");
            to.take_in(from);
            let kept = core::mem::take(&mut to.kept);
            drop((in_first, in_second));
            for store in &kept {
                self.merge(store);
            }
            return;
        }
    }

    /// Keeps the store of a memory alive, whose range is from now on one of this store, too. Only a
    /// store that has nothing yet can do that; false for any other.
    pub(super) fn keep(&self, other: &Self, memory: Region) -> bool {
        self.with(|contents| {
            let empty = contents.is_empty();
            if empty {
                contents.nodes[0].add(memory);
                contents.kept.push(other.clone());
            }
            empty
        })
    }

    /// The address of the store's node, which [`memory_at`](crate::fiber::ranges::memory_at) takes.
    pub(super) fn node(&self) -> *const Ranges {
        self.with(|contents| contents.nodes[0].pointer().as_ptr().cast_const())
    }

    /// Does something with the contents, under the store's lock. It must not use handles, which
    /// take the lock too.
    pub(super) fn with<R>(&self, body: impl FnOnce(&mut Contents) -> R) -> R {
        loop {
            let end = self.end();
            let mut contents = end.contents.lock();
            if let Some(contents) = contents.as_mut() {
                return body(contents);
            }
            // It was merged between `end` and `lock`.
        }
    }

    /// A watch on this store. Once the store was merged into another, a watch on that one is
    /// needed, too: this finds it only as long as somebody holds a handle from before.
    #[must_use]
    pub fn watch(&self) -> StoreWatch {
        StoreWatch(Arc::downgrade(&self.0))
    }

    fn end(&self) -> Arc<Cell> {
        let mut cell = &self.0;
        while let Some(next) = cell.merged.get() {
            cell = next;
        }
        Arc::clone(cell)
    }
}

impl StoreWatch {
    /// The store, if it still exists.
    #[must_use]
    pub fn store(&self) -> Option<Store> {
        self.0.upgrade().map(Store)
    }
}

impl Default for Store {
    fn default() -> Self {
        Self::new()
    }
}

impl Contents {
    /// Takes a memory in, and from now on faults in its range are accesses to it.
    pub(super) fn add_memory(&mut self, memory: Pinned<Memory>) -> NonNull<Memory> {
        let pointer = memory.pointer();
        self.nodes[0].add(memory.region());
        self.memories.push(memory);
        pointer
    }

    /// Whether there is nothing that an instance could import.
    const fn is_empty(&self) -> bool {
        self.instances.is_empty()
            && self.tables.is_empty()
            && self.globals.is_empty()
            && self.tags.is_empty()
            && self.memories.is_empty()
    }

    fn take_in(&mut self, mut other: Self) {
        for memory in &other.memories {
            self.nodes[0].add(memory.region());
        }
        // Only now: whoever follows the pointer finds the ranges.
        other.nodes[0].merge_into(self.nodes[0].pointer());
        self.instances.append(&mut other.instances);
        self.tables.append(&mut other.tables);
        self.globals.append(&mut other.globals);
        self.tags.append(&mut other.tags);
        self.memories.append(&mut other.memories);
        self.kept.append(&mut other.kept);
        self.nodes.append(&mut other.nodes);
    }
}

impl Drop for Contents {
    fn drop(&mut self) {
        if !self.tags.is_empty() {
            exceptions::forget(&self.tags);
        }
    }
}

#[cfg(test)]
mod tests;
