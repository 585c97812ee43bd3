//! The encoding in which specification scripts cross to Go, with the conventions of [`describe`](super::describe).
//!
//! ```text
//! script     u32 version = 1
//!            u32 n, n x directive  (u8 kind, u32 line, payload)
//! payload    0 module              str name, module                  named "" is not named
//!            1 module definition   str name, module
//!            2 module instance     str name, str definition
//!            3 register            str namespace, str instance       "" is the newest instance
//!            4 invoke              action
//!            5 assert_return       action, u32 n, n x pattern
//!            6 assert_trap         action, str message
//!            7 assert_exhaustion   action, str message
//!            8 assert_malformed    module, str message
//!            9 assert_invalid      module, str message
//!           10 assert_unlinkable   module, str message
//!           11 not supported       u8 assertion, str what            a directive, argument or pattern of a proposal
//! module     u8 1, u32 n, n bytes  in the binary format
//!            u8 0, str error       the text cannot be converted
//! action     u8 0, str instance, str function, u32 n, n x value
//!            u8 1, str instance, str global
//!            u8 2, str "", module                                    instantiate
//! value      u8 type (as in descriptions: i32 to v128), then 4, 8 or 16 bytes
//!            u8 5, str heap type   ref.null
//!            u8 6, u32 number      ref.extern
//! pattern    u8 type i32 or i64, then 4 or 8 bytes
//!            u8 type f32 or f64, float
//!            u8 type v128, u8 bytes of a lane, then 16 bytes         lanes of integers
//!            u8 type v128, u8 4 + 16 or 8 + 16, 4 or 2 x float       lanes of floats
//!            u8 5, str heap type   ref.null, "" of any type
//!            u8 6, u8 has number, u32 number                         ref.extern
//!            u8 7                  ref.func
//!            u8 8, u32 n, n x pattern                                either
//! float      u8 0, then 4 or 8 bytes; u8 1: canonical NaN; u8 2: arithmetic NaN
//! ```

use super::describe::Writer;
use crate::error::Result;
use crate::text::script::{self, Script};
use crate::types::ValType;
use wast::core::{AbstractHeapType, HeapType, NanPattern, V128Const, V128Pattern, WastArgCore, WastRetCore};
use wast::token::{F32, F64, Id};
use wast::{QuoteWat, WastArg, WastDirective, WastExecute, WastInvoke, WastRet};

/// Version of this encoding.
const VERSION: u32 = 1;

/// The kinds of directives.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    Module,
    Definition,
    Instance,
    Register,
    Invoke,
    AssertReturn,
    AssertTrap,
    AssertExhaustion,
    AssertMalformed,
    AssertInvalid,
    AssertUnlinkable,
    Unsupported,
}

/// The kinds of actions.
const INVOKE: u8 = 0;
const GET: u8 = 1;
const INSTANTIATE: u8 = 2;

/// The kinds of references among values and patterns; those below are numbers of types.
const REF_NULL: u8 = 5;
const REF_EXTERN: u8 = 6;
const REF_FUNC: u8 = 7;
const EITHER: u8 = 8;

/// What marks the width of a lane as that of a float.
const FLOAT_LANES: u8 = 16;

/// What a directive needs that no supported proposal has.
type Unsupported = String;

/// Encodes the script of a text. The error says where the text is wrong.
pub fn encode(text: &[u8]) -> Result<Vec<u8>> {
    script::parse(text, encode_directives)
}

fn encode_directives(script: Script<'_>) -> Vec<u8> {
    let directives = script.into_directives();
    let mut to = Writer::default();
    to.u32(VERSION);
    to.count(directives.len());
    for (line, directive) in directives {
        let assertion = is_assertion(&directive);
        let mut payload = Writer::default();
        let kind = payload.directive(directive).unwrap_or_else(|what| {
            payload = Writer::default();
            payload.u8(u8::from(assertion));
            payload.text(&what);
            Kind::Unsupported
        });
        to.u8(kind as u8);
        to.u32(line);
        to.0.append(&mut payload.0);
    }
    to.0
}

/// Whether the directive counts as an assertion: its name begins with `assert_`.
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

