//! Values of scripts: arguments to slots, and expected results (with their NaN patterns and references) against slots.

use gowasmer::types::ValType;
use wast::core::{NanPattern, WastArgCore, WastRetCore};
use wast::{WastArg, WastRet};

/// The slot of an argument. External references are numbered from 1, as slot 0 is null.
pub fn argument(arg: &WastArg<'_>) -> Result<u64, String> {
    match arg {
        WastArg::Core(WastArgCore::I32(value)) => Ok(u64::from(value.cast_unsigned())),
        WastArg::Core(WastArgCore::I64(value)) => Ok(value.cast_unsigned()),
        WastArg::Core(WastArgCore::F32(value)) => Ok(u64::from(value.bits)),
        WastArg::Core(WastArgCore::F64(value)) => Ok(value.bits),
        WastArg::Core(WastArgCore::RefNull(_)) => Ok(0),
        WastArg::Core(WastArgCore::RefExtern(number)) => Ok(u64::from(*number) + 1),
        other => Err(format!("argument that the runner does not know: {other:?}")),
    }
}

/// Compares all results of a call.
pub fn compare(expected: &[WastRet<'_>], types: &[ValType], slots: &[u64]) -> Result<(), String> {
    if expected.len() != types.len() {
        return Err(format!("expected {} results, the function has {}", expected.len(), types.len()));
    }
    for (i, ((expected, ty), slot)) in expected.iter().zip(types).zip(slots).enumerate() {
        let WastRet::Core(expected) = expected else {
            return Err(format!("result that the runner does not know: {expected:?}"));
        };
        if !matches(expected, *ty, *slot)? {
            return Err(format!("result {i}: expected {expected:?}, got {ty} {slot:#x}"));
        }
    }
    Ok(())
}

fn matches(expected: &WastRetCore<'_>, ty: ValType, slot: u64) -> Result<bool, String> {
    Ok(match expected {
        WastRetCore::I32(value) => ty == ValType::I32 && slot == u64::from(value.cast_unsigned()),
        WastRetCore::I64(value) => ty == ValType::I64 && slot == value.cast_unsigned(),
        WastRetCore::F32(pattern) => {
            ty == ValType::F32 && u32::try_from(slot).is_ok_and(|bits| matches_f32(*pattern, bits))
        }
        WastRetCore::F64(pattern) => ty == ValType::F64 && matches_f64(*pattern, slot),
        WastRetCore::RefNull(_) => ty.is_ref() && slot == 0,
        WastRetCore::RefExtern(Some(number)) => ty == ValType::ExternRef && slot == u64::from(*number) + 1,
        WastRetCore::RefExtern(None) => ty == ValType::ExternRef && slot != 0,
        WastRetCore::RefFunc(None) => ty == ValType::FuncRef && slot != 0,
        WastRetCore::Either(cases) => {
            let cases = cases.iter().map(|case| matches(case, ty, slot)).collect::<Result<Vec<bool>, String>>()?;
            cases.contains(&true)
        }
        other => return Err(format!("result that the runner does not know: {other:?}")),
    })
}

/// A canonical NaN has only the highest bit of its fraction set, an arithmetic one at least that; the sign is free
/// (section 2.2.3, "Floating-Point").
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
