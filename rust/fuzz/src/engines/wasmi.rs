//! wasmi, an interpreter: the oracle that shares nothing with this engine but the parser's origin.

use crate::rng::{self, mix};
use crate::subject::{Call, MAX_ELEMENTS, MAX_PAGES, Subject, max_pages};
use crate::transcript::{Engine, HostCalls, Session, State};
use crate::value::{Failure, Trap, Value};
use gowasmer::types::ValType;
use gowasmer::wasm::features::FEATURES;
use wasmi::errors::{ErrorKind, InstantiationError};
use wasmi::{
    AsContext, AsContextMut, Config, Error, Extern, ExternRef, ExternType, Func, Global, Instance, Memory, MemoryType,
    Module, Nullable, Ref, Store, StoreLimits, StoreLimitsBuilder, Table, TableType, TrapCode, Val,
};
use wasmparser::WasmFeatures;

/// Instructions that a call may take, about.
const FUEL: u64 = 400_000;

/// The interpreter with this engine's features.
#[derive(Debug)]
pub struct Wasmi(wasmi::Engine);

impl Wasmi {
    /// An engine with the features of this project's one.
    #[must_use]
    pub fn new() -> Self {
        let has = |feature| FEATURES.contains(feature);
        let mut config = Config::default();
        config
            .consume_fuel(true)
            .set_max_stack_height(8 << 20)
            .set_max_recursion_depth(2000)
            .wasm_simd(has(WasmFeatures::SIMD))
            .wasm_relaxed_simd(has(WasmFeatures::RELAXED_SIMD))
            .wasm_tail_call(has(WasmFeatures::TAIL_CALL))
            .wasm_extended_const(has(WasmFeatures::EXTENDED_CONST))
            .wasm_multi_memory(has(WasmFeatures::MULTI_MEMORY))
            .wasm_memory64(has(WasmFeatures::MEMORY64))
            .wasm_custom_page_sizes(has(WasmFeatures::CUSTOM_PAGE_SIZES))
            .wasm_wide_arithmetic(has(WasmFeatures::WIDE_ARITHMETIC));
        Self(wasmi::Engine::new(&config))
    }

    /// Whether it takes the module for valid; otherwise why not.
    ///
    /// # Errors
    /// Its words.
    pub fn validate(&self, bytes: &[u8]) -> Result<(), String> {
        Module::validate(&self.0, bytes).map_err(|error| error.to_string())
    }
}

impl Default for Wasmi {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine for Wasmi {
    fn name(&self) -> &'static str {
        "wasmi"
    }

    fn open<'a>(&'a self, subject: &'a Subject) -> Result<Box<dyn Session + 'a>, Failure> {
        let module = Module::new(&self.0, &subject.bytes).map_err(|error| match error.kind() {
            ErrorKind::Translation(_) | ErrorKind::ImplementationLimits(_) | ErrorKind::UserLimits(_) => {
                Failure::Resource(error.to_string())
            }
            _ => Failure::Refused(error.to_string()),
        })?;
        Ok(Box::new(Opened { subject, module, store: store(&self.0), instance: None }))
    }
}

struct Host {
    limits: StoreLimits,
    calls: HostCalls,
}

fn store(engine: &wasmi::Engine) -> Store<Host> {
    let limits =
        StoreLimitsBuilder::new().memory_size((MAX_PAGES << 16) as usize).table_elements(MAX_ELEMENTS as usize).build();
    let mut store = Store::new(engine, Host { limits, calls: HostCalls::default() });
    store.limiter(|host| &mut host.limits);
    store
}

struct Opened<'a> {
    subject: &'a Subject,
    module: Module,
    store: Store<Host>,
    instance: Option<Instance>,
}

