//! The block of memory that compiled code of an instance gets as its first argument, with the host
//! function records behind it.
//!
//! Written once while the instance is made; afterwards only globals and the lengths of segments
//! change, by compiled code. When the instance has gone, another one of the same module may use the
//! block, of which only what differs is written anew.

#![allow(unsafe_code)] // raw memory at computed offsets

use crate::abi::vmctx::{FuncRecord, HostFunction};
use crate::error::{Error, ErrorKind, Result};
use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use core::ptr::NonNull;

/// Alignment of the block.
const ALIGN: usize = 16;

/// The block: the vmctx as `VmctxLayout` lays it out, then a `HostFunction` and then a `FuncRecord`
/// for each imported host function.
#[derive(Debug)]
pub(super) struct Vmctx {
    block: NonNull<u8>,
    layout: Layout,
    hosts: usize,
    host_functions: usize,
    host_records: usize,
    /// Whether what is the same for all instances of the module has been written.
    pub(super) filled: bool,
}

// SAFETY: it owns its memory; those who write to it after publication use atomic or whole, aligned
// stores.
unsafe impl Send for Vmctx {}
// SAFETY: as above.
unsafe impl Sync for Vmctx {}

impl Vmctx {
    /// Allocates a block, all zero, for a vmctx of `size` bytes and so many imported host
    /// functions.
    pub(super) fn new(size: u32, host_functions: usize) -> Result<Self> {
        let first_host = (size as usize).next_multiple_of(ALIGN);
        let first_record = first_host + host_functions * size_of::<HostFunction>();
        let bytes = first_record + host_functions * size_of::<FuncRecord>();
        let layout = Layout::from_size_align(bytes.max(1), ALIGN).expect("counts are limited by validation");
        // SAFETY: the size is not zero.
        let block = NonNull::new(unsafe { alloc_zeroed(layout) });
        let block = block.ok_or_else(|| {
            Error::new(ErrorKind::Resource, format!("cannot allocate {bytes} bytes for the state of an instance"))
        })?;
        Ok(Self {
            block,
            layout,
            hosts: host_functions,
            host_functions: first_host,
            host_records: first_record,
            filled: false,
        })
    }

    /// Bytes that it takes.
    pub(super) const fn bytes(&self) -> usize {
        self.layout.size()
    }

    /// The address that compiled code gets.
    pub(super) const fn pointer(&self) -> *mut u8 {
        self.block.as_ptr()
    }

    /// How many imported host functions there are.
    pub(super) const fn hosts(&self) -> usize {
        self.hosts
    }

    /// A field of the vmctx by its offset.
    pub(super) fn at<T>(&self, offset: u32) -> NonNull<T> {
        self.field(offset as usize)
    }

    /// The record of the n-th imported host function.
    pub(super) fn host_function(&self, n: usize) -> NonNull<HostFunction> {
        self.field(self.host_functions + n * size_of::<HostFunction>())
    }

    /// The function record of the n-th imported host function.
    pub(super) fn host_record(&self, n: usize) -> NonNull<FuncRecord> {
        self.field(self.host_records + n * size_of::<FuncRecord>())
    }

    /// Whether an address is that of a function record: of one at the offsets from `first` on,
    /// `count` in all, or of a host function.
    pub(super) fn is_record(&self, address: usize, first: u32, count: usize) -> bool {
        const SIZE: usize = size_of::<FuncRecord>();
        let Some(offset) = address.checked_sub(self.block.as_ptr().addr()) else { return false };
        let among = |start: usize, count: usize| matches!(offset.checked_sub(start), Some(at) if at % SIZE == 0 && at / SIZE < count);
        among(first as usize, count) || among(self.host_records, self.hosts)
    }

    fn field<T>(&self, offset: usize) -> NonNull<T> {
        assert!(offset + size_of::<T>() <= self.layout.size() && offset.is_multiple_of(align_of::<T>()));
        // SAFETY: inside of the block and aligned, by the line above.
        unsafe { self.block.add(offset) }.cast()
    }
}

impl Drop for Vmctx {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, freed once.
        unsafe { dealloc(self.block.as_ptr(), self.layout) }
    }
}
