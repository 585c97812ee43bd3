//! Finding the references to values of the host that a store holds, without keeping the store
//! alive.

use super::error::{gw_bytes, gw_error};
use super::externs::gw_extern;
use super::instance::gw_instance;
use super::{argument, borrow, fallible, output, release};
use crate::prelude::*;
use crate::vm::StoreWatch;

/// A store as seen by somebody who does not keep it alive.
#[derive(Debug)]
pub struct gw_store_watch(StoreWatch);

impl gw_store_watch {
    pub(super) fn store(&self) -> Option<crate::vm::Store> {
        self.0.store()
    }
}

/// Watches the store of an instance.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_store_watch_new(
    instance: *const gw_instance,
    out: *mut *mut gw_store_watch,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (instance, out) = unsafe { (borrow(instance, "instance")?, output(out, "out")?) };
        *out = Box::into_raw(Box::new(gw_store_watch(instance.0.store().watch())));
        Ok(())
    })
}

/// Watches the store of an object, which is none of the host's functions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_store_watch_extern(item: *const gw_extern, out: *mut *mut gw_store_watch) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (item, out) = unsafe { (borrow(item, "item")?, output(out, "out")?) };
        let store = item.0.store().ok_or_else(|| argument("function of the host, expected an object of a store"))?;
        *out = Box::into_raw(Box::new(gw_store_watch(store.watch())));
        Ok(())
    })
}

/// Returns the slots of externref in globals, tables and passive element segments of the store, 8
/// bytes each, little-endian, and whether the store still exists. Of stores that became one, at
/// least one of the watches finds it. No guest of the store may run meanwhile, lest a slot be
/// missed that it moves.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_store_watch_roots(
    watch: *const gw_store_watch,
    alive: *mut bool,
    out: *mut gw_bytes,
) -> *mut gw_error {
    fallible(|| {
        // SAFETY: null or valid, by the rules of this ABI.
        let (watch, alive, out) = unsafe { (borrow(watch, "watch")?, output(alive, "alive")?, output(out, "out")?) };
        let store = watch.0.store();
        *alive = store.is_some();
        let slots = store.map(|store| store.externrefs()).unwrap_or_default();
        *out = gw_bytes::from_vec(slots.iter().flat_map(|slot| slot.to_le_bytes()).collect());
        Ok(())
    })
}

/// Ends the watch. Null is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gw_store_watch_free(watch: *mut gw_store_watch) {
    // SAFETY: null or a watch of ours that is freed once, by the rules of this ABI.
    unsafe { release(watch) }
}
