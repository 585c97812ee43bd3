//! Globals that are not part of an instance: those that the embedder makes.

use crate::abi::vmctx::GlobalCell;
use crate::types::ValType;
use core::sync::atomic::Ordering;

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

    /// Both slots of a vector, the low one in the low bits. While others set it, the halves may be
    /// of different values.
    pub(super) fn get128(&self) -> u128 {
        let [low, high] = self.slots.each_ref().map(|slot| u128::from(slot.load(Ordering::Relaxed)));
        high << 64 | low
    }

    /// Sets both slots.
    pub(super) fn set128(&self, value: u128) {
        self.slots[0].store(value as u64, Ordering::Relaxed);
        self.slots[1].store((value >> 64) as u64, Ordering::Relaxed);
    }
}
