//! The C ABI as a C caller uses it.

use super::engine::{gw_abi, gw_clock_monotonic, gw_engine_init, gw_entries, gw_stats, gw_stats_read};
use super::error::{gw_bytes, gw_bytes_free, gw_error, gw_error_free, gw_error_kind, gw_error_message, gw_error_trap};
use super::externs::*;
use super::fiber::{
    gw_enter, gw_fiber_new, gw_fiber_release, gw_resume, gw_runtime_call, gw_this_thread, gw_thread, gw_trap,
};
use super::instance::*;
use super::memory::*;
use super::module::*;
use super::*;
use crate::abi::{Context, Status};
use crate::trap::TrapCode;
use crate::types::ValType;
use std::ptr::{null, null_mut};

/// Takes an error apart: kind, trap, text.
fn error(error: *mut gw_error) -> (u32, u32, String) {
    assert!(!error.is_null(), "expected an error");
    // SAFETY: the error is one that a function just gave.
    unsafe {
        let message = gw_error_message(error);
        let text = std::slice::from_raw_parts(message.data, message.len);
        let parts = (gw_error_kind(error), gw_error_trap(error), String::from_utf8(text.to_vec()).unwrap());
        gw_error_free(error);
        parts
    }
}

fn fine(result: *mut gw_error) {
    assert!(result.is_null(), "{:?}", error(result));
}

fn compile(text: &str) -> *mut gw_module {
    let bytes = wat::parse_str(text).unwrap();
    let mut module = null_mut();
    // SAFETY: all pointers are valid.
    fine(unsafe { gw_module_compile(bytes.as_ptr(), bytes.len(), null(), &raw mut module) });
    module
}

#[test]
fn compiling_in_steps_is_compiling() {
    use super::compilation::*;
    let bytes = wat::parse_str("(module (func (export \"f\") (result i32) (i32.const 42)))").unwrap();
    let options = gw_compile_options::default();
    let (mut compilation, mut module) = (null_mut(), null_mut());
    let mut progress = gw_progress::default();
    // SAFETY: all pointers are valid, and the bytes outlive the compilation.
    unsafe {
        fine(gw_compilation_prepare(&raw const options));
        fine(gw_compilation_new(bytes.as_ptr(), bytes.len(), &raw const options, &raw mut compilation));
        let (kind, _, text) = error(gw_compilation_finish(compilation, &raw mut module));
        assert_eq!(kind, ErrorKind::Argument as u32);
        assert!(text.contains("has done 0 of 2"), "{text}");
        fine(gw_compilation_run(compilation));
        gw_compilation_progress(compilation, &raw mut progress);
        assert_eq!((progress.done, progress.total, progress.threads), (2, 2, 1));
        fine(gw_compilation_finish(compilation, &raw mut module));
        gw_compilation_free(compilation);
        gw_module_free(module);

        let validate = gw_compile_options { validate: 1, ..options };
        fine(gw_compilation_new(bytes.as_ptr(), bytes.len(), &raw const validate, &raw mut compilation));
        gw_compilation_cancel(compilation);
        fine(gw_compilation_run(compilation));
        gw_compilation_progress(compilation, &raw mut progress);
        assert_eq!((progress.done, progress.total), (0, 1));
        gw_compilation_free(compilation);
    }
}

/// A function of the host [] -> [].
const HOST: gw_import = gw_import {
    kind: GW_IMPORT_HOST_FUNCTION,
    types: 0,
    params_len: 0,
    results_len: 0,
    function_index: 0,
    c_function: null(),
    intrinsic: 0,
    intrinsic_data: 0,
    item: null(),
};

#[test]
fn functions_are_found_by_number() {
    let entry = |name: &str| {
        let number = table::NAMES.iter().position(|it| *it == name).unwrap();
        // SAFETY: the table has an address for each name.
        unsafe { *gw_entries().add(number) }
    };
    assert_eq!(entry("gw_clock_monotonic"), gw_clock_monotonic as *const std::ffi::c_void);
    assert_eq!(entry("gw_wat2wasm"), text::gw_wat2wasm as *const std::ffi::c_void);
    assert_eq!(gw_abi(), table::ABI);
    assert!(table::NAMES.is_sorted());
}

