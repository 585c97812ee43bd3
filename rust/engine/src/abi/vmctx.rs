//! Layout of the vmctx: the block that compiled code of an instance gets as its first argument.
//!
//! Compiled code and the `vm` module agree on these offsets and on nothing else. Everything that
//! never changes during an instance's life is marked *fixed*: compiled code may load it once and
//! keep it.
//!
//! ```text
//! Header          fixed: builtins, store, instance
//! type_ids        fixed: u32 x types          engine-wide ids of the module's types
//! imports         fixed: FuncImport x imported functions
//! memories        fixed: MemoryEntry x memories
//! tables          fixed: TableEntry x tables
//! tags            fixed: usize x tags         which tag each is: an address in its store
//! global_imports  fixed: *mut GlobalCell x imported globals
//! globals         GlobalCell x own globals
//! func_records    fixed: FuncRecord x escaping functions
//! data            DataEntry of all active data segments, which are empty; then one x passive ones
//! elements        ElementEntry of all other element segments; then one x passive ones
//! ```

// `repr(C)` structures below are read by compiled code at the offsets that `offset_of!` returns.

use crate::prelude::*;
use crate::wasm::{ModuleInfo, SegmentMode};
use core::mem::size_of;
use core::sync::atomic::{AtomicU64, AtomicUsize};

/// First words of a vmctx and of a host function's record, so that either serves as callee context
/// of a stub.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// Functions of the engine that compiled code calls.
    pub builtins: *const crate::abi::Builtins,
    /// The store, for `vm` only.
    pub store: *const (),
    /// The `vm` instance that this belongs to, for `vm` only.
    pub instance: *const (),
    /// Which kind of context this is: [`VMCTX_MAGIC`] or [`HOST_MAGIC`].
    pub magic: u64,
}

/// `Header::magic` of an instance's vmctx.
pub const VMCTX_MAGIC: u64 = 0x7874_636d_7677_6f67;
/// `Header::magic` of a host function's record.
pub const HOST_MAGIC: u64 = 0x7473_6f68_7677_6f67;

/// The record of a host function: what an imported function's `vmctx` points to when the host
/// implements it.
#[repr(C)]
#[derive(Debug)]
pub struct HostFunction {
    /// Shared beginning with a vmctx.
    pub header: Header,
    /// Serial number of the instance that imports it, as the Go side counts them.
    pub instance_id: u64,
    /// Index of the implementation among that instance's host functions on the Go side.
    pub function_index: u64,
    /// Address of the embedder's C function, or null.
    pub c_function: *const u8,
    /// First argument of `c_function`: an opaque token for the importing instance.
    pub c_context: *const u8,
    /// Compiled adapter that spreads slots into the registers of a C call: `extern "C"
    /// fn(c_function, c_context, slots)`.
    pub c_adapter: *const u8,
    /// Slots of the parameters, so that the Go side knows how many to read.
    pub params: u32,
    /// Slots of the results.
    pub results: u32,
    /// Definition of memory 0 of the instance that imports it, or null: where an intrinsic writes
    /// to (`fiber::intrinsics`).
    pub memory: *const MemoryDefinition,
    /// The datum of its intrinsic, 0 without one.
    pub intrinsic_data: i64,
}

/// A function that can be called from outside of its module or through a reference. Immutable once
/// published.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FuncRecord {
    /// Compiled code: `CallConv::Tail`, parameters (vmctx, wasm parameters...).
    pub code: *const u8,
    /// First argument of `code`: an instance's vmctx or a `HostFunction`.
    pub vmctx: *const u8,
    /// Array-style entry for this type: `CallConv::Tail`, parameters (code, vmctx, slots).
    pub entry: *const u8,
    /// Engine-wide id of the function's type.
    pub type_id: u32,
    /// Its index in the instance that defines it; of a host function, in the one that imports it.
    /// For `vm` only.
    pub function: u32,
}

/// An imported function.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FuncImport {
    /// As in `FuncRecord`.
    pub code: *const u8,
    /// As in `FuncRecord`.
    pub vmctx: *const u8,
    /// The record that was imported, for references to it.
    pub record: *const FuncRecord,
}

/// How compiled code reaches a memory. Both fields are fixed: a memory never moves.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MemoryEntry {
    /// First byte.
    pub base: *mut u8,
    /// Its definition, which holds the size.
    pub definition: *const MemoryDefinition,
}

/// The part of a memory that changes. Owned by the memory, shared by all instances that use it, and
/// read by Go.
#[repr(C)]
#[derive(Debug)]
pub struct MemoryDefinition {
    /// First byte; null once the memory is closed.
    pub base: AtomicUsize,
    /// Accessible bytes, a multiple of the page size; only grows (0 once closed).
    pub length: AtomicU64,
    /// Bytes that growing may reach at most: the declared maximum, cut by the embedder's ceiling
    /// and by what could be reserved.
    pub max_length: u64,
    /// Bytes of a page: 65,536, or 1.
    pub page_size: u64,
}

/// How compiled code reaches a table. Both fields are fixed: a table never moves.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TableEntry {
    /// First element; an element is a 64-bit slot (`*const FuncRecord` or an externref handle; 0 is
    /// null).
    pub base: *mut u64,
    /// Its definition, which holds the bound.
    pub definition: *const TableDefinition,
}

/// The part of a table that changes.
#[repr(C)]
#[derive(Debug)]
pub struct TableDefinition {
    /// First element.
    pub base: AtomicUsize,
    /// Number of elements; only grows.
    pub bound: AtomicU64,
}

/// A global's value: one slot, or two of a v128.
#[repr(C, align(16))]
#[derive(Debug, Default)]
pub struct GlobalCell {
    /// The slots.
    pub slots: [AtomicU64; 2],
}

