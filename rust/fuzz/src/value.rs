//! Values, traps and failures as all engines have them.

use gowasmer::types::ValType;
use std::fmt;

/// A value; floats and vectors by their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// i32
    I32(u32),
    /// i64
    I64(u64),
    /// f32
    F32(u32),
    /// f64
    F64(u64),
    /// v128
    V128(u128),
    /// A function reference, and whether it is one at all; given as an argument it is that of the
    /// first exported function.
    Func(bool),
    /// A reference to a host value, which is this number; 0 is null.
    Extern(u64),
    /// A reference to an exception, or null. The guests that are generated have none.
    Exn(bool),
}

impl Value {
    /// The value of a type with the lowest of these bits.
    #[must_use]
    pub fn from_bits(ty: ValType, bits: u128) -> Self {
        match ty {
            ValType::I32 => Self::I32(bits as u32),
            ValType::I64 => Self::I64(bits as u64),
            ValType::F32 => Self::F32(bits as u32),
            ValType::F64 => Self::F64(bits as u64),
            ValType::V128 => Self::V128(bits),
            ValType::FuncRef => Self::Func(bits & 1 != 0),
            ValType::ExternRef => Self::Extern(bits as u64 & 7),
            ValType::ExnRef => Self::Exn(false),
        }
    }

    /// All that makes the value, as one number.
    #[must_use]
    pub fn bits(self) -> u128 {
        match self {
            Self::I32(bits) | Self::F32(bits) => bits.into(),
            Self::I64(bits) | Self::F64(bits) | Self::Extern(bits) => bits.into(),
            Self::V128(bits) => bits,
            Self::Func(some) | Self::Exn(some) => some.into(),
        }
    }
}

/// Why a guest was stopped, as far as all engines tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// `unreachable`
    Unreachable,
    /// Outside of a memory.
    Memory,
    /// Outside of a table, also in an indirect call.
    Table,
    /// An indirect call of null.
    Null,
    /// An indirect call of a function of another type.
    Signature,
    /// A quotient or a converted float that does not fit.
    Overflow,
    /// Division by zero.
    Division,
    /// NaN converted to an integer.
    Conversion,
}

/// How something that an engine was asked for can fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The guest trapped, or its instantiation did.
    Trap(Trap),
    /// The guest's stack is used up. Engines have stacks of different sizes, so that nothing after
    /// this can be compared.
    Stack,
    /// The guest ran longer than it may. Only the engine that goes first counts.
    Fuel,
    /// The engine lacks something, or a limit was met.
    Resource(String),
    /// The engine refuses the module.
    Refused(String),
    /// What no engine should ever say.
    Other(String),
}

impl Failure {
    /// Whether the run must end here, as engines may differ from now on.
    #[must_use]
    pub const fn cuts(&self) -> bool {
        matches!(self, Self::Stack | Self::Fuel | Self::Resource(_))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trap(trap) => write!(f, "trap {trap:?}"),
            Self::Stack => f.write_str("stack overflow"),
            Self::Fuel => f.write_str("out of fuel"),
            Self::Resource(message) => write!(f, "lacking resource: {message}"),
            Self::Refused(message) => write!(f, "refused: {message}"),
            Self::Other(message) => write!(f, "failed: {message}"),
        }
    }
}
