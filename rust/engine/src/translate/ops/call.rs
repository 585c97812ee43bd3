//! Calls (sections 4.4.8.10 `call` and 4.4.8.11 `call_indirect`), and tail calls (WebAssembly 3.0,
//! sections 4.6.10.15 and 17).

use super::Translation;
use crate::abi::vmctx::FuncImport;
use crate::prelude::*;
use crate::translate::exceptions::Callee;
use crate::translate::indirect;
use core::mem::offset_of;
use cranelift_codegen::ir::{InstBuilder, Value};

/// `call`: own functions directly and with the same vmctx, imported ones by their `FuncImport`.
pub(in super::super) fn call(t: &mut Translation<'_, '_>, function: u32) {
    let params = t.env.info.function_type(function).params.len();
    let (callee, vmctx) = if t.env.info.is_imported_function(function) {
        let (code, vmctx) = imported(t, function);
        (Callee::Indirect(t.signature(t.env.info.functions[function as usize]), code), vmctx)
    } else {
        (Callee::Direct(t.function(function)), t.vmctx())
    };
    call_with(t, callee, vmctx, params);
}

/// `call_indirect`.
pub(in super::super) fn call_indirect(t: &mut Translation<'_, '_>, ty: u32, table: u32) {
    let index = t.state.pop();
    let (code, vmctx) = indirect::callee(t, ty, table, index);
    let params = t.env.info.types[ty as usize].params.len();
    let signature = t.signature(ty);
    call_with(t, Callee::Indirect(signature, code), vmctx, params);
}

/// `return_call` (section 4.6.10.15): as `call`, but the callee takes the place of this function's
/// frame and returns to its caller. No inlined body holds one (see `inline`).
pub(in super::super) fn return_call(t: &mut Translation<'_, '_>, function: u32) {
    let params = t.env.info.function_type(function).params.len();
    if t.env.info.is_imported_function(function) {
        let (code, vmctx) = imported(t, function);
        let signature = t.signature(t.env.info.functions[function as usize]);
        let args = arguments(t, vmctx, params);
        t.builder.ins().return_call_indirect(signature, code, &args);
    } else {
        let callee = t.function(function);
        let vmctx = t.vmctx();
        let args = arguments(t, vmctx, params);
        t.builder.ins().return_call(callee, &args);
    }
    t.state.reachable = false;
}

/// `return_call_indirect` (section 4.6.10.17). All checks come before this function's frame goes,
/// and trap in it.
pub(in super::super) fn return_call_indirect(t: &mut Translation<'_, '_>, ty: u32, table: u32) {
    let index = t.state.pop();
    let (code, vmctx) = indirect::callee(t, ty, table, index);
    let params = t.env.info.types[ty as usize].params.len();
    let signature = t.signature(ty);
    let args = arguments(t, vmctx, params);
    t.builder.ins().return_call_indirect(signature, code, &args);
    t.state.reachable = false;
}

/// Code and vmctx of an imported function.
fn imported(t: &mut Translation<'_, '_>, function: u32) -> (Value, Value) {
    let import = t.env.layout.import(function);
    let code = t.load_vmctx(import + offset_of!(FuncImport, code) as u32);
    let vmctx = t.load_vmctx(import + offset_of!(FuncImport, vmctx) as u32);
    (code, vmctx)
}

/// The callee's vmctx, then the upper values of the stack.
fn arguments(t: &Translation<'_, '_>, vmctx: Value, params: usize) -> Vec<Value> {
    let mut args = Vec::with_capacity(params + 1);
    args.push(vmctx);
    args.extend_from_slice(t.state.top(params));
    args
}

/// Calls, and replaces the arguments on the stack by the results.
fn call_with(t: &mut Translation<'_, '_>, callee: Callee, vmctx: Value, params: usize) {
    let args = arguments(t, vmctx, params);
    t.state.drop(params);
    let results = t.call(callee, &args);
    t.state.values.extend(results);
}
