//! Tags and exceptions. An exception is known by a number, which is the slot of a reference to it.

use super::error::{gw_bytes, gw_error};
use super::externs::gw_extern;
use super::instance::{gw_instance, value_types};
use super::roots::gw_store_watch;
use super::{argument, borrow, describe, fallible, infallible, items, output};
use crate::abi::Context;
use crate::prelude::*;
use crate::types::FuncType;
use crate::vm::{Extern, Store, exceptions};

/// Makes a tag whose exceptions have values of these types, a `gw_val_type` each, in a store of its
/// own until it is imported.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_tag_new(types: *const u8, types_len: usize, out: *mut *mut gw_extern) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (types, out) = unsafe { (items(types, types_len, "types")?, output(out, "out")?) };
        let tag = Store::new().tag(&FuncType { params: value_types(types)?, results: Vec::new() })?;
        *out = gw_extern::into_raw(Extern::Tag(tag));
        Ok(())
    })
}

/// Returns the type of a tag, which is that of a function without results, in the encoding that
/// `ffi/describe.rs` defines.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_tag_type(tag: *const gw_extern, out: *mut gw_bytes) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (tag, out) = unsafe { (borrow(tag, "tag")?.tag()?, output(out, "out")?) };
        *out = gw_bytes::from_vec(describe::function_type(tag.ty()));
        Ok(())
    })
}

/// Tells which tag it is: handles of the same tag have the same number, as long as one of them
/// exists. 0 for null and for what is no tag.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_tag_identity(tag: *const gw_extern) -> u64 {
    infallible(0, || {
        // SAFETY: null or an object of ours, by the rules of this ABI.
        unsafe { tag.as_ref() }.and_then(|tag| tag.tag().ok()).map_or(0, |tag| tag.identity() as u64)
    })
}

/// Makes an exception of the slots of its values, and returns its number. It is kept until
/// `gw_exception_unpin`, and then as long as a guest refers to it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_exception_new(
    tag: *const gw_extern,
    slots: *const u64,
    slots_len: usize,
    out: *mut u64,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (tag, slots, out) =
            unsafe { (borrow(tag, "tag")?.tag()?, items(slots, slots_len, "slots")?, output(out, "out")?) };
        *out = exceptions::make(tag, slots)?;
        Ok(())
    })
}

/// Returns a handle of the tag of an exception of an instance's store, and the slots of its values,
/// 8 bytes each, little-endian.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_exception_read(
    instance: *const gw_instance,
    exception: u64,
    tag: *mut *mut gw_extern,
    slots: *mut gw_bytes,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (instance, tag, slots) =
            unsafe { (borrow(instance, "instance")?, output(tag, "tag")?, output(slots, "slots")?) };
        let found = exceptions::read(instance.0.store(), exception);
        let (handle, values) =
            found.ok_or_else(|| argument(format!("{exception:#x}, which is no exception of this instance")))?;
        *tag = gw_extern::into_raw(Extern::Tag(handle));
        *slots = gw_bytes::from_vec(values.iter().flat_map(|slot| slot.to_le_bytes()).collect());
        Ok(())
    })
}

/// Keeps an exception until `gw_exception_unpin` was called once more, wherever its number is. It
/// does nothing for a number that is none.
#[unsafe(no_mangle)]
pub extern "C" fn gw_exception_pin(exception: u64) {
    infallible((), || exceptions::pin(exception));
}

/// Lets go of an exception that `gw_exception_new` or `gw_exception_take` has returned,
/// or that was pinned. It does nothing for a number that is none.
#[unsafe(no_mangle)]
pub extern "C" fn gw_exception_unpin(exception: u64) {
    infallible((), || exceptions::unpin(exception));
}

/// Takes the exception that a guest has trapped by; 0 if there is none. It is kept until
/// `gw_exception_unpin`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_exception_take(context: *mut Context) -> u64 {
    infallible(0, || {
        // SAFETY: a context of ours whose guest is stopped, by the rules of this ABI.
        if context.is_null() { 0 } else { unsafe { exceptions::take(context) } }
    })
}

/// Throws an exception in a guest that has left for a host function: reports whether the guest
/// catches it, and goes on there when it is resumed. Else nothing has changed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_throw(context: *mut Context, exception: u64) -> bool {
    infallible(false, || {
        // SAFETY: a context of ours whose guest has left for a host function, by the rules of this
        // ABI.
        !context.is_null() && unsafe { exceptions::throw_at_call(context, exception) }
    })
}

/// Drops the exceptions of a store that neither these words nor the store itself refer to, and
/// returns how many. No guest of the store may run meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_store_watch_drop_exceptions(
    watch: *const gw_store_watch,
    words: *const u64,
    words_len: usize,
) -> usize {
    infallible(0, || {
        // SAFETY: null or valid, by the rules of this ABI.
        let (Some(watch), Ok(words)) = (unsafe { watch.as_ref() }, unsafe { items(words, words_len, "words") }) else {
            return 0;
        };
        watch.store().map_or(0, |store| store.drop_exceptions(words))
    })
}
