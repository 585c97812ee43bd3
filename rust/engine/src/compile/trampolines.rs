//! The four kinds of trampoline between slots and registers; see [`TrampolineKey`].
//!
//! A slot is 64 bits; values of 32 bits are stored zero-extended, and of a loaded slot only the low
//! bits count. A vector takes two slots, which need not be aligned to its width. C functions take
//! and give no vectors.

use crate::abi::vmctx::Header;
use crate::abi::{Builtins, C_FLOATS, C_INTEGERS};
use crate::artifact::TrampolineKey;
use crate::error::{Error, ErrorKind, Result};
use crate::prelude::*;
use crate::translate::wasm_signature;
use crate::types::{FuncType, ValType};
use core::mem::offset_of;
use cranelift_codegen::ir::types::{F32, F64, I32, I64};
use cranelift_codegen::ir::{
    AbiParam, InstBuilder, MemFlagsData, Signature, StackSlotData, StackSlotKind, Type, Value,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

use super::body::CodeBody;
use super::function::FunctionCompiler;

/// Compiles one trampoline.
pub(crate) fn trampoline(
    compiler: &mut FunctionCompiler,
    builder: &mut FunctionBuilderContext,
    isa: &dyn TargetIsa,
    key: TrampolineKey,
    ty: &FuncType,
) -> Result<CodeBody> {
    let callee = wasm_signature(ty);
    compiler.context.clear();
    let func = &mut compiler.context.func;
    func.signature = match key {
        TrampolineKey::Entry(_) => pointers(CallConv::Tail, 3),
        TrampolineKey::CAdapter(_) => pointers(CallConv::SystemV, 3),
        TrampolineKey::HostCall(_) | TrampolineKey::CCall(_) => callee.clone(),
    };
    let mut builder = FunctionBuilder::new(func, builder);
    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    builder.seal_block(block);
    match key {
        TrampolineKey::Entry(_) => entry(&mut builder, callee),
        TrampolineKey::HostCall(_) => leave(&mut builder, ty, Builtins::HOST_CALL),
        TrampolineKey::CCall(_) => match padding_to_registers(ty) {
            Some(padding) => call_c(&mut builder, ty, padding),
            None => leave(&mut builder, ty, Builtins::C_CALL),
        },
        TrampolineKey::CAdapter(_) => c_adapter(&mut builder, ty, &callee)?,
    }
    builder.finalize(isa.frontend_config());
    compiler.finish(isa)
}

/// `Tail fn(code, vmctx, slots)`
fn entry(builder: &mut FunctionBuilder<'_>, callee: Signature) {
    let [code, vmctx, slots] = parameters(builder);
    let mut arguments = vec![vmctx];
    load_slots(builder, slots, &callee.params[1..], &mut arguments);
    let callee = builder.import_signature(callee);
    let call = builder.ins().call_indirect(callee, code, &arguments);
    let results = builder.inst_results(call).to_vec();
    store_slots(builder, slots, &results);
    builder.ins().return_(&[]);
}

/// `Tail fn(host_function, params...) -> results`, through a builtin of the host function's header.
fn leave(builder: &mut FunctionBuilder<'_>, ty: &FuncType, builtin: i32) {
    let (arguments, slots) = arguments_in_slots(builder, ty);
    let code = load_builtin(builder, arguments[0], builtin);
    let signature = builder.import_signature(pointers(CallConv::SystemV, 2));
    builder.ins().call_indirect(signature, code, &[arguments[0], slots]);
    let results = builder.func.signature.returns.clone();
    let mut values = Vec::with_capacity(results.len());
    load_slots(builder, slots, &results, &mut values);
    builder.ins().return_(&values);
}

/// How many unused integers stand before the slots in a call of `c_call_registers`, if it can call
/// C functions of this type.
fn padding_to_registers(ty: &FuncType) -> Option<usize> {
    let count = |types: &[ValType]| ty.params.iter().filter(|param| types.contains(param)).count();
    let (integers, floats) = (count(&[ValType::I32, ValType::I64]), count(&[ValType::F32, ValType::F64]));
    let fits = integers <= C_INTEGERS && floats <= C_FLOATS && integers + floats == ty.params.len();
    (fits && ty.results.len() <= 1).then(|| C_INTEGERS - integers)
}

/// The same with the arguments in their registers, too, and the result in its own: the convention
/// of the C function itself, which gets its context in place of the host function, and does not see
/// what follows its parameters.
fn call_c(builder: &mut FunctionBuilder<'_>, ty: &FuncType, padding: usize) {
    let (mut arguments, slots) = arguments_in_slots(builder, ty);
    let code = load_builtin(builder, arguments[0], Builtins::C_CALL_REGISTERS);
    let mut signature = Signature { call_conv: CallConv::SystemV, ..builder.func.signature.clone() };
    signature.params[0] = AbiParam::new(I64);
    signature.params.resize(signature.params.len() + padding + 1, AbiParam::new(I64));
    let unused = builder.ins().iconst(I64, 0);
    arguments.resize(arguments.len() + padding, unused);
    arguments.push(slots);
    let signature = builder.import_signature(signature);
    let call = builder.ins().call_indirect(signature, code, &arguments);
    let results = builder.inst_results(call).to_vec();
    builder.ins().return_(&results);
}

/// The parameters of the trampoline, and the address of slots on its stack that hold all but the
/// first.
fn arguments_in_slots(builder: &mut FunctionBuilder<'_>, ty: &FuncType) -> (Vec<Value>, Value) {
    let block = builder.current_block().expect("the entry block");
    let arguments = builder.block_params(block).to_vec();
    let bytes = ty.slots().max(1) as u32 * 8;
    let slot = builder.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 4));
    let slots = builder.ins().stack_addr(I64, slot, 0);
    store_slots(builder, slots, &arguments[1..]);
    (arguments, slots)
}

