//! The threads that compile. Callers only wait: their stacks may be tiny, these are not.

use crate::error::{Error, ErrorKind, Result};
use crate::threads::AsynchronousSignalsBlocked;
use once_cell::sync::OnceCell;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Stack of each thread; address space, committed as it is used.
const STACK_SIZE: usize = 8 << 20;

/// The pool, made at first use; as many threads as the process may use CPUs, fewer where the system refuses them.
///
/// # Errors
/// Kind `Resource` where not even one thread can be had; the next call tries again.
pub fn pool() -> Result<&'static ThreadPool> {
    static POOL: OnceCell<ThreadPool> = OnceCell::new();
    POOL.get_or_try_init(|| {
        let mut threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        loop {
            match build(threads) {
                Ok(pool) => return Ok(pool),
                Err(_) if threads > 1 => threads /= 2,
                Err(e) => {
                    let message = format!("cannot start a thread to compile with ({STACK_SIZE} bytes of stack): {e}");
                    return Err(Error::new(ErrorKind::Resource, message));
                }
            }
        }
    })
}

fn build(threads: usize) -> Result<ThreadPool, rayon::ThreadPoolBuildError> {
    let _blocked = AsynchronousSignalsBlocked::new();
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("wasm-compile-{index}"))
        .stack_size(STACK_SIZE)
        .build()
}

#[cfg(test)]
#[allow(unsafe_code)] // reads the mask of signals
mod tests {
    use super::*;

    fn is_blocked(signal: i32) -> bool {
        // SAFETY: a null new set only reads the mask.
        unsafe {
            let mut now = std::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), &mut now);
            libc::sigismember(&now, signal) == 1
        }
    }

    #[test]
    fn threads_take_no_asynchronous_signals() {
        let pool = pool().unwrap();
        assert!(std::ptr::eq(pool, super::pool().unwrap()));
        let before = is_blocked(libc::SIGURG);
        pool.broadcast(|_| {
            assert!(is_blocked(libc::SIGURG) && is_blocked(libc::SIGPROF) && is_blocked(libc::SIGCHLD));
            assert!(!is_blocked(libc::SIGSEGV));
        });
        assert_eq!(is_blocked(libc::SIGURG), before, "the caller's mask is as it was");
    }

    #[test]
    fn threads_have_real_stacks() {
        #[inline(never)]
        fn deep(levels: usize) -> usize {
            let frame = [1_u8; 8192];
            let frame = std::hint::black_box(&frame);
            if levels == 0 { 0 } else { deep(levels - 1) + usize::from(frame[levels]) }
        }
        // 4 MiB: half of the stack.
        assert_eq!(pool().unwrap().install(|| deep(512)), 512);
    }
}
