//! Locals and globals (section 4.4.5 "Variable Instructions").
//!
//! Locals become SSA values. A global's cell is one 64-bit slot; narrow types use its low
//! bytes, or two: own cells lie in the vmctx, imported ones behind a fixed pointer.

use super::{Translation, simd};
use crate::translate::clif_type;
use crate::translate::vmctx::Region;
use crate::wasm::ConstOp;
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{InstBuilder, Value, types};

/// `local.get`, section 4.4.5.1.
pub(in super::super) fn local_get(t: &mut Translation<'_, '_>, index: u32) {
    let value = t.local_value(index);
    t.state.push(value);
}

/// `local.set`, section 4.4.5.2.
pub(in super::super) fn local_set(t: &mut Translation<'_, '_>, index: u32) {
    let value = t.state.pop();
    t.set_local(index, value);
}

/// `local.tee`, section 4.4.5.3.
pub(in super::super) fn local_tee(t: &mut Translation<'_, '_>, index: u32) {
    let value = t.state.top(1)[0];
    t.set_local(index, value);
}

/// `global.get`, section 4.4.5.4.
pub(in super::super) fn global_get(t: &mut Translation<'_, '_>, global: u32) {
    let value = known_value(t, global).unwrap_or_else(|| {
        let ty = t.env.info.globals[global as usize];
        let mut flags = t.trusted(Region::Global(global));
        if !ty.mutable {
            // Set before any code of this instance runs.
            flags = flags.with_readonly().with_can_move();
        }
        let (base, offset) = cell(t, global);
        t.builder.ins().load(clif_type(ty.value), flags, base, offset)
    });
    t.state.push(value);
}

/// `global.set`, section 4.4.5.5.
pub(in super::super) fn global_set(t: &mut Translation<'_, '_>, global: u32) {
    let value = t.state.pop();
    let flags = t.trusted(Region::Global(global));
    let (base, offset) = cell(t, global);
    t.builder.ins().store(flags, value, base, offset);
}

/// Where a global's cell is: an address and an offset.
fn cell(t: &mut Translation<'_, '_>, global: u32) -> (Value, i32) {
    if global < t.env.info.imported_globals {
        return (t.load_vmctx(t.env.layout.global_import(global)), 0);
    }
    (t.vmctx(), t.env.layout.global(global) as i32)
}

/// The value of an own immutable global that begins as a constant.
fn known_value(t: &mut Translation<'_, '_>, global: u32) -> Option<Value> {
    let info = t.env.info;
    let own = global.checked_sub(info.imported_globals)?;
    match (info.globals[global as usize].mutable, &info.global_inits[own as usize][..]) {
        (false, [ConstOp::I32(value)]) => Some(t.integer(types::I32, i64::from(value.cast_unsigned()))),
        (false, [ConstOp::I64(value)]) => Some(t.integer(types::I64, *value)),
        (false, [ConstOp::F32(bits)]) => Some(t.builder.ins().f32const(Ieee32::with_bits(*bits))),
        (false, [ConstOp::F64(bits)]) => Some(t.builder.ins().f64const(Ieee64::with_bits(*bits))),
        (false, [ConstOp::V128(bytes)]) => Some(simd::bitwise::vector(t, *bytes)),
        _ => None,
    }
}
