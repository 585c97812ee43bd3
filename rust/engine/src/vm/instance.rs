//! Instances: a module linked to its imports.
//!
//! Everything that can fail on its own account (types, memory, tables) comes before anything that
//! others can see. Then the instance becomes part of its store for good, even if a segment traps:
//! elements that it has written to a shared table stay valid.

#![allow(unsafe_code)] // fills the vmctx and points into the store

use super::code::Code;
use super::externs::{Extern, FuncHandle, FuncSource, GlobalHandle, HostSource, MemoryHandle, TableHandle};
use super::initialize;
use super::linker;
use super::memory::Memory;
use super::module::Module;
use super::pinned::Pinned;
use super::refused::Refused;
use super::snapshot::Snapshot;
use super::stats::{self, Live};
use super::store::Store;
use super::table::Table;
use super::tag::{Tag, TagHandle};
use super::vmctx::Vmctx;
use crate::abi::vmctx::{
    DataEntry, ElementEntry, FuncImport, FuncRecord, GlobalCell, HOST_MAGIC, Header, HostFunction, MemoryEntry,
    TableEntry, VMCTX_MAGIC,
};
use crate::artifact::TrampolineKey;
use crate::error::{Error, ErrorKind, Result};
use crate::fiber::builtins;
use crate::prelude::*;
use crate::types::FuncType;
use crate::wasm::{Export, ExternKind};
use alloc::sync::Arc;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

/// Limits set by the embedder; none by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct InstanceOptions {
    /// Serial number of the instance on the embedder's side, by which references to its functions
    /// are known.
    pub id: u64,
    /// Pages of 64 KiB that each of the instance's own memories may reach at most; of memories with
    /// other pages, as many bytes.
    pub max_memory_pages: Option<u64>,
    /// Elements that each of the instance's own tables may reach at most.
    pub max_table_elements: Option<u64>,
}

/// An instance. A handle: clones are the same instance, which goes with the last handle to anything
/// in its store.
#[derive(Clone, Debug)]
pub struct Instance {
    store: Store,
    data: NonNull<InstanceData>,
}

// SAFETY: the store beside the pointer keeps the instance alive, which is shared by threads anyway.
unsafe impl Send for Instance {}
// SAFETY: as above.
unsafe impl Sync for Instance {}

/// What the store owns of an instance. Index spaces begin with the imports.
#[derive(Debug)]
pub(super) struct InstanceData {
    /// Goes back to the code when this is dropped.
    pub(super) vmctx: ManuallyDrop<Vmctx>,
    pub(super) module: Module,
    /// The module's code, as it was when this was made.
    pub(super) code: Arc<Code>,
    /// As in [`InstanceOptions`].
    pub(super) id: u64,
    memories: Box<[NonNull<Memory>]>,
    tables: Box<[NonNull<Table>]>,
    globals: Box<[NonNull<GlobalCell>]>,
    tags: Box<[NonNull<Tag>]>,
    /// Items of passive element segments, which the vmctx points to.
    pub(super) elements: Vec<Box<[u64]>>,
    /// What the instance was made of and is reset to; none for its module alone.
    origin: Option<Snapshot>,
    _live: Live,
}

// SAFETY: the pointers lead into the same store, to things that threads share anyway.
unsafe impl Send for InstanceData {}
// SAFETY: as above.
unsafe impl Sync for InstanceData {}

impl Instance {
    /// Links an instance to what stands for each import of the module, and initialises it (section
    /// 4.5.4). The start function is not called: see [`Instance::start`]. The stores of all imports
    /// become one with `store`; but if `store` is new and only memories come from others, it keeps
    /// these alive and they stay apart.
    ///
    /// # Errors
    /// Kind `Link` for a missing or wrong import, `Resource` where memory or a limit is lacking,
    /// `Instantiate` with a trap where an active segment does not fit; the segments before it have
    /// taken effect then.
    pub fn new(store: &Store, module: &Module, imports: &[Extern], options: InstanceOptions) -> Result<Self> {
        Self::make(store, module, None, imports, options)
    }

