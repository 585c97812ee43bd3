//! What compiled code, the stubs, the host side and Go share: layouts and numbers, each written
//! once. A leaf but for the types that it lays out.
//!
//! Go and its assembly get constants that are generated from here (`rust/header`), and a test on
//! each side holds them together.

pub mod builtins;
pub mod context;
pub mod exception;
pub mod head;
pub mod image;
pub mod vmctx;

pub use builtins::{BULK_CHUNK, Builtins, C_FLOATS, C_INTEGERS, RuntimeOp};
pub use context::{CONTEXT_SIZE, Context, EntryMode, Status};
pub use head::{Head, Service};

/// The granule of protection: the host's page, and where a host's kernel chooses one of several,
/// the largest (aarch64: 4, 16 or 64 KiB).
pub const HOST_PAGE: usize = if cfg!(target_arch = "aarch64") { 64 << 10 } else { 4 << 10 };
