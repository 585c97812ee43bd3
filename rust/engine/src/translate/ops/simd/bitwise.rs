//! Constants and operations on all 128 bits (sections 4.4.3.1 to 4.4.3.5).

use super::{Translation, pop, pop3, push};
use crate::translate::ops::numeric::push_bool;
use cranelift_codegen::ir::types::I8X16;
use cranelift_codegen::ir::{InstBuilder, Value};

/// `v128.const`, section 4.4.3.1.
pub(in crate::translate) fn constant(t: &mut Translation<'_, '_>, bytes: [u8; 16]) {
    let value = vector(t, bytes);
    t.state.push(value);
}

/// A constant vector.
pub(in crate::translate) fn vector(t: &mut Translation<'_, '_>, bytes: [u8; 16]) -> Value {
    let bytes = t.builder.func.dfg.constants.insert(bytes[..].into());
    t.builder.ins().vconst(I8X16, bytes)
}

/// `v128.bitselect`, section 4.4.3.4: bits of the first operand where the mask, the third one, is
/// set.
pub(in crate::translate) fn bitselect(t: &mut Translation<'_, '_>) {
    let (set, clear, mask) = pop3(t, I8X16);
    let value = t.builder.ins().bitselect(mask, set, clear);
    push(t, value);
}

/// `v128.any_true`, section 4.4.3.5.
pub(in crate::translate) fn any_true(t: &mut Translation<'_, '_>) {
    let operand = pop(t, I8X16);
    let value = t.builder.ins().vany_true(operand);
    push_bool(t, value);
}
