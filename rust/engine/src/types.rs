//! The types of WebAssembly values and of everything that can be imported or exported.
//!
//! Owns the type model of the engine (WebAssembly 2.0, section 2.3 "Types") and the rules of import
//! matching (section 4.5.3 "External Typing"). A leaf: it imports nothing else of the crate.

use crate::prelude::*;
use core::fmt;
use serde::{Deserialize, Serialize};

/// Bytes in a WebAssembly page of linear memory.
pub const PAGE_SIZE: u64 = 65_536;
/// The power of two of [`PAGE_SIZE`].
pub const PAGE_SIZE_LOG2: u8 = 16;
/// The largest number of pages of 64 KiB of a 32-bit memory.
pub const MAX_PAGES32: u64 = 65_536;
/// The largest number of bytes of a 32-bit memory: all that its index reaches.
pub const MAX_BYTES32: u64 = 4 << 30;
/// The largest number of bytes of a 64-bit memory: 262,144 pages of 64 KiB, the JavaScript API's
/// implementation limit. A module may declare a larger maximum, which growing then never reaches.
pub const MAX_BYTES64: u64 = 16 << 30;
/// The largest number of elements a table may have (the JavaScript API's implementation limit).
pub const MAX_TABLE_ELEMENTS: u32 = 10_000_000;

/// A value type. A value of type v128 takes two 64-bit slots, the low lanes first, and each other
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum ValType {
    /// 32-bit integer; a slot holds it zero-extended.
    I32 = 0,
    /// 64-bit integer.
    I64 = 1,
    /// 32-bit float; a slot holds its bits zero-extended.
    F32 = 2,
    /// 64-bit float.
    F64 = 3,
    /// 128-bit vector (two slots).
    V128 = 4,
    /// Nullable reference to a function; a slot holds the address of its record, 0 for null.
    FuncRef = 5,
    /// Nullable reference to a host value; a slot holds a handle, 0 for null.
    ExternRef = 6,
    /// Nullable reference to an exception; a slot holds a handle, 0 for null.
    ExnRef = 7,
}

impl ValType {
    /// The name in the text format, as error messages spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::V128 => "v128",
            Self::FuncRef => "funcref",
            Self::ExternRef => "externref",
            Self::ExnRef => "exnref",
        }
    }

    /// Number of 64-bit slots that a value takes.
    #[must_use]
    pub const fn slots(self) -> usize {
        match self {
            Self::V128 => 2,
            _ => 1,
        }
    }

    /// Whether values of this type are references.
    #[must_use]
    pub const fn is_ref(self) -> bool {
        matches!(self, Self::FuncRef | Self::ExternRef | Self::ExnRef)
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A function type: parameters and results.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FuncType {
    /// Types of the parameters.
    pub params: Vec<ValType>,
    /// Types of the results.
    pub results: Vec<ValType>,
}

impl FuncType {
    /// Number of 64-bit slots of the arguments.
    #[must_use]
    pub fn param_slots(&self) -> usize {
        self.params.iter().map(|ty| ty.slots()).sum()
    }

    /// Number of 64-bit slots of the results.
    #[must_use]
    pub fn result_slots(&self) -> usize {
        self.results.iter().map(|ty| ty.slots()).sum()
    }

    /// Number of 64-bit slots that a call of this type needs: arguments and results share them.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.param_slots().max(self.result_slots())
    }

    /// Whether a parameter or result is a vector.
    #[must_use]
    pub fn has_vectors(&self) -> bool {
        self.params.iter().chain(&self.results).any(|ty| *ty == ValType::V128)
    }
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, types: &[ValType]| {
            f.write_str("[")?;
            for (i, ty) in types.iter().enumerate() {
                write!(f, "{}{ty}", if i > 0 { " " } else { "" })?;
            }
            f.write_str("]")
        };
        list(f, &self.params)?;
        f.write_str(" -> ")?;
        list(f, &self.results)
    }
}

/// Size bounds of a memory (in its pages) or a table (in elements).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// The size to begin with.
    pub min: u64,
    /// The size never to be exceeded, if declared.
    pub max: Option<u64>,
}

impl Limits {
    /// Whether something of the current size `min` and these limits may stand where `wanted` is
    /// asked for (section 4.5.3: "Limits").
    #[must_use]
    pub fn matches(&self, wanted: &Self) -> bool {
        self.min >= wanted.min && wanted.max.is_none_or(|wanted| self.max.is_some_and(|max| max <= wanted))
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.max {
            Some(max) => write!(f, "{{min {}, max {max}}}", self.min),
            None => write!(f, "{{min {}}}", self.min),
        }
    }
}

