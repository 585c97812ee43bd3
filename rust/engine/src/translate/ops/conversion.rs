//! Conversions between number types (sections 4.3.4 "Conversions" and 4.4.1.6 `cvtop`).
//!
//! `fcvt_to_sint` and `fcvt_to_uint` trap by themselves: NaN as an invalid conversion, what does
//! not fit as an integer overflow.

use super::Translation;
use super::numeric::unary;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type};

/// `extend8_s`, `extend16_s`, `extend32_s` (section 4.3.2): sign-extends the lower bits `from` to
/// the operand's type `to`.
pub(in super::super) fn sign_extend(t: &mut Translation<'_, '_>, from: Type, to: Type) {
    let operand = t.state.pop();
    let low = t.builder.ins().ireduce(from, operand);
    let value = t.builder.ins().sextend(to, low);
    t.state.push(value);
}

/// `reinterpret` (section 4.3.4.12): the same bits as another type of the same width.
pub(in super::super) fn reinterpret(t: &mut Translation<'_, '_>, to: Type) {
    unary(t, |ins, value| ins.bitcast(to, MemFlagsData::new(), value));
}
