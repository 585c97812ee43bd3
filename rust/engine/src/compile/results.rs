#![allow(unsafe_code)] // places that several threads write, each one of its own
//! The results of tasks, each in a place of its own: who has taken a task writes its result without
//! a lock.

use crate::prelude::*;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

const EMPTY: u8 = 0;
const TAKEN: u8 = 1;
const WRITTEN: u8 = 2;

struct Place<T> {
    state: AtomicU8,
    value: UnsafeCell<Option<T>>,
}

/// A place for each task.
pub(super) struct Results<T> {
    places: Box<[Place<T>]>,
    written: AtomicUsize,
}

// SAFETY: a value is written by the one thread that has moved its place from `EMPTY` to `TAKEN`,
// and is read by others only after they have seen `WRITTEN`, which is stored after the write with
// release order.
unsafe impl<T: Send + Sync> Sync for Results<T> {}

impl<T> Results<T> {
    pub(super) fn new(length: usize) -> Self {
        let place = |_| Place { state: AtomicU8::new(EMPTY), value: UnsafeCell::new(None) };
        Self { places: (0..length).map(place).collect(), written: AtomicUsize::new(0) }
    }

    /// Writes the result of a task, once.
    pub(super) fn put(&self, index: usize, value: T) {
        let place = &self.places[index];
        assert_eq!(place.state.swap(TAKEN, Ordering::Relaxed), EMPTY, "the result of task {index} was there already");
        // SAFETY: this thread alone has found the place empty.
        unsafe { *place.value.get() = Some(value) };
        place.state.store(WRITTEN, Ordering::Release);
        self.written.fetch_add(1, Ordering::Release);
    }

    /// The result of a task, if it is there.
    pub(super) fn get(&self, index: usize) -> Option<&T> {
        let place = self.places.get(index)?;
        if place.state.load(Ordering::Acquire) != WRITTEN {
            return None;
        }
        // SAFETY: written, and never written again.
        unsafe { (*place.value.get()).as_ref() }
    }

    /// How many are there.
    pub(super) fn written(&self) -> usize {
        self.written.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_result_is_seen_when_it_is_there() {
        let results = Results::new(1000);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let results = &results;
                scope.spawn(move || (thread..1000).step_by(4).for_each(|index| results.put(index, vec![index])));
            }
            while results.written() < 1000 {
                for index in 0..1000 {
                    assert!(results.get(index).is_none_or(|value| *value == [index]));
                }
            }
        });
        assert!((0..1000).all(|index| results.get(index) == Some(&vec![index])) && results.get(1000).is_none());
    }

    #[test]
    #[should_panic(expected = "task 1 was there")]
    fn no_result_is_written_twice() {
        let results = Results::new(2);
        results.put(1, ());
        results.put(1, ());
    }
}
