//! Calls in a function that can catch what they throw (WebAssembly 3.0, section 4.4.10 "Function
//! Calls" and 4.4.11): each of them ends a block and lists the blocks at which the function goes on
//! if an exception with a given tag comes back in place of results.
//!
//! Nothing is paid for on the way that does not throw: the lists become tables beside the code
//! (`artifact::Handlers`), which `fiber::unwind` reads when something is thrown. The values of an
//! exception are handed over in the frame of the function that catches it, in one slot that all of
//! its handlers share, as each reads it at once. What a function throws itself lies there, too.

use super::callees::builtin_signature;
use super::function::FunctionTranslation;
use super::legacy::Plan;
use super::state::{Clause, FrameKind};
use crate::abi::exception::{self, ANY};
use crate::abi::vmctx::Header;
use crate::abi::{Builtins, RuntimeOp};
use crate::prelude::*;
use crate::trap::TrapCode;
use crate::types::ValType;
use core::mem::offset_of;
use cranelift_codegen::ir::{
    Block, BlockArg, ExceptionTable, ExceptionTableData, ExceptionTableItem, ExceptionTag, FuncRef, InstBuilder,
    MemFlagsData, SigRef, StackSlot, StackSlotData, StackSlotKey, StackSlotKind, Value, types,
};
use cranelift_codegen::isa::CallConv;
use hashbrown::HashSet;

/// What a translation knows of exceptions.
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    /// Where exceptions are handed over.
    slot: Option<StackSlot>,
    /// The handlers of the legacy `try`s of the body, once one is met.
    pub(super) plan: Option<Plan>,
    /// The frames that are bodies of a `try_table` or `try`, by their indices.
    tries: Vec<usize>,
    /// How many handlers all calls have, and how many they have met, also such as others hide.
    pub(super) edges: u64,
    pub(super) met: u64,
}

/// What is called.
#[derive(Clone, Copy, Debug)]
pub(super) enum Callee {
    /// A function of the module.
    Direct(FuncRef),
    /// What an address leads to.
    Indirect(SigRef, Value),
}

impl FunctionTranslation<'_, '_> {
    /// Calls a function of wasm, and returns the results. What it throws goes to the handlers
    /// around this place.
    pub(super) fn call(&mut self, callee: Callee, args: &[Value]) -> Vec<Value> {
        let clauses = self.clauses();
        if clauses.is_empty() {
            let call = match callee {
                Callee::Direct(function) => self.builder.ins().call(function, args),
                Callee::Indirect(signature, code) => self.builder.ins().call_indirect(signature, code, args),
            };
            return self.builder.inst_results(call).to_vec();
        }
        let signature = match callee {
            Callee::Direct(function) => self.builder.func.dfg.ext_funcs[function].signature,
            Callee::Indirect(signature, _) => signature,
        };
        let (table, next) = self.exception_table(signature, &clauses);
        match callee {
            Callee::Direct(function) => self.builder.ins().try_call(function, args, table),
            Callee::Indirect(_, code) => self.builder.ins().try_call_indirect(code, args, table),
        };
        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
        self.builder.block_params(next).to_vec()
    }

    /// The handlers that an exception meets at this place, in the order in which they are asked,
    /// with their blocks.
    fn clauses(&mut self) -> Vec<(u32, Block)> {
        let (mut found, mut known): (Vec<(u32, Block)>, HashSet<u32>) = (Vec::new(), HashSet::new());
        let mut tries = self.exceptions.tries.len();
        while let Some(last) = tries.checked_sub(1) {
            tries = last;
            self.exceptions.met += 1;
            let index = self.exceptions.tries[last];
            let FrameKind::Try(body) = &mut self.state.frames[index].kind else { continue };
            if let Some(depth) = body.delegate {
                // It goes on with the frame that is named, whose index is this.
                let outer = index.saturating_sub(1 + depth as usize);
                tries = self.exceptions.tries[..last].partition_point(|try_| *try_ <= outer);
                continue;
            }
            self.exceptions.met += body.clauses.len() as u64;
            for clause in &mut body.clauses {
                let tag = clause.tag.map_or(ANY, |tag| self.env.layout.tag(tag));
                if !known.insert(tag) {
                    continue;
                }
                let block = *clause.block.get_or_insert_with(|| self.builder.create_block());
                found.push((exception::clause(tag, clause.with_ref), block));
                self.exceptions.edges += 1;
                if tag == ANY {
                    return found;
                }
            }
        }
        found
    }

    /// Opens the body of a `try_table` or a `try`: the frame that was opened last.
    pub(super) fn open_try(&mut self) {
        self.exceptions.tries.push(self.state.frames.len() - 1);
    }

    /// Ends the body that the innermost frame is, if it is one.
    pub(super) fn close_try(&mut self) {
        if self.exceptions.tries.last() == Some(&(self.state.frames.len() - 1)) {
            self.exceptions.tries.pop();
        }
    }

