//! The operating system from inside of the image: what is wanted is left for, and Go does it.
//! Signal handlers cannot leave; the few calls that they need are made here, by the system's own
//! instruction.

use super::{Errno, own};
use crate::abi::Service;
use crate::prelude::*;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// `madvise`: the contents are not needed any more.
const DONT_NEED: u64 = 4;

/// Asks Go for something.
fn ask(service: Service, arguments: &[u64]) -> Result<u64, Errno> {
    let (value, error) = own::leave_for(service, arguments);
    if error == 0 { Ok(value) } else { Err(Errno(error as i32)) }
}

/// Makes a private mapping of zeros, at an address of the system's choice for 0.
///
/// # Safety
/// With `MAP_FIXED` the range belongs to the caller, and nobody uses what it holds any more.
pub unsafe fn map(address: usize, bytes: usize, protection: i32, flags: i32) -> Result<usize, Errno> {
    ask(Service::Map, &[address as u64, bytes as u64, protection as u64, flags as u64]).map(|at| at as usize)
}

/// Removes mappings.
///
/// # Safety
/// The range belongs to the caller, and nobody uses it any more.
pub unsafe fn unmap(address: usize, bytes: usize) -> Result<(), Errno> {
    ask(Service::Unmap, &[address as u64, bytes as u64]).map(drop)
}

/// Sets what can be done with a range.
///
/// # Safety
/// The range belongs to the caller, and nobody uses it in a way that this forbids.
pub unsafe fn protect(address: usize, bytes: usize, protection: i32) -> Result<(), Errno> {
    ask(Service::Protect, &[address as u64, bytes as u64, protection as u64]).map(drop)
}

/// Gives the memory of a range back; it reads as zeros afterwards.
///
/// # Safety
/// The range belongs to the caller, and nobody uses what it holds any more.
pub unsafe fn discard(address: usize, bytes: usize) -> Result<(), Errno> {
    ask(Service::Advise, &[address as u64, bytes as u64, DONT_NEED]).map(drop)
}

/// Makes a file in memory that has so many zeros, and gives its descriptor.
pub fn memory_file(bytes: usize) -> Result<i32, Errno> {
    ask(Service::MemoryFile, &[bytes as u64]).map(|descriptor| descriptor as i32)
}

/// Writes bytes to a file.
pub fn write_file(descriptor: i32, bytes: &[u8], offset: u64) -> Result<(), Errno> {
    let arguments = [descriptor as u64, bytes.as_ptr().addr() as u64, bytes.len() as u64, offset];
    ask(Service::WriteFile, &arguments).map(drop)
}

/// Forbids all changes of a file in memory for ever.
pub fn seal_file(descriptor: i32) -> Result<(), Errno> {
    ask(Service::SealFile, &[descriptor as u64]).map(drop)
}

/// Closes a descriptor.
pub fn close_file(descriptor: i32) {
    let _ = ask(Service::CloseFile, &[descriptor as u64]);
}

/// Makes a private mapping of a file from an offset on, a multiple of the page, at an address of
/// the system's choice for 0.
///
/// # Safety
/// With `MAP_FIXED` the range belongs to the caller, and nobody uses what it holds any more.
pub unsafe fn map_file(
    address: usize,
    bytes: usize,
    protection: i32,
    flags: i32,
    descriptor: i32,
    offset: usize,
) -> Result<usize, Errno> {
    let (at, descriptor) = ([address as u64, bytes as u64], descriptor as u64);
    let arguments = [at[0], at[1], protection as u64, flags as u64, descriptor, offset as u64];
    ask(Service::MapFile, &arguments).map(|at| at as usize)
}

/// Asks what is to be known of pages; gives the number of ranges.
pub fn scan_pages(scan: &mut super::PageScan) -> Result<usize, Errno> {
    ask(Service::ScanPages, &[(&raw mut *scan).addr() as u64]).map(|count| count as usize)
}

/// Bytes of address space that the process may use, where that is limited (`ulimit -v`).
#[must_use]
pub fn address_space_limit() -> Option<u64> {
    ask(Service::AddressSpaceLimit, &[]).ok().filter(|limit| *limit != u64::MAX)
}

/// What `vm.max_map_count` says, where it can be read.
#[must_use]
pub fn max_map_count() -> Option<u64> {
    ask(Service::MaxMapCount, &[]).ok().filter(|count| *count != 0)
}

