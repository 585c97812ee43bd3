//! Addresses in linear memories: how loads, stores and bulk operations are kept inside.
//!
//! ============================================================================================
//!   Sandbox-critical.
//!   This file alone turns an index into a linear memory into an address of the host. A
//!   mistake here lets a guest read and write the host's memory. Change it with a second reader,
//!   and extend its tests: bounds/tests.rs, and rust/engine/tests/boundaries.rs for the code that
//!   comes out.
//! ============================================================================================
//!
//! An access of `width` bytes at `index + offset` is inside when `index + offset + width <=
//! length`, computed without wrapping (section 4.6.9, "Memory Instructions").
//!
//! *Guarded* memories lie in a reservation of [`RESERVATION`] bytes, whose first `length`
//! are accessible, followed by [`GUARD`] bytes that never are. With `offset + width <= GUARD` every
//! access outside lands in one of the two and faults, and no check is needed. *Explicit* memories
//! have no such reservation; each access is compared with the length.
//!
//! An index of 32 bits needs no care: `index < 2^32`, `offset < 2^32` and `width <= 16`, so sums of
//! 64 bits never wrap. One of 64 bits, with an offset of 64 bits, may be anything: [`Check::Room`]
//! never adds to it. Such memories are always explicit, and so are those whose pages are smaller
//! than the host's ([`BoundsMode::of_memory`]).
//!
//! A failed check does not branch: it selects address 0 for the access, which faults with the
//! access's trap code. So a processor that speculates past the check cannot read outside either
//! (Spectre variant 1).

use super::function::FunctionTranslation;
use super::index::{self, Index};
use super::vmctx::Region;
use crate::abi::vmctx::{MemoryDefinition, MemoryEntry};
use crate::options::{BoundsMode, GUARD, RESERVATION};
use crate::prelude::*;
use crate::trap::TrapCode;
use crate::types::MemoryType;
use core::mem::offset_of;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, Endianness, InstBuilder, InstructionData, MemFlagsData, Opcode, Value, types};

/// What keeps one access inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// Nothing is needed: the access is inside, or faults.
    None,
    /// The access is outside, whatever the index.
    Outside,
    /// Outside if `index > limit`; with `index <= limit` it is inside the reservation.
    Index {
        /// The largest index that is let through.
        limit: u64,
    },
    /// Outside if `index + end > length`, for an index of 32 bits.
    Length {
        /// Offset and width together.
        end: u64,
    },
    /// Outside if `end > length`, or else if `index > length - end`, for an index of 64 bits.
    Room {
        /// Offset and width together.
        end: u64,
        /// The memory was never shorter than `end`, so that the first comparison is left out. (Its
        /// length becomes 0 at its end, when no code is left that could run on it.)
        always: bool,
    },
}

/// Decides the check of an access at `offset`, of `width` bytes, at an index that may be a known
/// constant.
fn check(mode: BoundsMode, ty: &MemoryType, index: Option<u64>, offset: u64, width: u32) -> Check {
    let Some(end) = offset.checked_add(u64::from(width)).filter(|end| *end <= ty.max_bytes()) else {
        return Check::Outside;
    };
    // The first `min` pages are part of the memory from its beginning. (Once it is closed they
    // fault.)
    let known_end = index.and_then(|index| index.checked_add(end));
    if known_end.is_some_and(|known_end| known_end <= ty.min_bytes()) {
        return Check::None;
    }
    match mode.of_memory(ty) {
        // index + end < 2^32 + GUARD: inside of the reservation and its guard.
        BoundsMode::Guarded if end <= GUARD => Check::None,
        // end <= max_bytes <= RESERVATION, so this does not wrap.
        BoundsMode::Guarded => Check::Index { limit: RESERVATION - end },
        BoundsMode::Explicit if ty.index64 => Check::Room { end, always: end <= ty.min_bytes() },
        BoundsMode::Explicit => Check::Length { end },
    }
}

/// The constant that an integer value is, if it is one.
pub(super) fn constant(t: &FunctionTranslation<'_, '_>, value: Value) -> Option<u64> {
    let dfg = &t.builder.func.dfg;
    if dfg.value_type(value) == types::I32 {
        return index::constant(dfg, value);
    }
    match dfg.insts[dfg.value_def(value).inst()?] {
        InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => Some(imm.bits() as u64),
        _ => None,
    }
}

/// An index into a memory or a table, or a number of their items, as 64 bits: extended if it has
/// 32.
pub(super) fn widen(t: &mut FunctionTranslation<'_, '_>, index: Value) -> Value {
    if t.builder.func.dfg.value_type(index) == types::I64 {
        return index;
    }
    t.builder.ins().uextend(types::I64, index)
}

/// Where an access goes, and the flags it must use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    pub(super) flags: MemFlagsData,
    pub(super) base: Value,
    /// Added to `base` by the instruction itself.
    pub(super) offset: i32,
}

