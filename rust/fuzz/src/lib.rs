//! Differential tests: generated and damaged modules run in this project's engine, in wasmi and in
//! wasmtime, and everything that can be seen from outside is compared.
//!
//! ```text
//! generate   kind and seed -> module (wasm-smith, wasm-mutate, recursion, damage)
//! check      one case: validity, then a transcript of each engine, then their first difference
//! worker     cases one after the other, in a child process; a crash there is a finding like any other
//! supervise  the workers, the progress, what was found
//! shrink     a finding -> the smallest module that shows it, into testdata/regress
//! emit       cases with what an oracle does, for scripts/differential, which runs them through the Go package
//! ```
//!
//! Never part of the library: only this crate depends on the oracles.
#![deny(unsafe_code, missing_docs, clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]

pub mod check;
mod damage;
pub mod emit;
pub mod encoding;
pub mod engines;
pub mod expect;
pub mod generate;
pub mod guests;
pub mod imports;
pub mod kinds;
pub mod oracles;
mod recursion;
pub mod rng;
pub mod shrink;
pub mod subject;
pub mod supervise;
pub mod transcript;
pub mod validity;
pub mod value;
pub mod worker;
