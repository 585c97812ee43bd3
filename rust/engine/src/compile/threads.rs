//! Compiling on threads of the system, for those who link the library and do not drive a
//! [`Compilation`] themselves.

use super::{Compilation, Linked, Progress, Purpose};
use crate::error::{Error, ErrorKind, Result};
use crate::options::CompileOptions;
use crate::os::on_large_stack;
use crate::prelude::*;

/// Compiles a module on as many threads as the process may use. What is linked is given to `take`,
/// to write the code to where it wants it.
///
/// # Errors
/// As [`Compilation::open`], [`Compilation::finish`] and `take`; kind `Resource` where not even one
/// thread can be had.
pub fn compile<T: Send>(
    bytes: &[u8],
    options: CompileOptions,
    take: impl FnOnce(&Linked<'_>) -> Result<T> + Send,
) -> Result<T> {
    drive(bytes, Purpose::Compile(options), |linked| match linked {
        Some(linked) => take(&linked),
        None => Err(Error::new(ErrorKind::Internal, "compiling has made no artifact")),
    })
}

/// Validates a module, its bodies too.
///
/// # Errors
/// As [`compile`].
pub fn validate(bytes: &[u8]) -> Result<()> {
    drive(bytes, Purpose::Validate, |_| Ok(()))
}

fn drive<T: Send>(
    bytes: &[u8],
    purpose: Purpose,
    take: impl FnOnce(Option<Linked<'_>>) -> Result<T> + Send,
) -> Result<T> {
    let processors = std::thread::available_parallelism().map_or(1, core::num::NonZero::get);
    on_large_stack(|| {
        let compilation = Compilation::open(bytes, purpose)?;
        let Progress { threads, .. } = compilation.progress();
        std::thread::scope(|scope| {
            // Where the system refuses threads, those that it gave do all.
            let others = (1..threads.min(processors))
                .map_while(|_| crate::os::large_stack().spawn_scoped(scope, || compilation.run()).ok());
            let others: Vec<_> = others.collect();
            compilation.run();
            drop(others);
        });
        take(compilation.finish()?)
    })?
}