    /// A list of handlers for a call, and the block at which it goes on, whose parameters are the
    /// results.
    fn exception_table(&mut self, signature: SigRef, clauses: &[(u32, Block)]) -> (ExceptionTable, Block) {
        self.exception_slot(0);
        let vmctx = self.vmctx();
        let next = self.builder.create_block();
        let returns: Vec<_> =
            self.builder.func.dfg.signatures[signature].returns.iter().map(|ty| ty.value_type).collect();
        for ty in &returns {
            self.builder.append_block_param(next, *ty);
        }
        let results: Vec<_> = (0..returns.len() as u32).map(BlockArg::TryCallRet).collect();
        let dfg = &mut self.builder.func.dfg;
        let normal = dfg.block_call(next, &results);
        let mut items = vec![ExceptionTableItem::Context(vmctx)];
        for (tag, block) in clauses {
            let handler = dfg.block_call(*block, &[]);
            items.push(ExceptionTableItem::Tag(ExceptionTag::from_u32(*tag), handler));
        }
        (dfg.exception_tables.push(ExceptionTableData::new(signature, normal, items)), next)
    }

    /// The slot in which exceptions are handed over, with room for so many words of values behind
    /// the reference.
    fn exception_slot(&mut self, words: usize) -> StackSlot {
        let size = 8 + 8 * words as u32;
        let slot = *self.exceptions.slot.get_or_insert_with(|| {
            let key = StackSlotKey::new(exception::SLOT_KEY);
            let data = StackSlotData::new_with_key(StackSlotKind::ExplicitSlot, size, 3, key);
            self.builder.create_sized_stack_slot(data)
        });
        let data = &mut self.builder.func.sized_stack_slots[slot];
        data.size = data.size.max(size);
        slot
    }

    /// Begins the code of a handler, whose predecessors are all known, on a stack of this height:
    /// pushes the values of its tag, and returns the reference if the clause wants one.
    pub(super) fn enter_handler(&mut self, clause: Clause, block: Block, height: usize) -> Option<Value> {
        self.state.values.truncate(height);
        self.builder.seal_block(block);
        self.builder.switch_to_block(block);
        self.builder.set_cold_block(block);
        self.state.reachable = true;
        let params: &[ValType] = clause.tag.map_or(&[], |tag| &self.env.info.tag_type(tag).params);
        let words = params.iter().map(|ty| ty.slots()).sum();
        let slot = self.exception_slot(words);
        let flags = self.frame_flags();
        let address = self.builder.ins().stack_addr(types::I64, slot, 0);
        let mut offset = 8;
        for ty in params {
            let value = self.builder.ins().load(super::clif_type(*ty), flags, address, offset);
            self.state.push(value);
            offset += 8 * ty.slots() as i32;
        }
        let reference = clause.with_ref.then(|| self.builder.ins().load(types::I64, flags, address, 0));
        self.note_pushed();
        reference
    }

    /// `throw`: takes the values of the tag from the stack.
    pub(super) fn throw(&mut self, tag: u32) {
        let params = &self.env.info.tag_type(tag).params;
        let words = params.iter().map(|ty| ty.slots()).sum();
        let slot = self.exception_slot(words);
        let flags = self.frame_flags();
        let address = self.builder.ins().stack_addr(types::I64, slot, 0);
        let values = self.state.top(params.len()).to_vec();
        let mut offset = 8;
        for (ty, mut value) in params.iter().zip(values) {
            // A slot of 32 bits is extended by zeros.
            if *ty == ValType::F32 {
                value = self.builder.ins().bitcast(types::I32, MemFlagsData::new(), value);
            }
            if matches!(ty, ValType::I32 | ValType::F32) {
                value = self.builder.ins().uextend(types::I64, value);
            }
            self.builder.ins().store(flags, value, address, offset);
            offset += 8 * ty.slots() as i32;
        }
        let (tag, zero) = (self.integer(types::I64, i64::from(self.env.layout.tag(tag))), self.integer(types::I64, 0));
        self.throw_call(RuntimeOp::Throw, [tag, address, zero]);
    }

    /// Throws an exception again.
    pub(super) fn throw_ref(&mut self, exception: Value) {
        let zero = self.integer(types::I64, 0);
        self.throw_call(RuntimeOp::ThrowRef, [exception, zero, zero]);
    }

    /// A runtime call that comes back only if nothing catches the exception.
    fn throw_call(&mut self, op: RuntimeOp, args: [Value; 3]) {
        let op = self.integer(types::I64, op as i64);
        let vmctx = self.vmctx();
        // As of functions of wasm: it is the convention by which nothing is in a register when a
        // handler begins.
        let signature = self.builder.import_signature(builtin_signature(CallConv::Tail, 5, 1));
        let builtins = self.load_vmctx(offset_of!(Header, builtins) as u32);
        let code = self.load_fixed(types::I64, builtins, Builtins::THROW as u32);
        self.call(Callee::Indirect(signature, code), &[op, vmctx, args[0], args[1], args[2]]);
        self.trap(TrapCode::UncaughtException);
    }
}
