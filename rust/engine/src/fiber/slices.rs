//! Short slices of time for guests that run long while others wait.
//!
//! Go lets a goroutine run for 10 ms before its signal pauses it. When guests that never call the host occupy all processors, whoever
//! waits for one waits for 10 ms a guest; `runtime.GC` gives up its processor several times in a row. So a guest that was paused once asks, as
//! it is resumed, for its next pause after [`SLICE`]. The request stands for one signal to one thread: if the guest is not
//! there any more, the signal finds no guest, or another one, which then pauses for nothing.

use super::os;
use super::signals::PAUSE_SIGNAL;
use crate::threads::AsynchronousSignalsBlocked;
use parking_lot::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long a guest that asked runs before it is paused again.
const SLICE: Duration = Duration::from_millis(2);

/// A request: when to signal which thread.
#[derive(Clone, Copy, Debug)]
struct Request {
    due: Instant,
    thread: u32,
}

/// The requests, ordered by their time, as all are made for the same span.
#[derive(Debug)]
struct Requests {
    waiting: Vec<Request>,
    /// How many guests must ask at the same time: as many as there are processors.
    processors: usize,
    /// Whether the thread that serves the requests runs.
    served: bool,
}

static REQUESTS: Mutex<Requests> = Mutex::new(Requests { waiting: Vec::new(), processors: 1, served: false });
static ADDED: Condvar = Condvar::new();

impl Requests {
    /// Takes out what is due. Where fewer guests ask than there are processors, nobody waits for one of theirs, and none is signalled.
    fn take_due(&mut self, now: Instant) -> Vec<u32> {
        let enough = self.waiting.len() >= self.processors;
        let due = self.waiting.iter().take_while(|request| request.due <= now).count();
        self.waiting.drain(..due).filter(|_| enough).map(|request| request.thread).collect()
    }
}

/// Asks for a pause of the guest that the calling thread is about to resume, if by then as many guests have asked as there are processors.
///
/// Where the system refuses the thread that this needs, nothing happens: Go's own slices go on.
pub(super) fn request(processors: usize) {
    let mut requests = REQUESTS.lock();
    if !requests.served {
        let _blocked = AsynchronousSignalsBlocked::new();
        let server = std::thread::Builder::new().name("wasm-slices".into()).stack_size(64 << 10);
        if server.spawn(serve).is_err() {
            return;
        }
        requests.served = true;
    }
    requests.processors = processors;
    let thread = os::thread_id();
    requests.waiting.retain(|request| request.thread != thread);
    requests.waiting.push(Request { due: Instant::now() + SLICE, thread });
    drop(requests);
    ADDED.notify_one();
}

/// The thread that sends the signals.
fn serve() {
    let mut requests = REQUESTS.lock();
    loop {
        match requests.waiting.first() {
            None => ADDED.wait(&mut requests),
            Some(first) => {
                let due = first.due;
                ADDED.wait_until(&mut requests, due);
            }
        }
        for thread in requests.take_due(Instant::now()) {
            os::signal_thread(thread, PAUSE_SIGNAL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(processors: usize, now: Instant, in_millis: &[u64]) -> Requests {
        let request = |(thread, millis): (usize, &u64)| Request {
            due: now + Duration::from_millis(*millis),
            thread: thread as u32,
        };
        Requests { waiting: in_millis.iter().enumerate().map(request).collect(), processors, served: true }
    }

    #[test]
    fn what_is_due_is_signalled_once_and_the_rest_waits() {
        let now = Instant::now();
        let mut three = requests(3, now, &[0, 1, 5]);
        assert_eq!(three.take_due(now + Duration::from_millis(2)), [0, 1]);
        assert_eq!(three.waiting.iter().map(|request| request.thread).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn nobody_is_signalled_while_a_processor_is_free() {
        let now = Instant::now();
        let mut one = requests(2, now, &[0]);
        assert_eq!(one.take_due(now), []);
        assert!(one.waiting.is_empty(), "it asks again when Go pauses it");
    }
}
