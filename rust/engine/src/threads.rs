#![allow(unsafe_code)] // pthread_sigmask
//! What the threads of the engine have in common: they take no signal that is meant for the embedder. A leaf.

/// Blocks all signals of the calling thread but those that it raises by its own instructions, until dropped. Threads that are made meanwhile
/// inherit that: there is no moment at which one of them could take a signal meant for the embedder.
pub(crate) struct AsynchronousSignalsBlocked {
    before: libc::sigset_t,
}

impl AsynchronousSignalsBlocked {
    pub(crate) fn new() -> Self {
        // SAFETY: both sets are plain data, initialised by sigfillset and pthread_sigmask; the signal numbers are valid.
        unsafe {
            let mut set = std::mem::zeroed();
            let mut before = std::mem::zeroed();
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
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, std::ptr::null_mut()) };
    }
}
