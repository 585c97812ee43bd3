//! The locks of the hosted form.

pub use once_cell::sync::{Lazy, OnceCell as OnceLock};
pub use parking_lot::{Mutex, RwLock};
