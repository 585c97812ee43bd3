//! A compilation as steps, so that whoever has threads drives them: [`Compilation::open`] reads the
//! declarations and lists the tasks, [`Compilation::run`] does tasks until none is left, on as many
//! threads as like to at the same time, and [`Compilation::finish`] links what they have made.
//!
//! Opening and running take no lock, so that they can be paused, and given up, anywhere.

use super::body::CodeBody;
use super::function::FunctionCompiler;
use super::link::{Linked, link};
use super::piece::Batch;
use super::results::Results;
use super::trampolines;
use crate::abi::vmctx::VmctxLayout;
use crate::artifact::{TrampolineKey, trampoline_keys};
use crate::error::{Error, ErrorKind, Result};
use crate::isa::{Targets, targets_for};
use crate::options::{CompileOptions, OptLevel};
use crate::os::catch_panic;
use crate::prelude::*;
use crate::translate::{Candidates, Environment, is_brief};
use crate::wasm::{self, Body, ModuleInfo, validate_body};
use alloc::sync::Arc;
use core::fmt;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use cranelift_frontend::FunctionBuilderContext;
use wasmparser::{FuncValidatorAllocations, Operator};

/// What a trampoline costs to compile, in bytes of function body: only the order of the work
/// depends on it.
const TRAMPOLINE_WEIGHT: u64 = 48;
/// Weight below which one thread does all: waking a second one costs more than it saves.
const ALONE: u64 = 256;
/// Allocations made for a body larger than this are not kept for bodies of a quarter of it.
const SHRINK_ABOVE: u64 = 4 << 10;

/// Allocations made for a body larger than this are not kept for later.
const KEPT_BELOW: u64 = 32 << 10;

/// What is wanted of the bodies of functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Machine code.
    Compile(CompileOptions),
    /// To know whether they are valid; they are compiled when they are called.
    Lazy(CompileOptions),
    /// To know whether they are valid.
    Validate,
}

impl Purpose {
    /// What was chosen.
    #[must_use]
    pub fn options(self) -> CompileOptions {
        match self {
            Self::Compile(options) | Self::Lazy(options) => options,
            Self::Validate => CompileOptions::default(),
        }
    }
}

/// A module on its way to an artifact. It borrows the bytes of the module.
pub struct Compilation<'data> {
    purpose: Purpose,
    info: ModuleInfo,
    bodies: Vec<Body<'data>>,
    layout: VmctxLayout,
    candidates: Candidates,
    targets: Targets,
    /// The tasks, the heaviest first, so that the threads end at about the same time.
    tasks: Box<[Task]>,
    weight: u64,
    next: AtomicUsize,
    /// Number of the lowest task that has failed: tasks above it no longer matter, those below
    /// still do.
    failed: AtomicUsize,
    cancelled: AtomicBool,
    /// Of each task by its number: the code, nothing where that was not wanted, or the error.
    results: Results<Result<Option<CodeBody>>>,
}

/// Tasks are numbered: own functions in their order, then trampolines in theirs.
#[derive(Clone, Copy)]
struct Task {
    weight: u64,
    number: usize,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    /// The function of this index.
    Function(u32),
    Trampoline(TrampolineKey),
}

/// How far a compilation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Functions and trampolines that are done.
    pub done: usize,
    /// All functions and trampolines.
    pub total: usize,
    /// How many threads can work at the same time with gain.
    pub threads: usize,
}

/// What a thread reuses from task to task.
struct Workshop {
    compiler: FunctionCompiler,
    builder: FunctionBuilderContext,
    allocations: FuncValidatorAllocations,
}

impl Workshop {
    fn new() -> Self {
        Self {
            compiler: FunctionCompiler::new(),
            builder: FunctionBuilderContext::new(),
            allocations: FuncValidatorAllocations::default(),
        }
    }
}

/// What a thread reuses from function to function, of any modules.
pub struct Bench {
    workshop: Workshop,
    /// Bytes of the largest body since it is as it is.
    largest: u64,
}

impl Bench {
    /// Nothing was compiled at it.
    #[must_use]
    pub fn new() -> Self {
        Self { workshop: Workshop::new(), largest: 0 }
    }

    /// Makes it one that serves a body of so many bytes: tables are cleared at the cost of what
    /// they can hold, so that those that have grown large are no good for small functions.
    fn prepare(&mut self, weight: u64) {
        if self.largest > SHRINK_ABOVE && weight < self.largest / 4 {
            *self = Self::new();
        }
        self.largest = self.largest.max(weight);
    }

    /// Whether it takes more memory than one that is kept for later should.
    #[must_use]
    pub const fn is_large(&self) -> bool {
        self.largest > KEPT_BELOW
    }
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").field("largest", &self.largest).finish_non_exhaustive()
    }
}

