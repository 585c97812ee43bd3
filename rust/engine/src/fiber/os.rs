#![allow(unsafe_code)] // calls of the C library that no safe wrapper among our dependencies covers
//! The few calls of the operating system that differ between Linux and macOS. The macOS part has not been run yet.

use std::mem::MaybeUninit;

/// Lowest address and size of the calling thread's stack; (0, 0) where the system does not tell, which refuses nothing.
#[cfg(target_os = "linux")]
pub(super) fn thread_stack() -> (usize, usize) {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let (mut low, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the attributes are initialised by the first call before the others use them, and destroyed once.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return (0, 0);
        }
        let failed = libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut low, &raw mut size) != 0;
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        if failed { (0, 0) } else { (low as usize, size) }
    }
}

/// Lowest address and size of the calling thread's stack.
#[cfg(target_os = "macos")]
pub(super) fn thread_stack() -> (usize, usize) {
    // SAFETY: both calls only read attributes of the calling thread.
    unsafe {
        let this = libc::pthread_self();
        let (high, size) = (libc::pthread_get_stackaddr_np(this) as usize, libc::pthread_get_stacksize_np(this));
        (high - size, size)
    }
}

/// Number of the calling thread, for [`signal_thread`].
#[cfg(target_os = "linux")]
pub(super) fn thread_id() -> u32 {
    // SAFETY: the call has no arguments and cannot fail.
    (unsafe { libc::syscall(libc::SYS_gettid) }) as u32
}

/// Sends a signal to a thread of this process; a thread that has ended meanwhile is no error.
#[cfg(target_os = "linux")]
pub(super) fn signal_thread(thread: u32, signal: i32) {
    // SAFETY: the signal has a handler of ours; the process and thread are given by number.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, signal) };
}

/// Sends a signal to every thread of this process.
#[cfg(target_os = "linux")]
pub(super) fn signal_all_threads(signal: i32) {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return };
    for thread in threads.flatten() {
        if let Some(thread) = thread.file_name().to_str().and_then(|number| number.parse().ok()) {
            signal_thread(thread, signal);
        }
    }
}
