#![allow(unsafe_code)] // reads and writes a block of the arena

//! Loading: from an artifact to code that can be called.

use super::arena::{self, Block, FilePart, PAGE};
use super::index::Published;
use super::stubs::Stubs;
use super::symbols::{Bodies, Registered, Symbols};
use crate::artifact::{Artifact, MAPPED, NOT_COMPILED, TrampolineKey, canonical_types};
use crate::error::{Error, ErrorKind, Result};
use crate::isa::FILLER;
use crate::os::Errno;
use crate::prelude::*;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

pub(super) fn not_executable(error: Errno) -> Error {
    Error::new(ErrorKind::Resource, format!("cannot make the code of a module executable: {error}"))
}

/// Where in an open file a block of code begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodeFile {
    /// The file's descriptor.
    pub(crate) descriptor: i32,
    /// The offset of the block.
    pub(crate) offset: usize,
}

/// The serial number that was given last.
static NEWEST: AtomicU64 = AtomicU64::new(0);

/// The code of one module, executable, and known to the index. Dropping it frees the code: whoever
/// holds an address of it holds this too.
pub struct LoadedCode {
    // Dropped in this order: first the code is no longer found, then it is gone.
    _symbols: Registered,
    _traps: Published,
    /// Its tables are what the index and the symbols read.
    artifact: Arc<Artifact>,
    canonical_types: Box<[u32]>,
    serial: u64,
    /// Where functions are that the artifact has no code of, if it is such a one.
    stubs: Option<Stubs>,
    block: Block,
}

