//! Functions, tables, memories and globals as objects: what instances export and import, and what
//! the host makes. Each handle pins the store that its object belongs to.
//!
//! Values cross as two slots; all types but v128 use the first. A reference to a function
//! goes in as the handle of the function: its store and that of where it goes become one. It comes
//! out as a slot, from which `gw_extern_function_at` and `gw_instance_function_at` make a handle.

use super::error::{gw_bytes, gw_error};
use super::instance::{exported, gw_func, gw_instance, value_types};
use super::{argument, borrow, describe, fallible, infallible, output, release};
use crate::error::{Error, Result};
use crate::prelude::*;
use crate::types::{GlobalType, Limits, TableType, ValType};
use crate::vm::{Extern, FuncHandle, GlobalHandle, MemoryHandle, Store, TableHandle, TagHandle};
use core::ptr::null_mut;

/// A function, table, memory, global or tag.
#[derive(Debug)]
pub struct gw_extern(pub(super) Extern);

/// A value: one slot, or two of a v128, the low half first.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct gw_value {
    /// The slots.
    pub slots: [u64; 2],
}

/// What there is to know about a function.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct gw_func_info {
    /// How it is entered; valid as long as the store.
    pub entry: gw_func,
    /// A slot that refers to it; valid as long as the store.
    pub slot: u64,
    /// The number that the Go side has given to the instance that defines it; of a host function,
    /// to the one that imports it.
    pub instance_id: u64,
    /// Its index there.
    pub function_index: u32,
}

impl gw_value {
    fn vector(self) -> u128 {
        u128::from(self.slots[1]) << 64 | u128::from(self.slots[0])
    }
}

impl gw_extern {
    pub(super) fn into_raw(item: Extern) -> *mut Self {
        Box::into_raw(Box::new(Self(item)))
    }

    fn table(&self) -> Result<&TableHandle> {
        if let Extern::Table(table) = &self.0 { Ok(table) } else { Err(self.unlike("table")) }
    }

    pub(super) fn memory(&self) -> Result<&MemoryHandle> {
        if let Extern::Memory(memory) = &self.0 { Ok(memory) } else { Err(self.unlike("memory")) }
    }

    fn global(&self) -> Result<&GlobalHandle> {
        if let Extern::Global(global) = &self.0 { Ok(global) } else { Err(self.unlike("global")) }
    }

    pub(super) fn tag(&self) -> Result<&TagHandle> {
        if let Extern::Tag(tag) = &self.0 { Ok(tag) } else { Err(self.unlike("tag")) }
    }

    pub(super) fn function(&self) -> Result<&FuncHandle> {
        if let Extern::Func(function) = &self.0 { Ok(function) } else { Err(self.unlike("function")) }
    }

    fn unlike(&self, expected: &str) -> Error {
        argument(format!("given a {}, expected a {expected}", self.0.ty()))
    }
}

/// A function that a C caller may give for a value; null for none.
///
/// # Safety
/// The pointer is null or valid for the call.
unsafe fn optional_function<'a>(function: *const gw_extern) -> Result<Option<&'a FuncHandle>> {
    // SAFETY: the caller promises that it is null or valid.
    unsafe { function.as_ref() }.map(gw_extern::function).transpose()
}

fn value_type(number: u8) -> Result<ValType> {
    Ok(value_types(&[number])?[0])
}

/// Returns an export of any kind, by its position among the exports of the module: a handle of its
/// own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_instance_export(
    instance: *const gw_instance,
    export_index: u32,
    out: *mut *mut gw_extern,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (instance, out) = unsafe { (borrow(instance, "instance")?, output(out, "out")?) };
        *out = gw_extern::into_raw(exported(&instance.0, export_index)?);
        Ok(())
    })
}

/// Makes a global, in a store of its own until it is imported. The type is a `gw_val_type`. With a
/// function, which is for type funcref only, the global refers to it, and both stores become one;
/// otherwise it has the value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_global_new(
    value_type_number: u8,
    mutable: bool,
    value: gw_value,
    function: *const gw_extern,
    out: *mut *mut gw_extern,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (function, out) = unsafe { (optional_function(function)?, output(out, "out")?) };
        let (store, ty) = (Store::new(), GlobalType { value: value_type(value_type_number)?, mutable });
        let global = match function {
            Some(function) => store.function_global(ty, function)?,
            None if ty.value == ValType::V128 => store.global128(ty, value.vector())?,
            None => store.global(ty, value.slots[0])?,
        };
        *out = gw_extern::into_raw(Extern::Global(global));
        Ok(())
    })
}

/// Returns the value of a global.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_global_get(global: *const gw_extern, out: *mut gw_value) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (global, out) = unsafe { (borrow(global, "global")?.global()?, output(out, "out")?) };
        let bits = global.get128();
        *out = gw_value { slots: [bits as u64, (bits >> 64) as u64] };
        Ok(())
    })
}

/// Sets a mutable global: to a function, which is for type funcref only, or to the value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_global_set(
    global: *const gw_extern,
    value: gw_value,
    function: *const gw_extern,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (global, function) = unsafe { (borrow(global, "global")?.global()?, optional_function(function)?) };
        match function {
            Some(function) => global.set_function(function),
            None if global.ty().value == ValType::V128 => global.set128(value.vector()),
            None => global.set(value.slots[0]),
        }
    })
}

