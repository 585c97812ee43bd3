//! Validation of a function body, for those who want nothing but the answer.

use super::{Body, features, limits};
use crate::error::Result;
use wasmparser::{FuncToValidate, FuncValidatorAllocations, FunctionBody, Operator};

/// Validates one body. The allocations are for the next one.
pub(crate) fn validate_body(
    body: &Body<'_>,
    allocations: FuncValidatorAllocations,
) -> Result<FuncValidatorAllocations> {
    let refused = |error| features::validation_error(&error);
    let FuncToValidate { resources, index, ty, features } = &body.to_validate;
    let to_validate = FuncToValidate { resources: resources.clone(), index: *index, ty: *ty, features: *features };
    let mut validator = to_validate.into_validator(allocations);
    if body.body.as_bytes().len() > limits::MAX_BR_TABLE_LABELS as usize {
        check_br_tables(&body.body)?;
    }
    validator.validate(&body.body).map_err(refused)?;
    Ok(validator.into_allocations())
}

/// Looks for branch tables that are too long. A label takes a byte at least, so only long bodies
/// have such ones. What cannot be decoded is left to the validator, which comes to the same place.
fn check_br_tables(body: &FunctionBody<'_>) -> Result<()> {
    let Ok(reader) = body.get_operators_reader() else { return Ok(()) };
    for (op, offset) in reader.into_iter_with_offsets().map_while(core::result::Result::ok) {
        if let Operator::BrTable { targets } = op {
            limits::check_br_table(targets.len(), offset)?;
        }
    }
    Ok(())
}
