//! What all instances of a module have in common, found once, when the first of them is made.

use super::image::MemoryImage;
use super::initialize::constant;
use super::instance::InstanceData;
use super::slots;
use super::table::Table;
use crate::abi::vmctx::VmctxLayout;
use crate::options::{BoundsMode, CompileOptions};
use crate::prelude::*;
use crate::wasm::{ConstOp, ModuleInfo, SegmentMode};
use alloc::sync::Arc;

/// What all instances of a module have in common.
#[derive(Debug)]
pub(super) struct Template {
    /// The image of each of the module's own memories, where it has one.
    pub(super) images: Box<[Option<Arc<MemoryImage>>]>,
    /// Whether all active data segments lie in the images, so that none is to be copied.
    pub(super) has_data: bool,
    /// What active element segments put into each of the module's own tables; nothing for those
    /// that all instances share. None where that is to be found for each instance.
    pub(super) tables: Option<Box<[Elements]>>,
}

/// A reference to a function by its index, or null.
pub(super) type Reference = Option<u32>;

/// The elements of a table of functions, as they are put into that of any instance.
#[derive(Debug)]
pub(super) struct Elements {
    /// For each element the offset of the function's record in the vmctx, 0 for null.
    offsets: Box<[u32]>,
    /// Elements that are imported functions without a record there, by their functions.
    imports: Vec<(u64, u32)>,
}

impl Elements {
    /// Those of references to functions of a module.
    pub(super) fn new(info: &ModuleInfo, layout: &VmctxLayout, references: &[Reference]) -> Self {
        let position = |reference: &Reference| reference.and_then(|function| info.escaping_index(function));
        let offset = |reference| position(reference).map_or(0, |position| layout.func_record(position));
        let others = (0..).zip(references).filter(|(_, reference)| position(reference).is_none());
        let imports = others.filter_map(|(element, reference)| Some((element, (*reference)?))).collect();
        Self { offsets: references.iter().map(offset).collect(), imports }
    }

    /// Puts them into a table of an instance that has as many at least, and is null elsewhere.
    pub(super) fn fill(&self, instance: &InstanceData, table: &Table) {
        table.fill(&self.offsets, instance.vmctx.pointer().addr() as u64);
        for (element, function) in &self.imports {
            let slot = instance.slot_of(*function).expect("it is imported");
            assert!(table.set(*element, &[slot]), "the table has so many elements");
        }
    }
}

impl Template {
    /// Finds it. What cannot be known once for all instances is left to each.
    pub(super) fn new(info: &ModuleInfo, layout: &VmctxLayout, options: CompileOptions) -> Self {
        let images = images(info, options);
        let none = || (info.imported_memories as usize..info.memories.len()).map(|_| None).collect();
        let tables = tables(info, layout);
        let has_data = images.is_some();
        Self { has_data, images: images.unwrap_or_else(none), tables }
    }
}

impl Drop for Template {
    fn drop(&mut self) {
        for image in self.images.iter().flatten() {
            slots::retire(image);
        }
    }
}

/// Images of the module's own memories that hold all active data segments. None where these depend
/// on imports, do not fit, or cannot be mapped; and where somebody could see a memory before its
/// data, when an element segment traps after another has put functions into a table of others.
fn images(info: &ModuleInfo, options: CompileOptions) -> Option<Box<[Option<Arc<MemoryImage>>]>> {
    let imported_table =
        |mode: &SegmentMode| matches!(mode, SegmentMode::Active { index, .. } if *index < info.imported_tables);
    if info.elements.iter().any(|segment| imported_table(&segment.mode)) {
        return None;
    }
    let own = &info.memories[info.imported_memories as usize..];
    let mut pieces: Vec<Vec<(u64, &[u8])>> = own.iter().map(|_| Vec::new()).collect();
    for segment in &info.data {
        let SegmentMode::Active { index, offset } = &segment.mode else { continue };
        let memory = index.checked_sub(info.imported_memories)? as usize;
        let ty = &own[memory];
        let offset = constant(offset)?;
        let end = offset.checked_add(segment.bytes.len() as u64)?;
        if end > ty.limits.min.checked_mul(ty.page_size())? {
            return None;
        }
        pieces[memory].push((offset, &segment.bytes));
    }
    let images = own.iter().zip(pieces).map(|(ty, pieces)| {
        if pieces.iter().all(|(_, bytes)| bytes.is_empty()) {
            return Some(None);
        }
        let guarded = options.bounds.of_memory(ty) == BoundsMode::Guarded;
        guarded.then(|| MemoryImage::new(ty.limits.min * ty.page_size(), &pieces, false)).flatten().map(Some)
    });
    images.collect()
}

/// What active element segments put into the module's own tables. None where that depends on
/// imports or does not fit.
fn tables(info: &ModuleInfo, layout: &VmctxLayout) -> Option<Box<[Elements]>> {
    let own = &info.tables[info.imported_tables as usize..];
    let mut tables: Vec<Vec<Reference>> = own.iter().map(|_| Vec::new()).collect();
    for segment in &info.elements {
        let SegmentMode::Active { index, offset } = &segment.mode else { continue };
        if info.shares_table(*index) {
            continue;
        }
        let table = index.checked_sub(info.imported_tables)? as usize;
        let offset = constant(offset)?;
        let end = offset.checked_add(segment.items.len() as u64).filter(|end| *end <= own[table].limits.min)?;
        let elements = &mut tables[table];
        if elements.len() < end as usize {
            elements.resize(end as usize, None);
        }
        for (element, item) in elements[offset as usize..].iter_mut().zip(&segment.items) {
            *element = match item[..] {
                [ConstOp::RefFunc(function)] => Some(function),
                [ConstOp::RefNull] => None,
                _ => return None,
            };
        }
    }
    Some(tables.iter().map(|references| Elements::new(info, layout, references)).collect())
}
