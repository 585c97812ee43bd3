//! The kinds of cases, and the shape of the modules that each generates.
//!
//! Proposals are switched on by the engine's own list of features, so that what it learns is tested
//! from the same day on.

use crate::rng::Rng;
use gowasmer::wasm::features::FEATURES;
use std::fmt;
use std::str::FromStr;
use wasm_smith::{Config, InstructionKind, InstructionKinds, MemoryOffsetChoices};
use wasmparser::WasmFeatures;

/// A kind of case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Numbers and nothing else.
    Numeric,
    /// Floats, canonicalised by the engines.
    Floats,
    /// Loads and stores, many near the end of the memory or beyond.
    Memory,
    /// Bulk operations on memories and tables.
    Bulk,
    /// Tables, references, indirect calls.
    Tables,
    /// Types with many parameters and results.
    Values,
    /// Blocks, branches and loops, deeply nested.
    Control,
    /// Small functions that call each other, without the code that ends loops: the engine inlines
    /// these.
    Calls,
    /// Functions that call themselves, in loops and through tables that never change.
    Recursion,
    /// Imports of every sort.
    Imports,
    /// Everything at once.
    All,
    /// Vectors.
    Simd,
    /// Proposals of 3.0: tail calls, several memories, 64-bit memories and tables, extended
    /// constant expressions, custom page sizes.
    Recent,
    /// A generated module, altered by wasm-mutate.
    Mutated,
    /// A guest of testdata/, altered by wasm-mutate.
    Guest,
    /// Bytes of a module altered at random: all validators must agree; if it stays valid, it is
    /// run.
    Bytes,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 16] = [
        Self::Numeric,
        Self::Floats,
        Self::Memory,
        Self::Bulk,
        Self::Tables,
        Self::Values,
        Self::Control,
        Self::Calls,
        Self::Recursion,
        Self::Imports,
        Self::All,
        Self::Simd,
        Self::Recent,
        Self::Mutated,
        Self::Guest,
        Self::Bytes,
    ];

    /// How often it comes in a run of all kinds. What the engine does not support never comes.
    #[must_use]
    pub const fn weight(self) -> usize {
        match self {
            Self::Simd if !FEATURES.contains(WasmFeatures::SIMD) => 0,
            Self::Recent if !supports_recent() => 0,
            Self::Guest => 1,
            Self::Bytes => 24,
            Self::Mutated => 12,
            _ => 8,
        }
    }

    /// The kind's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Numeric => "numeric",
            Self::Floats => "floats",
            Self::Memory => "memory",
            Self::Bulk => "bulk",
            Self::Tables => "tables",
            Self::Values => "values",
            Self::Control => "control",
            Self::Calls => "calls",
            Self::Recursion => "recursion",
            Self::Imports => "imports",
            Self::All => "all",
            Self::Simd => "simd",
            Self::Recent => "recent",
            Self::Mutated => "mutated",
            Self::Guest => "guest",
            Self::Bytes => "bytes",
        }
    }

    /// One of several, by weight.
    #[must_use]
    pub fn choose(rng: &mut Rng, among: &[Self]) -> Self {
        let total = among.iter().map(|kind| kind.weight()).sum::<usize>().max(1);
        let mut at = rng.below(total);
        for kind in among {
            match at.checked_sub(kind.weight()) {
                Some(rest) => at = rest,
                None => return *kind,
            }
        }
        among[0]
    }

    /// Whether the engines are asked to make NaN canonical; otherwise the generated module does it.
    #[must_use]
    pub fn canonical(self, seed: u64) -> bool {
        match self {
            Self::Floats | Self::Guest | Self::Bytes => true,
            _ => seed & 1 != 0,
        }
    }

    /// The most that a function may loop and recurse; none for modules that lack the code to count
    /// it.
    #[must_use]
    pub fn fuel(self, rng: &mut Rng) -> Option<u32> {
        match self {
            Self::Calls => None,
            Self::Bulk => Some(20_000),
            _ => (!rng.one_in(4)).then_some(600),
        }
    }

    /// The shape of its modules.
    #[must_use]
    pub fn config(self, rng: &mut Rng, canonical: bool) -> Config {
        let base = base(rng, canonical);
        let only = |kinds: &[InstructionKind]| InstructionKinds::new(kinds);
        use InstructionKind as I;
        match self {
            Self::Numeric | Self::Floats => Config {
                allowed_instructions: only(&[I::Numeric, I::Parametric, I::Variable, I::Control]),
                max_memories: 0,
                max_tables: 0,
                max_instructions: 120,
                simd_enabled: false,
                relaxed_simd_enabled: false,
                ..base
            },
            Self::Memory => Config {
                allowed_instructions: only(&[I::Memory, I::Numeric, I::Parametric, I::Variable, I::Control]),
                min_memories: 1,
                min_data_segments: 1,
                memory_offset_choices: MemoryOffsetChoices(70, 20, 10),
                disallow_traps: rng.one_in(2),
                max_tables: 0,
                ..base
            },
            Self::Bulk => Config {
                allowed_instructions: only(&[I::Memory, I::Table, I::Reference, I::NumericInt, I::Variable]),
                min_memories: 1,
                min_tables: 1,
                min_data_segments: 1,
                min_element_segments: 1,
                memory_offset_choices: MemoryOffsetChoices(95, 5, 0),
                ..base
            },
            Self::Tables => Config {
                allowed_instructions: only(&[
                    I::Table,
                    I::Reference,
                    I::NumericInt,
                    I::Parametric,
                    I::Variable,
                    I::Control,
                ]),
                min_tables: 1,
                min_element_segments: 1,
                max_tables: 3,
                max_memories: 0,
                max_types: 3,
                max_funcs: 6,
                ..base
            },
            Self::Values => Config { max_types: 12, max_funcs: 6, max_type_size: 400, ..base },
            Self::Control => Config {
                allowed_instructions: only(&[I::Control, I::NumericInt, I::Parametric, I::Variable]),
                max_instructions: 200,
                max_memories: 0,
                ..base
            },
            Self::Calls => Config { min_funcs: 4, max_funcs: 12, max_instructions: 12, max_types: 3, ..base },
            Self::Imports => Config { min_imports: 1, max_imports: 6, ..base },
            // What wasm-smith does not make, or not as it is, needs no shape of its own.
            Self::All | Self::Recursion | Self::Mutated | Self::Guest | Self::Bytes => {
                Config { max_imports: rng.below(3), max_instructions: 100, ..base }
            }
            Self::Simd => Config {
                allowed_instructions: only(&[I::Vector, I::Numeric, I::Memory, I::Parametric, I::Variable, I::Control]),
                simd_enabled: true,
                max_instructions: 120,
                max_tables: 0,
                ..base
            },
            Self::Recent => Config {
                tail_call_enabled: has(WasmFeatures::TAIL_CALL),
                extended_const_enabled: has(WasmFeatures::EXTENDED_CONST),
                memory64_enabled: has(WasmFeatures::MEMORY64),
                custom_page_sizes_enabled: has(WasmFeatures::CUSTOM_PAGE_SIZES) && rng.one_in(2),
                max_memories: if has(WasmFeatures::MULTI_MEMORY) { 3 } else { 1 },
                min_memories: 1,
                max_tables: 3,
                max_imports: rng.below(3),
                ..base
            },
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| format!("kind {name:?}, expected one of {}", names()))
    }
}

