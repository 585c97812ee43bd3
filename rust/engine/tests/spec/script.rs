//! Runs the directives of one script: keeps its instances by name and judges each assertion.

use crate::engine::{self, Failure, Instance, Way};
use crate::ledger::Counts;
use crate::suites::{Suite, Support};
use crate::values;
use gowasmer::trap::TrapCode;
use gowasmer::types::ValType;
use gowasmer::vm::Linker;
use gowasmer::wasm::features::FEATURES;
use std::collections::HashMap;
use std::rc::Rc;
use wasmparser::{Validator, WasmFeatures};
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::token::Id;
use wast::{QuoteWat, Wast, WastDirective, WastExecute, WastInvoke, Wat};

/// The module that every script may import from (reference interpreter, "spectest"). Its functions
/// pass through a host function.
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

/// Why a directive did not pass.
enum Problem {
    /// It is wrong: a failure of the test.
    Failed(String),
    /// A module that it needs uses this proposal, which is not supported.
    Refused(String),
    /// A module that must be invalid is valid since this proposal.
    Superseded(String),
}

impl From<String> for Problem {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(proposal) => Self::Refused(proposal),
            failure => Self::Failed(failure.to_string()),
        }
    }
}

/// Runs a script; tells of each directive that fails by its line, and counts those that pass. Those
/// that need a proposal which is not supported are counted by its name, and are failures where the
/// script should be supported as a whole.
pub fn run(text: &str, way: Way, suite: &Suite, fail: &mut dyn FnMut(usize, String)) -> Counts {
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
    let mut script = Script::new(way, suite);
    for directive in directives {
        let (line, _) = directive.span().linecol_in(text);
        let assertion = is_assertion(&directive);
        match script.directive(directive) {
            Err(Problem::Failed(message)) => fail(line + 1, message),
            Err(Problem::Refused(proposal)) if suite.support == Support::Whole => {
                fail(line + 1, format!("needs the proposal {proposal}, which is not supported"));
            }
            Err(Problem::Superseded(proposal)) => *counts.superseded.entry(proposal).or_default() += 1,
            Err(Problem::Refused(proposal)) => *counts.refused.entry(proposal).or_default() += 1,
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

/// An instance, or the proposal for which its module was refused.
type Loaded = Result<Rc<Instance>, String>;

/// What a script has defined so far.
struct Script {
    way: Way,
    suite: Suite,
    linker: Linker,
    /// The module that commands without a name mean.
    current: Option<Loaded>,
    named: HashMap<String, Loaded>,
    definitions: HashMap<Option<String>, Vec<u8>>,
    /// Namespaces that refused modules were to have, and the proposals.
    refused: HashMap<String, String>,
}

impl Script {
    fn new(way: Way, suite: &Suite) -> Self {
        let spectest = engine::with_host_functions(SPECTEST, way).expect("spectest can be instantiated");
        let mut linker = Linker::new();
        spectest.register("spectest", &mut linker);
        Self {
            way,
            suite: *suite,
            linker,
            current: None,
            named: HashMap::new(),
            definitions: HashMap::new(),
            refused: HashMap::new(),
        }
    }

    /// Runs one directive; an error says how it failed.
    fn directive(&mut self, directive: WastDirective<'_>) -> Result<(), Problem> {
        match directive {
            WastDirective::Module(module) => self.module(module),
            WastDirective::ModuleDefinition(module) => self.definition(module),
            WastDirective::ModuleInstance { instance, module, .. } => self.instance_of(instance, module),
            WastDirective::Register { name, module, .. } => self.register(name, module),
            WastDirective::Invoke(invoke) => Ok(self.invoke(&invoke).map(drop)?),
            WastDirective::AssertReturn { exec, results, .. } => {
                let (types, slots) = self.execute(exec).map_err(|failure| match Problem::from(failure) {
                    Problem::Failed(message) => Problem::Failed(format!("expected results, got {message}")),
                    other => other,
                })?;
                Ok(values::compare(&results, &types, &slots)?)
            }
            WastDirective::AssertTrap { exec, message, .. } => expect_trap(self.execute(exec), message),
            WastDirective::AssertExhaustion { call, message, .. } => match self.invoke(&call) {
                Err(Failure::Trap(TrapCode::StackOverflow)) => Ok(()),
                other => unexpected(other, &format!("{message:?}")),
            },
            WastDirective::AssertException { exec, .. } => match self.execute(exec) {
                Err(Failure::Trap(TrapCode::UncaughtException)) => Ok(()),
                other => unexpected(other, "an exception"),
            },
            WastDirective::AssertUnlinkable { module, message, .. } => self.assert_unlinkable(module, message),
            WastDirective::AssertInvalid { module, message, .. }
            | WastDirective::AssertMalformed { module, message, .. } => self.assert_refused(module, message),
            other => Err(format!("directive that the runner does not know: {other:?}").into()),
        }
    }

    /// Instantiates a module; it becomes the current one.
    fn module(&mut self, mut module: QuoteWat<'_>) -> Result<(), Problem> {
        let name = module.name().map(|id| id.name().to_owned());
        let bytes = module.encode().map_err(|error| format!("the module cannot be encoded: {error}"))?;
        self.instantiate(name, &bytes)
    }

    fn instantiate(&mut self, name: Option<String>, bytes: &[u8]) -> Result<(), Problem> {
        let loaded = match self.link(bytes) {
            Ok(instance) => Ok(Rc::new(instance)),
            Err(Failure::Refused(proposal)) => Err(proposal),
            Err(failure) => return Err(failure.into()),
        };
        if let Some(name) = name {
            self.named.insert(name, loaded.clone());
        }
        self.current = Some(loaded.clone());
        loaded.map(drop).map_err(Problem::Refused)
    }

    /// Links and starts a module. One that imports from a refused one is refused for the same
    /// reason.
    fn link(&self, bytes: &[u8]) -> Result<Instance, Failure> {
        Instance::new(bytes, self.way, &self.linker).map_err(|failure| {
            let Failure::Link(message) = &failure else { return failure };
            let from = |namespace: &String| message.contains(&format!("namespace: {namespace}, name: "));
            let proposal =
                self.refused.iter().find(|(namespace, _)| from(namespace)).map(|(_, proposal)| proposal.clone());
            proposal.map_or(failure, Failure::Refused)
        })
    }

    fn definition(&mut self, mut module: QuoteWat<'_>) -> Result<(), Problem> {
        let name = module.name().map(|id| id.name().to_owned());
        let bytes = module.encode().map_err(|error| format!("the module cannot be encoded: {error}"))?;
        self.definitions.insert(None, bytes.clone());
        if name.is_some() {
            self.definitions.insert(name, bytes.clone());
        }
        engine::compile(&bytes, self.way)?;
        Ok(())
    }

    fn instance_of(&mut self, instance: Option<Id<'_>>, module: Option<Id<'_>>) -> Result<(), Problem> {
        let key = module.map(|id| id.name().to_owned());
        let bytes = self.definitions.get(&key).ok_or_else(|| format!("no module definition {key:?}"))?.clone();
        self.instantiate(instance.map(|id| id.name().to_owned()), &bytes)
    }

    fn register(&mut self, name: &str, module: Option<Id<'_>>) -> Result<(), Problem> {
        match self.find(module) {
            Ok(instance) => {
                let instance = Rc::clone(instance);
                self.refused.remove(name);
                instance.register(name, &mut self.linker);
                Ok(())
            }
            Err(failure) => {
                if let Failure::Refused(proposal) = &failure {
                    self.refused.insert(name.to_owned(), proposal.clone());
                }
                Err(failure.into())
            }
        }
    }

    fn find(&self, module: Option<Id<'_>>) -> Result<&Rc<Instance>, Failure> {
        let (found, what) = match module {
            Some(id) => (self.named.get(id.name()), format!("no module ${}", id.name())),
            None => (self.current.as_ref(), "no module yet".to_owned()),
        };
        let loaded = found.ok_or(Failure::Other(what))?;
        loaded.as_ref().map_err(|proposal| Failure::Refused(proposal.clone()))
    }

    fn invoke(&self, invoke: &WastInvoke<'_>) -> Result<(Vec<ValType>, Vec<u64>), Failure> {
        let arguments = invoke.args.iter().map(values::argument).collect::<Result<Vec<Vec<u64>>, String>>();
        let instance = self.find(invoke.module)?;
        instance.call(invoke.name, &arguments.map_err(Failure::Other)?.concat())
    }

    fn execute(&self, exec: WastExecute<'_>) -> Result<(Vec<ValType>, Vec<u64>), Failure> {
        match exec {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Get { module, global, .. } => {
                let (ty, slots) = self.find(module)?.global(global)?;
                Ok((vec![ty], slots))
            }
            WastExecute::Wat(mut module) => {
                let bytes = module.encode().map_err(|error| Failure::Other(error.to_string()))?;
                self.link(&bytes)?;
                Ok((Vec::new(), Vec::new()))
            }
        }
    }

    /// The module must be refused when it is linked, not earlier.
    fn assert_unlinkable(&self, mut module: Wat<'_>, message: &str) -> Result<(), Problem> {
        let bytes = module.encode().map_err(|error| format!("the module cannot be encoded: {error}"))?;
        match self.link(&bytes) {
            Err(Failure::Link(_)) => Ok(()),
            other => unexpected(other.map(|_| (Vec::new(), Vec::new())), &format!("a link error ({message:?})")),
        }
    }

    /// The module must be refused: text by the parser of the text format, or else its binary form
    /// by the engine's validator. Where all that the suite uses is supported, a later proposal may
    /// be named as the reason.
    fn assert_refused(&self, mut module: QuoteWat<'_>, message: &str) -> Result<(), Problem> {
        let Ok(bytes) = module.encode() else {
            return Ok(());
        };
        match engine::compile(&bytes, self.way) {
            Err(Failure::Invalid(_)) => Ok(()),
            Err(Failure::Refused(_)) if self.suite.support == Support::Whole => Ok(()),
            Err(other) => unexpected(Err(other), &format!("a validation error ({message:?})")),
            Ok(_) => {
                Err(match self.suite.later.iter().find(|(later, _)| !is_valid(&bytes, FEATURES.difference(*later))) {
                    Some((_, proposal)) => Problem::Superseded((*proposal).to_owned()),
                    None => format!("expected a validation error ({message:?}), the module was compiled").into(),
                })
            }
        }
    }
}

/// Whether a binary is valid with some features, by the validator alone.
fn is_valid(bytes: &[u8], features: WasmFeatures) -> bool {
    Validator::new_with_features(features).validate_all(bytes).is_ok()
}

/// What a call returns.
type Outcome = Result<(Vec<ValType>, Vec<u64>), Failure>;

/// The suite's texts may say more than ours ("uninitialized element 2"), or less.
fn expect_trap(result: Outcome, message: &str) -> Result<(), Problem> {
    match result {
        Err(Failure::Trap(code)) if message.starts_with(code.message()) || code.message().starts_with(message) => {
            Ok(())
        }
        other => unexpected(other, &format!("trap {message:?}")),
    }
}

/// The problem of an outcome that is not the expected one.
fn unexpected(outcome: Outcome, expected: &str) -> Result<(), Problem> {
    Err(match outcome {
        Ok((_, slots)) => Problem::Failed(format!("expected {expected}, got results {slots:x?}")),
        Err(Failure::Refused(proposal)) => Problem::Refused(proposal),
        Err(failure) => Problem::Failed(format!("expected {expected}, got {failure}")),
    })
}
