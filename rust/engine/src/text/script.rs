//! Specification scripts (the files .wast of the test suite): parsing them, and where their directives stand.

use super::{decode, lex, locate};
use crate::error::Result;
use wast::parser;
use wast::{Wast, WastDirective};

/// A script: its text, to say where things are, and its directives.
#[derive(Debug)]
pub struct Script<'a> {
    text: &'a str,
    directives: Vec<WastDirective<'a>>,
}

/// Parses a script and hands it over, as it refers to the text and its tokens. The error says where the text is wrong.
pub fn parse<T>(text: &[u8], visit: impl FnOnce(Script<'_>) -> T) -> Result<T> {
    let text = decode(text)?;
    let buffer = lex(text)?;
    let directives = parser::parse::<Wast<'_>>(&buffer).map_err(|error| locate(text, &error))?.directives;
    Ok(visit(Script { text, directives }))
}

impl<'a> Script<'a> {
    /// The directives in their order, each with its line; lines count from 1.
    #[must_use]
    pub fn into_directives(self) -> impl ExactSizeIterator<Item = (u32, WastDirective<'a>)> {
        // Directives stand in the order of the text, so that one pass over it finds all lines.
        let (mut line, mut seen, text) = (1, 0, self.text);
        self.directives.into_iter().map(move |directive| {
            let offset = directive.span().offset().clamp(seen, text.len());
            line += text[seen..offset].matches('\n').count() as u32;
            seen = offset;
            (line, directive)
        })
    }
}
