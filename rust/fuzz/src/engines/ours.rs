//! This project's engine, through its Rust API.

#![allow(unsafe_code)] // calls guests with slots that are made from their types

use crate::rng::mix;
use crate::subject::{Call, MAX_ELEMENTS, MAX_PAGES, Subject, max_pages};
use crate::transcript::{Engine, HostCalls, Session, State};
use crate::value::{Failure, Trap, Value};
use gowasmer::abi::vmctx::{FuncRecord, HostFunction};
use gowasmer::error::{Error, ErrorKind};
use gowasmer::options::{BoundsMode, CompileOptions, OptLevel};
use gowasmer::trap::TrapCode;
use gowasmer::types::{ExternType, ValType};
use gowasmer::vm::{self, Extern, FuncHandle, Instance, InstanceOptions, Module, Stop, Store};
use std::convert::Infallible;

/// How modules are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Memory accesses are kept inside by guard pages.
    Guarded,
    /// With guard pages, by code that is not optimised.
    NotOptimized,
    /// By explicit checks.
    Explicit,
    /// As `Guarded`, but the module is written out and read again before it is used.
    Serialized,
}

impl Variant {
    /// The variants that a case is run in, decided by its seed.
    pub fn of_seed(seed: u64) -> impl Iterator<Item = Self> {
        let serialized = (seed >> 8).is_multiple_of(8);
        let explicit = (seed >> 12).is_multiple_of(2);
        let first = if serialized { Self::Serialized } else { Self::Guarded };
        let quick = (seed >> 13).is_multiple_of(2);
        [Some(first), explicit.then_some(Self::Explicit), quick.then_some(Self::NotOptimized)].into_iter().flatten()
    }
}

/// This project's engine.
#[derive(Clone, Copy, Debug)]
pub struct Ours(pub Variant);

impl Engine for Ours {
    fn name(&self) -> &'static str {
        match self.0 {
            Variant::Guarded => "gowasmer (guarded)",
            Variant::Explicit => "gowasmer (explicit)",
            Variant::NotOptimized => "gowasmer (not optimised)",
            Variant::Serialized => "gowasmer (serialised)",
        }
    }

    fn open<'a>(&'a self, subject: &'a Subject) -> Result<Box<dyn Session + 'a>, Failure> {
        let bounds = if self.0 == Variant::Explicit { BoundsMode::Explicit } else { BoundsMode::Guarded };
        let opt_level = if self.0 == Variant::NotOptimized { OptLevel::None } else { OptLevel::Speed };
        let options = CompileOptions { bounds, canonicalize_nans: subject.canonical, opt_level };
        let mut module = Module::compile(&subject.bytes, options).map_err(|error| failure(&error))?;
        if self.0 == Variant::Serialized {
            module =
                module.serialize().and_then(|bytes| Module::deserialize(&bytes)).map_err(|error| failure(&error))?;
        }
        Ok(Box::new(Opened { subject, module, instance: None, host_calls: HostCalls::default() }))
    }
}

struct Opened<'a> {
    subject: &'a Subject,
    module: Module,
    instance: Option<Instance>,
    host_calls: HostCalls,
}

