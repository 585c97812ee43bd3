//! What the opcodes become, one file for each family. All functions here take the translation at a
//! point that can be reached.

pub(super) mod bulk;
pub(super) mod call;
pub(super) mod control;
pub(super) mod conversion;
pub(super) mod exception;
pub(super) mod memory;
pub(super) mod numeric;
pub(super) mod reference;
pub(super) mod simd;
pub(super) mod table;
pub(super) mod variable;

use super::function::FunctionTranslation;
use cranelift_codegen::ir::{Opcode, Value};

/// A function while it is translated.
pub(super) type Translation<'a, 'f> = FunctionTranslation<'a, 'f>;

/// The value to branch or select on for an `i32` operand: of an extended comparison, the comparison
/// itself, so that the backend branches on its flags.
fn condition(t: &Translation<'_, '_>, value: Value) -> Value {
    let dfg = &t.builder.func.dfg;
    let argument_of = |value: Value, wanted: &[Opcode]| {
        let inst = dfg.value_def(value).inst().filter(|inst| wanted.contains(&dfg.insts[*inst].opcode()))?;
        dfg.inst_args(inst).first().copied()
    };
    match argument_of(value, &[Opcode::Uextend]) {
        Some(inner)
            if argument_of(inner, &[Opcode::Icmp, Opcode::Fcmp, Opcode::VanyTrue, Opcode::VallTrue]).is_some() =>
        {
            inner
        }
        _ => value,
    }
}
