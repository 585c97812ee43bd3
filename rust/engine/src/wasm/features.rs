//! Which proposals are supported, and how a module that uses another one is told so.

use super::limits;
use crate::error::{Error, ErrorKind, Result};
use crate::prelude::*;
use wasmparser::{Parser, ValidPayload, Validator, WasmFeatures};

/// What this engine supports: WebAssembly 2.0; of 3.0 relaxed SIMD, tail calls, extended constant
/// expressions, several memories, 64-bit memories and tables, exceptions; the exceptions of before
/// 3.0, which toolchains still emit; and custom page sizes.
pub const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::MEMORY64)
    .union(WasmFeatures::CUSTOM_PAGE_SIZES)
    .union(WasmFeatures::EXCEPTIONS)
    .union(WasmFeatures::LEGACY_EXCEPTIONS);

/// [`FEATURES`] for the second attempt at a module that [`reads_own_globals`].
pub(super) const FEATURES_WITH_OWN_GLOBALS: WasmFeatures = FEATURES.union(WasmFeatures::GC);

/// The proposals that are refused, by the names that error messages use. Where one builds on
/// another, the base comes first.
const PROPOSALS: [(WasmFeatures, &str); 11] = [
    (WasmFeatures::COMPONENT_MODEL, "component model"),
    (WasmFeatures::THREADS, "threads"),
    (WasmFeatures::SHARED_EVERYTHING_THREADS, "shared-everything threads"),
    (WasmFeatures::ACQUIRE_RELEASE_ATOMICS, "acquire-release atomics"),
    (WasmFeatures::FUNCTION_REFERENCES, "typed function references"),
    (WasmFeatures::GC, "garbage collection"),
    (WasmFeatures::CUSTOM_DESCRIPTORS, "custom descriptors"),
    (WasmFeatures::MEMORY_CONTROL, "memory control"),
    (WasmFeatures::STACK_SWITCHING, "stack switching"),
    (WasmFeatures::WIDE_ARITHMETIC, "wide arithmetic"),
    (WasmFeatures::COMPACT_IMPORTS, "compact import section"),
];

/// The error of this crate for one of the validator: its words and the offset in the module's
/// bytes. A proposal is named if the validator says which one is missing.
#[must_use]
pub fn validation_error(error: &wasmparser::Error) -> Error {
    let missing = error.missing_wasm_feature();
    let proposal = missing.and_then(|missing| PROPOSALS.iter().find(|(feature, _)| missing.intersects(*feature)));
    message(error, proposal.map(|(_, name)| *name))
}

/// Like [`validation_error`]; where the validator does not say which proposal is missing, it is
/// found out.
pub(super) fn explain(bytes: &[u8], error: &wasmparser::Error) -> Error {
    if error.missing_wasm_feature().is_some() {
        return validation_error(error);
    }
    message(error, find_proposal(bytes, error.offset()))
}

/// Whether a constant expression was refused because it gets a global that the module itself
/// defines. WebAssembly 3.0 allows that of any immutable global before it (section 3.3.11.2); this
/// validator takes it for a part of garbage collection. All sections that could use the rest of
/// that proposal lie before the globals, and have been found valid without it, or are read by
/// `sections`, which know nothing of it; bodies are validated without it in any case.
pub(super) fn reads_own_globals(error: &wasmparser::Error) -> bool {
    error.missing_wasm_feature() == Some(WasmFeatures::GC)
        && error.message() == "constant expression required: global.get of locally defined global"
}

/// The error for declarations that only garbage collection allows.
pub(super) fn garbage_collection(what: &str, offset: u64) -> Error {
    let text = format!("the proposal garbage collection is not supported: {what} (at offset {offset:#x})");
    Error::new(ErrorKind::Validation, text)
}

/// The proposal without which validation fails at this offset although all others are allowed, if
/// the declarations are valid with all.
fn find_proposal(bytes: &[u8], offset: u64) -> Option<&'static str> {
    let all =
        PROPOSALS.iter().fold(FEATURES, |all, (feature, _)| all | *feature).difference(WasmFeatures::COMPONENT_MODEL);
    validate_declarations(bytes, all).ok()?;
    let fails_without =
        |feature| validate_declarations(bytes, all.difference(feature)).is_err_and(|error| error.offset() == offset);
    PROPOSALS.iter().find(|(feature, _)| fails_without(*feature)).map(|(_, name)| *name)
}

