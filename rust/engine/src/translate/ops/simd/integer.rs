//! Integer lanes: comparisons, shifts, masks and products of extended lanes (sections 4.3.2
//! "Integer Operations" and 4.4.3).
//!
//! Additions, saturating and not, minima, maxima and averages are single instructions of Cranelift,
//! which mean what the specification says, and stand in the dispatch table.

use super::{Translation, cast, pop, pop2, push};
use crate::translate::ops::numeric::push_bool;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I16X8, I32};
use cranelift_codegen::ir::{InstBuilder, Type, Value};
use cranelift_frontend::FuncInstBuilder;

/// `virelop`, section 4.4.3.14: all bits of a lane, or none.
pub(in crate::translate) fn icmp(t: &mut Translation<'_, '_>, ty: Type, condition: IntCC) {
    let (left, right) = pop2(t, ty);
    let value = t.builder.ins().icmp(condition, left, right);
    push(t, value);
}

/// `vishiftop`, section 4.4.3.15. Cranelift takes the count modulo the width of a lane, as section
/// 4.3.2 does.
pub(in crate::translate) fn shift(
    t: &mut Translation<'_, '_>,
    ty: Type,
    build: impl FnOnce(FuncInstBuilder<'_, '_>, Value, Value) -> Value,
) {
    let (vector, count) = t.state.pop2();
    let vector = cast(t, vector, ty);
    let value = build(t.builder.ins(), vector, count);
    push(t, value);
}

/// `shape.all_true`, section 4.4.3.16.
pub(in crate::translate) fn all_true(t: &mut Translation<'_, '_>, ty: Type) {
    let vector = pop(t, ty);
    let value = t.builder.ins().vall_true(vector);
    push_bool(t, value);
}

/// `shape.bitmask`, section 4.4.3.17: the sign of each lane.
pub(in crate::translate) fn bitmask(t: &mut Translation<'_, '_>, ty: Type) {
    let vector = pop(t, ty);
    let value = t.builder.ins().vhigh_bits(I32, vector);
    t.state.push(value);
}

/// Which half of a vector's lanes, and how they are extended to the double width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::translate) enum Half {
    LowSigned,
    HighSigned,
    LowUnsigned,
    HighUnsigned,
}

/// One half of the lanes, extended.
pub(super) fn widen(t: &mut Translation<'_, '_>, vector: Value, half: Half) -> Value {
    match half {
        Half::LowSigned => t.builder.ins().swiden_low(vector),
        Half::HighSigned => t.builder.ins().swiden_high(vector),
        Half::LowUnsigned => t.builder.ins().uwiden_low(vector),
        Half::HighUnsigned => t.builder.ins().uwiden_high(vector),
    }
}

/// `shape.extmul_half`, section 4.4.3.19: from lanes of the type `from`.
pub(in crate::translate) fn extmul(t: &mut Translation<'_, '_>, from: Type, half: Half) {
    let (left, right) = pop2(t, from);
    let (left, right) = (widen(t, left, half), widen(t, right, half));
    let value = t.builder.ins().imul(left, right);
    push(t, value);
}

/// `shape.extadd_pairwise`, section 4.4.3.21: sums of neighbours, from lanes of the type `from`;
/// the halves are given low first.
pub(in crate::translate) fn extadd_pairwise(t: &mut Translation<'_, '_>, from: Type, low: Half, high: Half) {
    let vector = pop(t, from);
    let (low, high) = (widen(t, vector, low), widen(t, vector, high));
    let value = t.builder.ins().iadd_pairwise(low, high);
    push(t, value);
}

/// `i32x4.dot_i16x8_s`, section 4.4.3.20: sums of neighbouring products, modulo 2^32.
pub(in crate::translate) fn dot(t: &mut Translation<'_, '_>) {
    let (left, right) = pop2(t, I16X8);
    let value = dot_product(t, left, right);
    push(t, value);
}

/// Sums of neighbouring products of signed lanes, in lanes of the double width.
pub(super) fn dot_product(t: &mut Translation<'_, '_>, left: Value, right: Value) -> Value {
    let [low, high] = [Half::LowSigned, Half::HighSigned].map(|half| {
        let (left, right) = (widen(t, left, half), widen(t, right, half));
        t.builder.ins().imul(left, right)
    });
    t.builder.ins().iadd_pairwise(low, high)
}
