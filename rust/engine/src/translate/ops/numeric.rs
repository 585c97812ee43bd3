//! Constants, arithmetic and comparisons (sections 4.3 "Numerics" and 4.4.1 "Numeric
//! Instructions").
//!
//! Cranelift's instructions mean what the specification says: shift counts are taken modulo the
//! width, `idiv` traps come with trap codes of their own (`sdiv` of the least number by -1 is an
//! overflow, `srem` of it is 0), `fmin`, `fmax` and `nearest` are those of section 4.3.3.

use super::Translation;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use cranelift_frontend::FuncInstBuilder;

/// `t.const`, section 4.4.1.1.
pub(in super::super) fn constant(t: &mut Translation<'_, '_>, build: impl FnOnce(FuncInstBuilder<'_, '_>) -> Value) {
    let value = build(t.builder.ins());
    t.state.push(value);
}

/// `i32.const` or `i64.const` of the bits that CLIF wants.
pub(in super::super) fn integer(t: &mut Translation<'_, '_>, ty: Type, value: i64) {
    let value = t.integer(ty, value);
    t.state.push(value);
}

/// `i32.const`: CLIF wants the bits of narrow constants zero-extended.
pub(in super::super) fn i32_const(t: &mut Translation<'_, '_>, value: i32) {
    integer(t, types::I32, i64::from(value.cast_unsigned()));
}

/// `unop`, section 4.4.1.2.
pub(in super::super) fn unary(
    t: &mut Translation<'_, '_>,
    build: impl FnOnce(FuncInstBuilder<'_, '_>, Value) -> Value,
) {
    let operand = t.state.pop();
    let value = build(t.builder.ins(), operand);
    t.state.push(value);
}

/// `binop`, section 4.4.1.3.
pub(in super::super) fn binary(
    t: &mut Translation<'_, '_>,
    build: impl FnOnce(FuncInstBuilder<'_, '_>, Value, Value) -> Value,
) {
    let (left, right) = t.state.pop2();
    let value = build(t.builder.ins(), left, right);
    t.state.push(value);
}

/// `itestop`, section 4.4.1.4: `eqz`.
pub(in super::super) fn eqz(t: &mut Translation<'_, '_>) {
    let operand = t.state.pop();
    let value = t.builder.ins().icmp_imm_u(IntCC::Equal, operand, 0);
    push_bool(t, value);
}

/// `irelop`, section 4.4.1.5.
pub(in super::super) fn icmp(t: &mut Translation<'_, '_>, condition: IntCC) {
    let (left, right) = t.state.pop2();
    let value = t.builder.ins().icmp(condition, left, right);
    push_bool(t, value);
}

/// `frelop`, section 4.4.1.5.
pub(in super::super) fn fcmp(t: &mut Translation<'_, '_>, condition: FloatCC) {
    let (left, right) = t.state.pop2();
    let value = t.builder.ins().fcmp(condition, left, right);
    push_bool(t, value);
}

/// Pushes a truth value as an `i32`.
pub(super) fn push_bool(t: &mut Translation<'_, '_>, value: Value) {
    let value = t.builder.ins().uextend(types::I32, value);
    t.state.push(value);
}
