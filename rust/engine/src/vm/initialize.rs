//! Initialising an instance: globals, element segments, data segments, in the order of the
//! specification (section 4.5.4).

use super::instance::InstanceData;
use crate::abi::vmctx::{DataEntry, ElementEntry};
use crate::error::{Error, ErrorKind, Result};
use crate::prelude::*;
use crate::trap::TrapCode;
use crate::types::ValType;
use crate::wasm::{ConstExpr, ConstOp, SegmentMode};

/// Initialises the instance's own globals.
pub(super) fn globals(instance: &InstanceData) -> Result<()> {
    let info = instance.module.info();
    for (index, init) in (info.imported_globals..).zip(&info.global_inits) {
        initialize_global(instance, index, init)?;
    }
    Ok(())
}

/// The items of passive element segments, one segment after the other. The globals that they get
/// never change.
pub(super) fn passive_items(instance: &InstanceData) -> Result<Vec<Box<[u64]>>> {
    let elements = &instance.module.info().elements;
    let passive = instance.module.layout().passive_elements().iter().map(|index| &elements[*index as usize]);
    passive.map(|segment| segment.items.iter().map(|item| evaluate(instance, item)).collect()).collect()
}

/// Makes the passive segments whole. The items of those of elements are there.
///
/// No code may run on the instance.
pub(super) fn passive_segments(instance: &InstanceData) {
    let (info, layout) = (instance.module.info(), instance.module.layout());
    for (index, items) in layout.passive_elements().iter().zip(&instance.elements) {
        let entry = ElementEntry { base: items.as_ptr(), length: items.len() as u64 };
        instance.write(layout.element(*index), entry);
    }
    for index in layout.passive_data() {
        // The bytes are the module's, which the instance pins.
        let bytes = &info.data[*index as usize].bytes;
        let entry = DataEntry { base: bytes.as_ptr(), length: bytes.len() as u64 };
        instance.write(layout.data(*index), entry);
    }
}

fn initialize_global(instance: &InstanceData, index: u32, init: &ConstExpr) -> Result<()> {
    let cell = instance.global(index);
    match init[..] {
        [ConstOp::V128(bytes)] => cell.set128(u128::from_le_bytes(bytes)),
        [ConstOp::GlobalGet(from)] if instance.module.info().globals[from as usize].value == ValType::V128 => {
            cell.set128(instance.global(from).get128());
        }
        _ => cell.set(evaluate(instance, init)?),
    }
    Ok(())
}

/// Copies the active segments, one after the other; each as a whole or not at all. Their entries
/// stay empty: they count as dropped. To tables and memories that are imported, `again` copies
/// nothing.
pub(super) fn segments(instance: &InstanceData, again: bool) -> Result<()> {
    let info = instance.module.info();
    let (tables, memories) = if again { (info.imported_tables, info.imported_memories) } else { (0, 0) };
    let template = instance.module.template();
    for (index, elements) in (info.imported_tables..).zip(template.tables.iter().flatten()) {
        elements.fill(instance, instance.table(index));
    }
    let left = if template.tables.is_some() { &[] } else { &info.elements[..] };
    for (number, segment) in left.iter().enumerate() {
        if let SegmentMode::Active { index, offset } = &segment.mode
            && *index >= tables
            && !info.shares_table(*index)
        {
            let offset = evaluate(instance, offset)?;
            let items = segment.items.iter().map(|item| evaluate(instance, item)).collect::<Result<Vec<_>>>()?;
            let table = instance.table(*index);
            if !table.set(offset, &items) {
                let what = format!("element segment {number} of {} items", items.len());
                let whole = format!("table {index} of {} elements", table.bound());
                return Err(outside(TrapCode::TableOutOfBounds, &what, offset, &whole));
            }
        }
    }
    if template.has_data {
        return Ok(()); // the memories began with it
    }
    for (number, segment) in info.data.iter().enumerate() {
        if let SegmentMode::Active { index, offset } = &segment.mode
            && *index >= memories
        {
            let offset = evaluate(instance, offset)?;
            let memory = instance.memory(*index);
            if !memory.write(offset, &segment.bytes) {
                let what = format!("data segment {number} of {} bytes", segment.bytes.len());
                let whole = format!("memory {index} of {} bytes", memory.length());
                return Err(outside(TrapCode::MemoryOutOfBounds, &what, offset, &whole));
            }
        }
    }
    Ok(())
}

