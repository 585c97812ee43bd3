//! Loads, stores, size and growth of memories (section 4.4.7 "Memory Instructions"). Addresses come
//! from `bounds`.

use super::Translation;
use crate::abi::RuntimeOp;
use crate::translate::bounds::{self, Address};
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use cranelift_frontend::FuncInstBuilder;
use wasmparser::{MemArg, MemArgTarget};

/// `t.load` of a whole value, section 4.4.7.1.
pub(in super::super) fn load(t: &mut Translation<'_, '_>, at: &MemArg, ty: Type) {
    load_with(t, at, ty.bytes(), |ins, at| ins.load(ty, at.flags, at.base, at.offset));
}

/// `t.load`, section 4.4.7.1: `width` bytes, by an instruction that extends them.
pub(in super::super) fn load_with(
    t: &mut Translation<'_, '_>,
    at: &MemArg,
    width: u32,
    build: impl FnOnce(FuncInstBuilder<'_, '_>, Address) -> Value,
) {
    let index = t.state.pop();
    if let Some(at) = bounds::access(t, memory(at), index, at.offset, width) {
        let value = build(t.builder.ins(), at);
        t.state.push(value);
    }
}

/// `t.store`, section 4.4.7.6: the lower `width` bytes of a value.
pub(in super::super) fn store(t: &mut Translation<'_, '_>, at: &MemArg, width: u32) {
    let (index, value) = t.state.pop2();
    if let Some(Address { flags, base, offset }) = bounds::access(t, memory(at), index, at.offset, width) {
        let whole = t.builder.func.dfg.value_type(value).bytes() == width;
        match width {
            1 => t.builder.ins().istore8(flags, value, base, offset),
            2 => t.builder.ins().istore16(flags, value, base, offset),
            4 if !whole => t.builder.ins().istore32(flags, value, base, offset),
            _ => t.builder.ins().store(flags, value, base, offset),
        };
    }
}

/// `memory.size`, section 4.4.7.8.
pub(in super::super) fn size(t: &mut Translation<'_, '_>, memory: u32) {
    let ty = t.env.info.memories[memory as usize];
    let mut pages = bounds::length(t, memory);
    if ty.page_size_log2 > 0 {
        pages = t.builder.ins().ushr_imm_u(pages, i64::from(ty.page_size_log2));
    }
    let pages = as_index(t, pages, ty.index64);
    t.state.push(pages);
}

/// `memory.grow`, section 4.4.7.9. The runtime's answer for "not possible", all ones, is -1 of
/// either width.
pub(in super::super) fn grow(t: &mut Translation<'_, '_>, memory: u32) {
    let pages = t.state.pop();
    let pages = bounds::widen(t, pages);
    let index64 = t.env.info.memories[memory as usize].index64;
    let memory = t.integer(types::I64, i64::from(memory));
    let none = t.integer(types::I64, 0);
    let old = t.runtime_call(RuntimeOp::MemoryGrow, [memory, pages, none]);
    let old = as_index(t, old, index64);
    t.state.push(old);
}

/// A size of 64 bits as an integer of the index type of a memory or table.
pub(super) fn as_index(t: &mut Translation<'_, '_>, size: Value, index64: bool) -> Value {
    if index64 { size } else { t.builder.ins().ireduce(types::I32, size) }
}

/// The memory of a load or store.
pub(super) fn memory(at: &MemArg) -> u32 {
    match at.target {
        MemArgTarget::Memory(memory) => memory,
        MemArgTarget::Array(_) => unreachable!("validated: garbage collection is not supported"),
    }
}
