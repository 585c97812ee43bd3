//! Control: blocks, branches, `select` (sections 4.4.4 "Parametric Instructions" and 4.4.8 "Control
//! Instructions").
//!
//! Blocks of CLIF are made late: a wasm block that nothing branches to costs none, and the code
//! after a `loop` continues in the block in which the loop's body ends. Nesting costs an element of
//! a vector, never a level of recursion.

use super::{Translation, condition, exception};
use crate::error::Result;
use crate::prelude::*;
use crate::translate::clif_type;
use crate::translate::function::val_type;
use crate::translate::state::{Frame, FrameKind, Otherwise};
use crate::trap::TrapCode;
use crate::types::ValType;
use crate::wasm::limits::check_br_table;
use crate::wasm::validation_error;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, JumpTableData};
use hashbrown::HashMap;
use wasmparser::{BlockType, BrTable};

/// `unreachable`, section 4.4.8.2.
pub(in super::super) fn unreachable(t: &mut Translation<'_, '_>) {
    t.trap(TrapCode::Unreachable);
}

/// `select`, section 4.4.4.2.
pub(in super::super) fn select(t: &mut Translation<'_, '_>) {
    let (first, second, operand) = t.state.pop3();
    let condition = condition(t, operand);
    let value = t.builder.ins().select(condition, first, second);
    t.state.push(value);
}

/// `block`, section 4.4.8.3.
pub(in super::super) fn block(t: &mut Translation<'_, '_>, ty: BlockType) -> Result<()> {
    open(t, ty, FrameKind::Block)
}

/// `loop`, section 4.4.8.4.
pub(in super::super) fn loop_(t: &mut Translation<'_, '_>, ty: BlockType) -> Result<()> {
    let (params, _) = block_type(t, ty)?;
    let header = block_with_params(t, params);
    let height = t.state.values.len() - params.len();
    let args = block_args(t, height, params.len());
    t.builder.ins().jump(header, &args);
    enter(t, header, height, params);
    open(t, ty, FrameKind::Loop { header })
}

/// `if`, section 4.4.8.5.
pub(in super::super) fn if_(t: &mut Translation<'_, '_>, ty: BlockType) -> Result<()> {
    let operand = t.state.pop();
    let condition = condition(t, operand);
    let (params, results) = block_type(t, ty)?;
    let args = block_args(t, t.state.values.len() - params.len(), params.len());
    let then = t.builder.create_block();
    // Without an `else`, which only equal types allow, the false branch goes to the end: assume
    // that until one is met.
    let (otherwise, end) = if params == results {
        let end = block_with_params(t, results);
        (Otherwise::End(t.builder.ins().brif(condition, then, &[], end, &args)), Some(end))
    } else {
        let otherwise = block_with_params(t, params);
        t.builder.ins().brif(condition, then, &[], otherwise, &args);
        t.builder.seal_block(otherwise);
        (Otherwise::Else(otherwise), None)
    };
    t.builder.seal_block(then);
    t.builder.switch_to_block(then);
    open(t, ty, FrameKind::If { otherwise })?;
    t.state.frame_mut(0).end = end;
    Ok(())
}

/// A `block`, `loop` or `if` where nothing runs.
pub(in super::super) fn open_dead(t: &mut Translation<'_, '_>) {
    let height = t.state.values.len();
    let frame = Frame { kind: FrameKind::Dead, params: &[], results: &[], height, end: None, end_used: false };
    t.state.frames.push(frame);
}

/// `else`: ends the first arm of an `if`, if the point can be reached, and begins the second.
pub(in super::super) fn else_(t: &mut Translation<'_, '_>) {
    let frame = t.state.frame_mut(0);
    let FrameKind::If { otherwise } = frame.kind else { return };
    let (params, results, height) = (frame.params, frame.results, frame.height);
    frame.kind = FrameKind::Block;
    let block = match otherwise {
        Otherwise::Else(block) => block,
        Otherwise::End(branch) => {
            let end = frame.end.expect("made with the `if`");
            let block = block_with_params(t, params);
            t.builder.change_jump_destination(branch, end, block);
            t.builder.seal_block(block);
            block
        }
    };
    if t.state.reachable {
        let args = block_args(t, height, results.len());
        let Target { block: end, .. } = target(t, 0);
        t.builder.ins().jump(end, &args);
    }
    enter(t, block, height, params);
    t.state.reachable = true;
}

