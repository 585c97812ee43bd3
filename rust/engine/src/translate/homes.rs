//! Locals that live in the function's frame and not as SSA values: what is done where many locals
//! meet many blocks, since the time and memory that SSA form and register allocation take grow
//! with the product of both.
//!
//! The vmctx lives there, too. So no value but those of the wasm stack lives longer than an
//! instruction of wasm, and whatever the shape of the function, compiling it takes time in
//! proportion to its length.

use super::clif_type;
use super::function::FunctionTranslation;
use super::operands::{self, Place};
use super::vmctx::Region;
use crate::prelude::*;
use crate::types::ValType;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::{
    Block, Endianness, InstBuilder, MemFlagsData, StackSlot, StackSlotData, StackSlotKind, Type, Value, types,
};

/// Alignment of the slot (log2), that of vectors.
const ALIGNMENT_LOG2: u8 = 4;
/// Where the vmctx is.
const VMCTX: u32 = 0;
/// Bytes of it, and of a local that is no vector.
const WORD: u32 = 8;

/// Where the locals of a function are in its frame.
#[derive(Debug)]
pub(super) struct Homes {
    slot: StackSlot,
    /// Of each local its type, what it begins as if that is a parameter, and its offset once it is
    /// used.
    locals: Vec<Home>,
    /// Bytes that are taken.
    size: u32,
    /// What the locals are filled in, before all else.
    entry: Block,
    /// Where the values of the wasm stack are.
    pub(super) stack: StackSlot,
    /// What is known of each height of it.
    pub(super) places: Vec<Place>,
    /// The largest height that needs places.
    pub(super) highest: usize,
    recent: Recent,
}

/// What was read or written last of the frame and the vmctx, as SSA values: it is read again and
/// again, mostly within a few instructions. Not more than fit in registers beside what is on the
/// stack, and no longer than up to the next call or the end of the block.
#[derive(Debug, Default)]
struct Recent {
    block: Option<Block>,
    vmctx: Option<Value>,
    /// Fixed pointers of the vmctx by their offsets.
    fields: [Option<(u32, Value)>; 2],
    locals: [Option<(u32, Value)>; 4],
    /// Which of the locals is forgotten next.
    oldest: usize,
    /// All is forgotten at the next operator.
    ends: bool,
}

#[derive(Clone, Copy, Debug)]
struct Home {
    ty: Type,
    parameter: Option<Value>,
    offset: Option<u32>,
}

