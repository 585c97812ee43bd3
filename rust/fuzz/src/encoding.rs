//! The encoding in which cases, and what they have to do, cross to Go: little-endian numbers,
//! strings and bytes behind their length as a u32. `scripts/differential` decodes it.
//!
//! ```text
//! stream     n x frame, u32 0
//! frame      u32 length, that many bytes: a case
//! case       u32 version = 1, u64 number in the run, str KIND-SEED, u64 seed, u8 verdict, payload
//! payload    0 no module
//!            1 refused        bytes module
//!            2 disputed       bytes module, str text
//!            3 valid          bytes module, u8 oracle (0 wasmi, 1 wasmtime), u8 how, u64 pages that a memory may have, u64 elements that
//!                             a table may have, list of import, list of event, u8 cut
//! how        bits: 1 make NaN canonical; run it 2 with guard pages, 4 with explicit checks, 8 written out and read again
//! cut        why the run ends: 0 it is at its end, 1 fuel, 2 stack, 3 a resource, 4 too many calls of the host
//! import     u8 0 function, 1 memory and 2 table: u64 maximum of what is given, 3 global: value
//! event      u8 0 an instance is made, in place of the one before:  list of host call, outcome
//!            u8 1 a call:                                           str export, list of value, list of host call, outcome
//!            u8 2 what the exports other than functions hold:       list of state
//! host call  u32 position among the imported functions, list of value: arguments, list of value: results
//! outcome    u8 0 list of value; u8 1 a trap: u8 (as in `Trap`, from 0 on)
//! state      u8 0 global: value; u8 1 memory: u64 bytes, u64 hash; u8 2 table: u64 elements, u64 hash
//! value      u8 type (0 i32, 1 i64, 2 f32, 3 f64, 4 v128), then 4, 8 or 16 bytes
//!            u8 5 funcref, u8 whether it is one: as an argument, that of the first exported function
//!            u8 6 externref, u64 number, 0 for null
//! list       u32 n, n items
//! ```

use crate::engines::Variant;
use crate::expect::{By, Expected};
use crate::generate::Case;
use crate::subject::{MAX_ELEMENTS, MAX_PAGES, Subject, max_pages};
use crate::transcript::{Event, HostCalls, State, Transcript};
use crate::value::{Failure, Value};
use gowasmer::types::{ExternType, ValType};

/// Version of this encoding.
const VERSION: u32 = 1;

/// What ends a stream.
pub const END: [u8; 4] = [0; 4];

/// Encodes a case as a frame.
#[must_use]
pub fn frame(number: u64, case: Case, expected: &Expected) -> Vec<u8> {
    let mut to = Writer(vec![0; 4]); // the length
    to.u32(VERSION);
    to.u64(number);
    to.bytes(case.to_string().as_bytes());
    to.u64(case.seed);
    match expected {
        Expected::Nothing => to.u8(0),
        Expected::Invalid(bytes) => {
            to.u8(1);
            to.bytes(bytes);
        }
        Expected::Disputed(bytes, text) => {
            to.u8(2);
            to.bytes(bytes);
            to.bytes(text.as_bytes());
        }
        Expected::Valid(subject, transcript, by) => {
            to.u8(3);
            to.bytes(&subject.bytes);
            to.u8(u8::from(*by == By::Wasmtime));
            to.u8(how(subject));
            to.u64(MAX_PAGES);
            to.u64(MAX_ELEMENTS);
            to.imports(subject);
            to.transcript(subject, transcript);
        }
    }
    let length = u32::try_from(to.0.len() - 4).expect("a case is smaller than 4 GiB");
    to.0[..4].copy_from_slice(&length.to_le_bytes());
    to.0
}

fn how(subject: &Subject) -> u8 {
    let bit = |variant| match variant {
        Variant::Guarded => 2,
        Variant::Explicit => 4,
        // Only here.
        Variant::NotOptimized => 0,
        Variant::Serialized => 8,
    };
    Variant::of_seed(subject.seed).map(bit).fold(u8::from(subject.canonical), |all, bit| all | bit)
}

