#![allow(unsafe_code)] // a trait of cranelift-jit with an unsafe function

//! Gives one block of the arena, piece by piece, to cranelift-jit while it links a module.

use super::arena::Block;
use cranelift_jit::{BranchProtection, JITMemoryKind, JITMemoryProvider};
use cranelift_module::{ModuleError, ModuleResult};
use std::io;
use std::sync::Arc;

/// Between functions lie breakpoints, on aarch64 undefined instructions: code that strays there stops at once.
const FILLER: u8 = if cfg!(target_arch = "aarch64") { 0 } else { 0xcc };

/// Does not own the block: dropping it, or `free_memory`, frees nothing.
pub(super) struct Provider {
    block: Arc<Block>,
    used: usize,
}

impl Provider {
    pub(super) const fn new(block: Arc<Block>) -> Self {
        Self { block, used: 0 }
    }

    fn fill(&self, from: usize, to: usize) {
        // SAFETY: both offsets are at most the block's length, and the block is writable until `finalize`.
        unsafe { std::ptr::write_bytes((self.block.base() + from) as *mut u8, FILLER, to - from) };
    }
}

impl JITMemoryProvider for Provider {
    fn allocate(&mut self, size: usize, align: u64, kind: JITMemoryKind) -> io::Result<*mut u8> {
        if !matches!(kind, JITMemoryKind::Executable) {
            return Err(io::Error::other("a module of compiled code has no data"));
        }
        let start = self.used.next_multiple_of(align as usize);
        let end = start.checked_add(size).filter(|end| *end <= self.block.len());
        let Some(end) = end else {
            return Err(io::Error::other(format!("a block of {} bytes is too small", self.block.len())));
        };
        self.fill(self.used, start);
        self.used = end;
        Ok((self.block.base() + start) as *mut u8)
    }

    unsafe fn free_memory(&mut self) {}

    fn finalize(&mut self, _: BranchProtection) -> ModuleResult<()> {
        self.fill(self.used, self.block.len());
        self.used = self.block.len();
        self.block.make_executable().map_err(|err| ModuleError::Allocation { err })
    }
}
