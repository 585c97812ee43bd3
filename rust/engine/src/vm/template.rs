//! What all instances of a module have in common, found once, when the first of them is made.

use super::image::MemoryImage;
use super::initialize::constant;
use super::slots;
use crate::options::{BoundsMode, CompileOptions};
use crate::prelude::*;
use crate::wasm::{ModuleInfo, SegmentMode};
use alloc::sync::Arc;

/// What all instances of a module have in common.
#[derive(Debug)]
pub(super) struct Template {
    /// The image of each of the module's own memories, where it has one.
    pub(super) images: Box<[Option<Arc<MemoryImage>>]>,
    /// Whether all active data segments lie in the images, so that none is to be copied.
    pub(super) has_data: bool,
}

impl Template {
    /// Finds it. What cannot be known once for all instances is left to each.
    pub(super) fn new(info: &ModuleInfo, options: CompileOptions) -> Self {
        let images = images(info, options);
        let none = || (info.imported_memories as usize..info.memories.len()).map(|_| None).collect();
        Self { has_data: images.is_some(), images: images.unwrap_or_else(none) }
    }
}

impl Drop for Template {
    fn drop(&mut self) {
        for image in self.images.iter().flatten() {
            slots::cool_all(Some(image));
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
