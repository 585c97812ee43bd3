//! Functions of the engine that compiled code calls, reached through the vmctx and never by
//! relocation.

use core::mem::offset_of;

/// Addresses of the functions, which are stubs (see `stubs`). All but `throw` take the `SystemV`
/// convention.
#[repr(C)]
#[derive(Debug)]
pub struct Builtins {
    /// `fn(callee: *const HostFunction, slots: *mut u64)`: leaves to the host, which runs the host
    /// function and resumes.
    pub host_call: usize,
    /// `fn(callee: *const HostFunction, slots: *mut u64)`: calls a C function pointer on the host
    /// stack, or leaves for it.
    pub c_call: usize,
    /// `fn(callee: *const HostFunction, a, b, c, d, slots: *mut u64) -> result`: the same for C
    /// functions whose arguments are in registers, at most [`C_INTEGERS`] integers and [`C_FLOATS`]
    /// floats, and in the slots as well.
    pub c_call_registers: usize,
    /// `fn(op: u64, vmctx: *mut u8, a: u64, b: u64, c: u64) -> u64`: leaves for a [`RuntimeOp`].
    pub runtime_call: usize,
    /// The same for compiled code that throws, which calls it by its own convention (`Tail`).
    pub throw: usize,
    /// `fn(dst: *mut u8, src: *const u8, length: u64)`: copies, also overlapping; at most
    /// [`BULK_CHUNK`] bytes a call.
    pub memory_move: usize,
    /// `fn(dst: *mut u8, value: u64, length: u64)`: fills with the low byte; at most [`BULK_CHUNK`]
    /// bytes a call.
    pub memory_fill: usize,
}

impl Builtins {
    /// Offset of `host_call`.
    pub const HOST_CALL: i32 = offset_of!(Self, host_call) as i32;
    /// Offset of `c_call`.
    pub const C_CALL: i32 = offset_of!(Self, c_call) as i32;
    /// Offset of `c_call_registers`.
    pub const C_CALL_REGISTERS: i32 = offset_of!(Self, c_call_registers) as i32;
    /// Offset of `runtime_call`.
    pub const RUNTIME_CALL: i32 = offset_of!(Self, runtime_call) as i32;
    /// Offset of `throw`.
    pub const THROW: i32 = offset_of!(Self, throw) as i32;
    /// Offset of `memory_move`.
    pub const MEMORY_MOVE: i32 = offset_of!(Self, memory_move) as i32;
    /// Offset of `memory_fill`.
    pub const MEMORY_FILL: i32 = offset_of!(Self, memory_fill) as i32;
}

/// Integers that `c_call_registers` takes: registers of the `SystemV` convention less those of the
/// callee and the slots.
pub const C_INTEGERS: usize = 4;
/// Floats that `c_call_registers` takes.
pub const C_FLOATS: usize = 8;

/// Bytes that one call of `memory_move` or `memory_fill` may touch: a pause waits for no longer
/// than that takes.
pub const BULK_CHUNK: u64 = 256 << 10;

/// Runtime functions that need real stack, may allocate, lock or block: they run on the host side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum RuntimeOp {
    /// `memory.grow`: (memory index, pages) to the old size in pages, or `u64::MAX`.
    MemoryGrow = 0,
    /// `table.grow`: (table index, elements, initial slot) to the old size in elements, or
    /// `u64::MAX`.
    TableGrow = 1,
    /// A function that is called has no code yet: (owner of the module's stubs, number of the
    /// function among the module's own) to the address of its code, or 0. The host has it compiled
    /// before it has this answered.
    Compile = 2,
    /// `throw`: (offset of the tag in the vmctx, address of its values) goes on where the exception
    /// is caught; comes back only if it is not.
    Throw = 3,
    /// `throw_ref`: (exception) the same; also for null, and what is no exception.
    ThrowRef = 4,
}
