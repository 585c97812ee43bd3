//! Constant expressions (3.3.7.2): the operations that initial values and offsets are made of.

use crate::prelude::*;
use crate::wasm::{ConstExpr, ConstOp, parse::Failure};
use wasmparser::{AbstractHeapType, HeapType, Operator};

const EXN: HeapType = HeapType::Abstract { shared: false, ty: AbstractHeapType::Exn };
const NOEXN: HeapType = HeapType::Abstract { shared: false, ty: AbstractHeapType::NoExn };

/// Reads a constant expression. The functions that it refers to are added to `escaping`.
pub fn expression(escaping: &mut Vec<u32>, expression: &wasmparser::ConstExpr<'_>) -> Result<ConstExpr, Failure> {
    let mut reader = expression.get_operators_reader();
    let mut first = None;
    let mut rest = Vec::new();
    loop {
        let op = match reader.read()? {
            Operator::End => break,
            Operator::I32Const { value } => ConstOp::I32(value),
            Operator::I64Const { value } => ConstOp::I64(value),
            Operator::F32Const { value } => ConstOp::F32(value.bits()),
            Operator::F64Const { value } => ConstOp::F64(value.bits()),
            Operator::V128Const { value } => ConstOp::V128(*value.bytes()),
            Operator::GlobalGet { global_index } => ConstOp::GlobalGet(global_index),
            Operator::RefNull { hty: HeapType::FUNC | HeapType::EXTERN | EXN | NOEXN } => ConstOp::RefNull,
            Operator::RefFunc { function_index } => {
                escaping.push(function_index);
                ConstOp::RefFunc(function_index)
            }
            Operator::I32Add => ConstOp::I32Add,
            Operator::I32Sub => ConstOp::I32Sub,
            Operator::I32Mul => ConstOp::I32Mul,
            Operator::I64Add => ConstOp::I64Add,
            Operator::I64Sub => ConstOp::I64Sub,
            Operator::I64Mul => ConstOp::I64Mul,
            other => return Err(Failure::unexpected(other)),
        };
        // Nearly all expressions have one operation: these take no allocation.
        match first {
            None => first = Some(op),
            Some(first) if rest.is_empty() => rest.extend([first, op]),
            Some(_) => rest.push(op),
        }
    }
    Ok(match first {
        Some(op) if rest.is_empty() => ConstExpr::One(op),
        _ => rest.into(),
    })
}
