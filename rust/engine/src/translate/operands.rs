//! Values of the wasm stack that live in the function's frame, in functions whose locals live there
//! (see `homes`).
//!
//! Each height of the stack has a place. A value is an SSA value from where it is pushed to the end
//! of the block or the next call. There, what is left on the stack is stored to its place, and
//! loaded again when it is wanted. Blocks have no parameters: branches store what they take along
//! to where the target expects it. So no SSA value is live from one block to another, across a call
//! or over many instructions.

use super::function::FunctionTranslation;
use crate::types::ValType;
use cranelift_codegen::entity::packed_option::ReservedValue;
use cranelift_codegen::ir::{InstBuilder, StackSlot, Type, Value, types};
use wasmparser::Operator as Op;

/// Bytes of a place: a vector has room.
const PLACE: u32 = 16;

/// What is known of one height of the stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// As on the stack: reserved if it is only in its place.
    value: Value,
    ty: Type,
    /// Whether the value is in its place.
    stored: bool,
}

impl FunctionTranslation<'_, '_> {
    /// Makes the stack ready for an operator: what it takes are SSA values, and all others are in
    /// their places if control leaves the block.
    ///
    /// What lies below the innermost frame stays as it was when that was opened. So it is the same
    /// on each way to the frame's end.
    pub(super) fn prepare_operands(&mut self, op: &Op<'_>) {
        if self.homes.is_none() || !self.state.reachable {
            return;
        }
        self.note_pushed();
        let (base, height) = (self.state.frames.last().map_or(0, |frame| frame.height), self.state.values.len());
        let taken = self.taken(op).min(height - base);
        self.load_operands(taken);
        if leaves_block(op) {
            self.store_operands(base, height - taken);
        }
        self.forget_recent(leaves_block(op));
    }

    /// How many values an operator takes as SSA values, at most.
    fn taken(&self, op: &Op<'_>) -> usize {
        let info = self.env.info;
        let of_type = |ty: u32| info.types[ty as usize].params.len();
        match op {
            Op::Call { function_index } | Op::ReturnCall { function_index } => {
                info.function_type(*function_index).params.len()
            }
            Op::CallIndirect { type_index, .. } | Op::ReturnCallIndirect { type_index, .. } => of_type(*type_index) + 1,
            Op::Throw { tag_index } => info.tag_type(*tag_index).params.len(),
            Op::Return => self.state.frames[0].results.len(),
            Op::Block { .. }
            | Op::Loop { .. }
            | Op::Else
            | Op::End
            | Op::TryTable { .. }
            | Op::Try { .. }
            | Op::Catch { .. }
            | Op::CatchAll
            | Op::Delegate { .. }
            | Op::Rethrow { .. }
            | Op::Br { .. }
            | Op::Drop
            | Op::Nop
            | Op::Unreachable
            | Op::LocalGet { .. }
            | Op::GlobalGet { .. }
            | Op::I32Const { .. }
            | Op::I64Const { .. }
            | Op::F32Const { .. }
            | Op::F64Const { .. }
            | Op::V128Const { .. }
            | Op::MemorySize { .. }
            | Op::TableSize { .. }
            | Op::RefNull { .. }
            | Op::RefFunc { .. }
            | Op::DataDrop { .. }
            | Op::ElemDrop { .. } => 0,
            Op::If { .. }
            | Op::BrIf { .. }
            | Op::BrTable { .. }
            | Op::ThrowRef
            | Op::LocalSet { .. }
            | Op::LocalTee { .. }
            | Op::GlobalSet { .. }
            | Op::I32Eqz
            | Op::I32Load { .. }
            | Op::I64Load { .. }
            | Op::I32Load8U { .. } => 1,
            Op::I32Add | Op::I32Sub | Op::I32Store { .. } | Op::I64Store { .. } => 2,
            _ => 3,
        }
    }

    /// Brings what is known of the stack up to date.
    pub(super) fn note_pushed(&mut self) {
        let Some(homes) = &mut self.homes else { return };
        let values = &self.state.values;
        homes.places.truncate(values.len());
        // Operators change the upper end of the stack: below the first value that is as it was,
        // all are.
        let same = |place: usize| homes.places.get(place).is_some_and(|known| known.value == values[place]);
        let mut from = values.len();
        while from > 0 && !same(from - 1) {
            from -= 1;
        }
        homes.places.truncate(from);
        for value in &values[from..] {
            let ty = self.builder.func.dfg.value_type(*value);
            homes.places.push(Place { value: *value, ty, stored: false });
        }
        homes.highest = homes.highest.max(values.len());
    }

