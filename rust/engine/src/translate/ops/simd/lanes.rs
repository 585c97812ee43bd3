//! Lanes: splats, extraction and replacement, shuffles (sections 4.4.3.6 to 4.4.3.10).

use super::{Translation, cast, pop, pop2, push};
use cranelift_codegen::ir::types::{I8X16, I32};
use cranelift_codegen::ir::{InstBuilder, Type, Value};

/// `shape.splat`, section 4.4.3.8: narrow lanes take the lower bits of an `i32`.
pub(in crate::translate) fn splat(t: &mut Translation<'_, '_>, ty: Type) {
    let operand = t.state.pop();
    let lane = narrow(t, operand, ty.lane_type());
    let value = t.builder.ins().splat(ty, lane);
    push(t, value);
}

/// How a lane of less than 32 bits becomes an `i32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::translate) enum Extension {
    /// Its sign fills the upper bits.
    Signed,
    /// Zeros do.
    Unsigned,
}

/// `shape.extract_lane` of lanes as wide as a number type, section 4.4.3.9.
pub(in crate::translate) fn extract(t: &mut Translation<'_, '_>, ty: Type, lane: u8) {
    let vector = pop(t, ty);
    let value = t.builder.ins().extractlane(vector, lane);
    t.state.push(value);
}

/// `shape.extract_lane_sx` of narrow lanes, section 4.4.3.9.
pub(in crate::translate) fn extract_narrow(t: &mut Translation<'_, '_>, ty: Type, lane: u8, extension: Extension) {
    let vector = pop(t, ty);
    let value = t.builder.ins().extractlane(vector, lane);
    let value = match extension {
        Extension::Signed => t.builder.ins().sextend(I32, value),
        Extension::Unsigned => t.builder.ins().uextend(I32, value),
    };
    t.state.push(value);
}

/// `shape.replace_lane`, section 4.4.3.10.
pub(in crate::translate) fn replace(t: &mut Translation<'_, '_>, ty: Type, lane: u8) {
    let (vector, operand) = t.state.pop2();
    let vector = cast(t, vector, ty);
    let operand = narrow(t, operand, ty.lane_type());
    let value = t.builder.ins().insertlane(vector, operand, lane);
    push(t, value);
}

/// `i8x16.shuffle`, section 4.4.3.7: the lanes are validated to be below 32.
pub(in crate::translate) fn shuffle(t: &mut Translation<'_, '_>, lanes: [u8; 16]) {
    let (a, b) = pop2(t, I8X16);
    let lanes = t.builder.func.dfg.immediates.push(lanes[..].into());
    let value = t.builder.ins().shuffle(a, b, lanes);
    push(t, value);
}

/// The lower bits of an `i32` for lanes that are narrower; numbers of other types as they are.
fn narrow(t: &mut Translation<'_, '_>, operand: Value, lane: Type) -> Value {
    if lane.bits() < 32 { t.builder.ins().ireduce(lane, operand) } else { operand }
}
