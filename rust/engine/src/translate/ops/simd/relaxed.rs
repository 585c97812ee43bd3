//! Relaxed operations (section 4.3.6 of the specification 3.0, "Relaxed Operations").
//!
//! The specification leaves each of them a choice, by parameters that an implementation fixes. Here
//! each parameter is 0, that is the *deterministic profile* (appendix "Profiles"), so that a guest
//! computes the same on every machine:
//!
//! | operation                  | choice                                                                        |
//! |----------------------------|-------------------------------------------------------------------------------|
//! | `relaxed_madd`, `_nmadd`   | not fused: the product is rounded, then the sum; `nmadd` negates the first factor |
//! | `relaxed_min`, `_max`      | `min` and `max`: NaN if either operand is, -0 is less than +0                  |
//! | `relaxed_trunc`            | `trunc_sat`: NaN becomes 0, what is too large or small the nearest number       |
//! | `relaxed_swizzle`          | `swizzle`: an index of 16 or more selects 0                                   |
//! | `relaxed_laneselect`       | `bitselect`: each bit of the mask counts                                      |
//! | `relaxed_q15mulr_s`        | `q15mulr_sat_s`: the one product that overflows saturates                     |
//! | `relaxed_dot`              | both factors are signed; sums of two products are taken modulo 2^16           |
//!
//! Those that equal another operation share its line in the dispatch table.

use super::integer::{Half, dot_product, widen};
use super::{Translation, cast, pop2, pop3, push};
use cranelift_codegen::ir::types::{I8X16, I32X4};
use cranelift_codegen::ir::{InstBuilder, Type};

/// `relaxed_madd`: a * b + c, rounded twice.
pub(in crate::translate) fn madd(t: &mut Translation<'_, '_>, ty: Type) {
    let (a, b, c) = pop3(t, ty);
    let product = t.builder.ins().fmul(a, b);
    let value = t.builder.ins().fadd(product, c);
    push(t, value);
}

/// `relaxed_nmadd`: (-a) * b + c, rounded twice.
pub(in crate::translate) fn nmadd(t: &mut Translation<'_, '_>, ty: Type) {
    let (a, b, c) = pop3(t, ty);
    let a = t.builder.ins().fneg(a);
    let product = t.builder.ins().fmul(a, b);
    let value = t.builder.ins().fadd(product, c);
    push(t, value);
}

/// `i16x8.relaxed_dot_i8x16_i7x16_s`: sums of two products.
pub(in crate::translate) fn dot(t: &mut Translation<'_, '_>) {
    let (left, right) = pop2(t, I8X16);
    let value = dot_product(t, left, right);
    push(t, value);
}

/// `i32x4.relaxed_dot_i8x16_i7x16_add_s`: the sums of `relaxed_dot`, extended, two by two, and the
/// third operand.
pub(in crate::translate) fn dot_add(t: &mut Translation<'_, '_>) {
    let (left, right, addend) = t.state.pop3();
    let (left, right) = (cast(t, left, I8X16), cast(t, right, I8X16));
    let products = dot_product(t, left, right);
    let (low, high) = (widen(t, products, Half::LowSigned), widen(t, products, Half::HighSigned));
    let sums = t.builder.ins().iadd_pairwise(low, high);
    let addend = cast(t, addend, I32X4);
    let value = t.builder.ins().iadd(sums, addend);
    push(t, value);
}
