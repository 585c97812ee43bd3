//! Functions of many shapes, of which some would take a code generator much longer than in
//! proportion to their length: each is compiled in another way then (`translate/complexity.rs`).
//!
//! `cargo test` looks at which way is taken, which does not depend on the machine. With `SHAPES=1`
//! in the environment (`make test-shapes`) the time is measured, and must be at most [`FACTOR`]
//! times that of usual code of the same size. `SHAPES=name,name` measures only these, `SIZES=n,n`
//! other sizes in bytes.

#![allow(clippy::cast_precision_loss)] // figures for people

mod encode;
mod shapes;

use cranelift_codegen::ir::Function;
use gowasmer::abi::vmctx::VmctxLayout;
use gowasmer::compile::{Compilation, Purpose};
use gowasmer::error::Result;
use gowasmer::isa::isa;
use gowasmer::options::{BoundsMode, CompileOptions, OptLevel};
use gowasmer::os::{on_large_stack, read_clock};
use gowasmer::translate::{Candidates, Complexity, Environment, Translator};
use shapes::{SHAPES, Shape, With};
use wasmparser::FuncValidatorAllocations;

/// How much longer than usual code any shape may take, byte for byte.
const FACTOR: f64 = 8.0;
/// Bytes of the modules that are measured. The largest is about what a function may have.
const SIZES: [usize; 4] = [20_000, 100_000, 1_000_000, 7_000_000];
/// Bytes of the modules that are looked at.
const SIZE: usize = 40_000;

/// The shapes of which a function of `SIZE` is too complex to be optimised, in their order.
const TOO_COMPLEX: &[&str] = &[
    "loads_and_adds",
    "loads_and_adds_explicit",
    "loads_by_64_bits",
    "sums_of_one_local",
    "sums_of_constants",
    "folded_sums",
    "vector_constants",
    "globals",
    "fills",
    "deep_stack",
    "merged_loads",
    "counters",
    "nested_blocks",
    "nested_loops",
    "nested_ifs",
    "loops_in_a_row",
    "ifs_with_values",
    "branches_out",
    "branches_with_values",
    "returns",
    "locals_and_blocks",
    "locals_in_a_loop",
    "locals_in_loops",
    "locals_of_nested_loops",
    "locals_that_wait",
    "wide_blocks",
    "wide_loops",
];

fn options(shape: &Shape, opt_level: OptLevel) -> CompileOptions {
    let bounds = if shape.with == With::ExplicitBounds { BoundsMode::Explicit } else { BoundsMode::Guarded };
    CompileOptions { bounds, opt_level, ..CompileOptions::default() }
}

/// Bytes of the machine code of a module, by one thread.
fn compile(bytes: &[u8], options: CompileOptions) -> Result<usize> {
    let compilation = Compilation::open(bytes, Purpose::Compile(options))?;
    compilation.run();
    let linked = compilation.finish()?.expect("code is wanted");
    let mut block = vec![0; linked.artifact.tables.block_size()];
    linked.write(&mut block)?;
    Ok(block.len())
}

/// Whether a function of a module is too complex to be optimised.
fn is_too_complex(shape: &Shape, bytes: &[u8]) -> bool {
    let parsed = gowasmer::wasm::parse(bytes).unwrap_or_else(|error| panic!("{}: {error}", shape.name));
    let (layout, candidates) = (VmctxLayout::new(&parsed.info), Candidates::new(parsed.bodies.len()));
    let env = Environment {
        info: &parsed.info,
        layout: &layout,
        options: options(shape, OptLevel::Speed),
        frontend: isa().unwrap().frontend_config(),
        bodies: &parsed.bodies,
        candidates: &candidates,
        validated: false,
    };
    let mut translator = Translator::new();
    (parsed.info.imported_functions..).take(parsed.bodies.len()).any(|index| {
        let mut function = Function::new();
        let allocations = FuncValidatorAllocations::default();
        let done = translator.translate(&env, index, OptLevel::Speed, &mut function, allocations);
        let done = done.unwrap_or_else(|error| panic!("{}: {error}", shape.name));
        done.is_none() || Complexity::is_too_high(&function)
    })
}

#[test]
fn what_is_too_complex_is_found_out() {
    let found: Vec<_> = SHAPES
        .iter()
        .filter(|shape| is_too_complex(shape, &(shape.make)(SIZE).encode()))
        .map(|shape| shape.name)
        .collect();
    assert_eq!(found, TOO_COMPLEX);
}

#[test]
fn all_shapes_compile_at_all_levels() {
    for shape in SHAPES {
        let code = |size: usize, level| {
            let bytes = (shape.make)(size).encode();
            let code = on_large_stack(|| compile(&bytes, options(shape, level)));
            let code = code.and_then(|code| code).unwrap_or_else(|error| panic!("{} {level:?}: {error}", shape.name));
            code as f64 / bytes.len() as f64
        };
        code(2_000, OptLevel::Speed);
        // As much code for each byte, whatever the size.
        let (small, large) = (code(4_000, OptLevel::None), code(16_000, OptLevel::None));
        assert!(large < 1.5 * small + 1.0, "{}: {small:.1} bytes of code for each byte, then {large:.1}", shape.name);
    }
}

#[test]
fn time_is_in_proportion() {
    let Ok(wanted) = std::env::var("SHAPES") else { return };
    let sizes: Vec<usize> = match std::env::var("SIZES") {
        Ok(sizes) => sizes.split(',').map(|size| size.parse().expect("SIZES takes numbers of bytes")).collect(),
        Err(_) => SIZES.into(),
    };
    let is_wanted = |shape: &&Shape| wanted == "1" || wanted.split(',').any(|name| name == shape.name);
    let mut slow = Vec::new();
    println!("nanoseconds for each byte, and how many times that of usual code of the size\n");
    print!("{:24}", "shape");
    for size in &sizes {
        print!(" {size:>17}");
    }
    println!();
    // The usual code is measured again and again: what else the machine does changes.
    for shape in SHAPES.iter().filter(is_wanted) {
        print!("{:24}", shape.name);
        for size in &sizes {
            let (usual, time) = (nanoseconds(&SHAPES[0], (*size).min(400_000)), nanoseconds(shape, *size));
            let factor = time / usual;
            print!(" {time:>9.0} {:>7}", format!("{factor:.1}x"));
            if factor > FACTOR {
                slow.push(format!("{} of {size} bytes: {factor:.1}", shape.name));
            }
        }
        println!();
    }
    assert!(slow.is_empty(), "more than {FACTOR} times as slow as usual code: {slow:#?}");
}

/// Nanoseconds of processor time that each byte of a shape takes; of small ones the least of some.
fn nanoseconds(shape: &Shape, size: usize) -> f64 {
    const CLOCK_THREAD_CPUTIME_ID: i32 = 3;
    let bytes = (shape.make)(size).encode();
    let once = || {
        let now = || read_clock(CLOCK_THREAD_CPUTIME_ID).expect("the thread has a clock");
        let time = on_large_stack(|| {
            let begin = now();
            compile(&bytes, options(shape, OptLevel::Speed)).map(|_| now() - begin)
        });
        time.and_then(|time| time).unwrap_or_else(|error| panic!("{}: {error}", shape.name)) as f64
    };
    let rounds = if size > 200_000 { 1 } else { 3 };
    (0..rounds).map(|_| once()).fold(f64::INFINITY, f64::min) / bytes.len() as f64
}
