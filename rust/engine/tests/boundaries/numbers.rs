//! Each division, and each conversion of a float to an integer, around the operands that trap.

use crate::guest::Guest;
use gowasmer::options::BoundsMode;
use gowasmer::trap::TrapCode::{self, BadConversionToInteger, IntegerDivideByZero, IntegerOverflow};
use std::fmt::Write;

const OPERATIONS: [&str; 4] = ["div_s", "div_u", "rem_s", "rem_u"];

/// What an operation on operands of 32 or 64 bits returns (section 4.3.2); signed ones are computed
/// in 128 bits.
fn divide(operation: &str, bits: u32, a: u64, b: u64) -> Result<u64, TrapCode> {
    if b == 0 {
        return Err(IntegerDivideByZero);
    }
    let signed = |value: u64| i128::from((value << (64 - bits)).cast_signed() >> (64 - bits));
    let mask = u64::MAX >> (64 - bits);
    match operation {
        "div_u" => Ok(a / b),
        "rem_u" => Ok(a % b),
        "div_s" if signed(a) / signed(b) == 1 << (bits - 1) => Err(IntegerOverflow),
        "div_s" => Ok((signed(a) / signed(b)) as u64 & mask),
        _ => Ok((signed(a) % signed(b)) as u64 & mask),
    }
}

#[test]
fn divisions() {
    for bits in [32, 64] {
        let mut text = String::from("(module ");
        for operation in OPERATIONS {
            let body = format!("(i{bits}.{operation} (local.get 0) (local.get 1))");
            write!(text, r#"(func (export "{operation}") (param i{bits} i{bits}) (result i{bits}) {body})"#).unwrap();
        }
        let guest = Guest::new(&(text + ")"), BoundsMode::Guarded);
        let mask = u64::MAX >> (64 - bits);
        let lowest = 1 << (bits - 1);
        let edges = [0, 1, 2, mask, mask - 1, lowest, lowest + 1, lowest - 1];
        for operation in OPERATIONS {
            for (a, b) in edges.into_iter().flat_map(|a| edges.map(|b| (a, b))) {
                // By an operand and by a constant, which is compiled differently.
                let expected = divide(operation, bits, a, b);
                assert_eq!(guest.call(operation, &[a, b]), expected, "i{bits}.{operation} {a:#x} {b:#x}");
            }
        }
        for (operation, b) in OPERATIONS.into_iter().flat_map(|operation| edges.map(|b| (operation, b))) {
            let constant = format!(
                r#"(module (func (export "f") (param i{bits}) (result i{bits})
                    (i{bits}.{operation} (local.get 0) (i{bits}.const {b:#x}))))"#
            );
            let guest = Guest::new(&constant, BoundsMode::Guarded);
            for a in edges {
                let expected = divide(operation, bits, a, b);
                assert_eq!(guest.call("f", &[a]), expected, "i{bits}.{operation} {a:#x} by a constant {b:#x}");
            }
        }
    }
}

/// An integer type to convert to.
#[derive(Clone, Copy)]
struct Integer {
    bits: u32,
    signed: bool,
}

impl Integer {
    /// The lowest value, and the first one above the highest; both are exact.
    fn limits(self) -> (f64, f64) {
        let range = 2_f64.powi(self.bits.cast_signed());
        if self.signed { (-range / 2.0, range / 2.0) } else { (0.0, range) }
    }

    /// The number that a truncated float becomes, as a slot.
    fn slot(self, value: f64) -> u64 {
        // Within the limits, so exact.
        (value as i128 as u64) & (u64::MAX >> (64 - self.bits))
    }

    /// `trunc` (section 4.3.4.5 and 6).
    fn truncate(self, value: f64) -> Result<u64, TrapCode> {
        let (lowest, beyond) = self.limits();
        if value.is_nan() {
            return Err(BadConversionToInteger);
        }
        let value = value.trunc();
        if value < lowest || value >= beyond { Err(IntegerOverflow) } else { Ok(self.slot(value)) }
    }

    /// `trunc_sat` (section 4.3.4.7 and 8).
    fn saturate(self, value: f64) -> u64 {
        let (lowest, beyond) = self.limits();
        match value.trunc() {
            value if value.is_nan() => 0,
            value if value < lowest => self.slot(lowest),
            value if value >= beyond => self.slot(lowest).wrapping_sub(1) & (u64::MAX >> (64 - self.bits)),
            value => self.slot(value),
        }
    }
}

/// Floats of both widths around a value, with their bits.
fn around(value: f64, float: u32) -> Vec<(f64, u64)> {
    if float == 64 {
        let near =
            [value, value.next_up(), value.next_down(), value.next_up().next_up(), value.next_down().next_down()];
        return near.map(|value| (value, value.to_bits())).to_vec();
    }
    let value = value as f32;
    let near = [value, value.next_up(), value.next_down(), value.next_up().next_up(), value.next_down().next_down()];
    near.map(|value| (f64::from(value), u64::from(value.to_bits()))).to_vec()
}

#[test]
fn conversions() {
    for bits in [32, 64] {
        for (signed, float) in [(true, 32), (true, 64), (false, 32), (false, 64)] {
            let integer = Integer { bits, signed };
            let sign = if signed { 's' } else { 'u' };
            let operation = |sat: &str| format!("i{bits}.trunc_{sat}f{float}_{sign}");
            let (trapping, saturating) = (operation(""), operation("sat_"));
            let mut text = String::from("(module ");
            for name in [&trapping, &saturating] {
                let body = format!("({name} (local.get 0))");
                write!(text, r#"(func (export "{name}") (param f{float}) (result i{bits}) {body})"#).unwrap();
            }
            let guest = Guest::new(&(text + ")"), BoundsMode::Guarded);
            let (lowest, beyond) = integer.limits();
            let edges = [lowest, lowest - 1.0, beyond, beyond - 1.0, 0.0, -0.0, 1.0, -1.0, 0.5, f64::INFINITY];
            let extremes = [f64::NEG_INFINITY, f64::MAX, f64::MIN, f64::MIN_POSITIVE, f64::NAN, -f64::NAN];
            let mut values: Vec<(f64, u64)> =
                edges.into_iter().chain(extremes).flat_map(|value| around(value, float)).collect();
            // NaNs with a payload, quiet and signalling.
            values.extend(if float == 32 {
                [0x7fc0_1234, 0x7f80_0001, 0xffff_ffff].map(|bits| (f64::NAN, bits))
            } else {
                [0x7ff8_0000_0000_1234, 0x7ff0_0000_0000_0001, u64::MAX].map(|bits| (f64::NAN, bits))
            });
            for (value, slot) in values {
                let case = format!("{value} ({slot:#x})");
                assert_eq!(guest.call(&trapping, &[slot]), integer.truncate(value), "{trapping} {case}");
                assert_eq!(guest.call(&saturating, &[slot]), Ok(integer.saturate(value)), "{saturating} {case}");
            }
        }
    }
}