/// A data segment as `memory.init` sees it; `data.drop` sets the length to 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DataEntry {
    /// First byte.
    pub base: *const u8,
    /// Number of bytes.
    pub length: u64,
}

/// An element segment as `table.init` sees it; `elem.drop` sets the length to 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ElementEntry {
    /// First element, a slot as in a table.
    pub base: *const u64,
    /// Number of elements.
    pub length: u64,
}

/// Byte offsets of the parts of one module's vmctx; alignment of the block is 16.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmctxLayout {
    type_ids: u32,
    imports: u32,
    memories: u32,
    tables: u32,
    tags: u32,
    global_imports: u32,
    globals: u32,
    func_records: u32,
    data: u32,
    elements: u32,
    size: u32,
    imported_globals: u32,
    /// The passive segments of data and of elements: a program can have tens of thousands of active
    /// ones, which code can only find empty.
    passive_data: Box<[u32]>,
    passive_elements: Box<[u32]>,
}

impl VmctxLayout {
    /// Lays out the vmctx of a module.
    #[must_use]
    pub fn new(info: &ModuleInfo) -> Self {
        let mut at = size_of::<Header>() as u32;
        let mut part = |count: usize, size: usize| {
            at = at.next_multiple_of(16);
            let start = at;
            at += u32::try_from(count * size).expect("counts are limited by validation");
            start
        };
        let own_globals = info.globals.len() - info.imported_globals as usize;
        let passive_data = passive(info.data.iter().map(|segment| &segment.mode));
        let passive_elements = passive(info.elements.iter().map(|segment| &segment.mode));
        Self {
            type_ids: part(info.types.len(), size_of::<u32>()),
            imports: part(info.imported_functions as usize, size_of::<FuncImport>()),
            memories: part(info.memories.len(), size_of::<MemoryEntry>()),
            tables: part(info.tables.len(), size_of::<TableEntry>()),
            tags: part(info.tags.len(), size_of::<usize>()),
            global_imports: part(info.imported_globals as usize, size_of::<usize>()),
            globals: part(own_globals, size_of::<GlobalCell>()),
            func_records: part(info.escaping.len(), size_of::<FuncRecord>()),
            data: part(1 + passive_data.len(), size_of::<DataEntry>()),
            elements: part(1 + passive_elements.len(), size_of::<ElementEntry>()),
            size: part(0, 1),
            imported_globals: info.imported_globals,
            passive_data,
            passive_elements,
        }
    }

    /// Bytes of the whole block.
    #[must_use]
    pub const fn size(&self) -> u32 {
        self.size
    }

    /// Offset of the `u32` type id of a type index.
    #[must_use]
    pub const fn type_id(&self, ty: u32) -> u32 {
        self.type_ids + ty * size_of::<u32>() as u32
    }

    /// Offset of the `FuncImport` of an imported function.
    #[must_use]
    pub const fn import(&self, function: u32) -> u32 {
        self.imports + function * size_of::<FuncImport>() as u32
    }

    /// Offset of the `MemoryEntry` of a memory.
    #[must_use]
    pub const fn memory(&self, memory: u32) -> u32 {
        self.memories + memory * size_of::<MemoryEntry>() as u32
    }

    /// Offset of the `TableEntry` of a table.
    #[must_use]
    pub const fn table(&self, table: u32) -> u32 {
        self.tables + table * size_of::<TableEntry>() as u32
    }

    /// Offset of the word that says which tag one is.
    #[must_use]
    pub const fn tag(&self, tag: u32) -> u32 {
        self.tags + tag * size_of::<usize>() as u32
    }

    /// Offset of the pointer to an imported global's cell.
    #[must_use]
    pub const fn global_import(&self, global: u32) -> u32 {
        self.global_imports + global * size_of::<usize>() as u32
    }

    /// Offset of the cell of an own global, by its index in the whole index space.
    #[must_use]
    pub const fn global(&self, global: u32) -> u32 {
        self.globals + (global - self.imported_globals) * size_of::<GlobalCell>() as u32
    }

    /// Offset of the `FuncRecord` at a position of `ModuleInfo::escaping`.
    #[must_use]
    pub const fn func_record(&self, escaping: u32) -> u32 {
        self.func_records + escaping * size_of::<FuncRecord>() as u32
    }

    /// Offset of the `DataEntry` of a data segment: one of its own if it is passive, else one that
    /// is always empty.
    #[must_use]
    pub fn data(&self, segment: u32) -> u32 {
        self.data + position(&self.passive_data, segment) * size_of::<DataEntry>() as u32
    }

    /// The same of the `ElementEntry` of an element segment.
    #[must_use]
    pub fn element(&self, segment: u32) -> u32 {
        self.elements + position(&self.passive_elements, segment) * size_of::<ElementEntry>() as u32
    }

    /// The passive data segments, by their indices.
    #[must_use]
    pub const fn passive_data(&self) -> &[u32] {
        &self.passive_data
    }

    /// The passive element segments, by their indices.
    #[must_use]
    pub const fn passive_elements(&self) -> &[u32] {
        &self.passive_elements
    }
}

/// The indices of the passive ones among segments.
fn passive<'a>(modes: impl Iterator<Item = &'a SegmentMode>) -> Box<[u32]> {
    let passive = (0..).zip(modes).filter(|(_, mode)| **mode == SegmentMode::Passive);
    passive.map(|(index, _)| index).collect()
}

/// Which entry is that of a segment.
fn position(passive: &[u32], segment: u32) -> u32 {
    passive.binary_search(&segment).map_or(0, |position| 1 + position as u32)
}