impl FunctionTranslation<'_, '_> {
    /// Has the function's locals live in its frame from now on. What is translated goes to a block
    /// of its own behind the entry.
    pub(super) fn make_homes(&mut self, entry: Block) {
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, 0, ALIGNMENT_LOG2);
        let (slot, stack) =
            (self.builder.create_sized_stack_slot(data.clone()), self.builder.create_sized_stack_slot(data));
        self.homes = Some(Homes {
            slot,
            locals: Vec::new(),
            size: WORD,
            entry,
            stack,
            places: Vec::new(),
            highest: 0,
            recent: Recent::default(),
        });
        let body = self.builder.create_block();
        self.builder.ins().jump(body, &[]);
        self.builder.seal_block(body);
        self.builder.switch_to_block(body);
        self.builder.ensure_inserted_block();
    }

    /// Adds a local.
    pub(super) fn add_home(&mut self, ty: ValType, parameter: Option<Value>) {
        if let Some(homes) = &mut self.homes {
            homes.locals.push(Home { ty: clif_type(ty), parameter, offset: None });
        }
    }

    /// Type and offset of a local's home.
    fn home(&mut self, local: u32) -> Option<(Type, u32)> {
        let homes = self.homes.as_mut()?;
        let home = &mut homes.locals[local as usize];
        let offset = *home.offset.get_or_insert_with(|| {
            let offset = homes.size.next_multiple_of(home.ty.bytes().max(WORD));
            homes.size = offset + home.ty.bytes().max(WORD);
            offset
        });
        Some((home.ty, offset))
    }

    /// What is known in the current block, if locals have homes.
    fn recent(&mut self) -> Option<&mut Recent> {
        let block = self.builder.current_block();
        let recent = &mut self.homes.as_mut()?.recent;
        if recent.block != block {
            *recent = Recent { block, ..Recent::default() };
        }
        Some(recent)
    }

    /// Forgets what is known where an operator follows that calls or ends the block, and behind
    /// that what it has loaded itself.
    pub(super) fn forget_recent(&mut self, ends: bool) {
        if let Some(homes) = &mut self.homes
            && (ends || homes.recent.ends)
        {
            homes.recent = Recent { block: self.builder.current_block(), ends, ..Recent::default() };
        }
    }

    fn keep_local(&mut self, local: u32, value: Value) {
        let Some(recent) = self.recent() else { return };
        let known = recent.locals.iter().position(|known| known.is_some_and(|(known, _)| known == local));
        let place = known.unwrap_or_else(|| {
            recent.oldest = (recent.oldest + 1) % recent.locals.len();
            recent.oldest
        });
        recent.locals[place] = Some((local, value));
    }

    /// The value of a local that has a home.
    pub(super) fn load_home(&mut self, local: u32) -> Option<Value> {
        let known = self.recent()?.locals.iter().flatten().find(|(known, _)| *known == local);
        if let Some((_, value)) = known {
            return Some(*value);
        }
        let (ty, offset) = self.home(local)?;
        let (flags, address) = (self.frame_flags(), self.home_address(offset)?);
        let value = self.builder.ins().load(ty, flags, address, 0);
        self.keep_local(local, value);
        Some(value)
    }

    /// Sets a local, and reports whether it has a home.
    pub(super) fn store_home(&mut self, local: u32, value: Value) -> bool {
        let Some((_, offset)) = self.home(local) else { return false };
        let flags = self.frame_flags();
        let Some(address) = self.home_address(offset) else { return false };
        self.builder.ins().store(flags, value, address, 0);
        self.keep_local(local, value);
        true
    }

    /// The function's vmctx.
    pub(super) fn vmctx(&mut self) -> Value {
        let Some(recent) = self.recent() else { return self.vmctx };
        if let Some(value) = recent.vmctx {
            return value;
        }
        let Some(address) = self.home_address(VMCTX) else { return self.vmctx };
        let flags = self.frame_flags();
        let value = self.builder.ins().load(types::I64, flags, address, 0);
        if let Some(recent) = self.recent() {
            recent.vmctx = Some(value);
        }
        value
    }

    /// A fixed pointer of the vmctx, where locals have homes.
    pub(super) fn load_recent(&mut self, offset: u32) -> Value {
        let known = self.recent().and_then(|recent| recent.fields.iter().flatten().find(|(at, _)| *at == offset));
        if let Some((_, value)) = known {
            return *value;
        }
        let vmctx = self.vmctx();
        let value = self.load_fixed(types::I64, vmctx, offset);
        if let Some(recent) = self.recent() {
            recent.fields.rotate_right(1);
            recent.fields[0] = Some((offset, value));
        }
        value
    }

    fn home_address(&mut self, offset: u32) -> Option<Value> {
        let slot = self.homes.as_ref()?.slot;
        Some(self.builder.ins().stack_addr(types::I64, slot, offset as i32))
    }

    /// Flags of accesses to the frame, which never fault.
    pub(super) fn frame_flags(&mut self) -> MemFlagsData {
        let region = self.region(Region::Frame);
        MemFlagsData::new().with_notrap().with_endianness(Endianness::Little).with_alias_region(Some(region))
    }

    /// Fills the homes of all locals that were used: with the parameters, and with zero.
    pub(super) fn fill_homes(&mut self) {
        if self.homes.is_none() {
            return;
        }
        let flags = self.frame_flags();
        let Some(Homes { slot, locals, size, entry, stack, highest, .. }) = self.homes.take() else { return };
        let func = &mut *self.builder.func;
        func.sized_stack_slots[slot].size = size;
        func.sized_stack_slots[stack].size = operands::bytes(highest);
        let jump = func.layout.last_inst(entry).expect("it ends with a jump to the body");
        let mut at = FuncCursor::new(func).at_inst(jump);
        let store = |at: &mut FuncCursor<'_>, value, offset: u32| {
            let address = at.ins().stack_addr(types::I64, slot, offset as i32);
            at.ins().store(flags, value, address, 0);
        };
        store(&mut at, self.vmctx, VMCTX);
        let mut zeros: Vec<(Type, Value)> = Vec::new();
        for Home { ty, parameter, offset } in locals {
            let Some(offset) = offset else { continue };
            let value = parameter.unwrap_or_else(|| {
                let known = zeros.iter().find(|(known, _)| *known == ty).map(|(_, zero)| *zero);
                known.unwrap_or_else(|| {
                    let zero = match ty {
                        types::F32 => at.ins().f32const(0.0),
                        types::F64 => at.ins().f64const(0.0),
                        types::I8X16 => {
                            let zeros = at.func.dfg.constants.insert(vec![0; 16].into());
                            at.ins().vconst(ty, zeros)
                        }
                        _ => at.ins().iconst(ty, 0),
                    };
                    zeros.push((ty, zero));
                    zero
                })
            });
            store(&mut at, value, offset);
        }
    }
}
