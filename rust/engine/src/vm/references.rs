//! Functions as values: what a reference in a slot leads to, and putting references where guests
//! find them.
//!
//! Sandbox-critical: a slot of type funcref is an address that compiled code calls through. What
//! comes from the embedder gets there only as a [`FuncHandle`], and a handle is made of a slot only
//! if it is the address of a record in the store.

#![allow(unsafe_code)] // follows addresses of function records

use super::externs::{FuncHandle, FuncSource, GlobalHandle, TableHandle, argument, check_slot};
use super::instance::{Instance, InstanceData};
use super::store::Store;
use super::type_ids;
use crate::abi::vmctx::{FuncRecord, Header};
use crate::error::Result;
use crate::types::{GlobalType, ValType};
use core::ptr::NonNull;

/// Which function a reference is. References to the same function have different slots in different
/// instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FuncOrigin {
    /// The number that the embedder has given to the instance that defines it; of a host function,
    /// to the one that imports it.
    pub instance_id: u64,
    /// Its index there.
    pub function: u32,
}

impl Store {
    /// The function that a slot refers to; none for null, and for whatever is no reference to a
    /// function in this store.
    #[must_use]
    pub fn function_at(&self, slot: u64) -> Option<FuncHandle> {
        let record = NonNull::new(slot as *mut FuncRecord)?;
        let known = self.with(|contents| contents.instances.iter().any(|instance| instance.has_record(slot as usize)));
        known.then(|| {
            // SAFETY: it is the address of a record in this store, which the caller keeps alive,
            // and its instance holds the type's id.
            let ty = type_ids::type_of(unsafe { record.as_ref() }.type_id);
            FuncHandle::of_instance(self, record, ty)
        })
    }

    /// Makes a global that refers to a function; both stores become one.
    ///
    /// # Errors
    /// Kind `Argument` for a type other than funcref, or a function of the host.
    pub fn function_global(&self, ty: GlobalType, function: &FuncHandle) -> Result<GlobalHandle> {
        let slot = self.accept(ty.value, function)?;
        let global = self.global(ty, 0)?;
        global.cell().set(slot);
        Ok(global)
    }

    /// Makes this store and that of a function one, and returns the slot that refers to the
    /// function.
    fn accept(&self, ty: ValType, function: &FuncHandle) -> Result<u64> {
        let FuncSource::Instance { store, .. } = function.source() else {
            return Err(argument("function of the host, expected one that an instance exports".into()));
        };
        if ty != ValType::FuncRef {
            return Err(argument(format!("function for a value of type {ty}, expected funcref")));
        }
        self.merge(store);
        Ok(function.slot())
    }
}

impl Instance {
    /// Makes the stores of this and of a function one, and returns the slot that refers to the
    /// function.
    ///
    /// # Errors
    /// Kind `Argument` for a function of the host.
    pub fn accept(&self, function: &FuncHandle) -> Result<u64> {
        self.store().accept(ValType::FuncRef, function)
    }
}

impl InstanceData {
    /// Whether an address is that of a function record of this instance.
    fn has_record(&self, address: usize) -> bool {
        self.vmctx.is_record(address, self.module.layout().func_record(0), self.module.info().escaping.len())
    }
}

impl FuncHandle {
    /// Which function it is; none for a function of the host that was not imported.
    #[must_use]
    pub fn origin(&self) -> Option<FuncOrigin> {
        let FuncSource::Instance { .. } = self.source() else { return None };
        let record = self.record();
        // SAFETY: what a record's vmctx points to begins with a header, and leads to an instance in
        // the store, which this handle keeps alive.
        let instance = unsafe { &*(*record.vmctx.cast::<Header>()).instance.cast::<InstanceData>() };
        Some(FuncOrigin { instance_id: instance.id, function: record.function })
    }
}

impl TableHandle {
    /// The function that an element refers to: none outside of the table, or for null, or in a
    /// table of other references.
    #[must_use]
    pub fn get_function(&self, index: u64) -> Option<FuncHandle> {
        let slot = self.get(index).filter(|_| self.ty().element == ValType::FuncRef)?;
        self.store().function_at(slot)
    }

    /// Sets an element to a function of an instance; its store and the table's become one.
    ///
    /// # Errors
    /// Kind `Argument` for an element that does not exist, or a table or function that does not
    /// fit.
    pub fn set_function(&self, index: u64, function: &FuncHandle) -> Result<()> {
        if index >= self.size() {
            return self.put(index, 0); // before the stores become one
        }
        let slot = self.store().accept(self.ty().element, function)?;
        self.put(index, slot)
    }

    /// Adds elements, all with a slot; of function references only null can be given. Gives the old
    /// size, none if the table would exceed its maximum or the system refuses.
    ///
    /// # Errors
    /// Kind `Argument` for a value that cannot be given.
    pub fn grow(&self, count: u64, slot: u64) -> Result<Option<u64>> {
        check_slot(self.ty().element, slot)?;
        Ok(self.table().grow(count, slot))
    }

    /// The same with a function of an instance; its store and the table's become one.
    ///
    /// # Errors
    /// Kind `Argument` for a table or function that does not fit.
    pub fn grow_function(&self, count: u64, function: &FuncHandle) -> Result<Option<u64>> {
        let slot = self.store().accept(self.ty().element, function)?;
        Ok(self.table().grow(count, slot))
    }
}

impl GlobalHandle {
    /// The function that it refers to: none for null, or in a global of another type.
    #[must_use]
    pub fn get_function(&self) -> Option<FuncHandle> {
        (self.ty().value == ValType::FuncRef).then(|| self.store().function_at(self.get())).flatten()
    }

    /// Sets it to a function of an instance; its store and the global's become one.
    ///
    /// # Errors
    /// Kind `Argument` if it is immutable or of another type, or for a function of the host.
    pub fn set_function(&self, function: &FuncHandle) -> Result<()> {
        self.check_mutable()?;
        let slot = self.store().accept(self.ty().value, function)?;
        self.cell().set(slot);
        Ok(())
    }
}
