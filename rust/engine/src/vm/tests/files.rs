//! Modules whose code is run from the file that they were read from.

use super::*;
use crate::abi::HOST_PAGE;
use crate::artifact::MAPPED;
use crate::prelude::*;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;

fn made(module: &Module) -> Instance {
    Instance::new(&Store::new(), module, &[], InstanceOptions::default()).unwrap()
}

/// A module with more code than is copied, of which one function adds what all others return: one
/// each.
fn large() -> Module {
    const FUNCTIONS: usize = 700;
    let body = "(local.set 0 (i32.xor (i32.mul (local.get 0) (local.get 0)) (i32.const 1234567))) (global.set 0 (local.get 0))";
    let one = format!("(func (param i32) (result i32) {} (i32.const 1))", body.repeat(40));
    let calls: String = (0..FUNCTIONS).map(|index| format!("(i32.add (call {index} (i32.const 0)))")).collect();
    module(&format!(
        r#"(module (global (mut i32) (i32.const 0)) {} (func (export "all") (result i32) (i32.const 0) {calls})
            (func (export "trap") (unreachable)))"#,
        one.repeat(FUNCTIONS)
    ))
}

/// A file that begins with bytes and goes on; it has no name.
fn file(bytes: &[u8]) -> File {
    let path = std::env::temp_dir().join(format!("gowasmer-{}-{:p}", std::process::id(), bytes));
    let mut file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file.write_all(bytes).unwrap();
    file.write_all(&[0xee; 100]).unwrap();
    file
}

/// What lies at an address, as /proc/self/maps has it.
fn mapping(address: usize) -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let contains = |line: &&str| {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [start, end] = [start, end].map(|text| usize::from_str_radix(text, 16).unwrap());
        (start..end).contains(&address)
    };
    maps.lines().find(contains).unwrap().to_owned()
}

#[test]
fn large_code_is_run_from_its_file() {
    let compiled = large();
    let bytes = compiled.serialize().unwrap();
    assert!(compiled.code().loaded.block().len() > MAPPED);
    let file = file(&bytes);
    let module = Module::deserialize_checked(&bytes, None, Some(file.as_raw_fd())).unwrap();
    drop(file);
    let loaded = module.code().loaded.clone();
    let (range, block) = (loaded.range(), loaded.block());
    let (first, last) = (mapping(range.start), mapping(range.end - 1));
    assert!(first.contains("r-xp") && first.contains("deleted"), "{first}");
    assert!(last.contains("r-xp"), "{last}");
    assert_eq!(block, compiled.code().loaded.block());
    // What follows in the file is no code.
    // SAFETY: the range is mapped, and readable.
    let rest =
        unsafe { core::slice::from_raw_parts((range.start + block.len()) as *const u8, range.len() - block.len()) };
    assert!(rest.iter().all(|byte| *byte == crate::isa::FILLER));
    let instance = made(&module);
    assert_eq!(call(&instance, "all", &[]), 700);
    assert_eq!(try_call(&function(&instance, "trap"), &[]), Err(TrapCode::Unreachable));
    assert_eq!(module.serialize().unwrap(), bytes);
    drop((module, instance, loaded));
    assert!(!mapping(range.start).contains("r-x"), "{}", mapping(range.start));
}

#[test]
fn code_is_copied_where_it_cannot_be_mapped() {
    let bytes = large().serialize().unwrap();
    let (pipe, _other) = std::io::pipe().unwrap();
    for descriptor in [-1, pipe.as_raw_fd()] {
        let module = Module::deserialize_checked(&bytes, None, Some(descriptor)).unwrap();
        let start = module.code().loaded.range().start;
        assert!(!mapping(start).contains("deleted"));
        assert_eq!(call(&made(&module), "all", &[]), 700);
    }
    // Small code, and bytes from elsewhere.
    let bytes = module("(module (func (export \"f\") (result i32) (i32.const 7)))").serialize().unwrap();
    let file = file(&bytes);
    let module = Module::deserialize_checked(&bytes, None, Some(file.as_raw_fd())).unwrap();
    assert!(!mapping(module.code().loaded.range().start).contains("deleted"));
    assert_eq!(call(&made(&module), "f", &[]), 7);
    assert!(bytes.len() < HOST_PAGE + MAPPED);
}
