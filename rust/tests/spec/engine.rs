//! The engine as scripts see it: modules are compiled, linked by name, and their exports called through the Rust run loop.

use gowasmer::artifact::CompileOptions;
use gowasmer::error::{Error, ErrorKind};
use gowasmer::fiber::{self, Stop};
use gowasmer::trap::TrapCode;
use gowasmer::types::{ExternType, ValType};
use gowasmer::vm::layout::{FuncRecord, HostFunction};
use gowasmer::vm::{self, Extern, FuncHandle, InstanceOptions, Module, Store, link};
use gowasmer::wasm::Import;
use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::rc::Rc;

/// How something that a script asks for can fail.
#[derive(Debug)]
pub enum Failure {
    /// The module is refused before linking.
    Invalid(String),
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
            Self::Link(message) => write!(f, "link error {message:?}"),
            Self::Trap(code) => write!(f, "trap {:?}", code.message()),
            Self::Other(message) => write!(f, "error {message:?}"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.message().to_owned();
        match (error.trap(), error.kind()) {
            (Some(code), _) => Self::Trap(code),
            (None, ErrorKind::Validation) => Self::Invalid(message),
            (None, ErrorKind::Link) => Self::Link(message),
            (None, _) => Self::Other(error.to_string()),
        }
    }
}

/// Compiles a module.
pub fn compile(bytes: &[u8], options: CompileOptions) -> Result<Module, Failure> {
    Ok(Module::compile(bytes, options)?)
}

/// What modules can import, by namespace.
#[derive(Default)]
pub struct Linker {
    instances: HashMap<String, Rc<Instance>>,
    /// Whether the namespace "host" offers functions of every name and type that do nothing.
    host_functions: bool,
}

impl Linker {
    /// A linker that offers host functions and nothing else.
    pub fn with_host_functions() -> Self {
        Self { host_functions: true, ..Self::default() }
    }

    /// Offers all exports of an instance under a namespace.
    pub fn register(&mut self, namespace: &str, instance: Rc<Instance>) {
        self.instances.insert(namespace.to_owned(), instance);
    }

    fn resolve(&self, import: &Import) -> Result<Extern, Error> {
        if let (true, "host", ExternType::Func(ty)) = (self.host_functions, import.namespace.as_str(), &import.ty) {
            return Ok(Extern::Func(FuncHandle::host(ty.clone(), 0, 0, std::ptr::null())));
        }
        let instance = self.instances.get(&import.namespace);
        instance.and_then(|instance| instance.export(&import.name)).ok_or_else(|| link::missing(import))
    }
}

/// An instance whose start function has run.
pub struct Instance(vm::Instance);

impl Instance {
    /// Compiles, links and starts a module.
    pub fn new(bytes: &[u8], options: CompileOptions, linker: &Linker) -> Result<Self, Failure> {
        let module = compile(bytes, options)?;
        let imports = &module.info().imports;
        let externs = imports.iter().map(|import| linker.resolve(import)).collect::<Result<Vec<Extern>, Error>>()?;
        let store = externs.iter().find_map(|given| given.store().cloned()).unwrap_or_else(Store::new);
        let instance = Self(vm::Instance::new(&store, &module, &externs, InstanceOptions::default())?);
        if let Some(start) = instance.0.start() {
            // SAFETY: the start function is the instance's own, and has neither parameters nor results.
            unsafe { instance.run(&start, &mut []) }?;
        }
        Ok(instance)
    }

    fn export(&self, name: &str) -> Option<Extern> {
        let index = self.0.module().info().exports.iter().position(|export| export.name == name)?;
        self.0.export_at(index)
    }

    /// Calls an exported function; gives the types and slots of its results.
    pub fn call(&self, name: &str, arguments: &[u64]) -> Result<(Vec<ValType>, Vec<u64>), Failure> {
        let Some(Extern::Func(function)) = self.export(name) else {
            return Err(Failure::Other(format!("no exported function {name:?}")));
        };
        let ty = function.ty();
        if arguments.len() != ty.params.len() {
            return Err(Failure::Other(format!("{} arguments for a function {ty}", arguments.len())));
        }
        let mut slots = arguments.to_vec();
        slots.resize(ty.slots(), 0);
        // SAFETY: `function` pins its store, and the slots are those of its type; scripts are trusted to give kinds that fit.
        unsafe { self.run(function.record(), &mut slots) }?;
        slots.truncate(ty.results.len());
        Ok((ty.results.clone(), slots))
    }

    /// Runs a function of this instance, or one that it exports again. Host functions do nothing.
    ///
    /// # Safety
    /// As for [`fiber::run`].
    unsafe fn run(&self, record: &FuncRecord, slots: &mut [u64]) -> Result<(), Failure> {
        let mut host = |_: &HostFunction, _: &mut [u64]| Ok::<(), Infallible>(());
        // SAFETY: by the caller's promise; instances that are linked share a store.
        let ended = unsafe { fiber::run(record, self.0.store_pointer(), slots, &mut host) };
        ended.map_err(|stop| match stop {
            Stop::Trap { code, .. } => Failure::Trap(code),
            Stop::Engine(error) => Failure::Other(error.to_string()),
            Stop::Host(never) => match never {},
        })
    }

    /// Type and slot of an exported global.
    pub fn global(&self, name: &str) -> Result<(ValType, u64), Failure> {
        match self.export(name) {
            Some(Extern::Global(global)) => Ok((global.ty().value, global.get())),
            _ => Err(Failure::Other(format!("no exported global {name:?}"))),
        }
    }
}
