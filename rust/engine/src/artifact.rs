//! The artifact: everything that running a module needs. It is the one thing that is linked and run, serialised and cached.

mod check;
mod format;
#[cfg(test)]
mod tests;

use crate::types::{MemoryType, PAGE_SIZE_LOG2};
use crate::wasm::ModuleInfo;
use serde::{Deserialize, Serialize};

/// How compiled code keeps loads and stores inside of a 32-bit memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BoundsMode {
    /// The memory lies in a reservation of 4 GiB and a guard of 2 GiB: no checks, faults are caught.
    Guarded,
    /// Each access is compared with the memory's length: for hosts short of address space, and for memories whose index or page size
    /// the other way cannot serve.
    Explicit,
}

impl BoundsMode {
    /// How accesses to a memory of this type are kept inside where this mode was chosen: only a 32-bit index stays within a guarded
    /// reservation, and only pages that are a multiple of the host's end where accessible bytes end.
    #[must_use]
    pub fn of_memory(self, ty: &MemoryType) -> Self {
        if ty.index64 || ty.page_size_log2 != PAGE_SIZE_LOG2 { Self::Explicit } else { self }
    }
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

/// An instruction as seen from one function's code: its offset in the module's bytes (at most 1 GiB), or with bit 31 set an index into
/// [`CodeBody::inlined`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location(u32);

/// An instruction of a function whose body was inlined into another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InlinedLocation {
    /// Offset in the module's bytes.
    pub wasm: u32,
    /// The function that it belongs to.
    pub function: u32,
    /// The call that was replaced by the function's body.
    pub parent: Location,
}

impl Location {
    /// Where the compiler gives none.
    pub const UNKNOWN: Self = Self(u32::MAX);
    const INLINED: u32 = 1 << 31;

    /// The instruction at an offset in the module's bytes.
    ///
    /// # Panics
    /// If the offset is beyond the largest module.
    #[must_use]
    pub const fn at(offset: u64) -> Self {
        assert!(offset < Self::INLINED as u64, "modules are limited to 1 GiB");
        Self(offset as u32)
    }

    /// The entry of an index in [`CodeBody::inlined`].
    ///
    /// # Panics
    /// If the index takes more than 31 bits.
    #[must_use]
    pub const fn inlined(index: usize) -> Self {
        assert!(index < (Self::INLINED - 1) as usize, "a table of inlined instructions is that small");
        Self(Self::INLINED | index as u32)
    }

    /// The location that these bits stand for.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The location as a number.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Offset in the module's bytes, if this is an instruction of the function itself.
    #[must_use]
    pub const fn wasm(self) -> Option<u32> {
        if self.0 & Self::INLINED == 0 { Some(self.0) } else { None }
    }

    /// Index in [`CodeBody::inlined`], if this is an instruction of an inlined body.
    #[must_use]
    pub const fn inlined_index(self) -> Option<usize> {
        if self.0 & Self::INLINED == 0 || self.0 == u32::MAX { None } else { Some((self.0 & !Self::INLINED) as usize) }
    }
}
