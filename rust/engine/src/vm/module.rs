//! A module that can be instantiated: its code in the arena, with its artifact, and what instances
//! of it share.

use super::stats::{self, Live};
use super::template::{Records, Template};
use super::type_ids::TypeIds;
use super::vmctx::Vmctx;
use crate::abi::vmctx::{FuncRecord, VmctxLayout};
use crate::artifact::{Artifact, TrampolineKey};
use crate::code::LoadedCode;
use crate::compile::Linked;
use crate::error::Result;
use crate::options::CompileOptions;
use crate::prelude::*;
use crate::sync::{Mutex, OnceLock};
use crate::wasm::ModuleInfo;
use alloc::sync::Arc;
use core::ops::Range;

/// Where a body lies in its block, and the index of the function, if it is no trampoline.
pub type Body = (Range<u32>, Option<u32>);

/// A module with its code. A handle: clones are the same module; the code goes with the last clone
/// and the last instance.
#[derive(Clone, Debug)]
pub struct Module(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    code: Arc<LoadedCode>,
    layout: VmctxLayout,
    type_ids: TypeIds,
    /// Found when the first instance is made.
    template: OnceLock<Template>,
    records: OnceLock<Records>,
    /// Blocks of instances that are gone, for the next ones.
    spare: Mutex<Vec<Vmctx>>,
    _live: Live,
}

impl Module {
    /// Compiles a module from the binary format, on threads of the system.
    ///
    /// # Errors
    /// Kind `Validation`, `Compile`, or `Resource` where there is no room for the code.
    #[cfg(feature = "hosted")]
    pub fn compile(bytes: &[u8], options: CompileOptions) -> Result<Self> {
        crate::compile::compile(bytes, options, Self::load)
    }

    /// Makes a module of what [`Module::serialize`] gave. The bytes hold machine code that will
    /// run: they must be trusted.
    ///
    /// # Errors
    /// Kind `Deserialize`, or `Resource` where there is no room for the code.
    pub fn deserialize(bytes: &[u8]) -> Result<Self> {
        Self::deserialize_checked(bytes, None)
    }

    /// Does the same with a checksum that the caller has found: see
    /// [`Artifact::deserialize_checked`].
    ///
    /// # Errors
    /// As [`Module::deserialize`].
    pub fn deserialize_checked(bytes: &[u8], found: Option<u32>) -> Result<Self> {
        let (artifact, code) = Artifact::deserialize_checked(bytes, found)?;
        Self::new(Arc::new(artifact), |block| {
            block.copy_from_slice(code);
            Ok(())
        })
    }

    /// Makes a module of what a compilation has ended with. Nothing of it refers to the
    /// compilation.
    ///
    /// # Errors
    /// Kind `Resource` where there is no room for the code.
    pub fn load(linked: &Linked<'_>) -> Result<Self> {
        Self::new(linked.artifact.clone(), |block| linked.write(block))
    }

    /// Makes a module of an artifact, whose block `write` writes.
    fn new(artifact: Arc<Artifact>, write: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<Self> {
        let layout = VmctxLayout::new(&artifact.info);
        let type_ids = TypeIds::new(&artifact.info.types);
        let code = LoadedCode::load(artifact, write)?;
        Ok(Self(Arc::new(Inner {
            code,
            layout,
            type_ids,
            template: OnceLock::new(),
            records: OnceLock::new(),
            spare: Mutex::new(Vec::new()),
            _live: stats::MODULES.count(),
        })))
    }

    /// Its bytes for [`Module::deserialize`], on an equal engine and processor.
    #[must_use]
    pub fn serialize(&self) -> Vec<u8> {
        self.0.code.artifact().serialize(self.0.code.block())
    }

    /// What it declares.
    #[must_use]
    pub fn info(&self) -> &ModuleInfo {
        &self.0.code.artifact().info
    }

    /// What was chosen when it was compiled.
    #[must_use]
    pub fn options(&self) -> CompileOptions {
        self.0.code.artifact().options
    }

    /// Bytes of machine code.
    #[must_use]
    pub fn code_bytes(&self) -> u64 {
        self.0.code.artifact().tables.code_bytes() as u64
    }

    /// The serial number of its code.
    #[must_use]
    pub fn serial(&self) -> u64 {
        self.0.code.serial()
    }

    /// The address of its block of code, and where in the block bodies are: own functions with
    /// their indices, and trampolines.
    #[must_use]
    pub fn bodies(&self) -> (usize, Vec<Body>) {
        let tables = &self.0.code.artifact().tables;
        let (imported, functions) = (self.info().imported_functions, tables.functions());
        let bodies = tables
            .starts
            .iter()
            .zip(&tables.ends)
            .enumerate()
            .map(|(body, (start, end))| (*start..*end, (body < functions).then(|| imported + body as u32)));
        (self.0.code.range().start, bodies.collect())
    }

    /// Its code in the arena.
    pub(super) fn code(&self) -> &LoadedCode {
        &self.0.code
    }

    /// Layout of its instances' vmctx.
    pub(super) fn layout(&self) -> &VmctxLayout {
        &self.0.layout
    }

    /// What its instances have in common.
    pub(super) fn template(&self) -> &Template {
        self.0.template.get_or_init(|| Template::new(self.info(), self.layout(), self.options()))
    }

    /// The records of its functions, but for the instance.
    pub(super) fn records(&self) -> &Records {
        self.0.records.get_or_init(|| {
            let info = self.info();
            let first = info.escaping.partition_point(|function| info.is_imported_function(*function));
            let records = info.escaping[first..].iter().map(|function| self.record(*function)).collect();
            Records { first: first as u32, records }
        })
    }

    /// How one of its own functions is called, in an instance that is yet to be named.
    pub(super) fn record(&self, function: u32) -> FuncRecord {
        let ty = self.info().functions[function as usize];
        let entry = self.code().trampoline(TrampolineKey::Entry(ty));
        FuncRecord {
            code: self.code().function(function - self.info().imported_functions),
            vmctx: core::ptr::null_mut(),
            entry: entry.expect("the type of each function that can be called from outside has an entry"),
            type_id: self.type_ids()[ty as usize],
            function,
        }
    }

    /// A block for an instance with so many imported host functions: one of an instance that is
    /// gone, which has its type ids and the records of its own functions, or else one of zeros.
    pub(super) fn take_vmctx(&self, host_functions: usize) -> Result<Vmctx> {
        let mut spare = self.0.spare.lock();
        if let Some(found) = spare.iter().rposition(|vmctx| vmctx.hosts() == host_functions) {
            return Ok(spare.swap_remove(found));
        }
        drop(spare);
        Vmctx::new(self.layout().size(), host_functions)
    }

    /// Keeps a block for the next instance. Nobody refers to it any more.
    pub(super) fn give_vmctx(&self, vmctx: Vmctx) {
        /// Blocks that are kept at most, and their bytes.
        const BLOCKS: usize = 16;
        const BYTES: usize = 1 << 20;
        let mut spare = self.0.spare.lock();
        if spare.is_empty() || (spare.len() < BLOCKS && spare.len() * vmctx.bytes() < BYTES) {
            spare.push(vmctx);
        }
    }

    /// Engine-wide ids of its types, by type index.
    pub(super) fn type_ids(&self) -> &[u32] {
        self.0.type_ids.as_slice()
    }
}
