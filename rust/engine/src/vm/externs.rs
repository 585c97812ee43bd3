//! What is imported and exported: handles to functions, tables, memories and globals, each of which
//! keeps its store alive.

#![allow(unsafe_code)] // handles point into their store

use super::exceptions;
use super::global::Global;
use super::memory::Memory;
use super::pinned::Pinned;
use super::store::Store;
use super::table::Table;
use super::tag::TagHandle;
use crate::abi::vmctx::{FuncRecord, GlobalCell, MemoryDefinition};
use crate::error::{Error, ErrorKind, Result};
use crate::fiber::intrinsics::Intrinsic;
use crate::options::BoundsMode;
use crate::prelude::*;
use crate::types::{ExternType, FuncType, GlobalType, MemoryType, TableType, ValType};
use core::ptr::NonNull;

/// Anything that can be imported or exported.
#[derive(Clone, Debug)]
pub enum Extern {
    /// A function.
    Func(FuncHandle),
    /// A table.
    Table(TableHandle),
    /// A memory.
    Memory(MemoryHandle),
    /// A global.
    Global(GlobalHandle),
    /// A tag.
    Tag(TagHandle),
}

/// A function: one of an instance, or one that the host will provide to the instance that imports
/// it.
#[derive(Clone, Debug)]
pub struct FuncHandle {
    ty: FuncType,
    source: FuncSource,
}

#[derive(Clone, Debug)]
pub(super) enum FuncSource {
    /// Of an instance in the store.
    Instance { store: Store, record: NonNull<FuncRecord> },
    /// Of the host: compiled code of the importing module leads to it.
    Host(HostSource),
}

/// A function of the host: what its record holds of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct HostSource {
    pub(super) instance_id: u64,
    pub(super) function_index: u64,
    /// The embedder's C function, or null.
    pub(super) c_function: *const u8,
    /// What the engine does by itself, and its datum.
    pub(super) intrinsic: (Intrinsic, i64),
}

/// A table.
#[derive(Clone, Debug)]
pub struct TableHandle {
    store: Store,
    table: NonNull<Table>,
}

/// A memory.
#[derive(Clone, Debug)]
pub struct MemoryHandle {
    store: Store,
    memory: NonNull<Memory>,
}

/// A global.
#[derive(Clone, Debug)]
pub struct GlobalHandle {
    store: Store,
    cell: NonNull<GlobalCell>,
    ty: GlobalType,
}

// SAFETY: what the pointers lead to is kept alive by the store beside them, is shared by threads
// anyway, and changes by atomic operations or under its own lock only. The C function is only
// passed on.
unsafe impl Send for FuncSource {}
// SAFETY: as above.
unsafe impl Sync for FuncSource {}
// SAFETY: as above.
unsafe impl Send for TableHandle {}
// SAFETY: as above.
unsafe impl Sync for TableHandle {}
// SAFETY: as above.
unsafe impl Send for MemoryHandle {}
// SAFETY: as above.
unsafe impl Sync for MemoryHandle {}
// SAFETY: as above.
unsafe impl Send for GlobalHandle {}
// SAFETY: as above.
unsafe impl Sync for GlobalHandle {}

pub(super) fn argument(message: String) -> Error {
    Error::new(ErrorKind::Argument, message)
}

