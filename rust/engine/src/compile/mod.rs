//! From the bytes of a module to an [`Artifact`]: functions are validated, translated and compiled in parallel.
//!
//! All of it runs on the threads of [`pool`]; the caller only waits.

mod function;
pub mod hwcap;
mod isa;
pub mod near_call;
mod placement;
mod pool;
mod trampolines;

pub use isa::{cpu_features, isa, isa_for};
pub use pool::pool;
pub use trampolines::{canonical_types, keys as trampoline_keys};

pub(crate) use function::CALL_RELOCATION;

use crate::abi::vmctx::VmctxLayout;
use crate::artifact::{Artifact, CodeBody, CompileOptions, TrampolineKey};
use crate::error::{Error, ErrorKind, Result};
use crate::translate::{Candidates, Environment};
use crate::wasm::{self, Body, ModuleInfo};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::FunctionBuilderContext;
use parking_lot::Mutex;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a trampoline costs to compile, in bytes of function body: only the order of the work depends on it.
const TRAMPOLINE_WEIGHT: u64 = 48;
/// Weight below which one thread does all: waking a second one costs more than it saves.
const ALONE: u64 = 256;
/// Allocations made for a body larger than this are not kept for bodies of a quarter of it.
const SHRINK_ABOVE: u64 = 4 << 10;
/// A thread keeps its allocations for the next module unless it has seen a body larger than this.
const KEEP_BELOW: u64 = 64 << 10;

/// Compiles a module.
///
/// # Errors
/// Kind `Validation` where the bytes are no valid module or use a proposal that is refused; kind `Compile` where a limit of the
/// implementation is met or the host is not supported. Of several errors in functions that of the lowest index is returned.
pub fn compile(bytes: &[u8], options: CompileOptions) -> Result<Artifact> {
    let isa = &**isa_for(options)?;
    let pool = pool()?;
    let (info, queue, bodies) = pool.install(|| {
        let parsed = wasm::parse(bytes)?;
        let queue = Queue::new(&parsed.info, &parsed.bodies);
        Ok((parsed.info, queue, parsed.bodies))
    })?;
    let layout = VmctxLayout::new(&info);
    let candidates = Candidates::new(&bodies);
    let env = Environment { info: &info, layout: &layout, options, frontend: isa.frontend_config(), candidates };
    let work = Work { env: &env, isa, queue, error_index: AtomicUsize::new(usize::MAX), outcome: Mutex::default() };
    let threads = if work.queue.weight < ALONE { 1 } else { pool.current_num_threads().min(work.queue.length) };
    // The calling thread waits outside of the pool, so that no thread of the pool ever waits on its stack for others.
    pool.in_place_scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|_| work.run());
        }
    });
    let Outcome { mut bodies, error } = work.outcome.into_inner();
    if let Some((_, error)) = error {
        return Err(error);
    }
    let keys = trampoline_keys(&info);
    bodies.sort_unstable_by_key(|(index, _)| *index);
    let mut bodies = bodies.into_iter().map(|(_, body)| body);
    let functions = bodies.by_ref().take(info.functions.len() - info.imported_functions as usize).collect();
    let trampolines = keys.into_iter().zip(bodies).collect();
    Ok(Artifact { info, options, functions, trampolines })
}

#[derive(Clone, Copy)]
enum Task {
    /// The function of this index.
    Function(u32),
    Trampoline(TrampolineKey),
}

/// The tasks, the heaviest first, so that the threads end at about the same time.
struct Queue {
    tasks: Mutex<std::vec::IntoIter<(u64, usize, Task)>>,
    length: usize,
    weight: u64,
}

