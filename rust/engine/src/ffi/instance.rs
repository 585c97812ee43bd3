//! Instances: linking, initialisation, and what they export. Each handle pins the store that the
//! instance belongs to.

use super::error::gw_error;
use super::externs::gw_extern;
use super::module::gw_module;
use super::snapshot::gw_snapshot;
use super::{argument, borrow, fallible, infallible, items, output, release};
use crate::error::Result;
use crate::prelude::*;
use crate::types::{FuncType, ValType};
use crate::vm::{Extern, FuncHandle, Instance, InstanceOptions, Store};
use core::ffi::c_void;

/// An instance of a module.
#[derive(Debug)]
pub struct gw_instance(pub(super) Instance);

/// `gw_import.kind`: a function of the host.
pub const GW_IMPORT_HOST_FUNCTION: u32 = 0;
/// `gw_import.kind`: a function, table, memory or global by its handle.
pub const GW_IMPORT_EXTERN: u32 = 1;

/// What stands for one import of a module.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct gw_import {
    /// One of `GW_IMPORT_...`.
    pub kind: u32,
    /// Of a host function: where its types begin in the array of types: those of the parameters,
    /// and then those of the results.
    pub types: u32,
    /// Number of its parameters.
    pub params_len: u32,
    /// Number of its results; at most one with `c_function`.
    pub results_len: u32,
    /// Of a host function: its index among those of the instance, on the Go side.
    pub function_index: u64,
    /// Of a host function: a C function `R f(void *token, params...)` that compiled code calls
    /// directly, or null.
    pub c_function: *const c_void,
    /// Of a host function: what the engine does by itself where it can, without leaving the guest:
    /// a `gw_intrinsic`; only 0 (none) goes with `c_function`. It calls the host function
    /// for the rest.
    pub intrinsic: u32,
    /// The datum of the intrinsic: with `GW_INTRINSIC_CLOCK_READ`, the time of `gw_clock_monotonic`
    /// that the guest sees as 0.
    pub intrinsic_data: i64,
    /// Of an object: its handle.
    pub item: *const gw_extern,
}

/// Options of an instance; all zero is the default.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct gw_instance_options {
    /// Serial number of the instance on the Go side, told to its host functions.
    pub instance_id: u64,
    /// Pages of 64 KiB that each of the instance's own memories may reach at most; 0 for no
    /// ceiling.
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

/// Links an instance to its imports, which are aligned with those of the module, and initialises
/// it: with a snapshot of the module, if it is not null, as that says. `types` has the types of all
/// host functions, a `gw_val_type` each. Does not run the start function. Null options are the
/// defaults.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_instance_new(
    module: *const gw_module,
    imports: *const gw_import,
    imports_len: usize,
    types: *const u8,
    types_len: usize,
    options: *const gw_instance_options,
    snapshot: *const gw_snapshot,
    out: *mut *mut gw_instance,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (module, imports, types, options, snapshot, out) = unsafe {
            (
                borrow(module, "module")?,
                items(imports, imports_len, "imports")?,
                items(types, types_len, "types")?,
                options.as_ref().copied().unwrap_or_default(),
                snapshot.as_ref(),
                output(out, "out")?,
            )
        };
        // The program may have removed it (Go's signal.Ignore does): an endless guest could not be
        // stopped without it.
        crate::fiber::ensure_pause_handler()?;
        let (given, expected) = (imports.len(), module.0.info().imports.len());
        if given != expected {
            return Err(argument(format!("given {given} imports, expected {expected}, one for each of the module")));
        }
        let mut externs = Vec::with_capacity(imports.len());
        for import in imports {
            // SAFETY: the handle in it is null or valid, by the rules of this ABI.
            externs.push(unsafe { to_extern(import, types, options.instance_id)? });
        }
        let options = InstanceOptions {
            id: options.instance_id,
            max_memory_pages: (options.max_memory_pages != 0).then_some(options.max_memory_pages),
            max_table_elements: (options.max_table_elements != 0).then_some(options.max_table_elements),
        };
        let instance = match snapshot {
            None => Instance::new(&Store::new(), &module.0, &externs, options)?,
            Some(snapshot) if snapshot.0.module().serial() != module.0.serial() => {
                return Err(argument("a snapshot of another module"));
            }
            Some(snapshot) => Instance::from_snapshot(&Store::new(), &snapshot.0, &externs, options)?,
        };
        *out = Box::into_raw(Box::new(gw_instance(instance)));
        Ok(())
    })
}

