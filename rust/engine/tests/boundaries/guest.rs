//! A module that runs: compiled from text, its exports called by their names.

use gowasmer::code::Symbol;
use gowasmer::options::{BoundsMode, CompileOptions};
use gowasmer::trap::TrapCode;
use gowasmer::vm::{self, Extern, Instance, InstanceOptions, MemoryHandle, Module, Stop, Store};
use std::convert::Infallible;

pub const MODES: [BoundsMode; 2] = [BoundsMode::Guarded, BoundsMode::Explicit];

pub struct Guest(Instance);

impl Guest {
    pub fn new(text: &str, bounds: BoundsMode) -> Self {
        let options = CompileOptions { bounds, ..CompileOptions::default() };
        let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
        let module = Module::compile(&bytes, options).unwrap_or_else(|error| panic!("{error}\n{text}"));
        Self(Instance::new(&Store::new(), &module, &[], InstanceOptions::default()).unwrap())
    }

    /// Calls a function of at most one result; without one it returns 0.
    pub fn call(&self, name: &str, arguments: &[u64]) -> Result<u64, TrapCode> {
        self.run(name, arguments).map_err(|(code, _)| code)
    }

    /// The same, and where it traps the frames, the innermost first.
    pub fn run(&self, name: &str, arguments: &[u64]) -> Result<u64, (TrapCode, Vec<Symbol>)> {
        let Some(Extern::Func(function)) = self.0.export(name) else { panic!("no exported function {name:?}") };
        let mut slots = arguments.to_vec();
        slots.resize(function.ty().slots(), 0);
        let mut host = |_: &_, _: &mut [u64]| Ok::<(), Infallible>(());
        // SAFETY: the handle pins the function's store, and the tests give slots of its type.
        match unsafe { vm::run(function.record(), self.0.store_pointer(), &mut slots, &mut host) } {
            Ok(()) => Ok(slots.first().copied().filter(|_| !function.ty().results.is_empty()).unwrap_or(0)),
            Err(Stop::Trap { code, backtrace }) => Err((code, backtrace.frames)),
            Err(other) => panic!("{name}: {other:?}"),
        }
    }

    pub fn memory(&self) -> MemoryHandle {
        self.0.memory(0).expect("the module has a memory")
    }
}
