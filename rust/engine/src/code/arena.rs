#![allow(unsafe_code)] // mmap, mprotect

//! The arena that all compiled code lives in: one reservation of address space, given out by the
//! page.
//!
//! At most 2 GiB, so that every call inside is near and a program counter is classified by one
//! range. A block is writable while it is filled and executable afterwards, never both; freed, it
//! holds no memory and faults.

use super::icache;
use crate::budget::{self, Taken};
use crate::error::{Error, ErrorKind, Result};
use crate::os::{self, Errno};
use crate::sync::Mutex;
use crate::sync::OnceLock;
use alloc::collections::{BTreeMap, BTreeSet};
use core::ops::Range;

/// Granularity of blocks and of the index.
pub const PAGE: usize = crate::abi::HOST_PAGE;
const LARGEST: usize = 2 << 30;
const SMALLEST: usize = 16 << 20;
/// Where address space is limited, at most this part of the limit is reserved for code.
const PART_OF_LIMIT: usize = 16;

/// The free pages of an arena, best fit, lowest first.
#[derive(Debug, Default)]
struct FreeList {
    /// Start to length, no two adjacent.
    by_start: BTreeMap<u32, u32>,
    /// (length, start) of the same ranges.
    by_length: BTreeSet<(u32, u32)>,
}

impl FreeList {
    fn new(pages: u32) -> Self {
        let mut list = Self::default();
        list.insert(0, pages);
        list
    }

    fn insert(&mut self, start: u32, length: u32) {
        self.by_start.insert(start, length);
        self.by_length.insert((length, start));
    }

    fn remove(&mut self, start: u32, length: u32) {
        self.by_start.remove(&start);
        self.by_length.remove(&(length, start));
    }

    /// Takes the lowest of the shortest ranges that suffice.
    fn allocate(&mut self, pages: u32) -> Option<u32> {
        let &(length, start) = self.by_length.range((pages, 0)..).next()?;
        self.remove(start, length);
        if length > pages {
            self.insert(start + pages, length - pages);
        }
        Some(start)
    }

    /// Gives pages back, joining them with their neighbours.
    fn free(&mut self, mut start: u32, mut length: u32) {
        if let Some((&before, &before_length)) = self.by_start.range(..start).next_back() {
            debug_assert!(before + before_length <= start, "freed twice");
            if before + before_length == start {
                self.remove(before, before_length);
                start = before;
                length += before_length;
            }
        }
        if let Some(after_length) = self.by_start.get(&(start + length)).copied() {
            self.remove(start + length, after_length);
            length += after_length;
        }
        self.insert(start, length);
    }

    fn ranges(&self) -> u64 {
        self.by_start.len() as u64
    }
}

/// A reservation and the pages of it that are in use.
#[derive(Debug)]
pub(crate) struct Arena {
    base: usize,
    size: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free: FreeList,
    used_pages: u64,
    /// The free ranges are mappings too, one each.
    free_ranges: Taken,
}

/// The process's arena, reserved at first use.
pub(crate) fn arena() -> Result<&'static Arena> {
    ARENA.get_or_try_init(|| {
        let arena = Arena::reserve(LARGEST.min(part_of_address_space()))?;
        super::index::install(arena.range())?;
        Ok(arena)
    })
}

static ARENA: OnceLock<Arena> = OnceLock::new();

/// Bytes of the process's arena that are in use.
pub(crate) fn mapped_bytes() -> u64 {
    ARENA.get().map_or(0, |arena| arena.state.lock().used_pages * PAGE as u64)
}

/// What a limit of the address space (`ulimit -v`) leaves for code.
fn part_of_address_space() -> usize {
    let Some(limit) = os::address_space_limit() else { return usize::MAX };
    (limit as usize / PART_OF_LIMIT).max(SMALLEST) / PAGE * PAGE
}