impl LoadedCode {
    /// Makes room in the arena for an artifact's block and lets `write` write it.
    ///
    /// # Errors
    /// Those of `write`; kind `Resource` where the arena or the maps budget is exhausted.
    pub fn load(artifact: Arc<Artifact>, write: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<Arc<Self>> {
        Self::load_as(Self::new_serial(), artifact, write)
    }

    /// The same for the module whose code has a serial number already.
    ///
    /// # Errors
    /// As [`LoadedCode::load`].
    pub fn load_as(
        serial: u64,
        artifact: Arc<Artifact>,
        write: impl FnOnce(&mut [u8]) -> Result<()>,
    ) -> Result<Arc<Self>> {
        let size = artifact.tables.block_size();
        let block = arena::arena()?.allocate(size)?;
        // SAFETY: the block is readable and writable, ours alone, and nobody runs it before it is
        // executable.
        let bytes = unsafe { core::slice::from_raw_parts_mut(block.base() as *mut u8, block.len()) };
        let (code, rest) = bytes.split_at_mut(size);
        write(code)?;
        rest.fill(FILLER);
        block.make_executable().map_err(not_executable)?;
        Ok(Arc::new(Self::publish(artifact, block, serial, None)))
    }

    /// The same for a block that lies in a file: what of it fills pages is mapped from there, and
    /// read from there when it is used; the rest is copied. None where it cannot be mapped.
    ///
    /// The file must stay as it is as long as this lives: what it holds is run, and what is cut off
    /// ends the process when it is used. It may be removed.
    ///
    /// # Errors
    /// As [`LoadedCode::load`].
    pub(crate) fn map(artifact: &Arc<Artifact>, code: &[u8], file: &CodeFile) -> Result<Option<Arc<Self>>> {
        let bytes = code.len() / PAGE * PAGE;
        let size = artifact.tables.block_size();
        assert_eq!(code.len(), size);
        if bytes < MAPPED || !file.offset.is_multiple_of(PAGE) {
            return Ok(None);
        }
        let part = FilePart { descriptor: file.descriptor, offset: file.offset, bytes };
        let Some(block) = arena::arena()?.map(size, &part)? else { return Ok(None) };
        if bytes < block.len() {
            let rest = block.len() - bytes;
            // SAFETY: as in `load_as`, of what lies behind the mapped pages.
            let end = unsafe { core::slice::from_raw_parts_mut((block.base() + bytes) as *mut u8, rest) };
            let (copied, filler) = end.split_at_mut(size - bytes);
            copied.copy_from_slice(&code[bytes..]);
            filler.fill(FILLER);
            block.make_part_executable(bytes, rest).map_err(not_executable)?;
        }
        Ok(Some(Arc::new(Self::publish(artifact.clone(), block, Self::new_serial(), None))))
    }

    /// The same for an artifact that has no code of functions: calls of them lead through slots,
    /// which at first lead to `stub` with the function's number and the address in the slot for the
    /// owner. [`LazyCode`](super::LazyCode) fills them.
    pub(super) fn load_stubs(
        artifact: Arc<Artifact>,
        stub: usize,
        write: impl FnOnce(&mut [u8]) -> Result<()>,
    ) -> Result<Self> {
        let size = artifact.tables.block_size();
        let stubs = Stubs::after(size, artifact.tables.functions());
        let block = arena::arena()?.allocate(stubs.end())?;
        // SAFETY: as in `load_as`.
        let bytes = unsafe { core::slice::from_raw_parts_mut(block.base() as *mut u8, block.len()) };
        write(&mut bytes[..size])?;
        stubs.write(bytes, block.base(), stub)?;
        block.make_part_executable(0, stubs.code_end()).map_err(not_executable)?;
        Ok(Self::publish(artifact, block, Self::new_serial(), Some(stubs)))
    }

    fn publish(artifact: Arc<Artifact>, block: Block, serial: u64, stubs: Option<Stubs>) -> Self {
        let range = block.range();
        let bodies = Bodies::Module(artifact.clone());
        Self {
            _traps: Published::new(&range, bodies.clone()),
            _symbols: Registered::new(Symbols::new(range, bodies, serial)),
            serial,
            canonical_types: canonical_types(&artifact.info.types).into(),
            stubs,
            artifact,
            block,
        }
    }

    fn new_serial() -> u64 {
        NEWEST.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A number that no other code has in the life of the process; never 0.
    #[must_use]
    pub const fn serial(&self) -> u64 {
        self.serial
    }

    /// What the code was made of, and what is where in it.
    #[must_use]
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    pub(super) const fn shared_artifact(&self) -> &Arc<Artifact> {
        &self.artifact
    }

    /// The artifact's block.
    #[must_use]
    pub fn block(&self) -> &[u8] {
        // SAFETY: the block can be read, is at least as large, and is never written again.
        unsafe { core::slice::from_raw_parts(self.block.base() as *const u8, self.artifact.tables.block_size()) }
    }

    /// The code of an own function: `index` counts from the first function that is not imported.
    ///
    /// # Panics
    /// If the module has no such function.
    #[must_use]
    pub fn function(&self, index: u32) -> *const u8 {
        let tables = &self.artifact.tables;
        assert!((index as usize) < tables.functions(), "function {index} of {}", tables.functions());
        match &self.stubs {
            Some(stubs) => stubs.function(self.block.base(), index) as *const u8,
            None => self.address(tables.entries[index as usize]),
        }
    }

    /// A trampoline. The key's type index may be any of those of equal types.
    #[must_use]
    pub fn trampoline(&self, key: TrampolineKey) -> Option<*const u8> {
        let ty = self.canonical_types.get(key.type_index() as usize)?;
        self.artifact.tables.trampoline(key.with_type_index(*ty)).map(|entry| self.address(entry))
    }

    /// The addresses that belong to this module, in whole pages.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.block.range()
    }

    /// Where its functions are that the artifact has no code of.
    pub(super) fn stubs(&self) -> Option<&Stubs> {
        self.stubs.as_ref()
    }

    fn address(&self, entry: u32) -> *const u8 {
        assert!(entry != NOT_COMPILED, "it is not compiled");
        (self.block.base() + entry as usize) as *const u8
    }
}

impl fmt::Debug for LoadedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedCode")
            .field("range", &self.range())
            .field("functions", &self.artifact.tables.functions())
            .finish_non_exhaustive()
    }
}