#[test]
fn null_arguments_are_errors() {
    let mut module = null_mut();
    // SAFETY: null is what the functions must bear.
    unsafe {
        let (kind, _, text) = error(gw_module_compile(null(), 5, null(), &raw mut module));
        assert_eq!((kind, text.as_str()), (ErrorKind::Argument as u32, "argument `data` is null, with a length of 5"));
        let (kind, _, text) = error(gw_module_compile([0].as_ptr(), 1, null(), null_mut()));
        assert_eq!((kind, text.as_str()), (ErrorKind::Argument as u32, "argument `out` is null"));
        assert_eq!(error(gw_module_serialize(null(), null_mut())).0, ErrorKind::Argument as u32);
        assert_eq!(
            error(gw_instance_new(null(), null(), 0, null(), 0, null(), null(), null_mut())).0,
            ErrorKind::Argument as u32
        );
        assert_eq!(error(gw_memory_grow(null(), 0, null_mut())).0, ErrorKind::Argument as u32);
        assert_eq!(error(gw_trap(null_mut(), null_mut())).0, ErrorKind::Argument as u32);
        assert_eq!(error(gw_fiber_new(null_mut())).0, ErrorKind::Argument as u32);
        assert_eq!((gw_error_kind(null()), gw_error_trap(null()), gw_error_message(null()).len), (0, 0, 0));
        assert!(gw_memory_definition(null(), true).is_null() && gw_instance_memory0(null()).is_null());
        assert!(gw_instance_token(null()).is_null());
        assert!(gw_instance_store(null()).is_null() && !gw_instance_start(null(), null_mut()));
        gw_error_free(null_mut());
        gw_module_free(null_mut());
        gw_instance_free(null_mut());
        gw_extern_free(null_mut());
        gw_fiber_release(null_mut());
        gw_runtime_call(null_mut());
        gw_stats_read(null_mut());
        gw_bytes_free(gw_bytes { data: null_mut(), len: 0 });
        assert_eq!(error(gw_module_validate(null(), 0)).0, ErrorKind::Validation as u32, "no bytes are no module");
    }
}

#[test]
fn panics_become_errors() {
    let (kind, trap, text) = error(fallible(|| panic!("{} went wrong", "it")));
    assert_eq!((kind, trap), (ErrorKind::Internal as u32, 0));
    assert_eq!(text, "bug of the engine: it panicked: it went wrong");
    assert_eq!(infallible(7, || panic!("no")), 7);
}

/// Runs a function on a fiber, answering host calls with the sum of their slots.
unsafe fn run(context: *mut Context, instance: *const gw_instance, function: gw_func, slots: &mut [u64]) -> u64 {
    let args = context as usize - slots.len() * 8;
    // SAFETY: the context is ours, the slots lie right below it, and the guest stands still outside
    // of enter and resume.
    unsafe {
        (*context).entry = function.entry as usize;
        (*context).code = function.code as usize;
        (*context).vmctx = function.vmctx as usize;
        (*context).args = args;
        (*context).stack_top = args & !15;
        let store = gw_instance_store(instance).cast_mut().cast();
        (*context).store.store(store, std::sync::atomic::Ordering::Release);
        std::ptr::copy(slots.as_ptr(), args as *mut u64, slots.len());
        let mut thread = gw_thread::default();
        gw_this_thread(&raw mut thread);
        let gw_thread { stack_limit, number } = thread;
        let mut status = gw_enter(context, stack_limit, number);
        while status != Status::Done as u64 && status != Status::Trap as u64 {
            if status == Status::HostCall as u64 {
                let callee = &*(*context).callee;
                assert_eq!((callee.instance_id, callee.function_index), (5, 6));
                let values = std::slice::from_raw_parts_mut((*context).slots, callee.params as usize);
                values[0] = values.iter().sum();
            } else if status == Status::RuntimeCall as u64 {
                gw_runtime_call(context);
            }
            status = gw_resume(context, stack_limit, number);
        }
        std::ptr::copy(args as *const u64, slots.as_mut_ptr(), slots.len());
        status
    }
}

