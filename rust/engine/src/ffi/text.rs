//! The text format: modules to the binary format.

use super::error::{gw_bytes, gw_error};
use super::{fallible, items, output};

/// Translates a module from the text format (UTF-8) to the binary format, without validating it.
/// The error has a position.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_wat2wasm(data: *const u8, len: usize, out: *mut gw_bytes) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (text, out) = unsafe { (items(data, len, "data")?, output(out, "out")?) };
        *out = gw_bytes::from_vec(crate::text::to_binary(text)?);
        Ok(())
    })
}
