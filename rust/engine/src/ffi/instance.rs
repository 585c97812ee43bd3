//! Instances: linking, initialisation, and what they export. Each handle pins the store that the instance belongs to.

use super::error::gw_error;
use super::externs::gw_extern;
use super::memory::gw_memory;
use super::module::gw_module;
use super::{argument, borrow, fallible, infallible, items, output, release};
use crate::error::{Error, Result};
use crate::types::{FuncType, ValType};
use crate::vm::{Extern, FuncHandle, Instance, InstanceOptions, Store, linker};
use std::ffi::c_void;

/// An instance of a module.
#[derive(Debug)]
pub struct gw_instance(pub(super) Instance);

/// `gw_import.kind`: a function of the host.
pub const GW_IMPORT_HOST_FUNCTION: u32 = 0;
/// `gw_import.kind`: a memory.
pub const GW_IMPORT_MEMORY: u32 = 2;
/// `gw_import.kind`: a function, table, memory or global by its handle.
pub const GW_IMPORT_EXTERN: u32 = 4;
/// `gw_import.kind`: there is nothing of this name.
pub const GW_IMPORT_MISSING: u32 = 255;

/// What stands for one import of a module.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct gw_import {
    /// One of `GW_IMPORT_...`.
    pub kind: u32,
    /// Of a host function: its index among those of the instance, on the Go side.
    pub function_index: u64,
    /// Of a host function: a C function `R f(void *token, params...)` that compiled code calls directly, or null.
    pub c_function: *const c_void,
    /// Of a host function: types of its parameters, `gw_val_type` each.
    pub params: *const u8,
    /// How many.
    pub params_len: usize,
    /// Of a host function: types of its results, `gw_val_type` each.
    pub results: *const u8,
    /// How many; at most one with `c_function`.
    pub results_len: usize,
    /// Of a host function: what the engine does by itself where it can, without leaving the guest: a `gw_intrinsic`, of which only 0 (none) goes with
    /// `c_function`. It calls the host function for the rest.
    pub intrinsic: u32,
    /// The datum of the intrinsic: with `GW_INTRINSIC_CLOCK_READ`, the time of `gw_clock_monotonic` that the guest sees as 0.
    pub intrinsic_data: i64,
    /// Of a memory: its handle.
    pub memory: *const gw_memory,
    /// Of an object: its handle.
    pub item: *const gw_extern,
}

/// Options of an instance; all zero is the default.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct gw_instance_options {
    /// Serial number of the instance on the Go side, told to its host functions.
    pub instance_id: u64,
    /// Pages of 64 KiB that each of the instance's own memories may reach at most; 0 for no ceiling.
    pub max_memory_pages: u64,
    /// Elements that each of the instance's own tables may reach at most; 0 for no ceiling.
    pub max_table_elements: u64,
}

/// A function as the entry of a call needs it; valid as long as the instance's handle.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct gw_func {
    /// Compiled code.
    pub code: *const c_void,
    /// Its first argument.
    pub vmctx: *const c_void,
    /// Array-style entry of its type.
    pub entry: *const c_void,
}

impl From<&FuncHandle> for gw_func {
    fn from(function: &FuncHandle) -> Self {
        let record = function.record();
        Self { code: record.code.cast(), vmctx: record.vmctx.cast(), entry: record.entry.cast() }
    }
}

/// Links an instance to its imports, which are aligned with those of the module, and initialises it. Does not run the
/// start function. Null options are the defaults.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_instance_new(
    module: *const gw_module,
    imports: *const gw_import,
    imports_len: usize,
    options: *const gw_instance_options,
    out: *mut *mut gw_instance,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (module, imports, options, out) = unsafe {
            (
                borrow(module, "module")?,
                items(imports, imports_len, "imports")?,
                options.as_ref().copied().unwrap_or_default(),
                output(out, "out")?,
            )
        };
        // The program may have removed it (Go's signal.Ignore does): an endless guest could not be stopped without it.
        crate::fiber::ensure_pause_handler()?;
        let wanted = &module.0.info().imports;
        if wanted.len() != imports.len() {
            let (given, expected) = (imports.len(), wanted.len());
            return Err(argument(format!("given {given} imports, expected {expected}, one for each of the module")));
        }
        let mut externs = Vec::with_capacity(imports.len());
        for (import, wanted) in imports.iter().zip(wanted) {
            // SAFETY: the pointers in it are null or valid, by the rules of this ABI.
            let given = unsafe { to_extern(import, options.instance_id)? };
            externs.push(given.ok_or_else(|| linker::missing(wanted))?);
        }
        let options = InstanceOptions {
            id: options.instance_id,
            max_memory_pages: (options.max_memory_pages != 0).then_some(options.max_memory_pages),
            max_table_elements: (options.max_table_elements != 0).then_some(options.max_table_elements),
        };
        let instance = Instance::new(&Store::new(), &module.0, &externs, options)?;
        *out = Box::into_raw(Box::new(gw_instance(instance)));
        Ok(())
    })
}

