//! Linking: from an artifact to code that can be called.

use super::arena::{self, Block, PAGE};
use super::index::Published;
use super::provider::Provider;
use super::symbols::{Registered, Symbols};
use crate::artifact::{Artifact, CodeBody, TrampolineKey, TrapRecord};
use crate::compile::{CALL_RELOCATION, canonical_types, isa_for, near_call};
use crate::error::{Error, ErrorKind, Result};
use cranelift_codegen::ir::{LibCall, Signature};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Module, ModuleError, ModuleReloc, ModuleRelocTarget};
use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// cranelift-jit keeps room for a veneer with each call where calls do not reach far.
const VENEER_SIZE: usize = if cfg!(target_arch = "aarch64") { 24 } else { 0 };
/// What the assembler adds to the distance of a call.
const CALL_ADDEND: i64 = near_call::native::ADDEND;

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
    block: Arc<Block>,
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

/// Copies and relocates the bodies; gives the block, each body's offset in it, and the bytes of code.
fn link(artifact: &Artifact, isa: &OwnedTargetIsa) -> Result<(Arc<Block>, Vec<u32>, usize)> {
    let function_minimum = u64::from(isa.function_alignment().minimum).max(isa.symbol_alignment());
    let (mut size, mut used) = (0_usize, 0);
    for (number, body) in bodies(artifact).enumerate() {
        check(artifact, number, body)?;
        let align = u64::from(body.alignment).max(function_minimum) as usize;
        size = size.next_multiple_of(align) + body.code.len() + body.relocations.len() * VENEER_SIZE;
        used += body.code.len();
    }
    let largest = near_call::native::LARGEST_BLOCK;
    if size > largest {
        let message =
            format!("the code of the module takes {size} bytes: expected at most {largest}, which calls reach");
        return Err(Error::new(ErrorKind::Resource, message));
    }
    let block = Arc::new(arena::arena()?.allocate(size)?);

    // cranelift-jit panics where it is at a loss. The checks above leave it no cause, but one bug there must not end the process.
    let linked = catch_unwind(AssertUnwindSafe(|| define(artifact, isa, block.clone())))
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "linking the code of a module panicked")))?;
    let starts = linked.into_iter().map(|address| (address as usize - block.base()) as u32).collect();
    Ok((block, starts, used))
}

/// Code may come from a file: whatever cranelift-jit would panic about, or write out of bounds for, is refused here.
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
        if !inside || !own || relocation.addend != CALL_ADDEND {
            return refuse(format!(
                "{relocation:?} does not lead from its {} bytes to a function of the module",
                body.code.len()
            ));
        }
    }
    Ok(())
}

fn define(artifact: &Artifact, isa: &OwnedTargetIsa, block: Arc<Block>) -> Result<Vec<*const u8>> {
    let failed = |error: ModuleError| {
        let kind =
            if matches!(error, ModuleError::Allocation { .. }) { ErrorKind::Resource } else { ErrorKind::Internal };
        Error::new(kind, format!("cannot link the code of a module: {error}"))
    };
    let mut builder = JITBuilder::with_isa(isa.clone(), Box::new(|_: LibCall| String::new()));
    builder.memory_provider(Box::new(Provider::new(block)));
    // The last lookup is asked first: it answers all, so that the C library's symbols are never searched.
    builder.symbol_lookup_fn(Box::new(|_| Some(unlinked as *const u8)));
    let mut module = JITModule::new(builder);
    let signature = Signature::new(CallConv::Tail);
    let ids = bodies(artifact)
        .map(|_| module.declare_anonymous_function(&signature).map_err(failed))
        .collect::<Result<Vec<_>>>()?;
    let mut relocations = Vec::new();
    for (body, id) in bodies(artifact).zip(&ids) {
        relocations.clear();
        relocations.extend(body.relocations.iter().map(|relocation| {
            let callee = (relocation.function - artifact.info.imported_functions) as usize;
            ModuleReloc {
                offset: relocation.offset,
                kind: CALL_RELOCATION,
                name: target(ids[callee]),
                addend: relocation.addend + i64::from(artifact.functions[callee].entry),
            }
        }));
        module.define_function_bytes(*id, u64::from(body.alignment), &body.code, &relocations).map_err(failed)?;
    }
    module.finalize_definitions().map_err(failed)?;
    Ok(ids.into_iter().map(|id| module.get_finalized_function(id)).collect())
    // The module goes, and with it the provider; the block stays.
}

fn target(id: FuncId) -> ModuleRelocTarget {
    ModuleRelocTarget::user(0, id.as_u32())
}

/// Stands for every symbol: compiled code refers to none.
extern "C" fn unlinked() {
    std::process::abort();
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
