//! Bulk operations on memories (sections 4.4.7.10 to 4.4.7.13): the whole range is checked first,
//! then the bytes are moved.
//!
//! Long ranges are moved in chunks by a loop of compiled code, so that the guest can be paused
//! between two chunks.

use super::Translation;
use crate::abi::vmctx::DataEntry;
use crate::abi::{BULK_CHUNK, Builtins};
use crate::prelude::*;
use crate::translate::bounds;
use crate::translate::vmctx::Region;
use crate::trap::TrapCode;
use core::mem::offset_of;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, MemFlagsData, Type, Value, types};

/// Most bytes of a copy of constant length that becomes loads and stores.
const INLINE_COPY: u64 = 128;
/// Most bytes of a fill of constant length that becomes stores.
const INLINE_FILL: u64 = 128;

/// `memory.copy`, section 4.4.7.11; the ranges may overlap. The count has the narrower of the two
/// index types.
pub(in super::super) fn memory_copy(t: &mut Translation<'_, '_>, to: u32, from: u32) {
    let (target, source, count) = t.state.pop3();
    let constant = bounds::constant(t, count);
    let bytes = bounds::widen(t, count);
    let source = bounds::range(t, from, source, bytes);
    let target = bounds::range(t, to, target, bytes);
    match constant {
        Some(count @ ..=INLINE_COPY) => {
            let (load, store) = (bounds::flags(t, from), bounds::flags(t, to));
            copy_inline(t, (load, source), (store, target), count);
        }
        _ => copy(t, target, source, bytes, Direction::ByAddress),
    }
}

/// `memory.init`, section 4.4.7.12.
pub(in super::super) fn memory_init(t: &mut Translation<'_, '_>, segment: u32, memory: u32) {
    let (target, offset, count) = t.state.pop3();
    let constant = bounds::constant(t, count);
    let bytes = t.builder.ins().uextend(types::I64, count);
    let offset = t.builder.ins().uextend(types::I64, offset);
    let source = segment_range(t, t.env.layout.data(segment), (offset, bytes), 0, TrapCode::MemoryOutOfBounds);
    let target = bounds::range(t, memory, target, bytes);
    match constant {
        Some(count @ ..=INLINE_COPY) => {
            // The segment's bytes have no alignment.
            let region = t.region(Region::Segments);
            let load = MemFlagsData::new().with_notrap().with_alias_region(Some(region));
            let store = bounds::flags(t, memory);
            copy_inline(t, (load, source), (store, target), count);
        }
        _ => copy(t, target, source, bytes, Direction::Forward),
    }
}

/// `memory.fill`, section 4.4.7.10.
pub(in super::super) fn memory_fill(t: &mut Translation<'_, '_>, memory: u32) {
    let (target, value, count) = t.state.pop3();
    let constant = bounds::constant(t, count);
    let bytes = bounds::widen(t, count);
    let target = bounds::range(t, memory, target, bytes);
    if let Some(count @ ..=INLINE_FILL) = constant {
        let flags = bounds::flags(t, memory);
        return fill_inline(t, flags, target, value, count);
    }
    let value = t.builder.ins().uextend(types::I64, value);
    let [last, exit] = [2, 0].map(|params| block(t, params));
    let chunk = t.integer(types::I64, BULK_CHUNK as i64);
    if constant.is_none_or(|count| count > BULK_CHUNK) {
        let next = block(t, 2);
        let long = t.builder.ins().icmp(IntCC::UnsignedGreaterThan, bytes, chunk);
        let start = args([target, bytes]);
        t.builder.ins().brif(long, next, &start, last, &start);
        t.builder.set_cold_block(next);
        let [at, left] = enter(t, next);
        t.call_builtin(Builtins::MEMORY_FILL, &[at, value, chunk], 0);
        let at = t.builder.ins().iadd(at, chunk);
        let left = t.builder.ins().isub(left, chunk);
        let more = t.builder.ins().icmp(IntCC::UnsignedGreaterThan, left, chunk);
        let rest = args([at, left]);
        t.builder.ins().brif(more, next, &rest, last, &rest);
        t.builder.seal_block(next);
    } else {
        t.builder.ins().jump(last, &args([target, bytes]));
    }
    t.builder.seal_block(last);
    let [at, left] = enter(t, last);
    t.call_builtin(Builtins::MEMORY_FILL, &[at, value, left], 0);
    t.builder.ins().jump(exit, &[]);
    t.builder.seal_block(exit);
    t.builder.switch_to_block(exit);
}

/// `data.drop`, section 4.4.7.13.
pub(in super::super) fn data_drop(t: &mut Translation<'_, '_>, segment: u32) {
    drop_segment(t, t.env.layout.data(segment));
}

/// Makes a segment empty, by the offset of its entry.
pub(super) fn drop_segment(t: &mut Translation<'_, '_>, entry: u32) {
    let flags = t.trusted(Region::Segments);
    let zero = t.integer(types::I64, 0);
    let vmctx = t.vmctx();
    t.builder.ins().store(flags, zero, vmctx, (entry + offset_of!(DataEntry, length) as u32) as i32);
}

/// The address of a range of a data or element segment, by the offset of its entry; traps unless
/// all of it is inside. Items are `1 << shift` bytes. Offset and count are 32-bit numbers,
/// extended.
pub(super) fn segment_range(
    t: &mut Translation<'_, '_>,
    entry: u32,
    (offset, count): (Value, Value),
    shift: i64,
    trap: TrapCode,
) -> Value {
    let flags = t.trusted(Region::Segments);
    let at = (entry + offset_of!(DataEntry, length) as u32) as i32;
    let vmctx = t.vmctx();
    let length = t.builder.ins().load(types::I64, flags, vmctx, at);
    let end = t.builder.ins().iadd(offset, count);
    let outside = t.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, length);
    t.builder.ins().trapnz(outside, trap.to_clif());
    let at = (entry + offset_of!(DataEntry, base) as u32) as i32;
    let base = t.builder.ins().load(types::I64, flags, vmctx, at);
    let offset = if shift == 0 { offset } else { t.builder.ins().ishl_imm_u(offset, shift) };
    let address = t.builder.ins().iadd(base, offset);
    let null = t.integer(types::I64, 0);
    t.builder.ins().select_spectre_guard(outside, null, address)
}

