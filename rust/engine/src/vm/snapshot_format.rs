//! Snapshots as bytes: a header that says what module they belong to, and the state.
//!
//! ```text
//! magic      8 bytes
//! format     u32       version of this layout
//! checksum   u32       CRC-32 of all that follows
//! length     u64       bytes of the whole, header included
//! module     u32       checksum of the bytes of the module, then of what it declares
//! state      in postcard's format
//! ```
//!
//! Numbers are little endian. There is no machine code in it, and everything is checked against the
//! module. But compiled code takes it that a table that nothing changes holds what the module says;
//! so do not read bytes of somebody who is not trusted.

use super::module::Module;
use super::snapshot::{MemoryState, Reference, Snapshot, State, Value};
use crate::checksum::checksum;
use crate::error::{Error, ErrorKind, Result};
use crate::options::BoundsMode;
use crate::prelude::*;
use crate::types::{Limits, ValType};
use crate::wasm::{ModuleInfo, SegmentMode};
use core::fmt::Display;
use serde::{Deserialize, Serialize};

const MAGIC: [u8; 8] = *b"\x7fgowsnap";
/// To be raised with every change of the layout, and of the types that are serialised.
const FORMAT: u32 = 2;
/// Offset of the checksum, where the bytes that it covers begin, and where the state does.
const CHECKSUM: usize = 12;
const CHECKED: usize = 16;
const FIXED: usize = 32;

/// Pieces of a memory at their offsets.
type Pieces<'a> = Vec<(u64, &'a [u8])>;

/// A state as it is written; of memories the pages and the bytes.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    memories: Vec<(u64, Pieces<'a>)>,
    tables: Vec<Vec<Reference>>,
    globals: Vec<WrittenValue>,
    elements: Vec<bool>,
    data: Vec<bool>,
}

#[derive(Serialize, Deserialize)]
enum WrittenValue {
    Number(u128),
    Reference(Reference),
}

impl Snapshot {
    /// Its bytes for [`Snapshot::deserialize`], with the same module.
    ///
    /// # Panics
    /// Never: a vector takes any number of bytes.
    #[must_use]
    pub fn serialize(&self) -> Vec<u8> {
        let state = self.state();
        let written = Written {
            memories: state.memories.iter().map(|memory| (memory.pages, memory.pieces())).collect(),
            tables: state.tables.clone(),
            globals: state
                .globals
                .iter()
                .map(|value| match value {
                    Value::Number(number) => WrittenValue::Number(*number),
                    Value::Reference(reference) => WrittenValue::Reference(*reference),
                })
                .collect(),
            elements: state.elements.clone(),
            data: state.data.clone(),
        };
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT.to_le_bytes());
        bytes.resize(FIXED - size_of::<u64>(), 0);
        bytes.extend(identity(&state.module).to_le_bytes());
        let mut bytes = postcard::to_extend(&written, bytes).expect("a vector takes any number of bytes");
        let length = bytes.len() as u64;
        bytes[CHECKED..CHECKED + size_of::<u64>()].copy_from_slice(&length.to_le_bytes());
        let checksum = checksum(&bytes[CHECKED..]);
        bytes[CHECKSUM..CHECKED].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Makes a snapshot of a module of what [`Snapshot::serialize`] gave.
    ///
    /// # Errors
    /// Kind `Deserialize`: the bytes are cut or altered, are no snapshot, or one of another module.
    pub fn deserialize(module: &Module, bytes: &[u8]) -> Result<Self> {
        let written = read(module, bytes)?;
        let info = module.info();
        check(info, &written).map_err(|why| refuse(format!("its contents do not fit the module: {why}")))?;
        let own = &info.memories[info.imported_memories as usize..];
        let memories = own.iter().zip(&written.memories).map(|(ty, (pages, pieces))| {
            let guarded = module.options().bounds.of_memory(ty) == BoundsMode::Guarded;
            MemoryState::new(pages * ty.page_size(), *pages, guarded, pieces)
        });
        Ok(Self::new(State {
            module: module.clone(),
            memories: memories.collect(),
            tables: written.tables,
            globals: written
                .globals
                .into_iter()
                .map(|value| match value {
                    WrittenValue::Number(number) => Value::Number(number),
                    WrittenValue::Reference(reference) => Value::Reference(reference),
                })
                .collect(),
            elements: written.elements,
            data: written.data,
        }))
    }
}

/// What tells modules apart.
fn identity(module: &Module) -> u64 {
    let info = module.info();
    let declared = postcard::to_extend(info, Vec::new()).expect("a vector takes any number of bytes");
    u64::from(checksum(&declared)) << 32 | u64::from(info.checksum)
}

