//! Exceptions: throwing them, and those that somebody refers to.
//!
//! Sandbox-critical: throwing writes to the stack of the guest that catches, at places that
//! compiling has told.
//!
//! Most exceptions are caught by somebody who only wants their values: these go from frame to
//! frame. One that a guest refers to by exnref, or that nothing has caught, is kept here, for all
//! stores, by a number that no address and few integers look like. It goes with the store of its
//! tag, or when a collection (see `externref` on the Go side) finds no such number any more.

#![allow(unsafe_code)] // writes to guests' frames

use super::pinned::Pinned;
use super::store::Store;
use super::tag::{Tag, TagHandle};
use crate::abi::{Context, RuntimeOp};
use crate::error::{Error, ErrorKind, Result};
use crate::fiber::unwind::{self, Handler};
use crate::prelude::*;
use crate::sync::Mutex;
use crate::types::ValType;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use hashbrown::{HashMap, HashSet};

/// The upper bits of the number of an exception: of no address that can be used.
pub const PREFIX: u64 = 0xe7c5;
/// How many are made before the first collection, at least.
const FIRST: usize = 1024;
/// How many a store may keep at most, and slots of values in all of them: some 200 MB. A store is
/// what it was when its tags were made: two that become one may keep as many as both.
const MAX: usize = 1 << 20;
const MAX_SLOTS: usize = 1 << 24;

/// What a store keeps. Changed under the lock of the table alone.
#[derive(Debug, Default)]
pub(super) struct Counts {
    live: AtomicUsize,
    /// Slots of values in all of them.
    slots: AtomicUsize,
    /// How many were made since the last collection, and left by it.
    made: AtomicUsize,
    left: AtomicUsize,
}

impl Counts {
    fn is_due(&self) -> bool {
        self.made.load(Relaxed) > FIRST.max(2 * self.left.load(Relaxed))
    }
}

/// Adds to a number that nobody else changes.
fn add(to: &AtomicUsize, number: usize) {
    to.store(to.load(Relaxed).wrapping_add(number), Relaxed);
}

/// What [`take`] gives where there were too many exceptions to keep one more.
pub const EXHAUSTED: u64 = u64::MAX;

/// An exception that somebody refers to.
#[derive(Clone, Debug)]
struct Exception {
    tag: NonNull<Tag>,
    values: Box<[u64]>,
}

// SAFETY: the tag is only compared, or read by who keeps its store alive, or here, where exceptions
// are dropped before their tags.
unsafe impl Send for Exception {}

impl Exception {
    fn counts(&self) -> &Counts {
        // SAFETY: exceptions are dropped before their tags.
        unsafe { &self.tag.as_ref().counts }
    }
}

#[derive(Debug)]
struct Place {
    generation: u16,
    /// How many hold it where no collection looks.
    pins: u32,
    /// Whether it was made or unpinned since the last collection, which may have begun before: the
    /// next one keeps it.
    fresh: bool,
    exception: Option<Exception>,
}

/// Exceptions by their numbers.
#[derive(Debug)]
struct Table {
    places: Vec<Place>,
    free: Vec<u32>,
}

static TABLE: Mutex<Table> = Mutex::new(Table { places: Vec::new(), free: Vec::new() });

