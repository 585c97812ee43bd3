#![allow(unsafe_code)] // reads and writes blocks of the arena

//! The code of a module whose functions are compiled when they are called: a block with its
//! trampolines and stubs, to which pieces are added.
//!
//! A piece lies on pages of its own, which are written while they are not executable, and are
//! executable from then on. Its trap records and symbols are published before a slot leads to it.

use super::arena::{self, Block, PAGE};
use super::index::Published;
use super::load::{LoadedCode, not_executable};
use super::stubs::Stubs;
use super::symbols::{Bodies, Registered, Symbols};
use crate::artifact::Artifact;
use crate::compile::{self, Batch, Callee, Kept, Linked, LinkedPiece, Piece};
use crate::error::Result;
use crate::prelude::*;
use crate::sync::Mutex;
use alloc::sync::Arc;
use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// Bytes that are taken from the arena at a time for pieces, at least; more of a module that has
/// much code already.
const SMALLEST_CHUNK: usize = 256 << 10;
const LARGEST_CHUNK: usize = 4 << 20;

/// Calls of quickly made code of a function until better code takes its place. Frames of such code
/// are larger: of a function that calls itself no more of them are on a stack.
const QUICK_CALLS: i32 = 200;

/// The code of such a module. Dropping it frees all of it.
#[derive(Debug)]
pub struct LazyCode {
    /// Of each own function the piece that has it, but for quickly made code. The pieces are in the
    /// list below, which only grows.
    places: Box<[AtomicPtr<LoadedPiece>]>,
    compiled: AtomicUsize,
    pieces: Mutex<Vec<NonNullPiece>>,
    room: Mutex<Room>,
    /// Code that nobody runs, unless slots lead there.
    spare: Mutex<Vec<Arc<LoadedCode>>>,
    kept: Kept,
    base: Arc<LoadedCode>,
}

/// An owned piece, from `Box::into_raw`.
#[derive(Debug)]
struct NonNullPiece(ptr::NonNull<LoadedPiece>);

// SAFETY: an owned allocation, whose contents can be sent and shared.
unsafe impl Send for NonNullPiece {}

#[derive(Debug)]
struct LoadedPiece {
    // Dropped in this order: first the code is no longer found, then it is gone.
    _symbols: Registered,
    _traps: Published,
    piece: Arc<Piece>,
    range: Range<usize>,
    _chunk: Arc<Block>,
}

/// Where the next piece goes.
#[derive(Debug, Default)]
struct Room {
    chunk: Option<Arc<Block>>,
    used: usize,
    total: usize,
}

impl LazyCode {
    /// Loads the trampolines of a module, and stubs for its functions, which lead to `stub` while
    /// they have no code; see [`isa::veneer`](crate::isa::veneer) for what that finds.
    ///
    /// # Errors
    /// Kind `Resource` where the arena or the maps budget is exhausted.
    pub fn load(linked: &Linked<'_>, stub: usize) -> Result<Self> {
        let base = LoadedCode::load_stubs(linked.artifact.clone(), stub, |block| linked.write(block))?;
        let functions = linked.artifact.tables.functions();
        Ok(Self {
            places: (0..functions).map(|_| AtomicPtr::new(ptr::null_mut())).collect(),
            compiled: AtomicUsize::new(0),
            pieces: Mutex::new(Vec::new()),
            room: Mutex::new(Room::default()),
            spare: Mutex::new(Vec::new()),
            kept: linked.kept(),
            base: Arc::new(base),
        })
    }

    /// Sets what the stub finds as the owner; once, before code of the module runs.
    pub fn set_owner(&self, owner: usize) {
        // SAFETY: the block is that of `base`.
        unsafe { self.stubs().set_owner(self.start(), owner) };
    }

    /// The trampolines and stubs: what instances are made with.
    #[must_use]
    pub const fn base(&self) -> &Arc<LoadedCode> {
        &self.base
    }

    fn stubs(&self) -> &Stubs {
        self.base.stubs().expect("it was loaded with stubs")
    }

    fn start(&self) -> usize {
        self.base.range().start
    }

    fn imported(&self) -> u32 {
        self.base.artifact().info.imported_functions
    }