impl<'data> Compilation<'data> {
    /// Reads and validates the declarations of a module, and lists the tasks.
    ///
    /// # Errors
    /// Kind `Validation` where the bytes are no valid module or use a proposal that is refused;
    /// kind `Compile` where the host is not supported.
    pub fn open(bytes: &'data [u8], purpose: Purpose) -> Result<Self> {
        let targets = targets_for(purpose.options())?;
        let wasm::Parsed { info, bodies } = wasm::parse(bytes)?;
        let functions = bodies.iter().zip(info.imported_functions..).map(|(body, function)| {
            let range = body.body.range();
            (range.end - range.start, What::Function(function))
        });
        let keys = if purpose == Purpose::Validate { Vec::new() } else { trampoline_keys(&info) };
        let trampolines = keys.into_iter().map(|key| (TRAMPOLINE_WEIGHT, What::Trampoline(key)));
        let tasks = functions.chain(trampolines).enumerate();
        let mut tasks: Vec<_> = tasks.map(|(number, (weight, what))| Task { weight, number, what }).collect();
        tasks.sort_by_key(|task| core::cmp::Reverse(task.weight));
        Ok(Self {
            purpose,
            layout: VmctxLayout::new(&info),
            candidates: Candidates::new(bodies.len()),
            info,
            bodies,
            targets,
            weight: tasks.iter().map(|task| task.weight).sum(),
            next: AtomicUsize::new(0),
            failed: AtomicUsize::new(usize::MAX),
            cancelled: AtomicBool::new(false),
            results: Results::new(tasks.len()),
            tasks: tasks.into(),
        })
    }

    fn environment(&self) -> Environment<'_> {
        Environment {
            info: &self.info,
            layout: &self.layout,
            options: self.purpose.options(),
            frontend: self.targets.speed.frontend_config(),
            bodies: &self.bodies,
            candidates: &self.candidates,
            validated: false,
        }
    }

    /// Does tasks until none is left that nobody has begun.
    pub fn run(&self) {
        let env = self.environment();
        let mut bench = Bench::new();
        while !self.cancelled.load(Ordering::Relaxed) {
            let Some(task) = self.tasks.get(self.next.fetch_add(1, Ordering::Relaxed)) else { break };
            bench.prepare(task.weight);
            if task.number > self.failed.load(Ordering::Relaxed) {
                self.results.put(task.number, Ok(None));
                continue;
            }
            let result = self.attempt(task.what, || self.task(&env, &mut bench.workshop, task.what));
            if result.is_err() {
                // Nothing half-done is left behind.
                bench.workshop = Workshop::new();
                self.failed.fetch_min(task.number, Ordering::Relaxed);
            }
            self.results.put(task.number, result);
        }
    }

    /// The result of a task, whose error names it.
    fn attempt<T>(&self, what: What, task: impl FnOnce() -> Result<T>) -> Result<T> {
        let result = catch_panic(task).unwrap_or_else(|said| {
            Err(Error::new(ErrorKind::Internal, format!("the code generator panicked: {said}")))
        });
        // The validator's own words say where; other errors are given the function.
        result.map_err(|error| match error.kind() {
            ErrorKind::Validation => error,
            kind => Error::new(kind, format!("{}: {}", what.describe(&self.info), error.message())),
        })
    }

    /// Compiles those of some functions, given by their indices, that are wanted. Any number of
    /// threads may be in it at the same time, each at a bench of its own, once all bodies are known
    /// to be valid.
    pub fn compile(&self, functions: Range<u32>, wanted: impl Fn(u32) -> bool, bench: &mut Bench) -> Batch {
        self.compile_as(false, functions.filter(|function| wanted(*function)), bench)
    }

    /// Whether a function, given by its index, is one whose first calls [`Compilation::quick`] is
    /// good enough for.
    #[must_use]
    pub fn is_brief(&self, function: u32) -> bool {
        self.purpose.options().opt_level == OptLevel::Speed && is_brief(&self.body_of(function).body)
    }

    /// Compiles functions, given by their indices in ascending order, by quickly made code: as
    /// [`Compilation::compile`] else.
    pub fn quick(&self, functions: impl Iterator<Item = u32>, bench: &mut Bench) -> Batch {
        self.compile_as(true, functions, bench)
    }

    /// The bytes of a function's body, and the own functions that it calls by their names, in the
    /// order of the calls; some are there twice.
    #[must_use]
    pub fn callees(&self, function: u32) -> (u64, Vec<u32>) {
        let body = &self.body_of(function).body;
        let range = body.range();
        let operators = body.get_operators_reader().into_iter().flatten().map_while(Result::ok);
        let callees = operators.filter_map(|operator| match operator {
            Operator::Call { function_index } => Some(function_index),
            _ => None,
        });
        (range.end - range.start, callees.filter(|callee| !self.info.is_imported_function(*callee)).collect())
    }

    fn body_of(&self, function: u32) -> &Body<'data> {
        &self.bodies[(function - self.info.imported_functions) as usize]
    }

    fn compile_as(&self, quick: bool, functions: impl Iterator<Item = u32>, bench: &mut Bench) -> Batch {
        let env = Environment { validated: true, ..self.environment() };
        let mut bodies = Vec::new();
        for function in functions {
            let range = self.body_of(function).body.range();
            bench.prepare(range.end - range.start);
            let compiler = &mut bench.workshop.compiler;
            let result = self.attempt(What::Function(function), || {
                if quick {
                    compiler.quick(&env, &self.targets, function)
                } else {
                    compiler.function(&env, &self.targets, function)
                }
            });
            if result.is_err() {
                // Nothing half-done is left behind.
                bench.workshop = Workshop::new();
            }
            bodies.push((function, result));
        }
        Batch { bodies, quick }
    }

    fn task(&self, env: &Environment<'_>, workshop: &mut Workshop, what: What) -> Result<Option<CodeBody>> {
        match what {
            What::Function(function) if !matches!(self.purpose, Purpose::Compile(_)) => {
                workshop.allocations =
                    validate_body(self.body_of(function), core::mem::take(&mut workshop.allocations))?;
                Ok(None)
            }
            What::Function(function) => workshop.compiler.function(env, &self.targets, function).map(Some),
            What::Trampoline(key) => {
                let ty = &self.info.types[key.type_index() as usize];
                trampolines::trampoline(&mut workshop.compiler, &mut workshop.builder, self.targets.speed, key, ty)
                    .map(Some)
            }
        }
    }

    /// Asks those who run to stop after the task that they are at.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let total = self.tasks.len();
        let threads = if self.weight < ALONE { 1 } else { total };
        Progress { done: self.results.written(), total, threads }
    }

    /// The linked artifact; nothing where only validation was wanted. Its code is still here, to be
    /// written to where it will run.
    ///
    /// # Errors
    /// That of the failed function with the lowest index, as of [`Compilation::open`] or of kind
    /// `Compile` where a limit of the implementation is met. Kind `Argument` while tasks are left.
    pub fn finish(&self) -> Result<Option<Linked<'_>>> {
        let Progress { done, total, .. } = self.progress();
        if done < total {
            let message = format!("the compilation has done {done} of {total} functions and trampolines, expected all");
            return Err(Error::new(ErrorKind::Argument, message));
        }
        let failed = self.failed.load(Ordering::Relaxed);
        if let Some(Err(error)) = self.results.get(failed) {
            return Err(error.clone());
        }
        if self.purpose == Purpose::Validate {
            return Ok(None);
        }
        let bodies = (0..total).map(|number| self.body(number)).collect();
        link(Arc::new(self.info.clone()), self.purpose.options(), self.targets.speed, bodies).map(Some)
    }

    /// What was made of a task that has not failed; without code of a function that is to be
    /// compiled later.
    pub(super) fn body(&self, number: usize) -> &CodeBody {
        static LATER: CodeBody = CodeBody::NONE;
        match self.results.get(number) {
            Some(Ok(Some(body))) => body,
            Some(Ok(None)) if matches!(self.purpose, Purpose::Lazy(_)) => &LATER,
            _ => unreachable!("a task that has not failed has made code"),
        }
    }
}