impl Store {
    /// A function of the host, to be imported: calls of it name the two numbers.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn host_function(&self, ty: FuncType, instance_id: u64, function_index: u64) -> FuncHandle {
        FuncHandle::host(ty, instance_id, function_index, core::ptr::null())
    }

    /// Makes a memory, guarded where the address space allows, so that every module can import it.
    ///
    /// # Errors
    /// Kind `Argument` for impossible limits, `Resource` where the system refuses.
    pub fn memory(&self, ty: MemoryType) -> Result<MemoryHandle> {
        let refused = |error: &Error| error.kind() == ErrorKind::Resource;
        let guarded = self.memory_with(ty, BoundsMode::Guarded);
        if guarded.as_ref().is_err_and(refused) { self.memory_with(ty, BoundsMode::Explicit) } else { guarded }
    }

    /// Makes a memory of a given mode. Modules compiled for guarded memories cannot import explicit
    /// ones.
    ///
    /// # Errors
    /// As [`Store::memory`].
    pub fn memory_with(&self, ty: MemoryType, mode: BoundsMode) -> Result<MemoryHandle> {
        let memory = Pinned::new(Memory::new(&ty, mode, None)?);
        let memory = self.with(|contents| contents.add_memory(memory));
        Ok(MemoryHandle::new(self, memory))
    }

    /// Makes a table, all null.
    ///
    /// # Errors
    /// Kind `Argument` for impossible limits, `Resource` where the system refuses.
    pub fn table(&self, ty: TableType) -> Result<TableHandle> {
        if !ty.element.is_ref() {
            return Err(argument(format!("table of {}, expected a reference type", ty.element)));
        }
        let table = Pinned::new(Table::new(&ty, true, None)?);
        let pointer = table.pointer();
        self.with(|contents| contents.tables.push(table));
        Ok(TableHandle::new(self, pointer))
    }

    /// Makes a global of one slot; of function references only null can be given. Of a vector:
    /// [`Store::global128`].
    ///
    /// # Errors
    /// Kind `Argument` for a value that cannot be given.
    pub fn global(&self, ty: GlobalType, value: u64) -> Result<GlobalHandle> {
        check_slot(ty.value, value)?;
        Ok(self.new_global(ty, u128::from(value)))
    }

    /// Makes a global of type v128; the low slot is in the low bits.
    ///
    /// # Errors
    /// Kind `Argument` for another type.
    pub fn global128(&self, ty: GlobalType, value: u128) -> Result<GlobalHandle> {
        check_vector(ty.value)?;
        Ok(self.new_global(ty, value))
    }

    fn new_global(&self, ty: GlobalType, value: u128) -> GlobalHandle {
        let global = Pinned::new(Global::default());
        global.cell.set128(value);
        let cell = NonNull::from(&global.cell);
        self.with(|contents| contents.globals.push(global));
        GlobalHandle::new(self, cell, ty)
    }
}

/// Refuses slots that the embedder must not make up.
pub(super) fn check_slot(ty: ValType, value: u64) -> Result<()> {
    match ty {
        ValType::V128 => Err(argument("one slot for a value of type v128, expected two".into())),
        ValType::FuncRef if value != 0 => Err(argument("number given for a funcref, expected null (0)".into())),
        ValType::ExnRef if value != 0 && !exceptions::is_exception(value) => {
            Err(argument(format!("number {value:#x} given for an exnref, expected an exception or null (0)")))
        }
        ValType::I32 | ValType::F32 if value >> 32 != 0 => {
            Err(argument(format!("slot {value:#x} for a value of type {ty}, expected 32 bits, zero-extended")))
        }
        _ => Ok(()),
    }
}

/// Refuses two slots for a value of one.
fn check_vector(ty: ValType) -> Result<()> {
    if ty == ValType::V128 {
        Ok(())
    } else {
        Err(argument(format!("two slots for a value of type {ty}, expected one")))
    }
}

impl Extern {
    /// Its type; of tables and memories, with their present size as the minimum.
    #[must_use]
    pub fn ty(&self) -> ExternType {
        match self {
            Self::Func(function) => ExternType::Func(function.ty.clone()),
            Self::Table(table) => ExternType::Table(table.ty()),
            Self::Memory(memory) => ExternType::Memory(memory.ty()),
            Self::Global(global) => ExternType::Global(global.ty),
            Self::Tag(tag) => ExternType::Tag(tag.ty().clone()),
        }
    }

    /// The store that it belongs to; functions of the host belong to none before they are imported.
    #[must_use]
    pub const fn store(&self) -> Option<&Store> {
        match self {
            Self::Func(FuncHandle { source: FuncSource::Instance { store, .. }, .. }) => Some(store),
            Self::Func(_) => None,
            Self::Table(table) => Some(&table.store),
            Self::Memory(memory) => Some(&memory.store),
            Self::Global(global) => Some(&global.store),
            Self::Tag(tag) => Some(tag.store()),
        }
    }
}