/// What a C caller gives for an import; none where it has nothing.
///
/// # Safety
/// The pointers in it are null or valid for the call.
unsafe fn to_extern(import: &gw_import, instance_id: u64) -> Result<Option<Extern>> {
    match import.kind {
        GW_IMPORT_HOST_FUNCTION => {
            // SAFETY: null or valid, by the caller's promise.
            let (params, results) = unsafe {
                (
                    items(import.params, import.params_len, "params")?,
                    items(import.results, import.results_len, "results")?,
                )
            };
            let ty = FuncType { params: value_types(params)?, results: value_types(results)? };
            let gw_import { function_index, c_function, intrinsic, intrinsic_data, .. } = *import;
            let function = match (c_function.is_null(), intrinsic) {
                (_, 0) => FuncHandle::host(ty, instance_id, function_index, c_function.cast()),
                (true, _) => FuncHandle::intrinsic(ty, instance_id, function_index, intrinsic, intrinsic_data)?,
                (false, _) => {
                    return Err(argument(format!("intrinsic {intrinsic} for a C function, expected 0 (none)")));
                }
            };
            Ok(Some(Extern::Func(function)))
        }
        GW_IMPORT_MEMORY => {
            // SAFETY: null or valid, by the caller's promise.
            let memory = unsafe { borrow(import.memory, "memory")? };
            Ok(Some(Extern::Memory(memory.0.clone())))
        }
        GW_IMPORT_EXTERN => {
            // SAFETY: null or valid, by the caller's promise.
            let item = unsafe { borrow(import.item, "item")? };
            Ok(Some(item.0.clone()))
        }
        GW_IMPORT_MISSING => Ok(None),
        kind => {
            let expected = "0 (function of the host), 2 (memory), 4 (object) or 255 (missing)";
            Err(argument(format!("import of kind {kind}, expected {expected}")))
        }
    }
}

/// Value types by their numbers.
pub(super) fn value_types(numbers: &[u8]) -> Result<Vec<ValType>> {
    let known =
        [ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128, ValType::FuncRef, ValType::ExternRef];
    let find = |number: &u8| known.into_iter().find(|ty| *ty as u8 == *number);
    let unknown = |number: &u8| argument(format!("value type {number}, expected 0 (i32) to 6 (externref)"));
    numbers.iter().map(|number| find(number).ok_or_else(|| unknown(number))).collect()
}

/// Gives the start function and true, or false where the module has none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_instance_start(instance: *const gw_instance, out: *mut gw_func) -> bool {
    infallible(false, || {
        // SAFETY: null or valid, by the rules of this ABI.
        let (Some(instance), Some(out)) = (unsafe { instance.as_ref() }, unsafe { out.as_mut() }) else {
            return false;
        };
        let Some(start) = instance.0.start() else { return false };
        *out = gw_func { code: start.code.cast(), vmctx: start.vmctx.cast(), entry: start.entry.cast() };
        true
    })
}

/// Gives an exported function, by its position among the exports of the module.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_instance_function(
    instance: *const gw_instance,
    export_index: u32,
    out: *mut gw_func,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (instance, out) = unsafe { (borrow(instance, "instance")?, output(out, "out")?) };
        match exported(&instance.0, export_index)? {
            Extern::Func(function) => *out = gw_func::from(&function),
            other => return Err(wrong_kind(export_index, &other, "function")),
        }
        Ok(())
    })
}

/// Gives an exported memory, by its position among the exports of the module: a handle of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_instance_memory(
    instance: *const gw_instance,
    export_index: u32,
    out: *mut *mut gw_memory,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (instance, out) = unsafe { (borrow(instance, "instance")?, output(out, "out")?) };
        match exported(&instance.0, export_index)? {
            Extern::Memory(memory) => *out = Box::into_raw(Box::new(gw_memory(memory))),
            other => return Err(wrong_kind(export_index, &other, "memory")),
        }
        Ok(())
    })
}

/// Gives memory 0 of the instance's index space, imported or its own: a handle of its own, or null where there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_instance_memory0(instance: *const gw_instance, out: *mut *mut gw_memory) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (instance, out) = unsafe { (borrow(instance, "instance")?, output(out, "out")?) };
        let memory = instance.0.memory(0);
        *out = memory.map_or(std::ptr::null_mut(), |memory| Box::into_raw(Box::new(gw_memory(memory))));
        Ok(())
    })
}

pub(super) fn exported(instance: &Instance, index: u32) -> Result<Extern> {
    let count = instance.module().info().exports.len();
    let export = instance.export_at(index as usize);
    export.ok_or_else(|| argument(format!("export {index}, expected less than {count}, the number of exports")))
}

fn wrong_kind(index: u32, given: &Extern, expected: &str) -> Error {
    argument(format!("export {index} is a {}, expected a {expected}", given.ty()))
}

/// What C functions get as their first argument; unique among the instances that are alive. Null for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_instance_token(instance: *const gw_instance) -> *const c_void {
    // SAFETY: null or an instance of ours, by the rules of this ABI.
    unsafe { instance.as_ref() }.map_or(std::ptr::null(), |instance| instance.0.token().cast())
}

/// The instance's store, for the context of a call. Null for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_instance_store(instance: *const gw_instance) -> *const c_void {
    // SAFETY: null or an instance of ours, by the rules of this ABI.
    unsafe { instance.as_ref() }.map_or(std::ptr::null(), |instance| instance.0.store_pointer().cast())
}

/// Frees an instance handle; the instance itself goes with the last handle of its store. Null is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_instance_free(instance: *mut gw_instance) {
    // SAFETY: null or an instance of ours that is freed once, by the rules of this ABI.
    unsafe { release(instance) }
}
