//! Snapshots: what an instance holds at one moment, from which others are made.
//!
//! Sandbox-critical: a reference to a function is kept as the function's index in the module, and
//! becomes a slot of another instance only through the records of that instance.

use super::image::MemoryImage;
use super::initialize;
use super::instance::{Instance, InstanceData};
use super::memory::Memory;
use super::module::Module;
use super::slots;
use super::template::Elements;
pub(super) use super::template::Reference;
use crate::error::{Error, ErrorKind, Result};
use crate::prelude::*;
use crate::types::ValType;
use alloc::sync::Arc;

/// What the own memories, tables and globals of an instance held at one moment, and which of its
/// segments were dropped. A handle: clones are the same snapshot.
#[derive(Clone, Debug)]
pub struct Snapshot(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: State,
    /// The elements of the state's tables, prepared.
    elements: Vec<Elements>,
}

/// The state; of all that is imported there is nothing in it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) module: Module,
    pub(super) memories: Vec<MemoryState>,
    /// Elements of each own table; none of those that all instances of the module share.
    pub(super) tables: Vec<Vec<Reference>>,
    /// Values of all own globals.
    pub(super) globals: Vec<Value>,
    /// Whether each element segment is whole.
    pub(super) elements: Vec<bool>,
    /// The same for data segments.
    pub(super) data: Vec<bool>,
}

/// What a memory holds.
#[derive(Debug)]
pub(super) struct MemoryState {
    /// Its length in its pages.
    pub(super) pages: u64,
    /// An image of all that is not zero; or else
    pub(super) image: Option<Arc<MemoryImage>>,
    /// pieces of bytes at their offsets, which are to be copied.
    pub(super) pieces: Vec<(u64, Box<[u8]>)>,
}

/// The value of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A number or a vector, by its slots.
    Number(u128),
    /// A reference; of an externref always null.
    Reference(Reference),
}

impl Snapshot {
    /// Takes a snapshot of an instance of which no code runs.
    ///
    /// # Errors
    /// Kind `Argument` for what cannot be kept: values of externref, and references to functions of
    /// other instances.
    pub(super) fn take(data: &InstanceData) -> Result<Self> {
        let info = data.module.info();
        let memories = (info.imported_memories..info.memories.len() as u32).map(|index| memory(data.memory(index)));
        let memories = memories.collect();
        let tables = (info.imported_tables..info.tables.len() as u32).map(|index| table(data, index));
        let tables = tables.collect::<Result<_>>()?;
        let globals = (info.imported_globals..info.globals.len() as u32).map(|index| global(data, index));
        let globals = globals.collect::<Result<_>>()?;
        let elements = (0..info.elements.len() as u32).map(|index| data.has_elements(index)).collect();
        let bytes = (0..info.data.len() as u32).map(|index| data.has_bytes(index)).collect();
        let module = data.module.clone();
        Ok(Self::new(State { module, memories, tables, globals, elements, data: bytes }))
    }

    /// A snapshot of a state that fits its module.
    pub(super) fn new(state: State) -> Self {
        let (info, layout) = (state.module.info(), state.module.layout());
        let elements = state.tables.iter().map(|references| Elements::new(info, layout, references)).collect();
        Self(Arc::new(Inner { state, elements }))
    }

    pub(super) fn state(&self) -> &State {
        &self.0.state
    }

    /// The module of the instance.
    #[must_use]
    pub fn module(&self) -> &Module {
        &self.0.state.module
    }
}

impl Drop for State {
    fn drop(&mut self) {
        for image in self.memories.iter().filter_map(|memory| memory.image.as_ref()) {
            slots::retire(image);
        }
    }
}

impl Instance {
    /// Takes a snapshot of the own memories, tables, globals and segments. What is imported is not
    /// part of it.
    ///
    /// # Errors
    /// Kind `Argument` for what cannot be kept: a value of externref, or a reference to a function
    /// of another instance that the module does not import.
    pub fn snapshot(&self) -> Result<Snapshot> {
        Snapshot::take(self.data())
    }
}

