//! Memory images: the bytes that a memory begins with, made once for all instances.
//!
//! ============================================================================================
//!   Sandbox-critical.
//!   What a range of addresses held for one instance must be gone before another gets
//!   it. [`restore`] makes every page that was written to what it was in the beginning; if in
//!   doubt, it drops the page, so that the system does it. Change it with a second reader.
//! ============================================================================================
//!
//! An image is a sealed file in memory. An instance maps it privately, so that instances share
//! the pages that they only read, and a page that one of them has written to can be given up for
//! that of the file.

#![allow(unsafe_code)] // maps the image, and writes to memories that nobody uses

use super::pages::{self, HOST_PAGE};
use crate::budget::{self, Taken};
use crate::os::{self, Errno, PageRange};
use crate::prelude::*;
use crate::sync::Lazy;
use alloc::sync::Arc;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// Bytes of an image that may be as sparse as it likes.
const SMALL: u64 = 1 << 20;
/// How many times the bytes of its data a larger image may have: a hole that is read takes memory.
const SPARSE: u64 = 4;
/// Bytes of pages written to that are made what they were by copying; what is more is given back to
/// the system. A page that is given back costs a fault when it is used again, which takes ten
/// times as long as copying it; but one that is kept takes memory while nobody uses it.
const KEPT: usize = 512 << 10;

/// The initial bytes of a memory, all but zeros at both ends.
#[derive(Debug)]
pub(super) struct MemoryImage {
    /// Where in a memory it lies: whole pages of the host.
    range: Range<usize>,
    /// A read-only mapping of the file.
    contents: usize,
    file: File,
    /// No more memories begin with it.
    retired: AtomicBool,
    _mapping: Taken,
}

/// Files in memory at a time: each takes one of the process's descriptors.
const FILES: usize = 256;
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// A file in memory.
#[derive(Debug)]
struct File(i32);

impl File {
    /// Makes one of so many zeros; none where the system refuses, or there are too many.
    fn new(bytes: usize) -> Option<Self> {
        OPEN.try_update(Relaxed, Relaxed, |open| (open < FILES).then_some(open + 1)).ok()?;
        let file = os::memory_file(bytes).ok().map(Self);
        if file.is_none() {
            OPEN.fetch_sub(1, Relaxed);
        }
        file
    }
}

impl Drop for File {
    fn drop(&mut self) {
        os::close_file(self.0);
        OPEN.fetch_sub(1, Relaxed);
    }
}

impl MemoryImage {
    /// Makes an image of pieces at their offsets, which lie within a memory of `length` bytes; a
    /// later piece covers earlier ones. None if there are no bytes, if they lie far apart (unless
    /// `sparse` images are wanted), or where the system refuses: they are copied then.
    pub(super) fn new(length: u64, pieces: &[(u64, &[u8])], sparse: bool) -> Option<Arc<Self>> {
        let pieces = || pieces.iter().filter(|(_, bytes)| !bytes.is_empty());
        let page = HOST_PAGE as u64;
        let start = pieces().map(|(offset, _)| *offset).min()? / page * page;
        let end = pieces().map(|(offset, bytes)| offset + bytes.len() as u64).max()?.next_multiple_of(page);
        if end > length {
            return None; // a memory that does not consist of pages of the host
        }
        let data: u64 = pieces().map(|(_, bytes)| bytes.len() as u64).sum();
        if !sparse && end - start > SMALL.max(data.saturating_mul(SPARSE)) {
            return None;
        }
        let mapping = budget::take(1).ok()?;
        let size = (end - start) as usize;
        if !pages::mappings_are_left() {
            return None;
        }
        let file = File::new(size)?;
        write(&file, start, &in_order(pieces().copied().collect()))?;
        os::seal_file(file.0).ok()?;
        // SAFETY: a fresh mapping at an address of the kernel's choice touches nothing that exists.
        let contents = unsafe { os::map_file(0, size, os::READ, 0, file.0, 0) }.ok()?;
        Some(Arc::new(Self {
            range: start as usize..end as usize,
            contents,
            file,
            retired: AtomicBool::new(false),
            _mapping: mapping,
        }))
    }

    /// Notes that no more memories begin with it, before its slots are closed.
    pub(super) fn retire(&self) {
        self.retired.store(true, Relaxed);
    }

    /// Whether that was noted.
    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Relaxed)
    }

    /// Mappings that a memory has of it, beside those of a memory without.
    pub(super) const fn mappings(&self) -> u64 {
        if self.range.start > 0 { 2 } else { 1 }
    }

    /// Maps it into a memory of zeros.
    ///
    /// # Safety
    /// The memory is accessible as far as the image reaches, and nobody uses it.
    pub(super) unsafe fn map(&self, base: usize) -> Result<(), Errno> {
        // SAFETY: by the caller's promise.
        unsafe {
            os::map_file(base + self.range.start, self.range.len(), os::READ_WRITE, os::MAP_FIXED, self.file.0, 0)
        }
        .map(drop)
    }

    /// Its bytes, and the offset in a memory where they begin.
    pub(super) fn bytes(&self) -> (u64, &[u8]) {
        // SAFETY: mapped for as long as this lives, and sealed: nobody changes it.
        let bytes = unsafe { core::slice::from_raw_parts(self.contents as *const u8, self.range.len()) };
        (self.range.start as u64, bytes)
    }
}

