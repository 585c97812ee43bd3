//! A linear memory: its address range, its definition that compiled code and Go read, and how it
//! grows.
//!
//! The base never moves and the length only grows, so readers need no lock; growing takes the
//! memory's own.

#![allow(unsafe_code)] // hands out addresses of the memory's bytes

use super::image::MemoryImage;
use super::pages::{self, HOST_PAGE};
use super::refused::{Limiter, Refused};
use super::reservation::Reservation;
use super::stats::{self, Live};
use crate::abi::vmctx::MemoryDefinition;
use crate::error::{Error, ErrorKind, Result};
use crate::fiber::ranges::Region;
use crate::options::BoundsMode;
use crate::os::Errno;
use crate::prelude::*;
use crate::sync::Mutex;
use crate::types::{Limits, MemoryType, PAGE_SIZE};
use alloc::sync::Arc;
#[cfg(test)]
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// A linear memory. Its address must not change: compiled code holds that of the definition.
#[derive(Debug)]
pub(super) struct Memory {
    definition: MemoryDefinition,
    reservation: Reservation,
    /// Bytes in the beginning.
    initial: u64,
    /// The most bytes that it had before it was reset: Go may have seen them.
    most: AtomicU64,
    mode: BoundsMode,
    /// The type that was declared, whose maximum a ceiling of the embedder does not change.
    declared: MemoryType,
    grow: Mutex<()>,
    /// Who sets `max_length`.
    limiter: Limiter,
    refused: Mutex<Option<Refused>>,
    shown: AtomicBool,
    _live: Live,
}

/// Why a memory did not grow.
#[derive(Debug)]
pub(super) enum GrowError {
    /// It would exceed its maximum.
    Maximum {
        /// Size in pages.
        pages: u64,
    },
    /// The system refuses.
    System {
        /// Bytes that were asked for.
        bytes: u64,
        /// Its answer.
        error: Errno,
    },
}

impl Memory {
    /// Makes a memory of a valid type, which may grow to `ceiling` pages of 64 KiB at most. `mode`
    /// is how the module that defines it keeps accesses to 32-bit memories inside.
    pub(super) fn new(ty: &MemoryType, mode: BoundsMode, ceiling: Option<u64>) -> Result<Self> {
        Self::beginning(ty, mode, ceiling, None, None)
    }

    /// The same for a memory that begins with an image, which only a guarded one can, or with more
    /// pages than its type says.
    pub(super) fn beginning(
        ty: &MemoryType,
        mode: BoundsMode,
        ceiling: Option<u64>,
        image: Option<&Arc<MemoryImage>>,
        pages: Option<u64>,
    ) -> Result<Self> {
        let Limits { min, max } = ty.limits;
        let (declarable, page_size) = (ty.max_declared_pages(), ty.page_size());
        let largest = max.unwrap_or(declarable);
        if largest > declarable || min > largest {
            let message = format!("{ty}, expected at most {declarable} pages and no maximum below the minimum");
            return Err(Error::new(ErrorKind::Argument, message));
        }
        let possible = largest.min(ty.max_bytes_of_sort() / page_size);
        let ceiling = ceiling.map_or(u64::MAX, |pages| pages.saturating_mul(PAGE_SIZE) / page_size);
        let max_pages = possible.min(ceiling);
        let min = pages.unwrap_or(min);
        if min > max_pages {
            let whose =
                if min > possible { "the limit of this implementation" } else { "the limit set by the embedder" };
            let message = format!("memory of {min} pages, expected at most {max_pages}, {whose}");
            return Err(Error::new(ErrorKind::Resource, message));
        }
        let limiter = Limiter::of(max_pages, possible, max.is_some_and(|max| max == possible));
        let mode = mode.of_memory(ty);
        let (bytes, max_bytes) = (min * page_size, max_pages * page_size);
        let reservation = Reservation::new(mode, bytes, max_bytes, image)?;
        Ok(Self {
            definition: MemoryDefinition {
                base: AtomicUsize::new(reservation.base()),
                length: AtomicU64::new(bytes),
                max_length: max_bytes.min(reservation.capacity() / page_size * page_size),
                page_size,
            },
            reservation,
            initial: bytes,
            most: AtomicU64::new(bytes),
            mode,
            declared: *ty,
            grow: Mutex::new(()),
            limiter,
            refused: Mutex::new(None),
            shown: AtomicBool::new(false),
            _live: stats::MEMORIES.count(),
        })
    }

