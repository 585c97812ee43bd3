//! What Go finds in the image, and what it tells it first.
//!
//! Written once here, for the crate that becomes the image (`rust/image`) and for Go's package
//! `internal/image` (`rust/header`).

use super::head::Head;
use core::ffi::c_void;

/// The first word of the table: the letters "gwasmer1".
pub const MAGIC: u64 = u64::from_le_bytes(*b"gwasmer1");

/// What Go finds the image's functions by; the entry point of the file is its address. The
/// addresses of the functions of the C ABI follow it.
#[repr(C)]
#[derive(Debug)]
pub struct Table {
    /// What Go checks first: `MAGIC`.
    pub magic: u64,
    /// Identifies the C ABI and the layouts that Go's code was generated from.
    pub abi: u64,
    /// `HEAD_SIZE`.
    pub head_size: u64,
    /// `STACK_SIZE`.
    pub stack_size: u64,
    /// `start(parameters)`: to be entered once, before all others.
    pub start: unsafe extern "C" fn(*const Start),
    /// How functions are entered: `call(function, head, words)`.
    pub call: unsafe extern "C" fn(),
    /// The handler of signals.
    pub handler: extern "C" fn(i32, *mut c_void, *mut c_void),
    /// `abandoned(head)`: releases what an entry held that has died or was given up.
    pub abandoned: unsafe extern "C" fn(*mut Head),
    /// `heap_release(root)`: returns a transient heap.
    pub heap_release: unsafe extern "C" fn(*mut usize),
    /// `spin(rounds)`: takes time, and can be paused.
    pub spin: extern "C" fn(u64),
    /// `fail(how)`: dies as `how` says, for tests: 0 panics, 1 exhausts its stack.
    pub fail: extern "C" fn(u64),
    /// Enters a guest, on a stack of C.
    pub enter: unsafe extern "C" fn(),
    /// Resumes one, likewise.
    pub resume: unsafe extern "C" fn(),
    /// Calls a C function for one, likewise.
    pub c_call: unsafe extern "C" fn(),
    /// How many functions of the C ABI follow.
    pub count: u64,
}

/// What the host has found out about the process.
#[repr(C)]
#[derive(Debug)]
pub struct Start {
    /// Where the engine's own stacks lie.
    pub stacks: [usize; 2],
    /// The vDSO's `clock_gettime`, or 0.
    pub clock: usize,
    /// The auxiliary vector's AT_HWCAP and AT_HWCAP2.
    pub capabilities: [u64; 2],
    /// Where the image's code lies.
    pub text: [usize; 2],
}
