//! Validation of a whole module, bodies included, for those who want nothing but the answer.

use super::{Body, features, limits, parse};
use crate::error::Result;
use rayon::prelude::*;
use wasmparser::{FuncValidatorAllocations, FunctionBody, Operator};

/// Validates a module: its declarations, then its bodies in parallel, on the compiler's threads (callers may have small stacks).
///
/// # Errors
///
/// As [`parse`]; of several invalid bodies, that of the first one.
pub fn validate(bytes: &[u8]) -> Result<()> {
    crate::compile::pool()?.install(|| validate_here(bytes))
}

/// Validates on the threads of the pool that the caller is in.
pub(super) fn validate_here(bytes: &[u8]) -> Result<()> {
    let bodies = parse(bytes)?.bodies;
    let failure = bodies
        .into_par_iter()
        .with_min_len(16)
        .map_init(FuncValidatorAllocations::default, |allocations, body| {
            *allocations = validate_body(body, std::mem::take(allocations))?;
            Ok(())
        })
        .find_map_first(Result::err);
    failure.map_or(Ok(()), Err)
}

fn validate_body(body: Body<'_>, allocations: FuncValidatorAllocations) -> Result<FuncValidatorAllocations> {
    let refused = |error| features::validation_error(&error);
    let mut validator = body.to_validate.into_validator(allocations);
    if body.body.as_bytes().len() > limits::MAX_BR_TABLE_LABELS as usize {
        check_br_tables(&body.body)?;
    }
    validator.validate(&body.body).map_err(refused)?;
    Ok(validator.into_allocations())
}

/// Looks for branch tables that are too long. A label takes a byte at least, so only long bodies have such ones. What cannot be
/// decoded is left to the validator, which comes to the same place.
fn check_br_tables(body: &FunctionBody<'_>) -> Result<()> {
    let Ok(reader) = body.get_operators_reader() else { return Ok(()) };
    for (op, offset) in reader.into_iter_with_offsets().map_while(std::result::Result::ok) {
        if let Operator::BrTable { targets } = op {
            limits::check_br_table(targets.len(), offset)?;
        }
    }
    Ok(())
}
