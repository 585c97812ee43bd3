//! The code that instances of a module are made with, and what these have in common because of it:
//! records of functions, blocks that have them, and tables that only calls use. They hold addresses
//! in the code, so that they belong to it and go with it: a module whose functions are compiled
//! when they are called gets other code when all are there.

#![allow(unsafe_code)] // shares addresses of code

use super::lazy::Lazy;
use super::module::Module;
use super::pinned::Pinned;
use super::table::Table;
use super::vmctx::Vmctx;
use crate::abi::vmctx::FuncRecord;
use crate::artifact::TrampolineKey;
use crate::code::LoadedCode;
use crate::error::Result;
use crate::prelude::*;
use crate::sync::{Mutex, OnceLock};
use crate::wasm::{ConstOp, ModuleInfo, SegmentMode, table_use};
use alloc::sync::Arc;

/// The code of a module, as an instance holds it.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) loaded: Arc<LoadedCode>,
    /// What compiles its functions when they are called, unless all are there.
    pub(super) lazy: Option<Arc<Lazy>>,
    /// Found when the first instance is made.
    records: OnceLock<Records>,
    /// The tables that all instances share, by their indices among the module's own; none for the
    /// others. Found when the first instance is made.
    tables: OnceLock<Box<[Option<SharedTable>]>>,
    /// Blocks of instances that are gone, for the next ones.
    spare: Mutex<Vec<Vmctx>>,
}

/// The records of a module's own functions to which references can be taken, but for the instance:
/// the positions where they begin, and they.
#[derive(Debug)]
pub(super) struct Records {
    pub(super) first: u32,
    pub(super) records: Box<[FuncRecord]>,
}

// SAFETY: they hold addresses of code, which whoever has them keeps.
unsafe impl Send for Records {}
// SAFETY: as above.
unsafe impl Sync for Records {}

/// A table that all instances share, as [`crate::wasm::TableContents`] says, and the records that
/// it leads to. These name no instance and no entry: only calls in compiled code use them, which
/// bring the vmctx of their own instance.
#[derive(Debug)]
pub(super) struct SharedTable {
    // Dropped first.
    pub(super) table: Pinned<Table>,
    _records: Box<[FuncRecord]>,
}

// SAFETY: as for `Records`; neither ever changes.
unsafe impl Send for SharedTable {}
// SAFETY: as above.
unsafe impl Sync for SharedTable {}

impl Code {
    /// That of loaded code, and of what compiles its functions if not all are there.
    pub(super) fn new(loaded: Arc<LoadedCode>, lazy: Option<Arc<Lazy>>) -> Arc<Self> {
        let (records, tables) = (OnceLock::new(), OnceLock::new());
        Arc::new(Self { loaded, lazy, records, tables, spare: Mutex::new(Vec::new()) })
    }

    /// The records of the module's functions, but for the instance. Those of functions that were
    /// not compiled when they were found lead through their slots, as do those of all instances
    /// that are made with this code.
    pub(super) fn records(&self, module: &Module) -> &Records {
        self.records.get_or_init(|| {
            let info = module.info();
            let first = info.escaping.partition_point(|function| info.is_imported_function(*function));
            let records = info.escaping[first..].iter().map(|function| self.record(module, *function)).collect();
            Records { first: first as u32, records }
        })
    }

    /// How one of the module's own functions is called, in an instance that is yet to be named.
    pub(super) fn record(&self, module: &Module, function: u32) -> FuncRecord {
        let entry = self.loaded.trampoline(TrampolineKey::Entry(module.info().functions[function as usize]));
        let entry = entry.expect("the type of each function that can be called from outside has an entry");
        FuncRecord { entry, ..self.inner_record(module, function) }
    }

    /// The same for calls in compiled code alone.
    fn inner_record(&self, module: &Module, function: u32) -> FuncRecord {
        let info = module.info();
        FuncRecord {
            code: self.loaded.function(function - info.imported_functions),
            vmctx: core::ptr::null(),
            entry: core::ptr::null(),
            type_id: module.type_ids()[info.functions[function as usize] as usize],
            function,
        }
    }

    /// The tables that all instances share.
    ///
    /// # Errors
    /// Kind `Resource` where there is no room for a table.
    pub(super) fn shared_tables(&self, module: &Module) -> Result<&[Option<SharedTable>]> {
        let tables = self.tables.get_or_try_init(|| {
            let info = module.info();
            let own = info.imported_tables..info.tables.len() as u32;
            own.map(|index| info.shares_table(index).then(|| self.shared_table(module, index)).transpose()).collect()
        });
        Ok(tables?)
    }

    fn shared_table(&self, module: &Module, index: u32) -> Result<SharedTable> {
        let info = module.info();
        let table = Table::new(&info.tables[index as usize], false, None)?;
        let functions = elements(info, index);
        let records: Box<[FuncRecord]> =
            functions.iter().flatten().map(|function| self.inner_record(module, *function)).collect();
        let mut next = records.iter();
        for (element, _) in (0..).zip(&functions).filter(|(_, function)| function.is_some()) {
            let record: *const FuncRecord = next.next().expect("there is one for each function");
            assert!(table.set(element, &[record.addr() as u64]), "the segments fit");
        }
        Ok(SharedTable { table: Pinned::new(table), _records: records })
    }

    /// A block for an instance with so many imported host functions: one of an instance of this
    /// code that is gone, which has its type ids and the records of its own functions, or else one
    /// of zeros.
    pub(super) fn take_vmctx(&self, module: &Module, host_functions: usize) -> Result<Vmctx> {
        let mut spare = self.spare.lock();
        if let Some(found) = spare.iter().rposition(|vmctx| vmctx.hosts() == host_functions) {
            return Ok(spare.swap_remove(found));
        }
        drop(spare);
        Vmctx::new(module.layout().size(), host_functions)
    }

    /// Keeps a block for the next instance of this code. Nobody refers to it any more.
    pub(super) fn give_vmctx(&self, vmctx: Vmctx) {
        /// Blocks that are kept at most, and their bytes.
        const BLOCKS: usize = 16;
        const BYTES: usize = 1 << 20;
        let mut spare = self.spare.lock();
        if spare.is_empty() || (spare.len() < BLOCKS && spare.len() * vmctx.bytes() < BYTES) {
            spare.push(vmctx);
        }
    }
}

/// The functions that a shared table holds.
fn elements(info: &ModuleInfo, table: u32) -> Vec<Option<u32>> {
    let mut elements = Vec::new();
    for segment in &info.elements {
        if !matches!(segment.mode, SegmentMode::Active { index, .. } if index == table) {
            continue;
        }
        let start = table_use::place(&segment.mode).expect("segments of shared tables have constant places") as usize;
        let end = start + segment.items.len();
        if elements.len() < end {
            elements.resize(end, None);
        }
        for (element, item) in elements[start..].iter_mut().zip(&segment.items) {
            *element = match item[..] {
                [ConstOp::RefFunc(function)] => Some(function),
                _ => None,
            };
        }
    }
    elements
}