impl Session for Opened<'_> {
    fn instantiate(&mut self) -> Result<(), Failure> {
        self.instance = None;
        let store = Store::new();
        let imports = self.imports(&store)?;
        let options =
            InstanceOptions { id: 0, max_memory_pages: Some(MAX_PAGES), max_table_elements: Some(MAX_ELEMENTS) };
        let instance = Instance::new(&store, &self.module, &imports, options).map_err(|error| failure(&error))?;
        if let Some(start) = instance.start() {
            // SAFETY: the start function is the instance's own, and has neither parameters nor
            // results.
            unsafe { self.run(&start, instance.store_pointer(), &mut []) }?;
        }
        self.instance = Some(instance);
        Ok(())
    }

    fn call(&mut self, call: &Call) -> Result<Vec<Value>, Failure> {
        let instance = self.instance.clone().expect("calls are made on an instance");
        let Some(Extern::Func(function)) = instance.export_at(call.export) else {
            return Err(Failure::Other(format!("export {:?} is no function", call.name)));
        };
        if *function.ty() != call.ty {
            return Err(Failure::Other(format!("export {:?} has the type {}", call.name, function.ty())));
        }
        let mut slots = Vec::new();
        for argument in &call.arguments {
            push(&mut slots, *argument, &instance);
        }
        let results: usize = call.ty.results.iter().map(|ty| slots_of(*ty)).sum();
        slots.resize(slots.len().max(results), 0);
        // SAFETY: `instance` keeps the record and store alive; the slots are those of the
        // function's type.
        unsafe { self.run(function.record(), instance.store_pointer(), &mut slots) }?;
        Ok(take(&call.ty.results, &slots))
    }

    fn state(&mut self) -> Vec<State> {
        let instance = self.instance.as_ref().expect("only instances have a state");
        let state = |(_, export): (String, Extern)| match export {
            Extern::Func(_) | Extern::Tag(_) => None,
            Extern::Global(global) => Some(State::Global(global_value(&global))),
            Extern::Memory(memory) => {
                // `show` would keep its range from being used again soon.
                let length = memory.ty().limits.min << memory.ty().page_size_log2;
                let mut bytes = vec![0; length as usize];
                assert!(memory.read(0, &mut bytes), "a memory is as long as it says");
                Some(State::Memory { bytes: length, hash: crate::rng::hash(&bytes) })
            }
            Extern::Table(table) => {
                let is_extern = table.ty().element == ValType::ExternRef;
                let element = |index| {
                    let slot = table.get(index).expect("a table is as large as it says");
                    if is_extern { slot } else { u64::from(slot != 0) }
                };
                Some(State::Table { size: table.size(), hash: (0..table.size()).map(element).fold(0, mix) })
            }
        };
        instance.exports().into_iter().filter_map(state).collect()
    }

    fn host_calls(&mut self) -> HostCalls {
        std::mem::take(&mut self.host_calls)
    }
}

impl Opened<'_> {
    fn imports(&self, store: &Store) -> Result<Vec<Extern>, Failure> {
        let (mut functions, mut globals) = (0.., 0..);
        let import = |import: &gowasmer::wasm::Import| {
            Ok(match &import.ty {
                ExternType::Func(ty) => {
                    let number = functions.next().expect("numbers do not end");
                    Extern::Func(FuncHandle::host(ty.clone(), 0, number, std::ptr::null()))
                }
                ExternType::Memory(ty) => {
                    let mut ty = *ty;
                    let most = max_pages(ty.page_size_log2);
                    ty.limits.max = Some(ty.limits.max.map_or(most, |max| max.min(most)));
                    if ty.limits.min > most {
                        return Err(Failure::Resource("memory".into()));
                    }
                    Extern::Memory(store.memory_with(ty, self.module.options().bounds).map_err(|e| failure(&e))?)
                }
                ExternType::Table(ty) => {
                    let mut ty = *ty;
                    ty.limits.max = Some(ty.limits.max.map_or(MAX_ELEMENTS, |max| max.min(MAX_ELEMENTS)));
                    if ty.limits.min > MAX_ELEMENTS {
                        return Err(Failure::Resource("table".into()));
                    }
                    Extern::Table(store.table(ty).map_err(|error| failure(&error))?)
                }
                ExternType::Global(ty) => {
                    let number = globals.next().expect("numbers do not end");
                    let value = self.subject.global(number, ty.value);
                    let global = match value {
                        Value::V128(bits) => store.global128(*ty, bits),
                        value => store.global(*ty, value.bits() as u64),
                    };
                    Extern::Global(global.map_err(|error| failure(&error))?)
                }
                ExternType::Tag(ty) => Extern::Tag(store.tag(ty).map_err(|error| failure(&error))?),
            })
        };
        self.module.info().imports.iter().map(import).collect()
    }

    /// Runs a function to its end.
    ///
    /// # Safety
    /// As for [`vm::run`].
    unsafe fn run(&mut self, record: &FuncRecord, store: *const (), slots: &mut [u64]) -> Result<(), Failure> {
        let (subject, info, host_calls) = (self.subject, self.module.info(), &mut self.host_calls);
        let mut host = |function: &HostFunction, slots: &mut [u64]| {
            let import = function.function_index as usize;
            let ty = info.function_type(import as u32);
            let arguments = take(&ty.params, slots);
            host_calls.note(import, &arguments);
            let mut results = Vec::new();
            for value in subject.answers().answer(import, &arguments, &ty.results) {
                push_plain(&mut results, value);
            }
            slots[..results.len()].copy_from_slice(&results);
            Ok::<(), Infallible>(())
        };
        // SAFETY: by the caller's promise.
        let ended = unsafe { vm::run(record, store, slots, &mut host) };
        ended.map_err(|stop| match stop {
            Stop::Trap { code, .. } => of_trap(code),
            Stop::Engine(error) => failure(&error),
            Stop::Host(never) => match never {},
        })
    }
}

