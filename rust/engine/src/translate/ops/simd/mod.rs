//! Vectors of 128 bits (sections 4.3.2 to 4.3.5 and 4.4.3 "Vector Instructions"), one file for each
//! family.
//!
//! Everywhere outside of these files a v128 value has the type `i8x16`. An operation casts its
//! operands to the lanes that it works on, and its result back; where a cast meets the cast that
//! made its operand, neither is needed. On the machine a cast is nothing.

pub(in crate::translate) mod bitwise;
pub(in crate::translate) mod conversion;
pub(in crate::translate) mod float;
pub(in crate::translate) mod integer;
pub(in crate::translate) mod lanes;
pub(in crate::translate) mod memory;
pub(in crate::translate) mod relaxed;

use super::Translation;
use cranelift_codegen::ir::types::I8X16;
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Opcode, Type, Value};
use cranelift_frontend::FuncInstBuilder;

/// A vector with other lanes: the first lane is in the lowest bits (section 4.3.1
/// "Representations").
fn cast(t: &mut Translation<'_, '_>, value: Value, ty: Type) -> Value {
    let dfg = &t.builder.func.dfg;
    if dfg.value_type(value) == ty {
        return value;
    }
    let before = dfg.value_def(value).inst().filter(|inst| dfg.insts[*inst].opcode() == Opcode::Bitcast);
    if let Some(&inner) = before.and_then(|inst| dfg.inst_args(inst).first())
        && dfg.value_type(inner) == ty
    {
        return inner;
    }
    t.builder.ins().bitcast(ty, MemFlagsData::new().with_endianness(Endianness::Little), value)
}

/// Pops a vector as lanes of a type.
fn pop(t: &mut Translation<'_, '_>, ty: Type) -> Value {
    let value = t.state.pop();
    cast(t, value, ty)
}

/// Pops two vectors, in the order in which they were pushed.
fn pop2(t: &mut Translation<'_, '_>, ty: Type) -> (Value, Value) {
    let (first, second) = t.state.pop2();
    (cast(t, first, ty), cast(t, second, ty))
}

/// Pops three vectors, in the order in which they were pushed.
fn pop3(t: &mut Translation<'_, '_>, ty: Type) -> (Value, Value, Value) {
    let (first, second, third) = t.state.pop3();
    (cast(t, first, ty), cast(t, second, ty), cast(t, third, ty))
}

/// Pushes a vector of any lanes.
fn push(t: &mut Translation<'_, '_>, value: Value) {
    let value = cast(t, value, I8X16);
    t.state.push(value);
}

/// A vector operation with one operand.
pub(in crate::translate) fn unary(
    t: &mut Translation<'_, '_>,
    ty: Type,
    build: impl FnOnce(FuncInstBuilder<'_, '_>, Value) -> Value,
) {
    let operand = pop(t, ty);
    let value = build(t.builder.ins(), operand);
    push(t, value);
}

/// A vector operation with two operands.
pub(in crate::translate) fn binary(
    t: &mut Translation<'_, '_>,
    ty: Type,
    build: impl FnOnce(FuncInstBuilder<'_, '_>, Value, Value) -> Value,
) {
    let (left, right) = pop2(t, ty);
    let value = build(t.builder.ins(), left, right);
    push(t, value);
}

/// A vector of zeros.
pub(in crate::translate) fn zero(t: &mut Translation<'_, '_>, ty: Type) -> Value {
    let zeros = t.builder.func.dfg.constants.insert(vec![0; 16].into());
    t.builder.ins().vconst(ty, zeros)
}
