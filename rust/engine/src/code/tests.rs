#![allow(unsafe_code)] // calls compiled code

//! Tests of loading, calling, finding and freeing code.

use super::*;
use crate::abi::Builtins;
use crate::abi::vmctx::{HOST_MAGIC, Header, HostFunction};
use crate::artifact::{Artifact, Tables, TrampolineKey, Traps};
use crate::compile::tests::compile_to_bytes;
use crate::error::{Error, ErrorKind};
use crate::options::CompileOptions;
use crate::prelude::*;
use crate::trap::TrapCode;
use alloc::sync::Arc;
use std::arch::asm;
use std::sync::atomic::{AtomicBool, Ordering};

/// An artifact and its block.
fn artifact(text: &str) -> (Arc<Artifact>, Vec<u8>) {
    let (artifact, block) = compile_to_bytes(&wat::parse_str(text).unwrap(), CompileOptions::default()).unwrap();
    (artifact.into(), block)
}

fn load((artifact, block): &(Arc<Artifact>, Vec<u8>)) -> Arc<LoadedCode> {
    let write = |bytes: &mut [u8]| {
        bytes.copy_from_slice(block);
        Ok(())
    };
    LoadedCode::load(artifact.clone(), write).unwrap()
}

/// Where a trap of a loaded module is, by its number.
fn trap(code: &LoadedCode, number: usize) -> usize {
    code.range().start + code.artifact().tables.traps.offsets[number] as usize
}

/// Calls `entry(code, vmctx, slots)`, a trampoline of the convention `Tail`, which keeps no
/// register but the stack pointer on x86-64 and those of C on aarch64.
///
/// # Safety
/// The arguments belong together, and `slots` suffices for the type.
unsafe fn enter(entry: *const u8, code: *const u8, vmctx: *const u8, slots: &mut [u64]) {
    // SAFETY: all registers of the convention are declared or saved; two pushes keep the stack
    // aligned.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(
            "push rbx", "push rbp", "call {entry}", "pop rbp", "pop rbx",
            entry = in(reg) entry,
            inout("rdi") code => _, inout("rsi") vmctx => _, inout("rdx") slots.as_mut_ptr() => _,
            out("r12") _, out("r13") _, out("r14") _, out("r15") _,
            clobber_abi("C"),
        );
    }
    // SAFETY: all registers of the convention are declared.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(
            "blr {entry}",
            entry = in(reg) entry,
            inout("x2") code => _, inout("x3") vmctx => _, inout("x4") slots.as_mut_ptr() => _,
            clobber_abi("C"),
        );
    }
}

/// Permissions of the mapping that holds an address.
fn permissions(address: usize) -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| {
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let number = |text| usize::from_str_radix(text, 16).unwrap();
        (number(start)..number(end)).contains(&address)
    });
    line.map_or_else(String::new, |line| line.split(' ').nth(1).unwrap().to_owned())
}

const SAMPLE: &str = r#"
    (module $sample
      (type $binary (func (param i32 i32) (result i32)))
      (type $same (func (param i32 i32) (result i32)))
      (import "env" "host" (func $host (type $same)))
      (func $divide (export "divide") (type $same) (i32.div_s (local.get 0) (local.get 1)))
      (func $fib (export "fib") (param i64) (result i64)
        (if (result i64) (i64.lt_u (local.get 0) (i64.const 2))
          (then (local.get 0))
          (else (i64.add
            (call $fib (i64.sub (local.get 0) (i64.const 1)))
            (call $fib (i64.sub (local.get 0) (i64.const 2)))))))
      (func (export "swap") (param f32 f64 i32 i64) (result i64 i32 f64 f32)
        local.get 3 local.get 2 local.get 1 local.get 0)
      (func (export "trap") unreachable))"#;

#[test]
fn loaded_code_runs() {
    let code = load(&artifact(SAMPLE));
    let call = |function: u32, ty: u32, slots: &mut [u64]| {
        let entry = code.trampoline(TrampolineKey::Entry(ty)).unwrap();
        // SAFETY: the functions of the sample use no vmctx; the type is that of the function.
        unsafe { enter(entry, code.function(function), std::ptr::null(), slots) };
    };
    let mut slots = [u64::from(-42_i32 as u32) | 0xdead_beef << 32, 5];
    call(0, 1, &mut slots);
    assert_eq!(slots[0], u64::from(-8_i32 as u32), "zero-extended; the upper half of the argument did not count");
    let mut slots = [20];
    call(1, 2, &mut slots);
    assert_eq!(slots, [6765]);
    let mut slots = [u64::from(1.5_f32.to_bits()), 2.5_f64.to_bits(), 3, 4];
    call(2, 3, &mut slots);
    assert_eq!(slots, [4, 3, 2.5_f64.to_bits(), u64::from(1.5_f32.to_bits())]);
    assert_eq!(code.trampoline(TrampolineKey::Entry(99)), None);
    assert_eq!(code.trampoline(TrampolineKey::CAdapter(2)), None, "no import of this type");
}

