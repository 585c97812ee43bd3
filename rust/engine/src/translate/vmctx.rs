//! How compiled code reads the vmctx, and the alias regions that tell Cranelift which accesses
//! cannot overlap.
//!
//! Every store has a region: a store without one would count as a fence. A place in memory belongs
//! to one region only. What several imports might share (they may be the same object) is one
//! region; what the module defines is a region of its own, since an import can never be that
//! object: it existed before. Calls fence all regions, so others' writes are seen after them.

use super::function::FunctionTranslation;
use super::once::Once;
use cranelift_codegen::ir::{AliasRegion, AliasRegionData, Endianness, InstBuilder, MemFlagsData, Type, Value, types};

/// Own globals beyond this index share a region: a function can hold only 65,534 kinds of flags.
const SEPARATE_GLOBALS: u32 = 1000;

/// A set of places in memory that no access of another region touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    /// The parts of the vmctx that are fixed, imports and builtins.
    Fixed,
    /// `FuncRecord`s.
    FuncRecords,
    /// `MemoryDefinition`s.
    MemoryDefinitions,
    /// `TableDefinition`s.
    TableDefinitions,
    /// Data and element segments, and their entries in the vmctx.
    Segments,
    /// Bytes of a memory.
    Memory(u32),
    /// Elements of a table.
    Table(u32),
    /// The cell of a global.
    Global(u32),
    /// Locals in the function's frame.
    Frame,
}

impl FunctionTranslation<'_, '_> {
    /// The alias region for accesses of `region`.
    pub(super) fn region(&mut self, region: Region) -> AliasRegion {
        const SHARED: u32 = 0xff_ffff;
        let info = self.env.info;
        let indexed = |index: u32, imported: u32| if index < imported { SHARED } else { index };
        let (kind, index, name) = match region {
            Region::Fixed => (0, 0, "vmctx"),
            Region::FuncRecords => (1, 0, "function records"),
            Region::MemoryDefinitions => (2, 0, "memory definitions"),
            Region::TableDefinitions => (3, 0, "table definitions"),
            Region::Segments => (4, 0, "segments"),
            Region::Memory(index) => (5, indexed(index, info.imported_memories), "memory"),
            Region::Table(index) => (6, indexed(index, info.imported_tables), "table"),
            Region::Frame => (8, 0, "frame"),
            Region::Global(index) if index < info.imported_globals => (7, SHARED, "global"),
            Region::Global(index) => (7, index.min(info.imported_globals + SEPARATE_GLOBALS), "global"),
        };
        let user_id = kind << 24 | index;
        let regions = &mut self.builder.func.dfg.alias_regions;
        regions.get(user_id).unwrap_or_else(|| {
            let description = match (kind, index) {
                (0..=4 | 8, _) => name.into(),
                (_, SHARED) => format!("imported {name}").into(),
                _ => format!("{name} {index}").into(),
            };
            regions.insert(AliasRegionData { user_id, description })
        })
    }

    /// Flags of an access to engine data that is always there and aligned.
    pub(super) fn trusted(&mut self, region: Region) -> MemFlagsData {
        let region = self.region(region);
        MemFlagsData::trusted().with_endianness(Endianness::Little).with_alias_region(Some(region))
    }

    /// Loads a *fixed* field of the vmctx (or of what it points to): it never changes and is always
    /// there, so Cranelift may load it once and where it likes.
    pub(super) fn load_fixed(&mut self, ty: Type, base: Value, offset: u32) -> Value {
        let flags = self.trusted(Region::Fixed).with_readonly().with_can_move();
        self.builder.ins().load(ty, flags, base, offset as i32)
    }

    /// Loads a fixed pointer of the vmctx.
    pub(super) fn load_vmctx(&mut self, offset: u32) -> Value {
        if self.homes.is_some() {
            return self.load_recent(offset);
        }
        let key = Once::Field(offset);
        if let Some(value) = self.onces.find(key) {
            return value;
        }
        let flags = self.trusted(Region::Fixed).with_readonly().with_can_move();
        let vmctx = self.vmctx;
        let value = self.at_entry(|entry| entry.ins().load(types::I64, flags, vmctx, offset as i32));
        self.onces.keep(key, value)
    }
}