/// `end` (section 4.4.9.2 "Exiting"): continues behind the block with its results on the stack; the
/// last one returns.
pub(in super::super) fn end(t: &mut Translation<'_, '_>) {
    t.close_try();
    if let FrameKind::Try(body) = &t.state.frame_mut(0).kind
        && body.clauses.iter().any(|clause| clause.block.is_some())
    {
        leave(t);
    }
    let frame = t.state.frames.pop().expect("validated: a frame is open");
    if let FrameKind::Try(body) = &frame.kind {
        exception::handlers(t, body, frame.height);
    }
    let falls_to_end = matches!(frame.kind, FrameKind::If { otherwise: Otherwise::End(_) });
    if let FrameKind::Loop { header } = frame.kind {
        t.builder.seal_block(header);
    }
    if let FrameKind::If { otherwise: Otherwise::Else(_) } = frame.kind {
        unreachable!("validated: an `if` of these types has an `else`");
    }
    match frame.end.filter(|_| frame.end_used || falls_to_end) {
        Some(end) => {
            if t.state.reachable {
                let args = block_args(t, frame.height, frame.results.len());
                t.builder.ins().jump(end, &args);
            }
            t.builder.seal_block(end);
            enter(t, end, frame.height, frame.results);
            t.state.reachable = true;
        }
        None if t.state.reachable => t.state.collapse(frame.height, frame.results.len()),
        None => t.state.values.truncate(frame.height),
    }
    if t.state.frames.is_empty() && t.state.reachable {
        t.load_operands(frame.results.len());
        t.builder.ins().return_(&t.state.values);
        t.state.reachable = false;
    }
}

/// Ends a part of the innermost frame, if the point can be reached: goes to the frame's end.
pub(super) fn leave(t: &mut Translation<'_, '_>) {
    if t.state.reachable {
        br(t, 0);
    }
}

/// `br`, section 4.4.8.6.
pub(in super::super) fn br(t: &mut Translation<'_, '_>, depth: u32) {
    let Target { block, height, count } = target(t, depth);
    let args = block_args(t, height, count);
    t.builder.ins().jump(block, &args);
    t.state.reachable = false;
}

/// `br_if`, section 4.4.8.7.
pub(in super::super) fn br_if(t: &mut Translation<'_, '_>, depth: u32) {
    let operand = t.state.pop();
    let condition = condition(t, operand);
    let Target { block, height, count } = target(t, depth);
    let next = t.builder.create_block();
    if t.homes.is_some() && t.moves_operands(height, count) {
        let edge = t.builder.create_block();
        t.builder.ins().brif(condition, edge, &[], next, &[]);
        t.builder.seal_block(edge);
        t.builder.switch_to_block(edge);
        t.move_operands(height, count);
        t.builder.ins().jump(block, &[]);
    } else {
        let args = block_args(t, height, count);
        t.builder.ins().brif(condition, block, &args, next, &[]);
    }
    t.builder.seal_block(next);
    t.builder.switch_to_block(next);
}

/// `br_table`, section 4.4.8.8. Values are not passed by the table itself but by one block for each
/// target, so that its size stays that of the instruction.
pub(in super::super) fn br_table(t: &mut Translation<'_, '_>, targets: &BrTable<'_>) -> Result<()> {
    check_br_table(targets.len(), u64::from(t.builder.srcloc().bits()))?;
    let operand = t.state.pop();
    let mut edges = HashMap::new();
    let mut split = Vec::new();
    let mut calls = Vec::with_capacity(targets.len() as usize + 1);
    for depth in targets.targets().chain([Ok(targets.default())]) {
        let depth = depth.map_err(|error| validation_error(&error))?;
        let edge = *edges.entry(depth).or_insert_with(|| {
            let target = target(t, depth);
            let moves =
                if t.homes.is_some() { t.moves_operands(target.height, target.count) } else { target.count > 0 };
            if !moves {
                return target.block;
            }
            let edge = t.builder.create_block();
            split.push((edge, target));
            edge
        });
        calls.push(t.builder.func.dfg.block_call(edge, &[]));
    }
    let default = calls.pop().expect("the default was pushed last");
    let table = t.builder.create_jump_table(JumpTableData::new(default, &calls));
    t.builder.ins().br_table(operand, table);
    for (edge, Target { block, height, count }) in split {
        t.builder.seal_block(edge);
        t.builder.switch_to_block(edge);
        let args = block_args(t, height, count);
        t.builder.ins().jump(block, &args);
    }
    t.state.reachable = false;
    Ok(())
}