/// Pieces by their offsets, unless some overlap: then as they are. Compilers write the pieces of
/// one section after those of another that lies above it.
fn in_order(pieces: Vec<(u64, &[u8])>) -> Vec<(u64, &[u8])> {
    let mut sorted = pieces.clone();
    sorted.sort_by_key(|(offset, _)| *offset);
    let apart = sorted.windows(2).all(|pair| pair[0].0 + pair[0].1.len() as u64 <= pair[1].0);
    if apart { sorted } else { pieces }
}

/// Writes pieces to a file that begins at the offset `start`, in their order, those that follow
/// each other closely in one piece: programs can have tens of thousands.
fn write(file: &File, start: u64, pieces: &[(u64, &[u8])]) -> Option<()> {
    /// Bytes between two pieces that are written as zeros, where nothing has been written yet; and
    /// bytes that are written at once.
    const NEAR: u64 = 4096;
    const MANY: usize = 1 << 20;
    let (mut joined, mut from, mut highest) = (Vec::<u8>::new(), start, start);
    for &(offset, bytes) in pieces {
        let end = from + joined.len() as u64;
        // Nothing lies between them: whatever was written before, was written below.
        let follows = offset >= end && end >= highest && offset - end <= NEAR && joined.len() < MANY;
        if !follows {
            os::write_file(file.0, &joined, from - start).ok()?;
            joined.clear();
            from = offset;
        }
        joined.resize((offset - from) as usize, 0);
        joined.extend_from_slice(bytes);
        highest = highest.max(offset + bytes.len() as u64);
    }
    os::write_file(file.0, &joined, from - start).ok()
}

impl Drop for MemoryImage {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, and used through this alone.
        let _ = unsafe { os::unmap(self.contents, self.range.len()) };
    }
}

/// Makes the bytes of a memory what they were when the image, or none, was mapped there.
///
/// # Safety
/// The range consists of whole pages, is accessible, and nobody uses it. It was zeros, and then the
/// image was mapped into it.
pub(super) unsafe fn restore(base: usize, length: usize, image: Option<&MemoryImage>) -> Result<(), Errno> {
    let end = base + length;
    let (mut at, mut kept) = (base, 0);
    let mut found = [PageRange::default(); 32];
    while at < end {
        let scanned = if *SCANS { os::own_pages(at, end - at, &mut found).ok() } else { None };
        let Some((count, looked)) = scanned.filter(|(_, looked)| *looked > at && *looked <= end) else {
            // SAFETY: the rest of the range, by the caller's promise.
            return unsafe { os::discard(at, end - at) };
        };
        for range in &found[..count] {
            let range = range.start as usize..range.end as usize;
            assert!(at <= range.start && range.start < range.end && range.end <= end, "pages outside of a memory");
            let middle = range.start + range.len().min(KEPT - kept);
            kept += middle - range.start;
            // SAFETY: both parts lie in the range, by the line above.
            unsafe {
                rewrite(base, range.start..middle, image);
                if middle < range.end {
                    os::discard(middle, range.end - middle)?;
                }
            }
        }
        at = looked;
    }
    Ok(())
}

/// Writes the initial bytes to a part of a memory.
///
/// # Safety
/// The part is accessible, and nobody uses it.
unsafe fn rewrite(base: usize, part: Range<usize>, image: Option<&MemoryImage>) {
    let inner = image.map_or(part.end..part.end, |image| {
        let limit = |at: usize| (base + at).clamp(part.start, part.end);
        limit(image.range.start)..limit(image.range.end)
    });
    // SAFETY: the three pieces lie in the part; the middle one in the image, too, which is mapped
    // elsewhere.
    unsafe {
        (part.start as *mut u8).write_bytes(0, inner.start - part.start);
        if let Some(image) = image.filter(|_| !inner.is_empty()) {
            let from = image.contents + (inner.start - base - image.range.start);
            (inner.start as *mut u8).copy_from_nonoverlapping(from as *const u8, inner.len());
        }
        (inner.end as *mut u8).write_bytes(0, part.end - inner.end);
    }
}

/// Whether the system tells which pages a private mapping has of its own. What it tells is compared
/// with what is known of four pages, so that a system that answers otherwise is not believed.
static SCANS: Lazy<bool> = Lazy::new(|| scans().unwrap_or(false));

fn scans() -> Result<bool, Errno> {
    let size = 4 * HOST_PAGE;
    let Some(file) = File::new(2 * HOST_PAGE) else { return Ok(false) };
    os::write_file(file.0, &[1], HOST_PAGE as u64)?;
    let base = pages::map_for_a_moment(size)?;
    let at = |page: usize| (base + page * HOST_PAGE) as *mut u8;
    let mut found = [PageRange::default(); 8];
    let told = (|| {
        // SAFETY: the pages were just mapped, and nobody else uses them.
        unsafe {
            os::map_file(base, 2 * HOST_PAGE, os::READ_WRITE, os::MAP_FIXED, file.0, 0)?;
            at(0).write_volatile(1);
            at(1).read_volatile();
            at(2).write_volatile(1);
            at(3).read_volatile();
        }
        os::own_pages(base, size, &mut found)
    })();
    // SAFETY: as above.
    unsafe { os::unmap(base, size)? };
    let (count, looked) = told?;
    let own = found[..count].iter().map(|range| range.start as usize..range.end as usize);
    let expected = [0, 2].map(|page| at(page).addr()..at(page).addr() + HOST_PAGE);
    Ok(looked == base + size && own.eq(expected))
}

#[cfg(test)]
mod tests;
