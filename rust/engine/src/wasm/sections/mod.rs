//! The sections of a binary, one file for each kind: from the parser's readers to
//! [`ModuleInfo`](super::ModuleInfo).
//!
//! All of them read what the validator has already accepted.

mod constant;
mod data;
mod definitions;
mod elements;
mod exports;
mod imports;
mod types;

pub(super) use data::data;
pub(super) use definitions::{functions, globals, memories, tables, tags};
pub(super) use elements::elements;
pub(super) use exports::exports;
pub(super) use imports::imports;
pub(super) use types::types;