impl Session for Opened<'_> {
    fn instantiate(&mut self) -> Result<(), Failure> {
        self.store = store(self.module.engine());
        let imports = self.imports()?;
        self.store.set_fuel(FUEL).expect("fuel is on");
        let instance = Instance::new(&mut self.store, &self.module, &imports).map_err(|error| failure(&error))?;
        self.instance = Some(instance);
        Ok(())
    }

    fn call(&mut self, call: &Call) -> Result<Vec<Value>, Failure> {
        let instance = self.instance.expect("calls are made on an instance");
        let Some(function) = instance.get_func(&self.store, &call.name) else {
            return Err(Failure::Other(format!("export {:?} is no function", call.name)));
        };
        let mut arguments = Vec::new();
        for argument in &call.arguments {
            arguments.push(match argument {
                Value::Func(true) => {
                    let function = first_function(self.subject, instance, &self.store);
                    Val::FuncRef(Nullable::Val(function.expect("a function was called, so one is exported")))
                }
                other => to_val(*other, &mut self.store),
            });
        }
        let mut results = vec![Val::I32(0); call.ty.results.len()];
        self.store.set_fuel(FUEL).expect("fuel is on");
        function.call(&mut self.store, &arguments, &mut results).map_err(|error| failure(&error))?;
        Ok(results.iter().map(|value| of_val(value, &self.store)).collect())
    }

    fn state(&mut self) -> Vec<State> {
        let instance = self.instance.expect("only instances have a state");
        let store = &self.store;
        let exports = self.subject.info.exports.iter();
        let state = |export: &gowasmer::wasm::Export| match instance.get_export(store, &export.name) {
            None => Some(State::Global(Value::V128(u128::MAX))),
            Some(Extern::Func(_)) => None,
            Some(Extern::Global(global)) => Some(State::Global(of_val(&global.get(store), store))),
            Some(Extern::Memory(memory)) => {
                let bytes = memory.data(store);
                Some(State::Memory { bytes: bytes.len() as u64, hash: rng::hash(bytes) })
            }
            Some(Extern::Table(table)) => {
                let size = table.size(store);
                let element = |index| match table.get(store, index).expect("a table is as large as it says") {
                    Ref::Func(function) => u64::from(!function.is_null()),
                    Ref::Extern(object) => number(object, store),
                };
                Some(State::Table { size, hash: (0..size).map(element).fold(0, mix) })
            }
        };
        exports.filter_map(state).collect()
    }

    fn host_calls(&mut self) -> HostCalls {
        std::mem::take(&mut self.store.data_mut().calls)
    }
}

/// The function that is the first one exported, in the order of the exports.
fn first_function(subject: &Subject, instance: Instance, store: &Store<Host>) -> Option<Func> {
    subject.info.exports.iter().find_map(|export| instance.get_func(store, &export.name))
}

impl Opened<'_> {
    fn imports(&mut self) -> Result<Vec<Extern>, Failure> {
        let types: Vec<ExternType> = self.module.imports().map(|import| import.ty().clone()).collect();
        let store = &mut self.store;
        let answers = self.subject.answers();
        let mut imports = Vec::new();
        let (mut functions, mut globals) = (0.., 0..);
        // wasmi does not tell this part of the type.
        let mut page_sizes = self.subject.info.memories.iter().map(|ty| ty.page_size_log2);
        for ty in types {
            imports.push(match ty {
                ExternType::Func(ty) => {
                    let number = functions.next().expect("numbers do not end");
                    let results = ty.results().iter().map(|ty| of_type(*ty)).collect::<Vec<_>>();
                    let function = Func::new(&mut *store, ty, move |mut caller, params, out| {
                        let arguments: Vec<Value> = params.iter().map(|value| of_val(value, &caller)).collect();
                        caller.data_mut().calls.note(number, &arguments);
                        for (out, value) in out.iter_mut().zip(answers.answer(number, &arguments, &results)) {
                            *out = to_val(value, &mut caller);
                        }
                        Ok(())
                    });
                    Extern::Func(function)
                }
                ExternType::Memory(ty) => {
                    let page_size = page_sizes.next().expect("as many memories are imported");
                    let most = max_pages(page_size);
                    let max = ty.maximum().map_or(most, |max| max.min(most));
                    if ty.minimum() > max {
                        return Err(Failure::Resource("memory".into()));
                    }
                    let mut builder = MemoryType::builder();
                    builder.page_size_log2(page_size);
                    builder.memory64(ty.is_64()).min(ty.minimum()).max(Some(max));
                    let ty = builder.build();
                    let ty = ty.map_err(|error| Failure::Other(error.to_string()))?;
                    Extern::Memory(Memory::new(&mut *store, ty).map_err(|error| failure(&error))?)
                }
                ExternType::Table(ty) => {
                    let max = ty.maximum().map_or(MAX_ELEMENTS, |max| max.min(MAX_ELEMENTS));
                    if ty.minimum() > max {
                        return Err(Failure::Resource("table".into()));
                    }
                    let element = ty.element();
                    let ty = if ty.is_64() {
                        TableType::new64(element, ty.minimum(), Some(max))
                    } else {
                        TableType::new(element, ty.minimum() as u32, Some(max as u32))
                    };
                    let table = Table::new(&mut *store, ty, Ref::default_for_ty(element));
                    Extern::Table(table.map_err(|error| failure(&error))?)
                }
                ExternType::Global(ty) => {
                    let number = globals.next().expect("numbers do not end");
                    let value = self.subject.global(number, of_type(ty.content()));
                    let value = to_val(value, &mut *store);
                    Extern::Global(Global::new(&mut *store, value, ty.mutability()))
                }
            });
        }
        Ok(imports)
    }
}

