//! Tests of the driver, the trampolines, and of what the code generator emits.

use super::body::CodeBody;
use super::function::FunctionCompiler;
use super::*;
use crate::artifact::{Artifact, TrampolineKey, canonical_types, trampoline_keys};
use crate::error::{ErrorKind, Result};
use crate::isa::isa;
use crate::options::CompileOptions;
use crate::prelude::*;
use crate::translate::wasm_signature;
use crate::trap::TrapCode;
use crate::types::{FuncType, ValType};
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, StackSlotData, StackSlotKind};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

/// Compiles a module to an artifact and its block.
pub(crate) fn compile_to_bytes(bytes: &[u8], options: CompileOptions) -> Result<(Artifact, Vec<u8>)> {
    compile(bytes, options, |linked| {
        let mut block = vec![0; linked.artifact.tables.block_size()];
        linked.write(&mut block)?;
        Ok((Artifact::clone(&linked.artifact), block))
    })
}

fn compile_text(text: &str) -> Result<(Artifact, Vec<u8>)> {
    compile_to_bytes(&wat::parse_str(text).unwrap(), CompileOptions::default())
}

/// The functions before they are linked, then the trampolines.
fn bodies(text: &str, options: CompileOptions) -> Vec<CodeBody> {
    let bytes = wat::parse_str(text).unwrap();
    let compilation = Compilation::open(&bytes, Purpose::Compile(options)).unwrap();
    compilation.run();
    (0..compilation.progress().total).map(|number| compilation.body(number).clone()).collect()
}

const SAMPLE: &str = r#"
    (module $sample
      (type $unary (func (param i32) (result i32)))
      (type $same (func (param i32) (result i32)))
      (type $pair (func (param f32 f64) (result f64 f32)))
      (import "env" "one" (func $one (type $same)))
      (import "env" "two" (func $two (type $pair)))
      (memory 1)
      (func $down (export "down") (type $same)
        (if (result i32) (local.get 0)
          (then (call $down (i32.sub (local.get 0) (i32.const 1))))
          (else (i32.load (local.get 0)))))
      (func (export "pair") (type $pair) (call $two (local.get 0) (local.get 1)))
      (func $start (drop (call $down (call $one (i32.const 3)))))
      (start $start))"#;

#[test]
fn an_artifact_is_whole_and_the_same_each_time() {
    let bodies = bodies(SAMPLE, CompileOptions::default());
    for body in &bodies {
        assert!(!body.code.is_empty() && body.alignment.is_power_of_two());
        assert!(body.traps.is_sorted_by_key(|trap| trap.offset));
        assert!(body.addresses.is_sorted_by(|a, b| a.code < b.code && a.location != b.location));
        assert!(body.relocations.iter().all(|relocation| (2..5).contains(&relocation.function)));
    }
    let down = &bodies[0];
    // How many copies of the body there are is up to inlining.
    assert!(!down.relocations.is_empty() && down.relocations.iter().all(|relocation| relocation.function == 2));
    assert!(!down.traps.is_empty() && down.traps.iter().all(|trap| trap.code == TrapCode::MemoryOutOfBounds as u8));
    let bytes = wat::parse_str(SAMPLE).unwrap();
    assert!(
        down.addresses
            .iter()
            .any(|record| record.location.wasm().is_some_and(|at| bytes.get(at as usize) == Some(&0x28))),
        "i32.load is mapped"
    );
    let (artifact, block) = compile_text(SAMPLE).unwrap();
    let tables = &artifact.tables;
    assert_eq!((tables.functions(), tables.starts.len(), tables.block_size()), (3, bodies.len(), block.len()));
    for (number, body) in bodies.iter().enumerate() {
        let code = &block[tables.starts[number] as usize..tables.ends[number] as usize];
        assert_eq!(tables.entries[number], tables.starts[number] + body.entry);
        assert!(tables.starts[number].is_multiple_of(body.alignment));
        // What linking has written lies within the fields of calls.
        let near_call = |at: usize| {
            body.relocations.iter().any(|relocation| (relocation.offset as usize..).take(4).any(|field| field == at))
        };
        assert_eq!(code.len(), body.code.len());
        assert!((0..code.len()).all(|at| code[at] == body.code[at] || near_call(at)), "body {number}");
    }
    for _ in 0..4 {
        assert_eq!(compile_text(SAMPLE).unwrap(), (artifact.clone(), block.clone()));
    }
}

