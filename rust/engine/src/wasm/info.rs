//! What a validated module declares: the compiler's and the linker's view of it, without its
//! function bodies.

use super::segments::SegmentBytes;
use crate::prelude::*;
use crate::types::{ExternType, FuncType, GlobalType, MemoryType, TableType, ValType};
use core::ops::Deref;
use serde::{Deserialize, Serialize};

/// The declarations of a validated module (WebAssembly 2.0, section 2.5). Index spaces begin with
/// the imports.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModuleInfo {
    /// Function types, by type index.
    pub types: Vec<FuncType>,
    /// Imports in their order.
    pub imports: Vec<Import>,
    /// Type index of every function, imported ones first.
    pub functions: Vec<u32>,
    /// How many of `functions` are imported.
    pub imported_functions: u32,
    /// Every table, imported ones first.
    pub tables: Vec<TableType>,
    /// How many of `tables` are imported.
    pub imported_tables: u32,
    /// Whether a table can ever grow after instantiation: it is exported or imported, or the code
    /// holds a `table.grow` of it. Never, where its own maximum equals its minimum.
    pub table_can_grow: Vec<bool>,
    /// What is known of each table's elements, if nothing but the module's active segments ever
    /// writes to it.
    pub table_contents: Vec<Option<TableContents>>,
    /// Every memory, imported ones first.
    pub memories: Vec<MemoryType>,
    /// How many of `memories` are imported.
    pub imported_memories: u32,
    /// Every global, imported ones first.
    pub globals: Vec<GlobalType>,
    /// How many of `globals` are imported.
    pub imported_globals: u32,
    /// Initial values of the globals that are not imported.
    pub global_inits: Vec<ConstExpr>,
    /// Type index of every tag, imported ones first.
    pub tags: Vec<u32>,
    /// How many of `tags` are imported.
    pub imported_tags: u32,
    /// Exports in their order.
    pub exports: Vec<Export>,
    /// Index of the start function.
    pub start: Option<u32>,
    /// Element segments.
    pub elements: Vec<ElementSegment>,
    /// Data segments.
    #[serde(with = "super::segments")]
    pub data: Vec<DataSegment>,
    /// Functions that a reference can be taken of (exported, in an element segment, `ref.func` of
    /// a global): each has a record in the vmctx, at the position it has here. Sorted, without
    /// duplicates. Without those that are only called, by tables that all instances share.
    pub escaping: Vec<u32>,
    /// Names of the "name" section.
    pub names: Names,
    /// Sections in their order, for tools.
    pub sections: Vec<Section>,
    /// Those that hold debugging information.
    pub debug: Vec<DebugSection>,
    /// CRC-32 of the module's bytes.
    pub checksum: u32,
}

impl ModuleInfo {
    /// Type of a function by its index.
    #[must_use]
    pub fn function_type(&self, function: u32) -> &FuncType {
        &self.types[self.functions[function as usize] as usize]
    }

    /// Type of a tag by its index.
    #[must_use]
    pub fn tag_type(&self, tag: u32) -> &FuncType {
        &self.types[self.tags[tag as usize] as usize]
    }

    /// Whether a function is imported.
    #[must_use]
    pub const fn is_imported_function(&self, function: u32) -> bool {
        function < self.imported_functions
    }

    /// Position of a function's record in the vmctx, if references to it can be taken.
    #[must_use]
    pub fn escaping_index(&self, function: u32) -> Option<u32> {
        self.escaping.binary_search(&function).ok().map(|i| i as u32)
    }

    /// Whether all instances share a table: see [`TableContents::shared`].
    #[must_use]
    pub fn shares_table(&self, table: u32) -> bool {
        self.table_contents[table as usize].is_some_and(|contents| contents.shared)
    }

    /// Where the contents of the code section begin in the module's bytes, 0 if there is none.
    /// Debugging information counts from there.
    #[must_use]
    pub fn code_offset(&self) -> u32 {
        let code = self.sections.iter().find(|section| !section.custom && section.name == "code");
        code.map_or(0, |section| section.start as u32)
    }

    /// Type of what an export refers to.
    #[must_use]
    pub fn export_type(&self, export: &Export) -> ExternType {
        let index = export.index as usize;
        match export.kind {
            ExternKind::Func => ExternType::Func(self.function_type(export.index).clone()),
            ExternKind::Table => ExternType::Table(self.tables[index]),
            ExternKind::Memory => ExternType::Memory(self.memories[index]),
            ExternKind::Global => ExternType::Global(self.globals[index]),
            ExternKind::Tag => ExternType::Tag(self.tag_type(export.index).clone()),
        }
    }
}

/// What an element of a table is at any time, if it is not null: one of the functions that the
/// module's own active segments name.
///
/// That holds, even after an instantiation that failed half way, for a table that is neither
/// imported nor exported and that no instruction of the module writes to, if no item of these
/// segments depends on the instance. Nothing is said about which elements are null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableContents {
    /// The type index of all these functions, if they have one type.
    pub ty: Option<u32>,
    /// Whether all these functions are the module's own: then their instance is the table's.
    pub own: bool,
    /// Whether, beyond that, nothing but calls reads elements, and where segments put them is the
    /// same in all instances: then these share one table, whose records name no instance.
    pub shared: bool,
}

