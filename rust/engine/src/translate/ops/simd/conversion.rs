//! Conversions between lanes (sections 4.3.4 "Conversions", 4.4.3.18 and 4.4.3.22). None of them
//! traps.

use super::integer::{Half, widen};
use super::{Translation, pop, push, zero};
use cranelift_codegen::ir::types::{F64X2, I32X4, I64X2};
use cranelift_codegen::ir::{InstBuilder, Type};

/// `shape.extend_half`: from lanes of the type `from`.
pub(in crate::translate) fn extend(t: &mut Translation<'_, '_>, from: Type, half: Half) {
    let vector = pop(t, from);
    let value = widen(t, vector, half);
    push(t, value);
}

/// `f64x2.convert_low_i32x4_s`.
pub(in crate::translate) fn convert_low_signed(t: &mut Translation<'_, '_>) {
    let vector = pop(t, I32X4);
    let low = t.builder.ins().swiden_low(vector);
    let value = t.builder.ins().fcvt_from_sint(F64X2, low);
    push(t, value);
}

/// `f64x2.convert_low_i32x4_u`.
pub(in crate::translate) fn convert_low_unsigned(t: &mut Translation<'_, '_>) {
    let vector = pop(t, I32X4);
    let low = t.builder.ins().uwiden_low(vector);
    let value = t.builder.ins().fcvt_from_uint(F64X2, low);
    push(t, value);
}

/// `i32x4.trunc_sat_f64x2_s_zero`: saturates to 64 bits, then to 32; the upper lanes are zero.
pub(in crate::translate) fn trunc_sat_signed_zero(t: &mut Translation<'_, '_>) {
    let vector = pop(t, F64X2);
    let wide = t.builder.ins().fcvt_to_sint_sat(I64X2, vector);
    let zero = zero(t, I64X2);
    let value = t.builder.ins().snarrow(wide, zero);
    push(t, value);
}

/// `i32x4.trunc_sat_f64x2_u_zero`.
pub(in crate::translate) fn trunc_sat_unsigned_zero(t: &mut Translation<'_, '_>) {
    let vector = pop(t, F64X2);
    let wide = t.builder.ins().fcvt_to_uint_sat(I64X2, vector);
    let zero = zero(t, I64X2);
    let value = t.builder.ins().uunarrow(wide, zero);
    push(t, value);
}
