//! Values that are made once for a function, at its entry, and used wherever they are wanted:
//! integers and the vmctx's fixed pointers.
//!
//! Cranelift would make one of many by itself and puts it where it is used, so that the code is the
//! same; but Go's compiler wants some constant every fifth instruction and the base of the memory
//! every third, and each copy costs time until it is gone.

use super::function::FunctionTranslation;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::{InstBuilder, Type, Value};

/// Values that are remembered; each has one place, and of two that want it the later one takes it.
const PLACES: usize = 128;

/// What tells a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Once {
    /// An integer of a type.
    Integer(Type, i64),
    /// A pointer at an offset of the vmctx.
    Field(u32),
}

impl Once {
    fn place(self) -> usize {
        let bits = match self {
            Self::Integer(ty, value) => value as u64 ^ (u64::from(ty.bits()) << 56),
            Self::Field(offset) => !u64::from(offset),
        };
        // The upper bits of a product depend on all bits.
        (bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 57) as usize % PLACES
    }
}

/// The values of one function.
#[derive(Debug)]
pub(super) struct Onces([Option<(Once, Value)>; PLACES]);

impl Default for Onces {
    fn default() -> Self {
        Self([None; PLACES])
    }
}

impl Onces {
    /// The value, if it has been made and not been forgotten.
    pub(super) fn find(&self, once: Once) -> Option<Value> {
        self.0[once.place()].filter(|(kept, _)| *kept == once).map(|(_, value)| value)
    }

    /// Remembers a value, which was made at the entry.
    pub(super) fn keep(&mut self, once: Once, value: Value) -> Value {
        self.0[once.place()] = Some((once, value));
        value
    }
}

impl FunctionTranslation<'_, '_> {
    /// An integer; of narrow types, its bits zero-extended.
    pub(super) fn integer(&mut self, ty: Type, value: i64) -> Value {
        if self.homes.is_some() {
            return self.builder.ins().iconst(ty, value);
        }
        let key = Once::Integer(ty, value);
        if let Some(value) = self.onces.find(key) {
            return value;
        }
        let value = self.at_entry(|entry| entry.ins().iconst(ty, value));
        self.onces.keep(key, value)
    }

    /// Makes a value before all others: it has no operands but the function's parameters.
    pub(super) fn at_entry(&mut self, build: impl FnOnce(&mut FuncCursor<'_>) -> Value) -> Value {
        let location = self.builder.srcloc();
        let entry = self.builder.func.layout.entry_block().expect("inserted before anything is translated");
        build(&mut FuncCursor::new(self.builder.func).with_srcloc(location).at_first_insertion_point(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;
    use cranelift_codegen::ir::types;

    #[test]
    fn only_what_was_kept_is_found() {
        let mut onces = Onces::default();
        let keys: Vec<_> = (0..1000)
            .flat_map(|n| [Once::Integer(types::I32, n), Once::Integer(types::I64, n), Once::Field(n as u32)])
            .chain([Once::Integer(types::I64, -1), Once::Integer(types::I64, i64::MIN), Once::Field(u32::MAX)])
            .collect();
        for (index, key) in keys.iter().enumerate() {
            assert_eq!(onces.find(*key), None, "{key:?} was not kept");
            onces.keep(*key, Value::from_u32(index as u32));
            assert_eq!(onces.find(*key), Some(Value::from_u32(index as u32)));
        }
        let mut kept = 0;
        for (index, key) in keys.iter().enumerate() {
            if let Some(value) = onces.find(*key) {
                assert_eq!(value, Value::from_u32(index as u32), "{key:?} returns the value of another");
                kept += 1;
            }
        }
        assert!((1..=PLACES).contains(&kept), "{kept}");
    }
}
