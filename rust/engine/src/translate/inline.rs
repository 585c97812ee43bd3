//! Inlining: which calls of own functions are replaced by the callee's body, and the replacement.
//!
//! Bodies are inlined while they are translated: the callee becomes a `block` with variables of its
//! own. Every instruction of it gets an entry in the function's table of inlined instructions, so
//! that backtraces show each function as if it had been called.
//!
//! The limits were chosen by what they cost in code size (bytes; differences of compile time were
//! smaller than the noise of a loaded machine, some 20 %, so that nothing is said of it here):
//!
//! | weight, budget | SQLite (C, 688 KB) | Rollup's parser (Rust, 589 KB) |
//! |----------------|--------------------|--------------------------------|
//! | none           | 1,532,417          | 1,069,214                      |
//! | 6, 32          | +1.3 %             | +1.4 %                         |
//! | **8, 48**      | **+1.9 %**         | **+3.1 %**                     |
//! | 10, 32         | +2.8 %             | +3.4 %                         |
//! | 12, 48         | +4.2 %             | +5.4 %                         |
//! | 12, 96         | +5.2 %             | +7.1 %                         |
//!
//! In a program of Go's compiler (3.9 MB) no function was small enough by any of these.
//!
//! Functions that call themselves are few, so that they have a limit of their own. `fib_recursive`
//! (29,860,703 calls of weight 12) took about 70 ms without inlining, 40 ms with a depth of 1, and
//! 26 ms with 2.

use super::Environment;
use super::function::{FunctionTranslation, val_type};
use super::location::{InlinedLocation, Location};
use super::state::{Frame, FrameKind};
use crate::error::Result;
use crate::prelude::*;
use crate::wasm::validation_error;
use core::sync::atomic::{AtomicU8, Ordering};
use cranelift_codegen::ir::SourceLoc;
use hashbrown::HashMap;
use wasmparser::{
    FuncToValidate, FuncValidatorAllocations, FunctionBody, Operator, OperatorsReader, ValidatorResources,
};

/// Bytes of a body that is looked at. Compilers pad calls and addresses to 5 bytes, so that this
/// says little of what a body costs.
const MAX_BYTES: u64 = 128;
/// Weight (see [`weight`]) of a body that is inlined.
const MAX_WEIGHT: u32 = 8;
/// Weight of all bodies that are inlined into one function.
const BUDGET: u32 = 48;
/// Both for a function that is inlined into itself: few functions are, and in these calls are what
/// counts.
const MAX_RECURSIVE_WEIGHT: u32 = 16;
const RECURSIVE_BUDGET: u32 = 96;
/// Locals that a body declares.
const MAX_LOCALS: u32 = 16;
/// How many inlined bodies may lie in each other.
const MAX_DEPTH: usize = 2;

/// Which of a module's own functions are fit to be inlined.
#[derive(Debug)]
pub struct Candidates {
    /// For each body its weight and one, once it is known, or `UNFIT`.
    weights: Box<[AtomicU8]>,
}

const UNKNOWN: u8 = 0;
const UNFIT: u8 = u8::MAX;
const _: () = assert!(MAX_RECURSIVE_WEIGHT + 1 < UNFIT as u32);

impl Candidates {
    /// Nothing is known yet of the functions that are not imported, as many as are given.
    #[must_use]
    pub fn new(functions: usize) -> Self {
        Self { weights: (0..functions).map(|_| AtomicU8::new(UNKNOWN)).collect() }
    }

    /// The weight of a function that is fit to be inlined.
    fn weight(&self, env: &Environment<'_>, function: u32) -> Option<u32> {
        let own = function.checked_sub(env.info.imported_functions)? as usize;
        let range = env.bodies[own].body.range();
        if range.end - range.start > MAX_BYTES {
            return None;
        }
        // Threads that ask at the same time find the same.
        let known = self.weights[own].load(Ordering::Relaxed);
        let known = if known == UNKNOWN {
            let (to_validate, body) = env.body(function);
            let found = weigh(to_validate, body).map_or(UNFIT, |weight| weight as u8 + 1);
            self.weights[own].store(found, Ordering::Relaxed);
            found
        } else {
            known
        };
        (known != UNFIT).then(|| u32::from(known) - 1)
    }
}

/// The weight of a body, if it is fit to be inlined. One that is not valid is not: whoever compiles
/// the function itself says why.
fn weigh(to_validate: FuncToValidate<ValidatorResources>, body: &FunctionBody<'_>) -> Option<u32> {
    let mut validator = to_validate.into_validator(FuncValidatorAllocations::default());
    validator.validate(body).ok()?;
    let mut locals = 0;
    for group in body.get_locals_reader().ok()? {
        locals += group.ok()?.0;
    }
    let (mut total, mut ends_dead) = (0, false);
    for operator in body.get_operators_reader().ok()? {
        let operator = operator.ok()?;
        total += weight(&operator)?;
        if !matches!(operator, Operator::End) {
            ends_dead = matches!(operator, Operator::Unreachable);
        }
    }
    // A function that ends dead is called where things go wrong: seldom.
    (locals <= MAX_LOCALS && total <= MAX_RECURSIVE_WEIGHT && !ends_dead).then_some(total)
}

