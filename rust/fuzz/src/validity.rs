//! Whether a module is valid: this engine, its parser's own validator, wasmtime and wasmi must
//! agree.

use crate::engines::{Wasmi, Wasmtime};
use gowasmer::wasm::{features::FEATURES, limits};
use wasmparser::{Parser, Payload, Validator};

/// What all validators say.
///
/// # Errors
/// Who says what, where they do not agree.
pub fn agreed(bytes: &[u8], wasmi: &Wasmi, wasmtime: Option<&Wasmtime>) -> Result<bool, String> {
    let ours = gowasmer::compile::validate(bytes).map_err(|error| error.to_string());
    let parser =
        Validator::new_with_features(FEATURES).validate_all(bytes).map(drop).map_err(|error| error.to_string());
    let mut answers = vec![("gowasmer", &ours), ("wasmparser", &parser)];
    let theirs = wasmi.validate(bytes);
    answers.push(("wasmi", &theirs));
    let wasmtime = wasmtime.filter(|_| !wasmtime_errs(&parser)).map(|wasmtime| wasmtime.validate(bytes));
    answers.extend(wasmtime.as_ref().map(|answer| ("wasmtime", answer)));
    if answers.iter().all(|(_, answer)| answer.is_ok() == ours.is_ok()) || is_known(bytes, &ours) {
        return Ok(ours.is_ok());
    }
    let lines = answers.iter().map(|(name, answer)| match answer {
        Ok(()) => format!("\n  {name}: valid"),
        Err(error) => format!("\n  {name}: {}", error.lines().next().unwrap_or_default()),
    });
    Err(format!("validators do not agree:{}", lines.collect::<String>()))
}

/// Whether the reason to refuse a module is one that wasmtime 48 does not see: its parser
/// (wasmparser 0.254) takes imports of exact functions although the proposal "custom descriptors"
/// is off.
fn wasmtime_errs(parser: &Result<(), String>) -> bool {
    parser.as_ref().is_err_and(|error| error.contains("exact function imports"))
}

/// Whether a difference is one that the engine means: a limit of its own on branch tables.
fn is_known(bytes: &[u8], ours: &Result<(), String>) -> bool {
    ours.as_ref().is_err_and(|error| error.contains("br_table labels")) && has_long_branch_table(bytes)
}

fn has_long_branch_table(bytes: &[u8]) -> bool {
    let bodies = Parser::new(0).parse_all(bytes).filter_map(|payload| match payload {
        Ok(Payload::CodeSectionEntry(body)) => body.get_operators_reader().ok(),
        _ => None,
    });
    bodies.flatten().any(|operator| {
        matches!(operator, Ok(wasmparser::Operator::BrTable { targets }) if targets.len() > limits::MAX_BR_TABLE_LABELS)
    })
}
