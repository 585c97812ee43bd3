#![allow(unsafe_code)] // writes to a block of the arena

//! Linking: from an artifact to code that can be called.

use super::arena::{self, Block, PAGE};
use super::index::Published;
use super::symbols::{Registered, Symbols};
use crate::artifact::canonical_types;
use crate::artifact::{Artifact, CodeBody, TrampolineKey, TrapRecord};
use crate::error::{Error, ErrorKind, Result};
use crate::isa::{isa_for, near_call};
use cranelift_codegen::isa::OwnedTargetIsa;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Between functions lie bytes that are no instruction: `int3` on x86-64, `udf` on aarch64.
const FILLER: u8 = if cfg!(target_arch = "x86_64") { 0xcc } else { 0 };

/// The code of one module, linked, executable, and known to the index. Dropping it frees the code: whoever holds an address of it holds
/// this too.
pub struct LoadedCode {
    // Dropped in this order: first the code is no longer found, then it is gone.
    _symbols: Registered,
    _traps: Published,
    /// Where calls of each body go.
    entries: Box<[u32]>,
    functions: usize,
    trampolines: Box<[(TrampolineKey, u32)]>,
    canonical_types: Box<[u32]>,
    used: usize,
    block: Block,
}

impl LoadedCode {
    /// Links an artifact into the arena.
    ///
    /// # Errors
    /// Kind `Resource` where the arena or the maps budget is exhausted, `Deserialize` where the code refers to what the artifact lacks.
    pub fn load(artifact: &Artifact) -> Result<Arc<Self>> {
        let isa = isa_for(artifact.options)?;
        let (block, starts, used) = link(artifact, isa)?;
        let range = block.range();
        let traps = traps(artifact, &starts);
        let canonical_types: Box<[u32]> = canonical_types(&artifact.info.types).into();
        let functions = artifact.functions.len();
        let mut trampolines = artifact
            .trampolines
            .iter()
            .zip(&starts[functions..])
            .map(|((key, body), start)| {
                Ok((canonical(&canonical_types, *key).ok_or_else(|| bad_key(*key))?, start + body.entry))
            })
            .collect::<Result<Vec<_>>>()?;
        trampolines.sort_unstable_by_key(|(key, _)| *key);
        let info = &artifact.info;
        let symbols = Symbols::new(
            range.clone(),
            starts.clone(),
            bodies(artifact),
            functions,
            info.imported_functions,
            &info.names,
        );
        Ok(Arc::new(Self {
            _traps: Published::new(&range, &traps),
            _symbols: Registered::new(symbols),
            entries: starts.iter().zip(bodies(artifact)).map(|(start, body)| start + body.entry).collect(),
            functions,
            trampolines: trampolines.into(),
            canonical_types,
            used,
            block,
        }))
    }

    /// The code of an own function: `index` counts from the first function that is not imported.
    ///
    /// # Panics
    /// If the module has no such function.
    #[must_use]
    pub fn function(&self, index: u32) -> *const u8 {
        assert!((index as usize) < self.functions, "function {index} of {}", self.functions);
        self.address(self.entries[index as usize])
    }

    /// A trampoline. The key's type index may be any of those of equal types.
    #[must_use]
    pub fn trampoline(&self, key: TrampolineKey) -> Option<*const u8> {
        let key = canonical(&self.canonical_types, key)?;
        let at = self.trampolines.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        Some(self.address(self.trampolines[at].1))
    }

    /// The addresses that belong to this module, in whole pages.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.block.range()
    }

    /// Bytes of code, without what pages and alignment add.
    #[must_use]
    pub const fn code_bytes(&self) -> usize {
        self.used
    }

    fn address(&self, offset: u32) -> *const u8 {
        (self.block.base() + offset as usize) as *const u8
    }
}

impl fmt::Debug for LoadedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedCode")
            .field("range", &self.range())
            .field("functions", &self.functions)
            .finish_non_exhaustive()
    }
}

fn bodies(artifact: &Artifact) -> impl Iterator<Item = &CodeBody> {
    artifact.functions.iter().chain(artifact.trampolines.iter().map(|(_, body)| body))
}

fn canonical(types: &[u32], key: TrampolineKey) -> Option<TrampolineKey> {
    types.get(key.type_index() as usize).map(|ty| key.with_type_index(*ty))
}

