//! Runs the directives of one script: keeps its instances by name and judges each assertion.

use crate::engine::{self, Failure, Instance};
use crate::ledger::Counts;
use crate::values;
use gowasmer::artifact::CompileOptions;
use gowasmer::trap::TrapCode;
use gowasmer::types::ValType;
use gowasmer::vm::Linker;
use std::collections::HashMap;
use std::rc::Rc;
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::token::Id;
use wast::{QuoteWat, Wast, WastDirective, WastExecute, WastInvoke, Wat};

/// The module that every script may import from (reference interpreter, "spectest"). Its functions pass through a host function.
const SPECTEST: &str = r#"(module
  (func (export "print") (import "host" "print"))
  (func (export "print_i32") (import "host" "print_i32") (param i32))
  (func (export "print_i64") (import "host" "print_i64") (param i64))
  (func (export "print_f32") (import "host" "print_f32") (param f32))
  (func (export "print_f64") (import "host" "print_f64") (param f64))
  (func (export "print_i32_f32") (import "host" "print_i32_f32") (param i32 f32))
  (func (export "print_f64_f64") (import "host" "print_f64_f64") (param f64 f64))
  (global (export "global_i32") i32 (i32.const 666))
  (global (export "global_i64") i64 (i64.const 666))
  (global (export "global_f32") f32 (f32.const 666.6))
  (global (export "global_f64") f64 (f64.const 666.6))
  (table (export "table") 10 20 funcref)
  (memory (export "memory") 1 2))"#;

/// Runs a script; tells of each directive that fails by its line, and counts those that pass.
pub fn run(text: &str, options: CompileOptions, fail: &mut dyn FnMut(usize, String)) -> Counts {
    let mut counts = Counts::default();
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer = match ParseBuffer::new_with_lexer(lexer) {
        Ok(buffer) => buffer,
        Err(error) => {
            fail(0, format!("the script cannot be read: {error}"));
            return counts;
        }
    };
    let directives = match parser::parse::<Wast<'_>>(&buffer) {
        Ok(script) => script.directives,
        Err(error) => {
            fail(0, format!("the script cannot be parsed: {error}"));
            return counts;
        }
    };
    let mut script = Script::new(options);
    for directive in directives {
        let (line, _) = directive.span().linecol_in(text);
        let assertion = is_assertion(&directive);
        match script.directive(directive) {
            Err(message) => fail(line + 1, message),
            Ok(()) if assertion => counts.assertions += 1,
            Ok(()) => counts.commands += 1,
        }
    }
    counts
}

const fn is_assertion(directive: &WastDirective<'_>) -> bool {
    !matches!(
        directive,
        WastDirective::Module(_)
            | WastDirective::ModuleDefinition(_)
            | WastDirective::ModuleInstance { .. }
            | WastDirective::Register { .. }
            | WastDirective::Invoke(_)
            | WastDirective::Thread(_)
            | WastDirective::Wait { .. }
    )
}

/// What a script has defined so far.
struct Script {
    options: CompileOptions,
    linker: Linker,
    /// The module that commands without a name mean.
    current: Option<Rc<Instance>>,
    named: HashMap<String, Rc<Instance>>,
    definitions: HashMap<Option<String>, Vec<u8>>,
}

impl Script {
    fn new(options: CompileOptions) -> Self {
        let spectest = engine::with_host_functions(SPECTEST, options).expect("spectest can be instantiated");
        let mut linker = Linker::new();
        spectest.register("spectest", &mut linker);
        Self { options, linker, current: None, named: HashMap::new(), definitions: HashMap::new() }
    }

    /// Runs one directive; an error says how it failed.
    fn directive(&mut self, directive: WastDirective<'_>) -> Result<(), String> {
        match directive {
            WastDirective::Module(module) => self.module(module),
            WastDirective::ModuleDefinition(module) => self.definition(module),
            WastDirective::ModuleInstance { instance, module, .. } => self.instance_of(instance, module),
            WastDirective::Register { name, module, .. } => self.register(name, module),
            WastDirective::Invoke(invoke) => self.invoke(&invoke).map(drop).map_err(|failure| failure.to_string()),
            WastDirective::AssertReturn { exec, results, .. } => {
                let (types, slots) =
                    self.execute(exec).map_err(|failure| format!("expected results, got {failure}"))?;
                values::compare(&results, &types, &slots)
            }
            WastDirective::AssertTrap { exec, message, .. } => expect_trap(self.execute(exec), message),
            WastDirective::AssertExhaustion { call, message, .. } => match self.invoke(&call) {
                Err(Failure::Trap(TrapCode::StackOverflow)) => Ok(()),
                other => Err(format!("expected {message:?}, got {}", outcome(other))),
            },
            WastDirective::AssertUnlinkable { module, message, .. } => self.assert_unlinkable(module, message),
            WastDirective::AssertInvalid { module, message, .. }
            | WastDirective::AssertMalformed { module, message, .. } => self.assert_refused(module, message),
            other => Err(format!("directive that the runner does not know: {other:?}")),
        }
    }