#[test]
fn a_module_is_compiled_serialised_linked_and_run() {
    let module = compile(
        r#"(module
            (import "env" "add" (func $add (param i64 i64) (result i64)))
            (import "env" "memory" (memory 1))
            (func $start (i32.store (i32.const 8) (i32.const 3)))
            (start $start)
            (export "memory" (memory 0))
            (func (export "sum") (param i64 i64) (result i64)
                (drop (memory.grow (i32.const 1)))
                (i64.add (call $add (local.get 0) (local.get 1)) (i64.load32_u (i32.const 8))))
            (func (export "trap") (drop (i32.load (i32.const -4)))))"#,
    );
    // SAFETY: handles are used as the rules of the ABI say.
    unsafe {
        fine(gw_engine_init(null()));
        let mut bytes = gw_bytes { data: null_mut(), len: 0 };
        fine(gw_module_serialize(module, &raw mut bytes));
        let mut again = null_mut();
        fine(gw_module_deserialize(bytes.data, bytes.len, u64::MAX, u64::MAX, &raw mut again));
        gw_bytes_free(bytes);
        gw_module_free(module);
        let mut memory = null_mut();
        fine(gw_memory_new(1, true, 3, &raw mut memory));
        let types = [1u8, 1, 1];
        let sum = gw_import { function_index: 6, params_len: 2, results_len: 1, ..HOST };
        let imports = [sum, gw_import { kind: GW_IMPORT_EXTERN, item: memory, ..HOST }];
        let options = gw_instance_options { instance_id: 5, ..gw_instance_options::default() };
        let mut instance = null_mut();
        fine(gw_instance_new(
            again,
            imports.as_ptr(),
            2,
            types.as_ptr(),
            3,
            &raw const options,
            null(),
            &raw mut instance,
        ));
        gw_module_free(again);

        let mut context = null_mut();
        fine(gw_fiber_new(&raw mut context));
        let mut function = gw_func { code: null(), vmctx: null(), entry: null() };
        assert!(gw_instance_start(instance, &raw mut function));
        assert_eq!(run(context, instance, function, &mut []), Status::Done as u64);
        fine(gw_instance_function(instance, 1, &raw mut function));
        let mut slots = [20, 19];
        assert_eq!(run(context, instance, function, &mut slots), Status::Done as u64);
        assert_eq!(slots[0], 42);
        let mut old = 0;
        fine(gw_memory_grow(memory, 1, &raw mut old));
        assert_eq!(old, 2, "the guest has grown it");
        let (kind, _, text) = error(gw_memory_grow(memory, 1, &raw mut old));
        assert_eq!(kind, ErrorKind::Resource as u32);
        assert!(text.ends_with("Left: 3, Right: 1, Pages added: 4"), "{text}");

        fine(gw_instance_function(instance, 2, &raw mut function));
        assert_eq!(run(context, instance, function, &mut []), Status::Trap as u64);
        assert_eq!((*context).trap_code, TrapCode::MemoryOutOfBounds as u64);
        let mut frames = gw_bytes { data: null_mut(), len: 0 };
        fine(gw_trap(context, &raw mut frames));
        assert_eq!(
            (std::slice::from_raw_parts(frames.data, 4), std::slice::from_raw_parts(frames.data.add(12), 8)),
            (&[1, 0, 0, 0][..], &[0, 0, 0, 0, 3, 0, 0, 0][..]),
            "one frame, of a module without a name, function 3"
        );
        gw_bytes_free(frames);
        gw_fiber_release(context);

        let mut export = null_mut();
        fine(gw_instance_export(instance, 0, &raw mut export));
        let first = gw_instance_memory0(instance);
        assert_eq!(gw_memory_definition(export, true), gw_memory_definition(memory, true));
        assert_eq!(gw_memory_definition(first, true), gw_memory_definition(memory, true));
        for (index, text) in [
            (0, "export 0 is a memory {min 3, max 3}, expected a function"),
            (9, "export 9, expected less than 3, the number of exports"),
        ] {
            assert_eq!(error(gw_instance_function(instance, index, &raw mut function)).2, text);
        }
        // Any handle keeps all of it.
        gw_instance_free(instance);
        gw_extern_free(memory);
        gw_extern_free(first);
        assert_eq!((*gw_memory_definition(export, true)).length, 3 << 16);
        gw_extern_free(export);
        let mut stats = gw_stats::default();
        gw_stats_read(&raw mut stats);
        assert!(stats.mappings > 0);
    }
}

