//! The engines: this project's in its variants, the two oracles, and one with faults for tests of
//! the harness.

mod ours;
mod planted;
mod wasmi;
mod wasmtime;

pub use ours::{Ours, Variant};
pub use planted::{Fault, Planted};
pub use wasmi::Wasmi;
pub use wasmtime::Wasmtime;