impl Arena {
    /// Reserves `size` bytes, or half of that and so on where the system refuses.
    pub(crate) fn reserve(size: usize) -> Result<Self> {
        let free_ranges = budget::take(1)?;
        let mut size = size;
        let base = loop {
            match map_reserved(0, size, 0) {
                Ok(base) => break base,
                Err(_) if size / 2 >= SMALLEST => size /= 2,
                Err(e) => {
                    let message = format!(
                        "cannot reserve {size} bytes of address space for compiled code: {e}; is the address space limited (ulimit -v)?"
                    );
                    return Err(Error::new(ErrorKind::Resource, message));
                }
            }
        };
        let free = FreeList::new((size / PAGE) as u32);
        Ok(Self { base, size, state: Mutex::new(State { free, used_pages: 0, free_ranges }) })
    }

    pub(crate) fn range(&self) -> Range<usize> {
        self.base..self.base + self.size
    }

    /// Hands out a block of at least `bytes` bytes, readable and writable, filled with zeros.
    pub(crate) fn allocate(&'static self, bytes: usize) -> Result<Block> {
        let block = self.take(bytes, 1)?;
        // On failure the block is dropped, and so given back.
        block.protect(0, os::READ_WRITE).map_err(|e| {
            let message = format!("cannot commit {} bytes for compiled code: {e}", block.len());
            Error::new(ErrorKind::Resource, message)
        })?;
        Ok(block)
    }

    /// Hands out a block of at least `bytes` bytes that begins with whole pages of a file, readable
    /// and executable; the rest is readable and writable, and zeros. None where the system refuses,
    /// as it does for files in places from where nothing is to be executed.
    pub(crate) fn map(&'static self, bytes: usize, part: &FilePart) -> Result<Option<Block>> {
        let block = self.take(bytes, 2)?;
        let pages = part.bytes;
        assert!(pages.is_multiple_of(PAGE) && 0 < pages && pages <= block.len());
        // SAFETY: the range is the block's, and nothing is there yet.
        let mapped =
            unsafe { os::map_file(block.base(), pages, os::READ_EXECUTE, os::MAP_FIXED, part.descriptor, part.offset) };
        let ready = mapped.is_ok() && (pages == block.len() || block.protect(pages, os::READ_WRITE).is_ok());
        Ok(ready.then_some(block))
    }

    /// Hands out an inaccessible block, for so many mappings.
    fn take(&'static self, bytes: usize, mappings: u64) -> Result<Block> {
        let taken = budget::take(mappings)?;
        let pages = bytes.div_ceil(PAGE).max(1);
        let start = {
            let mut state = self.state.lock();
            let start = u32::try_from(pages).ok().and_then(|pages| state.free.allocate(pages));
            let Some(start) = start else {
                let used = state.used_pages * PAGE as u64;
                let message = format!(
                    "no room for {bytes} bytes of compiled code: {used} of {} bytes are in use; close modules",
                    self.size
                );
                return Err(Error::new(ErrorKind::Resource, message));
            };
            state.used_pages += pages as u64;
            let ranges = state.free.ranges();
            state.free_ranges.set(ranges);
            start
        };
        Ok(Block { arena: self, start, pages: pages as u32, _taken: taken })
    }

    /// Takes the memory out of a range and makes it inaccessible.
    ///
    /// # Safety
    /// The range is one block's, and nothing uses it any more.
    unsafe fn decommit(&self, start: u32, pages: u32) -> bool {
        let address = self.base + start as usize * PAGE;
        let length = pages as usize * PAGE;
        // A fresh mapping over the old one drops the pages and joins with its free neighbours.
        if map_reserved(address, length, os::MAP_FIXED).is_ok() {
            return true;
        }
        // SAFETY: the range lies in the arena and is unused (the caller's word).
        unsafe { os::protect(address, length, os::NONE).is_ok() && os::discard(address, length).is_ok() }
    }
}

/// Maps address space without access or memory behind it.
fn map_reserved(address: usize, length: usize, flags: i32) -> Result<usize, Errno> {
    // SAFETY: without MAP_FIXED a new mapping touches nothing; with it the caller owns the range.
    unsafe { os::map(address, length, os::NONE, os::MAP_NORESERVE | flags) }
}

