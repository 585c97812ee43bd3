//! References (section 4.4.2 "Reference Instructions"): 64-bit slots, 0 is null.

use super::Translation;
use super::numeric::push_bool;
use crate::abi::vmctx::FuncImport;
use crate::error::{Error, ErrorKind, Result};
use core::mem::offset_of;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, types};

/// `ref.null`, section 4.4.2.1.
pub(in super::super) fn null(t: &mut Translation<'_, '_>) {
    let null = t.integer(types::I64, 0);
    t.state.push(null);
}

/// `ref.is_null`, section 4.4.2.2.
pub(in super::super) fn is_null(t: &mut Translation<'_, '_>) {
    let reference = t.state.pop();
    let value = t.builder.ins().icmp_imm_u(IntCC::Equal, reference, 0);
    push_bool(t, value);
}

/// `ref.func`, section 4.4.2.3: of an imported function the record that was imported, so that
/// references to one function are equal wherever they are taken.
pub(in super::super) fn func(t: &mut Translation<'_, '_>, function: u32) -> Result<()> {
    let record = if t.env.info.is_imported_function(function) {
        t.load_vmctx(t.env.layout.import(function) + offset_of!(FuncImport, record) as u32)
    } else {
        let position = t.env.info.escaping_index(function).ok_or_else(|| {
            let text = format!("function {function} is referred to, but is not among the functions that have a record");
            Error::new(ErrorKind::Internal, text)
        })?;
        let offset = t.env.layout.func_record(position);
        let vmctx = t.vmctx();
        t.builder.ins().iadd_imm_u(vmctx, i64::from(offset))
    };
    t.state.push(record);
    Ok(())
}