fn validate_declarations(bytes: &[u8], features: WasmFeatures) -> wasmparser::Result<()> {
    let mut validator = Validator::new_with_features(features);
    let mut parser = Parser::new(0);
    parser.set_features(features);
    for payload in parser.parse_all(bytes) {
        if let ValidPayload::End(_) = validator.payload(&payload?)? {
            break;
        }
    }
    Ok(())
}

fn message(error: &wasmparser::Error, proposal: Option<&str>) -> Error {
    let (words, offset) = (limits::with_figure(error.message()), error.offset());
    let text = match proposal {
        Some(name) => format!("the proposal {name} is not supported: {words} (at offset {offset:#x})"),
        None => format!("{words} (at offset {offset:#x})"),
    };
    Error::new(ErrorKind::Validation, text)
}

/// The proposals that are supported, beyond WebAssembly 1.0, by the names that people know them by.
/// Where one builds on another, the base comes first.
const SUPPORTED: [(WasmFeatures, &str); 14] = [
    (WasmFeatures::SIGN_EXTENSION, "sign extension"),
    (WasmFeatures::SATURATING_FLOAT_TO_INT, "saturating float-to-int conversions"),
    (WasmFeatures::MULTI_VALUE, "multi-value"),
    (WasmFeatures::BULK_MEMORY, "bulk memory"),
    (WasmFeatures::REFERENCE_TYPES, "reference types"),
    (WasmFeatures::SIMD, "SIMD"),
    (WasmFeatures::RELAXED_SIMD, "relaxed SIMD"),
    (WasmFeatures::TAIL_CALL, "tail calls"),
    (WasmFeatures::EXTENDED_CONST, "extended constant expressions"),
    (WasmFeatures::MULTI_MEMORY, "multiple memories"),
    (WasmFeatures::MEMORY64, "64-bit memories"),
    (WasmFeatures::CUSTOM_PAGE_SIZES, "custom page sizes"),
    (WasmFeatures::EXCEPTIONS, "exception handling"),
    (WasmFeatures::LEGACY_EXCEPTIONS, "legacy exception handling"),
];

/// Finds the proposals that a module needs beyond WebAssembly 1.0, and whether each is supported:
/// it is validated with nothing more, and again with each proposal that turns out to be missing.
///
/// # Errors
///
/// `Validation`: the module is not valid with all that are known.
pub fn required_proposals(bytes: &[u8]) -> Result<Vec<(&'static str, bool)>> {
    limits::check_module_size(bytes)?;
    let known = || {
        let supported = SUPPORTED.iter().map(|(feature, name)| (*feature, *name, true));
        supported.chain(PROPOSALS.iter().map(|(feature, name)| (*feature, *name, false)))
    };
    let mut features = WasmFeatures::WASM1;
    let mut required = Vec::new();
    loop {
        let Err(error) = validate(bytes, features) else { return Ok(required) };
        let new = |feature: &WasmFeatures| !features.contains(*feature);
        let missing = error.missing_wasm_feature().unwrap_or(WasmFeatures::empty());
        let named = known().find(|(feature, ..)| new(feature) && missing.intersects(*feature));
        // Where the validator does not say what is missing: what takes it farther.
        let helps = |feature: WasmFeatures| {
            validate(bytes, features | feature).err().is_none_or(|next| next.offset() > error.offset())
        };
        let found = named.or_else(|| known().find(|(feature, ..)| new(feature) && helps(*feature)));
        let Some((feature, name, supported)) = found else { return Err(validation_error(&error)) };
        features |= feature;
        required.push((name, supported));
    }
}

/// Validates a whole module.
fn validate(bytes: &[u8], features: WasmFeatures) -> wasmparser::Result<()> {
    Validator::new_with_features(features).validate_all(bytes).map(|_| ())
}
