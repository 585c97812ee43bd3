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
//!           11 assert_exception    action
//!           12 assert_suspension   action, str message
//!           13 not supported       u8 assertion, str directive
//! module     u8 1, u32 n, n bytes  in the binary format
//!            u8 0, str error       the text cannot be converted
//! action     u8 0, str instance, str function, u32 n, n x value
//!            u8 1, str instance, str global
//!            u8 2, str "", module                                    instantiate
//! value      u8 type (as in descriptions: i32 to v128), then 4, 8 or 16 bytes
//!            u8 5, str heap type   ref.null
//!            u8 6, u32 number      ref.extern
//!            u8 9, str value       any other
//! pattern    u8 type i32 or i64, then 4 or 8 bytes
//!            u8 type f32 or f64, float
//!            u8 type v128, u8 bytes of a lane, then 16 bytes         lanes of integers
//!            u8 type v128, u8 4 + 16 or 8 + 16, 4 or 2 x float       lanes of floats
//!            u8 5, str heap type   ref.null, "" of any type
//!            u8 6, u8 has number, u32 number                         ref.extern
//!            u8 7                  ref.func
//!            u8 8, u32 n, n x pattern                                either
//!            u8 9, str pattern                                       any other
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
    AssertException,
    AssertSuspension,
    Unsupported,
}

// The kinds of actions.
const INVOKE: u8 = 0;
const GET: u8 = 1;
const INSTANTIATE: u8 = 2;

// The kinds of values and patterns that are no numbers; those below are numbers of types.
const REF_NULL: u8 = 5;
const REF_EXTERN: u8 = 6;
const REF_FUNC: u8 = 7;
const EITHER: u8 = 8;
const OTHER: u8 = 9;

