//! One line per opcode: which function of which family translates it. Vector instructions have a
//! table of their own.

mod simd;

use super::function::FunctionTranslation;
use super::ops::{bulk, call, control, conversion, exception, memory, numeric, reference, table, variable};
use crate::error::{Error, ErrorKind, Result};
use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::types::{F32, F64, I8, I16, I32, I64};
use wasmparser::Operator as Op;

/// Translates a validated operator.
pub(super) fn translate(t: &mut FunctionTranslation<'_, '_>, op: &Op<'_>) -> Result<()> {
    if t.state.reachable {
        return reachable(t, op);
    }
    unreachable(t, op);
    Ok(())
}

/// Where nothing runs, only the nesting of blocks matters.
fn unreachable(t: &mut FunctionTranslation<'_, '_>, op: &Op<'_>) {
    match op {
        Op::Block { .. } | Op::Loop { .. } | Op::If { .. } | Op::TryTable { .. } | Op::Try { .. } => {
            control::open_dead(t);
        }
        Op::Catch { .. } | Op::CatchAll => exception::catch(t),
        Op::Else => control::else_(t),
        Op::End | Op::Delegate { .. } => control::end(t),
        _ => {}
    }
}

#[rustfmt::skip] // a table
fn reachable(t: &mut FunctionTranslation<'_, '_>, op: &Op<'_>) -> Result<()> {
    match op {
        // Control and parametric instructions.
        Op::Unreachable => control::unreachable(t),
        Op::Nop => {}
        Op::Block { blockty } => control::block(t, *blockty)?,
        Op::Loop { blockty } => control::loop_(t, *blockty)?,
        Op::If { blockty } => control::if_(t, *blockty)?,
        Op::Else => control::else_(t),
        Op::End | Op::Delegate { .. } => control::end(t),
        Op::TryTable { try_table } => exception::try_table(t, try_table)?,
        Op::Catch { .. } | Op::CatchAll => exception::catch(t),
        Op::Throw { tag_index } => exception::throw(t, *tag_index),
        Op::ThrowRef => exception::throw_ref(t),
        Op::Rethrow { relative_depth } => exception::rethrow(t, *relative_depth),
        Op::Br { relative_depth } => control::br(t, *relative_depth),
        Op::BrIf { relative_depth } => control::br_if(t, *relative_depth),
        Op::BrTable { targets } => control::br_table(t, targets)?,
        Op::Return => control::return_(t),
        Op::Call { function_index } => call::call(t, *function_index),
        Op::CallIndirect { type_index, table_index } => call::call_indirect(t, *type_index, *table_index),
        Op::ReturnCall { function_index } => call::return_call(t, *function_index),
        Op::ReturnCallIndirect { type_index, table_index } => call::return_call_indirect(t, *type_index, *table_index),
        Op::Drop => t.state.drop(1),
        Op::Select | Op::TypedSelect { .. } => control::select(t),

        // Variables and references.
        Op::LocalGet { local_index } => variable::local_get(t, *local_index),
        Op::LocalSet { local_index } => variable::local_set(t, *local_index),
        Op::LocalTee { local_index } => variable::local_tee(t, *local_index),
        Op::GlobalGet { global_index } => variable::global_get(t, *global_index),
        Op::GlobalSet { global_index } => variable::global_set(t, *global_index),
        Op::RefNull { .. } => reference::null(t),
        Op::RefIsNull => reference::is_null(t),
        Op::RefFunc { function_index } => reference::func(t, *function_index)?,

        // Tables.
        Op::TableGet { table } => table::get(t, *table),
        Op::TableSet { table } => table::set(t, *table),
        Op::TableSize { table } => table::size(t, *table),
        Op::TableGrow { table } => table::grow(t, *table),
        Op::TableFill { table } => table::fill(t, *table),
        Op::TableCopy { dst_table, src_table } => table::copy(t, *dst_table, *src_table),
        Op::TableInit { elem_index, table } => table::init(t, *elem_index, *table),
        Op::ElemDrop { elem_index } => table::elem_drop(t, *elem_index),

        // Memories.
        Op::I32Load { memarg } => memory::load(t, memarg, I32),
        Op::I64Load { memarg } => memory::load(t, memarg, I64),
        Op::F32Load { memarg } => memory::load(t, memarg, F32),
        Op::F64Load { memarg } => memory::load(t, memarg, F64),
        Op::I32Load8S { memarg } => memory::load_with(t, memarg, 1, |ins, at| ins.sload8(I32, at.flags, at.base, at.offset)),
        Op::I32Load8U { memarg } => memory::load_with(t, memarg, 1, |ins, at| ins.uload8(I32, at.flags, at.base, at.offset)),
        Op::I32Load16S { memarg } => memory::load_with(t, memarg, 2, |ins, at| ins.sload16(I32, at.flags, at.base, at.offset)),
        Op::I32Load16U { memarg } => memory::load_with(t, memarg, 2, |ins, at| ins.uload16(I32, at.flags, at.base, at.offset)),
        Op::I64Load8S { memarg } => memory::load_with(t, memarg, 1, |ins, at| ins.sload8(I64, at.flags, at.base, at.offset)),
        Op::I64Load8U { memarg } => memory::load_with(t, memarg, 1, |ins, at| ins.uload8(I64, at.flags, at.base, at.offset)),
        Op::I64Load16S { memarg } => memory::load_with(t, memarg, 2, |ins, at| ins.sload16(I64, at.flags, at.base, at.offset)),
        Op::I64Load16U { memarg } => memory::load_with(t, memarg, 2, |ins, at| ins.uload16(I64, at.flags, at.base, at.offset)),
        Op::I64Load32S { memarg } => memory::load_with(t, memarg, 4, |ins, at| ins.sload32(at.flags, at.base, at.offset)),
        Op::I64Load32U { memarg } => memory::load_with(t, memarg, 4, |ins, at| ins.uload32(at.flags, at.base, at.offset)),
        Op::I32Store8 { memarg } | Op::I64Store8 { memarg } => memory::store(t, memarg, 1),
        Op::I32Store16 { memarg } | Op::I64Store16 { memarg } => memory::store(t, memarg, 2),
        Op::I32Store { memarg } | Op::I64Store32 { memarg } | Op::F32Store { memarg } => memory::store(t, memarg, 4),
        Op::I64Store { memarg } | Op::F64Store { memarg } => memory::store(t, memarg, 8),
        Op::MemorySize { mem } => memory::size(t, *mem),
        Op::MemoryGrow { mem } => memory::grow(t, *mem),
        Op::MemoryCopy { dst_mem, src_mem } => bulk::memory_copy(t, *dst_mem, *src_mem),
        Op::MemoryFill { mem } => bulk::memory_fill(t, *mem),
        Op::MemoryInit { data_index, mem } => bulk::memory_init(t, *data_index, *mem),
        Op::DataDrop { data_index } => bulk::data_drop(t, *data_index),

        // Constants.
        Op::I32Const { value } => numeric::i32_const(t, *value),
        Op::I64Const { value } => numeric::integer(t, I64, *value),
        Op::F32Const { value } => numeric::constant(t, |ins| ins.f32const(Ieee32::with_bits(value.bits()))),
        Op::F64Const { value } => numeric::constant(t, |ins| ins.f64const(Ieee64::with_bits(value.bits()))),

        // Integers.
        Op::I32Clz | Op::I64Clz => numeric::unary(t, |ins, a| ins.clz(a)),
        Op::I32Ctz | Op::I64Ctz => numeric::unary(t, |ins, a| ins.ctz(a)),
        Op::I32Popcnt | Op::I64Popcnt => numeric::unary(t, |ins, a| ins.popcnt(a)),
        Op::I32Add | Op::I64Add => numeric::binary(t, |ins, a, b| ins.iadd(a, b)),
        Op::I32Sub | Op::I64Sub => numeric::binary(t, |ins, a, b| ins.isub(a, b)),
        Op::I32Mul | Op::I64Mul => numeric::binary(t, |ins, a, b| ins.imul(a, b)),
        Op::I32DivS | Op::I64DivS => numeric::binary(t, |ins, a, b| ins.sdiv(a, b)),
        Op::I32DivU | Op::I64DivU => numeric::binary(t, |ins, a, b| ins.udiv(a, b)),
        Op::I32RemS | Op::I64RemS => numeric::binary(t, |ins, a, b| ins.srem(a, b)),
        Op::I32RemU | Op::I64RemU => numeric::binary(t, |ins, a, b| ins.urem(a, b)),
        Op::I32And | Op::I64And => numeric::binary(t, |ins, a, b| ins.band(a, b)),
        Op::I32Or | Op::I64Or => numeric::binary(t, |ins, a, b| ins.bor(a, b)),
        Op::I32Xor | Op::I64Xor => numeric::binary(t, |ins, a, b| ins.bxor(a, b)),
        Op::I32Shl | Op::I64Shl => numeric::binary(t, |ins, a, b| ins.ishl(a, b)),
        Op::I32ShrS | Op::I64ShrS => numeric::binary(t, |ins, a, b| ins.sshr(a, b)),
        Op::I32ShrU | Op::I64ShrU => numeric::binary(t, |ins, a, b| ins.ushr(a, b)),
        Op::I32Rotl | Op::I64Rotl => numeric::binary(t, |ins, a, b| ins.rotl(a, b)),
        Op::I32Rotr | Op::I64Rotr => numeric::binary(t, |ins, a, b| ins.rotr(a, b)),
        Op::I32Eqz | Op::I64Eqz => numeric::eqz(t),
        Op::I32Eq | Op::I64Eq => numeric::icmp(t, IntCC::Equal),
        Op::I32Ne | Op::I64Ne => numeric::icmp(t, IntCC::NotEqual),
        Op::I32LtS | Op::I64LtS => numeric::icmp(t, IntCC::SignedLessThan),
        Op::I32LtU | Op::I64LtU => numeric::icmp(t, IntCC::UnsignedLessThan),
        Op::I32GtS | Op::I64GtS => numeric::icmp(t, IntCC::SignedGreaterThan),
        Op::I32GtU | Op::I64GtU => numeric::icmp(t, IntCC::UnsignedGreaterThan),
        Op::I32LeS | Op::I64LeS => numeric::icmp(t, IntCC::SignedLessThanOrEqual),
        Op::I32LeU | Op::I64LeU => numeric::icmp(t, IntCC::UnsignedLessThanOrEqual),
        Op::I32GeS | Op::I64GeS => numeric::icmp(t, IntCC::SignedGreaterThanOrEqual),
        Op::I32GeU | Op::I64GeU => numeric::icmp(t, IntCC::UnsignedGreaterThanOrEqual),

        // Floats.
        Op::F32Abs | Op::F64Abs => numeric::unary(t, |ins, a| ins.fabs(a)),
        Op::F32Neg | Op::F64Neg => numeric::unary(t, |ins, a| ins.fneg(a)),
        Op::F32Ceil | Op::F64Ceil => numeric::unary(t, |ins, a| ins.ceil(a)),
        Op::F32Floor | Op::F64Floor => numeric::unary(t, |ins, a| ins.floor(a)),
        Op::F32Trunc | Op::F64Trunc => numeric::unary(t, |ins, a| ins.trunc(a)),
        Op::F32Nearest | Op::F64Nearest => numeric::unary(t, |ins, a| ins.nearest(a)),
        Op::F32Sqrt | Op::F64Sqrt => numeric::unary(t, |ins, a| ins.sqrt(a)),
        Op::F32Add | Op::F64Add => numeric::binary(t, |ins, a, b| ins.fadd(a, b)),
        Op::F32Sub | Op::F64Sub => numeric::binary(t, |ins, a, b| ins.fsub(a, b)),
        Op::F32Mul | Op::F64Mul => numeric::binary(t, |ins, a, b| ins.fmul(a, b)),
        Op::F32Div | Op::F64Div => numeric::binary(t, |ins, a, b| ins.fdiv(a, b)),
        Op::F32Min | Op::F64Min => numeric::binary(t, |ins, a, b| ins.fmin(a, b)),
        Op::F32Max | Op::F64Max => numeric::binary(t, |ins, a, b| ins.fmax(a, b)),
        Op::F32Copysign | Op::F64Copysign => numeric::binary(t, |ins, a, b| ins.fcopysign(a, b)),
        Op::F32Eq | Op::F64Eq => numeric::fcmp(t, FloatCC::Equal),
        Op::F32Ne | Op::F64Ne => numeric::fcmp(t, FloatCC::NotEqual),
        Op::F32Lt | Op::F64Lt => numeric::fcmp(t, FloatCC::LessThan),
        Op::F32Gt | Op::F64Gt => numeric::fcmp(t, FloatCC::GreaterThan),
        Op::F32Le | Op::F64Le => numeric::fcmp(t, FloatCC::LessThanOrEqual),
        Op::F32Ge | Op::F64Ge => numeric::fcmp(t, FloatCC::GreaterThanOrEqual),

        // Conversions.
        Op::I32WrapI64 => numeric::unary(t, |ins, a| ins.ireduce(I32, a)),
        Op::I64ExtendI32S => numeric::unary(t, |ins, a| ins.sextend(I64, a)),
        Op::I64ExtendI32U => numeric::unary(t, |ins, a| ins.uextend(I64, a)),
        Op::I32Extend8S => conversion::sign_extend(t, I8, I32),
        Op::I32Extend16S => conversion::sign_extend(t, I16, I32),
        Op::I64Extend8S => conversion::sign_extend(t, I8, I64),
        Op::I64Extend16S => conversion::sign_extend(t, I16, I64),
        Op::I64Extend32S => conversion::sign_extend(t, I32, I64),
        Op::I32TruncF32S | Op::I32TruncF64S => numeric::unary(t, |ins, a| ins.fcvt_to_sint(I32, a)),
        Op::I32TruncF32U | Op::I32TruncF64U => numeric::unary(t, |ins, a| ins.fcvt_to_uint(I32, a)),
        Op::I64TruncF32S | Op::I64TruncF64S => numeric::unary(t, |ins, a| ins.fcvt_to_sint(I64, a)),
        Op::I64TruncF32U | Op::I64TruncF64U => numeric::unary(t, |ins, a| ins.fcvt_to_uint(I64, a)),
        Op::I32TruncSatF32S | Op::I32TruncSatF64S => numeric::unary(t, |ins, a| ins.fcvt_to_sint_sat(I32, a)),
        Op::I32TruncSatF32U | Op::I32TruncSatF64U => numeric::unary(t, |ins, a| ins.fcvt_to_uint_sat(I32, a)),
        Op::I64TruncSatF32S | Op::I64TruncSatF64S => numeric::unary(t, |ins, a| ins.fcvt_to_sint_sat(I64, a)),
        Op::I64TruncSatF32U | Op::I64TruncSatF64U => numeric::unary(t, |ins, a| ins.fcvt_to_uint_sat(I64, a)),
        Op::F32ConvertI32S | Op::F32ConvertI64S => numeric::unary(t, |ins, a| ins.fcvt_from_sint(F32, a)),
        Op::F32ConvertI32U | Op::F32ConvertI64U => numeric::unary(t, |ins, a| ins.fcvt_from_uint(F32, a)),
        Op::F64ConvertI32S | Op::F64ConvertI64S => numeric::unary(t, |ins, a| ins.fcvt_from_sint(F64, a)),
        Op::F64ConvertI32U | Op::F64ConvertI64U => numeric::unary(t, |ins, a| ins.fcvt_from_uint(F64, a)),
        Op::F32DemoteF64 => numeric::unary(t, |ins, a| ins.fdemote(F32, a)),
        Op::F64PromoteF32 => numeric::unary(t, |ins, a| ins.fpromote(F64, a)),
        Op::I32ReinterpretF32 => conversion::reinterpret(t, I32),
        Op::I64ReinterpretF64 => conversion::reinterpret(t, I64),
        Op::F32ReinterpretI32 => conversion::reinterpret(t, F32),
        Op::F64ReinterpretI64 => conversion::reinterpret(t, F64),

        other => return simd::translate(t, other),
    }
    Ok(())
}

/// The error for an operator of a proposal that validation should have refused.
fn unsupported(op: &Op<'_>) -> Error {
    let text = format!("{op:?}");
    let name = text.split([' ', '{']).next().unwrap_or_default();
    Error::new(ErrorKind::Validation, format!("the instruction {name} is not supported"))
}
