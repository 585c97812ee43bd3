//! The checks of an indirect call: inside of the table, not null, of the right type.
//!
//! ============================================================================================
//!   Sandbox-critical.
//!   Code that is called with a vmctx or a signature not its own runs outside of the
//!   sandbox. Only this file loads a callee from a table. Change it with a second reader.
//! ============================================================================================
//!
//! A table element is a pointer to an immutable `FuncRecord`, read once: no other thread can change
//! what is checked here before it is used.
//!
//! Of a table that only the module's active segments write to (`wasm::TableContents`) it is known
//! which functions it may hold, beside null. Two things are then left out, each for a reason of its
//! own:
//!
//! - *the type check*, where all these functions have the wanted type: whatever is called has it.
//!   Null is found by the load of the code, whose address is then that of the field itself, in the
//!   first page;
//! - *the load of the vmctx*, where all these functions are the module's own: the table is the
//!   instance's own, too, so each record names this instance's vmctx.
//!
//! The bounds check always stays, and with it the guard against speculation past it.

use super::function::FunctionTranslation;
use super::table_access;
use super::vmctx::Region;
use crate::abi::vmctx::FuncRecord;
use crate::trap::TrapCode;
use core::mem::offset_of;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

/// The checked callee of `call_indirect` (section 4.4.8.11): its code and its vmctx.
pub(super) fn callee(t: &mut FunctionTranslation<'_, '_>, ty: u32, table: u32, index: Value) -> (Value, Value) {
    let (flags, address) = table_access::element(t, table, index, TrapCode::UndefinedElement);
    let record = t.builder.ins().load(types::I64, flags, address, 0);

    // Null check and type check in one: of a null record the type cannot be loaded, which faults
    // with this trap code.
    let fields = t.trusted(Region::FuncRecords).with_readonly();
    let traps = fields.with_trap_code(Some(TrapCode::IndirectCallToNull.to_clif()));
    let info = t.env.info;
    let contents = info.table_contents[table as usize];
    let wanted = &info.types[ty as usize];
    let known = contents.and_then(|contents| contents.ty).is_some_and(|ty| info.types[ty as usize] == *wanted);
    // Not `can_move`: these loads are valid only after the checks. Where one of them is the check,
    // each has the trap code: it may come first.
    let fields = if known {
        traps
    } else {
        let found = t.builder.ins().load(types::I32, traps, record, offset_of!(FuncRecord, type_id) as i32);
        let vmctx = t.vmctx();
        let wanted = t.load_fixed(types::I32, vmctx, t.env.layout.type_id(ty));
        let matches = t.builder.ins().icmp(IntCC::Equal, found, wanted);
        t.builder.ins().trapz(matches, TrapCode::BadSignature.to_clif());
        fields
    };
    let code = t.builder.ins().load(types::I64, fields, record, offset_of!(FuncRecord, code) as i32);
    let vmctx = if contents.is_some_and(|contents| contents.own) {
        t.vmctx()
    } else {
        t.builder.ins().load(types::I64, fields, record, offset_of!(FuncRecord, vmctx) as i32)
    };
    (code, vmctx)
}
