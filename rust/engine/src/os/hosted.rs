//! The operating system by the C library.

use super::Errno;
use crate::error::{Error, ErrorKind, Result};
use crate::prelude::*;
use core::any::Any;
use core::mem::MaybeUninit;
use core::ptr;
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::thread::Builder;

fn last_error() -> Errno {
    Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

fn succeeded(result: i32) -> Result<(), Errno> {
    if result == 0 { Ok(()) } else { Err(last_error()) }
}

/// Makes a private mapping of zeros, at an address of the system's choice for 0.
///
/// # Safety
/// With `MAP_FIXED` the range belongs to the caller, and nobody uses what it holds any more.
pub unsafe fn map(address: usize, bytes: usize, protection: i32, flags: i32) -> Result<usize, Errno> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | flags;
    // SAFETY: by the caller's promise; any other mapping touches nothing that exists.
    let at = unsafe { libc::mmap(ptr::with_exposed_provenance_mut(address), bytes, protection, flags, -1, 0) };
    if at == libc::MAP_FAILED { Err(last_error()) } else { Ok(at.expose_provenance()) }
}

/// Removes mappings.
///
/// # Safety
/// The range belongs to the caller, and nobody uses it any more.
pub unsafe fn unmap(address: usize, bytes: usize) -> Result<(), Errno> {
    // SAFETY: by the caller's promise.
    succeeded(unsafe { libc::munmap(ptr::with_exposed_provenance_mut(address), bytes) })
}

/// Sets what can be done with a range.
///
/// # Safety
/// The range belongs to the caller, and nobody uses it in a way that this forbids.
pub unsafe fn protect(address: usize, bytes: usize, protection: i32) -> Result<(), Errno> {
    // SAFETY: by the caller's promise.
    succeeded(unsafe { libc::mprotect(ptr::with_exposed_provenance_mut(address), bytes, protection) })
}

/// Gives the memory of a range back; it reads as zeros afterwards.
///
/// # Safety
/// The range belongs to the caller, and nobody uses what it holds any more.
pub unsafe fn discard(address: usize, bytes: usize) -> Result<(), Errno> {
    // SAFETY: by the caller's promise.
    succeeded(unsafe { libc::madvise(ptr::with_exposed_provenance_mut(address), bytes, libc::MADV_DONTNEED) })
}

/// Makes a file in memory that has so many zeros, and gives its descriptor.
pub fn memory_file(bytes: usize) -> Result<i32, Errno> {
    let length = libc::off_t::try_from(bytes).map_err(|_| Errno(libc::EINVAL))?;
    // SAFETY: the name is a string of C.
    let descriptor =
        unsafe { libc::memfd_create(c"gowasmer memory".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) };
    if descriptor < 0 {
        return Err(last_error());
    }
    // SAFETY: the descriptor is ours.
    let sized = succeeded(unsafe { libc::ftruncate(descriptor, length) });
    sized.inspect_err(|_| close_file(descriptor)).map(|()| descriptor)
}

/// Writes bytes to a file.
pub fn write_file(descriptor: i32, mut bytes: &[u8], mut offset: u64) -> Result<(), Errno> {
    while !bytes.is_empty() {
        // SAFETY: the bytes are readable.
        let written = unsafe { libc::pwrite(descriptor, bytes.as_ptr().cast(), bytes.len(), offset as libc::off_t) };
        match usize::try_from(written) {
            Err(_) if last_error() == Errno(libc::EINTR) => {}
            Err(_) => return Err(last_error()),
            Ok(0) => return Err(Errno(libc::EIO)),
            Ok(written) => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
        }
    }
    Ok(())
}

/// Forbids all changes of a file in memory for ever.
pub fn seal_file(descriptor: i32) -> Result<(), Errno> {
    let seals = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE;
    // SAFETY: the descriptor is the caller's.
    succeeded(unsafe { libc::fcntl(descriptor, libc::F_ADD_SEALS, seals) })
}

/// Closes a descriptor.
pub fn close_file(descriptor: i32) {
    // SAFETY: the descriptor is the caller's.
    unsafe { libc::close(descriptor) };
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
    let (at, flags) = (ptr::with_exposed_provenance_mut(address), libc::MAP_PRIVATE | flags);
    // SAFETY: by the caller's promise; any other mapping touches nothing that exists.
    let at = unsafe { libc::mmap(at, bytes, protection, flags, descriptor, offset as libc::off_t) };
    if at == libc::MAP_FAILED { Err(last_error()) } else { Ok(at.expose_provenance()) }
}