const fn slots_of(ty: ValType) -> usize {
    if matches!(ty, ValType::V128) { 2 } else { 1 }
}

fn push(slots: &mut Vec<u64>, value: Value, instance: &Instance) {
    if value == Value::Func(true) {
        let function = instance.exports().into_iter().find_map(|(_, export)| match export {
            Extern::Func(function) => Some(function.slot()),
            _ => None,
        });
        slots.push(function.expect("a function was called, so one is exported"));
    } else {
        push_plain(slots, value);
    }
}

fn push_plain(slots: &mut Vec<u64>, value: Value) {
    slots.push(value.bits() as u64);
    if let Value::V128(bits) = value {
        slots.push((bits >> 64) as u64);
    }
}

fn take(types: &[ValType], slots: &[u64]) -> Vec<Value> {
    let mut slots = slots.iter();
    let mut next = || *slots.next().expect("as many slots as the types need");
    let value = |ty: &ValType| match ty {
        ValType::V128 => Value::V128(u128::from(next()) | u128::from(next()) << 64),
        ty => of_slot(*ty, next()),
    };
    types.iter().map(value).collect()
}

/// Slots of 32-bit values must be zero-extended: what is not stays visible.
fn of_slot(ty: ValType, slot: u64) -> Value {
    match ty {
        ValType::I32 | ValType::F32 if slot >> 32 != 0 => Value::V128(u128::MAX),
        ValType::FuncRef => Value::Func(slot != 0),
        ValType::ExternRef => Value::Extern(slot),
        ValType::ExnRef => Value::Exn(slot != 0),
        ty => Value::from_bits(ty, slot.into()),
    }
}

fn global_value(global: &vm::GlobalHandle) -> Value {
    match global.ty().value {
        ValType::V128 => Value::V128(global.get128()),
        ty => of_slot(ty, global.get()),
    }
}

fn of_trap(code: TrapCode) -> Failure {
    Failure::Trap(match code {
        TrapCode::Unreachable => Trap::Unreachable,
        TrapCode::MemoryOutOfBounds => Trap::Memory,
        TrapCode::TableOutOfBounds | TrapCode::UndefinedElement => Trap::Table,
        TrapCode::IndirectCallToNull => Trap::Null,
        TrapCode::BadSignature => Trap::Signature,
        TrapCode::IntegerOverflow => Trap::Overflow,
        TrapCode::IntegerDivideByZero => Trap::Division,
        TrapCode::BadConversionToInteger => Trap::Conversion,
        TrapCode::StackOverflow => return Failure::Stack,
        TrapCode::NotCompiled => unreachable!("all functions are compiled at once"),
        TrapCode::UncaughtException | TrapCode::NullReference => unreachable!("no exceptions are generated"),
    })
}

fn failure(error: &Error) -> Failure {
    let message = error.message().to_owned();
    match (error.trap(), error.kind()) {
        (Some(code), _) => of_trap(code),
        (None, ErrorKind::Validation) => Failure::Refused(message),
        (None, ErrorKind::Resource) => Failure::Resource(message),
        (None, _) => Failure::Other(message),
    }
}