/// `return`, section 4.4.8.9; of an inlined body, a branch to its end.
pub(in super::super) fn return_(t: &mut Translation<'_, '_>) {
    if t.scope.frame > 0 {
        return br(t, (t.state.frames.len() - 1 - t.scope.frame) as u32);
    }
    let count = t.state.frames[0].results.len();
    t.builder.ins().return_(t.state.top(count));
    t.state.reachable = false;
}

/// Parameters and results of a block type.
fn block_type<'a>(t: &Translation<'a, '_>, ty: BlockType) -> Result<(&'a [ValType], &'a [ValType])> {
    Ok(match ty {
        BlockType::Empty => (&[], &[]),
        BlockType::FuncType(index) => {
            let ty = &t.env.info.types[index as usize];
            (&ty.params, &ty.results)
        }
        BlockType::Type(ty) => match val_type(ty)? {
            ValType::I32 => (&[], &[ValType::I32]),
            ValType::I64 => (&[], &[ValType::I64]),
            ValType::F32 => (&[], &[ValType::F32]),
            ValType::F64 => (&[], &[ValType::F64]),
            ValType::V128 => (&[], &[ValType::V128]),
            ValType::FuncRef => (&[], &[ValType::FuncRef]),
            ValType::ExternRef => (&[], &[ValType::ExternRef]),
            ValType::ExnRef => (&[], &[ValType::ExnRef]),
        },
    })
}

/// Pushes a frame; its parameters are on the stack.
pub(super) fn open(t: &mut Translation<'_, '_>, ty: BlockType, kind: FrameKind) -> Result<()> {
    let (params, results) = block_type(t, ty)?;
    let height = t.state.values.len() - params.len();
    t.state.frames.push(Frame { kind, params, results, height, end: None, end_used: false });
    Ok(())
}

/// Where a branch goes.
#[derive(Clone, Copy)]
struct Target {
    block: Block,
    /// The height of the stack below what the branch takes along.
    height: usize,
    /// How many values it takes along.
    count: usize,
}

/// Where a branch of this depth goes.
fn target(t: &mut Translation<'_, '_>, depth: u32) -> Target {
    let frame = t.state.frame_mut(depth);
    let height = frame.height;
    if let FrameKind::Loop { header } = frame.kind {
        return Target { block: header, height, count: frame.params.len() };
    }
    frame.end_used = true;
    let (results, end) = (frame.results, frame.end);
    let end = end.unwrap_or_else(|| block_with_params(t, results));
    t.state.frame_mut(depth).end = Some(end);
    Target { block: end, height, count: results.len() }
}

/// Goes on in a block, whose parameters are what is on the stack above a height.
fn enter(t: &mut Translation<'_, '_>, block: Block, height: usize, params: &[ValType]) {
    t.builder.switch_to_block(block);
    t.state.values.truncate(height);
    if t.homes.is_some() {
        t.push_stored(params);
    } else {
        t.state.values.extend_from_slice(t.builder.block_params(block));
    }
}

/// Makes a block with parameters of these types.
fn block_with_params(t: &mut Translation<'_, '_>, types: &[ValType]) -> Block {
    let block = t.builder.create_block();
    // Else what branches take along is in the frame.
    for ty in types.iter().filter(|_| t.homes.is_none()) {
        t.builder.append_block_param(block, clif_type(*ty));
    }
    block
}

/// The upper values of the stack as arguments of a branch to a block of this height; where blocks
/// have no parameters, stores them to where the block expects them.
fn block_args(t: &mut Translation<'_, '_>, height: usize, count: usize) -> Vec<BlockArg> {
    if t.homes.is_some() {
        t.move_operands(height, count);
        return Vec::new();
    }
    t.passed += count as u64;
    t.state.top(count).iter().map(|value| BlockArg::Value(*value)).collect()
}
