//! Imports by name: engines here are given imports by their positions, the Go package by their
//! names; a module may ask for the same one twice.

use std::collections::HashSet;
use wasmparser::{BinaryReader, Result, TypeRef};

/// The id of the import section (specification, section 5.5.5).
const SECTION: u8 = 2;
/// What every module begins with.
const HEADER: usize = 8;

/// A module no two of whose imports have the same name: another one that imports the same, or
/// itself. The module is valid.
#[must_use]
pub fn with_unique_names(module: Vec<u8>) -> Vec<u8> {
    renamed(&module).ok().flatten().unwrap_or(module)
}

/// The module with the positions of its imports in place of their names. None if there is nothing
/// to do.
fn renamed(module: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut reader = BinaryReader::new(module, 0);
    reader.read_bytes(HEADER)?;
    while !reader.eof() {
        let start = module.len() - reader.bytes_remaining();
        let id = reader.read_u8()?;
        let size = reader.read_var_u32()?;
        let content = reader.read_bytes(size as usize)?;
        if id == SECTION {
            let rest = &module[module.len() - reader.bytes_remaining()..];
            let renamed = section(content)?.map(|content| {
                let mut to = module[..start].to_vec();
                to.push(SECTION);
                with_length(&mut to, &content);
                to.extend_from_slice(rest);
                to
            });
            return Ok(renamed);
        }
    }
    Ok(None)
}

/// The section with other names, if one comes twice.
fn section(content: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut reader = BinaryReader::new(content, 0);
    let count = reader.read_var_u32()?;
    let mut to = Vec::new();
    number(&mut to, count as usize);
    let mut names = HashSet::new();
    let mut unique = true;
    for position in 0..count {
        unique &= names.insert((reader.read_string()?, reader.read_string()?));
        let start = content.len() - reader.bytes_remaining();
        reader.read::<TypeRef>()?;
        to.push(0);
        with_length(&mut to, position.to_string().as_bytes());
        to.extend_from_slice(&content[start..content.len() - reader.bytes_remaining()]);
    }
    Ok((!unique).then_some(to))
}

fn with_length(to: &mut Vec<u8>, bytes: &[u8]) {
    number(to, bytes.len());
    to.extend_from_slice(bytes);
}

/// Writes a number in LEB128.
fn number(to: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_come_twice_are_replaced() {
        let twice = r#"(module (type (func (param i32))) (import "a" "b" (func (type 0))) (import "a" "b" (memory 1 2))
            (import "a" "c" (global (mut i64))) (func (export "f") i32.const 1 call 0))"#;
        let once = r#"(module (type (func (param i32))) (import "" "0" (func (type 0))) (import "" "1" (memory 1 2))
            (import "" "2" (global (mut i64))) (func (export "f") i32.const 1 call 0))"#;
        let [twice, once] = [twice, once].map(|text| wat::parse_str(text).unwrap());
        assert_eq!(with_unique_names(twice), once);
    }

    #[test]
    fn other_modules_stay_as_they_are() {
        for text in ["(module)", r#"(module (import "a" "b" (func)) (import "b" "a" (func)))"#] {
            let module = wat::parse_str(text).unwrap();
            assert_eq!(with_unique_names(module.clone()), module);
        }
    }
}