    /// Loads those of the upper `count` values that are only in their places.
    pub(super) fn load_operands(&mut self, count: usize) {
        if self.homes.is_none() {
            return;
        }
        for place in self.state.values.len() - count..self.state.values.len() {
            if self.state.values[place].is_reserved_value() {
                let value = self.load_place(place);
                self.state.values[place] = value;
                if let Some(homes) = &mut self.homes {
                    homes.places[place].value = value;
                }
            }
        }
    }

    /// Stores the values from one height to another to their places, where they are from then on.
    fn store_operands(&mut self, from: usize, to: usize) {
        let Some(homes) = &self.homes else { return };
        let slot = homes.stack;
        for place in (from..to).rev() {
            let value = self.state.values[place];
            // Those below were stored with it.
            if value.is_reserved_value() {
                break;
            }
            if self.homes.as_ref().is_some_and(|homes| !homes.places[place].stored) {
                self.store_place(slot, place, value);
            }
            self.state.values[place] = Value::reserved_value();
            if let Some(homes) = &mut self.homes {
                homes.places[place].value = Value::reserved_value();
                homes.places[place].stored = true;
            }
        }
    }

    /// Whether a branch that takes the upper `count` values along to a target of this height has to
    /// move them.
    pub(super) fn moves_operands(&self, height: usize, count: usize) -> bool {
        count > 0
            && (self.state.values.len() - count != height
                || !self.state.top(count).iter().all(ReservedValue::is_reserved_value))
    }

    /// Takes the upper `count` values along to a target of this height.
    pub(super) fn move_operands(&mut self, height: usize, count: usize) {
        let first = self.state.values.len() - count;
        let Some(homes) = &mut self.homes else { return };
        homes.highest = homes.highest.max(height + count);
        let slot = homes.stack;
        // Upwards: a place is written to after it was read, as the target lies at most as high.
        for number in 0..count {
            let mut value = self.state.values[first + number];
            if value.is_reserved_value() {
                if first == height {
                    continue;
                }
                value = self.load_place(first + number);
            }
            self.passed += 1;
            self.store_place(slot, height + number, value);
        }
    }

    /// Pushes values of these types, which are in their places.
    pub(super) fn push_stored(&mut self, types: &[ValType]) {
        let Some(homes) = &mut self.homes else { return };
        let height = self.state.values.len();
        homes.places.truncate(height);
        // Those below are what they were when the block was opened: in their places.
        debug_assert_eq!(homes.places.len(), height);
        for ty in types {
            self.state.values.push(Value::reserved_value());
            homes.places.push(Place { value: Value::reserved_value(), ty: super::clif_type(*ty), stored: true });
        }
    }

    fn load_place(&mut self, place: usize) -> Value {
        let Some((slot, ty)) = self.homes.as_ref().map(|homes| (homes.stack, homes.places[place].ty)) else {
            unreachable!("values are in places where there are homes");
        };
        let flags = self.frame_flags();
        let address = self.builder.ins().stack_addr(types::I64, slot, (place as u32 * PLACE) as i32);
        self.builder.ins().load(ty, flags, address, 0)
    }

    fn store_place(&mut self, slot: StackSlot, place: usize, value: Value) {
        let flags = self.frame_flags();
        let address = self.builder.ins().stack_addr(types::I64, slot, (place as u32 * PLACE) as i32);
        self.builder.ins().store(flags, value, address, 0);
    }
}

/// Bytes of the places of a stack of this height.
pub(super) fn bytes(height: usize) -> u32 {
    height as u32 * PLACE
}

/// Whether an operator ends the block that it is in, or calls: then no value should stay an SSA
/// value.
fn leaves_block(op: &Op<'_>) -> bool {
    matches!(
        op,
        Op::Block { .. }
            | Op::Loop { .. }
            | Op::If { .. }
            | Op::Else
            | Op::End
            | Op::TryTable { .. }
            | Op::Try { .. }
            | Op::Catch { .. }
            | Op::CatchAll
            | Op::Delegate { .. }
            | Op::Throw { .. }
            | Op::ThrowRef
            | Op::Rethrow { .. }
            | Op::BrIf { .. }
            | Op::BrTable { .. }
            | Op::Call { .. }
            | Op::CallIndirect { .. }
            | Op::MemoryGrow { .. }
            | Op::MemoryCopy { .. }
            | Op::MemoryFill { .. }
            | Op::MemoryInit { .. }
            | Op::TableGet { .. }
            | Op::TableSet { .. }
            | Op::TableGrow { .. }
            | Op::TableCopy { .. }
            | Op::TableFill { .. }
            | Op::TableInit { .. }
    )
}
