//! The artifact: everything that running a module needs. It is the one thing that is linked and
//! run, serialised and cached.
//!
//! It has two parts: a block of position-independent machine code, whose calls are linked, and the
//! [`Artifact`] itself, which says all that is known of the block. The block lies in the arena
//! (`code`) and nowhere else; in serialised bytes it comes last.

mod addresses;
mod check;
mod differences;
mod format;
mod inlined;
mod keys;
mod shared;
mod tables;
#[cfg(test)]
mod tests;

use crate::options::CompileOptions;
use crate::wasm::ModuleInfo;
use alloc::sync::Arc;
use serde::{Deserialize, Serialize};

pub use addresses::{AddressMap, AddressMapBuilder};
pub(crate) use format::MAPPED;
pub use format::{CHECKED, origin};
pub use keys::{canonical_types, trampoline_keys};
pub use tables::{Clause, Handlers, NOT_COMPILED, Site, Tables, Traps};

/// A compiled and linked module, but for its block of code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    /// What the module declares. Several artifacts of one module share it.
    #[serde(with = "shared")]
    pub info: Arc<ModuleInfo>,
    /// What was chosen when it was compiled.
    pub options: CompileOptions,
    /// What is where in the block.
    pub tables: Tables,
}

/// Which trampoline: its kind and the type index it serves. Of equal types, the lowest index that
/// is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TrampolineKey {
    /// Host to guest: `Tail fn(code, vmctx, slots)`. For each type of an escaping, exported or
    /// start function.
    Entry(u32),
    /// Guest to host function: `Tail fn(host_function, params...)`, stores slots, calls the builtin
    /// `host_call`. For each type of an imported function.
    HostCall(u32),
    /// Guest to C function pointer: like `HostCall`, but calls the builtin `c_call`. For each type
    /// of an imported function without vectors.
    CCall(u32),
    /// Slots to a C call: `SystemV fn(c_function, c_context, slots)`. For the types of `CCall` with
    /// at most one result.
    CAdapter(u32),
}