impl Queue {
    /// Tasks are numbered: own functions in their order, then trampolines in theirs.
    fn new(info: &ModuleInfo, bodies: &[Body<'_>]) -> Self {
        let functions = bodies.iter().zip(info.imported_functions..).map(|(body, function)| {
            let range = body.body.range();
            (range.end - range.start, Task::Function(function))
        });
        let trampolines = trampoline_keys(info).into_iter().map(|key| (TRAMPOLINE_WEIGHT, Task::Trampoline(key)));
        let mut tasks: Vec<_> =
            functions.chain(trampolines).enumerate().map(|(index, (weight, task))| (weight, index, task)).collect();
        tasks.sort_by_key(|(weight, ..)| std::cmp::Reverse(*weight));
        let weight = tasks.iter().map(|(weight, ..)| weight).sum();
        Self { length: tasks.len(), weight, tasks: Mutex::new(tasks.into_iter()) }
    }
}

#[derive(Default)]
struct Outcome {
    bodies: Vec<(usize, CodeBody)>,
    error: Option<(usize, Error)>,
}

/// The work on one module, shared by the threads.
struct Work<'a> {
    env: &'a Environment<'a>,
    isa: &'a dyn TargetIsa,
    queue: Queue,
    /// Number of the lowest task that has failed: tasks above it no longer matter, those below still do.
    error_index: AtomicUsize,
    outcome: Mutex<Outcome>,
}

/// What a thread keeps between modules.
struct Workshop {
    compiler: function::FunctionCompiler,
    builder: FunctionBuilderContext,
}

thread_local! {
    static KEPT: RefCell<Option<Workshop>> = const { RefCell::new(None) };
}

impl Workshop {
    fn new() -> Self {
        Self { compiler: function::FunctionCompiler::new(), builder: FunctionBuilderContext::new() }
    }
}

impl Work<'_> {
    /// Does tasks until none is left.
    fn run(&self) {
        let mut workshop = KEPT.take().unwrap_or_else(Workshop::new);
        let mut done = Vec::new();
        let (mut heaviest, mut largest) = (0, 0);
        loop {
            let Some((weight, index, task)) = self.queue.tasks.lock().next() else { break };
            // Tables are cleared at the cost of what they can hold: those that have grown large are no good for small functions.
            if largest > SHRINK_ABOVE && weight < largest / 4 {
                workshop = Workshop::new();
                largest = 0;
            }
            largest = largest.max(weight);
            if index > self.error_index.load(Ordering::Relaxed) {
                continue;
            }
            heaviest = heaviest.max(weight);
            let result = catch_unwind(AssertUnwindSafe(|| self.task(&mut workshop, task))).unwrap_or_else(|panic| {
                Err(Error::new(ErrorKind::Internal, format!("the code generator panicked: {}", panic_text(&*panic))))
            });
            match result {
                Ok(body) => done.push((index, body)),
                Err(error) => {
                    // Nothing half-done is left behind.
                    workshop = Workshop::new();
                    self.fail(index, task, error);
                }
            }
        }
        self.outcome.lock().bodies.append(&mut done);
        if heaviest <= KEEP_BELOW {
            KEPT.set(Some(workshop));
        }
    }

    fn task(&self, workshop: &mut Workshop, task: Task) -> Result<CodeBody> {
        match task {
            Task::Function(function) => workshop.compiler.function(self.env, self.isa, function),
            Task::Trampoline(key) => {
                let ty = &self.env.info.types[key.type_index() as usize];
                trampolines::trampoline(&mut workshop.compiler, &mut workshop.builder, self.isa, key, ty)
            }
        }
    }

    fn fail(&self, index: usize, task: Task, error: Error) {
        self.error_index.fetch_min(index, Ordering::Relaxed);
        let mut outcome = self.outcome.lock();
        if outcome.error.as_ref().is_some_and(|(lowest, _)| *lowest < index) {
            return;
        }
        // The validator's own words say where; other errors are given the function.
        let error = match error.kind() {
            ErrorKind::Validation => error,
            kind => Error::new(kind, format!("{}: {}", task.describe(self.env.info), error.message())),
        };
        outcome.error = Some((index, error));
    }
}

impl Task {
    fn describe(self, info: &ModuleInfo) -> String {
        match self {
            Self::Function(index) => match info.names.function(index) {
                Some(name) => format!("function {index} `{name}`"),
                None => format!("function {index}"),
            },
            Self::Trampoline(key) => format!("trampoline {key:?}"),
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no text")
}

#[cfg(test)]
mod tests;
