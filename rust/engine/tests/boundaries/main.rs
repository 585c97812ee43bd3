//! The edges of instructions, through the whole engine: small modules are compiled and run right at
//! the edge, and the value or the trap code must be exactly that of the specification.
//!
//! `memory` has each load and store around the end of a memory, `numbers` each division and
//! conversion around the values that trap, `merged` loads that are one machine instruction with
//! what uses their value.

mod guest;
mod memory;
mod merged;
mod numbers;