/// The address of an access. `None` if it is always outside: then it traps here, and what follows
/// is not reached.
pub(super) fn access(
    t: &mut FunctionTranslation<'_, '_>,
    memory: u32,
    index: Value,
    offset: u64,
    width: u32,
) -> Option<Address> {
    let ty = t.env.info.memories[memory as usize];
    let known = constant(t, index);
    // The same sum, with more of it in the offset, which is then less than 2^33.
    let narrow = (!ty.index64).then(|| Index::new(t.builder.func, index));
    let offset = narrow.map_or(offset, |narrow| offset + narrow.offset);
    let check = check(t.env.options.bounds, &ty, known, offset, width);
    if matches!(check, Check::Outside) {
        t.trap(TrapCode::MemoryOutOfBounds);
        return None;
    }
    let (index, address) = start(t, memory, index, narrow);
    let outside = match check {
        Check::None | Check::Outside => None,
        Check::Index { limit } => {
            let limit = t.integer(types::I64, limit as i64);
            Some(t.builder.ins().icmp(IntCC::UnsignedGreaterThan, index, limit))
        }
        Check::Length { end: 1 } => {
            let length = length(t, memory);
            Some(t.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, length))
        }
        Check::Length { end } => {
            let length = length(t, memory);
            let end = t.integer(types::I64, end as i64);
            let end = t.builder.ins().iadd(index, end);
            Some(t.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, length))
        }
        Check::Room { end, always } => {
            let length = length(t, memory);
            let end = t.integer(types::I64, end as i64);
            Some(beyond(t, index, end, length, always))
        }
    };
    let flags = flags(t, memory);
    if let (None, Ok(offset)) = (outside, i32::try_from(offset)) {
        return Some(Address { flags, base: address, offset });
    }
    let mut base = address;
    if offset != 0 {
        // Added before the guard: after it, speculation could read what lies at the offset alone.
        let offset = t.integer(types::I64, offset as i64);
        base = t.builder.ins().iadd(base, offset);
    }
    if let Some(outside) = outside {
        let null = t.integer(types::I64, 0);
        base = t.builder.ins().select_spectre_guard(outside, null, base);
    }
    Some(Address { flags, base, offset: 0 })
}

/// Where the memory's byte of an index lies, and the index in 64 bits; both are those of an earlier
/// access of this block where its index was the same value. The base of a memory never changes.
fn start(t: &mut FunctionTranslation<'_, '_>, memory: u32, index: Value, narrow: Option<Index>) -> (Value, Value) {
    let key = (memory, narrow.map_or((index, 0), Index::key));
    let block = t.builder.current_block();
    if t.starts.block != block {
        t.starts.block = block;
        t.starts.known.clear();
    }
    if let Some((_, found)) = t.starts.known.iter().rev().find(|(known, _)| *known == key) {
        return *found;
    }
    let index = narrow.map_or(index, |narrow| narrow.extend(&mut t.builder));
    let found = (index, at(t, memory, index));
    if t.starts.known.len() == STARTS {
        t.starts.known.clear();
    }
    t.starts.known.push((key, found));
    found
}

/// A memory, an index and its shift.
type Place = (u32, (Value, u64));

/// The places in memories that a block has accessed.
#[derive(Debug, Default)]
pub(super) struct Starts {
    block: Option<Block>,
    /// With each place the index in 64 bits and the address.
    known: Vec<(Place, (Value, Value))>,
}

/// As many places are remembered.
const STARTS: usize = 16;

/// The address of a range of so many bytes (64-bit) that a bulk operation is about to touch; traps
/// unless all of it is inside.
pub(super) fn range(t: &mut FunctionTranslation<'_, '_>, memory: u32, index: Value, bytes: Value) -> Value {
    let (index, outside) = if t.env.info.memories[memory as usize].index64 {
        let length = length(t, memory);
        (index, beyond(t, index, bytes, length, false))
    } else {
        // The index has 32 bits, and so has the number of bytes: that of a copy is as wide as the
        // narrower of two indices.
        let index = widen(t, index);
        let end = t.builder.ins().iadd(index, bytes);
        let length = length(t, memory);
        (index, t.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, length))
    };
    t.builder.ins().trapnz(outside, TrapCode::MemoryOutOfBounds.to_clif());
    let address = at(t, memory, index);
    let null = t.integer(types::I64, 0);
    t.builder.ins().select_spectre_guard(outside, null, address)
}

/// Whether `index + count > length`, for any index and count of 64 bits; where `count <= length` is
/// known `always` to hold, by one comparison.
pub(super) fn beyond(
    t: &mut FunctionTranslation<'_, '_>,
    index: Value,
    count: Value,
    length: Value,
    always: bool,
) -> Value {
    let room = t.builder.ins().isub(length, count);
    let outside = t.builder.ins().icmp(IntCC::UnsignedGreaterThan, index, room);
    if always {
        return outside;
    }
    // Without room, the difference above has wrapped.
    let none = t.builder.ins().icmp(IntCC::UnsignedGreaterThan, count, length);
    t.builder.ins().bor(outside, none)
}

/// The memory's length in bytes. It only grows, so a value loaded before may be used.
pub(super) fn length(t: &mut FunctionTranslation<'_, '_>, memory: u32) -> Value {
    let entry = t.env.layout.memory(memory);
    let definition = t.load_vmctx(entry + offset_of!(MemoryEntry, definition) as u32);
    let flags = t.trusted(Region::MemoryDefinitions);
    t.builder.ins().load(types::I64, flags, definition, offset_of!(MemoryDefinition, length) as i32)
}

/// Flags of an access to a memory: of any alignment, little-endian, and a fault is a trap.
pub(super) fn flags(t: &mut FunctionTranslation<'_, '_>, memory: u32) -> MemFlagsData {
    let region = t.region(Region::Memory(memory));
    MemFlagsData::new()
        .with_trap_code(Some(TrapCode::MemoryOutOfBounds.to_clif()))
        .with_endianness(Endianness::Little)
        .with_alias_region(Some(region))
}

/// The address of a 64-bit index, unchecked: only for the functions above.
fn at(t: &mut FunctionTranslation<'_, '_>, memory: u32, index: Value) -> Value {
    let base = t.load_vmctx(t.env.layout.memory(memory) + offset_of!(MemoryEntry, base) as u32);
    // In this order, the index is extended before the base is loaded, and most often in its own
    // register.
    t.builder.ins().iadd(index, base)
}

#[cfg(test)]
mod tests;
