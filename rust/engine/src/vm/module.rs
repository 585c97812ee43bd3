//! A module that can be instantiated: its artifact, its code in the arena, and what instances of it share.

use super::stats::{self, Live};
use super::type_ids::TypeIds;
use crate::abi::vmctx::VmctxLayout;
use crate::artifact::Artifact;
use crate::code::LoadedCode;
use crate::error::Result;
use crate::options::CompileOptions;
use crate::wasm::ModuleInfo;
use std::sync::Arc;

/// A module with its code. A handle: clones are the same module; the code goes with the last clone and the last
/// instance.
#[derive(Clone, Debug)]
pub struct Module(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    artifact: Artifact,
    code: Arc<LoadedCode>,
    layout: VmctxLayout,
    type_ids: TypeIds,
    _live: Live,
}

impl Module {
    /// Compiles a module from the binary format.
    ///
    /// # Errors
    /// Kind `Validation`, `Compile`, or `Resource` where there is no room for the code.
    pub fn compile(bytes: &[u8], options: CompileOptions) -> Result<Self> {
        Self::load(crate::compile::compile(bytes, options)?)
    }

    /// Makes a module of what [`Module::serialize`] gave. The bytes hold machine code that will run: they must be
    /// trusted.
    ///
    /// # Errors
    /// Kind `Deserialize`, or `Resource` where there is no room for the code.
    pub fn deserialize(bytes: &[u8]) -> Result<Self> {
        Self::load(Artifact::deserialize(bytes)?)
    }

    fn load(artifact: Artifact) -> Result<Self> {
        let code = LoadedCode::load(&artifact)?;
        let layout = VmctxLayout::new(&artifact.info);
        let type_ids = TypeIds::new(&artifact.info.types);
        Ok(Self(Arc::new(Inner { artifact, code, layout, type_ids, _live: stats::MODULES.count() })))
    }

    /// Its bytes for [`Module::deserialize`], on an equal engine and processor.
    #[must_use]
    pub fn serialize(&self) -> Vec<u8> {
        self.0.artifact.serialize()
    }

    /// What it declares.
    #[must_use]
    pub fn info(&self) -> &ModuleInfo {
        &self.0.artifact.info
    }

    /// What was chosen when it was compiled.
    #[must_use]
    pub fn options(&self) -> CompileOptions {
        self.0.artifact.options
    }

    /// Bytes of machine code.
    #[must_use]
    pub fn code_bytes(&self) -> u64 {
        self.0.code.code_bytes() as u64
    }

    /// Its code in the arena.
    pub(super) fn code(&self) -> &LoadedCode {
        &self.0.code
    }

    /// Layout of its instances' vmctx.
    pub(super) fn layout(&self) -> &VmctxLayout {
        &self.0.layout
    }

    /// Engine-wide ids of its types, by type index.
    pub(super) fn type_ids(&self) -> &[u32] {
        self.0.type_ids.as_slice()
    }
}
