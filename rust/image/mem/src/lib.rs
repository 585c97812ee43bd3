//! What compiled Rust calls in C's library for memory: `memcpy`, `memmove`, `memset`, `memcmp`,
//! `bcmp`, `strlen`.
//!
//! The engine's image has no C library, and guests' `memory.copy` and `memory.fill` run on these,
//! too. Code is that of x86-64 with SSE2 (a pause saves no wider registers) and of aarch64 with
//! 16-byte vectors. Nothing outside the ranges given is read or written, and nothing is called:
//! with `no_builtins` the compiler turns no loop into a call of the function that it stands in.
//!
//! Each file owns one family; [`block`] owns what differs between processors.
#![no_std]
#![no_builtins]
// Each function is one piece of code, also where the image is built for size.
#![allow(clippy::inline_always)]

#[cfg(target_arch = "aarch64")]
#[path = "block_aarch64.rs"]
mod block;
#[cfg(target_arch = "x86_64")]
#[path = "block_x86_64.rs"]
mod block;
mod compare;
mod copy;
mod fill;

pub use compare::{bcmp, memcmp, strlen};
pub use copy::{memcpy, memmove};
pub use fill::memset;