impl fmt::Debug for Compilation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compilation")
            .field("purpose", &self.purpose)
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}

impl What {
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

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "(module (func (export \"a\") (result i32) i32.const 1) (func $b (result i32) (call 0)))";

    #[test]
    fn a_panic_becomes_an_error_that_names_its_cause() {
        let bytes = wat::parse_str(TWO).unwrap();
        let mut compilation = Compilation::open(&bytes, Purpose::Compile(CompileOptions::default())).unwrap();
        let trampoline = compilation.tasks.iter_mut().find(|task| matches!(task.what, What::Trampoline(_))).unwrap();
        trampoline.what = What::Trampoline(TrampolineKey::Entry(7));
        compilation.run();
        let error = compilation.finish().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(
            error.message().starts_with("trampoline Entry(7): the code generator panicked: index out of bounds"),
            "{error}"
        );
    }

    #[test]
    fn an_unfinished_compilation_says_so_and_can_go_on() {
        let bytes = wat::parse_str(TWO).unwrap();
        let mut compilation = Compilation::open(&bytes, Purpose::Compile(CompileOptions::default())).unwrap();
        assert_eq!(compilation.progress(), Progress { done: 0, total: 3, threads: 1 });
        compilation.cancel();
        compilation.run();
        let error = compilation.finish().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Argument);
        assert!(error.message().contains("has done 0 of 3"), "{error}");
        *compilation.cancelled.get_mut() = false;
        compilation.run();
        assert_eq!(compilation.progress().done, 3);
        assert_eq!(compilation.finish().unwrap().unwrap().artifact.tables.functions(), 2);
    }

    #[test]
    fn validation_makes_no_code_and_finds_the_first_error() {
        let good = wat::parse_str(TWO).unwrap();
        let compilation = Compilation::open(&good, Purpose::Validate).unwrap();
        compilation.run();
        assert_eq!(compilation.progress().total, 2);
        assert!(compilation.finish().unwrap().is_none());
        let bad = wat::parse_str("(module (func (result i32)) (func (result f32) i32.const 1))").unwrap();
        let compilation = Compilation::open(&bad, Purpose::Validate).unwrap();
        compilation.run();
        let error = compilation.finish().unwrap_err();
        assert!(error.message().contains("expected i32 but nothing on stack"), "{error}");
    }
}
