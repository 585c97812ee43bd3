//! From bytes to a validated [`ModuleInfo`].
//!
//! [`parse`] validates and collects all declarations, and hands out the function bodies, which
//! whoever translates them validates on the way; `validate_body` does it for those who want nothing
//! but the answer.

pub(crate) mod bytes;
pub mod features;
pub mod info;
pub mod limits;
mod names;
mod parse;
mod sections;
mod segments;
pub(crate) mod table_use;
#[cfg(test)]
mod tests;
mod validate;
pub(crate) mod varint;

pub use features::{required_proposals, validation_error};
pub use info::*;
pub use parse::{Body, Parsed, parse};
pub use segments::SegmentBytes;
pub(crate) use validate::validate_body;