    /// The same of a snapshot: memories, tables, globals and segments are what they were when it
    /// was taken. Elements and data are not copied to what is imported.
    ///
    /// # Errors
    /// As [`Instance::new`], but for segments.
    pub fn from_snapshot(
        store: &Store,
        snapshot: &Snapshot,
        imports: &[Extern],
        options: InstanceOptions,
    ) -> Result<Self> {
        Self::make(store, snapshot.module(), Some(snapshot), imports, options)
    }

    fn make(
        store: &Store,
        module: &Module,
        origin: Option<&Snapshot>,
        imports: &[Extern],
        options: InstanceOptions,
    ) -> Result<Self> {
        let info = module.info();
        if let Some(import) = info.imports.get(imports.len()) {
            return Err(linker::missing(import));
        }
        if imports.len() > info.imports.len() {
            let (given, expected) = (imports.len(), info.imports.len());
            return Err(Error::new(ErrorKind::Link, format!("given {given} imports, expected {expected}")));
        }
        for (import, given) in info.imports.iter().zip(imports) {
            linker::check(module, import, given)?;
        }
        let state = origin.map(Snapshot::state);
        let (bounds, ceiling) = (module.options().bounds, options.max_memory_pages);
        let memories = info.memories[info.imported_memories as usize..].iter().enumerate();
        let memories = memories.map(|(own, ty)| {
            let state = state.map(|state| &state.memories[own]);
            let image = state.map_or_else(|| &module.template().images[own], |state| &state.image);
            Memory::beginning(ty, bounds, ceiling, image.as_ref(), state.map(|state| state.pages)).map(Pinned::new)
        });
        let memories = memories.collect::<Result<Vec<_>>>()?;
        // What the module gets meanwhile is for others: one instance is made with one code.
        let code = module.code();
        let shared = code.shared_tables(module)?;
        let (mut tables, mut all_tables) = (Vec::new(), Vec::new());
        for (own, index) in (info.imported_tables as usize..info.tables.len()).enumerate() {
            let (ty, can_grow) = (&info.tables[index], info.table_can_grow[index]);
            if let Some(shared) = &shared[own] {
                Table::check(ty, options.max_table_elements)?;
                all_tables.push(shared.table.pointer());
                continue;
            }
            let elements = state.map(|state| state.tables[own].len() as u64);
            let table = Pinned::new(Table::beginning(ty, can_grow, options.max_table_elements, elements)?);
            all_tables.push(table.pointer());
            tables.push(table);
        }
        let tags =
            (info.imported_tags..info.tags.len() as u32).map(|tag| Pinned::new(Tag::new(info.tag_type(tag), store)));
        let tags: Vec<_> = tags.collect();
        let mut data = InstanceData::link(module, &code, imports, (&memories, &tags), all_tables, options.id)?;
        initialize::globals(&data)?;
        data.elements = initialize::passive_items(&data)?;
        initialize::passive_segments(&data);
        data.origin = origin.cloned();
        let data = Pinned::new(data);

        join(store, imports);
        data.set_owner(data.pointer(), store);
        let instance = Self { store: store.clone(), data: data.pointer() };
        store.with(|contents| {
            for memory in memories {
                contents.add_memory(memory);
            }
            contents.tables.extend(tables);
            contents.tags.extend(tags);
            contents.instances.push(data);
        });
        match origin {
            None => initialize::segments(instance.data(), false)?,
            Some(snapshot) => snapshot.restore(instance.data())?,
        }
        Ok(instance)
    }

