//! The artifact: everything that running a module needs. It is the one thing that is linked and run, serialised and cached.

mod check;
mod format;
mod keys;
#[cfg(test)]
mod tests;

use crate::options::CompileOptions;
use crate::translate::{InlinedLocation, Location};
use crate::wasm::ModuleInfo;
use serde::{Deserialize, Serialize};

pub use keys::{canonical_types, trampoline_keys};

/// A compiled module before it is linked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    /// What the module declares.
    pub info: ModuleInfo,
    /// What was chosen when it was compiled.
    pub options: CompileOptions,
    /// Code of the functions that are not imported, in the order of their indices.
    pub functions: Vec<CodeBody>,
    /// Trampolines, in the order of their keys.
    pub trampolines: Vec<(TrampolineKey, CodeBody)>,
}

/// Which trampoline: its kind and the type index it serves. Of equal types, the lowest index that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TrampolineKey {
    /// Host to guest: `Tail fn(code, vmctx, slots)`. For each type of an escaping, exported or start function.
    Entry(u32),
    /// Guest to host function: `Tail fn(host_function, params...)`, stores slots, calls the builtin `host_call`. For each type of an
    /// imported function.
    HostCall(u32),
    /// Guest to C function pointer: like `HostCall`, but calls the builtin `c_call`. For each type of an imported function without
    /// vectors.
    CCall(u32),
    /// Slots to a C call: `SystemV fn(c_function, c_context, slots)`. For the types of `CCall` with at most one result.
    CAdapter(u32),
}

/// Machine code of one function, position independent but for its relocations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CodeBody {
    /// The instructions.
    #[serde(with = "crate::wasm::bytes")]
    pub code: Vec<u8>,
    /// Alignment in bytes.
    pub alignment: u32,
    /// Where calls go: what lies before it only moves the code to a better place.
    pub entry: u32,
    /// Calls of other functions of the module.
    pub relocations: Vec<Relocation>,
    /// Instructions that can trap, sorted by offset.
    pub traps: Vec<TrapRecord>,
    /// From code to wasm: sorted by code offset, each entry holds up to the next.
    pub addresses: Vec<AddressRecord>,
    /// Instructions of other functions whose bodies were inlined into this one; parents come before what refers to them.
    pub inlined: Vec<InlinedLocation>,
}

/// A place in code that holds the distance to another function of the module (x86-64: `X86CallPCRel4`, aarch64: `Arm64Call`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relocation {
    /// Offset in the code.
    pub offset: u32,
    /// Index of the wasm function that is called; never an imported one.
    pub function: u32,
    /// Added to the distance.
    pub addend: i64,
}

/// An instruction that can trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrapRecord {
    /// Offset in the function's code.
    pub offset: u32,
    /// `TrapCode` as a number.
    pub code: u8,
}

/// Where code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressRecord {
    /// Offset in the function's code.
    pub code: u32,
    /// Which instruction.
    pub location: Location,
}