fn bad_key(key: TrampolineKey) -> Error {
    Error::new(ErrorKind::Deserialize, format!("trampoline {key:?}: the module has no such type"))
}

/// Lays out, copies and links the bodies; gives the block, each body's offset in it, and the bytes of code.
fn link(artifact: &Artifact, isa: &OwnedTargetIsa) -> Result<(Block, Vec<u32>, usize)> {
    let function_minimum = u64::from(isa.function_alignment().minimum).max(isa.symbol_alignment());
    let (mut size, mut used) = (0_usize, 0);
    let mut starts = Vec::with_capacity(bodies(artifact).count());
    for (number, body) in bodies(artifact).enumerate() {
        check(artifact, number, body)?;
        let align = u64::from(body.alignment).max(function_minimum) as usize;
        let start = size.next_multiple_of(align);
        starts.push(start as u32);
        size = start + body.code.len();
        used += body.code.len();
        if size > near_call::native::LARGEST_BLOCK {
            let message = format!("the code of a module takes more than {} bytes", near_call::native::LARGEST_BLOCK);
            return Err(Error::new(ErrorKind::Compile, message));
        }
    }
    let block = arena::arena()?.allocate(size)?;
    // SAFETY: the block is readable and writable, ours alone, and nobody runs it before it is executable.
    let code = unsafe { std::slice::from_raw_parts_mut(block.base() as *mut u8, block.len()) };
    write(artifact, &starts, code)?;
    block
        .make_executable()
        .map_err(|e| Error::new(ErrorKind::Resource, format!("cannot make the code of a module executable: {e}")))?;
    Ok((block, starts, used))
}

/// Code may come from a file: what would be written or called out of bounds is refused here.
fn check(artifact: &Artifact, number: usize, body: &CodeBody) -> Result<()> {
    let refuse = |what: String| Err(Error::new(ErrorKind::Deserialize, format!("code of body {number}: {what}")));
    if body.code.is_empty() {
        return refuse("it is empty".into());
    }
    if !body.alignment.is_power_of_two() || body.alignment as usize > PAGE {
        return refuse(format!("its alignment is {}: expected a power of two up to {PAGE}", body.alignment));
    }
    if body.entry as usize >= body.code.len() {
        return refuse(format!("it is entered at {}, of {} bytes", body.entry, body.code.len()));
    }
    for relocation in &body.relocations {
        let imported = artifact.info.imported_functions;
        let inside = (relocation.offset as usize).checked_add(4).is_some_and(|end| end <= body.code.len());
        let own =
            relocation.function.checked_sub(imported).is_some_and(|own| (own as usize) < artifact.functions.len());
        if !inside || !own || relocation.addend != near_call::native::ADDEND {
            return refuse(format!(
                "{relocation:?} does not lead from its {} bytes to a function of the module",
                body.code.len()
            ));
        }
    }
    Ok(())
}

/// Writes the bodies to their places, and the distances of the calls between them.
fn write(artifact: &Artifact, starts: &[u32], code: &mut [u8]) -> Result<()> {
    code.fill(FILLER);
    for (body, start) in bodies(artifact).zip(starts) {
        code[*start as usize..][..body.code.len()].copy_from_slice(&body.code);
    }
    for (number, (body, start)) in bodies(artifact).zip(starts).enumerate() {
        for relocation in &body.relocations {
            let callee = (relocation.function - artifact.info.imported_functions) as usize;
            let target = starts[callee] as usize + artifact.functions[callee].entry as usize;
            near_call::native::link(code, *start as usize + relocation.offset as usize, target).map_err(|e| {
                Error::new(
                    ErrorKind::Internal,
                    format!("code of body {number}: {relocation:?} cannot be linked: {e:?}"),
                )
            })?;
        }
    }
    Ok(())
}

/// All trap records, by offset from the module's start.
fn traps(artifact: &Artifact, starts: &[u32]) -> Vec<TrapRecord> {
    let mut traps = Vec::with_capacity(bodies(artifact).map(|body| body.traps.len()).sum());
    for (body, start) in bodies(artifact).zip(starts) {
        let first = traps.len();
        traps.extend(body.traps.iter().map(|trap| TrapRecord { offset: start + trap.offset, code: trap.code }));
        debug_assert!(traps[first..].is_sorted_by_key(|trap| trap.offset));
    }
    traps
}