    /// Makes the own memories, tables, globals and segments what they were when the instance was
    /// made, before its start function was called. What is imported stays as it is. After an error
    /// the instance is good for nothing.
    ///
    /// # Errors
    /// Kind `Resource` where the system refuses.
    ///
    /// # Safety
    /// No code of the instance runs. Code of instances that import its memories and tables may run,
    /// and finds these in some state between both.
    pub unsafe fn reset(&self) -> Result<()> {
        let data = self.data();
        let info = data.module.info();
        for index in info.imported_memories..info.memories.len() as u32 {
            // SAFETY: by the caller's promise.
            unsafe { data.memory(index).begin_again()? };
        }
        for index in (info.imported_tables..info.tables.len() as u32).filter(|index| !info.shares_table(*index)) {
            data.table(index).begin_again()?;
        }
        let Some(origin) = &data.origin else {
            initialize::globals(data)?;
            initialize::passive_segments(data);
            return initialize::segments(data, true);
        };
        origin.restore(data)
    }

    pub(super) fn data(&self) -> &InstanceData {
        // SAFETY: the store keeps it alive.
        unsafe { self.data.as_ref() }
    }

    /// The module that this is an instance of.
    #[must_use]
    pub fn module(&self) -> &Module {
        &self.data().module
    }

    /// The store that this belongs to.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The store's address as calls need it.
    #[must_use]
    pub fn store_pointer(&self) -> *const () {
        self.data().header().store
    }

    /// What C functions get as their first argument; unique among the instances that are alive.
    #[must_use]
    pub fn token(&self) -> *const u8 {
        self.data().vmctx.pointer()
    }

    /// How the start function is called, if there is one.
    #[must_use]
    pub fn start(&self) -> Option<FuncRecord> {
        self.module().info().start.map(|function| self.data().callable(function))
    }

    /// An export by its name.
    #[must_use]
    pub fn export(&self, name: &str) -> Option<Extern> {
        let export = self.module().info().exports.iter().find(|export| export.name == name)?;
        Some(self.extern_of(export))
    }

    /// An export by its position.
    #[must_use]
    pub fn export_at(&self, index: usize) -> Option<Extern> {
        self.module().info().exports.get(index).map(|export| self.extern_of(export))
    }

    /// Every export with its name.
    #[must_use]
    pub fn exports(&self) -> Vec<(String, Extern)> {
        let exports = self.module().info().exports.iter();
        exports.map(|export| (export.name.clone(), self.extern_of(export))).collect()
    }

    /// A memory by its index, imported ones first.
    #[must_use]
    pub fn memory(&self, index: u32) -> Option<MemoryHandle> {
        let memory = self.data().memories.get(index as usize)?;
        Some(MemoryHandle::new(&self.store, *memory))
    }

    fn extern_of(&self, export: &Export) -> Extern {
        let (data, index) = (self.data(), export.index as usize);
        let info = data.module.info();
        match export.kind {
            ExternKind::Func => {
                let record = data.record(export.index).expect("references to exported functions can be taken");
                let ty = info.function_type(export.index).clone();
                Extern::Func(FuncHandle::of_instance(&self.store, record, ty))
            }
            ExternKind::Table => Extern::Table(TableHandle::new(&self.store, data.tables[index])),
            ExternKind::Memory => Extern::Memory(MemoryHandle::new(&self.store, data.memories[index])),
            ExternKind::Global => {
                Extern::Global(GlobalHandle::new(&self.store, data.globals[index], info.globals[index]))
            }
            ExternKind::Tag => Extern::Tag(TagHandle::new(&self.store, data.tags[index])),
        }
    }
}