impl FuncHandle {
    /// A function of the host, with the address of a C function that compiled code calls directly,
    /// or null.
    #[must_use]
    pub const fn host(ty: FuncType, instance_id: u64, function_index: u64, c_function: *const u8) -> Self {
        let source = HostSource { instance_id, function_index, c_function, intrinsic: (Intrinsic::None, 0) };
        Self { ty, source: FuncSource::Host(source) }
    }

    /// A function of the host that the engine carries out by itself where it can; the datum is that
    /// of the intrinsic.
    ///
    /// # Errors
    /// Kind `Argument` for a number that is no intrinsic's, or one of another type.
    pub fn intrinsic(ty: FuncType, instance_id: u64, function_index: u64, number: u32, datum: i64) -> Result<Self> {
        let found = Intrinsic::from_number(number);
        let intrinsic =
            found.ok_or_else(|| argument(format!("intrinsic {number}, expected 0 (none) or 1 (clock_read)")))?;
        if let Some(expected) = intrinsic.ty().filter(|expected| *expected != ty) {
            return Err(argument(format!("a function {ty} for intrinsic {number}, expected {expected}")));
        }
        let c_function = core::ptr::null();
        let source = HostSource { instance_id, function_index, c_function, intrinsic: (intrinsic, datum) };
        Ok(Self { ty, source: FuncSource::Host(source) })
    }

    pub(super) fn of_instance(store: &Store, record: NonNull<FuncRecord>, ty: FuncType) -> Self {
        Self { ty, source: FuncSource::Instance { store: store.clone(), record } }
    }

    pub(super) const fn source(&self) -> &FuncSource {
        &self.source
    }

    /// Its type.
    #[must_use]
    pub const fn ty(&self) -> &FuncType {
        &self.ty
    }

    /// How it is called.
    ///
    /// # Panics
    /// For a function of the host that was not imported: no code leads to it yet. Exports always
    /// have a record.
    #[must_use]
    pub fn record(&self) -> &FuncRecord {
        match &self.source {
            // SAFETY: the store keeps the record alive, and records never change.
            FuncSource::Instance { record, .. } => unsafe { record.as_ref() },
            FuncSource::Host(_) => panic!("a function of the host has no record before it is imported"),
        }
    }

    /// The store that it belongs to, for `fiber::run`; null for a function of the host.
    #[must_use]
    pub fn store_pointer(&self) -> *const () {
        match &self.source {
            FuncSource::Instance { store, .. } => store.node().cast(),
            FuncSource::Host(_) => core::ptr::null(),
        }
    }

    /// The slot that holds a reference to it.
    ///
    /// # Panics
    /// As [`FuncHandle::record`].
    #[must_use]
    pub fn slot(&self) -> u64 {
        core::ptr::from_ref(self.record()) as u64
    }
}

impl TableHandle {
    pub(super) fn new(store: &Store, table: NonNull<Table>) -> Self {
        Self { store: store.clone(), table }
    }

    pub(super) const fn pointer(&self) -> NonNull<Table> {
        self.table
    }

    pub(super) fn table(&self) -> &Table {
        // SAFETY: the store keeps it alive.
        unsafe { self.table.as_ref() }
    }

    /// Its type, with its present size as the minimum.
    #[must_use]
    pub fn ty(&self) -> TableType {
        self.table().ty()
    }

    /// Number of elements.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.table().bound()
    }

    /// The slot of an element, if it exists.
    #[must_use]
    pub fn get(&self, index: u64) -> Option<u64> {
        self.table().get(index)
    }

    pub(super) const fn store(&self) -> &Store {
        &self.store
    }

    /// Sets an element to a slot; of function references only null can be given.
    ///
    /// # Errors
    /// Kind `Argument` for an element that does not exist, or a value that cannot be given.
    pub fn set(&self, index: u64, slot: u64) -> Result<()> {
        check_slot(self.ty().element, slot)?;
        self.put(index, slot)
    }

    pub(super) fn put(&self, index: u64, slot: u64) -> Result<()> {
        let done = self.table().set(index, &[slot]);
        done.then_some(()).ok_or_else(|| argument(format!("element {index}, expected less than {}", self.size())))
    }
}