/// Asks what is to be known of pages; gives the number of ranges.
pub fn scan_pages(scan: &mut super::PageScan) -> Result<usize, Errno> {
    /// `_IOWR('f', 16, struct pm_scan_arg)`.
    const PAGEMAP_SCAN: libc::Ioctl = 0xc060_6610_u32 as libc::Ioctl;
    static PAGES: OnceLock<Option<std::fs::File>> = OnceLock::new();
    let pages = PAGES.get_or_init(|| std::fs::File::open("/proc/self/pagemap").ok());
    let pages = pages.as_ref().ok_or(Errno(libc::ENOENT))?;
    // SAFETY: the structure is the one that the kernel wants, and leads to as many ranges as it
    // says.
    let count = unsafe { libc::ioctl(pages.as_raw_fd(), PAGEMAP_SCAN, &raw mut *scan) };
    usize::try_from(count).map_err(|_| last_error())
}

/// Bytes of address space that the process may use, where that is limited (`ulimit -v`).
#[must_use]
pub fn address_space_limit() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is valid for writing.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) };
    (result == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

/// What `vm.max_map_count` says, where it can be read.
#[must_use]
pub fn max_map_count() -> Option<u64> {
    std::fs::read_to_string("/proc/sys/vm/max_map_count").ok()?.trim().parse().ok()
}

/// Reads a clock, in nanoseconds. A function of the vDSO, or, where the kernel has none, a system
/// call that does not block.
#[must_use]
pub fn read_clock(clock: i32) -> Option<i64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to the structure only.
    let failed = unsafe { libc::clock_gettime(clock, &raw mut time) } != 0;
    (!failed).then(|| time.tv_sec.wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec))
}

/// The capabilities of the processor as the kernel names them (`AT_HWCAP`, `AT_HWCAP2`).
#[must_use]
pub fn hardware_capabilities() -> (u64, u64) {
    // SAFETY: only reads the auxiliary vector.
    unsafe { (libc::getauxval(libc::AT_HWCAP), libc::getauxval(libc::AT_HWCAP2)) }
}

/// The handler of a signal.
pub fn signal_handler(signal: i32) -> Result<usize, Errno> {
    signal_action(signal).map(|(handler, _)| handler)
}

/// The handler of a signal and its flags.
pub fn signal_action(signal: i32) -> Result<(usize, usize), Errno> {
    let mut old = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: only reads the present action into memory of ours.
    succeeded(unsafe { libc::sigaction(signal, ptr::null(), old.as_mut_ptr()) })?;
    // SAFETY: filled by the successful call above.
    let old = unsafe { old.assume_init() };
    Ok((old.sa_sigaction, old.sa_flags as usize))
}

/// Installs a handler with three arguments, that runs on the alternate stack with all signals
/// blocked.
pub fn set_signal_handler(signal: i32, handler: usize) -> Result<(), Errno> {
    // SAFETY: a zeroed sigaction is valid, and all fields that matter are set below.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // SAFETY: the mask is ours to fill; the handler keeps the rules of signal handlers.
    succeeded(unsafe {
        libc::sigfillset(&raw mut action.sa_mask);
        libc::sigaction(signal, &raw const action, ptr::null_mut())
    })
}

/// Sends a signal to a thread of this process; a thread that has ended meanwhile is no error.
pub fn signal_thread(thread: u32, signal: i32) {
    // SAFETY: the signal has a handler of ours; the process and thread are given by number.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, signal) };
}

/// Sends a signal to every thread of this process.
pub fn signal_all_threads(signal: i32) {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return };
    for thread in threads.flatten() {
        if let Some(thread) = thread.file_name().to_str().and_then(|number| number.parse().ok()) {
            signal_thread(thread, signal);
        }
    }
}

/// Number of the calling thread, for [`signal_thread`].
#[must_use]
pub fn thread_id() -> u32 {
    // SAFETY: the call has no arguments and cannot fail.
    (unsafe { libc::syscall(libc::SYS_gettid) }) as u32
}

/// Lowest address and size of the calling thread's stack; (0, 0) where the system does not tell,
/// which refuses nothing.
#[must_use]
pub fn thread_stack() -> (usize, usize) {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let (mut low, mut size) = (ptr::null_mut(), 0);
    // SAFETY: the attributes are initialised by the first call before the others use them, and
    // destroyed once.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return (0, 0);
        }
        let failed = libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut low, &raw mut size) != 0;
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        if failed { (0, 0) } else { (low as usize, size) }
    }
}

/// Writes a line to standard error. For signal handlers.
pub fn complain(text: &[u8]) {
    // SAFETY: the text is readable; write is safe in a signal handler.
    unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
}

/// Ends the process by SIGABRT, without any handler. For signal handlers.
pub fn abort() -> ! {
    // SAFETY: both are safe in a signal handler.
    unsafe {
        libc::signal(libc::SIGABRT, libc::SIG_DFL);
        libc::abort()
    }
}