/// What marks the width of a lane as that of a float.
const FLOAT_LANES: u8 = 16;

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
        let kind = payload.directive(directive);
        if matches!(kind, Kind::Unsupported) {
            payload.0.insert(0, u8::from(assertion));
        }
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
    fn directive(&mut self, directive: WastDirective<'_>) -> Kind {
        match directive {
            WastDirective::Module(module) => self.definition(Kind::Module, module),
            WastDirective::ModuleDefinition(module) => self.definition(Kind::Definition, module),
            WastDirective::ModuleInstance { instance, module, .. } => {
                self.id(instance);
                self.id(module);
                Kind::Instance
            }
            WastDirective::Register { name, module, .. } => {
                self.text(name);
                self.id(module);
                Kind::Register
            }
            WastDirective::Invoke(invoke) => {
                self.invoke(&invoke);
                Kind::Invoke
            }
            WastDirective::AssertReturn { exec, results, .. } => {
                self.action(exec);
                self.count(results.len());
                for result in &results {
                    self.result(result);
                }
                Kind::AssertReturn
            }
            WastDirective::AssertTrap { exec, message, .. } => self.failure(Kind::AssertTrap, exec, message),
            WastDirective::AssertExhaustion { call, message, .. } => {
                self.failure(Kind::AssertExhaustion, WastExecute::Invoke(call), message)
            }
            WastDirective::AssertMalformed { module, message, .. } => {
                self.refusal(Kind::AssertMalformed, module, message)
            }
            WastDirective::AssertInvalid { module, message, .. } => self.refusal(Kind::AssertInvalid, module, message),
            WastDirective::AssertUnlinkable { module, message, .. } => {
                self.refusal(Kind::AssertUnlinkable, QuoteWat::Wat(module), message)
            }
            WastDirective::AssertException { exec, .. } => {
                self.action(exec);
                Kind::AssertException
            }
            WastDirective::AssertSuspension { exec, message, .. } => {
                self.failure(Kind::AssertSuspension, exec, message)
            }
            WastDirective::AssertInvalidCustom { .. } => self.unsupported("assert_invalid_custom"),
            WastDirective::AssertMalformedCustom { .. } => self.unsupported("assert_malformed_custom"),
            WastDirective::Thread(_) => self.unsupported("thread"),
            WastDirective::Wait { .. } => self.unsupported("wait"),
        }
    }

    fn failure(&mut self, kind: Kind, action: WastExecute<'_>, message: &str) -> Kind {
        self.action(action);
        self.text(message);
        kind
    }

    fn unsupported(&mut self, directive: &str) -> Kind {
        self.text(directive);
        Kind::Unsupported
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

    fn action(&mut self, action: WastExecute<'_>) {
        match action {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Get { module, global, .. } => {
                self.u8(GET);
                self.id(module);
                self.text(global);
            }
            WastExecute::Wat(module) => {
                self.u8(INSTANTIATE);
                self.id(None);
                self.module(QuoteWat::Wat(module));
            }
        }
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) {
        self.u8(INVOKE);
        self.id(invoke.module);
        self.text(invoke.name);
        self.count(invoke.args.len());
        for argument in &invoke.args {
            self.argument(argument);
        }
    }

    fn argument(&mut self, argument: &WastArg<'_>) {
        match argument {
            WastArg::Core(WastArgCore::I32(value)) => self.typed(ValType::I32, &value.to_le_bytes()),
            WastArg::Core(WastArgCore::I64(value)) => self.typed(ValType::I64, &value.to_le_bytes()),
            WastArg::Core(WastArgCore::F32(value)) => self.typed(ValType::F32, &value.bits.to_le_bytes()),
            WastArg::Core(WastArgCore::F64(value)) => self.typed(ValType::F64, &value.bits.to_le_bytes()),
            WastArg::Core(WastArgCore::V128(value)) => self.typed(ValType::V128, &value.to_le_bytes()),
            WastArg::Core(WastArgCore::RefNull(ty)) => {
                self.u8(REF_NULL);
                self.text(heap_type(*ty));
            }
            WastArg::Core(WastArgCore::RefExtern(number)) => {
                self.u8(REF_EXTERN);
                self.u32(*number);
            }
            other => self.other(other),
        }
    }

    /// What no supported proposal has.
    fn other(&mut self, value: &dyn std::fmt::Debug) {
        self.u8(OTHER);
        self.text(&format!("{value:?}"));
    }

    fn typed(&mut self, ty: ValType, bytes: &[u8]) {
        self.u8(ty as u8);
        self.0.extend_from_slice(bytes);
    }

    fn result(&mut self, result: &WastRet<'_>) {
        match result {
            WastRet::Core(pattern) => self.pattern(pattern),
            // With the component model, which a dependent of the crate `wast` may switch on, there are others.
            #[allow(unreachable_patterns)]
            other => self.other(other),
        }
    }

    fn pattern(&mut self, pattern: &WastRetCore<'_>) {
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
                self.text(ty.map_or("", heap_type));
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
                for case in cases {
                    self.pattern(case);
                }
            }
            other => self.other(other),
        }
    }

    fn lanes(&mut self, pattern: &V128Pattern) {
        match pattern {
            V128Pattern::I8x16(lanes) => self.integers(1, &V128Const::I8x16(*lanes)),
            V128Pattern::I16x8(lanes) => self.integers(2, &V128Const::I16x8(*lanes)),
            V128Pattern::I32x4(lanes) => self.integers(4, &V128Const::I32x4(*lanes)),
            V128Pattern::I64x2(lanes) => self.integers(8, &V128Const::I64x2(*lanes)),
            V128Pattern::F32x4(lanes) => {
                self.u8(4 + FLOAT_LANES);
                for lane in lanes {
                    self.float32(*lane);
                }
            }
            V128Pattern::F64x2(lanes) => {
                self.u8(8 + FLOAT_LANES);
                for lane in lanes {
                    self.float64(*lane);
                }
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

/// The name of a heap type in the text format; "type" for those that a module defines, which mean nothing in a script.
const fn heap_type(ty: HeapType<'_>) -> &'static str {
    let HeapType::Abstract { ty, .. } = ty else { return "type" };
    match ty {
        AbstractHeapType::Func => "func",
        AbstractHeapType::Extern => "extern",
        AbstractHeapType::Exn => "exn",
        AbstractHeapType::Cont => "cont",
        AbstractHeapType::Any => "any",
        AbstractHeapType::Eq => "eq",
        AbstractHeapType::Struct => "struct",
        AbstractHeapType::Array => "array",
        AbstractHeapType::I31 => "i31",
        AbstractHeapType::NoFunc => "nofunc",
        AbstractHeapType::NoExtern => "noextern",
        AbstractHeapType::None => "none",
        AbstractHeapType::NoExn => "noexn",
        AbstractHeapType::NoCont => "nocont",
    }
}

#[cfg(test)]
mod tests {
    use super::encode;
    use crate::error::ErrorKind;
    use std::fs;
    use std::path::Path;

    /// The bytes that `go/internal/engine/script_test.go` decodes. `BLESS=1` writes them anew.
    #[test]
    fn encodes_every_kind_of_directive() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/spec");
        let encoded = encode(&fs::read(directory.join("encoding.wast")).unwrap()).unwrap();
        let golden = directory.join("encoding.bin");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&golden, &encoded).unwrap();
        }
        assert!(encoded == fs::read(&golden).unwrap(), "{} is stale: run with BLESS=1", golden.display());
    }

    #[test]
    fn texts_that_are_no_scripts_are_errors() {
        for text in [&b"(module"[..], b"(assert_return)", b"\xff", b"", b"module", b"(module) (assert_what)"] {
            let error = encode(text).expect_err("no script");
            assert_eq!(error.kind(), ErrorKind::Text);
            assert!(error.position().is_some());
        }
    }
}
