//! The engine behind the Go package `go/wasmer`: WebAssembly to machine code, run as coroutines of
//! goroutines.
//!
//! The pipeline of a module, one room after the other:
//!
//! ```text
//! bytes -> wasm       validated declarations (ModuleInfo) and function bodies
//!       -> translate  a body -> CLIF
//!       -> compile    CLIF -> machine code, trap records, address map; trampolines; in parallel
//!       -> artifact   what is run, serialised and cached
//!       -> code       the arena that code lives in, and the index from a program counter back to functions and traps
//!       -> vm         stores, memories, tables, globals, instances, linking
//! ```
//!
//! A call: Go fills a context -> `fiber` enters the guest's stack -> compiled code -> a stub or
//! signal leaves with a status. `text` makes bytes of the text format. `ffi` is the C ABI over all
//! of it; the ground, which everything may import, is `abi` (the layouts that compiled code, stubs,
//! host and Go share), `options`, `isa` (this processor and its calls), `types`, `error`, `trap`,
//! `budget`, `os` and `sync`. The last two exist twice: in the hosted form (std, the C library),
//! and in the image, which is without both.
//!
//! Each room imports only lower ones: `ffi`, `vm`, `fiber`, `code`, `compile`, `artifact`,
//! `translate`, `wasm`, the ground.
#![no_std]
#![deny(unsafe_code, missing_docs, clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]

#[macro_use]
extern crate alloc;
#[cfg(any(test, feature = "hosted"))]
extern crate std;

pub mod abi;
pub mod artifact;
pub mod budget;
pub mod checksum;
pub mod code;
pub mod compile;
pub mod error;
pub mod ffi;
pub mod fiber;
pub mod isa;
pub mod options;
pub mod os;
mod prelude;
mod sync;
pub mod text;
pub mod translate;
pub mod trap;
pub mod types;
pub mod vm;
pub mod wasm;

#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux")))]
compile_error!("gowasmer runs on Linux on x86-64 and aarch64");
