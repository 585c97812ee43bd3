//! Where references to values of the host are kept outside of guests' stacks: the exact part of
//! what a collection of externref values looks at. The conservative part, stacks and saved
//! registers, is on the Go side, which stops the guests meanwhile.

#![allow(unsafe_code)] // reads the items of element segments by their address

use super::instance::InstanceData;
use super::store::Store;
use crate::abi::vmctx::ElementEntry;
use crate::prelude::*;
use crate::types::ValType;
use crate::wasm::SegmentMode;
use core::ptr;

impl Store {
    /// The slots of externref that are not null in the globals, tables and passive element segments
    /// of all instances of the store, in the globals and tables of the embedder, and in exceptions;
    /// some perhaps several times. The embedder's globals count whatever their type is. Guests of
    /// the store do not run.
    #[must_use]
    pub fn externrefs(&self) -> Vec<u64> {
        let mut found = self.references(ValType::ExternRef);
        self.externrefs_of_exceptions(&mut found);
        found
    }

    /// The same of any type of references, but for those in exceptions.
    pub(super) fn references(&self, ty: ValType) -> Vec<u64> {
        let mut found = Vec::new();
        self.with(|contents| {
            for table in &contents.tables {
                if table.ty().element == ty {
                    found.extend((0..table.bound()).filter_map(|index| table.get(index)).filter(|slot| *slot != 0));
                }
            }
            let globals = contents.globals.iter().map(|global| global.cell.get(ty));
            found.extend(globals.filter(|slot| *slot != 0));
            for instance in &contents.instances {
                of_instance(instance, ty, &mut found);
            }
        });
        found
    }
}

/// Adds the slots of an instance's globals and of those of its segments that were not dropped. Its
/// tables are the store's.
fn of_instance(instance: &InstanceData, ty: ValType, found: &mut Vec<u64>) {
    let info = instance.module.info();
    for (index, _) in (0..).zip(&info.globals).filter(|(_, global)| global.value == ty) {
        found.extend(Some(instance.global(index).get(ty)).filter(|slot| *slot != 0));
    }
    for (index, segment) in (0..).zip(&info.elements) {
        if segment.ty == ty && matches!(segment.mode, SegmentMode::Passive) {
            let ElementEntry { base, length } = instance.read(instance.module.layout().element(index));
            if length != 0 {
                // SAFETY: `elem.drop` only sets the length to 0, and nobody runs that could; the
                // items are the instance's, and never change.
                let items = unsafe { &*ptr::slice_from_raw_parts(base, length as usize) };
                found.extend(items.iter().filter(|slot| **slot != 0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;
    use crate::types::{GlobalType, Limits, TableType, ValType};
    use crate::vm::{Extern, Instance, InstanceOptions, Module, Store};

    fn sorted(store: &Store) -> Vec<u64> {
        let mut found = store.externrefs();
        found.sort_unstable();
        found.dedup();
        found
    }

    #[test]
    fn all_places_are_found() {
        let text = r#"(module
            (import "" "given" (global externref))
            (import "" "shared" (table 4 externref))
            (global $own (mut externref) (global.get 0))
            (global (export "number") (mut i64) (i64.const 77))
            (table $own 3 externref)
            (elem $passive externref (global.get 0) (ref.null extern))
            (func (export "set") (param i32) (table.set $own (local.get 0) (global.get 0)))
            (func (export "drop") (elem.drop $passive)))"#;
        let module =
            Module::compile(&wat::parse_str(text).unwrap(), crate::options::CompileOptions::default()).unwrap();
        let (store, other) = (Store::new(), Store::new());
        let limits = Limits { min: 4, max: None };
        let given = store.global(GlobalType { value: ValType::ExternRef, mutable: false }, 41).unwrap();
        let shared = other.table(TableType { element: ValType::ExternRef, limits, index64: false }).unwrap();
        shared.set(3, 43).unwrap();
        assert_eq!((sorted(&store), sorted(&other)), (vec![41], vec![43]));
        let imports = [Extern::Global(given), Extern::Table(shared.clone())];
        let instance = Instance::new(&store, &module, &imports, InstanceOptions::default()).unwrap();
        assert_eq!(sorted(&other), [41, 43]);
        assert_eq!(instance.store().externrefs().iter().filter(|slot| **slot == 41).count(), 4);
        shared.set(3, 0).unwrap();
        shared.set(0, 44).unwrap();
        assert_eq!(sorted(&store), [41, 44]);
    }

    #[test]
    fn a_watched_store_is_not_kept() {
        let (a, b) = (Store::new(), Store::new());
        let watches = [a.watch(), b.watch()];
        let global = b.global(GlobalType { value: ValType::ExternRef, mutable: true }, 5).unwrap();
        assert!(watches[0].store().unwrap().externrefs().is_empty());
        a.merge(&b);
        drop((a, b));
        // One of both was taken in by the other, whose cell the global holds.
        let found: Vec<u64> =
            watches.iter().filter_map(super::super::StoreWatch::store).flat_map(|s| s.externrefs()).collect();
        assert!(!found.is_empty() && found.iter().all(|slot| *slot == 5));
        drop(global);
        assert!(watches.iter().all(|watch| watch.store().is_none()));
    }
}
