//! Limits of the implementation: those that the JavaScript API of WebAssembly sets for all engines
//! ("Implementation-defined Limits"), and one on branch tables.
//!
//! The validator has most of them: 1,000,000 types, functions, imports, exports and globals,
//! 100,000 tables, data and element segments, 100 memories, 10,000,000 items of an element segment,
//! 1,000 parameters and results, 50,000 locals with parameters, 7,654,321 bytes of a body. This
//! file has the others, and the figures where the validator's words lack them. The sizes of tables
//! (10,000,000 elements) and memories (65,536 pages of 64 KiB, or 262,144 with 64-bit addresses)
//! are limited when they are made: see `types`.

use crate::error::{Error, ErrorKind, Result};
use alloc::borrow::Cow;

/// Bytes of a module.
pub const MAX_MODULE_SIZE: usize = 1 << 30;
/// Bytes of debugging information that a module keeps.
pub const MAX_DEBUG_BYTES: usize = 256 << 20;
/// Labels of a `br_table`, without the default one.
pub const MAX_BR_TABLE_LABELS: u32 = 65_520;

/// Refuses a module that is too large, or empty.
pub(super) fn check_module_size(bytes: &[u8]) -> Result<()> {
    if bytes.is_empty() {
        return Err(error("the module is empty, expected a WebAssembly binary", 0));
    }
    if bytes.len() > MAX_MODULE_SIZE {
        return Err(error(&format!("module size {} exceeds limit of {MAX_MODULE_SIZE} bytes", bytes.len()), 0));
    }
    Ok(())
}

/// Refuses a `br_table` with too many labels. Whoever validates or translates a body asks this for
/// each of them.
///
/// # Errors
///
/// `Validation`, with the offset of the instruction in the module's bytes.
pub fn check_br_table(labels: u32, offset: u64) -> Result<()> {
    if labels > MAX_BR_TABLE_LABELS {
        return Err(error(&format!("br_table labels {labels} exceed limit of {MAX_BR_TABLE_LABELS}"), offset));
    }
    Ok(())
}

/// The validator's words, with the figure added where they speak of a limit without it.
pub(super) fn with_figure(words: &str) -> Cow<'_, str> {
    const FIGURES: [(&str, u32); 7] = [
        ("function params size is out of bounds", 1_000),
        ("function returns size is out of bounds", 1_000),
        ("br_table size is out of bounds", MAX_BR_TABLE_LABELS),
        ("number of elements is out of bounds", 10_000_000),
        ("too many locals: locals exceed maximum", 50_000),
        ("string size out of bounds", 100_000),
        ("data count section specifies too many data segments", 100_000),
    ];
    match FIGURES.iter().find(|(known, _)| *known == words) {
        Some((_, limit)) => format!("{words}: limit of {limit}").into(),
        None => words.into(),
    }
}

fn error(words: &str, offset: u64) -> Error {
    Error::new(ErrorKind::Validation, format!("{words} (at offset {offset:#x})"))
}