/// Address of the vDSO's clock_gettime; 0 where the kernel has none.
static CLOCK: AtomicUsize = AtomicUsize::new(0);
static CAPABILITIES: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

static TEXT: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

/// Whether an address lies in the image's own code. For signal handlers.
#[must_use]
pub fn is_image(pc: usize) -> bool {
    (TEXT[0].load(Ordering::Relaxed)..TEXT[1].load(Ordering::Relaxed)).contains(&pc)
}

/// Notes what the host has found out about the system, and where the image's code is.
///
/// # Safety
/// `clock` is 0 or the address of the vDSO's `clock_gettime`.
pub unsafe fn set_system(clock: usize, capabilities: (u64, u64), text: core::ops::Range<usize>) {
    TEXT[0].store(text.start, Ordering::Release);
    TEXT[1].store(text.end, Ordering::Release);
    CLOCK.store(clock, Ordering::Release);
    CAPABILITIES[0].store(capabilities.0, Ordering::Release);
    CAPABILITIES[1].store(capabilities.1, Ordering::Release);
}

#[repr(C)]
struct Time {
    seconds: i64,
    nanoseconds: i64,
}

/// Reads a clock, in nanoseconds: a function of the vDSO, or, where the kernel has none, a system
/// call that does not block. Guests' stacks will do.
#[must_use]
pub fn read_clock(clock: i32) -> Option<i64> {
    let mut time = Time { seconds: 0, nanoseconds: 0 };
    let function = CLOCK.load(Ordering::Acquire);
    let failed = if function == 0 {
        // SAFETY: writes to the structure only.
        unsafe { system_call(CLOCK_GETTIME, [clock as usize, &raw mut time as usize, 0, 0]) != 0 }
    } else {
        // SAFETY: by the promise of `set_system`.
        unsafe {
            let function = core::mem::transmute::<usize, extern "C" fn(i32, *mut Time) -> i32>(function);
            function(clock, &raw mut time) != 0
        }
    };
    (!failed).then(|| time.seconds.wrapping_mul(1_000_000_000).wrapping_add(time.nanoseconds))
}

/// The capabilities of the processor as the kernel names them (`AT_HWCAP`, `AT_HWCAP2`).
#[must_use]
pub fn hardware_capabilities() -> (u64, u64) {
    (CAPABILITIES[0].load(Ordering::Acquire), CAPABILITIES[1].load(Ordering::Acquire))
}

/// The handler of a signal.
pub fn signal_handler(signal: i32) -> Result<usize, Errno> {
    ask(Service::SignalHandler, &[signal as u64]).map(|handler| handler as usize)
}

/// The handler of a signal and its flags.
pub fn signal_action(signal: i32) -> Result<(usize, usize), Errno> {
    let flags = ask(Service::SignalFlags, &[signal as u64])?;
    Ok((signal_handler(signal)?, flags as usize))
}

/// Installs the image's handler, which Go finds in the table, for a signal: with three arguments,
/// on the alternate stack, with all signals blocked.
pub fn set_signal_handler(signal: i32, _handler: usize) -> Result<(), Errno> {
    ask(Service::SetSignalHandler, &[signal as u64]).map(drop)
}

/// Sends a signal to a thread of this process; a thread that has ended meanwhile is no error.
pub fn signal_thread(thread: u32, signal: i32) {
    let _ = ask(Service::SignalThread, &[u64::from(thread), signal as u64]);
}

/// Sends a signal to every thread of this process.
pub fn signal_all_threads(signal: i32) {
    let _ = ask(Service::SignalAllThreads, &[signal as u64]);
}

/// Writes a line to standard error. For signal handlers.
pub fn complain(text: &[u8]) {
    // SAFETY: the text is readable.
    unsafe { system_call(WRITE, [2, text.as_ptr() as usize, text.len(), 0]) };
}

/// Ends the process by SIGABRT, without any handler. For signal handlers.
pub fn abort() -> ! {
    restore_default_action(super::signal::ABRT);
    unblock(super::signal::ABRT);
    raise(super::signal::ABRT);
    loop {
        // SAFETY: ends the process, should the signal not.
        unsafe { system_call(EXIT_GROUP, [134, 0, 0, 0]) };
    }
}

