//! Globals that are not part of an instance: those that the embedder makes.

use crate::abi::vmctx::GlobalCell;
use crate::types::ValType;
use std::sync::atomic::Ordering;

/// A global of the embedder. Its address must not change: compiled code holds that of the cell.
#[derive(Debug, Default)]
pub(super) struct Global {
    pub(super) cell: GlobalCell,
}

impl GlobalCell {
    /// The value's first slot. Compiled code writes 32-bit values into the low half only.
    pub(super) fn get(&self, ty: ValType) -> u64 {
        let slot = self.slots[0].load(Ordering::Relaxed);
        if matches!(ty, ValType::I32 | ValType::F32) { slot & 0xffff_ffff } else { slot }
    }

    /// Sets the value's first slot.
    pub(super) fn set(&self, slot: u64) {
        self.slots[0].store(slot, Ordering::Relaxed);
    }
}