/// Bytes under construction.
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
        self.u32(u32::try_from(count).expect("a case is smaller than 4 GiB"));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn imports(&mut self, subject: &Subject) {
        let imports = &subject.info.imports;
        self.count(imports.len());
        let mut globals = 0..;
        for import in imports {
            match &import.ty {
                ExternType::Func(_) => self.u8(0),
                ExternType::Memory(ty) => {
                    let most = max_pages(ty.page_size_log2);
                    self.u8(1);
                    self.u64(ty.limits.max.map_or(most, |max| max.min(most)));
                }
                ExternType::Table(ty) => {
                    self.u8(2);
                    self.u64(ty.limits.max.map_or(MAX_ELEMENTS, |max| max.min(MAX_ELEMENTS)));
                }
                ExternType::Global(ty) => {
                    self.u8(3);
                    self.value(subject.global(globals.next().expect("numbers do not end"), ty.value));
                }
                ExternType::Tag(_) => self.u8(4),
            }
        }
    }

    /// Events up to the first one that has more calls of the host than were kept.
    fn transcript(&mut self, subject: &Subject, transcript: &Transcript) {
        let told = |event: &Event| match event {
            Event::Instance(_, calls) | Event::Call(_, calls) => calls.all().is_some(),
            Event::State(_) => true,
        };
        let count = transcript.events.iter().position(|event| !told(event));
        let events = &transcript.events[..count.unwrap_or(transcript.events.len())];
        self.count(events.len());
        for (event, call) in events.iter().zip(&transcript.calls) {
            match event {
                Event::Instance(result, calls) => {
                    self.u8(0);
                    self.host_calls(subject, calls);
                    self.outcome(result.as_ref().map(|()| &[][..]));
                }
                Event::Call(result, calls) => {
                    let call = call.as_ref().expect("an event that is a call has one");
                    self.u8(1);
                    self.bytes(call.name.as_bytes());
                    self.values(&call.arguments);
                    self.host_calls(subject, calls);
                    self.outcome(result.as_ref().map(Vec::as_slice));
                }
                Event::State(states) => {
                    self.u8(2);
                    self.count(states.len());
                    for state in states {
                        self.state(state);
                    }
                }
            }
        }
        self.u8(match (count, &transcript.cut) {
            (Some(_), _) => 4,
            (None, None) => 0,
            (None, Some(Failure::Fuel)) => 1,
            (None, Some(Failure::Stack)) => 2,
            (None, Some(_)) => 3,
        });
    }

    fn host_calls(&mut self, subject: &Subject, calls: &HostCalls) {
        let calls = calls.all().expect("events with too many calls are left out");
        self.count(calls.len());
        for (function, arguments) in calls {
            let function_type = subject.info.function_type(*function as u32);
            self.count(*function);
            self.values(arguments);
            self.values(&subject.answers().answer(*function, arguments, &function_type.results));
        }
    }

    fn outcome(&mut self, result: Result<&[Value], &Failure>) {
        match result {
            Ok(values) => {
                self.u8(0);
                self.values(values);
            }
            Err(Failure::Trap(trap)) => {
                self.u8(1);
                self.u8(*trap as u8);
            }
            Err(failure) => unreachable!("an oracle's failure ends the run, or is disputed: {failure}"),
        }
    }

    fn state(&mut self, state: &State) {
        match *state {
            State::Global(value) => {
                self.u8(0);
                self.value(value);
            }
            State::Memory { bytes, hash } => {
                self.u8(1);
                self.u64(bytes);
                self.u64(hash);
            }
            State::Table { size, hash } => {
                self.u8(2);
                self.u64(size);
                self.u64(hash);
            }
        }
    }

    fn values(&mut self, values: &[Value]) {
        self.count(values.len());
        for value in values {
            self.value(*value);
        }
    }

    fn value(&mut self, value: Value) {
        match value {
            Value::I32(bits) => self.number(ValType::I32, &bits.to_le_bytes()),
            Value::I64(bits) => self.number(ValType::I64, &bits.to_le_bytes()),
            Value::F32(bits) => self.number(ValType::F32, &bits.to_le_bytes()),
            Value::F64(bits) => self.number(ValType::F64, &bits.to_le_bytes()),
            Value::V128(bits) => self.number(ValType::V128, &bits.to_le_bytes()),
            Value::Func(some) => self.number(ValType::FuncRef, &[some.into()]),
            Value::Extern(number) => self.number(ValType::ExternRef, &number.to_le_bytes()),
            Value::Exn(some) => self.number(ValType::ExnRef, &[some.into()]),
        }
    }

    fn number(&mut self, ty: ValType, bytes: &[u8]) {
        self.u8(match ty {
            ValType::I32 => 0,
            ValType::I64 => 1,
            ValType::F32 => 2,
            ValType::F64 => 3,
            ValType::V128 => 4,
            ValType::FuncRef => 5,
            ValType::ExternRef => 6,
            ValType::ExnRef => 7,
        });
        self.0.extend_from_slice(bytes);
    }
}