/// Bytes of the kernel's set of signals.
const SET_SIZE: usize = 8;

/// Restores what the system does about a signal by itself. For signal handlers.
pub fn restore_default_action(signal: i32) {
    let default = [0_usize; 4]; // handler, flags, restorer, mask (aarch64: without restorer)
    // SAFETY: the structure has the kernel's size or more.
    unsafe { system_call(RT_SIGACTION, [signal as usize, default.as_ptr() as usize, 0, SET_SIZE]) };
}

fn unblock(signal: i32) {
    const UNBLOCK: usize = 1;
    let set = 1_u64 << (signal - 1);
    // SAFETY: the set has the size that is given.
    unsafe { system_call(RT_SIGPROCMASK, [UNBLOCK, &raw const set as usize, 0, SET_SIZE]) };
}

/// Sends a signal to the calling thread. For signal handlers.
pub fn raise(signal: i32) {
    // SAFETY: the process and the thread are given by number.
    unsafe {
        let process = system_call(GETPID, [0; 4]);
        let thread = system_call(GETTID, [0; 4]);
        system_call(TGKILL, [process as usize, thread as usize, signal as usize, 0]);
    }
}

#[cfg(target_arch = "x86_64")]
use x86_64::{CLOCK_GETTIME, EXIT_GROUP, GETPID, GETTID, RT_SIGACTION, RT_SIGPROCMASK, TGKILL, WRITE, system_call};
#[cfg(target_arch = "x86_64")]
mod x86_64 {
    pub(super) const WRITE: usize = 1;
    pub(super) const RT_SIGACTION: usize = 13;
    pub(super) const RT_SIGPROCMASK: usize = 14;
    pub(super) const GETPID: usize = 39;
    pub(super) const GETTID: usize = 186;
    pub(super) const CLOCK_GETTIME: usize = 228;
    pub(super) const EXIT_GROUP: usize = 231;
    pub(super) const TGKILL: usize = 234;

    /// Makes a system call.
    ///
    /// # Safety
    /// As the call says.
    pub(super) unsafe fn system_call(number: usize, arguments: [usize; 4]) -> isize {
        let result;
        // SAFETY: by the caller's promise; the kernel changes the registers that are named.
        unsafe {
            core::arch::asm!(
                "syscall",
                inlateout("rax") number => result,
                in("rdi") arguments[0], in("rsi") arguments[1], in("rdx") arguments[2], in("r10") arguments[3],
                out("rcx") _, out("r11") _, options(nostack)
            );
        }
        result
    }
}

#[cfg(target_arch = "aarch64")]
use aarch64::{CLOCK_GETTIME, EXIT_GROUP, GETPID, GETTID, RT_SIGACTION, RT_SIGPROCMASK, TGKILL, WRITE, system_call};
#[cfg(target_arch = "aarch64")]
mod aarch64 {
    pub(super) const WRITE: usize = 64;
    pub(super) const EXIT_GROUP: usize = 94;
    pub(super) const CLOCK_GETTIME: usize = 113;
    pub(super) const TGKILL: usize = 131;
    pub(super) const RT_SIGACTION: usize = 134;
    pub(super) const RT_SIGPROCMASK: usize = 135;
    pub(super) const GETPID: usize = 172;
    pub(super) const GETTID: usize = 178;

    /// Makes a system call.
    ///
    /// # Safety
    /// As the call says.
    pub(super) unsafe fn system_call(number: usize, arguments: [usize; 4]) -> isize {
        let result;
        // SAFETY: by the caller's promise; the kernel changes the first register alone.
        unsafe {
            core::arch::asm!(
                "svc #0",
                in("x8") number,
                inlateout("x0") arguments[0] => result,
                in("x1") arguments[1], in("x2") arguments[2], in("x3") arguments[3], options(nostack)
            );
        }
        result
    }
}

/// Runs something. A panic leaves the image, through the panic handler.
pub fn catch_panic<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    Ok(body())
}

/// Gives the heap of some work back, by its root.
///
/// # Safety
/// Nobody uses it any more.
pub unsafe fn release_work_heap(root: usize) {
    // SAFETY: by the caller's promise.
    unsafe { own::release_heap(root) };
}

/// Runs something: every entry has a large stack.
pub fn on_large_stack<T>(body: impl FnOnce() -> T) -> crate::error::Result<T> {
    Ok(body())
}
