//! A table: its elements, its definition that compiled code reads, and how it grows.
//!
//! The base never moves and the bound only grows. An element is one aligned 64-bit slot, read and
//! written whole, so readers never see half of one and need no lock; growing takes the table's own.

#![allow(unsafe_code)] // owns the memory of the elements

use super::image;
use super::pages::{self, HOST_PAGE};
use super::refused::{Limiter, Refused};
use super::reservation::reserve_between;
use crate::abi::vmctx::TableDefinition;
use crate::budget::{self, Taken};
use crate::error::{Error, ErrorKind, Result};
use crate::os::Errno;
use crate::prelude::*;
use crate::sync::Mutex;
use crate::types::{Limits, MAX_TABLE_ELEMENTS, TableType};
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Bytes of an element.
const ELEMENT: u64 = size_of::<u64>() as u64;
/// Elements up to which a table that cannot grow is an ordinary allocation.
const SMALL: u64 = 1 << 16;

/// A table. Its address must not change: compiled code holds that of the definition.
#[derive(Debug)]
pub(super) struct Table {
    definition: TableDefinition,
    /// The type that was declared, whose maximum a ceiling of the embedder does not change.
    declared: TableType,
    elements: Elements,
    /// Elements in the beginning.
    initial: u64,
    /// Held while growing.
    grow: Mutex<()>,
    /// Who sets the most elements.
    limiter: Limiter,
    refused: Mutex<Option<Refused>>,
}

#[derive(Debug)]
enum Elements {
    /// All that there will ever be.
    Fixed(Box<[AtomicU64]>),
    /// A reservation, accessible up to the bound.
    Reserved {
        base: usize,
        /// Bytes of the reservation.
        bytes: u64,
        /// Elements that the table may have.
        max: u64,
        _mappings: Taken,
    },
}

impl Table {
    /// Makes a table of a valid type, all null, which may grow to `ceiling` elements at most.
    pub(super) fn new(ty: &TableType, can_grow: bool, ceiling: Option<u64>) -> Result<Self> {
        Self::beginning(ty, can_grow, ceiling, None)
    }

    /// The same for a table that begins with more elements than its type says.
    pub(super) fn beginning(
        ty: &TableType,
        can_grow: bool,
        ceiling: Option<u64>,
        elements: Option<u64>,
    ) -> Result<Self> {
        let (min, largest, limiter) = sizes(ty, ceiling, elements)?;
        let elements = if min <= SMALL && (!can_grow || largest == min) {
            Elements::Fixed((0..min).map(|_| AtomicU64::new(0)).collect())
        } else {
            let mappings = budget::take(2)?;
            let wanted = if can_grow { largest } else { min };
            let (base, bytes) = reserve_between(min * ELEMENT, wanted * ELEMENT)?;
            Elements::Reserved { base, bytes, max: wanted.min(bytes / ELEMENT), _mappings: mappings }
        };
        let table = Self {
            definition: TableDefinition { base: AtomicUsize::new(elements.base()), bound: AtomicU64::new(0) },
            declared: *ty,
            elements,
            initial: min,
            grow: Mutex::new(()),
            limiter,
            refused: Mutex::new(None),
        };
        table.elements.commit(0, min)?;
        table.definition.bound.store(min, Ordering::Release);
        Ok(table)
    }

    /// Whether there may be a table of a valid type under a ceiling.
    pub(super) fn check(ty: &TableType, ceiling: Option<u64>) -> Result<()> {
        sizes(ty, ceiling, None).map(drop)
    }

    /// Its definition.
    pub(super) const fn definition(&self) -> &TableDefinition {
        &self.definition
    }

    /// First element.
    pub(super) fn base(&self) -> *mut u64 {
        self.elements.base() as *mut u64
    }

    /// Number of elements.
    pub(super) fn bound(&self) -> u64 {
        self.definition.bound.load(Ordering::Acquire)
    }

    /// Its type, with its present size as the minimum (section 4.5.1).
    pub(super) fn ty(&self) -> TableType {
        TableType { limits: Limits { min: self.bound(), ..self.declared.limits }, ..self.declared }
    }

