//! The engine as scripts see it: modules are compiled, linked by name, and their exports called
//! through the Rust run loop.

use gowasmer::abi::vmctx::{FuncRecord, HostFunction};
use gowasmer::error::{Error, ErrorKind};
use gowasmer::options::CompileOptions;
use gowasmer::trap::TrapCode;
use gowasmer::types::{ExternType, ValType};
use gowasmer::vm::{self, Extern, FuncHandle, InstanceOptions, Linker, Module, Stop, Store};
use std::convert::Infallible;
use std::fmt;

/// How something that a script asks for can fail.
#[derive(Debug)]
pub enum Failure {
    /// The module is refused before linking.
    Invalid(String),
    /// The module is refused because it uses a proposal that is not supported: this one.
    Refused(String),
    /// An import is missing or of another type.
    Link(String),
    /// The guest, or its instantiation, trapped.
    Trap(TrapCode),
    /// Anything else: always a failure of the test.
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(message) => write!(f, "validation error {message:?}"),
            Self::Refused(proposal) => write!(f, "the proposal {proposal} is not supported"),
            Self::Link(message) => write!(f, "link error {message:?}"),
            Self::Trap(code) => write!(f, "trap {:?}", code.message()),
            Self::Other(message) => write!(f, "error {message:?}"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.message().to_owned();
        let proposal = message.strip_prefix("the proposal ").and_then(|rest| rest.split_once(" is not supported: "));
        match (error.trap(), error.kind()) {
            (Some(code), _) => Self::Trap(code),
            (None, ErrorKind::Validation) if let Some((proposal, _)) = proposal => Self::Refused(proposal.to_owned()),
            (None, ErrorKind::Validation) => Self::Invalid(message),
            (None, ErrorKind::Link) => Self::Link(message),
            (None, _) => Self::Other(error.to_string()),
        }
    }
}

/// How modules are compiled.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// What is chosen.
    pub options: CompileOptions,
    /// Whether functions are compiled when they are called.
    pub lazy: bool,
}

/// Compiles a module.
pub fn compile(bytes: &[u8], way: Way) -> Result<Module, Failure> {
    Ok(if way.lazy { Module::compile_lazy(bytes, way.options)? } else { Module::compile(bytes, way.options)? })
}

/// Compiles the module of that text and links it to functions that do nothing, one for each of its
/// imports.
pub fn with_host_functions(text: &str, way: Way) -> Result<Instance, Failure> {
    let bytes = wat::parse_str(text).map_err(|error| Failure::Other(error.to_string()))?;
    let module = compile(&bytes, way)?;
    let mut linker = Linker::new();
    for import in &module.info().imports {
        let ExternType::Func(ty) = &import.ty else {
            return Err(Failure::Other(format!("import of a {}, expected a function", import.ty)));
        };
        let function = FuncHandle::host(ty.clone(), 0, 0, std::ptr::null());
        linker.define(&import.namespace, &import.name, Extern::Func(function));
    }
    Instance::link(&module, &linker)
}

/// An instance whose start function has run.
pub struct Instance(vm::Instance);

impl Instance {
    /// Compiles, links and starts a module.
    pub fn new(bytes: &[u8], way: Way, linker: &Linker) -> Result<Self, Failure> {
        Self::link(&compile(bytes, way)?, linker)
    }

    fn link(module: &Module, linker: &Linker) -> Result<Self, Failure> {
        let instance = Self(linker.instantiate(&Store::new(), module, InstanceOptions::default())?);
        if let Some(start) = instance.0.start() {
            // SAFETY: the start function is the instance's own, and has neither parameters nor
            // results.
            unsafe { instance.run(&start, &mut []) }?;
        }
        Ok(instance)
    }

    /// Offers all exports under a namespace.
    pub fn register(&self, namespace: &str, linker: &mut Linker) {
        linker.define_instance(namespace, &self.0);
    }

    /// Calls an exported function; returns the types and slots of its results.
    pub fn call(&self, name: &str, arguments: &[u64]) -> Result<(Vec<ValType>, Vec<u64>), Failure> {
        let Some(Extern::Func(function)) = self.0.export(name) else {
            return Err(Failure::Other(format!("no exported function {name:?}")));
        };
        let ty = function.ty();
        if arguments.len() != ty.param_slots() {
            return Err(Failure::Other(format!("{} slots of arguments for a function {ty}", arguments.len())));
        }
        let mut slots = arguments.to_vec();
        slots.resize(ty.slots(), 0);
        // SAFETY: `function` pins its store, and the slots are those of its type; scripts are
        // trusted to give kinds that fit.
        unsafe { self.run(function.record(), &mut slots) }?;
        slots.truncate(ty.result_slots());
        Ok((ty.results.clone(), slots))
    }

    /// Runs a function of this instance, or one that it exports again. Host functions do nothing.
    ///
    /// # Safety
    /// As for [`vm::run`].
    unsafe fn run(&self, record: &FuncRecord, slots: &mut [u64]) -> Result<(), Failure> {
        let mut host = |_: &HostFunction, _: &mut [u64]| Ok::<(), Infallible>(());
        // SAFETY: by the caller's promise; instances that are linked share a store.
        let ended = unsafe { vm::run(record, self.0.store_pointer(), slots, &mut host) };
        ended.map_err(|stop| match stop {
            Stop::Trap { code, .. } => Failure::Trap(code),
            Stop::Engine(error) => Failure::Other(error.to_string()),
            Stop::Host(never) => match never {},
        })
    }

    /// Type and slots of an exported global.
    pub fn global(&self, name: &str) -> Result<(ValType, Vec<u64>), Failure> {
        match self.0.export(name) {
            Some(Extern::Global(global)) => {
                let (ty, value) = (global.ty().value, global.get128());
                Ok((ty, [value as u64, (value >> 64) as u64][..ty.slots()].to_vec()))
            }
            _ => Err(Failure::Other(format!("no exported global {name:?}"))),
        }
    }
}