/// Whole pages of a file that is open, which holds code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FilePart {
    /// The file's descriptor.
    pub(crate) descriptor: i32,
    /// Where the pages begin in the file; a multiple of [`PAGE`].
    pub(crate) offset: usize,
    /// Their bytes; a multiple of [`PAGE`].
    pub(crate) bytes: usize,
}

/// Whole pages of an arena, given back on drop. Whoever drops it knows that no thread can be in its
/// code.
#[derive(Debug)]
pub(crate) struct Block {
    arena: &'static Arena,
    start: u32,
    pages: u32,
    _taken: Taken,
}

impl Block {
    pub(crate) fn base(&self) -> usize {
        self.arena.base + self.start as usize * PAGE
    }

    pub(crate) fn len(&self) -> usize {
        self.pages as usize * PAGE
    }

    pub(crate) fn range(&self) -> Range<usize> {
        self.base()..self.base() + self.len()
    }

    /// Ends writing: the block can be read and executed from now on.
    pub(crate) fn make_executable(&self) -> Result<(), Errno> {
        self.make_part_executable(0, self.len())
    }

    /// The same for whole pages of the block, by their offset and length in bytes.
    pub(crate) fn make_part_executable(&self, offset: usize, bytes: usize) -> Result<(), Errno> {
        assert!(offset.is_multiple_of(PAGE) && bytes.is_multiple_of(PAGE) && offset + bytes <= self.len());
        let start = self.base() + offset;
        icache::synchronize(&(start..start + bytes));
        // SAFETY: the range is this block's own.
        unsafe { os::protect(start, bytes, os::READ_EXECUTE) }
    }

    /// Protects all from an offset on, a multiple of the page.
    fn protect(&self, offset: usize, protection: i32) -> Result<(), Errno> {
        // SAFETY: the range is this block's own.
        unsafe { os::protect(self.base() + offset, self.len() - offset, protection) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the block is this one's own, and its dropping says that nobody uses it.
        let clean = unsafe { self.arena.decommit(self.start, self.pages) };
        let mut state = self.arena.state.lock();
        if clean {
            state.free.free(self.start, self.pages);
            state.used_pages -= u64::from(self.pages);
        }
        // Else the pages cannot be trusted to be empty and stay lost: better than handing out old
        // code.
        let ranges = state.free.ranges();
        state.free_ranges.set(ranges);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    fn arena_of(pages: usize) -> &'static Arena {
        // Leaked: blocks refer to their arena for good, as to the process's own.
        Box::leak(Box::new(Arena::reserve(pages * PAGE).unwrap()))
    }

    #[test]
    fn free_list_splits_and_joins() {
        let mut list = FreeList::new(100);
        let [a, b, c, d] = [10, 20, 30, 40].map(|pages| list.allocate(pages).unwrap());
        assert_eq!([a, b, c, d], [0, 10, 30, 60]);
        assert_eq!(list.allocate(1), None);
        list.free(b, 20);
        list.free(d, 40);
        assert_eq!(list.ranges(), 2);
        assert_eq!(list.allocate(15), Some(10), "the shorter of two that suffice");
        list.free(10, 15);
        list.free(c, 30);
        assert_eq!(list.ranges(), 1, "joined on both sides");
        list.free(a, 10);
        assert_eq!(list.by_start.into_iter().collect::<Vec<_>>(), [(0, 100)]);
        assert_eq!(list.by_length.into_iter().collect::<Vec<_>>(), [(100, 0)]);
    }

    #[test]
    fn free_list_agrees_with_a_bitmap() {
        let mut list = FreeList::new(256);
        let mut used = [false; 256];
        let mut blocks: Vec<(u32, u32)> = Vec::new();
        let mut seed = 12_345_u32;
        for _ in 0..10_000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let pages = 1 + (seed >> 16) % 20;
            if seed >> 31 == 0
                && let Some(start) = list.allocate(pages)
            {
                for page in start..start + pages {
                    assert!(!std::mem::replace(&mut used[page as usize], true), "given out twice");
                }
                blocks.push((start, pages));
            } else if !blocks.is_empty() {
                let (start, pages) = blocks.swap_remove((seed >> 8) as usize % blocks.len());
                used[start as usize..(start + pages) as usize].fill(false);
                list.free(start, pages);
            }
            let free: u32 = list.by_start.values().sum();
            assert_eq!(free as usize, used.iter().filter(|used| !**used).count());
        }
    }

