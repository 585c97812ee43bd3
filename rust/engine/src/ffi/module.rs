//! Modules: compiling, validating, serialising, describing.

#[cfg(feature = "hosted")]
use super::compilation::gw_compile_options;
use super::error::{gw_bytes, gw_error};
use super::{argument, borrow, describe, fallible, items, output, release};
use crate::os::on_large_stack;
use crate::prelude::*;
use crate::vm::Module;

/// Bytes at the beginning of a serialised module that its checksum does not cover.
pub const GW_SERIALIZED_CHECKED: u32 = 16;
const _: () = assert!(GW_SERIALIZED_CHECKED as usize == crate::artifact::CHECKED);

/// A compiled module.
#[derive(Debug)]
pub struct gw_module(pub(super) Module);

/// Compiles a module from the binary format, on threads of the system: `gw_compilation_new` and
/// what follows it in one. Null options are the defaults.
#[cfg(feature = "hosted")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_module_compile(
    data: *const u8,
    len: usize,
    options: *const gw_compile_options,
    out: *mut *mut gw_module,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (bytes, options, out) = unsafe { (items(data, len, "data")?, options.as_ref(), output(out, "out")?) };
        let options = options.copied().unwrap_or_default();
        *out = Box::into_raw(Box::new(gw_module(Module::compile(bytes, options.choices())?)));
        Ok(())
    })
}

/// Validates a module from the binary format, on threads of the system.
#[cfg(feature = "hosted")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_module_validate(data: *const u8, len: usize) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        crate::compile::validate(unsafe { items(data, len, "data")? })
    })
}

/// Serialises a module with its code, for `gw_module_deserialize` on an equal engine and processor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_module_serialize(module: *const gw_module, out: *mut gw_bytes) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (module, out) = unsafe { (borrow(module, "module")?, output(out, "out")?) };
        *out = gw_bytes::from_vec(module.0.serialize()?);
        Ok(())
    })
}

/// Makes a module of what `gw_module_serialize` gave. The bytes hold machine code that will run:
/// they must be trusted. `checksum` is the CRC-32 (ISO-HDLC) of the bytes from
/// `GW_SERIALIZED_CHECKED` on, or any larger number where the caller has not computed it. `file` is
/// the descriptor of the file that begins with the bytes, or any larger number than one: large code
/// is run from there, so that the file must not change as long as the module and its instances are
/// there; it may be closed and removed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_module_deserialize(
    data: *const u8,
    len: usize,
    checksum: u64,
    file: u64,
    out: *mut *mut gw_module,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (bytes, out) = unsafe { (items(data, len, "data")?, output(out, "out")?) };
        if bytes.is_empty() {
            return Err(argument("argument `data` is empty, expected a serialised module"));
        }
        let (checksum, file) = (u32::try_from(checksum).ok(), i32::try_from(file).ok());
        *out = Box::into_raw(Box::new(gw_module(Module::deserialize_checked(bytes, checksum, file)?)));
        Ok(())
    })
}

/// Tells by whom and for which processor `gw_module_serialize` makes modules, as one line of text:
/// where the lines differ, modules are better compiled again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_serialized_origin(out: *mut gw_bytes) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let out = unsafe { output(out, "out")? };
        *out = gw_bytes::from_vec(crate::artifact::origin().into_bytes());
        Ok(())
    })
}

/// Describes a module: types, imports, exports, sections, sizes, in the encoding that
/// `ffi/describe.rs` defines.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_module_describe(module: *const gw_module, out: *mut gw_bytes) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (module, out) = unsafe { (borrow(module, "module")?, output(out, "out")?) };
        *out = gw_bytes::from_vec(describe::module(&module.0));
        Ok(())
    })
}

/// Tells where the functions of a module are, in the encoding that `ffi/describe.rs` defines: for
/// profilers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_module_functions(module: *const gw_module, out: *mut gw_bytes) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (module, out) = unsafe { (borrow(module, "module")?, output(out, "out")?) };
        *out = gw_bytes::from_vec(describe::functions(&module.0));
        Ok(())
    })
}

/// Returns the custom sections of a module that hold debugging information, in the encoding that
/// `ffi/describe.rs` defines.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_module_debug(module: *const gw_module, out: *mut gw_bytes) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (module, out) = unsafe { (borrow(module, "module")?, output(out, "out")?) };
        *out = gw_bytes::from_vec(describe::debug(module.0.info()));
        Ok(())
    })
}

/// Describes a module without compiling it, as `gw_module_describe` does. The bodies of its
/// functions are not validated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_inspect(data: *const u8, len: usize, out: *mut gw_bytes) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (bytes, out) = unsafe { (items(data, len, "data")?, output(out, "out")?) };
        let parsed = on_large_stack(|| crate::wasm::parse(bytes))??;
        *out = gw_bytes::from_vec(describe::declarations(&parsed.info));
        Ok(())
    })
}

/// Finds the proposals that a module needs beyond WebAssembly 1.0, in the encoding that
/// `ffi/describe.rs` defines. The error is that of a module that is not valid with all of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_proposals(data: *const u8, len: usize, out: *mut gw_bytes) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (bytes, out) = unsafe { (items(data, len, "data")?, output(out, "out")?) };
        let proposals = on_large_stack(|| crate::wasm::required_proposals(bytes))??;
        *out = gw_bytes::from_vec(describe::proposals(&proposals));
        Ok(())
    })
}

/// Frees a module handle; instances of it keep their code. Null is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_module_free(module: *mut gw_module) {
    // SAFETY: null or a module of ours that is freed once, by the rules of this ABI.
    unsafe { release(module) }
}
