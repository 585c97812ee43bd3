//! The reasons for which a guest is stopped, in the wording of the specification's test suite.
//!
//! A leaf: it imports nothing else of the crate. The numbers are written into artifacts, into the
//! context that Go reads, and into Cranelift's trap records; the Go side is generated from this
//! list.

/// Why a guest was stopped (WebAssembly 2.0, section 4.4; the texts are those of the
/// specification's scripts).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TrapCode {
    /// `unreachable` was executed.
    Unreachable = 1,
    /// A load or store, or a bulk operation, outside of a memory.
    MemoryOutOfBounds = 2,
    /// An access, or a bulk operation, outside of a table.
    TableOutOfBounds = 3,
    /// An indirect call through a null element.
    IndirectCallToNull = 4,
    /// An indirect call of a function of another type.
    BadSignature = 5,
    /// The quotient does not fit, or a float does not fit the integer.
    IntegerOverflow = 6,
    /// Division or remainder by zero.
    IntegerDivideByZero = 7,
    /// NaN converted to an integer.
    BadConversionToInteger = 8,
    /// The stack of the call is used up.
    StackOverflow = 9,
    /// An indirect call beyond the end of the table.
    UndefinedElement = 10,
    /// A function of a module that is compiled when it is called could not be compiled.
    NotCompiled = 11,
    /// An exception that nothing has caught (WebAssembly 3.0, section 4.4.10.1).
    UncaughtException = 12,
    /// `throw_ref` of null.
    NullReference = 13,
}

impl TrapCode {
    /// Every code, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::Unreachable,
        Self::MemoryOutOfBounds,
        Self::TableOutOfBounds,
        Self::IndirectCallToNull,
        Self::BadSignature,
        Self::IntegerOverflow,
        Self::IntegerDivideByZero,
        Self::BadConversionToInteger,
        Self::StackOverflow,
        Self::UndefinedElement,
        Self::NotCompiled,
        Self::UncaughtException,
        Self::NullReference,
    ];

    /// The code of a number, if there is one.
    #[must_use]
    pub fn from_u8(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// The specification's wording.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::MemoryOutOfBounds => "out of bounds memory access",
            Self::TableOutOfBounds => "out of bounds table access",
            Self::IndirectCallToNull => "uninitialized element",
            Self::BadSignature => "indirect call type mismatch",
            Self::IntegerOverflow => "integer overflow",
            Self::IntegerDivideByZero => "integer divide by zero",
            Self::BadConversionToInteger => "invalid conversion to integer",
            Self::StackOverflow => "call stack exhausted",
            Self::UndefinedElement => "undefined element",
            Self::NotCompiled => "the function could not be compiled",
            Self::UncaughtException => "uncaught exception",
            Self::NullReference => "null exception reference",
        }
    }

    /// The Cranelift trap code that stands for this one in compiled code.
    ///
    /// Codes that Cranelift emits by itself (division, conversion, heap) keep Cranelift's own
    /// numbers.
    #[must_use]
    pub const fn to_clif(self) -> cranelift_codegen::ir::TrapCode {
        use cranelift_codegen::ir::TrapCode as Clif;
        match self {
            Self::MemoryOutOfBounds => Clif::HEAP_OUT_OF_BOUNDS,
            Self::IntegerOverflow => Clif::INTEGER_OVERFLOW,
            Self::IntegerDivideByZero => Clif::INTEGER_DIVISION_BY_ZERO,
            Self::BadConversionToInteger => Clif::BAD_CONVERSION_TO_INTEGER,
            Self::StackOverflow => Clif::STACK_OVERFLOW,
            other => Clif::unwrap_user(other as u8),
        }
    }

    /// The reverse of [`TrapCode::to_clif`].
    #[must_use]
    pub fn from_clif(code: cranelift_codegen::ir::TrapCode) -> Option<Self> {
        Self::ALL.into_iter().find(|candidate| candidate.to_clif() == code)
    }
}