impl InstanceData {
    /// Makes the block and fills in all that is fixed but for its owner. The imports were checked.
    fn link(
        module: &Module,
        code: &Arc<Code>,
        imports: &[Extern],
        (memories, tags): (&[Pinned<Memory>], &[Pinned<Tag>]),
        own_tables: Vec<NonNull<Table>>,
        id: u64,
    ) -> Result<Self> {
        let (info, layout) = (module.info(), module.layout());
        let is_host = |item: &&Extern| matches!(item, Extern::Func(f) if matches!(f.source(), FuncSource::Host(_)));
        let vmctx = ManuallyDrop::new(code.take_vmctx(module, imports.iter().filter(is_host).count())?);
        let mut data = Self {
            vmctx,
            module: module.clone(),
            code: code.clone(),
            id,
            memories: Box::default(),
            tables: Box::default(),
            globals: Box::default(),
            tags: Box::default(),
            elements: Vec::new(),
            origin: None,
            _live: stats::INSTANCES.count(),
        };
        let (mut functions, mut hosts) = (0, 0);
        let (mut all_memories, mut all_tables, mut globals) = (Vec::new(), Vec::new(), Vec::new());
        let mut all_tags = Vec::new();
        for import in imports {
            match import {
                Extern::Func(function) => {
                    data.import_function(functions, function, &mut hosts);
                    functions += 1;
                }
                Extern::Table(table) => all_tables.push(table.pointer()),
                Extern::Memory(memory) => all_memories.push(memory.pointer()),
                Extern::Global(global) => {
                    let index = u32::try_from(globals.len()).expect("counts are limited by validation");
                    data.write(layout.global_import(index), global.pointer());
                    globals.push(global.pointer());
                }
                Extern::Tag(tag) => all_tags.push(tag.pointer()),
            }
        }
        all_memories.extend(memories.iter().map(Pinned::pointer));
        all_tables.extend(own_tables);
        globals.extend(
            (info.imported_globals..info.globals.len() as u32).map(|index| data.vmctx.at(layout.global(index))),
        );
        all_tags.extend(tags.iter().map(Pinned::pointer));
        for (index, tag) in (0..).zip(&all_tags) {
            data.write(layout.tag(index), *tag);
        }
        data.tags = all_tags.into();
        data.memories = all_memories.into();
        data.tables = all_tables.into();
        data.globals = globals.into();
        for index in 0..data.memories.len() as u32 {
            let memory = data.memory(index);
            data.write(layout.memory(index), MemoryEntry { base: memory.base(), definition: memory.definition() });
        }
        for index in 0..data.tables.len() as u32 {
            let table = data.table(index);
            data.write(layout.table(index), TableEntry { base: table.base(), definition: table.definition() });
        }
        let records = code.records(module);
        for (position, function) in (0..records.first).zip(&info.escaping) {
            data.write(layout.func_record(position), data.callable(*function));
        }
        if !data.vmctx.filled {
            for (index, id) in (0..).zip(module.type_ids()) {
                data.write(layout.type_id(index), *id);
            }
            let vmctx = data.vmctx.pointer();
            for (position, record) in (records.first..).zip(&records.records) {
                data.write(layout.func_record(position), FuncRecord { vmctx, ..*record });
            }
            data.vmctx.filled = true;
        }
        Ok(data)
    }

    /// Fills in an imported function. One of the host gets a record in this block, as code of this
    /// module leads to it.
    fn import_function(&self, index: u32, function: &FuncHandle, hosts: &mut usize) {
        let ty = self.module.info().functions[index as usize];
        let import = match function.source() {
            FuncSource::Instance { record, .. } => {
                let FuncRecord { code, vmctx, .. } = *function.record();
                FuncImport { code, vmctx, record: record.as_ptr() }
            }
            FuncSource::Host(source) => {
                let record = self.host_record((*hosts, index), ty, function.ty(), *source);
                *hosts += 1;
                // SAFETY: it was just written.
                let FuncRecord { code, vmctx, .. } = unsafe { record.read() };
                FuncImport { code, vmctx, record: record.as_ptr() }
            }
        };
        self.write(self.module.layout().import(index), import);
    }

