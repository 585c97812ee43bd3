//! Addresses in linear memories: how loads, stores and bulk operations are kept inside.
//!
//! ============================================================================================
//!   SANDBOX: this file alone turns an index into a linear memory into an address of the host.
//!   A mistake here lets a guest read and write the host's memory. Change it with a second
//!   reader, and extend the tests at its end.
//! ============================================================================================
//!
//! An access of `width` bytes at `index + offset` is inside when `index + offset + width <= length`, computed without
//! wrapping (section 4.4.7). Here `index < 2^32`, `offset < 2^32` and `width <= 16`, so 64 bits never wrap.
//!
//! *Guarded* memories lie in a reservation of [`RESERVATION`] bytes, of which the first `length` are accessible, followed by
//! [`GUARD`] bytes that never are. With `offset + width <= GUARD` every access outside lands in one of the two and faults, and
//! no check is needed. *Explicit* memories have no such reservation; each access is compared with the length.
//!
//! A failed check does not branch: it selects address 0 for the access, which faults with the access's trap code. So a processor
//! that speculates past the check cannot read outside either (Spectre variant 1).

use super::function::FunctionTranslation;
use super::index::{self, Index};
use super::vmctx::Region;
use crate::abi::vmctx::{MemoryDefinition, MemoryEntry};
use crate::artifact::BoundsMode;
use crate::trap::TrapCode;
use crate::types::{MAX_PAGES32, MemoryType, PAGE_SIZE};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Value, types};
use std::mem::offset_of;

/// Bytes that a guarded 32-bit memory may come to occupy: all that an index of 32 bits reaches.
pub const RESERVATION: u64 = 4 << 30;
/// Bytes after the reservation that are never accessible.
pub const GUARD: u64 = 2 << 30;

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
    /// Outside if `index + end > length`.
    Length {
        /// Offset and width together.
        end: u64,
    },
}

/// Bytes that a memory of this type can have at most.
fn max_bytes(ty: &MemoryType) -> u64 {
    ty.limits.max.unwrap_or(MAX_PAGES32).min(MAX_PAGES32) * PAGE_SIZE
}

/// Decides the check of an access whose offset and width make `end`, at an index that may be a known constant.
fn check(mode: BoundsMode, ty: &MemoryType, index: Option<u32>, end: u64) -> Check {
    if end > max_bytes(ty) {
        return Check::Outside;
    }
    // The first `min` pages are part of the memory from its beginning. (Once it is closed they fault.)
    if index.is_some_and(|index| u64::from(index) + end <= ty.limits.min * PAGE_SIZE) {
        return Check::None;
    }
    match mode {
        // index + end < 2^32 + GUARD: inside of the reservation and its guard.
        BoundsMode::Guarded if end <= GUARD => Check::None,
        // end <= max_bytes <= RESERVATION, so this does not wrap.
        BoundsMode::Guarded => Check::Index { limit: RESERVATION - end },
        BoundsMode::Explicit => Check::Length { end },
    }
}

/// The constant that an `i32` value is, if it is one.
pub(super) fn constant(t: &FunctionTranslation<'_, '_>, value: Value) -> Option<u32> {
    index::constant(&t.builder.func.dfg, value).map(|constant| constant as u32)
}

/// The address of an access, and the flags it must use. `None` if it is always outside: then it traps here, and what follows is
/// not reached.
pub(super) fn access(
    t: &mut FunctionTranslation<'_, '_>,
    memory: u32,
    index: Value,
    offset: u64,
    width: u32,
) -> Option<(MemFlagsData, Value)> {
    let ty = t.env.info.memories[memory as usize];
    let known = constant(t, index);
    // The same sum, with more of it in the offset, which is less than 2^33 now.
    let index = Index::new(t.builder.func, index);
    let offset = offset + index.offset;
    let end = offset + u64::from(width);
    let check = check(t.env.options.bounds, &ty, known, end);
    let index = match check {
        Check::Outside => {
            t.trap(TrapCode::MemoryOutOfBounds);
            return None;
        }
        _ => index.extend(&mut t.builder),
    };
    let outside = match check {
        Check::None | Check::Outside => None,
        Check::Index { limit } => {
            let limit = t.builder.ins().iconst(types::I64, limit as i64);
            Some(t.builder.ins().icmp(IntCC::UnsignedGreaterThan, index, limit))
        }
        Check::Length { end: 1 } => {
            let length = length(t, memory);
            Some(t.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, length))
        }
        Check::Length { end } => {
            let length = length(t, memory);
            let end = t.builder.ins().iconst(types::I64, end as i64);
            let end = t.builder.ins().iadd(index, end);
            Some(t.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, length))
        }
    };
    let mut address = at(t, memory, index);
    if offset != 0 {
        // Added before the guard: after it, speculation could read the first 4 GiB of the address space.
        let offset = t.builder.ins().iconst(types::I64, offset as i64);
        address = t.builder.ins().iadd(address, offset);
    }
    if let Some(outside) = outside {
        let null = t.builder.ins().iconst(types::I64, 0);
        address = t.builder.ins().select_spectre_guard(outside, null, address);
    }
    Some((flags(t, memory), address))
}

