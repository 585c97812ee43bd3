//! wasmtime: the same code generator, but its own translation; used with that generator's
//! optimisations off and its other register allocator, and with explicit checks, as only one engine
//! in a process can handle the signals of traps.

use crate::rng::{self, mix};
use crate::subject::{Call, MAX_ELEMENTS, MAX_PAGES, Subject, max_pages};
use crate::transcript::{Engine, HostCalls, Session, State};
use crate::value::{Failure, Trap, Value};
use gowasmer::types::ValType;
use gowasmer::wasm::features::FEATURES;
use wasmparser::WasmFeatures;
use wasmtime::{
    AsContext, AsContextMut, Collector, Config, Error, Extern, ExternRef, ExternType, Func, Global, Instance, Memory,
    MemoryTypeBuilder, Module, OptLevel, Ref, RegallocAlgorithm, Store, StoreLimits, StoreLimitsBuilder, Table,
    TableType, Val,
};

/// Instructions that a call may take, about, where they are counted.
const FUEL: u64 = 400_000;
/// Bytes of stack that a call may take: as large as a fiber of this project's engine, about.
const STACK: usize = 1 << 20;

/// Two engines: without and with canonical NaN.
pub struct Wasmtime {
    engines: [wasmtime::Engine; 2],
    /// Whether calls may take `FUEL` only.
    counting: bool,
}

impl Wasmtime {
    /// An engine with the features of this project's one.
    ///
    /// # Panics
    /// If the configuration is refused.
    #[must_use]
    pub fn new() -> Self {
        Self::with_counting(false)
    }

    /// The same, but calls end when they have taken too long.
    ///
    /// # Panics
    /// If the configuration is refused.
    #[must_use]
    pub fn counting() -> Self {
        Self::with_counting(true)
    }

    fn with_counting(counting: bool) -> Self {
        let engine = |canonical| {
            let mut config = config(canonical);
            wasmtime::Engine::new(config.consume_fuel(counting)).expect("a valid configuration")
        };
        Self { engines: [false, true].map(engine), counting }
    }

    /// Whether it takes the module for valid; otherwise why not.
    ///
    /// # Errors
    /// Its words.
    pub fn validate(&self, bytes: &[u8]) -> Result<(), String> {
        Module::validate(&self.engines[0], bytes).map_err(|error| format!("{error:#}"))
    }
}

impl Default for Wasmtime {
    fn default() -> Self {
        Self::new()
    }
}

fn config(canonical: bool) -> Config {
    let has = |feature| FEATURES.contains(feature);
    let mut config = Config::new();
    config
        .wasm_simd(has(WasmFeatures::SIMD))
        .wasm_relaxed_simd(has(WasmFeatures::RELAXED_SIMD))
        .wasm_tail_call(has(WasmFeatures::TAIL_CALL))
        .wasm_extended_const(has(WasmFeatures::EXTENDED_CONST))
        .wasm_multi_memory(has(WasmFeatures::MULTI_MEMORY))
        .wasm_memory64(has(WasmFeatures::MEMORY64))
        .wasm_custom_page_sizes(has(WasmFeatures::CUSTOM_PAGE_SIZES))
        .wasm_wide_arithmetic(has(WasmFeatures::WIDE_ARITHMETIC))
        .wasm_function_references(has(WasmFeatures::FUNCTION_REFERENCES))
        .wasm_gc(has(WasmFeatures::GC))
        .wasm_exceptions(has(WasmFeatures::EXCEPTIONS))
        .relaxed_simd_deterministic(true)
        .cranelift_nan_canonicalization(canonical)
        .cranelift_opt_level(OptLevel::None)
        .cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass)
        .signals_based_traps(false)
        .memory_reservation(0)
        .memory_guard_size(0)
        .memory_reservation_for_growth(1 << 18)
        .memory_init_cow(false)
        .generate_address_map(false)
        .collector(Collector::Null)
        .max_wasm_stack(STACK);
    config
}

impl Engine for Wasmtime {
    fn name(&self) -> &'static str {
        "wasmtime"
    }

    fn open<'a>(&'a self, subject: &'a Subject) -> Result<Box<dyn Session + 'a>, Failure> {
        let engine = &self.engines[usize::from(subject.canonical)];
        let module = Module::new(engine, &subject.bytes).map_err(|error| Failure::Refused(format!("{error:#}")))?;
        Ok(Box::new(Opened { subject, store: store(engine), module, instance: None, counting: self.counting }))
    }
}

struct Host {
    limits: StoreLimits,
    calls: HostCalls,
}

fn store(engine: &wasmtime::Engine) -> Store<Host> {
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
    counting: bool,
}

