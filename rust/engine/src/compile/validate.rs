//! Validation of a whole module, bodies included, for those who want nothing but the answer.

use super::pool;
use crate::error::Result;
use crate::wasm::{self, validate_body};
use rayon::prelude::*;
use wasmparser::FuncValidatorAllocations;

/// Validates a module: its declarations, then its bodies in parallel, on the compiler's threads (callers may have small stacks).
///
/// # Errors
///
/// As [`wasm::parse`]; of several invalid bodies, that of the first one.
pub fn validate(bytes: &[u8]) -> Result<()> {
    pool()?.install(|| validate_here(bytes))
}

/// Validates on the threads of the pool that the caller is in.
pub(crate) fn validate_here(bytes: &[u8]) -> Result<()> {
    let bodies = wasm::parse(bytes)?.bodies;
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