impl TableContents {
    /// Whether a function of the module may be an element, as far as calls rely on it.
    #[must_use]
    pub fn may_hold(&self, info: &ModuleInfo, function: u32) -> bool {
        let same = |ty: u32| info.function_type(function) == &info.types[ty as usize];
        (!self.own || !info.is_imported_function(function)) && self.ty.is_none_or(same)
    }
}

/// The kinds of what can be imported or exported; the numbers are those of the binary format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum ExternKind {
    /// A function.
    Func = 0,
    /// A table.
    Table = 1,
    /// A memory.
    Memory = 2,
    /// A global.
    Global = 3,
    /// A tag.
    Tag = 4,
}

/// One import.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Import {
    /// The namespace, called module in the specification.
    pub namespace: String,
    /// The name within the namespace.
    pub name: String,
    /// What is asked for.
    pub ty: ExternType,
}

/// One export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// The name, unique in the module.
    pub name: String,
    /// What is given.
    pub kind: ExternKind,
    /// Its index in the index space of its kind.
    pub index: u32,
}

/// One operation of a constant expression (WebAssembly 3.0, section 3.3.11.2); floats by their
/// bits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum ConstOp {
    /// `i32.const`
    I32(i32),
    /// `i64.const`
    I64(i64),
    /// `f32.const`
    F32(u32),
    /// `f64.const`
    F64(u64),
    /// `v128.const`, in the order of its lanes
    V128([u8; 16]),
    /// `global.get` of an immutable global: an imported one, or in a global's initial value one
    /// before it.
    GlobalGet(u32),
    /// `ref.null`
    RefNull,
    /// `ref.func`
    RefFunc(u32),
    /// `i32.add`
    I32Add,
    /// `i32.sub`
    I32Sub,
    /// `i32.mul`
    I32Mul,
    /// `i64.add`
    I64Add,
    /// `i64.sub`
    I64Sub,
    /// `i64.mul`
    I64Mul,
}

impl ConstOp {
    /// The operand type of an operation that takes two values and returns one of the same type.
    #[must_use]
    pub const fn binary(self) -> Option<ValType> {
        match self {
            Self::I32Add | Self::I32Sub | Self::I32Mul => Some(ValType::I32),
            Self::I64Add | Self::I64Sub | Self::I64Mul => Some(ValType::I64),
            _ => None,
        }
    }
}

/// A constant expression: operations of a stack machine that leave one value. Used as a slice of
/// them.
///
/// Element segments hold one for each item, so an expression of one operation, the usual one, lies
/// in place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ConstExpr {
    /// A single operation.
    One(ConstOp),
    /// Any other number.
    Many(Box<[ConstOp]>),
}

impl From<Vec<ConstOp>> for ConstExpr {
    fn from(ops: Vec<ConstOp>) -> Self {
        match *ops {
            [op] => Self::One(op),
            _ => Self::Many(ops.into()),
        }
    }
}

impl Deref for ConstExpr {
    type Target = [ConstOp];

    fn deref(&self) -> &[ConstOp] {
        match self {
            Self::One(op) => core::slice::from_ref(op),
            Self::Many(ops) => ops,
        }
    }
}

impl<'a> IntoIterator for &'a ConstExpr {
    type Item = &'a ConstOp;
    type IntoIter = core::slice::Iter<'a, ConstOp>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Where the items of a segment go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SegmentMode {
    /// Copied at instantiation, to a table or memory at an offset.
    Active {
        /// Index of the table or memory.
        index: u32,
        /// Offset in elements or bytes.
        offset: ConstExpr,
    },
    /// Copied by `table.init` or `memory.init`.
    Passive,
    /// Only declares functions that references are taken of.
    Declared,
}

/// An element segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ElementSegment {
    /// Where its items go.
    pub mode: SegmentMode,
    /// Reference type of its items.
    pub ty: ValType,
    /// Its items.
    #[serde(with = "super::segments::items")]
    pub items: Vec<ConstExpr>,
}

/// A data segment.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSegment {
    /// Where its bytes go; never `Declared`.
    pub mode: SegmentMode,
    /// Its bytes.
    pub bytes: SegmentBytes,
}

/// Names from the custom section "name" (appendix, "Name Section"); damaged or missing names are
/// left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Names {
    /// Name of the module.
    pub module: Option<String>,
    /// Function names as (index, name), sorted by index.
    pub functions: Vec<(u32, String)>,
}

impl Names {
    /// Name of a function, if the section has one.
    #[must_use]
    pub fn function(&self, index: u32) -> Option<&str> {
        let at = self.functions.binary_search_by_key(&index, |(index, _)| *index).ok()?;
        Some(&self.functions[at].1)
    }
}

/// A section of the binary, for `gowasmer inspect`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// The section's name: that of the specification, or a custom section's own.
    pub name: String,
    /// Whether it is a custom section.
    pub custom: bool,
    /// Bytes of its contents.
    pub size: u64,
    /// Where its own bytes begin in the module's, those of a custom section after its name...
    pub start: u64,
    /// ...and end.
    pub end: u64,
}

/// A custom section that holds debugging information (<https://dwarfstd.org>; its tool convention
/// for WebAssembly).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebugSection {
    /// The section's name, such as ".debug_line".
    pub name: String,
    /// Its bytes.
    #[serde(with = "super::bytes")]
    pub bytes: Vec<u8>,
}
