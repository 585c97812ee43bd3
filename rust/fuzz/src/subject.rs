//! What is run: a module, what it declares, and everything about the run that the seed decides
//! (arguments, what the host's functions answer, values of imported globals), so that all engines
//! get the same.

use crate::rng::{Rng, mix};
use crate::value::Value;
use gowasmer::types::{FuncType, ValType};
use gowasmer::wasm::{self, ExternKind, ModuleInfo};

/// Pages of 64 KiB that any memory may have.
pub const MAX_PAGES: u64 = 160;

/// Pages of a size, as a power of two, that any memory may have.
#[must_use]
pub const fn max_pages(page_size_log2: u8) -> u64 {
    (MAX_PAGES << 16) >> page_size_log2
}

/// Elements that any table may have.
pub const MAX_ELEMENTS: u64 = 20_000;
/// Exported functions that are called, of the first of them.
const MAX_CALLED: usize = 12;
/// How often each is called.
const CALLS: usize = 2;

/// A module and how it is run.
#[derive(Debug)]
pub struct Subject {
    /// The binary.
    pub bytes: Vec<u8>,
    /// What it declares.
    pub info: ModuleInfo,
    /// Decides arguments and what the host answers.
    pub seed: u64,
    /// Whether engines make results that are NaN canonical; otherwise the module does it.
    pub canonical: bool,
}

/// One call of an export.
#[derive(Clone, Debug)]
pub struct Call {
    /// Position among the exports.
    pub export: usize,
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: FuncType,
    /// Arguments.
    pub arguments: Vec<Value>,
}

impl Subject {
    /// Takes a module apart. None if it is not valid.
    #[must_use]
    pub fn new(bytes: Vec<u8>, seed: u64, canonical: bool) -> Option<Self> {
        let info = wasm::parse(&bytes).ok()?.info;
        Some(Self { bytes, info, seed, canonical })
    }

    /// The same, with engines that make NaN canonical.
    #[must_use]
    pub fn canonicalized(&self) -> Self {
        Self { bytes: self.bytes.clone(), info: self.info.clone(), seed: self.seed, canonical: true }
    }

    /// The calls to make, in their order. They depend on the names of exports only, so that a
    /// module that lost some of them still gets the same arguments for the others.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        let functions = self.info.exports.iter().enumerate().filter(|(_, export)| export.kind == ExternKind::Func);
        let mut calls = Vec::new();
        for (export, declared) in functions.take(MAX_CALLED) {
            let ty = self.info.function_type(declared.index);
            let mut rng = Rng::named(self.seed, declared.name.as_bytes());
            for _ in 0..if ty.params.is_empty() { 1 } else { CALLS } {
                let arguments = ty.params.iter().map(|ty| argument(&mut rng, *ty)).collect();
                calls.push(Call { export, name: declared.name.clone(), ty: ty.clone(), arguments });
            }
        }
        calls
    }

    /// What the host's functions answer.
    #[must_use]
    pub const fn answers(&self) -> Answers {
        Answers(self.seed)
    }

    /// The value of an imported global.
    #[must_use]
    pub fn global(&self, import: usize, ty: ValType) -> Value {
        host_value(&mut Rng::new(mix(self.seed, import as u64)), ty)
    }
}

/// What the host's functions answer.
#[derive(Clone, Copy, Debug)]
pub struct Answers(u64);

impl Answers {
    /// What an imported function answers: determined by its position and arguments.
    #[must_use]
    pub fn answer(self, import: usize, arguments: &[Value], results: &[ValType]) -> Vec<Value> {
        let seed = arguments.iter().fold(mix(self.0, import as u64), |hash, value| {
            mix(mix(hash, value.bits() as u64), (value.bits() >> 64) as u64)
        });
        let mut rng = Rng::new(seed);
        results.iter().map(|ty| host_value(&mut rng, *ty)).collect()
    }
}

/// A value that the host makes up: no function, as only null can be given everywhere.
fn host_value(rng: &mut Rng, ty: ValType) -> Value {
    match ty {
        ValType::FuncRef => Value::Func(false),
        _ => argument(rng, ty),
    }
}

/// An argument: edges of the ranges, small numbers, or anything.
fn argument(rng: &mut Rng, ty: ValType) -> Value {
    let bits = match rng.below(4) {
        0 => u128::from(rng.bits()) << 64 | u128::from(rng.bits()),
        1 => edge(rng, ty),
        2 => u128::from(rng.bits() % 17),
        _ => small(rng, ty),
    };
    Value::from_bits(ty, bits)
}

fn edge(rng: &mut Rng, ty: ValType) -> u128 {
    const F32: [u32; 10] =
        [0, 1 << 31, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 1, 0x7f7f_ffff, 0x4f00_0000, 0xcf00_0000, 0x5f00_0000];
    const F64: [u64; 10] = [
        0,
        1 << 63,
        0x7ff0_0000_0000_0000,
        0xfff0_0000_0000_0000,
        0x7ff8_0000_0000_0000,
        1,
        0x7fef_ffff_ffff_ffff,
        0x41e0_0000_0000_0000,
        0xc1e0_0000_0000_0000,
        0x43e0_0000_0000_0000,
    ];
    match ty {
        ValType::F32 => rng.pick(&F32).into(),
        ValType::F64 => rng.pick(&F64).into(),
        _ => {
            let power = 1_u128 << rng.below(128);
            [power, power - 1, u128::MAX, u128::MAX << 31, u128::MAX << 63, u128::from(u32::MAX >> 1)][rng.below(6)]
        }
    }
}

/// A small number, negative or not, in the type's own way to write it.
fn small(rng: &mut Rng, ty: ValType) -> u128 {
    let number = rng.below(2000) as i16 - 1000;
    match ty {
        ValType::F32 => (f32::from(number) / 8.0).to_bits().into(),
        ValType::F64 => (f64::from(number) / 8.0).to_bits().into(),
        _ => i128::from(number).cast_unsigned(),
    }
}