    /// The indices of the module's own functions.
    #[must_use]
    pub fn functions(&self) -> Range<u32> {
        self.imported()..self.imported() + self.places.len() as u32
    }

    /// How many of them are compiled, but for those of which there is only quickly made code.
    #[must_use]
    pub fn compiled(&self) -> usize {
        self.compiled.load(Ordering::Acquire)
    }

    /// The address of a function's code, by its index, if it is compiled. Takes no lock.
    #[must_use]
    pub fn code(&self, function: u32) -> Option<usize> {
        self.stubs().code(self.start(), self.own(function)?)
    }

    /// The same, but for quickly made code.
    #[must_use]
    pub fn better_code(&self, function: u32) -> Option<usize> {
        self.stubs().better_code(self.start(), self.own(function)?)
    }

    /// Whether a function has quickly made code, all calls of which are used up.
    #[must_use]
    pub fn is_used_up(&self, function: u32) -> bool {
        self.own(function).is_some_and(|own| self.stubs().is_used_up(self.start(), own))
    }

    /// Has functions go on with quickly made code that could not be compiled better, or for which
    /// there was no room, and reports whether all of a batch can be called.
    pub fn go_on(&self, batch: &Batch) -> bool {
        batch.functions().all(|function| {
            let own = self.own(function).filter(|_| self.code(function).is_some());
            own.map(|own| self.stubs().allow(self.start(), own, i32::MAX)).is_some()
        })
    }

    fn own(&self, function: u32) -> Option<u32> {
        function.checked_sub(self.imported()).filter(|own| (*own as usize) < self.places.len())
    }

