//! The engine's own stacks, and what Go and a function that runs on one share besides the context.
//!
//! ```text
//! slot:  | guard, no access | stack, grows down  ... | head | context |
//!        0               GUARD_SIZE         HEAD_SIZE + CONTEXT_SIZE from the end      STACK_SIZE
//! ```
//!
//! Written once here, for the image (`os/own.rs`) and for Go's package `internal/image`
//! (`rust/header`).

/// Bytes of a slot, and what its address is a multiple of.
pub const STACK_SIZE: usize = 8 << 20;
/// Bytes without access at the low end.
pub const GUARD_SIZE: usize = 64 << 10;
/// Bytes between the head and the context.
pub const HEAD_SIZE: usize = 2048;

/// Words of arguments and results of a call.
pub const WORDS: usize = 8;
/// Words of what pointers among the arguments point to.
pub const OUT: usize = 48;
/// Locks that an entry can hold.
pub const HELD: usize = 8;
/// Bytes of the text of a panic, at most.
pub const TEXT_SIZE: usize = 512;

/// What Go and an entry share, besides the context.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct Head {
    /// Address of the root of a transient heap; 0 for the shared one.
    pub heap: u64,
    /// Not 0: the entry may be paused anywhere. It takes no lock, and keeps nothing on the shared
    /// heap.
    pub pausable: u64,
    /// The arguments, then the results.
    pub words: [u64; WORDS],
    /// Results that are given by their address, and structures as arguments.
    pub out: [u64; OUT],
    /// What is wanted of Go (`Service`).
    pub service: u64,
    /// Its arguments.
    pub service_arguments: [u64; 6],
    /// Its result, and the number of the error or 0.
    pub service_result: [u64; 2],
    /// Addresses of the locks that the entry holds; 0 for none. The last place is that of the lock
    /// of the shared heap.
    pub held: [u64; HELD],
    /// Bytes of the text of a panic.
    pub text_length: u64,
    /// The text.
    pub text: [u8; TEXT_SIZE],
}

const _: () = assert!(size_of::<Head>() <= HEAD_SIZE);

/// The numbers of what the image leaves for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Service {
    /// mmap(address, bytes, protection, flags), private and anonymous.
    Map = 1,
    /// munmap(address, bytes).
    Unmap = 2,
    /// mprotect(address, bytes, protection).
    Protect = 3,
    /// madvise(address, bytes, advice).
    Advise = 4,
    /// The soft limit of the address space, 2^64-1 for none.
    AddressSpaceLimit = 5,
    /// `vm.max_map_count`, 0 where it cannot be read.
    MaxMapCount = 6,
    /// The handler of a signal.
    SignalHandler = 7,
    /// The flags of a signal's action.
    SignalFlags = 8,
    /// Installs the image's handler for a signal.
    SetSignalHandler = 9,
    /// Lets other goroutines run.
    Yield = 10,
    /// tgkill(thread, signal).
    SignalThread = 11,
    /// The same for all threads of the process.
    SignalAllThreads = 12,
    /// A new file in memory, by its descriptor: ftruncate(memfd_create(), bytes).
    MemoryFile = 13,
    /// pwrite(descriptor, address, bytes, offset), until all is written.
    WriteFile = 14,
    /// Forbids all changes of a file in memory for ever.
    SealFile = 15,
    /// close(descriptor).
    CloseFile = 16,
    /// mmap(address, bytes, protection, flags, descriptor, offset), private.
    MapFile = 17,
    /// ioctl(/proc/self/pagemap, PAGEMAP_SCAN, address of its argument): how many ranges there are.
    ScanPages = 18,
}