impl Writer {
    fn directive(&mut self, directive: WastDirective<'_>) -> Result<Kind, Unsupported> {
        match directive {
            WastDirective::Module(module) => Ok(self.definition(Kind::Module, module)),
            WastDirective::ModuleDefinition(module) => Ok(self.definition(Kind::Definition, module)),
            WastDirective::ModuleInstance { instance, module, .. } => {
                self.id(instance);
                self.id(module);
                Ok(Kind::Instance)
            }
            WastDirective::Register { name, module, .. } => {
                self.text(name);
                self.id(module);
                Ok(Kind::Register)
            }
            WastDirective::Invoke(invoke) => self.invoke(&invoke).map(|()| Kind::Invoke),
            WastDirective::AssertReturn { exec, results, .. } => {
                self.action(exec)?;
                self.count(results.len());
                results.iter().try_for_each(|result| self.result(result))?;
                Ok(Kind::AssertReturn)
            }
            WastDirective::AssertTrap { exec, message, .. } => {
                self.action(exec)?;
                self.text(message);
                Ok(Kind::AssertTrap)
            }
            WastDirective::AssertExhaustion { call, message, .. } => {
                self.invoke(&call)?;
                self.text(message);
                Ok(Kind::AssertExhaustion)
            }
            WastDirective::AssertMalformed { module, message, .. } => {
                Ok(self.refusal(Kind::AssertMalformed, module, message))
            }
            WastDirective::AssertInvalid { module, message, .. } => {
                Ok(self.refusal(Kind::AssertInvalid, module, message))
            }
            WastDirective::AssertUnlinkable { module, message, .. } => {
                Ok(self.refusal(Kind::AssertUnlinkable, QuoteWat::Wat(module), message))
            }
            WastDirective::AssertException { .. } => Err("assert_exception".into()),
            WastDirective::AssertSuspension { .. } => Err("assert_suspension".into()),
            WastDirective::AssertInvalidCustom { .. } => Err("assert_invalid_custom".into()),
            WastDirective::AssertMalformedCustom { .. } => Err("assert_malformed_custom".into()),
            WastDirective::Thread(_) => Err("thread".into()),
            WastDirective::Wait { .. } => Err("wait".into()),
        }
    }

    fn definition(&mut self, kind: Kind, module: QuoteWat<'_>) -> Kind {
        self.id(module.name());
        self.module(module);
        kind
    }

    fn refusal(&mut self, kind: Kind, module: QuoteWat<'_>, message: &str) -> Kind {
        self.module(module);
        self.text(message);
        kind
    }

    fn id(&mut self, id: Option<Id<'_>>) {
        self.text(id.map_or("", |id| id.name()));
    }

    fn module(&mut self, mut module: QuoteWat<'_>) {
        match module.encode() {
            Ok(bytes) => {
                self.u8(1);
                self.count(bytes.len());
                self.0.extend(bytes);
            }
            Err(error) => {
                self.u8(0);
                self.text(&error.message());
            }
        }
    }

