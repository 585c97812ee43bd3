//! Locks and values that are made once. They exist twice, with the same names: on top of the
//! system's in the hosted form, and in the image, where nothing can wait but Go.

#[cfg_attr(feature = "hosted", path = "sync/hosted.rs")]
#[cfg_attr(not(feature = "hosted"), path = "sync/image.rs")]
mod form;

pub use form::{Lazy, Mutex, OnceLock, RwLock};