    /// Adds elements and returns the old number; none if that exceeds its maximum or the system
    /// refuses.
    pub(super) fn grow(&self, count: u64, initial: u64) -> Option<u64> {
        let _lock = self.grow.lock();
        let old = self.bound();
        let new = old.checked_add(count).filter(|new| *new <= self.elements.max())?;
        self.elements.commit(old, new).ok()?;
        if initial != 0 {
            for index in old..new {
                self.elements.at(index).store(initial, Ordering::Relaxed);
            }
        }
        // Whoever sees the new bound sees the elements.
        self.definition.bound.store(new, Ordering::Release);
        Some(old)
    }

    /// Makes it as large as in the beginning, and all null. What a guest was refused is forgotten.
    /// No code runs that may use it, but for that of linked instances, which finds null where an
    /// element was.
    pub(super) fn begin_again(&self) -> Result<()> {
        let _lock = self.grow.lock();
        let bound = self.bound();
        self.definition.bound.store(self.initial, Ordering::Release);
        *self.refused.lock() = None;
        self.elements.clear(bound).map_err(|error| pages::refused("reset a table", bound * ELEMENT, error))
    }

    /// Sets the first elements to null, for an offset of 0, or to an address and the offset. The
    /// table has so many.
    pub(super) fn fill(&self, offsets: &[u32], address: u64) {
        assert!(offsets.len() as u64 <= self.bound());
        for (index, offset) in (0..).zip(offsets) {
            let slot = if *offset == 0 { 0 } else { address + u64::from(*offset) };
            self.elements.at(index).store(slot, Ordering::Release);
        }
    }

    /// Notes that a guest was refused elements, until it gets some.
    pub(super) fn refuse(&self, count: u64) {
        let (asked, limit) = (self.bound().saturating_add(count), self.elements.max());
        let limiter = if asked > limit { self.limiter } else { Limiter::System };
        *self.refused.lock() = Some(Refused { asked, limit, limiter });
    }

    /// What a guest was refused last, if it got nothing since.
    pub(super) fn refused(&self) -> &Mutex<Option<Refused>> {
        &self.refused
    }

    /// An element, if it exists.
    pub(super) fn get(&self, index: u64) -> Option<u64> {
        (index < self.bound()).then(|| self.elements.at(index).load(Ordering::Acquire))
    }

    /// Sets elements; none and false if they do not fit.
    pub(super) fn set(&self, index: u64, values: &[u64]) -> bool {
        let fits = index.checked_add(values.len() as u64).is_some_and(|end| end <= self.bound());
        if fits {
            for (at, value) in (index..).zip(values) {
                self.elements.at(at).store(*value, Ordering::Release);
            }
        }
        fits
    }
}

/// How many elements a table has in the beginning and may have at most, and who says so.
fn sizes(ty: &TableType, ceiling: Option<u64>, elements: Option<u64>) -> Result<(u64, u64, Limiter)> {
    let Limits { min, max } = ty.limits;
    let min = elements.unwrap_or(min);
    let most = u64::from(MAX_TABLE_ELEMENTS);
    if let Some(max) = max.filter(|max| min > *max) {
        return Err(Error::new(ErrorKind::Argument, format!("table of {min} elements, expected at most {max}")));
    }
    if min > most {
        let message = format!("table of {min} elements, expected at most {most}, the limit of this implementation");
        return Err(Error::new(ErrorKind::Resource, message));
    }
    let largest = max.unwrap_or(most).min(most).min(ceiling.unwrap_or(most));
    if min > largest {
        let message = format!("table of {min} elements, expected at most {largest}, the limit set by the embedder");
        return Err(Error::new(ErrorKind::Resource, message));
    }
    let possible = max.unwrap_or(most).min(most);
    let limiter = Limiter::of(largest, possible, max.is_some_and(|max| max == possible));
    Ok((min, largest, limiter))
}

impl Elements {
    fn base(&self) -> usize {
        match self {
            Self::Fixed(elements) => elements.as_ptr() as usize,
            Self::Reserved { base, .. } => *base,
        }
    }

    const fn max(&self) -> u64 {
        match self {
            Self::Fixed(elements) => elements.len() as u64,
            Self::Reserved { max, .. } => *max,
        }
    }