#[test]
fn equal_types_share_their_trampolines() {
    use TrampolineKey::{CAdapter, CCall, Entry, HostCall};
    let (artifact, _) = compile_text(SAMPLE).unwrap();
    let keys = &artifact.tables.trampolines[..];
    let start = artifact.info.functions[4];
    assert_eq!(start, 3);
    assert_eq!(keys, [Entry(0), Entry(2), Entry(3), HostCall(0), HostCall(2), CCall(0), CCall(2), CAdapter(0)]);
    assert_eq!(keys, trampoline_keys(&artifact.info));
    assert_eq!(canonical_types(&artifact.info.types), [0, 0, 2, 3]);
}

#[test]
fn trampolines_of_any_type_are_compiled_and_small() {
    let isa = isa().unwrap();
    let (mut compiler, mut builder) = (FunctionCompiler::new(), FunctionBuilderContext::new());
    let mut size = |key, ty: &FuncType| {
        trampolines::trampoline(&mut compiler, &mut builder, &**isa, key, ty).map(|body| {
            assert!(body.relocations.is_empty() && body.traps.is_empty(), "{key:?} {ty}");
            body.code.len()
        })
    };
    let all = [ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::FuncRef, ValType::ExternRef];
    let many: Vec<_> = all.into_iter().cycle().take(1000).collect();
    let binary = FuncType { params: vec![ValType::I32; 2], results: vec![ValType::I32] };
    let wide = FuncType { params: many.clone(), results: many.clone() };
    let kinds = [TrampolineKey::Entry, TrampolineKey::HostCall, TrampolineKey::CCall, TrampolineKey::CAdapter];
    for kind in kinds {
        let key = kind(0);
        assert!(size(key, &FuncType::default()).unwrap() < 64);
        assert!(size(key, &binary).unwrap() < 128);
        assert!(size(key, &FuncType { params: many.clone(), results: vec![ValType::F32] }).unwrap() < 40 << 10);
        if let TrampolineKey::CAdapter(_) = key {
            assert_eq!(size(key, &wide).unwrap_err().kind(), ErrorKind::Internal);
        } else {
            assert!(size(key, &wide).unwrap() < 80 << 10);
        }
    }
}

#[test]
fn the_lowest_invalid_function_is_reported() {
    // The larger functions are compiled first: the order of work must not show.
    let padding = "(drop (i32.const 7))".repeat(200);
    let good = "(func (result i32) i32.const 1)";
    let text = format!(
        "(module {good} {good} (func (result i32) i64.const 1) {good} (func (result i32) {padding} f32.const 1) (func (result i32) {padding}))"
    );
    let first = compile_text(&text).unwrap_err();
    assert_eq!(first.kind(), ErrorKind::Validation);
    assert!(first.message().contains("expected i32, found i64"), "{first}");
    for _ in 0..20 {
        assert_eq!(compile_text(&text).unwrap_err(), first);
    }
}

#[test]
fn an_invalid_function_is_reported_as_itself_wherever_it_is_called() {
    // Function 0 calls 2, which is small and invalid; so is 1, and it comes first.
    let wrong = |constant| format!("(func (result i32) i32.const {constant} i64.const 1 i32.add)");
    let calls = "(func (result i32) call 2)";
    let both = compile_text(&format!("(module {calls} {} {})", wrong(1), wrong(2))).unwrap_err();
    let one =
        compile_text(&format!("(module (func (result i32) i32.const 2) {} (func (result i32) i32.const 2))", wrong(1)));
    assert_eq!(both, one.unwrap_err());
    // A caller that is invalid itself, behind the call.
    let caller =
        compile_text(&format!("(module (func (result i32) call 1 drop f32.const 1) {})", wrong(1))).unwrap_err();
    assert!(caller.message().starts_with("type mismatch: expected i32, found f32 (at offset 0x"), "{caller}");
}

