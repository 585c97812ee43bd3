//! Memories: their handles are those of all objects ([`gw_extern`]).

use super::error::gw_error;
use super::externs::gw_extern;
use super::{borrow, fallible, infallible, output};
use crate::abi::vmctx::MemoryDefinition;
use crate::types::{Limits, MemoryType};
use crate::vm::{Extern, Store};
use core::mem::offset_of;

/// The part of a memory that changes; other threads may change it at any time, so read each field
/// atomically.
#[repr(C)]
#[derive(Debug)]
pub struct gw_memory_def {
    /// Address of the first byte; 0 once the memory is closed.
    pub base: usize,
    /// Accessible bytes, a multiple of the page size; only grows (0 once closed).
    pub length: u64,
    /// Bytes that growing may reach at most.
    pub max_length: u64,
    /// Bytes of a page: 65,536, or 1.
    pub page_size: u64,
}

const _: () = {
    assert!(size_of::<gw_memory_def>() == size_of::<MemoryDefinition>());
    assert!(offset_of!(gw_memory_def, base) == offset_of!(MemoryDefinition, base));
    assert!(offset_of!(gw_memory_def, length) == offset_of!(MemoryDefinition, length));
    assert!(offset_of!(gw_memory_def, max_length) == offset_of!(MemoryDefinition, max_length));
    assert!(offset_of!(gw_memory_def, page_size) == offset_of!(MemoryDefinition, page_size));
};

/// Makes a 32-bit memory of `min` pages of 64 KiB, in a store of its own until it is imported.
/// `max` counts only with `has_max`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_memory_new(min: u64, has_max: bool, max: u64, out: *mut *mut gw_extern) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let out = unsafe { output(out, "out")? };
        let limits = Limits { min, max: has_max.then_some(max) };
        *out = gw_extern::into_raw(Extern::Memory(Store::new().memory(MemoryType::new(limits))?));
        Ok(())
    })
}

/// The memory's definition, valid as long as the handle; null for null and for what is no memory.
/// With `shown` the address range is known to Go from now on, and is quarantined when the memory is
/// closed. Without, nobody may keep an address in it for longer than the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_memory_definition(memory: *const gw_extern, shown: bool) -> *const gw_memory_def {
    infallible(core::ptr::null(), || {
        // SAFETY: null or an object of ours, by the rules of this ABI.
        let memory = unsafe { memory.as_ref() }.and_then(|memory| memory.memory().ok());
        memory.map_or(core::ptr::null(), |memory| {
            let definition = if shown { memory.show() } else { memory.definition() };
            definition.cast()
        })
    })
}

/// Grows a memory by a number of its pages and returns its old size in pages.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_memory_grow(memory: *const gw_extern, pages: u64, old: *mut u64) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (memory, old) = unsafe { (borrow(memory, "memory")?.memory()?, output(old, "old")?) };
        *old = memory.grow(pages)?;
        Ok(())
    })
}
