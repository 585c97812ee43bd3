//! Values of scripts: arguments to slots, and expected results (with their NaN patterns and
//! references) against slots.

use gowasmer::types::ValType;
use wast::core::{NanPattern, V128Pattern, WastArgCore, WastRetCore};
use wast::{WastArg, WastRet};

/// The slots of an argument. External references are numbered from 1, as slot 0 is null.
pub fn argument(arg: &WastArg<'_>) -> Result<Vec<u64>, String> {
    Ok(vec![match arg {
        WastArg::Core(WastArgCore::I32(value)) => u64::from(value.cast_unsigned()),
        WastArg::Core(WastArgCore::I64(value)) => value.cast_unsigned(),
        WastArg::Core(WastArgCore::F32(value)) => u64::from(value.bits),
        WastArg::Core(WastArgCore::F64(value)) => value.bits,
        WastArg::Core(WastArgCore::V128(value)) => {
            let value = u128::from_le_bytes(value.to_le_bytes());
            return Ok(vec![value as u64, (value >> 64) as u64]);
        }
        WastArg::Core(WastArgCore::RefNull(_)) => 0,
        WastArg::Core(WastArgCore::RefExtern(number)) => u64::from(*number) + 1,
        other => return Err(format!("argument that the runner does not know: {other:?}")),
    }])
}

/// Compares all results of a call.
pub fn compare(expected: &[WastRet<'_>], types: &[ValType], slots: &[u64]) -> Result<(), String> {
    if expected.len() != types.len() {
        return Err(format!("expected {} results, the function has {}", expected.len(), types.len()));
    }
    let mut rest = slots;
    for (i, (expected, ty)) in expected.iter().zip(types).enumerate() {
        let WastRet::Core(expected) = expected else {
            return Err(format!("result that the runner does not know: {expected:?}"));
        };
        let (value, after) = rest.split_at(ty.slots());
        rest = after;
        if !matches(expected, *ty, value)? {
            return Err(format!("result {i}: expected {expected:?}, got {ty} {value:#x?}"));
        }
    }
    Ok(())
}

fn matches(expected: &WastRetCore<'_>, ty: ValType, slots: &[u64]) -> Result<bool, String> {
    let slot = slots[0];
    Ok(match expected {
        WastRetCore::I32(value) => ty == ValType::I32 && slot == u64::from(value.cast_unsigned()),
        WastRetCore::I64(value) => ty == ValType::I64 && slot == value.cast_unsigned(),
        WastRetCore::F32(pattern) => {
            ty == ValType::F32 && u32::try_from(slot).is_ok_and(|bits| matches_f32(*pattern, bits))
        }
        WastRetCore::F64(pattern) => ty == ValType::F64 && matches_f64(*pattern, slot),
        WastRetCore::V128(pattern) => ty == ValType::V128 && matches_v128(pattern, slots),
        WastRetCore::RefNull(_) => ty.is_ref() && slot == 0,
        WastRetCore::RefExtern(Some(number)) => ty == ValType::ExternRef && slot == u64::from(*number) + 1,
        WastRetCore::RefExtern(None) => ty == ValType::ExternRef && slot != 0,
        WastRetCore::RefFunc(None) => ty == ValType::FuncRef && slot != 0,
        WastRetCore::Either(cases) => {
            let cases = cases.iter().map(|case| matches(case, ty, slots)).collect::<Result<Vec<bool>, String>>()?;
            cases.contains(&true)
        }
        other => return Err(format!("result that the runner does not know: {other:?}")),
    })
}

/// Compares lane by lane: each float lane has a pattern of its own.
fn matches_v128(pattern: &V128Pattern, slots: &[u64]) -> bool {
    let bytes: Vec<u8> = slots.iter().flat_map(|slot| slot.to_le_bytes()).collect();
    let word = |lane: usize| u32::from_le_bytes(bytes[4 * lane..][..4].try_into().expect("four bytes"));
    match pattern {
        V128Pattern::I8x16(lanes) => lanes.iter().flat_map(|lane| lane.to_le_bytes()).eq(bytes),
        V128Pattern::I16x8(lanes) => lanes.iter().flat_map(|lane| lane.to_le_bytes()).eq(bytes),
        V128Pattern::I32x4(lanes) => lanes.iter().flat_map(|lane| lane.to_le_bytes()).eq(bytes),
        V128Pattern::I64x2(lanes) => lanes.iter().flat_map(|lane| lane.to_le_bytes()).eq(bytes),
        V128Pattern::F32x4(lanes) => lanes.iter().enumerate().all(|(lane, pattern)| matches_f32(*pattern, word(lane))),
        V128Pattern::F64x2(lanes) => lanes.iter().zip(slots).all(|(pattern, slot)| matches_f64(*pattern, *slot)),
    }
}

/// A canonical NaN has only the highest bit of its fraction set, an arithmetic one at least that;
/// the sign is free (section 2.2.3, "Floating-Point").
fn matches_f32(pattern: NanPattern<wast::token::F32>, bits: u32) -> bool {
    const QUIET: u32 = 0x7fc0_0000;
    match pattern {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff == QUIET,
        NanPattern::ArithmeticNan => bits & QUIET == QUIET,
        NanPattern::Value(value) => bits == value.bits,
    }
}

fn matches_f64(pattern: NanPattern<wast::token::F64>, bits: u64) -> bool {
    const QUIET: u64 = 0x7ff8_0000_0000_0000;
    match pattern {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff_ffff_ffff == QUIET,
        NanPattern::ArithmeticNan => bits & QUIET == QUIET,
        NanPattern::Value(value) => bits == value.bits,
    }
}