impl MemoryHandle {
    pub(super) fn new(store: &Store, memory: NonNull<Memory>) -> Self {
        Self { store: store.clone(), memory }
    }

    /// The store that it belongs to.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    pub(super) const fn pointer(&self) -> NonNull<Memory> {
        self.memory
    }

    pub(super) fn memory(&self) -> &Memory {
        // SAFETY: the store keeps it alive.
        unsafe { self.memory.as_ref() }
    }

    /// Its type, with its present size as the minimum.
    #[must_use]
    pub fn ty(&self) -> MemoryType {
        self.memory().ty()
    }

    /// Its definition, valid as long as this handle, for those who keep no address of its bytes for
    /// longer.
    #[must_use]
    pub fn definition(&self) -> *const MemoryDefinition {
        self.memory().definition()
    }

    /// Its definition, valid as long as this handle. From now on the range counts as known to Go,
    /// and is quarantined after the end.
    #[must_use]
    pub fn show(&self) -> *const MemoryDefinition {
        self.memory().show();
        self.memory().definition()
    }

    /// Adds pages and returns the old size in pages.
    ///
    /// # Errors
    /// Kind `Resource` where the maximum would be exceeded or the system refuses.
    pub fn grow(&self, pages: u64) -> Result<u64> {
        self.memory().grow(pages).map_err(|error| error.into_error(pages))
    }

    /// Copies bytes in; false, and nothing is copied, if they do not fit.
    #[must_use]
    pub fn write(&self, offset: u64, bytes: &[u8]) -> bool {
        self.memory().write(offset, bytes)
    }

    /// Copies bytes out; false, and nothing is copied, if they are outside.
    #[must_use]
    pub fn read(&self, offset: u64, bytes: &mut [u8]) -> bool {
        self.memory().read(offset, bytes)
    }
}

impl GlobalHandle {
    pub(super) fn new(store: &Store, cell: NonNull<GlobalCell>, ty: GlobalType) -> Self {
        Self { store: store.clone(), cell, ty }
    }

    pub(super) const fn pointer(&self) -> NonNull<GlobalCell> {
        self.cell
    }

    pub(super) const fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn cell(&self) -> &GlobalCell {
        // SAFETY: the store keeps it alive; compiled code and others change it by whole, aligned
        // stores.
        unsafe { self.cell.as_ref() }
    }

    /// Its type.
    #[must_use]
    pub const fn ty(&self) -> GlobalType {
        self.ty
    }

    /// Its value as a slot; of a vector, the low one.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.cell().get(self.ty.value)
    }

    /// Its value as two slots, the low one in the low bits; the high one is 0 unless it is a
    /// vector.
    #[must_use]
    pub fn get128(&self) -> u128 {
        if self.ty.value == ValType::V128 { self.cell().get128() } else { u128::from(self.get()) }
    }

    /// Sets its value; of function references only null can be given.
    ///
    /// # Errors
    /// Kind `Argument` if it is immutable, or for a value that cannot be given.
    pub fn set(&self, slot: u64) -> Result<()> {
        self.check_mutable()?;
        check_slot(self.ty.value, slot)?;
        self.cell().set(slot);
        Ok(())
    }

    /// Sets the value of a vector; the low slot is in the low bits.
    ///
    /// # Errors
    /// Kind `Argument` if it is immutable, or of another type.
    pub fn set128(&self, value: u128) -> Result<()> {
        self.check_mutable()?;
        check_vector(self.ty.value)?;
        self.cell().set128(value);
        Ok(())
    }

    pub(super) fn check_mutable(&self) -> Result<()> {
        if self.ty.mutable {
            return Ok(());
        }
        Err(argument(format!("global {} cannot be set, expected a mutable one", self.ty.value)))
    }
}