    fn action(&mut self, action: WastExecute<'_>) -> Result<(), Unsupported> {
        match action {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Get { module, global, .. } => {
                self.u8(GET);
                self.id(module);
                self.text(global);
                Ok(())
            }
            WastExecute::Wat(module) => {
                self.u8(INSTANTIATE);
                self.id(None);
                self.module(QuoteWat::Wat(module));
                Ok(())
            }
        }
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<(), Unsupported> {
        self.u8(INVOKE);
        self.id(invoke.module);
        self.text(invoke.name);
        self.count(invoke.args.len());
        invoke.args.iter().try_for_each(|argument| self.argument(argument))
    }

    fn argument(&mut self, argument: &WastArg<'_>) -> Result<(), Unsupported> {
        match argument {
            WastArg::Core(WastArgCore::I32(value)) => self.typed(ValType::I32, &value.to_le_bytes()),
            WastArg::Core(WastArgCore::I64(value)) => self.typed(ValType::I64, &value.to_le_bytes()),
            WastArg::Core(WastArgCore::F32(value)) => self.typed(ValType::F32, &value.bits.to_le_bytes()),
            WastArg::Core(WastArgCore::F64(value)) => self.typed(ValType::F64, &value.bits.to_le_bytes()),
            WastArg::Core(WastArgCore::V128(value)) => self.typed(ValType::V128, &value.to_le_bytes()),
            WastArg::Core(WastArgCore::RefNull(ty)) => {
                self.u8(REF_NULL);
                self.text(heap_type(*ty)?);
            }
            WastArg::Core(WastArgCore::RefExtern(number)) => {
                self.u8(REF_EXTERN);
                self.u32(*number);
            }
            other => return Err(format!("argument {other:?}")),
        }
        Ok(())
    }

    fn typed(&mut self, ty: ValType, bytes: &[u8]) {
        self.u8(ty as u8);
        self.0.extend_from_slice(bytes);
    }

    fn result(&mut self, result: &WastRet<'_>) -> Result<(), Unsupported> {
        match result {
            WastRet::Core(pattern) => self.pattern(pattern),
            #[allow(unreachable_patterns)]
            // with the component model, which a dependent of this crate may switch on, there are others
            other => Err(format!("result {other:?}")),
        }
    }

    fn pattern(&mut self, pattern: &WastRetCore<'_>) -> Result<(), Unsupported> {
        match pattern {
            WastRetCore::I32(value) => self.typed(ValType::I32, &value.to_le_bytes()),
            WastRetCore::I64(value) => self.typed(ValType::I64, &value.to_le_bytes()),
            WastRetCore::F32(pattern) => {
                self.u8(ValType::F32 as u8);
                self.float32(*pattern);
            }
            WastRetCore::F64(pattern) => {
                self.u8(ValType::F64 as u8);
                self.float64(*pattern);
            }
            WastRetCore::V128(pattern) => {
                self.u8(ValType::V128 as u8);
                self.lanes(pattern);
            }
            WastRetCore::RefNull(ty) => {
                self.u8(REF_NULL);
                self.text(ty.map_or(Ok(""), heap_type)?);
            }
            WastRetCore::RefExtern(number) => {
                self.u8(REF_EXTERN);
                self.u8(u8::from(number.is_some()));
                self.u32(number.unwrap_or(0));
            }
            WastRetCore::RefFunc(None) => self.u8(REF_FUNC),
            WastRetCore::Either(cases) => {
                self.u8(EITHER);
                self.count(cases.len());
                cases.iter().try_for_each(|case| self.pattern(case))?;
            }
            other => return Err(format!("result {other:?}")),
        }
        Ok(())
    }

    fn lanes(&mut self, pattern: &V128Pattern) {
        match pattern {
            V128Pattern::I8x16(lanes) => self.integers(1, &V128Const::I8x16(*lanes)),
            V128Pattern::I16x8(lanes) => self.integers(2, &V128Const::I16x8(*lanes)),
            V128Pattern::I32x4(lanes) => self.integers(4, &V128Const::I32x4(*lanes)),
            V128Pattern::I64x2(lanes) => self.integers(8, &V128Const::I64x2(*lanes)),
            V128Pattern::F32x4(lanes) => {
                self.u8(4 + FLOAT_LANES);
                lanes.iter().for_each(|lane| self.float32(*lane));
            }
            V128Pattern::F64x2(lanes) => {
                self.u8(8 + FLOAT_LANES);
                lanes.iter().for_each(|lane| self.float64(*lane));
            }
        }
    }

    fn integers(&mut self, width: u8, value: &V128Const) {
        self.u8(width);
        self.0.extend(value.to_le_bytes());
    }

    fn float32(&mut self, pattern: NanPattern<F32>) {
        self.u8(nan_kind(&pattern));
        if let NanPattern::Value(value) = pattern {
            self.u32(value.bits);
        }
    }

    fn float64(&mut self, pattern: NanPattern<F64>) {
        self.u8(nan_kind(&pattern));
        if let NanPattern::Value(value) = pattern {
            self.u64(value.bits);
        }
    }
}

const fn nan_kind<T>(pattern: &NanPattern<T>) -> u8 {
    match pattern {
        NanPattern::Value(_) => 0,
        NanPattern::CanonicalNan => 1,
        NanPattern::ArithmeticNan => 2,
    }
}

/// The name of a heap type in the text format; those of types that a module defines mean nothing in a script.
fn heap_type(ty: HeapType<'_>) -> Result<&'static str, Unsupported> {
    match ty {
        HeapType::Abstract { shared: false, ty: AbstractHeapType::Func } => Ok("func"),
        HeapType::Abstract { shared: false, ty: AbstractHeapType::Extern } => Ok("extern"),
        other => Err(format!("reference of type {other:?}")),
    }
}