impl Session for Opened<'_> {
    fn instantiate(&mut self) -> Result<(), Failure> {
        self.store = store(self.module.engine());
        let imports = self.imports()?;
        self.refuel();
        let instance = Instance::new(&mut self.store, &self.module, &imports).map_err(|error| failure(&error))?;
        self.instance = Some(instance);
        Ok(())
    }

    fn call(&mut self, call: &Call) -> Result<Vec<Value>, Failure> {
        let instance = self.instance.expect("calls are made on an instance");
        let Some(function) = instance.get_func(&mut self.store, &call.name) else {
            return Err(Failure::Other(format!("export {:?} is no function", call.name)));
        };
        let mut arguments = Vec::new();
        for argument in &call.arguments {
            arguments.push(match argument {
                Value::Func(true) => {
                    let mut exports = self.subject.info.exports.iter();
                    let function = exports.find_map(|export| instance.get_func(&mut self.store, &export.name));
                    Val::FuncRef(Some(function.expect("a function was called, so one is exported")))
                }
                other => to_val(*other, &mut self.store)?,
            });
        }
        let mut results = vec![Val::I32(0); call.ty.results.len()];
        self.refuel();
        function.call(&mut self.store, &arguments, &mut results).map_err(|error| failure(&error))?;
        Ok(results.iter().map(|value| of_val(value, &self.store)).collect())
    }

    fn state(&mut self) -> Vec<State> {
        let instance = self.instance.expect("only instances have a state");
        let mut states = Vec::new();
        for export in &self.subject.info.exports {
            states.push(match instance.get_export(&mut self.store, &export.name) {
                Some(Extern::Global(global)) => {
                    let value = global.get(&mut self.store);
                    State::Global(of_val(&value, &self.store))
                }
                Some(Extern::Memory(memory)) => {
                    let bytes = memory.data(&self.store);
                    State::Memory { bytes: bytes.len() as u64, hash: rng::hash(bytes) }
                }
                Some(Extern::Table(table)) => {
                    let size = table.size(&self.store);
                    let mut hash = 0;
                    for index in 0..size {
                        hash = mix(
                            hash,
                            match table.get(&mut self.store, index) {
                                Some(Ref::Func(function)) => u64::from(function.is_some()),
                                Some(Ref::Extern(Some(object))) => number(&object, &self.store),
                                Some(Ref::Extern(None)) => 0,
                                other => panic!("element {index} of a table of {size}: {other:?}"),
                            },
                        );
                    }
                    State::Table { size, hash }
                }
                Some(_) => continue,
                None => State::Global(Value::V128(u128::MAX)),
            });
        }
        states
    }

    fn host_calls(&mut self) -> HostCalls {
        std::mem::take(&mut self.store.data_mut().calls)
    }
}

impl Opened<'_> {
    fn imports(&mut self) -> Result<Vec<Extern>, Failure> {
        let types: Vec<ExternType> = self.module.imports().map(|import| import.ty()).collect();
        let mut imports = Vec::new();
        let (mut functions, mut globals) = (0.., 0..);
        for ty in types {
            imports.push(match ty {
                ExternType::Func(ty) => Extern::Func(self.function(functions.next().expect("numbers do not end"), ty)),
                ExternType::Memory(ty) => {
                    let most = max_pages(ty.page_size_log2());
                    let max = ty.maximum().map_or(most, |max| max.min(most));
                    if ty.minimum() > max {
                        return Err(Failure::Resource("memory".into()));
                    }
                    let ty = MemoryTypeBuilder::new()
                        .page_size_log2(ty.page_size_log2())
                        .memory64(ty.is_64())
                        .min(ty.minimum())
                        .max(Some(max))
                        .build();
                    let ty = ty.map_err(|error| Failure::Other(format!("{error:#}")))?;
                    Extern::Memory(Memory::new(&mut self.store, ty).map_err(|error| failure(&error))?)
                }
                ExternType::Table(ty) => {
                    let max = ty.maximum().map_or(MAX_ELEMENTS, |max| max.min(MAX_ELEMENTS));
                    if ty.minimum() > max {
                        return Err(Failure::Resource("table".into()));
                    }
                    let element = ty.element().clone();
                    let null = Ref::null(element.heap_type());
                    let ty = if ty.is_64() {
                        TableType::new64(element, ty.minimum(), Some(max))
                    } else {
                        TableType::new(element, ty.minimum() as u32, Some(max as u32))
                    };
                    Extern::Table(Table::new(&mut self.store, ty, null).map_err(|error| failure(&error))?)
                }
                ExternType::Global(ty) => {
                    let number = globals.next().expect("numbers do not end");
                    let value = self.subject.global(number, of_type(ty.content()));
                    let value = to_val(value, &mut self.store)?;
                    Extern::Global(Global::new(&mut self.store, ty, value).map_err(|error| failure(&error))?)
                }
                ExternType::Tag(tag) => return Err(Failure::Other(format!("import of {tag:?}"))),
            });
        }
        Ok(imports)
    }

    fn refuel(&mut self) {
        if self.counting {
            self.store.set_fuel(FUEL).expect("fuel is on");
        }
    }

    /// A function of the host.
    fn function(&mut self, number: usize, ty: wasmtime::FuncType) -> Func {
        let answers = self.subject.answers();
        let results = ty.results().map(|ty| of_type(&ty)).collect::<Vec<_>>();
        Func::new(&mut self.store, ty, move |mut caller, params, out| {
            let arguments: Vec<Value> = params.iter().map(|value| of_val(value, &caller)).collect();
            caller.data_mut().calls.note(number, &arguments);
            for (out, value) in out.iter_mut().zip(answers.answer(number, &arguments, &results)) {
                *out = to_val(value, &mut caller).map_err(|failure| Error::msg(failure.to_string()))?;
            }
            Ok(())
        })
    }
}

