//! The text format (specification, chapter 6): text to the binary format, and where in the text an
//! error is.
//!
//! The crate `wast` lexes, parses and encodes; it resolves names but does not validate. What comes
//! out goes to [`crate::wasm`] like any other module.

use crate::error::{Error, ErrorKind, Position, Result};
use crate::prelude::*;
use wast::Wat;
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};

/// The largest text that is read, in bytes: that of the largest module by the limits of the
/// JavaScript API.
pub const MAX_TEXT_BYTES: usize = 1 << 30;

/// Translates a module from the text format to the binary format. The error says where the text is
/// wrong.
pub fn to_binary(text: &[u8]) -> Result<Vec<u8>> {
    if text.starts_with(b"\0asm") {
        return Err(error(text, 0, "the module is in the binary format already, expected the text format"));
    }
    let text = decode(text)?;
    let failed = |error| locate(text, &error);
    let buffer = lex(text)?;
    let mut module = parser::parse::<Wat<'_>>(&buffer).map_err(failed)?;
    module.encode().map_err(failed)
}

/// The characters of a text.
fn decode(text: &[u8]) -> Result<&str> {
    if text.len() > MAX_TEXT_BYTES {
        let message = format!("the text has {} bytes, expected {MAX_TEXT_BYTES} at most", text.len());
        return Err(Error::new(ErrorKind::Text, message));
    }
    core::str::from_utf8(text).map_err(|wrong| error(text, wrong.valid_up_to(), "malformed UTF-8 encoding"))
}

/// The tokens of a text. All of Unicode may stand in comments and strings (section 6.2.1), also
/// what changes the direction of writing.
fn lex(text: &str) -> Result<ParseBuffer<'_>> {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    ParseBuffer::new_with_lexer(lexer).map_err(|error| locate(text, &error))
}

/// The error of this crate for one of the parser.
fn locate(text: &str, wrong: &wast::Error) -> Error {
    error(text.as_bytes(), wrong.span().offset(), &wrong.message())
}

fn error(text: &[u8], offset: usize, message: &str) -> Error {
    Error::new(ErrorKind::Text, message).at(position(text, offset))
}

/// Where a byte is: lines end in a newline; columns count characters, and bytes that are none.
fn position(text: &[u8], offset: usize) -> Position {
    let before = &text[..offset.min(text.len())];
    // There is at least one line; what `split` returns last is the part of it before the byte.
    let (mut line, mut start) = (0, before);
    for part in before.split(|byte| *byte == b'\n') {
        (line, start) = (line + 1, part);
    }
    let column = String::from_utf8_lossy(start).chars().count() + 1;
    // A text has at most 2^30 bytes where a position is asked for; a larger one would give the
    // largest number.
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Position { line: number(line), column: number(column) }
}

#[cfg(test)]
mod tests;
