//! Snapshots of instances.

use super::error::{gw_bytes, gw_error};
use super::instance::gw_instance;
use super::module::gw_module;
use super::{borrow, fallible, items, output, release};
use crate::prelude::*;
use crate::vm::Snapshot;

/// A snapshot: what instances are made of beside a module.
#[derive(Debug)]
pub struct gw_snapshot(pub(super) Snapshot);

/// Takes a snapshot of an instance, of which no code may be running.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_snapshot_take(instance: *const gw_instance, out: *mut *mut gw_snapshot) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (instance, out) = unsafe { (borrow(instance, "instance")?, output(out, "out")?) };
        *out = Box::into_raw(Box::new(gw_snapshot(instance.0.snapshot()?)));
        Ok(())
    })
}

/// Serialises a snapshot, for `gw_snapshot_deserialize` with the same module.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_snapshot_serialize(snapshot: *const gw_snapshot, out: *mut gw_bytes) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (snapshot, out) = unsafe { (borrow(snapshot, "snapshot")?, output(out, "out")?) };
        *out = gw_bytes::from_vec(snapshot.0.serialize());
        Ok(())
    })
}

/// Makes a snapshot of a module of what `gw_snapshot_serialize` gave. Compiled code relies on what
/// it says: the bytes must be trusted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_snapshot_deserialize(
    module: *const gw_module,
    data: *const u8,
    len: usize,
    out: *mut *mut gw_snapshot,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (module, bytes, out) =
            unsafe { (borrow(module, "module")?, items(data, len, "data")?, output(out, "out")?) };
        *out = Box::into_raw(Box::new(gw_snapshot(Snapshot::deserialize(&module.0, bytes)?)));
        Ok(())
    })
}

/// Frees a snapshot handle; instances keep what they need of it. Null is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_snapshot_free(snapshot: *mut gw_snapshot) {
    // SAFETY: null or a snapshot of ours that is freed once, by the rules of this ABI.
    unsafe { release(snapshot) }
}