    /// Makes the record of a function of the host, the n-th, by the index of its import. Its owner
    /// comes later.
    fn host_record(
        &self,
        (n, function): (usize, u32),
        type_index: u32,
        ty: &FuncType,
        HostSource { instance_id, function_index, c_function, intrinsic: (intrinsic, intrinsic_data) }: HostSource,
    ) -> NonNull<FuncRecord> {
        let trampoline = |key| self.code.loaded.trampoline(key);
        let to_host = if c_function.is_null() { TrampolineKey::HostCall } else { TrampolineKey::CCall };
        let adapter = if c_function.is_null() { None } else { trampoline(TrampolineKey::CAdapter(type_index)) };
        let (host, record) = (self.vmctx.host_function(n), self.vmctx.host_record(n));
        let count = |slots: usize| u32::try_from(slots).expect("counts are limited by validation");
        // SAFETY: both places lie in this block, which nobody else has seen.
        unsafe {
            host.write(HostFunction {
                header: Header { builtins: intrinsic.builtins(), ..header(HOST_MAGIC) },
                instance_id,
                function_index,
                c_function,
                c_context: self.vmctx.pointer(),
                c_adapter: adapter.unwrap_or(core::ptr::null()),
                params: count(ty.param_slots()),
                results: count(ty.result_slots()),
                memory: core::ptr::null(),
                intrinsic_data,
            });
            record.write(FuncRecord {
                code: trampoline(to_host(type_index)).expect("the type of each imported function has its trampolines"),
                vmctx: host.as_ptr().cast(),
                entry: trampoline(TrampolineKey::Entry(type_index)).unwrap_or(core::ptr::null()),
                type_id: self.module.type_ids()[type_index as usize],
                function,
            });
        }
        record
    }

    /// Completes the headers, and the records of host functions: who owns the block, and which
    /// memory is its first.
    fn set_owner(&self, this: NonNull<Self>, store: &Store) {
        let (store, instance) = (store.node().cast(), this.as_ptr().cast());
        self.write(0, Header { store, instance, ..header(VMCTX_MAGIC) });
        let memory = self.memories.first().map_or(core::ptr::null(), |_| self.memory(0).definition());
        for n in 0..self.vmctx.hosts() {
            // SAFETY: the place lies in this block, which nobody else has seen, and was written by
            // `host_record`.
            let host = unsafe { self.vmctx.host_function(n).as_mut() };
            host.header = Header { store, instance, ..host.header };
            host.memory = memory;
        }
    }

    /// How a function is called.
    fn callable(&self, function: u32) -> FuncRecord {
        if self.module.info().is_imported_function(function) {
            let import: FuncImport = self.read(self.module.layout().import(function));
            // SAFETY: records of imported functions live as long as the store.
            return unsafe { *import.record };
        }
        FuncRecord { vmctx: self.vmctx.pointer(), ..self.code.record(&self.module, function) }
    }

    /// The record of a function, if references to it can be taken.
    pub(super) fn record(&self, function: u32) -> Option<NonNull<FuncRecord>> {
        let position = self.module.info().escaping_index(function)?;
        Some(self.vmctx.at(self.module.layout().func_record(position)))
    }

    /// The index of the function that a slot refers to: one of the instance, or one that it
    /// imports.
    pub(super) fn function_of(&self, slot: u64) -> Option<u32> {
        let (info, layout) = (self.module.info(), self.module.layout());
        let first = self.vmctx.pointer().addr() as u64 + u64::from(layout.func_record(0));
        if let Some(offset) = slot.checked_sub(first) {
            const SIZE: u64 = size_of::<FuncRecord>() as u64;
            let position = usize::try_from(offset / SIZE).ok().filter(|_| offset.is_multiple_of(SIZE));
            if let Some(function) = position.and_then(|position| info.escaping.get(position)) {
                return Some(*function);
            }
        }
        let import = |function: u32| self.read::<FuncImport>(layout.import(function)).record.addr() as u64;
        (0..info.imported_functions).find(|function| import(*function) == slot)
    }

    /// The slot that refers to a function, if references to it can be taken.
    pub(super) fn slot_of(&self, function: u32) -> Option<u64> {
        let info = self.module.info();
        if let Some(record) = self.record(function) {
            return Some(record.addr().get() as u64);
        }
        let import = || self.read::<FuncImport>(self.module.layout().import(function)).record.addr() as u64;
        info.is_imported_function(function).then(import)
    }

