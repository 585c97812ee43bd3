//! Float lanes: comparisons and pseudo-minima (sections 4.3.3 "Floating-Point Operations" and
//! 4.4.3).

use super::{Translation, cast, pop2, push};
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, Type};

/// `vfrelop`, section 4.4.3.14: all bits of a lane, or none.
pub(in crate::translate) fn fcmp(t: &mut Translation<'_, '_>, ty: Type, condition: FloatCC) {
    let (left, right) = pop2(t, ty);
    let value = t.builder.ins().fcmp(condition, left, right);
    push(t, value);
}

/// `fpmin`, section 4.3.3: the right operand where it is less than the left one, by the machine's
/// own comparison.
pub(in crate::translate) fn pmin(t: &mut Translation<'_, '_>, ty: Type) {
    let (left, right) = pop2(t, ty);
    let less = t.builder.ins().fcmp(FloatCC::LessThan, right, left);
    let less = cast(t, less, ty);
    let value = t.builder.ins().bitselect(less, right, left);
    push(t, value);
}

/// `fpmax`, section 4.3.3: the right operand where the left one is less.
pub(in crate::translate) fn pmax(t: &mut Translation<'_, '_>, ty: Type) {
    let (left, right) = pop2(t, ty);
    let less = t.builder.ins().fcmp(FloatCC::LessThan, left, right);
    let less = cast(t, less, ty);
    let value = t.builder.ins().bitselect(less, right, left);
    push(t, value);
}