#[test]
fn inlined_instructions_are_kept_where_code_was_made_of_them() {
    let text = "(module (func (param i32) (result i32) (i32.div_s (i32.const 9) (local.get 0)))
        (func (param i32) (result i32) (call 0 (local.get 0)))
        (func (param i32) (result i32) (call 1 (i32.const 3)) (call 1 (local.get 0)) i32.add))";
    let bodies = bodies(text, CompileOptions::default());
    let [leaf, middle, outer] = &bodies[..] else { panic!("three functions") };
    assert_eq!(leaf.inlined, []);
    assert_eq!(middle.inlined.iter().map(|entry| entry.function).collect::<Vec<_>>(), vec![0; middle.inlined.len()]);
    assert!(outer.inlined.iter().any(|entry| entry.function == 1) && outer.relocations.is_empty());
    for entry in &outer.inlined {
        assert_eq!(entry.parent.wasm().is_some(), entry.function == 1, "1 is called by the function itself, 0 by 1");
    }
    let (artifact, block) = compile_text(text).unwrap();
    assert_eq!(artifact.tables.inlined.len(), middle.inlined.len() + outer.inlined.len());
    assert_eq!(Artifact::deserialize(&artifact.serialize(&block)).unwrap(), (artifact, &block[..]));
}

/// On x86-64 a load, an operation and a store to the same address are one instruction, whichever of
/// them are inlined.
#[test]
fn memory_is_changed_by_one_instruction() {
    for (operation, ty) in ["add", "sub", "and", "or", "xor"].into_iter().flat_map(|op| [(op, "i32"), (op, "i64")]) {
        let of = |value: &str| format!("({ty}.{operation} {value} (local.get 1))");
        let load = format!("({ty}.load offset=8 (local.get 0))");
        let store = |value: &str| format!("({ty}.store offset=8 (local.get 0) {value})");
        let text = format!(
            "(module (memory 1)
            (func $load (param i32) (result {ty}) {load})
            (func $operation (param {ty} {ty}) (result {ty}) {})
            (func $store (param i32 {ty}) {})
            (func $all (param i32 {ty}) {})
            (func (param i32 {ty}) (call $all (local.get 0) (local.get 1)))
            (func (param i32 {ty}) {})
            (func (param i32 {ty}) {})
            (func (param i32 {ty}) (call $store (local.get 0) {}))
            (func (param i32 {ty})
                (call $store (local.get 0) (call $operation (call $load (local.get 0)) (local.get 1)))))",
            of("(local.get 0)"),
            store("(local.get 1)"),
            store(&of(&load)),
            store(&of("(call $load (local.get 0))")),
            store(&format!("(call $operation {load} (local.get 1))")),
            of(&load),
        );
        let accesses = if cfg!(target_arch = "x86_64") { 1 } else { 2 };
        for (number, body) in bodies(&text, CompileOptions::default()).iter().enumerate().take(9).skip(3) {
            assert_eq!(body.relocations, [], "{operation}: function {number} calls");
            assert_eq!(body.traps.len(), accesses, "{ty}.{operation}: function {number}");
            assert!(body.traps.iter().all(|trap| trap.code == TrapCode::MemoryOutOfBounds as u8));
        }
    }
}

#[test]
fn nan_canonicalisation_is_compiled_in_on_demand() {
    let text = "(module (func (param f64 f64) (result f64) (f64.add (local.get 0) (local.get 1))))";
    let size = |canonicalize_nans| {
        let options = CompileOptions { canonicalize_nans, ..Default::default() };
        bodies(text, options)[0].code.len()
    };
    assert!(size(true) > size(false));
}