fn outside(code: TrapCode, what: &str, offset: u64, whole: &str) -> Error {
    let message = format!("{}: {what} at offset {offset} does not fit {whole}", code.message());
    Error::new(ErrorKind::Instantiate, message).with_trap(code)
}

/// The slot of a constant expression's value; of an i32, zero-extended, so that it is an offset as
/// it stands. Its operations were validated.
fn evaluate(instance: &InstanceData, expression: &ConstExpr) -> Result<u64> {
    compute(expression, |operation| operand(instance, operation))
}

/// The slot that a constant expression gives in all instances; none if they differ.
pub(super) fn constant(expression: &ConstExpr) -> Option<u64> {
    let differs = || Error::new(ErrorKind::Internal, "differs".to_owned());
    let of_all = |operation| match operation {
        ConstOp::I32(value) => Ok(u64::from(value.cast_unsigned())),
        ConstOp::I64(value) => Ok(value.cast_unsigned()),
        _ => Err(differs()),
    };
    compute(expression, of_all).ok()
}

fn compute(expression: &ConstExpr, operand: impl Fn(ConstOp) -> Result<u64>) -> Result<u64> {
    if let [operation] = expression[..] {
        return operand(operation);
    }
    let mut stack: Vec<u64> = Vec::new();
    for operation in expression {
        let value = match operation.binary() {
            None => operand(*operation)?,
            Some(ty) => {
                let (Some(b), Some(a)) = (stack.pop(), stack.pop()) else { return Err(unbalanced(expression)) };
                let value = match operation {
                    ConstOp::I32Add | ConstOp::I64Add => a.wrapping_add(b),
                    ConstOp::I32Sub | ConstOp::I64Sub => a.wrapping_sub(b),
                    _ => a.wrapping_mul(b),
                };
                // The low half of a sum, difference or product depends on the low halves alone.
                if ty == ValType::I32 { value & 0xffff_ffff } else { value }
            }
        };
        stack.push(value);
    }
    let [value] = stack[..] else { return Err(unbalanced(expression)) };
    Ok(value)
}

fn unbalanced(expression: &ConstExpr) -> Error {
    let message = format!("constant expression {:?}, expected one that leaves one value", &expression[..]);
    Error::new(ErrorKind::Instantiate, message)
}

/// The slot of the value of an operation without operands.
fn operand(instance: &InstanceData, operation: ConstOp) -> Result<u64> {
    Ok(match operation {
        ConstOp::I32(value) => u64::from(value.cast_unsigned()),
        ConstOp::I64(value) => value.cast_unsigned(),
        ConstOp::F32(bits) => u64::from(bits),
        ConstOp::F64(bits) => bits,
        ConstOp::GlobalGet(index) => {
            let ty = instance.module.info().globals[index as usize].value;
            instance.global(index).get(ty)
        }
        ConstOp::V128(_) => {
            let message = "constant expression of type v128, expected one slot".to_owned();
            return Err(Error::new(ErrorKind::Internal, message));
        }
        ConstOp::RefNull => 0,
        ConstOp::RefFunc(function) => {
            let record =
                instance.record(function).expect("references to the functions of constant expressions can be taken");
            record.as_ptr() as u64
        }
        ConstOp::I32Add | ConstOp::I32Sub | ConstOp::I32Mul | ConstOp::I64Add | ConstOp::I64Sub | ConstOp::I64Mul => {
            return Err(unbalanced(&ConstExpr::One(operation)));
        }
    })
}