fn of_type(ty: wasmi::ValType) -> ValType {
    match ty {
        wasmi::ValType::I32 => ValType::I32,
        wasmi::ValType::I64 => ValType::I64,
        wasmi::ValType::F32 => ValType::F32,
        wasmi::ValType::F64 => ValType::F64,
        wasmi::ValType::V128 => ValType::V128,
        wasmi::ValType::FuncRef => ValType::FuncRef,
        wasmi::ValType::ExternRef => ValType::ExternRef,
    }
}

fn to_val(value: Value, store: impl AsContextMut) -> Val {
    match value {
        Value::I32(bits) => Val::I32(bits.cast_signed()),
        Value::I64(bits) => Val::I64(bits.cast_signed()),
        Value::F32(bits) => Val::F32(wasmi::F32::from_bits(bits)),
        Value::F64(bits) => Val::F64(wasmi::F64::from_bits(bits)),
        Value::V128(bits) => Val::V128(wasmi::V128::from(bits)),
        Value::Func(_) => Val::FuncRef(Nullable::Null),
        Value::Extern(0) => Val::ExternRef(Nullable::Null),
        Value::Extern(number) => Val::ExternRef(Nullable::Val(ExternRef::new(store, number))),
        Value::Exn(_) => unreachable!("this engine refuses modules that mention exceptions"),
    }
}

fn of_val(value: &Val, store: impl AsContext) -> Value {
    match value {
        Val::I32(value) => Value::I32(value.cast_unsigned()),
        Val::I64(value) => Value::I64(value.cast_unsigned()),
        Val::F32(value) => Value::F32(value.to_bits()),
        Val::F64(value) => Value::F64(value.to_bits()),
        Val::V128(value) => Value::V128(value.as_u128()),
        Val::FuncRef(function) => Value::Func(!function.is_null()),
        Val::ExternRef(object) => Value::Extern(number(*object, store)),
    }
}

fn number(object: Nullable<ExternRef>, store: impl AsContext) -> u64 {
    match object {
        Nullable::Null => 0,
        Nullable::Val(object) => *object.data(store.as_context()).downcast_ref().expect("the host passes numbers"),
    }
}

fn failure(error: &Error) -> Failure {
    let Some(code) = error.as_trap_code() else {
        return match error.kind() {
            ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => Failure::Trap(Trap::Table),
            ErrorKind::Memory(_) | ErrorKind::Table(_) | ErrorKind::ImplementationLimits(_) => {
                Failure::Resource(error.to_string())
            }
            _ => Failure::Other(error.to_string()),
        };
    };
    Failure::Trap(match code {
        TrapCode::UnreachableCodeReached => Trap::Unreachable,
        TrapCode::MemoryOutOfBounds => Trap::Memory,
        TrapCode::TableOutOfBounds => Trap::Table,
        TrapCode::IndirectCallToNull => Trap::Null,
        TrapCode::BadSignature => Trap::Signature,
        TrapCode::IntegerOverflow => Trap::Overflow,
        TrapCode::IntegerDivisionByZero => Trap::Division,
        TrapCode::BadConversionToInteger => Trap::Conversion,
        TrapCode::StackOverflow => return Failure::Stack,
        TrapCode::OutOfFuel => return Failure::Fuel,
        other => return Failure::Resource(format!("{other:?}")),
    })
}
