//! The running side: stores, memories, tables, globals, instances, linking, and the runtime
//! functions of compiled code.
//!
//! A [`Module`] is code that can be linked; an [`Instance`] is a module linked to its imports; a
//! [`Store`] owns what is linked together. Handles ([`Instance`], [`Extern`] and what it holds)
//! keep their store alive and may be used from any thread.

mod code;
pub mod exceptions;
mod externs;
mod global;
mod image;
mod initialize;
mod instance;
pub mod lazy;
mod linker;
mod memory;
mod module;
mod pages;
mod pinned;
mod references;
pub mod refused;
mod reservation;
mod roots;
pub mod run;
mod runtime;
mod slots;
mod snapshot;
mod snapshot_format;
pub mod stats;
pub mod store;
mod table;
mod tag;
mod template;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod type_ids;
mod vmctx;

pub use externs::{Extern, FuncHandle, GlobalHandle, MemoryHandle, TableHandle};
pub use instance::{Instance, InstanceOptions};
pub use module::Module;
pub use references::FuncOrigin;
pub use snapshot::Snapshot;
pub use store::{Store, StoreWatch};
pub use tag::TagHandle;
#[cfg(any(test, feature = "testing"))]
pub use testing::{Linker, Stop, run};

#[cfg(test)]
mod tests;
