//! Writes cases and what they have to do, for `scripts/differential`, which runs them through the
//! Go package.

use crate::encoding;
use crate::expect::Oracle;
use crate::generate::Case;
use crate::worker::{self, Job};
use std::io::{self, Write};
use std::time::Instant;

/// Writes the cases of a job, or only this one of them, to a stream, each as soon as it is known.
///
/// # Errors
/// Where the stream cannot be written: whoever read it is gone.
pub fn emit(job: &Job, only: Option<Case>, to: &mut dyn Write) -> io::Result<()> {
    let mut oracle = Oracle::new(job.wasmtime_every);
    let mut one = |number, case| {
        worker::limit_time();
        let expected = oracle.case(case);
        to.write_all(&encoding::frame(number, case, &expected))?;
        to.flush()
    };
    if let Some(case) = only {
        one(0, case)?;
    } else {
        let start = Instant::now();
        let mut number = job.from;
        while number < job.end && job.time.is_none_or(|time| start.elapsed() < time) {
            one(number, Case::numbered(job.seed, number, &job.kinds))?;
            number += job.step;
        }
    }
    to.write_all(&encoding::END)?;
    to.flush()
}