const fn has(feature: WasmFeatures) -> bool {
    FEATURES.contains(feature)
}

const fn supports_recent() -> bool {
    has(WasmFeatures::TAIL_CALL)
        || has(WasmFeatures::EXTENDED_CONST)
        || has(WasmFeatures::MEMORY64)
        || has(WasmFeatures::MULTI_MEMORY)
}

/// What the shapes have in common: small modules, of whose proposals some are on.
fn base(rng: &mut Rng, canonical: bool) -> Config {
    let mut maybe = |feature| has(feature) && rng.one_in(2);
    Config {
        simd_enabled: maybe(WasmFeatures::SIMD),
        tail_call_enabled: maybe(WasmFeatures::TAIL_CALL),
        extended_const_enabled: maybe(WasmFeatures::EXTENDED_CONST),
        memory64_enabled: maybe(WasmFeatures::MEMORY64),
        max_memories: if maybe(WasmFeatures::MULTI_MEMORY) { 2 } else { 1 },
        // Engines may answer differently.
        relaxed_simd_enabled: false,
        gc_enabled: has(WasmFeatures::GC),
        exceptions_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        compact_imports_enabled: false,
        custom_page_sizes_enabled: false,
        canonicalize_nans: !canonical,
        disallow_traps: rng.one_in(4),
        export_everything: true,
        max_imports: 0,
        max_types: 6,
        min_types: 1,
        min_funcs: 1,
        max_funcs: 5,
        max_instructions: 120,
        max_globals: 4,
        max_tables: 2,
        max_data_segments: 3,
        max_element_segments: 3,
        max_elements: 8,
        max_type_size: 600,
        memory_max_size_required: true,
        max_memory32_bytes: 4 << 16,
        max_memory64_bytes: 4 << 16,
        table_max_size_required: true,
        max_table_elements: 24,
        ..Config::default()
    }
}