    /// Instantiates a module; it becomes the current one.
    fn module(&mut self, mut module: QuoteWat<'_>) -> Result<(), String> {
        let name = module.name().map(|id| id.name().to_owned());
        let bytes = module.encode().map_err(|error| format!("the module cannot be encoded: {error}"))?;
        self.instantiate(name, &bytes)
    }

    fn instantiate(&mut self, name: Option<String>, bytes: &[u8]) -> Result<(), String> {
        let instance = Instance::new(bytes, self.options, &self.linker).map_err(|failure| failure.to_string())?;
        let instance = Rc::new(instance);
        if let Some(name) = name {
            self.named.insert(name, Rc::clone(&instance));
        }
        self.current = Some(instance);
        Ok(())
    }

    fn definition(&mut self, mut module: QuoteWat<'_>) -> Result<(), String> {
        let name = module.name().map(|id| id.name().to_owned());
        let bytes = module.encode().map_err(|error| format!("the module cannot be encoded: {error}"))?;
        engine::compile(&bytes, self.options).map_err(|failure| failure.to_string())?;
        self.definitions.insert(None, bytes.clone());
        if name.is_some() {
            self.definitions.insert(name, bytes);
        }
        Ok(())
    }

    fn instance_of(&mut self, instance: Option<Id<'_>>, module: Option<Id<'_>>) -> Result<(), String> {
        let key = module.map(|id| id.name().to_owned());
        let bytes = self.definitions.get(&key).ok_or_else(|| format!("no module definition {key:?}"))?.clone();
        self.instantiate(instance.map(|id| id.name().to_owned()), &bytes)
    }

    fn register(&mut self, name: &str, module: Option<Id<'_>>) -> Result<(), String> {
        Rc::clone(self.find(module)?).register(name, &mut self.linker);
        Ok(())
    }

    fn find(&self, module: Option<Id<'_>>) -> Result<&Rc<Instance>, String> {
        match module {
            Some(id) => self.named.get(id.name()).ok_or_else(|| format!("no module ${}", id.name())),
            None => self.current.as_ref().ok_or_else(|| "no module yet".to_owned()),
        }
    }

    fn invoke(&self, invoke: &WastInvoke<'_>) -> Result<(Vec<ValType>, Vec<u64>), Failure> {
        let arguments = invoke.args.iter().map(values::argument).collect::<Result<Vec<u64>, String>>();
        let instance = self.find(invoke.module).map_err(Failure::Other)?;
        instance.call(invoke.name, &arguments.map_err(Failure::Other)?)
    }

    fn execute(&self, exec: WastExecute<'_>) -> Result<(Vec<ValType>, Vec<u64>), Failure> {
        match exec {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Get { module, global, .. } => {
                let (ty, slot) = self.find(module).map_err(Failure::Other)?.global(global)?;
                Ok((vec![ty], vec![slot]))
            }
            WastExecute::Wat(mut module) => {
                let bytes = module.encode().map_err(|error| Failure::Other(error.to_string()))?;
                Instance::new(&bytes, self.options, &self.linker)?;
                Ok((Vec::new(), Vec::new()))
            }
        }
    }

    /// The module must be refused when it is linked, not earlier.
    fn assert_unlinkable(&self, mut module: Wat<'_>, message: &str) -> Result<(), String> {
        let bytes = module.encode().map_err(|error| format!("the module cannot be encoded: {error}"))?;
        match Instance::new(&bytes, self.options, &self.linker) {
            Err(Failure::Link(_)) => Ok(()),
            Err(other) => Err(format!("expected a link error ({message:?}), got {other}")),
            Ok(_) => Err(format!("expected a link error ({message:?}), the module was instantiated")),
        }
    }

    /// The module must be refused: text by the parser of the text format, or else its binary form by the engine's validator.
    fn assert_refused(&self, mut module: QuoteWat<'_>, message: &str) -> Result<(), String> {
        let Ok(bytes) = module.encode() else {
            return Ok(());
        };
        match engine::compile(&bytes, self.options) {
            Err(Failure::Invalid(_)) => Ok(()),
            Err(other) => Err(format!("expected a validation error ({message:?}), got {other}")),
            Ok(_) => Err(format!("expected a validation error ({message:?}), the module was compiled")),
        }
    }
}

/// The suite's texts may say more than ours ("uninitialized element 2"), or less.
fn expect_trap(result: Result<(Vec<ValType>, Vec<u64>), Failure>, message: &str) -> Result<(), String> {
    match result {
        Err(Failure::Trap(code)) if message.starts_with(code.message()) || code.message().starts_with(message) => {
            Ok(())
        }
        other => Err(format!("expected trap {message:?}, got {}", outcome(other))),
    }
}

fn outcome(result: Result<(Vec<ValType>, Vec<u64>), Failure>) -> String {
    match result {
        Ok((_, slots)) => format!("results {slots:x?}"),
        Err(failure) => failure.to_string(),
    }
}