#[test]
fn many_functions_and_large_ones_are_balanced_and_kept_in_order() {
    let mut text = String::from("(module");
    for i in 0..500 {
        let work = "(drop (i32.mul (i32.const 3) (i32.const 5)))".repeat(if i % 100 == 7 { 500 } else { 1 });
        text += &format!("(func (result i32) {work} (i32.const {}))", 0x1100_0001 + i);
    }
    for (i, body) in bodies(&(text + ")"), CompileOptions::default()).iter().enumerate() {
        assert!(body.code.windows(4).any(|word| holds(word, 0x1100_0001 + i as u32)), "function {i}");
    }
}

/// Whether four bytes of code are those of a constant. On aarch64: whether they are the instruction
/// for its lower half, a `movz` or `movk`.
fn holds(word: &[u8], constant: u32) -> bool {
    let word = u32::from_le_bytes(word.try_into().unwrap());
    if cfg!(target_arch = "aarch64") {
        matches!(word >> 21, 0x294 | 0x394) && word >> 5 & 0xffff == constant & 0xffff
    } else {
        word == constant
    }
}

/// The lines of what a function with a frame of `bytes` bytes compiles to.
fn disassemble_frame(bytes: u32) -> String {
    let isa = &**isa().unwrap();
    let mut context = cranelift_codegen::Context::new();
    context.func.signature = wasm_signature(&FuncType::default());
    let mut builder_context = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut context.func, &mut builder_context);
    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    builder.seal_block(block);
    let slot = builder.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 4));
    let address = builder.ins().stack_addr(I64, slot, 0);
    builder.ins().store(MemFlagsData::trusted(), address, address, 0);
    builder.ins().return_(&[]);
    builder.finalize(isa.frontend_config());
    context.set_disasm(true);
    context.compile(isa, &mut ControlPlane::default()).map_err(|e| e.inner).unwrap().vcode.clone().unwrap()
}

#[test]
fn frames_are_probed_in_steps_smaller_than_a_guard() {
    let probe = if cfg!(target_arch = "aarch64") { "str wzr, [sp" } else { "movl $0x0, (%rsp)" };
    let probes = |bytes| disassemble_frame(bytes).matches(probe).count();
    assert_eq!(probes(16 << 10), 0);
    assert_eq!(probes(100 << 10), 3, "every 32 KiB");
    let text = disassemble_frame(1 << 20);
    let step = if cfg!(target_arch = "aarch64") { "#32768" } else { "guard_size=32768" };
    assert!(text.contains("stack_probe_loop") && text.contains(step), "{text}{}", disassemble_frame(100 << 10));
}

/// Instructions of SSE fault where a constant in memory is not aligned to 16 bytes (those of AVX,
/// which are used where the CPU has them, do not): wherever a body is moved for the sake of its
/// loops, its constants stay aligned.
#[test]
fn constants_stay_aligned() {
    const CONSTANT: [u8; 16] = *b"\xa1\xb2\xc3\xd4 constant \xe5\xf6";
    let stores = |count: u32| {
        (0..count).map(|i| format!("(i32.store offset={} (local.get 0) (i32.const 7))", i * 8)).collect::<String>()
    };
    let mut moved = 0;
    for before in 0..24 {
        for inside in 1..6 {
            let text = format!(
                r"(module (memory 1) (func (param i32 v128) (result v128)
                    {}
                    (loop $again
                        (local.set 1 (v128.xor (local.get 1) (v128.const i8x16 {})))
                        {}
                        (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                    (local.get 1)))",
                stores(before),
                CONSTANT.map(|byte| byte.to_string()).join(" "),
                stores(inside),
            );
            let body = &bodies(&text, CompileOptions::default())[0];
            let at = body.code.windows(16).position(|bytes| bytes == CONSTANT).expect("the constant lies in the body");
            assert!(body.alignment.is_multiple_of(16) && at.is_multiple_of(16), "a constant at {at:#x}: {text}");
            moved += u32::from(body.entry > 0);
        }
    }
    assert!(moved > 0 || !cfg!(target_arch = "x86_64"), "no body was moved");
}
