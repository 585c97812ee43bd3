//! A module that can be instantiated: its code in the arena, with its artifact, and what instances
//! of it share.

use super::code::Code;
use super::stats::{self, Live};
use super::template::Template;
use super::type_ids::TypeIds;
use crate::abi::vmctx::VmctxLayout;
use crate::artifact::Artifact;
use crate::code::{CodeFile, LoadedCode};
use crate::compile::Linked;
use crate::error::{Error, ErrorKind, Result};
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
pub struct Module(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    /// What the next instance is made with.
    pub(super) code: Mutex<Arc<Code>>,
    info: Arc<ModuleInfo>,
    options: CompileOptions,
    serial: u64,
    layout: VmctxLayout,
    type_ids: TypeIds,
    /// Found when the first instance is made.
    template: OnceLock<Template>,
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
        Self::deserialize_checked(bytes, None, None)
    }

    /// Does the same with a checksum that the caller has found: see
    /// [`Artifact::deserialize_checked`]. `file` is the descriptor of the file that begins with the
    /// bytes, if there is one: its code is run from there, so that nobody may change the file as
    /// long as there are instances. It may be closed and removed.
    ///
    /// # Errors
    /// As [`Module::deserialize`].
    pub fn deserialize_checked(bytes: &[u8], found: Option<u32>, file: Option<i32>) -> Result<Self> {
        let (artifact, code) = Artifact::deserialize_checked(bytes, found)?;
        let artifact = Arc::new(artifact);
        if let Some(descriptor) = file {
            let offset = code.as_ptr().addr() - bytes.as_ptr().addr();
            if let Some(loaded) = LoadedCode::map(&artifact, code, &CodeFile { descriptor, offset })? {
                return Ok(Self::of_code(Code::new(loaded, None)));
            }
        }
        Self::new(artifact, |block| {
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
        LoadedCode::load(artifact, write).map(|loaded| Self::of_code(Code::new(loaded, None)))
    }

    /// Makes a module of its code.
    pub(super) fn of_code(code: Arc<Code>) -> Self {
        let Artifact { info, options, .. } = code.loaded.artifact();
        Self(Arc::new(Inner {
            info: info.clone(),
            options: *options,
            serial: code.loaded.serial(),
            layout: VmctxLayout::new(info),
            type_ids: TypeIds::new(&info.types),
            template: OnceLock::new(),
            code: Mutex::new(code),
            _live: stats::MODULES.count(),
        }))
    }

    /// Its bytes for [`Module::deserialize`], on an equal engine and processor.
    ///
    /// # Errors
    /// Kind `Argument` while functions are not compiled.
    pub fn serialize(&self) -> Result<Vec<u8>> {
        let code = self.code();
        if code.lazy.is_some() {
            let message = "functions of the module are not compiled yet, expected all; complete it first";
            return Err(Error::new(ErrorKind::Argument, message));
        }
        Ok(code.loaded.artifact().serialize(code.loaded.block()))
    }

    /// What it declares.
    #[must_use]
    pub fn info(&self) -> &ModuleInfo {
        &self.0.info
    }

    /// What was chosen when it was compiled.
    #[must_use]
    pub fn options(&self) -> CompileOptions {
        self.0.options
    }

    /// Bytes of machine code, of those functions that are compiled.
    #[must_use]
    pub fn code_bytes(&self) -> u64 {
        let code = self.code();
        match &code.lazy {
            Some(lazy) => lazy.code().code_bytes(),
            None => code.loaded.artifact().tables.code_bytes() as u64,
        }
    }

    /// The serial number of its code.
    #[must_use]
    pub fn serial(&self) -> u64 {
        self.0.serial
    }

    /// The address of its block of code, and where in the block bodies are: own functions with
    /// their indices, and trampolines. Those that are not compiled are missing.
    #[must_use]
    pub fn bodies(&self) -> (usize, Vec<Body>) {
        let code = self.code();
        if let Some(lazy) = &code.lazy {
            let bodies = lazy.code().bodies();
            let first = bodies.first().map_or(0, |(range, _)| range.start);
            // All code lies in one arena of at most 2 GiB.
            let offset = |address: usize| (address - first) as u32;
            let body = |(range, function): (Range<usize>, _)| (offset(range.start)..offset(range.end), function);
            return (first, bodies.into_iter().map(body).collect());
        }
        let tables = &code.loaded.artifact().tables;
        let (imported, functions) = (self.info().imported_functions, tables.functions());
        let bodies = tables
            .starts
            .iter()
            .zip(&tables.ends)
            .enumerate()
            .map(|(body, (start, end))| (*start..*end, (body < functions).then(|| imported + body as u32)));
        (code.loaded.range().start, bodies.collect())
    }

    /// Its code in the arena.
    pub(super) fn code(&self) -> Arc<Code> {
        self.0.code.lock().clone()
    }

    /// Layout of its instances' vmctx.
    pub(super) fn layout(&self) -> &VmctxLayout {
        &self.0.layout
    }

    /// What its instances have in common.
    pub(super) fn template(&self) -> &Template {
        self.0.template.get_or_init(|| Template::new(self.info(), self.layout(), self.options()))
    }

    /// Engine-wide ids of its types, by type index.
    pub(super) fn type_ids(&self) -> &[u32] {
        self.0.type_ids.as_slice()
    }
}
