//! Shapes.

mod encode;
mod shapes;

use gowasmer::compile::{Compilation, Purpose};
use gowasmer::options::{BoundsMode, CompileOptions};
use gowasmer::os::{on_large_stack, read_clock};
use shapes::{SHAPES, Shape, With};

/// The processor time of this thread.
const CLOCK_THREAD: i32 = 3;

fn now() -> i64 {
    read_clock(CLOCK_THREAD).unwrap()
}

fn options(shape: &Shape) -> CompileOptions {
    let bounds = if shape.with == With::ExplicitBounds { BoundsMode::Explicit } else { BoundsMode::Guarded };
    let opt_level = if std::env::var_os("NONE").is_some() {
        gowasmer::options::OptLevel::None
    } else {
        gowasmer::options::OptLevel::Speed
    };
    CompileOptions { bounds, opt_level, ..CompileOptions::default() }
}

fn compile(shape: &Shape, size: usize) -> (usize, f64, usize) {
    let bytes = (shape.make)(size).encode();
    if std::env::var_os("DUMP").is_some() {
        std::fs::write(format!("/tmp/shape_{}.wasm", shape.name), &bytes).unwrap();
    }
    on_large_stack(|| {
        let begin = now();
        let compilation = Compilation::open(&bytes, Purpose::Compile(options(shape)))
            .unwrap_or_else(|e| panic!("{}: {e}", shape.name));
        compilation.run();
        let code = match compilation.finish() {
            Ok(Some(linked)) => {
                let mut block = vec![0; linked.artifact.tables.block_size()];
                linked.write(&mut block).unwrap();
                block.len()
            }
            Ok(None) => 0,
            Err(error) => {
                eprintln!("{}: {error}", shape.name);
                0
            }
        };
        (bytes.len(), (now() - begin) as f64 / 1e9, code)
    })
    .unwrap()
}

#[test]
fn measure() {
    let only = std::env::var("SHAPE").unwrap_or_default();
    let sizes: Vec<usize> =
        std::env::var("SIZES").unwrap_or("20000,80000".into()).split(',').map(|s| s.parse().unwrap()).collect();
    let limit: f64 = std::env::var("LIMIT").map_or(1e9, |s| s.parse().unwrap());
    for shape in SHAPES {
        if !only.is_empty() && !only.split(',').any(|only| only == shape.name) {
            continue;
        }
        let mut line = format!("{:26}", shape.name);
        let mut last = 0.0;
        for size in &sizes {
            if last > limit {
                line += "   -";
                continue;
            }
            let (bytes, seconds, code) = compile(shape, *size);
            last = seconds;
            line += &format!(
                " | {bytes:8} B {seconds:8.3} s {:8.0} ns/B {:5.1} x",
                seconds * 1e9 / bytes as f64,
                code as f64 / bytes as f64
            );
        }
        println!("{line}");
    }
}

#[test]
fn files() {
    let Ok(files) = std::env::var("FILES") else { return };
    for file in files.split(',') {
        let bytes = std::fs::read(file).unwrap();
        on_large_stack(|| {
            let begin = now();
            let compilation = Compilation::open(&bytes, Purpose::Compile(options(&SHAPES[0]))).unwrap();
            compilation.run();
            let mut code = 0;
            if let Ok(Some(linked)) = compilation.finish() {
                let mut block = vec![0; linked.artifact.tables.block_size() as usize];
                linked.write(&mut block).unwrap();
                code = block.len();
            }
            let t = now() - begin;
            println!(
                "FILE {file} {} B {:.3} s {:.0} ns/B code {:.2} x",
                bytes.len(),
                t as f64 / 1e9,
                t as f64 / bytes.len() as f64,
                code as f64 / bytes.len() as f64
            );
        })
        .unwrap();
    }
}