/// What the C function was given last: the token.
static TOKEN: std::sync::atomic::AtomicPtr<std::ffi::c_void> = std::sync::atomic::AtomicPtr::new(null_mut());

unsafe extern "C" fn scale(token: *mut std::ffi::c_void, count: i32, factor: f64) -> f64 {
    TOKEN.store(token, std::sync::atomic::Ordering::Relaxed);
    f64::from(count) * factor
}

#[test]
fn c_functions_are_called_directly() {
    let module = compile(
        r#"(module
            (import "env" "scale" (func $scale (param i32 f64) (result f64)))
            (func (export "f") (param i32) (result f64) (call $scale (local.get 0) (f64.const 1.5))))"#,
    );
    let types = [0u8, 3, 3];
    let import = gw_import { c_function: scale as *const std::ffi::c_void, params_len: 2, results_len: 1, ..HOST };
    // SAFETY: handles are used as the rules of the ABI say.
    unsafe {
        let mut instance = null_mut();
        fine(gw_instance_new(module, &raw const import, 1, types.as_ptr(), 3, null(), null(), &raw mut instance));
        let mut function = gw_func { code: null(), vmctx: null(), entry: null() };
        fine(gw_instance_function(instance, 0, &raw mut function));
        let mut context = null_mut();
        fine(gw_engine_init(null()));
        fine(gw_fiber_new(&raw mut context));
        let mut slots = [u64::from((-4i32).cast_unsigned())];
        assert_eq!(run(context, instance, function, &mut slots), Status::Done as u64);
        assert_eq!(f64::from_bits(slots[0]), -6.0);
        assert_eq!(TOKEN.load(std::sync::atomic::Ordering::Relaxed).cast_const(), gw_instance_token(instance));
        gw_fiber_release(context);
        gw_instance_free(instance);
        gw_module_free(module);
    }
    let module = compile("(module (import \"env\" \"pair\" (func (result f64 f64))))");
    let import = gw_import { types: 1, params_len: 0, results_len: 2, ..import };
    let mut instance = null_mut();
    // SAFETY: all pointers are valid.
    let text = error(unsafe {
        gw_instance_new(module, &raw const import, 1, types.as_ptr(), 3, null(), null(), &raw mut instance)
    })
    .2;
    assert_eq!(text, "Import `env.pair` has 2 results, expected at most one of a C function");
    // SAFETY: a module of ours, freed once.
    unsafe { gw_module_free(module) };
}

/// Asks for a pause of the guest that calls it, as a signal that finds the thread here does.
unsafe extern "C" fn ask_for_a_pause(_: *mut std::ffi::c_void, context: i64, value: f32) -> f32 {
    let context = context as *mut Context;
    // SAFETY: the test passes the context of the call, and the guest is here.
    unsafe { (*context).pause_requested.store(1, std::sync::atomic::Ordering::Relaxed) };
    value + 0.5
}

