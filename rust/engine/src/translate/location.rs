//! Where code comes from: an instruction of the module, perhaps of a function that was inlined.

/// An instruction as seen from one function's code: its offset in the module's bytes (at most 1
/// GiB), or with bit 31 set an index into the list of inlined instructions of that code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location(u32);

/// An instruction of a function whose body was inlined into another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InlinedLocation {
    /// Offset in the module's bytes.
    pub wasm: u32,
    /// The function that it belongs to.
    pub function: u32,
    /// The call that was replaced by the function's body.
    pub parent: Location,
}

impl Location {
    /// Where the compiler has none.
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

    /// The entry of an index in the list of inlined instructions of that code.
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

    /// Index in the list of inlined instructions of that code, if this is an instruction of an
    /// inlined body.
    #[must_use]
    pub const fn inlined_index(self) -> Option<usize> {
        if self.0 & Self::INLINED == 0 || self.0 == u32::MAX { None } else { Some((self.0 & !Self::INLINED) as usize) }
    }
}

impl From<u32> for Location {
    fn from(bits: u32) -> Self {
        Self::from_bits(bits)
    }
}

impl From<Location> for u32 {
    fn from(location: Location) -> Self {
        location.bits()
    }
}
