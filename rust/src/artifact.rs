//! The artifact: everything that running a module needs. It is the one thing that is linked and run, serialised and cached.

mod check;
mod format;
#[cfg(test)]
mod tests;

use crate::wasm::ModuleInfo;
use serde::{Deserialize, Serialize};

/// How compiled code keeps loads and stores inside of a 32-bit memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BoundsMode {
    /// The memory lies in a reservation of 4 GiB and a guard of 2 GiB: no checks, faults are caught.
    Guarded,
    /// Each access is compared with the memory's length: for hosts short of address space.
    Explicit,
}

/// What was chosen when the module was compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CompileOptions {
    /// How memory accesses are kept inside.
    pub bounds: BoundsMode,
    /// Whether NaN results are made canonical.
    pub canonicalize_nans: bool,
}

impl Default for CompileOptions {
    fn default() -> Self {
        Self { bounds: BoundsMode::Guarded, canonicalize_nans: false }
    }
}

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
    /// Guest to C function pointer: like `HostCall`, but calls the builtin `c_call`. For each type of an imported function.
    CCall(u32),
    /// Slots to a C call: `SystemV fn(c_function, c_context, slots)`. For each type of an imported function.
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
    /// Calls of other functions of the module.
    pub relocations: Vec<Relocation>,
    /// Instructions that can trap, sorted by offset.
    pub traps: Vec<TrapRecord>,
    /// From code to wasm: sorted by code offset, each entry holds up to the next.
    pub addresses: Vec<AddressRecord>,
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
    /// Offset in the module's bytes; `u32::MAX` where the compiler gives none.
    pub wasm: u32,
}