    /// Whether an element segment has not been dropped, and has items.
    pub(super) fn has_elements(&self, index: u32) -> bool {
        self.read::<ElementEntry>(self.module.layout().element(index)).length > 0
    }

    /// Whether a data segment has not been dropped, and has bytes.
    pub(super) fn has_bytes(&self, index: u32) -> bool {
        self.read::<DataEntry>(self.module.layout().data(index)).length > 0
    }

    /// Drops an element segment; only while no code runs. As when code drops it, the items stay
    /// where they are.
    pub(super) fn drop_elements(&self, index: u32) {
        let offset = self.module.layout().element(index);
        let entry: ElementEntry = self.read(offset);
        self.write(offset, ElementEntry { length: 0, ..entry });
    }

    /// The same for a data segment.
    pub(super) fn drop_bytes(&self, index: u32) {
        let offset = self.module.layout().data(index);
        let entry: DataEntry = self.read(offset);
        self.write(offset, DataEntry { length: 0, ..entry });
    }

    fn header(&self) -> Header {
        // SAFETY: it was written by `set_owner` before anybody had the instance.
        unsafe { self.vmctx.at::<Header>(0).read() }
    }

    /// A memory by its index. What its guests were refused: whether it is a table's elements, the
    /// size of a page in bytes, and what.
    pub(super) fn refused(&self) -> Vec<(bool, u64, Refused)> {
        let memories = (0..self.memories.len() as u32).filter_map(|index| {
            let memory = self.memory(index);
            memory.refused().lock().map(|refused| (false, memory.definition().page_size, refused))
        });
        let tables = (0..self.tables.len() as u32)
            .filter_map(|index| self.table(index).refused().lock().map(|refused| (true, 0, refused)));
        memories.chain(tables).collect()
    }

    pub(super) fn memory(&self, index: u32) -> &Memory {
        // SAFETY: it is in the same store or one that this keeps, or about to be.
        unsafe { self.memories[index as usize].as_ref() }
    }

    /// A table by its index.
    pub(super) fn table(&self, index: u32) -> &Table {
        // SAFETY: it is in the same store, or about to be.
        unsafe { self.tables[index as usize].as_ref() }
    }

    /// The cell of a global by its index.
    pub(super) fn global(&self, index: u32) -> &GlobalCell {
        // SAFETY: it is in the same store, or about to be; cells change by whole, aligned stores.
        unsafe { self.globals[index as usize].as_ref() }
    }

    /// Writes a field of the vmctx; only while the instance is being made, or no code runs.
    pub(super) fn write<T>(&self, offset: u32, value: T) {
        // SAFETY: the place lies in the block and is aligned (`Vmctx::at` checks); compiled code
        // does not run on it.
        unsafe { self.vmctx.at(offset).write(value) }
    }

    /// Reads a field of the vmctx that was written before.
    pub(super) fn read<T: Copy>(&self, offset: u32) -> T {
        // SAFETY: as in `write`; the types are those of the layout, and fixed fields never change.
        unsafe { self.vmctx.at(offset).read() }
    }
}

impl Drop for InstanceData {
    fn drop(&mut self) {
        // SAFETY: taken once, as this is dropped.
        let vmctx = unsafe { ManuallyDrop::take(&mut self.vmctx) };
        self.code.give_vmctx(vmctx);
    }
}

/// Makes the stores of imports last as long as `store`.
fn join(store: &Store, imports: &[Extern]) {
    let foreign = || imports.iter().filter(|import| import.store().is_some_and(|other| !other.is(store)));
    let only_memories = foreign().all(|import| matches!(import, Extern::Memory(_)));
    for import in foreign() {
        let other = import.store().expect("checked above");
        match import {
            Extern::Memory(memory) if only_memories && store.keep(other, memory.memory().region()) => {}
            _ => store.merge(other),
        }
    }
}

/// A header without an owner.
fn header(magic: u64) -> Header {
    Header { builtins: builtins(), store: core::ptr::null(), instance: core::ptr::null(), magic }
}