    /// An element that is below the bound, or being added under the lock.
    fn at(&self, index: u64) -> &AtomicU64 {
        match self {
            Self::Fixed(elements) => &elements[index as usize],
            Self::Reserved { base, max, .. } => {
                assert!(index < *max);
                // SAFETY: it lies in the reservation, and was committed before the bound came to
                // include it.
                unsafe { &*(*base as *const AtomicU64).add(index as usize) }
            }
        }
    }

    /// Makes the first elements null.
    fn clear(&self, count: u64) -> core::result::Result<(), Errno> {
        match self {
            Self::Fixed(elements) => {
                for element in elements {
                    element.store(0, Ordering::Release);
                }
                Ok(())
            }
            Self::Reserved { base, .. } => {
                let bytes = (count * ELEMENT).next_multiple_of(HOST_PAGE as u64) as usize;
                // SAFETY: the range is accessible, and holds whole pages of zeros and elements.
                unsafe { image::restore(*base, bytes, None) }
            }
        }
    }

    /// Makes the elements `from..to` accessible.
    fn commit(&self, from: u64, to: u64) -> Result<()> {
        let Self::Reserved { base, max, .. } = self else { return Ok(()) };
        assert!(from <= to && to <= *max);
        let page = |element: u64| (element * ELEMENT).next_multiple_of(HOST_PAGE as u64) as usize;
        let (from, to) = (page(from), page(to));
        // SAFETY: the range lies in the reservation, whose size is a multiple of the page.
        let committed = unsafe { pages::commit(base + from, to - from) };
        committed.map_err(|error| pages::refused("make accessible the elements of a table", (to - from) as u64, error))
    }
}

impl Drop for Elements {
    fn drop(&mut self) {
        if let Self::Reserved { base, bytes, .. } = self {
            // SAFETY: the store drops its tables when no handle and no call is left.
            unsafe { pages::release(*base, *bytes as usize) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ValType;

    fn ty(min: u64, max: Option<u64>) -> TableType {
        TableType::new(ValType::ExternRef, Limits { min, max })
    }

    #[test]
    fn grows_without_moving() {
        let table = Table::new(&ty(3, None), true, None).unwrap();
        assert!(table.set(1, &[7, 8]));
        assert!(!table.set(2, &[1, 2]) && !table.set(u64::MAX, &[1]));
        let base = table.base();
        assert_eq!(table.grow(100_000, 5), Some(3));
        assert_eq!(table.base(), base);
        let found = [0, 1, 2, 3, 100_002, 100_003].map(|index| table.get(index));
        assert_eq!(found, [Some(0), Some(7), Some(8), Some(5), Some(5), None]);
        assert_eq!(table.grow(u64::from(MAX_TABLE_ELEMENTS), 0), None);
        assert_eq!(table.grow(u64::MAX, 0), None);
        assert_eq!(table.ty(), ty(100_003, None));
        assert_eq!(table.grow(u64::from(MAX_TABLE_ELEMENTS) - 100_003, 0), Some(100_003));
    }

    #[test]
    fn limits_hold() {
        let fixed = Table::new(&ty(2, Some(2)), true, None).unwrap();
        assert!(matches!(fixed.elements, Elements::Fixed(_)));
        assert_eq!((fixed.grow(1, 0), fixed.grow(0, 0)), (None, Some(2)));
        let ceiling = Table::new(&ty(2, Some(10)), true, Some(4)).unwrap();
        assert_eq!((ceiling.grow(3, 0), ceiling.grow(2, 0)), (None, Some(2)));
        assert_eq!(ceiling.ty(), ty(4, Some(10)));
        assert_eq!(Table::new(&ty(5, None), true, Some(4)).unwrap_err().kind(), ErrorKind::Resource);
        assert_eq!(Table::new(&ty(5, Some(4)), true, None).unwrap_err().kind(), ErrorKind::Argument);
        let empty = Table::new(&ty(0, None), true, None).unwrap();
        assert_eq!((empty.get(0), empty.grow(1, 9), empty.get(0)), (None, Some(0), Some(9)));
        let large = Table::new(&ty(100_000, None), false, None).unwrap();
        assert!(large.set(99_999, &[1]));
        assert_eq!(large.grow(1, 0), None);
    }
}
