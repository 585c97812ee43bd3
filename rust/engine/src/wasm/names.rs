//! The custom section "name" (appendix 7.4.1), read leniently: names are for people, and a damaged
//! section is no error.

use super::Names;
use crate::prelude::*;
use wasmparser::{BinaryReader, NameMap};

/// Reads the names of the module and of its functions; there are `functions`. What is
/// damaged is left out: names out of range, out of order or given twice, and in a subsection all
/// that follows a place that cannot be decoded.
pub fn read(mut section: BinaryReader<'_>, functions: usize) -> Names {
    const MODULE: u8 = 0;
    const FUNCTIONS: u8 = 1;
    let mut names = Names::default();
    while let Some((id, contents)) = subsection(&mut section) {
        match id {
            MODULE => names.module = names.module.or_else(|| Some(contents.clone().read_string().ok()?.to_owned())),
            FUNCTIONS => {
                for naming in NameMap::new(contents).into_iter().flatten().flatten() {
                    let follows = names.functions.last().is_none_or(|(last, _)| *last < naming.index);
                    if follows && (naming.index as usize) < functions {
                        names.functions.push((naming.index, naming.name.to_owned()));
                    }
                }
            }
            _ => {}
        }
    }
    names
}

/// The number and the contents of the next subsection.
fn subsection<'a>(section: &mut BinaryReader<'a>) -> Option<(u8, BinaryReader<'a>)> {
    let id = section.read_u8().ok()?;
    let size = section.read_var_u32().ok()? as usize;
    let start = section.original_position();
    Some((id, BinaryReader::new(section.read_bytes(size).ok()?, start)))
}
