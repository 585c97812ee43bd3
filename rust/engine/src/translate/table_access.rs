//! Addresses in tables: how the elements that are read and written are kept inside.
//!
//! ============================================================================================
//!   Sandbox-critical.
//!   This file alone turns an index into a table into an address of the host. A
//!   mistake here lets a guest call any address. Change it with a second reader.
//! ============================================================================================
//!
//! An element is one 64-bit slot (section 4.6.7). A failed check does not branch: it selects
//! address 0 for the access, which faults with the access's trap code, and so holds for a processor
//! that speculates past the check, too (Spectre variant 1).

use super::bounds::{beyond, widen};
use super::function::FunctionTranslation;
use super::vmctx::Region;
use crate::abi::vmctx::{TableDefinition, TableEntry};
use crate::trap::TrapCode;
use core::mem::offset_of;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};

/// Bytes of an element, as a power of two.
pub(super) const ELEMENT_SHIFT: i64 = 3;

/// The table's size in elements, 64-bit. It only grows, so a value loaded before may be used.
pub(super) fn bound(t: &mut FunctionTranslation<'_, '_>, table: u32) -> Value {
    let info = t.env.info;
    if !info.table_can_grow[table as usize] && table >= info.imported_tables {
        return t.integer(types::I64, info.tables[table as usize].limits.min as i64);
    }
    let definition = t.load_vmctx(t.env.layout.table(table) + offset_of!(TableEntry, definition) as u32);
    let flags = t.trusted(Region::TableDefinitions);
    t.builder.ins().load(types::I64, flags, definition, offset_of!(TableDefinition, bound) as i32)
}

/// The address of one element, and the flags its access must use; the access traps with `trap` if
/// it is outside.
pub(super) fn element(
    t: &mut FunctionTranslation<'_, '_>,
    table: u32,
    index: Value,
    trap: TrapCode,
) -> (MemFlagsData, Value) {
    let bound = bound(t, table);
    let index = widen(t, index);
    let outside = t.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, bound);
    let address = at(t, table, index);
    let null = t.integer(types::I64, 0);
    let address = t.builder.ins().select_spectre_guard(outside, null, address);
    let flags = t.trusted(Region::Table(table)).with_trap_code(Some(trap.to_clif()));
    (flags, address)
}

/// The address of a range of `count` elements (64-bit) that a bulk operation is about to touch;
/// traps unless all of it is inside.
pub(super) fn range(t: &mut FunctionTranslation<'_, '_>, table: u32, index: Value, count: Value) -> Value {
    let bound = bound(t, table);
    let (index, outside) = if t.env.info.tables[table as usize].index64 {
        (index, beyond(t, index, count, bound, false))
    } else {
        // 32-bit numbers, extended (a copy counts in the narrower of two index types): the sum does
        // not wrap.
        let index = widen(t, index);
        let end = t.builder.ins().iadd(index, count);
        (index, t.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, bound))
    };
    t.builder.ins().trapnz(outside, TrapCode::TableOutOfBounds.to_clif());
    let address = at(t, table, index);
    let null = t.integer(types::I64, 0);
    t.builder.ins().select_spectre_guard(outside, null, address)
}

/// The address of a 64-bit index, unchecked: only for the functions above.
fn at(t: &mut FunctionTranslation<'_, '_>, table: u32, index: Value) -> Value {
    let base = t.load_vmctx(t.env.layout.table(table) + offset_of!(TableEntry, base) as u32);
    let offset = t.builder.ins().ishl_imm_u(index, ELEMENT_SHIFT);
    t.builder.ins().iadd(base, offset)
}