/// Type of a linear memory (WebAssembly 3.0, section 2.3.16; page sizes are those of the proposal
/// "custom page sizes").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MemoryType {
    /// Size bounds in pages of this memory.
    pub limits: Limits,
    /// Whether addresses are 64-bit integers.
    pub index64: bool,
    /// Bytes of a page, as a power of two: 16, or 0.
    pub page_size_log2: u8,
}

impl MemoryType {
    /// A 32-bit memory with pages of 64 KiB.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, index64: false, page_size_log2: PAGE_SIZE_LOG2 }
    }

    /// Bytes of a page.
    #[must_use]
    pub const fn page_size(&self) -> u64 {
        1 << self.page_size_log2
    }

    /// The largest maximum that a type of this sort may declare, in pages (section 3.2.13).
    #[must_use]
    pub const fn max_declared_pages(&self) -> u64 {
        match (self.index64, self.page_size_log2) {
            (true, 0) => u64::MAX,
            (true, log2) => 1 << (64 - log2),
            (false, 0) => u32::MAX as u64,
            (false, log2) => 1 << (32 - log2),
        }
    }

    /// Bytes that a memory of this sort can have at most, whatever maximum it declares: the limit
    /// of this implementation.
    #[must_use]
    pub const fn max_bytes_of_sort(&self) -> u64 {
        if self.index64 { MAX_BYTES64 } else { MAX_BYTES32 }
    }

    /// Bytes that a memory of this type begins with, as far as numbers go.
    #[must_use]
    pub const fn min_bytes(&self) -> u64 {
        self.limits.min.saturating_mul(self.page_size())
    }

    /// Bytes that a memory of this type can have at most.
    #[must_use]
    pub fn max_bytes(&self) -> u64 {
        let declared = self.limits.max.map_or(u64::MAX, |max| max.saturating_mul(self.page_size()));
        declared.min(self.max_bytes_of_sort())
    }

    /// Whether something of this type may stand where `wanted` is asked for (section 4.5.3,
    /// "Memories").
    #[must_use]
    pub fn matches(&self, wanted: &Self) -> bool {
        self.index64 == wanted.index64
            && self.page_size_log2 == wanted.page_size_log2
            && self.limits.matches(&wanted.limits)
    }
}

impl fmt::Display for MemoryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory {}{}", if self.index64 { "i64 " } else { "" }, self.limits)?;
        if self.page_size_log2 == PAGE_SIZE_LOG2 { Ok(()) } else { write!(f, " (pagesize {})", self.page_size()) }
    }
}

/// Type of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TableType {
    /// Reference type of the elements.
    pub element: ValType,
    /// Size bounds in elements.
    pub limits: Limits,
    /// Whether indices are 64-bit integers.
    pub index64: bool,
}

impl TableType {
    /// A 32-bit table.
    #[must_use]
    pub const fn new(element: ValType, limits: Limits) -> Self {
        Self { element, limits, index64: false }
    }

    /// Whether something of this type may stand where `wanted` is asked for (section 4.5.3,
    /// "Tables").
    #[must_use]
    pub fn matches(&self, wanted: &Self) -> bool {
        self.element == wanted.element && self.index64 == wanted.index64 && self.limits.matches(&wanted.limits)
    }
}

impl fmt::Display for TableType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {}{} of {}", if self.index64 { "i64 " } else { "" }, self.limits, self.element)
    }
}

/// Type of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GlobalType {
    /// Type of the value.
    pub value: ValType,
    /// Whether it can be set.
    pub mutable: bool,
}

/// Type of anything that can be imported or exported.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ExternType {
    /// A function.
    Func(FuncType),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
    /// A tag (WebAssembly 3.0, section 2.3.14): the values that its exceptions carry. There are no
    /// results.
    Tag(FuncType),
}

impl fmt::Display for ExternType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Func(ty) => write!(f, "function {ty}"),
            Self::Table(ty) => ty.fmt(f),
            Self::Memory(ty) => ty.fmt(f),
            Self::Global(ty) => {
                write!(f, "global {}{}", if ty.mutable { "mut " } else { "" }, ty.value)
            }
            Self::Tag(ty) => write!(f, "tag {ty}"),
        }
    }
}