/// About how many machine instructions an operator becomes; `None` where a call more does not
/// count: in loops, and with operators that call the engine.
const fn weight(operator: &Operator<'_>) -> Option<u32> {
    use Operator as Op;
    Some(match operator {
        Op::LocalGet { .. }
        | Op::LocalSet { .. }
        | Op::LocalTee { .. }
        | Op::I32Const { .. }
        | Op::I64Const { .. }
        | Op::F32Const { .. }
        | Op::F64Const { .. }
        | Op::Block { .. }
        | Op::Else
        | Op::End
        | Op::Return
        | Op::Drop
        | Op::Nop => 0,
        Op::If { .. } | Op::BrIf { .. } | Op::Select | Op::TypedSelect { .. } => 2,
        Op::Call { .. } => 3,
        // Vector operations that are sequences on the machine.
        Op::I8x16Popcnt
        | Op::I8x16Shl
        | Op::I8x16ShrS
        | Op::I8x16ShrU
        | Op::I64x2Mul
        | Op::F32x4Min
        | Op::F32x4Max
        | Op::F64x2Min
        | Op::F64x2Max
        | Op::F32x4RelaxedMin
        | Op::F32x4RelaxedMax
        | Op::F64x2RelaxedMin
        | Op::F64x2RelaxedMax
        | Op::F32x4ConvertI32x4U
        | Op::I32x4TruncSatF32x4S
        | Op::I32x4TruncSatF32x4U
        | Op::I32x4RelaxedTruncF32x4S
        | Op::I32x4RelaxedTruncF32x4U
        | Op::I32x4TruncSatF64x2SZero
        | Op::I32x4TruncSatF64x2UZero
        | Op::I32x4RelaxedTruncF64x2SZero
        | Op::I32x4RelaxedTruncF64x2UZero
        | Op::I16x8RelaxedDotI8x16I7x16S
        | Op::I32x4RelaxedDotI8x16I7x16AddS => 5,
        Op::Loop { .. }
        | Op::BrTable { .. }
        | Op::CallIndirect { .. }
        // A tail call takes down the frame of its own function, not that of the one it would be
        // inlined into.
        | Op::ReturnCall { .. }
        | Op::ReturnCallIndirect { .. }
        | Op::RefFunc { .. }
        | Op::MemoryGrow { .. }
        | Op::MemoryCopy { .. }
        | Op::MemoryFill { .. }
        | Op::MemoryInit { .. }
        | Op::TableGrow { .. }
        | Op::TableCopy { .. }
        | Op::TableFill { .. }
        | Op::TableInit { .. }
        | Op::TableGet { .. }
        | Op::TableSet { .. }
        | Op::DataDrop { .. }
        | Op::ElemDrop { .. } => return None,
        _ => 1,
    })
}

/// The function whose body is being read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scope {
    /// Where its locals begin among all.
    pub(super) first_local: u32,
    /// Its own frame among all; 0 for the function that is compiled.
    pub(super) frame: usize,
}

/// Whether a call should be replaced by the callee's body; `rest` is what follows the call.
pub(super) fn is_wanted(t: &FunctionTranslation<'_, '_>, function: u32, rest: &OperatorsReader<'_>) -> bool {
    let Environment { candidates, .. } = t.env;
    let Some(weight) = candidates.weight(t.env, function).filter(|_| t.state.reachable) else { return false };
    let recursive = t.chain.contains(&function);
    let (limit, budget) = if recursive { (MAX_RECURSIVE_WEIGHT, RECURSIVE_BUDGET) } else { (MAX_WEIGHT, BUDGET) };
    t.homes.is_none()
        && weight <= limit
        && t.inlined_weight + weight <= budget
        && t.chain.len() <= MAX_DEPTH
        && !t.is_large()
        // A call that does not come back: see `weigh`.
        && !matches!(rest.clone().read(), Ok(Operator::Unreachable))
}

/// Translates the body of a function, which is valid, in place of a call.
pub(super) fn inline(t: &mut FunctionTranslation<'_, '_>, function: u32) -> Result<()> {
    let env = t.env;
    let ty = env.info.function_type(function);
    let (_, body) = env.body(function);
    let call = t.builder.srcloc();
    t.inlined_weight += env.candidates.weight(env, function).unwrap_or(0);

    let arguments = t.state.top(ty.params.len()).to_vec();
    t.state.drop(arguments.len());
    let scope = Scope { first_local: t.declare_parameters(function, &arguments), frame: t.state.frames.len() };
    let mut locals = body.get_locals_reader().map_err(|e| validation_error(&e))?;
    let mut zeros = HashMap::new();
    for _ in 0..locals.get_count() {
        let (count, ty) = locals.read().map_err(|e| validation_error(&e))?;
        t.declare_locals(count, val_type(ty)?, &mut zeros);
    }
    let height = t.state.values.len();
    let frame = Frame { kind: FrameKind::Block, params: &[], results: &ty.results, height, end: None, end_used: false };
    t.state.frames.push(frame);

    let outer = core::mem::replace(&mut t.scope, scope);
    t.chain.push(function);
    let mut reader = OperatorsReader::new(locals.get_binary_reader());
    while !reader.eof() {
        let wasm = Location::at(reader.original_position()).bits();
        let operator = reader.read().map_err(|e| validation_error(&e))?;
        t.builder.set_srcloc(SourceLoc::new(Location::inlined(t.inlined.len()).bits()));
        t.inlined.push(InlinedLocation { wasm, function, parent: Location::from_bits(call.bits()) });
        t.operator(&operator, &reader)?;
    }
    t.chain.pop();
    t.scope = outer;
    t.builder.set_srcloc(call);
    Ok(())
}
