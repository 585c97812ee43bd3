//! The types of WebAssembly values and of everything that can be imported or exported.
//!
//! Owns the type model of the engine (WebAssembly 2.0, section 2.3 "Types") and the rules of import matching
//! (section 4.5.3 "External Typing"). A leaf: it imports nothing else of the crate.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Bytes in a WebAssembly page of linear memory.
pub const PAGE_SIZE: u64 = 65_536;
/// The largest number of pages of a 32-bit memory.
pub const MAX_PAGES32: u64 = 65_536;
/// The largest number of elements a table may have (the JavaScript API's implementation limit).
pub const MAX_TABLE_ELEMENTS: u32 = 10_000_000;

/// A value type. A value of type v128 takes two 64-bit slots, the low lanes first, and each other one.
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
        matches!(self, Self::FuncRef | Self::ExternRef)
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

/// Size bounds of a memory (in pages) or a table (in elements).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// The size to begin with.
    pub min: u64,
    /// The size never to be exceeded, if declared.
    pub max: Option<u64>,
}

impl Limits {
    /// Whether something of the current size `min` and these limits may stand where `wanted` is asked for
    /// (section 4.5.3: "Limits").
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

/// Type of a linear memory; limits in pages of 64 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MemoryType {
    /// Size bounds in pages.
    pub limits: Limits,
}

/// Type of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TableType {
    /// Reference type of the elements.
    pub element: ValType,
    /// Size bounds in elements.
    pub limits: Limits,
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
}

impl fmt::Display for ExternType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Func(ty) => write!(f, "function {ty}"),
            Self::Table(ty) => write!(f, "table {} of {}", ty.limits, ty.element),
            Self::Memory(ty) => write!(f, "memory {}", ty.limits),
            Self::Global(ty) => {
                write!(f, "global {}{}", if ty.mutable { "mut " } else { "" }, ty.value)
            }
        }
    }
}
