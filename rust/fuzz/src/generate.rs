//! From a kind and a seed to a module: the same bytes for the same two, everywhere.

use crate::damage;
use crate::guests;
use crate::kinds::Kind;
use crate::recursion;
use crate::rng::Rng;
use arbitrary::Unstructured;
use std::fmt;
use std::str::FromStr;
use wasm_mutate::WasmMutate;

/// What wasm-mutate may spend on one alteration.
const MUTATION_FUEL: u64 = 300;

/// A case: all of it follows from these two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Case {
    /// Which sort of module.
    pub kind: Kind,
    /// Decides everything else.
    pub seed: u64,
}

impl Case {
    /// Case number `index` of a run, of one of these kinds.
    #[must_use]
    pub fn numbered(run: u64, index: u64, kinds: &[Kind]) -> Self {
        let mut rng = Rng::new(Rng::new(run).bits() ^ index.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let kind = Kind::choose(&mut rng, kinds);
        Self { kind, seed: rng.bits() }
    }

    /// Its module. None where the generator finds nothing.
    #[must_use]
    pub fn module(self) -> Option<Vec<u8>> {
        let mut rng = Rng::new(self.seed);
        match self.kind {
            Kind::Mutated => Some(mutated(generated(any_kind(&mut rng), &mut rng, self.canonical())?, &mut rng)),
            Kind::Guest => Some(mutated(rng.pick(guests::all()).to_vec(), &mut rng)),
            Kind::Bytes => Some(damaged(&mut rng)),
            kind => generated(kind, &mut rng, self.canonical()),
        }
    }

    /// Whether the engines are asked to make NaN canonical.
    #[must_use]
    pub fn canonical(self) -> bool {
        self.kind.canonical(self.seed)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.kind, self.seed)
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("case {text:?}, expected KIND-SEED, the seed in hexadecimal");
        let (kind, seed) = text.split_once('-').ok_or_else(expected)?;
        Ok(Self { kind: kind.parse()?, seed: u64::from_str_radix(seed, 16).map_err(|_| expected())? })
    }
}

fn any_kind(rng: &mut Rng) -> Kind {
    loop {
        let kind = Kind::choose(rng, &Kind::ALL);
        if !matches!(kind, Kind::Mutated | Kind::Guest | Kind::Bytes) {
            return kind;
        }
    }
}

fn generated(kind: Kind, rng: &mut Rng, canonical: bool) -> Option<Vec<u8>> {
    if kind == Kind::Recursion {
        return Some(recursion::module(rng));
    }
    let config = kind.config(rng, canonical);
    let fuel = kind.fuel(rng);
    let length = 1024 + rng.below(12 << 10);
    let bytes = rng.bytes(length);
    let mut module = wasm_smith::Module::new(config, &mut Unstructured::new(&bytes)).ok()?;
    if let Some(fuel) = fuel {
        module.ensure_termination(fuel).ok()?;
    }
    Some(module.to_bytes())
}

/// A module altered up to four times, as far as wasm-mutate finds something to alter.
fn mutated(mut module: Vec<u8>, rng: &mut Rng) -> Vec<u8> {
    for _ in 0..=rng.below(4) {
        let mut mutate = WasmMutate::default();
        mutate.seed(rng.bits()).fuel(MUTATION_FUEL);
        let next = mutate.run(&module).ok().and_then(|mut found| found.next()).and_then(Result::ok);
        if let Some(next) = next {
            module = next;
        }
    }
    module
}

/// A module with damaged bytes.
fn damaged(rng: &mut Rng) -> Vec<u8> {
    let one = |rng: &mut Rng| {
        let kind = any_kind(rng);
        if rng.one_in(3) { None } else { generated(kind, rng, true) }
            .unwrap_or_else(|| rng.pick(guests::all()).to_vec())
    };
    let module = one(rng);
    let other = if rng.one_in(4) { one(rng) } else { module.clone() };
    damage::damage(module, &other, rng)
}
