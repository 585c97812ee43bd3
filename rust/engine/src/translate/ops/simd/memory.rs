//! Loads and stores of vectors and lanes (sections 4.4.7.2 to 4.4.7.5, 4.4.7.7). Addresses come
//! from `bounds`.

use super::{Translation, cast, pop, push};
use crate::translate::bounds::{self, Address};
use crate::translate::ops::memory::memory;
use cranelift_codegen::ir::{InstBuilder, Type, Value};
use cranelift_frontend::FuncInstBuilder;
use wasmparser::MemArg;

/// `v128.loadMxN_sx`, section 4.4.7.2: 8 bytes as lanes that are extended to the double width.
pub(in crate::translate) fn load_extend(
    t: &mut Translation<'_, '_>,
    at: &MemArg,
    build: impl FnOnce(FuncInstBuilder<'_, '_>, Address) -> Value,
) {
    let index = t.state.pop();
    if let Some(at) = bounds::access(t, memory(at), index, at.offset, 8) {
        let value = build(t.builder.ins(), at);
        push(t, value);
    }
}

/// `v128.loadN_splat`, section 4.4.7.3: one lane of `ty`, in all of them.
pub(in crate::translate) fn load_splat(t: &mut Translation<'_, '_>, at: &MemArg, ty: Type) {
    if let Some(lane) = load_lane_value(t, at, ty.lane_type()) {
        let value = t.builder.ins().splat(ty, lane);
        push(t, value);
    }
}

/// `v128.loadN_zero`, section 4.4.7.4: the first lane of `ty`; the others are zero.
pub(in crate::translate) fn load_zero(t: &mut Translation<'_, '_>, at: &MemArg, ty: Type) {
    if let Some(lane) = load_lane_value(t, at, ty.lane_type()) {
        let value = t.builder.ins().scalar_to_vector(ty, lane);
        push(t, value);
    }
}

/// `v128.loadN_lane`, section 4.4.7.5.
pub(in crate::translate) fn load_lane(t: &mut Translation<'_, '_>, at: &MemArg, ty: Type, lane: u8) {
    let vector = pop(t, ty);
    if let Some(loaded) = load_lane_value(t, at, ty.lane_type()) {
        let value = t.builder.ins().insertlane(vector, loaded, lane);
        push(t, value);
    }
}

/// `v128.storeN_lane`, section 4.4.7.7.
pub(in crate::translate) fn store_lane(t: &mut Translation<'_, '_>, at: &MemArg, ty: Type, lane: u8) {
    let (index, vector) = t.state.pop2();
    if let Some(at) = bounds::access(t, memory(at), index, at.offset, ty.lane_type().bytes()) {
        let vector = cast(t, vector, ty);
        let value = t.builder.ins().extractlane(vector, lane);
        t.builder.ins().store(at.flags, value, at.base, at.offset);
    }
}

fn load_lane_value(t: &mut Translation<'_, '_>, at: &MemArg, lane: Type) -> Option<Value> {
    let index = t.state.pop();
    let at = bounds::access(t, memory(at), index, at.offset, lane.bytes())?;
    Some(t.builder.ins().load(lane, at.flags, at.base, at.offset))
}