impl MemoryState {
    /// The state of a memory whose bytes, but for zeros, are in pieces.
    pub(super) fn new(length: u64, pages: u64, guarded: bool, pieces: &[(u64, &[u8])]) -> Self {
        let image = if guarded { MemoryImage::new(length, pieces, true) } else { None };
        let copied = if image.is_some() { &[] } else { pieces };
        let pieces = copied.iter().map(|(offset, bytes)| (*offset, (*bytes).into())).collect();
        Self { pages, image, pieces }
    }

    /// The pieces, from the image or not.
    pub(super) fn pieces(&self) -> Vec<(u64, &[u8])> {
        let image = self.image.as_ref().map(|image| image.bytes());
        image.into_iter().chain(self.pieces.iter().map(|(offset, bytes)| (*offset, &**bytes))).collect()
    }
}

/// What a memory holds.
fn memory(memory: &Memory) -> MemoryState {
    let pieces = memory.pieces();
    MemoryState::new(memory.length(), memory.ty().limits.min, memory.is_guarded(), &pieces)
}

fn table(data: &InstanceData, index: u32) -> Result<Vec<Reference>> {
    if data.module.info().shares_table(index) {
        return Ok(Vec::new());
    }
    let table = data.table(index);
    let elements = (0..table.bound()).map(|element| {
        let slot = table.get(element).expect("below the bound, which only grows");
        let what = || format!("element {element} of table {index}");
        reference(data, table.ty().element, slot, what)
    });
    elements.collect()
}

fn global(data: &InstanceData, index: u32) -> Result<Value> {
    let (cell, ty) = (data.global(index), data.module.info().globals[index as usize].value);
    Ok(match ty {
        ValType::FuncRef | ValType::ExternRef | ValType::ExnRef => {
            Value::Reference(reference(data, ty, cell.get(ty), || format!("global {index}"))?)
        }
        ValType::V128 => Value::Number(cell.get128()),
        _ => Value::Number(u128::from(cell.get(ty))),
    })
}

/// What a slot refers to; `what` is where it lies.
fn reference(data: &InstanceData, ty: ValType, slot: u64, what: impl FnOnce() -> String) -> Result<Reference> {
    if slot == 0 {
        return Ok(None);
    }
    let found = if ty == ValType::FuncRef { data.function_of(slot) } else { None };
    if found.is_some() {
        return Ok(found);
    }
    let holds = match ty {
        ValType::FuncRef => "a function of another instance".into(),
        ty => format!("a value of type {ty}"),
    };
    let message = format!("{} holds {holds}, which a snapshot cannot keep; set it to null before", what());
    Err(Error::new(ErrorKind::Argument, message))
}

impl Snapshot {
    /// Makes the memories, tables, globals and segments of an instance what they were. Memories and
    /// tables have begun with their sizes, the memories with their images; no code runs.
    pub(super) fn restore(&self, data: &InstanceData) -> Result<()> {
        let (info, this) = (data.module.info(), self.state());
        for (index, state) in (info.imported_memories..).zip(&this.memories) {
            for (offset, bytes) in &state.pieces {
                assert!(data.memory(index).write(*offset, bytes), "the memory began with its size");
            }
        }
        for (index, elements) in (info.imported_tables..).zip(&self.0.elements) {
            elements.fill(data, data.table(index));
        }
        for (index, value) in (info.imported_globals..).zip(&this.globals) {
            match value {
                Value::Number(value) => data.global(index).set128(*value),
                Value::Reference(reference) => data.global(index).set(slot(data, *reference)?),
            }
        }
        initialize::passive_segments(data);
        let layout = data.module.layout();
        for index in layout.passive_elements().iter().filter(|index| !this.elements[**index as usize]) {
            data.drop_elements(*index);
        }
        for index in layout.passive_data().iter().filter(|index| !this.data[**index as usize]) {
            data.drop_bytes(*index);
        }
        Ok(())
    }
}

/// The slot that refers to a function in an instance.
fn slot(data: &InstanceData, reference: Reference) -> Result<u64> {
    let Some(function) = reference else { return Ok(0) };
    data.slot_of(function).ok_or_else(|| {
        let message = format!("a reference to function {function}, expected one that references can be taken of");
        Error::new(ErrorKind::Deserialize, message)
    })
}
