//! Compiled code in memory: the arena it lives in, loading, and the way back from a program
//! counter.

pub mod arena;
mod icache;
pub mod index;
mod lazy;
mod load;
mod stubs;
mod symbols;

pub use index::{is_code, trap_at, with_handlers};
pub use lazy::LazyCode;
pub(crate) use load::CodeFile;
pub use load::LoadedCode;
pub use symbols::{Symbol, frames_at, symbolize, symbolize_return};

/// Bytes of address space that hold code now, in whole pages.
#[must_use]
pub fn mapped_bytes() -> u64 {
    arena::mapped_bytes()
}

#[cfg(test)]
mod tests;
