//! Tables (section 4.4.6 "Table Instructions"). Addresses come from `table_access`.
//!
//! Elements are plain 64-bit slots, moved by loops of compiled code that can be paused at any
//! instruction.

use super::Translation;
use super::bulk::{args, block, drop_segment, enter, segment_range};
use super::memory::as_index;
use crate::abi::RuntimeOp;
use crate::abi::vmctx::{DataEntry, ElementEntry};
use crate::translate::bounds::widen;
use crate::translate::table_access::{self, ELEMENT_SHIFT};
use crate::translate::vmctx::Region;
use crate::trap::TrapCode;
use core::mem::offset_of;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};

const ELEMENT_BYTES: i64 = 1 << ELEMENT_SHIFT;

// `drop_segment` and `segment_range` serve both kinds of segments.
const _: () = assert!(offset_of!(DataEntry, base) == offset_of!(ElementEntry, base));
const _: () = assert!(offset_of!(DataEntry, length) == offset_of!(ElementEntry, length));

/// `table.get`, section 4.4.6.1.
pub(in super::super) fn get(t: &mut Translation<'_, '_>, table: u32) {
    let index = t.state.pop();
    let (flags, address) = table_access::element(t, table, index, TrapCode::TableOutOfBounds);
    let value = t.builder.ins().load(types::I64, flags, address, 0);
    t.state.push(value);
}

/// `table.set`, section 4.4.6.2.
pub(in super::super) fn set(t: &mut Translation<'_, '_>, table: u32) {
    let (index, value) = t.state.pop2();
    let (flags, address) = table_access::element(t, table, index, TrapCode::TableOutOfBounds);
    t.builder.ins().store(flags, value, address, 0);
}

/// `table.size`, section 4.4.6.3.
pub(in super::super) fn size(t: &mut Translation<'_, '_>, table: u32) {
    let bound = table_access::bound(t, table);
    let index64 = t.env.info.tables[table as usize].index64;
    let size = as_index(t, bound, index64);
    t.state.push(size);
}

/// `table.grow`, section 4.4.6.4. The runtime's answer for "not possible", all ones, is -1 of
/// either width.
pub(in super::super) fn grow(t: &mut Translation<'_, '_>, table: u32) {
    let (value, count) = t.state.pop2();
    let count = widen(t, count);
    let index64 = t.env.info.tables[table as usize].index64;
    let table = t.integer(types::I64, i64::from(table));
    let old = t.runtime_call(RuntimeOp::TableGrow, [table, count, value]);
    let old = as_index(t, old, index64);
    t.state.push(old);
}

/// `table.fill`, section 4.4.6.5.
pub(in super::super) fn fill(t: &mut Translation<'_, '_>, table: u32) {
    let (index, value, count) = t.state.pop3();
    let count = widen(t, count);
    let target = table_access::range(t, table, index, count);
    let flags = t.trusted(Region::Table(table));
    let bytes = t.builder.ins().ishl_imm_u(count, ELEMENT_SHIFT);
    let end = t.builder.ins().iadd(target, bytes);
    let [next, exit] = [1, 0].map(|params| block(t, params));
    t.builder.ins().brif(count, next, &args([target]), exit, &[]);
    let [at] = enter(t, next);
    t.builder.ins().store(flags, value, at, 0);
    let at = t.builder.ins().iadd_imm_u(at, ELEMENT_BYTES);
    let more = t.builder.ins().icmp(IntCC::NotEqual, at, end);
    t.builder.ins().brif(more, next, &args([at]), exit, &[]);
    t.builder.seal_block(next);
    t.builder.seal_block(exit);
    t.builder.switch_to_block(exit);
}

/// `table.copy`, section 4.4.6.6; the ranges may overlap if the tables can be the same.
pub(in super::super) fn copy(t: &mut Translation<'_, '_>, to: u32, from: u32) {
    let (target, source, count) = t.state.pop3();
    let count = widen(t, count);
    let source = table_access::range(t, from, source, count);
    let target = table_access::range(t, to, target, count);
    let (load, store) = (t.trusted(Region::Table(from)), t.trusted(Region::Table(to)));
    let overlap = load.alias_region() == store.alias_region();
    copy_elements(t, (load, source), (store, target), count, overlap);
}

/// `table.init`, section 4.4.6.7.
pub(in super::super) fn init(t: &mut Translation<'_, '_>, segment: u32, table: u32) {
    let (target, offset, count) = t.state.pop3();
    let count = t.builder.ins().uextend(types::I64, count);
    let offset = t.builder.ins().uextend(types::I64, offset);
    let entry = t.env.layout.element(segment);
    let source = segment_range(t, entry, (offset, count), ELEMENT_SHIFT, TrapCode::TableOutOfBounds);
    let target = table_access::range(t, table, target, count);
    let (load, store) = (t.trusted(Region::Segments), t.trusted(Region::Table(table)));
    copy_elements(t, (load, source), (store, target), count, false);
}

/// `elem.drop`, section 4.4.6.8.
pub(in super::super) fn elem_drop(t: &mut Translation<'_, '_>, segment: u32) {
    drop_segment(t, t.env.layout.element(segment));
}

/// Copies checked ranges of elements one by one; if they may overlap, from the end where the target
/// lies behind the source.
fn copy_elements(
    t: &mut Translation<'_, '_>,
    (load, source): (MemFlagsData, Value),
    (store, target): (MemFlagsData, Value),
    count: Value,
    overlap: bool,
) {
    let bytes = t.builder.ins().ishl_imm_u(count, ELEMENT_SHIFT);
    let zero = t.integer(types::I64, 0);
    let [forward, exit] = [1, 0].map(|params| block(t, params));
    if overlap {
        let [some, backward] = [0, 1].map(|params| block(t, params));
        t.builder.ins().brif(count, some, &[], exit, &[]);
        t.builder.seal_block(some);
        t.builder.switch_to_block(some);
        let behind = t.builder.ins().icmp(IntCC::UnsignedGreaterThan, target, source);
        t.builder.ins().brif(behind, backward, &args([bytes]), forward, &args([zero]));

        let [left] = enter(t, backward);
        let left = t.builder.ins().iadd_imm_s(left, -ELEMENT_BYTES);
        copy_element(t, (load, source), (store, target), left);
        t.builder.ins().brif(left, backward, &args([left]), exit, &[]);
        t.builder.seal_block(backward);
    } else {
        t.builder.ins().brif(count, forward, &args([zero]), exit, &[]);
    }
    let [at] = enter(t, forward);
    copy_element(t, (load, source), (store, target), at);
    let at = t.builder.ins().iadd_imm_u(at, ELEMENT_BYTES);
    let more = t.builder.ins().icmp(IntCC::NotEqual, at, bytes);
    t.builder.ins().brif(more, forward, &args([at]), exit, &[]);
    t.builder.seal_block(forward);
    t.builder.seal_block(exit);
    t.builder.switch_to_block(exit);
}

/// Copies one element at an offset in bytes.
fn copy_element(
    t: &mut Translation<'_, '_>,
    (load, source): (MemFlagsData, Value),
    (store, target): (MemFlagsData, Value),
    offset: Value,
) {
    let from = t.builder.ins().iadd(source, offset);
    let value = t.builder.ins().load(types::I64, load, from, 0);
    let to = t.builder.ins().iadd(target, offset);
    t.builder.ins().store(store, value, to, 0);
}