    fn mappings(arena: &Arena) -> Vec<(usize, String)> {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let lines = maps.lines().map(|line| {
            let (range, rest) = line.split_once(' ').unwrap();
            let start = usize::from_str_radix(range.split_once('-').unwrap().0, 16).unwrap();
            (start, rest.split(' ').next().unwrap().to_owned())
        });
        lines.filter(|(start, _)| arena.range().contains(start)).collect()
    }

    #[test]
    fn memory_is_writable_then_executable_then_gone() {
        // Neighbours of equal protection join: a page between two in use tells them apart.
        let arena = arena_of(SMALLEST / PAGE);
        let low = arena.allocate(PAGE).unwrap();
        let block = arena.allocate(3 * PAGE).unwrap();
        let high = arena.allocate(PAGE).unwrap();
        let protection =
            |arena: &Arena, address| mappings(arena).into_iter().find(|(start, _)| *start == address).map(|m| m.1);
        low.make_executable().unwrap();
        high.make_executable().unwrap();
        assert_eq!(protection(arena, block.base()).as_deref(), Some("rw-p"));
        block.make_executable().unwrap();
        assert!(mappings(arena).iter().all(|(_, protection)| protection == "r-xp" || protection == "---p"));
        let base = block.base();
        drop(block);
        assert_eq!(protection(arena, base).as_deref(), Some("---p"));
        drop((low, high));
        let left = mappings(arena);
        assert!(left.len() <= 1 && left.iter().all(|(_, protection)| protection == "---p"), "{left:?}");
    }

    #[test]
    fn freeing_gives_memory_back() {
        let arena = arena_of(SMALLEST / PAGE);
        let resident = |range: &Range<usize>| {
            // SAFETY: asks for a number. PAGE is a multiple of it.
            let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
            let mut pages = vec![0_u8; range.len() / page];
            // SAFETY: the range is mapped, and the vector has a byte for each page.
            assert_eq!(unsafe { libc::mincore(range.start as *mut _, range.len(), pages.as_mut_ptr()) }, 0);
            pages.iter().filter(|page| **page & 1 == 1).count() * page
        };
        let block = arena.allocate(64 * PAGE).unwrap();
        let range = block.range();
        // SAFETY: the block is writable and ours.
        unsafe { std::slice::from_raw_parts_mut(range.start as *mut u8, range.len()).fill(1) };
        block.make_executable().unwrap();
        assert_eq!(resident(&range), 64 * PAGE);
        drop(block);
        assert_eq!(resident(&range), 0);
    }

    #[test]
    fn blocks_are_zero_reused_and_exhausted() {
        let arena = arena_of(SMALLEST / PAGE);
        let pages = SMALLEST / PAGE;
        let first = arena.allocate(1).unwrap();
        assert_eq!(first.len(), PAGE);
        let base = first.base();
        // SAFETY: the block is writable and ours.
        unsafe { std::slice::from_raw_parts_mut(base as *mut u8, PAGE).fill(0xaa) };
        drop(first);
        let again = arena.allocate(PAGE - 1).unwrap();
        assert_eq!(again.base(), base);
        // SAFETY: as above.
        assert!(unsafe { std::slice::from_raw_parts(base as *const u8, PAGE) }.iter().all(|byte| *byte == 0));
        let rest = arena.allocate((pages - 1) * PAGE).unwrap();
        let error = arena.allocate(1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Resource);
        assert!(error.message().contains("no room for 1 bytes"), "{error}");
        drop((again, rest));
        assert_eq!(arena.allocate(pages * PAGE).unwrap().base(), arena.base);
        assert!(arena.allocate(usize::MAX).is_err());
    }
}