    /// Makes it what it was in the beginning, an image included, but for bytes that were written
    /// then. What a guest was refused is forgotten.
    ///
    /// # Safety
    /// No code runs that may use it, but for that of linked instances, for which a memory that
    /// shrinks is one that they access out of bounds.
    pub(super) unsafe fn begin_again(&self) -> Result<()> {
        let _lock = self.grow.lock();
        let length = self.length();
        self.most.fetch_max(length, Ordering::Relaxed);
        // Nobody grows it meanwhile, and who reads the length from now on stays within the
        // beginning.
        self.definition.length.store(self.initial, Ordering::Release);
        // SAFETY: by the caller's promise.
        let begun = unsafe { self.reservation.begin_again(length) };
        *self.refused.lock() = None;
        begun.map_err(|error| pages::refused("reset a memory", length, error))
    }

    /// Its definition.
    pub(super) const fn definition(&self) -> &MemoryDefinition {
        &self.definition
    }

    /// First byte.
    pub(super) const fn base(&self) -> *mut u8 {
        self.reservation.base() as *mut u8
    }

    /// Accessible bytes.
    pub(super) fn length(&self) -> u64 {
        self.definition.length.load(Ordering::Acquire)
    }

    /// How accesses are kept inside.
    pub(super) const fn mode(&self) -> BoundsMode {
        self.mode
    }

    /// Whether it lies in a full reservation.
    pub(super) fn is_guarded(&self) -> bool {
        self.mode == BoundsMode::Guarded
    }

    /// The pages that are not all zeros, adjacent ones in one piece, by their offsets. Nobody
    /// changes or resets the memory as long as the pieces are used.
    pub(super) fn pieces(&self) -> Vec<(u64, &[u8])> {
        let length = self.length() as usize;
        // SAFETY: the bytes are accessible; that nobody changes them is what callers see to.
        let bytes = unsafe { core::slice::from_raw_parts(self.base().cast_const(), length) };
        let mut pieces: Vec<(u64, &[u8])> = Vec::new();
        let mut start = None;
        for at in (0..=length).step_by(HOST_PAGE) {
            let page = &bytes[at..length.min(at + HOST_PAGE)];
            let zero = page.iter().all(|byte| *byte == 0);
            if zero && let Some(from) = start.take() {
                pieces.push((from as u64, &bytes[from..at]));
            } else if !zero && start.is_none() {
                start = Some(at);
            }
        }
        if let Some(from) = start {
            pieces.push((from as u64, &bytes[from..]));
        }
        pieces
    }

    /// Addresses where a fault can be an access to this memory.
    #[cfg(test)]
    pub(super) const fn range(&self) -> Range<usize> {
        self.reservation.range()
    }

    /// The same, as the signal handler finds it.
    pub(super) const fn region(&self) -> Region {
        Region { range: self.reservation.range(), definition: &raw const self.definition }
    }

    /// Notes that a guest was refused pages, until it gets some.
    pub(super) fn refuse(&self, pages: u64, error: &GrowError) {
        let limit = self.definition.max_length / self.definition.page_size;
        let (asked, limiter) = match error {
            GrowError::Maximum { pages: old } => (old.saturating_add(pages), self.limiter),
            GrowError::System { .. } => {
                ((self.length() / self.definition.page_size).saturating_add(pages), Limiter::System)
            }
        };
        *self.refused.lock() = Some(Refused { asked, limit, limiter });
    }

    /// What a guest was refused last, if it got nothing since.
    pub(super) fn refused(&self) -> &Mutex<Option<Refused>> {
        &self.refused
    }

    /// Its type, with its present size as the minimum (section 4.5.1).
    pub(super) fn ty(&self) -> MemoryType {
        let limits = Limits { min: self.length() / self.declared.page_size(), ..self.declared.limits };
        MemoryType { limits, ..self.declared }
    }

    /// Marks it as known to Go.
    pub(super) fn show(&self) {
        self.shown.store(true, Ordering::Relaxed);
    }

    /// Adds pages and returns the old size in pages.
    pub(super) fn grow(&self, pages: u64) -> Result<u64, GrowError> {
        let _lock = self.grow.lock();
        let length = self.length();
        let MemoryDefinition { max_length, page_size, .. } = self.definition;
        let old = length / page_size;
        let new = old.checked_add(pages).filter(|new| *new <= max_length / page_size);
        let new = new.ok_or(GrowError::Maximum { pages: old })? * page_size;
        self.reservation.commit(length, new).map_err(|error| GrowError::System { bytes: new - length, error })?;
        self.definition.length.store(new, Ordering::Release);
        Ok(old)
    }

    /// Copies bytes in; none and false if they do not fit. A guest may access the same bytes at the
    /// same time, as it may by its own threads' stores: the outcome is then one or the other, byte
    /// by byte.
    pub(super) fn write(&self, offset: u64, bytes: &[u8]) -> bool {
        let fits = offset.checked_add(bytes.len() as u64).is_some_and(|end| end <= self.length());
        if fits {
            // SAFETY: the range is accessible, as the length only grows; the bytes are the guest's,
            // no Rust reference to them exists.
            unsafe { self.base().add(offset as usize).copy_from(bytes.as_ptr(), bytes.len()) };
        }
        fits
    }