#[test]
fn the_result_of_a_c_function_outlives_a_pause() {
    let module = compile(
        r#"(module
            (import "env" "pause" (func $pause (param i64 f32) (result f32)))
            (func (export "f") (param i64) (result f32)
                (f32.add (call $pause (local.get 0) (f32.const 1)) (call $pause (local.get 0) (f32.const 10)))))"#,
    );
    let types = [1u8, 2, 2];
    let import =
        gw_import { c_function: ask_for_a_pause as *const std::ffi::c_void, params_len: 2, results_len: 1, ..HOST };
    // SAFETY: handles are used as the rules of the ABI say.
    unsafe {
        let mut instance = null_mut();
        fine(gw_instance_new(module, &raw const import, 1, types.as_ptr(), 3, null(), null(), &raw mut instance));
        let mut function = gw_func { code: null(), vmctx: null(), entry: null() };
        fine(gw_instance_function(instance, 0, &raw mut function));
        let mut context = null_mut();
        fine(gw_engine_init(null()));
        fine(gw_fiber_new(&raw mut context));
        let mut slots = [context as u64];
        let before = (*context).pauses;
        assert_eq!(run(context, instance, function, &mut slots), Status::Done as u64);
        assert_eq!((f32::from_bits(slots[0] as u32), (*context).pauses - before), (12.0, 2));
        gw_fiber_release(context);
        gw_instance_free(instance);
        gw_module_free(module);
    }
}

#[test]
fn wrong_imports_are_errors() {
    let module = compile("(module (import \"env\" \"sum\" (func (param i32 i32) (result i32))))");
    let types = [0u8, 99];
    let new = |imports: &[gw_import]| {
        let (mut instance, len) = (null_mut(), imports.len());
        // SAFETY: all pointers are valid.
        error(unsafe {
            gw_instance_new(module, imports.as_ptr(), len, types.as_ptr(), 2, null(), null(), &raw mut instance)
        })
    };
    let link = ErrorKind::Link as u32;
    assert_eq!(new(&[]).0, ErrorKind::Argument as u32);
    assert_eq!(new(&[gw_import { kind: 9, ..HOST }]).0, ErrorKind::Argument as u32);
    assert_eq!(new(&[gw_import { kind: GW_IMPORT_EXTERN, ..HOST }]).2, "argument `item` is null");
    let text = "Import `env.sum` has the wrong type: expected function [i32 i32] -> [i32], given function [i32] -> []";
    assert_eq!(new(&[gw_import { params_len: 1, ..HOST }]), (link, 0, text.to_string()));
    let clock = gw_import { intrinsic: 1, params_len: 1, ..HOST };
    for (import, text) in [
        (clock, "a function [i32] -> [] for intrinsic 1, expected [i32 i64 i32] -> [i32]"),
        (gw_import { intrinsic: 2, ..clock }, "intrinsic 2, expected 0 (none) or 1 (clock_read)"),
        (
            gw_import { c_function: scale as *const std::ffi::c_void, ..clock },
            "intrinsic 1 for a C function, expected 0 (none)",
        ),
    ] {
        assert_eq!(new(&[import]), (ErrorKind::Argument as u32, 0, text.to_string()));
    }
    let wrong = gw_import { params_len: 2, ..HOST };
    assert_eq!(new(&[wrong]).2, "value type 99, expected 0 (i32) to 7 (exnref)");
    for (import, text) in [
        (gw_import { results_len: 1, ..wrong }, "3 types of a function from offset 0 on, expected 2 at most in all"),
        (gw_import { types: 1, ..wrong }, "2 types of a function from offset 1 on, expected 2 at most in all"),
        (
            gw_import { types: u32::MAX, ..HOST },
            "0 types of a function from offset 4294967295 on, expected 2 at most in all",
        ),
    ] {
        assert_eq!(new(&[import]), (ErrorKind::Argument as u32, 0, text.to_string()));
    }
    // SAFETY: a module of ours, freed once.
    unsafe { gw_module_free(module) };
}

#[test]
fn a_segment_that_does_not_fit_is_a_trap() {
    let module = compile("(module (memory 1) (data (i32.const 65535) \"ab\"))");
    let mut instance = null_mut();
    // SAFETY: all pointers are valid.
    let (kind, trap, text) =
        error(unsafe { gw_instance_new(module, null(), 0, null(), 0, null(), null(), &raw mut instance) });
    assert_eq!((kind, trap), (ErrorKind::Instantiate as u32, TrapCode::MemoryOutOfBounds as u32));
    assert!(text.starts_with("out of bounds memory access"), "{text}");
    assert!(instance.is_null());
    // SAFETY: a module of ours, freed once.
    unsafe { gw_module_free(module) };
}