/// The address of a range of `length` bytes (64-bit) that a bulk operation is about to touch; traps unless all of it is inside.
pub(super) fn range(t: &mut FunctionTranslation<'_, '_>, memory: u32, index: Value, bytes: Value) -> Value {
    let index = t.builder.ins().uextend(types::I64, index);
    let end = t.builder.ins().iadd(index, bytes);
    let length = length(t, memory);
    let outside = t.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, length);
    t.builder.ins().trapnz(outside, TrapCode::MemoryOutOfBounds.to_clif());
    let address = at(t, memory, index);
    let null = t.builder.ins().iconst(types::I64, 0);
    t.builder.ins().select_spectre_guard(outside, null, address)
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
    t.builder.ins().iadd(base, index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Limits;

    const WIDTHS: [u64; 5] = [1, 2, 4, 8, 16];
    const OFFSETS: [u64; 12] = [
        0,
        1,
        65_535,
        65_536,
        65_537,
        GUARD - 16,
        GUARD - 1,
        GUARD,
        GUARD + 1,
        u32::MAX as u64 - 16,
        u32::MAX as u64 - 1,
        u32::MAX as u64,
    ];

    fn memories() -> Vec<MemoryType> {
        [(0, None), (0, Some(0)), (1, None), (1, Some(1)), (1, Some(2)), (32_768, None), (65_536, Some(65_536))]
            .map(|(min, max)| MemoryType { limits: Limits { min, max } })
            .to_vec()
    }

    /// Indices around every edge that matters for an access that ends `end` bytes after its index.
    fn indices(end: u64, length: u64) -> impl Iterator<Item = u32> {
        [0, length, length.saturating_sub(end), RESERVATION, RESERVATION.saturating_sub(end), GUARD]
            .into_iter()
            .flat_map(|edge| (0..5).map(move |i| (edge + i).saturating_sub(2).min(u64::from(u32::MAX)) as u32))
    }

    /// What the emitted code does: whether the access goes through to memory at `index + offset`.
    fn passes(check: Check, index: u32, length: u64) -> bool {
        let index = u64::from(index);
        match check {
            Check::None => true,
            Check::Outside => false,
            Check::Index { limit } => index <= limit,
            Check::Length { end } => index + end <= length,
        }
    }

    #[test]
    fn no_access_gets_past_the_reservation_and_none_inside_is_refused() {
        for ty in memories() {
            for pages in [ty.limits.min, ty.limits.min.midpoint(max_bytes(&ty) / PAGE_SIZE), max_bytes(&ty) / PAGE_SIZE]
            {
                let length = pages * PAGE_SIZE;
                for (offset, width) in OFFSETS.iter().flat_map(|offset| WIDTHS.map(|width| (*offset, width))) {
                    let end = offset + width;
                    for index in indices(end, length) {
                        for known in [None, Some(index)] {
                            let case = format!("{ty:?} of {pages} pages, {index} + {offset}, {width} wide, {known:?}");
                            let inside = u64::from(index) + end <= length;
                            let guarded = passes(check(BoundsMode::Guarded, &ty, known, end), index, length);
                            assert!(guarded || !inside, "refused inside: {case}");
                            assert!(!guarded || u64::from(index) + end <= RESERVATION + GUARD, "escapes: {case}");
                            let explicit = passes(check(BoundsMode::Explicit, &ty, known, end), index, length);
                            assert_eq!(explicit, inside, "explicit: {case}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn guarded_accesses_within_the_guard_have_no_check() {
        let ty = MemoryType { limits: Limits { min: 1, max: None } };
        assert_eq!(check(BoundsMode::Guarded, &ty, None, 1), Check::None);
        assert_eq!(check(BoundsMode::Guarded, &ty, None, GUARD), Check::None);
        assert_eq!(check(BoundsMode::Guarded, &ty, None, GUARD + 1), Check::Index { limit: RESERVATION - GUARD - 1 });
        assert_eq!(check(BoundsMode::Guarded, &ty, None, RESERVATION + 1), Check::Outside);
        assert_eq!(check(BoundsMode::Explicit, &ty, None, 8), Check::Length { end: 8 });
        assert_eq!(check(BoundsMode::Explicit, &ty, Some(65_528), 8), Check::None);
        assert_eq!(check(BoundsMode::Explicit, &ty, Some(65_529), 8), Check::Length { end: 8 });
    }
}