/// Makes a table of `min` null elements of a reference type, a `gw_val_type`, in a store of its own
/// until it is imported. `max` counts only with `has_max`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_table_new(
    element: u8,
    min: u64,
    has_max: bool,
    max: u64,
    out: *mut *mut gw_extern,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let out = unsafe { output(out, "out")? };
        let limits = Limits { min, max: has_max.then_some(max) };
        let table = Store::new().table(TableType::new(value_type(element)?, limits))?;
        *out = gw_extern::into_raw(Extern::Table(table));
        Ok(())
    })
}

/// Number of elements of a table; 0 for null and for what is no table.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_table_size(table: *const gw_extern) -> u64 {
    infallible(0, || {
        // SAFETY: null or an object of ours, by the rules of this ABI.
        unsafe { table.as_ref() }.and_then(|table| table.table().ok()).map_or(0, TableHandle::size)
    })
}

/// Returns an element's slot and true, or false where there is no such element, or no table.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_table_get(table: *const gw_extern, index: u64, out: *mut u64) -> bool {
    infallible(false, || {
        // SAFETY: null or valid, by the rules of this ABI.
        let (Some(table), Some(out)) = (unsafe { table.as_ref() }, unsafe { out.as_mut() }) else { return false };
        let Some(slot) = table.table().ok().and_then(|table| table.get(index)) else { return false };
        *out = slot;
        true
    })
}

/// Sets an element: to a function, which is for tables of funcref only, or to the slot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_table_set(
    table: *const gw_extern,
    index: u64,
    slot: u64,
    function: *const gw_extern,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (table, function) = unsafe { (borrow(table, "table")?.table()?, optional_function(function)?) };
        match function {
            Some(function) => table.set_function(index, function),
            None => table.set(index, slot),
        }
    })
}

/// Adds elements, all set to a function, which is for tables of funcref only, or to the slot. Gives
/// the old size, or 2^64-1 where the table would exceed its maximum or the system refuses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_table_grow(
    table: *const gw_extern,
    count: u64,
    slot: u64,
    function: *const gw_extern,
    old: *mut u64,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (table, function, old) =
            unsafe { (borrow(table, "table")?.table()?, optional_function(function)?, output(old, "old")?) };
        let grown = match function {
            Some(function) => table.grow_function(count, function)?,
            None => table.grow(count, slot)?,
        };
        *old = grown.unwrap_or(u64::MAX);
        Ok(())
    })
}

/// Returns a handle of the function that a slot refers to, in the store of an instance; null where
/// it refers to none there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_instance_function_at(instance: *const gw_instance, slot: u64) -> *mut gw_extern {
    infallible(null_mut(), || {
        // SAFETY: null or an instance of ours, by the rules of this ABI.
        let instance = unsafe { instance.as_ref() };
        function_at(instance.map(|instance| instance.0.store()), slot)
    })
}

/// Returns a handle of the function that a slot refers to, in the store of an object; null where it
/// refers to none there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_extern_function_at(item: *const gw_extern, slot: u64) -> *mut gw_extern {
    infallible(null_mut(), || {
        // SAFETY: null or an object of ours, by the rules of this ABI.
        let item = unsafe { item.as_ref() };
        function_at(item.and_then(|item| item.0.store()), slot)
    })
}

fn function_at(store: Option<&Store>, slot: u64) -> *mut gw_extern {
    let function = store.and_then(|store| store.function_at(slot));
    function.map_or(null_mut(), |function| gw_extern::into_raw(Extern::Func(function)))
}

/// Makes the store of a function that of an instance, so that a reference to it can be handed to
/// the instance.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_instance_accept(instance: *const gw_instance, function: *const gw_extern) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (instance, function) = unsafe { (borrow(instance, "instance")?, borrow(function, "function")?) };
        instance.0.accept(function.function()?).map(drop)
    })
}

/// Tells which function this is and how it is entered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_function_info(function: *const gw_extern, out: *mut gw_func_info) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (function, out) = unsafe { (borrow(function, "function")?.function()?, output(out, "out")?) };
        let origin = function.origin().ok_or_else(|| argument("function of the host, expected an imported one"))?;
        *out = gw_func_info {
            entry: gw_func::from(function),
            slot: function.slot(),
            instance_id: origin.instance_id,
            function_index: origin.function,
        };
        Ok(())
    })
}

/// Returns the type of a function, in the encoding that `ffi/describe.rs` defines.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_function_type(function: *const gw_extern, out: *mut gw_bytes) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (function, out) = unsafe { (borrow(function, "function")?.function()?, output(out, "out")?) };
        *out = gw_bytes::from_vec(describe::function_type(function.ty()));
        Ok(())
    })
}

/// Frees a handle; the object itself goes with the last handle of its store. Null is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_extern_free(item: *mut gw_extern) {
    // SAFETY: null or an object of ours that is freed once, by the rules of this ABI.
    unsafe { release(item) }
}
