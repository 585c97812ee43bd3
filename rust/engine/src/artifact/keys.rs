//! Which trampolines a module needs.

use super::TrampolineKey;
use crate::prelude::*;
use crate::types::FuncType;
use crate::wasm::{ExternKind, ModuleInfo};
use alloc::collections::BTreeSet;
use hashbrown::HashMap;

/// For every type index the lowest index of an equal type: the one that trampolines are keyed by.
#[must_use]
pub fn canonical_types(types: &[FuncType]) -> Vec<u32> {
    let mut lowest = HashMap::with_capacity(types.len());
    types.iter().zip(0..).map(|(ty, index)| *lowest.entry(ty).or_insert(index)).collect()
}

/// The trampolines that a module needs, in the order of their keys.
#[must_use]
pub fn trampoline_keys(info: &ModuleInfo) -> Vec<TrampolineKey> {
    let canonical = canonical_types(&info.types);
    let type_of = |function: u32| canonical[info.functions[function as usize] as usize];
    let mut keys = BTreeSet::new();
    let exported = info.exports.iter().filter(|export| export.kind == ExternKind::Func).map(|export| export.index);
    for function in info.escaping.iter().copied().chain(exported).chain(info.start) {
        keys.insert(TrampolineKey::Entry(type_of(function)));
    }
    for function in 0..info.imported_functions {
        let ty = type_of(function);
        keys.insert(TrampolineKey::HostCall(ty));
        if info.types[ty as usize].has_vectors() {
            continue;
        }
        keys.insert(TrampolineKey::CCall(ty));
        if info.types[ty as usize].results.len() <= 1 {
            keys.insert(TrampolineKey::CAdapter(ty));
        }
    }
    keys.into_iter().collect()
}

impl TrampolineKey {
    /// The type index that it serves.
    #[must_use]
    pub const fn type_index(self) -> u32 {
        match self {
            Self::Entry(ty) | Self::HostCall(ty) | Self::CCall(ty) | Self::CAdapter(ty) => ty,
        }
    }

    /// The same kind for another type index.
    #[must_use]
    pub const fn with_type_index(self, ty: u32) -> Self {
        match self {
            Self::Entry(_) => Self::Entry(ty),
            Self::HostCall(_) => Self::HostCall(ty),
            Self::CCall(_) => Self::CCall(ty),
            Self::CAdapter(_) => Self::CAdapter(ty),
        }
    }
}
