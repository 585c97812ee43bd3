//! Tests of parsing and validation.

mod damage;
mod declarations;
mod refusals;

use super::{ModuleInfo, parse};
use crate::compile::validate as validate_here;
use crate::error::{Error, ErrorKind};
use crate::prelude::*;

/// A module of the text format as bytes.
fn binary(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// What a valid module declares.
fn declared(text: &str) -> ModuleInfo {
    let bytes = binary(text);
    validate_here(&bytes).unwrap();
    parse(&bytes).unwrap().info
}

/// The error of an invalid module.
fn refused(bytes: &[u8]) -> Error {
    let error = validate_here(bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
    assert!(error.message().contains("(at offset 0x"), "{error}");
    error
}