    /// Copies bytes out; none and false if they are outside.
    pub(super) fn read(&self, offset: u64, bytes: &mut [u8]) -> bool {
        let fits = offset.checked_add(bytes.len() as u64).is_some_and(|end| end <= self.length());
        if fits {
            // SAFETY: as in `write`.
            unsafe { self.base().add(offset as usize).copy_to(bytes.as_mut_ptr(), bytes.len()) };
        }
        fits
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let committed = self.length().max(*self.most.get_mut());
        self.definition.length.store(0, Ordering::Release);
        self.definition.base.store(0, Ordering::Release);
        // SAFETY: the store drops its memories when no handle and no call is left.
        unsafe { self.reservation.give_back(committed, *self.shown.get_mut()) };
    }
}

impl GrowError {
    /// The error for the embedder, after an attempt to add pages.
    pub(super) fn into_error(self, added: u64) -> Error {
        match self {
            Self::Maximum { pages } => {
                let sum = pages.saturating_add(added);
                let message = format!(
                    "Failed to add pages because would exceed maximum number of pages. Left: {pages}, Right: {added}, \
                     Pages added: {sum}"
                );
                Error::new(ErrorKind::Resource, message)
            }
            Self::System { bytes, error } => pages::refused("grow a memory by the pages", bytes, error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::MAX_PAGES32;

    const MODES: [BoundsMode; 2] = [BoundsMode::Guarded, BoundsMode::Explicit];

    fn ty(min: u64, max: Option<u64>) -> MemoryType {
        MemoryType::new(Limits { min, max })
    }

    #[test]
    fn grows_up_to_its_maximum() {
        for mode in MODES {
            let memory = Memory::new(&ty(1, Some(3)), mode, None).unwrap();
            assert_eq!(memory.grow(0).unwrap(), 1);
            assert_eq!(memory.grow(2).unwrap(), 1);
            assert!(matches!(memory.grow(1), Err(GrowError::Maximum { pages: 3 })));
            assert!(matches!(memory.grow(u64::MAX), Err(GrowError::Maximum { .. })));
            assert_eq!(memory.ty(), ty(3, Some(3)));
            assert!(memory.write(3 * PAGE_SIZE - 2, b"ab"));
            assert!(!memory.write(3 * PAGE_SIZE - 1, b"ab") && !memory.write(u64::MAX, b"ab"));
            let mut bytes = [1; 3];
            assert!(memory.read(3 * PAGE_SIZE - 3, &mut bytes));
            assert_eq!(bytes, [0, b'a', b'b']);
        }
    }

    #[test]
    fn the_error_of_growing_names_the_sizes() {
        let memory = Memory::new(&ty(17, None), BoundsMode::Guarded, None).unwrap();
        let error = memory.grow(100_000).unwrap_err().into_error(100_000);
        assert_eq!(
            error.message(),
            "Failed to add pages because would exceed maximum number of pages. Left: 17, Right: 100000, Pages added: 100017"
        );
    }

    #[test]
    fn a_ceiling_limits_growing_but_not_the_type() {
        for mode in MODES {
            let memory = Memory::new(&ty(1, None), mode, Some(2)).unwrap();
            assert_eq!(memory.grow(1).unwrap(), 1);
            assert!(memory.grow(1).is_err());
            assert_eq!(memory.ty(), ty(2, None));
            let error = Memory::new(&ty(3, None), mode, Some(2)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Resource);
        }
        for (min, max) in [(3, Some(2)), (65_537, None), (1, Some(65_537))] {
            let error = Memory::new(&ty(min, max), BoundsMode::Guarded, None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Argument);
        }
    }

    #[test]
    fn the_largest_memory_exists_without_being_touched() {
        for mode in MODES {
            let memory = Memory::new(&ty(0, None), mode, None).unwrap();
            if memory.definition().max_length == MAX_PAGES32 * PAGE_SIZE && memory.grow(MAX_PAGES32).is_ok() {
                assert!(memory.write((4 << 30) - 1, b"x"));
            }
            assert!(memory.grow(1).is_err() || memory.length() < 4 << 30);
        }
    }

    #[test]
    fn many_threads_grow_one_memory() {
        let memory = Memory::new(&ty(0, Some(1000)), BoundsMode::Guarded, None).unwrap();
        let olds: Vec<Vec<u64>> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| (0..250).map(|_| memory.grow(1).unwrap()).collect::<Vec<_>>())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let mut olds = olds.concat();
        olds.sort_unstable();
        assert_eq!(olds, (0..1000).collect::<Vec<_>>());
    }
}
