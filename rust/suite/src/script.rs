//! The encoding in which specification scripts (files .wast) cross to Go: little-endian numbers,
//! strings as a u32 length and bytes of UTF-8. `internal/wast` decodes it.
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
//! value      u8 type (0 i32, 1 i64, 2 f32, 3 f64, 4 v128), then 4, 8 or 16 bytes
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

use wast::core::{AbstractHeapType, HeapType, NanPattern, V128Const, V128Pattern, WastArgCore, WastRetCore};
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::token::{self, Id};
use wast::{QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet};

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

// The kinds of values and patterns: numbers of types, and others.
const I32: u8 = 0;
const I64: u8 = 1;
const F32: u8 = 2;
const F64: u8 = 3;
const V128: u8 = 4;
const REF_NULL: u8 = 5;
const REF_EXTERN: u8 = 6;
const REF_FUNC: u8 = 7;
const EITHER: u8 = 8;
const OTHER: u8 = 9;

/// What marks the width of a lane as that of a float.
const FLOAT_LANES: u8 = 16;

/// Encodes the script of a text. The error says where the text is wrong; lines and columns count
/// from 1.
pub fn encode(text: &[u8]) -> Result<Vec<u8>, String> {
    let text = str::from_utf8(text).map_err(|error| {
        let before = String::from_utf8_lossy(&text[..error.valid_up_to()]);
        let line = before.matches('\n').count() + 1;
        format!("line {line}: malformed UTF-8 encoding")
    })?;
    let failed = |error: wast::Error| {
        let (line, column) = error.span().linecol_in(text);
        format!("line {}, column {}: {}", line + 1, column + 1, error.message())
    };
    // All of Unicode may stand in comments and strings (section 6.2.1), also what changes the
    // direction of writing.
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).map_err(failed)?;
    let directives = parser::parse::<Wast<'_>>(&buffer).map_err(failed)?.directives;
    let mut to = Writer::default();
    to.u32(VERSION);
    to.count(directives.len());
    // Directives stand in the order of the text, so that one pass over it finds all lines.
    let (mut line, mut seen) = (1, 0);
    for directive in directives {
        let offset = directive.span().offset().clamp(seen, text.len());
        line += text[seen..offset].matches('\n').count() as u32;
        seen = offset;
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
    Ok(to.0)
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

/// Bytes under construction.
#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).expect("a script is smaller than 4 GiB"));
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

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
            WastArg::Core(WastArgCore::I32(value)) => self.typed(I32, &value.to_le_bytes()),
            WastArg::Core(WastArgCore::I64(value)) => self.typed(I64, &value.to_le_bytes()),
            WastArg::Core(WastArgCore::F32(value)) => self.typed(F32, &value.bits.to_le_bytes()),
            WastArg::Core(WastArgCore::F64(value)) => self.typed(F64, &value.bits.to_le_bytes()),
            WastArg::Core(WastArgCore::V128(value)) => self.typed(V128, &value.to_le_bytes()),
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

    fn typed(&mut self, ty: u8, bytes: &[u8]) {
        self.u8(ty);
        self.0.extend_from_slice(bytes);
    }

    fn result(&mut self, result: &WastRet<'_>) {
        match result {
            WastRet::Core(pattern) => self.pattern(pattern),
            // With the component model, which a dependent of the crate `wast` may switch on, there
            // are others.
            #[allow(unreachable_patterns)]
            other => self.other(other),
        }
    }

    fn pattern(&mut self, pattern: &WastRetCore<'_>) {
        match pattern {
            WastRetCore::I32(value) => self.typed(I32, &value.to_le_bytes()),
            WastRetCore::I64(value) => self.typed(I64, &value.to_le_bytes()),
            WastRetCore::F32(pattern) => {
                self.u8(F32);
                self.float32(*pattern);
            }
            WastRetCore::F64(pattern) => {
                self.u8(F64);
                self.float64(*pattern);
            }
            WastRetCore::V128(pattern) => {
                self.u8(V128);
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

    fn float32(&mut self, pattern: NanPattern<token::F32>) {
        self.u8(nan_kind(&pattern));
        if let NanPattern::Value(value) = pattern {
            self.u32(value.bits);
        }
    }

    fn float64(&mut self, pattern: NanPattern<token::F64>) {
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

/// The name of a heap type in the text format; "type" for those that a module defines, which mean
/// nothing in a script.
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
    use std::fs;
    use std::path::Path;

    /// The bytes that the tests of `internal/wast` decode. `BLESS=1` writes them anew.
    #[test]
    fn encodings_are_fresh() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/spec");
        let mut scripts = 0;
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "wast") {
                continue;
            }
            scripts += 1;
            let (encoded, golden) = (encode(&fs::read(&path).unwrap()).unwrap(), path.with_extension("bin"));
            if std::env::var_os("BLESS").is_some() {
                fs::write(&golden, &encoded).unwrap();
            }
            let there = fs::read(&golden).unwrap_or_default();
            assert!(encoded == there, "{} is stale: run with BLESS=1", golden.display());
        }
        assert!(scripts > 0);
    }

    #[test]
    fn texts_that_are_no_scripts_are_errors() {
        for (text, expected) in [
            (&b"(module"[..], "line 1, column 8: "),
            (b"(assert_return)", "line 1, column 15: "),
            (b"(module)\n\xff", "line 2: malformed UTF-8 encoding"),
            (b"", "line 1, column 1: "),
            (b"module", "line 1, column 1: "),
            (b"(module)\n(assert_what)", "line 2, column 2: "),
        ] {
            let error = encode(text).expect_err("no script");
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