extern "C" fn host_call(callee: *const HostFunction, slots: *mut u64) {
    // SAFETY: called by the trampoline with the record and its slots.
    unsafe {
        assert_eq!((*callee).function_index, 77);
        let sum = (*slots as u32).wrapping_add(*slots.add(1) as u32);
        *slots = u64::from(sum) | 1 << 40;
    }
}

extern "C" fn never(_: *const HostFunction, _: *mut u64) {
    unreachable!();
}

extern "C" fn in_registers(callee: *const HostFunction, a: u64, b: u64, _: u64, _: u64, slots: *mut u64) -> u32 {
    // SAFETY: called by the trampoline with the slots of two arguments.
    let in_slots = unsafe { [*slots, *slots.add(1)] };
    assert_eq!(in_slots, [a & 0xffff_ffff, b & 0xffff_ffff]);
    host_call(callee, slots);
    // SAFETY: as above.
    unsafe { *slots as u32 }
}

#[test]
fn host_functions_are_reached_by_slots() {
    let code = load(&artifact(SAMPLE));
    for (key, builtins) in [
        (TrampolineKey::HostCall(1), [host_call as *const () as usize, never as *const () as usize]),
        (TrampolineKey::CCall(0), [never as *const () as usize, in_registers as *const () as usize]),
    ] {
        let [host_call, c_call_registers] = builtins;
        let c_call = never as *const () as usize;
        let builtins =
            Builtins { host_call, c_call, c_call_registers, runtime_call: 0, throw: 0, memory_move: 0, memory_fill: 0 };
        let host = HostFunction {
            header: Header {
                builtins: &builtins,
                store: std::ptr::null(),
                instance: std::ptr::null(),
                magic: HOST_MAGIC,
            },
            instance_id: 0,
            function_index: 77,
            c_function: std::ptr::null(),
            c_context: std::ptr::null(),
            c_adapter: std::ptr::null(),
            params: 2,
            results: 1,
            memory: std::ptr::null(),
            intrinsic_data: 0,
        };
        let entry = code.trampoline(TrampolineKey::Entry(0)).unwrap();
        let mut slots = [u64::from(u32::MAX), 8];
        // SAFETY: the trampoline has the type of the entry, and gets a host function's record.
        unsafe { enter(entry, code.trampoline(key).unwrap(), (&raw const host).cast(), &mut slots) };
        assert_eq!(slots[0], 7, "{key:?}");
    }
}

extern "C" fn c_function(context: *const u8, a: i32, b: i32) -> i32 {
    assert_eq!(context as usize, 0x1234);
    a - b
}

#[test]
fn c_functions_are_called_by_an_adapter() {
    let code = load(&artifact(SAMPLE));
    let adapter = code.trampoline(TrampolineKey::CAdapter(0)).unwrap();
    // SAFETY: this is the adapter's type (see TrampolineKey).
    let adapter: extern "C" fn(*const u8, *const u8, *mut u64) = unsafe { std::mem::transmute(adapter) };
    let mut slots = [3, 5];
    adapter(c_function as *const u8, 0x1234 as *const u8, slots.as_mut_ptr());
    assert_eq!(slots[0], u64::from(-2_i32 as u32));
}

#[test]
fn code_is_executable_and_never_writable() {
    let code = load(&artifact(SAMPLE));
    for page in code.range().step_by(arena::PAGE) {
        assert_eq!(permissions(page), "r-xp");
    }
    assert!(!code.block().is_empty() && code.block().len() <= code.range().len());
    assert!(mapped_bytes() >= code.range().len() as u64);
}

#[test]
fn the_code_is_the_same_wherever_it_lies() {
    let artifact = artifact(SAMPLE);
    let (one, other) = (load(&artifact), load(&artifact));
    assert_ne!(one.range(), other.range());
    assert_eq!((one.block(), other.block()), (&artifact.1[..], &artifact.1[..]));
}

#[test]
fn what_cannot_be_written_takes_no_room() {
    let (artifact, _) = artifact(SAMPLE);
    let error = LoadedCode::load(artifact.clone(), |_| Err(Error::new(ErrorKind::Internal, "no code"))).unwrap_err();
    assert_eq!(error.message(), "no code");
    assert_eq!(Arc::strong_count(&artifact), 1);
}