/// What a C caller provides for an import.
///
/// # Safety
/// The handle in it is null or valid for the call.
unsafe fn to_extern(import: &gw_import, types: &[u8], instance_id: u64) -> Result<Extern> {
    match import.kind {
        GW_IMPORT_HOST_FUNCTION => {
            let ty = function_type(import, types)?;
            let gw_import { function_index, c_function, intrinsic, intrinsic_data, .. } = *import;
            let function = match (c_function.is_null(), intrinsic) {
                (_, 0) => FuncHandle::host(ty, instance_id, function_index, c_function.cast()),
                (true, _) => FuncHandle::intrinsic(ty, instance_id, function_index, intrinsic, intrinsic_data)?,
                (false, _) => {
                    return Err(argument(format!("intrinsic {intrinsic} for a C function, expected 0 (none)")));
                }
            };
            Ok(Extern::Func(function))
        }
        GW_IMPORT_EXTERN => {
            // SAFETY: null or valid, by the caller's promise.
            let item = unsafe { borrow(import.item, "item")? };
            Ok(item.0.clone())
        }
        kind => Err(argument(format!("import of kind {kind}, expected 0 (function of the host) or 1 (object)"))),
    }
}

/// The type of a function of the host.
fn function_type(import: &gw_import, types: &[u8]) -> Result<FuncType> {
    let (start, params) = (import.types as usize, import.params_len as usize);
    let count = params + import.results_len as usize;
    let given = types.get(start..).and_then(|types| types.get(..count)).ok_or_else(|| {
        argument(format!("{count} types of a function from offset {start} on, expected {} at most in all", types.len()))
    })?;
    Ok(FuncType { params: value_types(&given[..params])?, results: value_types(&given[params..])? })
}

/// Value types by their numbers.
pub(super) fn value_types(numbers: &[u8]) -> Result<Vec<ValType>> {
    let known = [
        ValType::I32,
        ValType::I64,
        ValType::F32,
        ValType::F64,
        ValType::V128,
        ValType::FuncRef,
        ValType::ExternRef,
        ValType::ExnRef,
    ];
    let find = |number: &u8| known.into_iter().find(|ty| *ty as u8 == *number);
    let unknown = |number: &u8| argument(format!("value type {number}, expected 0 (i32) to 7 (exnref)"));
    let mut types = Vec::with_capacity(numbers.len());
    for number in numbers {
        types.push(find(number).ok_or_else(|| unknown(number))?);
    }
    Ok(types)
}

/// Returns the start function and true, or false where the module has none.
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

/// Returns an exported function, by its position among the exports of the module.
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
            other => {
                let ty = other.ty();
                return Err(argument(format!("export {export_index} is a {ty}, expected a function")));
            }
        }
        Ok(())
    })
}

/// Returns memory 0 of the instance's index space, imported or its own: a handle of its own. Null
/// where there is none, and for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_instance_memory0(instance: *const gw_instance) -> *mut gw_extern {
    infallible(core::ptr::null_mut(), || {
        // SAFETY: null or an instance of ours, by the rules of this ABI.
        let memory = unsafe { instance.as_ref() }.and_then(|instance| instance.0.memory(0));
        memory.map_or(core::ptr::null_mut(), |memory| gw_extern::into_raw(Extern::Memory(memory)))
    })
}

pub(super) fn exported(instance: &Instance, index: u32) -> Result<Extern> {
    let count = instance.module().info().exports.len();
    let export = instance.export_at(index as usize);
    export.ok_or_else(|| argument(format!("export {index}, expected less than {count}, the number of exports")))
}

/// What C functions get as their first argument; unique among the instances that are alive. Null
/// for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_instance_token(instance: *const gw_instance) -> *const c_void {
    // SAFETY: null or an instance of ours, by the rules of this ABI.
    unsafe { instance.as_ref() }.map_or(core::ptr::null(), |instance| instance.0.token().cast())
}

/// The instance's store, for the context of a call. Null for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_instance_store(instance: *const gw_instance) -> *const c_void {
    // SAFETY: null or an instance of ours, by the rules of this ABI.
    unsafe { instance.as_ref() }.map_or(core::ptr::null(), |instance| instance.0.store_pointer().cast())
}

/// Makes the own memories, tables, globals and segments of an instance what they were before its
/// start function was called. No code of it may be running. After an error it is good for nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_instance_reset(instance: *const gw_instance) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, and at rest, by the rules of this ABI.
        unsafe { borrow(instance, "instance")?.0.reset() }
    })
}

/// Frees an instance handle; the instance itself goes with the last handle of its store. Null is
/// allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_instance_free(instance: *mut gw_instance) {
    // SAFETY: null or an instance of ours that is freed once, by the rules of this ABI.
    unsafe { release(instance) }
}
