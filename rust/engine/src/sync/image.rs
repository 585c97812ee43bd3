#![allow(unsafe_code)] // locks
//! The locks of the image. Who finds one taken looks again some times, and then lets other
//! goroutines run.
//!
//! No lock is held when an entry is paused, as entries that lock are not pausable. Should an entry
//! die with a lock, by a panic or for want of stack, its stack tells which ones: each is a word
//! that is 0 when the lock is free, and is listed in the head of the stack while this entry holds
//! it.

use crate::os::own;
use core::cell::UnsafeCell;
use core::fmt;
use core::hint::spin_loop;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicU32, Ordering};

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Of a value that is made once: it is there.
const MADE: u32 = 2;
/// How often to look before others run.
const SPINS: u32 = 100;

/// Takes a lock unless it is neither free nor held, which ends the waiting.
fn acquire(word: &AtomicU32) -> bool {
    let mut spins = 0;
    loop {
        match word.compare_exchange_weak(FREE, HELD, Ordering::Acquire, Ordering::Acquire) {
            Ok(_) => {
                own::hold(word);
                return true;
            }
            Err(MADE) => return false,
            Err(_) if spins < SPINS => {
                spins += 1;
                spin_loop();
            }
            Err(_) => own::yield_now(),
        }
    }
}

fn release(word: &AtomicU32, to: u32) {
    own::let_go(word);
    word.store(to, Ordering::Release);
}

/// Mutual exclusion.
pub struct Mutex<T> {
    word: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the value is used by the one who holds the lock.
unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// Free, with a value.
    pub const fn new(value: T) -> Self {
        Self { word: AtomicU32::new(FREE), value: UnsafeCell::new(value) }
    }

    /// Takes the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        acquire(&self.word);
        MutexGuard(self)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mutex")
    }
}

/// A lock that is held.
pub struct MutexGuard<'a, T>(&'a Mutex<T>);

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the lock is held.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is held, by this guard alone.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        release(&self.0.word, FREE);
    }
}

/// A lock for many readers: what it guards is read for moments only, so that one at a time may.
#[derive(Debug)]
pub struct RwLock<T>(Mutex<T>);

impl<T> RwLock<T> {
    /// Free, with a value.
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Takes the lock to read.
    pub fn read(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }

    /// Takes the lock to write.
    pub fn write(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }
}

/// A value that is made once, by the first who asks for it.
pub struct OnceLock<T> {
    word: AtomicU32,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: the value is written by the one who has taken the word from `FREE`, and read by those who
// have seen `MADE`.
unsafe impl<T: Send + Sync> Sync for OnceLock<T> {}

impl<T> OnceLock<T> {
    /// Not made yet.
    pub const fn new() -> Self {
        Self { word: AtomicU32::new(FREE), value: UnsafeCell::new(None) }
    }

    /// The value, if it is there.
    pub fn get(&self) -> Option<&T> {
        if self.word.load(Ordering::Acquire) != MADE {
            return None;
        }
        // SAFETY: it is there, and is not written again.
        unsafe { (*self.value.get()).as_ref() }
    }

    /// The value; makes it if it is not there.
    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        let made: Result<&T, core::convert::Infallible> = self.get_or_try_init(|| Ok(make()));
        let Ok(value) = made;
        value
    }

    /// The same where making it may fail; then the next one tries again.
    pub fn get_or_try_init<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        if self.get().is_none() && acquire(&self.word) {
            // It may live as long as the process, and must not go with the heap of some work.
            own::assert_shared_heap();
            match make() {
                Ok(value) => {
                    // SAFETY: the word was free and is held by us: nobody reads or writes the
                    // value.
                    unsafe { *self.value.get() = Some(value) };
                    release(&self.word, MADE);
                }
                Err(error) => {
                    release(&self.word, FREE);
                    return Err(error);
                }
            }
        }
        Ok(self.get().expect("made here, or by who had taken the word"))
    }

    /// Gives it a value; returns that if there is one.
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.get_or_init(|| value.take().expect("called once"));
        value.map_or(Ok(()), Err)
    }
}

impl<T> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnceLock")
    }
}

/// A value that is made when it is first used.
pub struct Lazy<T> {
    cell: OnceLock<T>,
    make: fn() -> T,
}

impl<T> Lazy<T> {
    /// Will be made by a function.
    pub const fn new(make: fn() -> T) -> Self {
        Self { cell: OnceLock::new(), make }
    }
}

impl<T> Deref for Lazy<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.cell.get_or_init(self.make)
    }
}