/// Restores what the system does about a signal by itself. For signal handlers.
pub fn restore_default_action(signal: i32) {
    // SAFETY: a zeroed sigaction is SIG_DFL without flags.
    unsafe {
        let default: libc::sigaction = MaybeUninit::zeroed().assume_init();
        libc::sigaction(signal, &raw const default, ptr::null_mut());
    }
}

/// Sends a signal to the calling thread. For signal handlers.
pub fn raise(signal: i32) {
    // SAFETY: raising is safe in a handler.
    unsafe { libc::raise(signal) };
}

/// Runs something and returns what it says when it panics.
pub fn catch_panic<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|panic| said(&*panic).to_string())
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text")
}

/// Bytes of stack that reading and compiling modules may need.
const LARGE_STACK: usize = 8 << 20;

/// A thread with a large stack.
pub fn large_stack() -> Builder {
    Builder::new().name("wasm-compile".into()).stack_size(LARGE_STACK)
}

/// Gives the heap of some work back, by its root. Here no work has a heap of its own.
///
/// # Safety
/// Nobody uses it any more.
pub const unsafe fn release_work_heap(_: usize) {}

/// Runs something on a large stack: a thread of its own, as that of the caller may be small.
///
/// # Errors
/// Kind `Resource` where the system refuses the thread; kind `Internal` where the body panics.
pub fn on_large_stack<T: Send>(body: impl FnOnce() -> T + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let blocked = AsynchronousSignalsBlocked::new();
        let thread = large_stack().spawn_scoped(scope, body);
        drop(blocked);
        let thread = thread.map_err(|error| {
            let message = format!("cannot start a thread to compile with ({LARGE_STACK} bytes of stack): {error}");
            Error::new(ErrorKind::Resource, message)
        })?;
        thread.join().map_err(|panic| {
            Error::new(ErrorKind::Internal, format!("bug of the engine: it panicked: {}", said(&*panic)))
        })
    })
}

/// Blocks all signals of the calling thread but those that it raises by its own instructions, until
/// dropped. Threads that are made meanwhile inherit that: there is no moment at which one of them
/// could take a signal meant for the embedder.
struct AsynchronousSignalsBlocked {
    before: libc::sigset_t,
}

impl AsynchronousSignalsBlocked {
    fn new() -> Self {
        // SAFETY: both sets are plain data, initialised by sigfillset and pthread_sigmask; the
        // signal numbers are valid.
        unsafe {
            let mut set = core::mem::zeroed();
            let mut before = core::mem::zeroed();
            libc::sigfillset(&mut set);
            for signal in
                [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT, libc::SIGSYS]
            {
                libc::sigdelset(&mut set, signal);
            }
            libc::pthread_sigmask(libc::SIG_BLOCK, &set, &mut before);
            Self { before }
        }
    }
}

impl Drop for AsynchronousSignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: `before` was filled by pthread_sigmask.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, ptr::null_mut()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_blocked(signal: i32) -> bool {
        // SAFETY: a null new set only reads the mask.
        unsafe {
            let mut now = core::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_SETMASK, ptr::null(), &mut now);
            libc::sigismember(&now, signal) == 1
        }
    }

    #[test]
    fn threads_of_ours_take_no_asynchronous_signals() {
        let before = is_blocked(libc::SIGURG);
        on_large_stack(|| {
            assert!(is_blocked(libc::SIGURG) && is_blocked(libc::SIGPROF) && is_blocked(libc::SIGCHLD));
            assert!(!is_blocked(libc::SIGSEGV));
        })
        .unwrap();
        assert_eq!(is_blocked(libc::SIGURG), before, "the caller's mask is as it was");
    }

    #[test]
    fn large_stacks_are_large() {
        #[inline(never)]
        fn deep(levels: usize) -> usize {
            let frame = [1_u8; 8192];
            let frame = core::hint::black_box(&frame);
            if levels == 0 { 0 } else { deep(levels - 1) + usize::from(frame[levels]) }
        }
        // 4 MiB: half of the stack.
        assert_eq!(on_large_stack(|| deep(512)).unwrap(), 512);
    }

    #[test]
    fn panics_say_what_was_said() {
        assert_eq!(catch_panic(|| 1), Ok(1));
        assert_eq!(catch_panic(|| panic!("as it {}", "is")), Err::<(), _>("as it is".into()));
        assert_eq!(catch_panic(|| panic!("plain")), Err::<(), _>("plain".into()));
        assert!(on_large_stack(|| panic!("there")).unwrap_err().message().contains("there"));
    }
}