fn of_type(ty: &wasmtime::ValType) -> ValType {
    match ty {
        wasmtime::ValType::I32 => ValType::I32,
        wasmtime::ValType::I64 => ValType::I64,
        wasmtime::ValType::F32 => ValType::F32,
        wasmtime::ValType::F64 => ValType::F64,
        wasmtime::ValType::V128 => ValType::V128,
        wasmtime::ValType::Ref(ty) if ty.matches(&wasmtime::RefType::FUNCREF) => ValType::FuncRef,
        wasmtime::ValType::Ref(ty) if ty.matches(&wasmtime::RefType::EXNREF) => ValType::ExnRef,
        wasmtime::ValType::Ref(_) => ValType::ExternRef,
    }
}

fn to_val(value: Value, store: impl AsContextMut) -> Result<Val, Failure> {
    Ok(match value {
        Value::I32(bits) => Val::I32(bits.cast_signed()),
        Value::I64(bits) => Val::I64(bits.cast_signed()),
        Value::F32(bits) => Val::F32(bits),
        Value::F64(bits) => Val::F64(bits),
        Value::V128(bits) => Val::V128(bits.into()),
        Value::Func(_) => Val::FuncRef(None),
        Value::Extern(0) => Val::ExternRef(None),
        Value::Extern(number) => {
            let object = ExternRef::new(store, number).map_err(|error| Failure::Resource(format!("{error:#}")))?;
            Val::ExternRef(Some(object))
        }
        Value::Exn(_) => Val::ExnRef(None),
    })
}

fn of_val(value: &Val, store: impl AsContext) -> Value {
    match value {
        Val::I32(value) => Value::I32(value.cast_unsigned()),
        Val::I64(value) => Value::I64(value.cast_unsigned()),
        Val::F32(bits) => Value::F32(*bits),
        Val::F64(bits) => Value::F64(*bits),
        Val::V128(value) => Value::V128(value.as_u128()),
        Val::FuncRef(function) => Value::Func(function.is_some()),
        Val::ExternRef(None) => Value::Extern(0),
        Val::ExternRef(Some(object)) => Value::Extern(number(object, &store)),
        Val::ExnRef(exception) => Value::Exn(exception.is_some()),
        other => panic!("value that no module here has: {other:?}"),
    }
}

fn number(object: &wasmtime::Rooted<ExternRef>, store: impl AsContext) -> u64 {
    let data = object.data(store.as_context()).expect("it is rooted").expect("the host passes objects");
    *data.downcast_ref().expect("the host passes numbers")
}

fn failure(error: &Error) -> Failure {
    use wasmtime::Trap as T;
    let Some(trap) = error.downcast_ref::<T>() else {
        return Failure::Resource(format!("{error:#}"));
    };
    Failure::Trap(match trap {
        T::UnreachableCodeReached => Trap::Unreachable,
        T::MemoryOutOfBounds => Trap::Memory,
        T::TableOutOfBounds => Trap::Table,
        T::IndirectCallToNull => Trap::Null,
        T::BadSignature => Trap::Signature,
        T::IntegerOverflow => Trap::Overflow,
        T::IntegerDivisionByZero => Trap::Division,
        T::BadConversionToInteger => Trap::Conversion,
        T::StackOverflow => return Failure::Stack,
        T::OutOfFuel => return Failure::Fuel,
        other => return Failure::Other(other.to_string()),
    })
}