#[test]
fn traps_and_symbols_are_found_by_address() {
    let artifact = artifact(SAMPLE);
    let code = load(&artifact);
    let tables = &code.artifact().tables;
    let base = code.range().start;
    let mut count = 0;
    for index in 0..tables.functions() {
        let (start, end) = (base + tables.starts[index] as usize, base + tables.ends[index] as usize);
        for (number, kind) in tables.traps.codes.iter().enumerate() {
            let pc = trap(&code, number);
            if !(start..end).contains(&pc) {
                continue;
            }
            assert!(is_code(pc));
            assert_eq!(trap_at(pc), Some(*kind));
            assert_eq!(trap_at(pc + 1), None, "exact addresses only");
            count += 1;
        }
        let [symbol] = &symbolize(code.function(index as u32) as usize)[..] else {
            panic!("the prologue is in one function")
        };
        assert_eq!((symbol.function, symbol.in_trampoline), (index as u32 + 1, false));
        assert_eq!(symbol.module_name.as_deref(), Some("sample"));
        assert_eq!(symbol.name.as_deref(), [Some("divide"), Some("fib"), None, None][index]);
        assert!(symbol.wasm_offset > 0, "the prologue counts to the first instruction");
        assert_eq!(symbolize_return(end).last().unwrap().function, index as u32 + 1);
    }
    assert!(count >= 3, "division, overflow, unreachable");
    assert_eq!(count, tables.traps.offsets.len(), "trampolines do not trap");
    let last = tables.traps.codes.len() - 1;
    assert_eq!(TrapCode::from_u8(tables.traps.codes[last]), Some(TrapCode::Unreachable));
    let bytes = wat::parse_str(SAMPLE).unwrap();
    let symbol = &symbolize(trap(&code, last))[0];
    assert_eq!(bytes[symbol.wasm_offset as usize], 0x00, "the offset is that of `unreachable`");
    let entry = code.trampoline(TrampolineKey::Entry(0)).unwrap();
    assert!(symbolize(entry as usize)[0].in_trampoline);
    assert_eq!((frames_at(entry as usize), frames_at(code.function(3) as usize)), (0, 1));
    for outside in [0, 1, usize::MAX, symbolize as *const () as usize, &raw const count as usize] {
        assert!(!is_code(outside) && trap_at(outside).is_none() && symbolize(outside).is_empty());
    }
    assert_eq!(symbolize_return(0), []);
}

#[test]
fn inlined_functions_are_found_by_address() {
    let text = r#"(module (import "m" "f" (func))
        (func $leaf (param i32) (result i32) (i32.div_u (i32.const 9) (local.get 0)))
        (func $middle (param i32) (result i32) (call $leaf (local.get 0)))
        (func $outer (param i32) (result i32) (call $middle (local.get 0))))"#;
    let bytes = wat::parse_str(text).unwrap();
    let code = load(&artifact(text));
    assert_eq!(code.artifact().tables.traps.offsets.len(), 3, "one division each");
    for (number, names) in [&["leaf"][..], &["leaf", "middle"], &["leaf", "middle", "outer"]].into_iter().enumerate() {
        let (start, trap) = (code.function(number as u32) as usize, trap(&code, number));
        let found = symbolize(trap);
        assert_eq!(found.iter().map(|symbol| symbol.name.as_deref().unwrap()).collect::<Vec<_>>(), names);
        for (symbol, index) in found.iter().zip(1..) {
            assert_eq!(symbol.function, index);
            let opcode = if index == 1 { 0x6e } else { 0x10 };
            assert_eq!(bytes[symbol.wasm_offset as usize], opcode, "{symbol:?}");
        }
        assert_eq!(frames_at(trap), names.len() as u32);
        // The prologue is the function's own, though no instruction of its own is left.
        let [prologue] = &symbolize(start)[..] else { panic!("one frame") };
        assert_eq!(prologue.name.as_deref(), names.last().copied());
        assert!(prologue.wasm_offset > 0);
    }
}

#[test]
fn published_records_vanish_when_dropped() {
    let block = arena::arena().unwrap().allocate(3 * arena::PAGE).unwrap();
    let records = [(0, 1), (4095, 2), (4096, 3), (12_287, 4)];
    let traps =
        Traps { offsets: records.map(|(offset, _)| offset).into(), codes: records.map(|(_, code)| code).into() };
    let tables = Tables { traps, ..Tables::default() };
    let artifact = Arc::new(Artifact { info: Default::default(), options: CompileOptions::default(), tables });
    let published = index::Published::new(&block.range(), symbols::Bodies::Module(artifact.clone()));
    let base = block.base();
    for (offset, code) in records {
        assert_eq!(trap_at(base + offset as usize), Some(code));
    }
    assert_eq!(trap_at(base + 1), None);
    drop(published);
    for (offset, _) in records {
        assert!(is_code(base));
        assert_eq!(trap_at(base + offset as usize), None);
    }
    assert_eq!(Arc::strong_count(&artifact), 1);
}

#[test]
fn loading_and_freeing_leaves_running_code_alone() {
    let artifact = artifact(SAMPLE);
    let pinned = load(&artifact);
    let trap = trap(&pinned, pinned.artifact().tables.traps.codes.len() - 1);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let code = load(&artifact);
                        let entry = code.trampoline(TrampolineKey::Entry(2)).unwrap();
                        let mut slots = [10];
                        // SAFETY: as in `loaded_code_runs`.
                        unsafe { enter(entry, code.function(1), std::ptr::null(), &mut slots) };
                        assert_eq!(slots, [55]);
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(trap_at(trap), Some(TrapCode::Unreachable as u8));
                assert_eq!(symbolize(trap)[0].function, 4);
            }
        });
        for thread in threads {
            thread.join().unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
}