#[test]
fn objects_are_shared_and_checked() {
    let text = r#"(module
        (func $double (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
        (table (export "table") 2 4 funcref) (elem (i32.const 0) func $double)
        (global (export "vector") (mut v128) (v128.const i64x2 1 2))
        (global (export "constant") i32 (i32.const 3)))"#;
    let module = compile(text);
    // SAFETY: all pointers are valid or null.
    unsafe {
        let (mut a, mut b) = (null_mut(), null_mut());
        fine(gw_instance_new(
            module,
            null(),
            0,
            null(),
            0,
            &gw_instance_options { instance_id: 7, ..Default::default() },
            null(),
            &raw mut a,
        ));
        fine(gw_instance_new(
            module,
            null(),
            0,
            null(),
            0,
            &gw_instance_options { instance_id: 8, ..Default::default() },
            null(),
            &raw mut b,
        ));
        let export = |instance, index| {
            let mut out = null_mut();
            fine(gw_instance_export(instance, index, &raw mut out));
            out
        };
        let (double, table, vector, constant) = (export(a, 0), export(b, 1), export(a, 2), export(a, 3));
        let mut info = std::mem::zeroed::<gw_func_info>();
        fine(gw_function_info(double, &raw mut info));
        assert_eq!((info.instance_id, info.function_index), (7, 0));
        // A slot means something in its own store only.
        assert!(gw_instance_function_at(b, info.slot).is_null());
        assert!(gw_instance_function_at(a, info.slot + 8).is_null() && gw_instance_function_at(a, 1).is_null());
        // Refused before the stores become one, then accepted.
        let (_, _, message) = error(gw_table_set(table, 2, 0, double));
        assert_eq!(message, "element 2, expected less than 2");
        assert!(gw_extern_function_at(table, info.slot).is_null());
        fine(gw_table_set(table, 1, 0, double));
        let found = gw_instance_function_at(b, info.slot);
        assert!(!found.is_null());
        let mut slot = 0;
        assert!(gw_table_get(table, 1, &raw mut slot) && slot == info.slot && !gw_table_get(table, 2, &raw mut slot));
        let mut old = 0;
        fine(gw_table_grow(table, 2, 0, double, &raw mut old));
        assert_eq!((old, gw_table_size(table)), (2, 4));
        fine(gw_table_grow(table, 1, 0, null(), &raw mut old));
        assert_eq!(old, u64::MAX);
        assert_eq!(error(gw_table_set(table, 0, 5, null())).2, "number given for a funcref, expected null (0)");
        // Vectors have two slots; what is immutable stays so.
        let mut value = gw_value::default();
        fine(gw_global_get(vector, &raw mut value));
        assert_eq!(value.slots, [1, 2]);
        fine(gw_global_set(vector, gw_value { slots: [3, 4] }, null()));
        fine(gw_global_get(vector, &raw mut value));
        assert_eq!(value.slots, [3, 4]);
        assert!(error(gw_global_set(constant, value, null())).2.contains("expected a mutable one"));
        assert!(error(gw_global_set(vector, value, double)).2.contains("expected funcref"));
        assert!(error(gw_global_get(table, &raw mut value)).2.contains("expected a global"));
        assert!(error(gw_memory_grow(table, 1, &raw mut old)).2.contains("expected a memory"));
        assert!(gw_memory_definition(table, true).is_null() && gw_instance_memory0(a).is_null());
        assert_eq!(error(gw_table_set(null(), 0, 0, null())).0, ErrorKind::Argument as u32);
        let mut made = null_mut();
        fine(gw_global_new(ValType::FuncRef as u8, false, value, double, &raw mut made));
        fine(gw_global_get(made, &raw mut value));
        assert_eq!(value.slots, [info.slot, 0]);
        for item in [double, table, vector, constant, found, made, null_mut()] {
            gw_extern_free(item);
        }
        gw_instance_free(a);
        gw_instance_free(b);
        gw_module_free(module);
    }
}