/// The address of a builtin, from a host function's header.
fn load_builtin(builder: &mut FunctionBuilder<'_>, host_function: Value, builtin: i32) -> Value {
    let flags = MemFlagsData::trusted().with_readonly();
    let builtins = builder.ins().load(I64, flags, host_function, offset_of!(Header, builtins) as i32);
    builder.ins().load(I64, flags, builtins, builtin)
}

/// `SystemV fn(c_function, c_context, slots)`
fn c_adapter(builder: &mut FunctionBuilder<'_>, ty: &FuncType, callee: &Signature) -> Result<()> {
    if ty.results.len() > 1 {
        let message = format!("a C function of type {ty}: expected at most one result");
        return Err(Error::new(ErrorKind::Internal, message));
    }
    let [c_function, c_context, slots] = parameters(builder);
    let mut signature = Signature { call_conv: CallConv::SystemV, ..callee.clone() };
    signature.params[0] = AbiParam::new(I64);
    let mut arguments = vec![c_context];
    load_slots(builder, slots, &callee.params[1..], &mut arguments);
    // What a C function leaves above the 32 bits of an int is undefined: storing extends from the
    // low half alone.
    let signature = builder.import_signature(signature);
    let call = builder.ins().call_indirect(signature, c_function, &arguments);
    let results = builder.inst_results(call).to_vec();
    store_slots(builder, slots, &results);
    builder.ins().return_(&[]);
    Ok(())
}

fn pointers(call_conv: CallConv, count: usize) -> Signature {
    let mut signature = Signature::new(call_conv);
    signature.params = vec![AbiParam::new(I64); count];
    signature
}

fn parameters(builder: &FunctionBuilder<'_>) -> [Value; 3] {
    let block = builder.current_block().expect("the entry block");
    builder.block_params(block).try_into().expect("three parameters")
}

/// Slots are aligned to 8 bytes.
fn slot_flags(ty: Type) -> MemFlagsData {
    if ty.is_vector() { MemFlagsData::new().with_notrap() } else { MemFlagsData::trusted() }
}

fn slots_of(ty: Type) -> i32 {
    ty.bytes().div_ceil(8) as i32
}

fn load_slots(builder: &mut FunctionBuilder<'_>, slots: Value, types: &[AbiParam], values: &mut Vec<Value>) {
    let mut at = 0;
    for ty in types.iter().map(|param| param.value_type) {
        values.push(builder.ins().load(ty, slot_flags(ty), slots, at * 8));
        at += slots_of(ty);
    }
}

fn store_slots(builder: &mut FunctionBuilder<'_>, slots: Value, values: &[Value]) {
    let mut at = 0;
    for &value in values {
        let ty = builder.func.dfg.value_type(value);
        let wide = match ty {
            I32 => builder.ins().uextend(I64, value),
            F32 => {
                let bits = builder.ins().bitcast(I32, MemFlagsData::new(), value);
                builder.ins().uextend(I64, bits)
            }
            _ => value,
        };
        debug_assert!(matches!(ty, I32 | I64 | F32 | F64) || ty.is_vector());
        builder.ins().store(slot_flags(ty), wide, slots, at * 8);
        at += slots_of(ty);
    }
}