    /// Adds those functions of a batch that are not compiled yet.
    ///
    /// # Errors
    /// Kind `Resource` where the arena or the maps budget is exhausted.
    pub fn add(&self, batch: &Batch) -> Result<()> {
        let wanted = |function| {
            let code = if batch.is_quick() { self.code(function) } else { self.better_code(function) };
            code.is_none()
        };
        let Some(linked) = batch.link(wanted)? else { return Ok(()) };
        let loaded = Box::new(self.load_piece(&linked)?);
        let (start, piece) = (loaded.range.start, loaded.piece.clone());
        let place = ptr::NonNull::from(Box::leak(loaded));
        self.pieces.lock().push(NonNullPiece(place));
        for (number, function) in piece.functions.iter().enumerate() {
            let (own, entry) = (function - self.imported(), start + linked.entry(number));
            if batch.is_quick() {
                self.stubs().fill_quickly(self.start(), own, entry, QUICK_CALLS);
                continue;
            }
            self.stubs().fill(self.start(), own, entry);
            // Somebody else may have compiled it meanwhile: then either will do.
            let first = self.places[own as usize].compare_exchange(
                ptr::null_mut(),
                place.as_ptr(),
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
            if first.is_ok() {
                self.compiled.fetch_add(1, Ordering::AcqRel);
            }
        }
        Ok(())
    }

    fn load_piece(&self, linked: &LinkedPiece<'_>) -> Result<LoadedPiece> {
        let (chunk, range) = self.reserve(linked.size())?;
        // SAFETY: the range was given to this piece alone, and nobody runs it before it is
        // executable.
        let block = unsafe { core::slice::from_raw_parts_mut(range.start as *mut u8, linked.size()) };
        linked.write(block, range.start, |function| {
            let (own, stubs, start) = (self.own(function)?, self.stubs(), self.start());
            let (slot, request) = (stubs.slot(start, own), stubs.request(start, own));
            Some(Callee { code: stubs.better_code(start, own), slot, request })
        })?;
        chunk.make_part_executable(range.start - chunk.base(), range.len()).map_err(not_executable)?;
        let bodies = Bodies::Piece(self.base.shared_artifact().clone(), linked.piece.clone());
        Ok(LoadedPiece {
            _traps: Published::new(&range, bodies.clone()),
            _symbols: Registered::new(Symbols::new(range.clone(), bodies, self.base.serial())),
            piece: linked.piece.clone(),
            range,
            _chunk: chunk,
        })
    }

    /// Whole pages for a piece.
    fn reserve(&self, bytes: usize) -> Result<(Arc<Block>, Range<usize>)> {
        let bytes = bytes.next_multiple_of(PAGE);
        let mut room = self.room.lock();
        let fits = room.chunk.as_ref().is_some_and(|chunk| bytes <= chunk.len() - room.used);
        if !fits {
            let size = room.total.clamp(SMALLEST_CHUNK, LARGEST_CHUNK).max(bytes);
            let chunk = arena::arena()?.allocate(size)?;
            room.total += chunk.len();
            room.chunk = Some(Arc::new(chunk));
            room.used = 0;
        }
        let chunk = room.chunk.as_ref().expect("there is one now").clone();
        let start = chunk.base() + room.used;
        room.used += bytes;
        Ok((chunk, start..start + bytes))
    }

    /// All bodies as they were before they were linked, in the order of the module's. Takes no
    /// lock.
    ///
    /// # Errors
    /// Kind `Argument` while functions are not compiled.
    pub fn gather(&self) -> Result<Batch> {
        let pieces = self.places.iter().map(|place| {
            // SAFETY: null, or a piece of the list, which lives as long as this.
            let place = unsafe { place.load(Ordering::Acquire).as_ref() }?;
            // SAFETY: the range is readable, and was not written since the piece was published.
            let block = unsafe { core::slice::from_raw_parts(place.range.start as *const u8, place.range.len()) };
            Some((&*place.piece, block))
        });
        let tables = &self.base.artifact().tables;
        compile::gather(self.imported(), pieces, (tables, &self.kept, self.base.block()))
    }

    /// Loads all of the module as compiling it at once would have, of what [`LazyCode::gather`]
    /// has given, and leads calls there.
    ///
    /// # Errors
    /// As [`LoadedCode::load`] and [`link_all`](crate::compile::link_all).
    pub fn complete(&self, all: &Batch) -> Result<Arc<LoadedCode>> {
        let Artifact { info, options, .. } = self.base.artifact();
        let linked = compile::link_all(info.clone(), *options, all)?;
        let whole = LoadedCode::load_as(self.base.serial(), linked.artifact.clone(), |block| linked.write(block))?;
        for own in 0..self.places.len() as u32 {
            self.stubs().refill(self.start(), own, whole.function(own) as usize);
        }
        Ok(whole)
    }

    /// Keeps what [`LazyCode::complete`] has loaded as long as this.
    pub fn keep(&self, loaded: Arc<LoadedCode>) {
        self.spare.lock().push(loaded);
    }

    /// Where its functions and trampolines are, in ascending order; those of the second kind have
    /// no index.
    #[must_use]
    pub fn bodies(&self) -> Vec<(Range<usize>, Option<u32>)> {
        let pieces = self.pieces.lock();
        let mut bodies = Vec::new();
        for place in &*pieces {
            // SAFETY: in the list.
            let LoadedPiece { piece, range, .. } = unsafe { place.0.as_ref() };
            let tables = &piece.tables;
            bodies.extend(tables.starts.iter().zip(&tables.ends).zip(&piece.functions).map(
                |((start, end), function)| {
                    (range.start + *start as usize..range.start + *end as usize, Some(*function))
                },
            ));
        }
        let tables = &self.base.artifact().tables;
        let trampolines = tables.starts.iter().zip(&tables.ends).skip(tables.functions());
        let start = self.start();
        bodies.extend(trampolines.map(|(from, to)| (start + *from as usize..start + *to as usize, None)));
        bodies.sort_unstable_by_key(|(range, _)| range.start);
        bodies
    }

    /// Bytes of machine code so far.
    #[must_use]
    pub fn code_bytes(&self) -> u64 {
        self.bodies().iter().map(|(range, _)| range.len() as u64).sum()
    }
}

impl Drop for LazyCode {
    fn drop(&mut self) {
        for place in self.pieces.lock().drain(..) {
            // SAFETY: from a box, and listed once; whoever drops this knows that nobody is in its
            // code.
            drop(unsafe { Box::from_raw(place.0.as_ptr()) });
        }
    }
}