/// From which end a copy begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// The ranges never overlap.
    Forward,
    /// From the end if the target lies behind the source.
    ByAddress,
}

/// Copies checked ranges, chunk by chunk; within a chunk, the builtin takes care of overlap.
fn copy(t: &mut Translation<'_, '_>, target: Value, source: Value, bytes: Value, direction: Direction) {
    let [last, forward, exit] = [3, 3, 0].map(|params| block(t, params));
    let chunk = t.integer(types::I64, BULK_CHUNK as i64);
    let long = t.builder.ins().icmp(IntCC::UnsignedGreaterThan, bytes, chunk);
    let all = args([target, source, bytes]);
    match direction {
        Direction::Forward => {
            t.builder.ins().brif(long, forward, &all, last, &all);
        }
        Direction::ByAddress => {
            let [choose, backward] = [0, 1].map(|params| block(t, params));
            t.builder.ins().brif(long, choose, &[], last, &all);
            t.builder.set_cold_block(choose);
            t.builder.seal_block(choose);
            t.builder.switch_to_block(choose);
            let behind = t.builder.ins().icmp(IntCC::UnsignedGreaterThan, target, source);
            t.builder.ins().brif(behind, backward, &args([bytes]), forward, &all);

            t.builder.set_cold_block(backward);
            let [left] = enter(t, backward);
            let left = t.builder.ins().isub(left, chunk);
            let [to, from] = [target, source].map(|base| t.builder.ins().iadd(base, left));
            t.call_builtin(Builtins::MEMORY_MOVE, &[to, from, chunk], 0);
            let more = t.builder.ins().icmp(IntCC::UnsignedGreaterThan, left, chunk);
            t.builder.ins().brif(more, backward, &args([left]), last, &args([target, source, left]));
            t.builder.seal_block(backward);
        }
    }
    t.builder.set_cold_block(forward);
    let [to, from, left] = enter(t, forward);
    t.call_builtin(Builtins::MEMORY_MOVE, &[to, from, chunk], 0);
    let [to, from] = [to, from].map(|at| t.builder.ins().iadd(at, chunk));
    let left = t.builder.ins().isub(left, chunk);
    let more = t.builder.ins().icmp(IntCC::UnsignedGreaterThan, left, chunk);
    let rest = args([to, from, left]);
    t.builder.ins().brif(more, forward, &rest, last, &rest);
    t.builder.seal_block(forward);

    t.builder.seal_block(last);
    let [to, from, left] = enter(t, last);
    t.call_builtin(Builtins::MEMORY_MOVE, &[to, from, left], 0);
    t.builder.ins().jump(exit, &[]);
    t.builder.seal_block(exit);
    t.builder.switch_to_block(exit);
}

/// Copies a short checked range: all loads come before the first store, so overlap does not matter.
fn copy_inline(
    t: &mut Translation<'_, '_>,
    (load, source): (MemFlagsData, Value),
    (store, target): (MemFlagsData, Value),
    count: u64,
) {
    let pieces = pieces(count);
    let values: Vec<Value> =
        pieces.iter().map(|(offset, ty)| t.builder.ins().load(*ty, load, source, *offset)).collect();
    for ((offset, _), value) in pieces.iter().zip(values) {
        t.builder.ins().store(store, value, target, *offset);
    }
}

/// Fills a short checked range with the low byte of an `i32`.
fn fill_inline(t: &mut Translation<'_, '_>, flags: MemFlagsData, target: Value, value: Value, count: u64) {
    let pieces = pieces(count);
    let byte = t.builder.ins().ireduce(types::I8, value);
    let whole = t.builder.ins().splat(types::I8X16, byte);
    let word = t.builder.ins().uextend(types::I64, byte);
    let word = t.builder.ins().imul_imm_s(word, 0x0101_0101_0101_0101);
    for (offset, ty) in pieces {
        let piece = match ty {
            types::I8X16 => whole,
            types::I64 => word,
            ty => t.builder.ins().ireduce(ty, word),
        };
        t.builder.ins().store(flags, piece, target, offset);
    }
}

/// Cuts a number of bytes into accesses of 16, 8, 4, 2 and 1.
fn pieces(count: u64) -> Vec<(i32, Type)> {
    let (count, mut offset) = (count as u32, 0);
    let mut pieces = Vec::new();
    for ty in [types::I8X16, types::I64, types::I32, types::I16, types::I8] {
        while count - offset >= ty.bytes() {
            pieces.push((offset as i32, ty));
            offset += ty.bytes();
        }
    }
    pieces
}

/// A block with 64-bit parameters.
pub(super) fn block(t: &mut Translation<'_, '_>, params: usize) -> Block {
    let block = t.builder.create_block();
    for _ in 0..params {
        t.builder.append_block_param(block, types::I64);
    }
    block
}

/// Goes on in a block and returns its parameters.
pub(super) fn enter<const N: usize>(t: &mut Translation<'_, '_>, block: Block) -> [Value; N] {
    t.builder.switch_to_block(block);
    t.builder.block_params(block).try_into().expect("the block was made with these parameters")
}

/// Values as arguments of a branch.
pub(super) fn args<const N: usize>(values: [Value; N]) -> [BlockArg; N] {
    values.map(BlockArg::Value)
}