/// Reads the header and decodes the state.
fn read<'a>(module: &Module, bytes: &'a [u8]) -> Result<Written<'a>> {
    if !bytes.starts_with(&MAGIC) {
        let given = &bytes[..bytes.len().min(MAGIC.len())];
        return Err(refuse(format!("it begins with {given:02x?}, expected {MAGIC:02x?}")));
    }
    let header = bytes.get(..FIXED).ok_or_else(|| refuse(format!("it is cut: {} bytes given", bytes.len())))?;
    let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
    let long = |at: usize| u64::from(word(at + 4)) << 32 | u64::from(word(at));
    if word(MAGIC.len()) != FORMAT {
        return Err(refuse(format!("its format has version {}, expected {FORMAT}", word(MAGIC.len()))));
    }
    if long(CHECKED) != bytes.len() as u64 {
        let (given, expected) = (bytes.len(), long(CHECKED));
        return Err(refuse(format!("it is cut or altered: {given} bytes given, expected {expected}")));
    }
    let (found, expected) = (checksum(&bytes[CHECKED..]), word(CHECKSUM));
    if found != expected {
        return Err(refuse(format!("it was altered: its checksum is {found:#010x}, expected {expected:#010x}")));
    }
    let (found, expected) = (long(FIXED - size_of::<u64>()), identity(module));
    if found != expected {
        return Err(refuse(format!("it was taken of another module: {found:#018x}, expected {expected:#018x}")));
    }
    postcard::from_bytes(&bytes[FIXED..]).map_err(|error| refuse(format!("its contents cannot be decoded: {error}")))
}

/// Checks a state against its module; gives why it does not fit.
fn check(info: &ModuleInfo, written: &Written<'_>) -> core::result::Result<(), String> {
    let count = |what: &str, given: usize, expected: usize| {
        if given == expected { Ok(()) } else { Err(format!("{given} {what}, expected {expected}")) }
    };
    let size = |what: &str, given: u64, Limits { min, max }: Limits, most: u64| {
        let most = max.unwrap_or(most).min(most);
        if (min..=most).contains(&given) { Ok(()) } else { Err(format!("{what} of {given}, expected {min} to {most}")) }
    };
    let memories = &info.memories[info.imported_memories as usize..];
    count("memories", written.memories.len(), memories.len())?;
    for (ty, (pages, pieces)) in memories.iter().zip(&written.memories) {
        size("a memory", *pages, ty.limits, ty.max_bytes_of_sort() / ty.page_size())?;
        let length = pages * ty.page_size();
        for (offset, bytes) in pieces {
            if offset.checked_add(bytes.len() as u64).is_none_or(|end| end > length) {
                return Err(format!("{} bytes at offset {offset} of a memory of {length}", bytes.len()));
            }
        }
    }
    let reference = |reference: &Reference, ty: ValType| match reference {
        None => Ok(()),
        Some(function) if ty == ValType::FuncRef => {
            let known = *function < info.imported_functions || info.escaping_index(*function).is_some();
            if known { Ok(()) } else { Err(format!("a reference to function {function}, of which none is taken")) }
        }
        Some(_) => Err(format!("a reference to a function of type {ty}, expected null")),
    };
    let own = info.imported_tables as usize..info.tables.len();
    count("tables", written.tables.len(), own.len())?;
    for (index, elements) in own.zip(&written.tables) {
        if info.shares_table(index as u32) {
            count("elements of a table that never changes", elements.len(), 0)?;
            continue;
        }
        let ty = &info.tables[index];
        let min = ty.limits.min;
        let limits = if info.table_can_grow[index] { ty.limits } else { Limits { min, max: Some(min) } };
        size("a table", elements.len() as u64, limits, u64::from(crate::types::MAX_TABLE_ELEMENTS))?;
        elements.iter().try_for_each(|element| reference(element, ty.element))?;
        // Calls leave out checks where a table never changes.
        if let Some(contents) = info.table_contents[index]
            && let Some(function) = elements.iter().flatten().find(|function| !contents.may_hold(info, **function))
        {
            return Err(format!("function {function} in a table that never holds it"));
        }
    }
    let globals = &info.globals[info.imported_globals as usize..];
    count("globals", written.globals.len(), globals.len())?;
    for (ty, value) in globals.iter().zip(&written.globals) {
        match (value, ty.value) {
            (WrittenValue::Reference(given), ValType::FuncRef | ValType::ExternRef | ValType::ExnRef) => {
                reference(given, ty.value)?;
            }
            (WrittenValue::Number(_), ValType::FuncRef | ValType::ExternRef | ValType::ExnRef)
            | (WrittenValue::Reference(_), _) => {
                return Err(format!("another value for a global of type {}", ty.value));
            }
            (WrittenValue::Number(number), ty) => {
                let bits = match ty {
                    ValType::V128 => 128,
                    ValType::I64 | ValType::F64 => 64,
                    _ => 32,
                };
                if number.checked_shr(bits).is_some_and(|rest| rest != 0) {
                    return Err(format!("{number:#x} for a global of type {ty}"));
                }
            }
        }
    }
    count("element segments", written.elements.len(), info.elements.len())?;
    count("data segments", written.data.len(), info.data.len())?;
    let elements = info.elements.iter().map(|segment| &segment.mode).zip(&written.elements);
    let mut segments = elements.chain(info.data.iter().map(|segment| &segment.mode).zip(&written.data));
    if segments.any(|(mode, whole)| *whole && *mode != SegmentMode::Passive) {
        return Err("a whole segment that is not passive".into());
    }
    Ok(())
}

fn refuse(why: impl Display) -> Error {
    Error::new(ErrorKind::Deserialize, format!("this snapshot cannot be used: {why}"))
}