impl Table {
    /// Keeps an exception, unless there are too many.
    fn add(&mut self, exception: Exception) -> Option<u64> {
        let (counts, slots) = (exception.counts(), exception.values.len());
        if counts.live.load(Relaxed) >= MAX || counts.slots.load(Relaxed) + slots > MAX_SLOTS {
            return None;
        }
        add(&counts.live, 1);
        add(&counts.made, 1);
        add(&counts.slots, slots);
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { generation: 0, pins: 0, fresh: false, exception: None });
            self.places.len() as u32 - 1
        });
        let place = &mut self.places[index as usize];
        (place.exception, place.fresh) = (Some(exception), true);
        Some(number(index, place.generation))
    }

    fn index(&self, number: u64) -> Option<usize> {
        let index = (number as u32).checked_sub(1)? as usize;
        let place = self.places.get(index)?;
        let same = number >> 48 == PREFIX && (number >> 32) as u16 == place.generation && place.exception.is_some();
        same.then_some(index)
    }

    fn get(&self, number: u64) -> Option<&Exception> {
        self.index(number).and_then(|index| self.places[index].exception.as_ref())
    }

    fn remove(&mut self, wanted: impl Fn(usize, &Exception) -> bool) {
        for (index, place) in self.places.iter_mut().enumerate() {
            if let Some(exception) = place.exception.take_if(|exception| wanted(index, exception)) {
                let counts = exception.counts();
                add(&counts.live, 1_usize.wrapping_neg());
                add(&counts.slots, exception.values.len().wrapping_neg());
                place.pins = 0;
                place.generation = place.generation.wrapping_add(1);
                self.free.push(index as u32);
            }
        }
    }

    fn pin(&mut self, number: u64) {
        if let Some(index) = self.index(number) {
            self.places[index].pins += 1;
        }
    }

    fn live(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

/// The number of the exception in a place.
fn number(index: u32, generation: u16) -> u64 {
    PREFIX << 48 | u64::from(generation) << 32 | (u64::from(index) + 1)
}

/// Drops the exceptions of tags that go.
pub(super) fn forget(tags: &[Pinned<Tag>]) {
    let mut table = TABLE.lock();
    if table.live() > 0 {
        let tags: HashSet<_> = tags.iter().map(Pinned::pointer).collect();
        table.remove(|_, exception| tags.contains(&exception.tag));
    }
}

/// Whether a number is that of an exception.
#[must_use]
pub fn is_exception(number: u64) -> bool {
    TABLE.lock().get(number).is_some()
}

/// Makes an exception of the slots of its values, and returns its number. It is kept until
/// [`unpin`], and then as long as somebody refers to it.
///
/// # Errors
/// Kind `Argument` for another number of slots than the tag says; `Resource` where there are too
/// many exceptions.
pub fn make(tag: &TagHandle, values: &[u64]) -> Result<u64> {
    let expected = tag.ty().param_slots();
    if values.len() != expected {
        let message = format!("{} slots for an exception {}, expected {expected}", values.len(), tag.ty());
        return Err(super::externs::argument(message));
    }
    let mut table = TABLE.lock();
    let number = table.add(Exception { tag: tag.pointer(), values: values.into() }).ok_or_else(|| {
        Error::new(ErrorKind::Resource, format!("{} exceptions are referred to, which are too many", table.live()))
    })?;
    table.pin(number);
    Ok(number)
}

/// Keeps an exception until [`unpin`] was called once more.
pub fn pin(number: u64) {
    TABLE.lock().pin(number);
}

/// Takes back what [`make`], [`take`] and [`pin`] have seen to.
pub fn unpin(number: u64) {
    let mut table = TABLE.lock();
    if let Some(index) = table.index(number) {
        let place = &mut table.places[index];
        place.pins = place.pins.saturating_sub(1);
        place.fresh = true;
    }
}

/// The tag and the slots of an exception of a store; none if it is another's, or is none.
#[must_use]
pub fn read(store: &Store, number: u64) -> Option<(TagHandle, Box<[u64]>)> {
    let Exception { tag, values } = TABLE.lock().get(number)?.clone();
    // The store keeps its tags.
    let known = store.with(|contents| contents.tags.iter().any(|known| known.pointer() == tag));
    known.then(|| (TagHandle::new(store, tag), values))
}

/// Throws what a guest wants thrown that has left for `Throw` or `ThrowRef`. It goes on where that
/// is caught when it is resumed; else after the call, with the exception in the context.
///
/// # Safety
/// The context's last status is `RuntimeCall`, for one of these.
pub(super) unsafe fn throw(context: *mut Context) {
    // SAFETY: the guest is stopped, so that nobody else uses the context.
    let (op, [vmctx, a, b, _]) = unsafe { ((*context).runtime_op, (*context).runtime_args) };
    let (exception, number) = if op == RuntimeOp::Throw as u64 {
        // SAFETY: compiled code passes the vmctx that it runs with and the place of a tag in it,
        // whose store is alive; and its slots behind a word in its frame.
        let exception = unsafe {
            let tag = *((vmctx + a) as *const NonNull<Tag>);
            let words = tag.as_ref().ty.param_slots();
            let values = core::slice::from_raw_parts((b as *const u64).add(1), words);
            Exception { tag, values: values.into() }
        };
        (exception, None)
    } else {
        let Some(exception) = TABLE.lock().get(a).cloned() else { return };
        (exception, Some(a))
    };
    // SAFETY: the guest is stopped at a call of compiled code.
    let number = match unsafe { raise(context, &exception, number) } {
        Raised::Caught => return,
        Raised::Full => EXHAUSTED,
        Raised::Uncaught => {
            let mut table = TABLE.lock();
            let number = number.or_else(|| table.add(exception)).unwrap_or(EXHAUSTED);
            table.pin(number);
            number
        }
    };
    // SAFETY: as above.
    unsafe { (*context).exception = number };
}

/// Throws an exception at the call by which a guest has left, and reports whether the guest catches
/// it: it goes on there when it is resumed.
///
/// # Safety
/// The guest has left for a host function or a runtime function, and was not resumed since.
#[must_use]
pub unsafe fn throw_at_call(context: *mut Context, number: u64) -> bool {
    let Some(exception) = TABLE.lock().get(number).cloned() else { return false };
    // SAFETY: by the caller's promise.
    matches!(unsafe { raise(context, &exception, Some(number)) }, Raised::Caught)
}

/// How throwing an exception has ended.
enum Raised {
    Caught,
    Uncaught,
    /// It is to be kept, and there are too many.
    Full,
}

/// # Safety
/// As of [`throw_at_call`].
unsafe fn raise(context: *mut Context, exception: &Exception, number: Option<u64>) -> Raised {
    // SAFETY: by the caller's promise.
    let Some(handler) = (unsafe { unwind::find(context, exception.tag.as_ptr().addr()) }) else {
        return Raised::Uncaught;
    };
    let Handler { slot, with_ref, with_values, .. } = handler;
    // SAFETY: the frame that catches has a slot with room for the values of any tag that its
    // clauses name, and a word before them; where the clause names none, no value is wanted. What
    // is copied may lie in the same frame.
    unsafe {
        if with_ref {
            let mut table = TABLE.lock();
            let Some(number) = number.or_else(|| table.add(exception.clone())) else { return Raised::Full };
            *slot = number;
            (*context).collect = u32::from(exception.counts().is_due());
        }
        if with_values {
            ptr::copy(exception.values.as_ptr(), slot.add(1), exception.values.len());
        }
        unwind::resume_at(context, &handler);
    }
    Raised::Caught
}

/// Takes the exception that nothing has caught, 0 if there is none. It is kept until [`unpin`].
///
/// # Safety
/// The guest of the context is stopped.
#[must_use]
pub unsafe fn take(context: *mut Context) -> u64 {
    // SAFETY: by the caller's promise.
    unsafe { core::mem::take(&mut (*context).exception) }
}

impl Store {
    /// Drops the exceptions of the store that none of these words refers to, and nothing that the
    /// store holds, unless they are new. Guests of the store do not run. Reports how many were
    /// dropped.
    #[must_use]
    pub fn drop_exceptions(&self, words: &[u64]) -> usize {
        let mut reached = self.references(ValType::ExnRef);
        reached.extend_from_slice(words);
        let tags: HashSet<_> = self.with(|contents| contents.tags.iter().map(Pinned::pointer).collect());
        let mut table = TABLE.lock();
        let mut kept: HashSet<usize> = HashSet::new();
        let mut young: HashMap<*const Counts, usize> = HashMap::new();
        for (index, place) in (0..).zip(&mut table.places) {
            let own = place.exception.as_ref().is_some_and(|exception| tags.contains(&exception.tag));
            let fresh = own && core::mem::take(&mut place.fresh);
            if let Some(exception) = place.exception.as_ref().filter(|_| fresh) {
                *young.entry(exception.counts()).or_default() += 1;
            }
            if fresh || own && place.pins > 0 {
                reached.push(number(index, place.generation));
            }
        }
        while let Some(word) = reached.pop() {
            let Some(index) = table.index(word) else { continue };
            if kept.insert(index) {
                let exception = table.places[index].exception.as_ref();
                // Their own values may be exceptions, too.
                reached.extend(exception.into_iter().flat_map(|exception| exception.values.iter().copied()));
            }
        }
        let before = table.live();
        table.remove(|index, exception| tags.contains(&exception.tag) && !kept.contains(&index));
        self.with(|contents| {
            for counts in contents.tags.iter().map(|tag| &*tag.counts) {
                // Of the new ones it is not known whether they are referred to.
                let young = young.get(&ptr::from_ref(counts)).copied().unwrap_or(0);
                counts.left.store(counts.live.load(Relaxed).saturating_sub(young), Relaxed);
                counts.made.store(0, Relaxed);
            }
        });
        before - table.live()
    }

    /// Adds the slots of externref in the exceptions of the store.
    pub(super) fn externrefs_of_exceptions(&self, found: &mut Vec<u64>) {
        let table = TABLE.lock();
        if table.live() == 0 {
            return;
        }
        let tags: HashSet<_> = self.with(|contents| contents.tags.iter().map(Pinned::pointer).collect());
        for exception in table.places.iter().filter_map(|place| place.exception.as_ref()) {
            if !tags.contains(&exception.tag) {
                continue;
            }
            // SAFETY: the store keeps its tags.
            let params = unsafe { &exception.tag.as_ref().ty.params };
            let mut at = 0;
            for ty in params {
                if *ty == ValType::ExternRef && exception.values[at] != 0 {
                    found.push(exception.values[at]);
                }
                at += ty.slots();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{FuncType, GlobalType};

    fn tag(store: &Store, params: &[ValType]) -> TagHandle {
        store.tag(&FuncType { params: params.into(), results: Vec::new() }).unwrap()
    }

    #[test]
    fn exceptions_are_kept_as_long_as_they_are_pinned_or_referred_to() {
        let store = Store::new();
        let tag = tag(&store, &[ValType::I32, ValType::V128]);
        let number = make(&tag, &[7, 8, 9]).unwrap();
        for _ in 0..3 {
            assert_eq!(store.drop_exceptions(&[]), 0, "it is pinned");
        }
        let (found, values) = read(&store, number).unwrap();
        assert_eq!((found.identity(), &*values), (tag.identity(), &[7, 8, 9][..]));
        unpin(number);
        assert_eq!(store.drop_exceptions(&[]), 0, "a collection may have begun before it was unpinned");
        assert_eq!(store.drop_exceptions(&[1, number, 2]), 0);
        assert_eq!(store.drop_exceptions(&[]), 1);
        assert!(!is_exception(number) && read(&store, number).is_none());
        // The place is used again under another number.
        let next = make(&tag, &[0; 3]).unwrap();
        assert!(next != number && !is_exception(number) && is_exception(next));
        assert!(read(&Store::new(), next).is_none(), "that of another store");
        drop((store, tag, found));
        assert!(!is_exception(next), "they go with their store");
    }

    #[test]
    fn what_globals_and_exceptions_hold_is_kept() {
        let store = Store::new();
        let (outer, inner) = (tag(&store, &[ValType::ExnRef, ValType::ExternRef]), tag(&store, &[]));
        let held = make(&inner, &[]).unwrap();
        let holds = make(&outer, &[held, 77]).unwrap();
        let global = store.global(GlobalType { value: ValType::ExnRef, mutable: true }, holds).unwrap();
        unpin(held);
        unpin(holds);
        for _ in 0..3 {
            assert_eq!(store.drop_exceptions(&[]), 0);
        }
        assert_eq!(store.externrefs().iter().filter(|slot| **slot == 77).count(), 1);
        global.set(0).unwrap();
        assert_eq!(store.drop_exceptions(&[]), 2);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let store = Store::new();
        let tag = tag(&store, &[ValType::I32]);
        for slots in [&[][..], &[1, 2]] {
            assert_eq!(make(&tag, slots).unwrap_err().kind(), ErrorKind::Argument);
        }
        let ty = FuncType { params: Vec::new(), results: vec![ValType::I32] };
        assert_eq!(store.tag(&ty).unwrap_err().message(), "a tag of type [] -> [i32], expected no results");
        let ty = GlobalType { value: ValType::ExnRef, mutable: false };
        assert!(store.global(ty, PREFIX << 48 | 0xffff_ffff).is_err() && store.global(ty, 5).is_err());
        assert!(store.global(ty, 0).is_ok());
    }

    #[test]
    fn there_is_a_limit() {
        let store = Store::new();
        let (tag, other) = (tag(&store, &[]), tag(&Store::new(), &[]));
        let exception = Exception { tag: tag.pointer(), values: [0; 8].into() };
        let mut table = Table { places: Vec::new(), free: Vec::new() };
        exception.counts().slots.store(MAX_SLOTS - 20, Relaxed);
        assert!(table.add(exception.clone()).is_some() && table.add(exception.clone()).is_some());
        assert!(table.add(exception.clone()).is_none());
        assert!(table.add(Exception { tag: other.pointer(), values: Box::default() }).is_some(), "of another store");
        table.remove(|index, _| index == 0);
        assert!(table.add(exception).is_some());
    }
}
