//! What can be chosen when a module is compiled, and what the choices stand for.

use crate::types::{MemoryType, PAGE_SIZE_LOG2};
use serde::{Deserialize, Serialize};

/// Bytes that a guarded 32-bit memory may come to occupy: all that an index of 32 bits reaches.
pub const RESERVATION: u64 = 4 << 30;
/// Bytes after the reservation that are never accessible.
pub const GUARD: u64 = 2 << 30;

/// How compiled code keeps loads and stores inside of a 32-bit memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BoundsMode {
    /// The memory lies in a reservation of 4 GiB and a guard of 2 GiB: no checks, faults are
    /// caught.
    Guarded,
    /// Each access is compared with the memory's length: for hosts short of address space, and for
    /// memories whose index or page size the other way cannot serve.
    Explicit,
}

impl BoundsMode {
    /// How accesses to a memory of this type are kept inside where this mode was chosen: only a
    /// 32-bit index stays within a guarded reservation, and only pages that are a multiple of the
    /// host's end where accessible bytes end.
    #[must_use]
    pub fn of_memory(self, ty: &MemoryType) -> Self {
        if ty.index64 || ty.page_size_log2 != PAGE_SIZE_LOG2 { Self::Explicit } else { self }
    }
}

/// How much is done for fast code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OptLevel {
    /// Code that is compiled in half to two thirds of the time, and is larger and slow: locals live
    /// in memory, nothing is optimised, registers are assigned in one pass.
    None,
    /// Fast code. Functions whose shape would take the code generator out of all proportion are
    /// compiled as by `None`.
    #[default]
    Speed,
}

/// What was chosen when the module was compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CompileOptions {
    /// How memory accesses are kept inside.
    pub bounds: BoundsMode,
    /// Whether NaN results are made canonical.
    pub canonicalize_nans: bool,
    /// How much is done for fast code.
    pub opt_level: OptLevel,
}

impl Default for CompileOptions {
    fn default() -> Self {
        Self { bounds: BoundsMode::Guarded, canonicalize_nans: false, opt_level: OptLevel::Speed }
    }
}
