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
//! Functions that call themselves are few, and calls are what counts in them, so that they have
//! limits of their own: bodies lie in each other as deep as these allow, loops included. Compilers
//! write a call at the end as a loop around the others. Times of small recursive programs (clang
//! -O2 and -Oz), relative to no body in itself:
//!
//! | deepest, live values | Fibonacci | Ackermann | Takeuchi | binomials | partitions | trees |
//! |----------------------|-----------|-----------|----------|-----------|------------|-------|
//! | 1, any               | 0.66      | 0.57      | 0.74     | 0.81      | 0.91       | 0.87  |
//! | 3, any               | 0.43      | 0.37      | 0.74     | 1.09      | 1.22       | 0.84  |
//! | 3, 6                 | 0.50      | 0.37      | 1.00     | 0.99      | 0.94       | 0.92  |
//! | **3, 8**             | **0.43**  | **0.36**  | **0.74** | **0.81**  | **0.93**   | **0.85** |

use super::Environment;
use super::function::{FunctionTranslation, val_type};
use super::location::{InlinedLocation, Location};
use super::state::{Frame, FrameKind};
use crate::error::Result;
use crate::prelude::*;
use crate::wasm::validation_error;
use core::sync::atomic::{AtomicU32, Ordering};
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
/// Weight of a body that is inlined into itself.
const MAX_RECURSIVE_WEIGHT: u32 = 24;
/// Weight of all bodies that are inlined into a function of which some are its own.
const RECURSIVE_BUDGET: u32 = 96;
/// How many bodies of one function may lie in each other in its own.
const MAX_RECURSIVE_DEPTH: usize = 3;
/// Values that all of these and the function itself may need again after a call in the innermost
/// one.
const MAX_LIVE: usize = 8;
/// Locals that a body declares.
const MAX_LOCALS: u32 = 16;
/// How many inlined bodies may lie in each other.
const MAX_DEPTH: usize = 2;

/// Which of a module's own functions are fit to be inlined.
#[derive(Debug)]
pub struct Candidates {
    /// For each body its [`Shape`] as a number, once it is known.
    shapes: Box<[AtomicU32]>,
}

/// What inlining wants to know of a body that is fit for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shape {
    /// See [`weight`].
    weight: u8,
    /// How often it calls itself.
    calls: u8,
    /// How many values it needs again after such a call: see [`Uses`].
    live: u8,
    /// Whether it has a loop.
    loops: bool,
}

const UNKNOWN: u32 = 0;
const UNFIT: u32 = u32::MAX;

/// Bits of the last byte of a shape.
const KNOWN: u8 = 1;
const LOOPS: u8 = 2;

impl Shape {
    /// A number that is neither `UNKNOWN` nor `UNFIT`.
    const fn to_bits(self) -> u32 {
        u32::from_le_bytes([self.weight, self.calls, self.live, KNOWN | if self.loops { LOOPS } else { 0 }])
    }

    const fn from_bits(bits: u32) -> Self {
        let [weight, calls, live, flags] = bits.to_le_bytes();
        Self { weight, calls, live, loops: flags & LOOPS != 0 }
    }

    /// How many of its bodies may lie in each other in its own: no more than that all calls of such
    /// a depth can be replaced, unless it is the first.
    fn depth(self) -> usize {
        let (weight, calls) = (u32::from(self.weight), u32::from(self.calls));
        let (mut bodies, mut total) = (1, 0);
        let mut depth = 0;
        while depth < MAX_RECURSIVE_DEPTH && usize::from(self.live) * (depth + 2) <= MAX_LIVE {
            bodies *= calls;
            total += bodies * weight;
            if depth > 0 && total > RECURSIVE_BUDGET {
                break;
            }
            depth += 1;
        }
        depth
    }
}

impl Candidates {
    /// Nothing is known yet of the functions that are not imported, as many as are given.
    #[must_use]
    pub fn new(functions: usize) -> Self {
        Self { shapes: (0..functions).map(|_| AtomicU32::new(UNKNOWN)).collect() }
    }

    /// The shape of a function that is fit to be inlined.
    fn shape(&self, env: &Environment<'_>, function: u32) -> Option<Shape> {
        let own = function.checked_sub(env.info.imported_functions)? as usize;
        let range = env.bodies[own].body.range();
        if range.end - range.start > MAX_BYTES {
            return None;
        }
        // Threads that ask at the same time find the same.
        let known = self.shapes[own].load(Ordering::Relaxed);
        let known = if known == UNKNOWN {
            let (to_validate, body) = env.body(function);
            let found = weigh(to_validate, body, function).map_or(UNFIT, Shape::to_bits);
            self.shapes[own].store(found, Ordering::Relaxed);
            found
        } else {
            known
        };
        (known != UNFIT).then(|| Shape::from_bits(known))
    }
}

/// The shape of a body, if it is fit to be inlined. One that is not valid is not: whoever compiles
/// the function itself says why.
fn weigh(to_validate: FuncToValidate<ValidatorResources>, body: &FunctionBody<'_>, function: u32) -> Option<Shape> {
    let mut validator = to_validate.into_validator(FuncValidatorAllocations::default());
    validator.validate(body).ok()?;
    let mut locals = 0;
    for group in body.get_locals_reader().ok()? {
        locals += group.ok()?.0;
    }
    let (mut shape, mut total) = (Shape::default(), 0);
    let mut uses = Uses::default();
    let mut ends_dead = false;
    for operator in body.get_operators_reader().ok()? {
        let operator = operator.ok()?;
        total += weight(&operator)?;
        match operator {
            Operator::Loop { .. } => shape.loops = true,
            Operator::Call { function_index } if function_index == function => shape.calls += 1,
            _ => {}
        }
        uses.add(&operator, function);
        if !matches!(operator, Operator::End) {
            ends_dead = matches!(operator, Operator::Unreachable);
        }
    }
    shape.weight = u8::try_from(total).ok()?;
    shape.live = uses.live();
    // A function that ends dead is called where things go wrong: seldom.
    (locals <= MAX_LOCALS && total <= MAX_RECURSIVE_WEIGHT && !ends_dead).then_some(shape)
}

/// The uses of locals in a body, in their order: they tell about how many of its values a function
/// needs again after a call of itself.
///
/// Inlined into itself, a function keeps those of each level, but a call leaves only five registers
/// alone. More values go through memory in every round, which soon costs more than the calls that
/// are saved: with three levels of four values each, counting partitions takes 1.22 of the time
/// that it takes without inlining.
///
/// Of branches only those back to the head of a loop are followed. The order of magnitude is
/// enough.
#[derive(Debug, Default)]
struct Uses {
    uses: Vec<Use>,
    /// For each open frame where its loop begins, if it is one.
    frames: Vec<Option<usize>>,
}

#[derive(Clone, Copy, Debug)]
enum Use {
    /// A local is read.
    Get(u32),
    /// A local gets another value.
    Set(u32),
    /// The function calls itself.
    Call,
    /// A loop begins.
    Loop,
    /// A loop ends that began there.
    End(usize),
}

impl Uses {
    /// Notes an operator of a function.
    fn add(&mut self, operator: &Operator<'_>, function: u32) {
        match *operator {
            Operator::LocalGet { local_index } => self.uses.push(Use::Get(local_index)),
            // The value that `local.tee` leaves is used at once.
            Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                self.uses.push(Use::Set(local_index));
            }
            Operator::Call { function_index } if function_index == function => self.uses.push(Use::Call),
            Operator::Block { .. } | Operator::If { .. } => self.frames.push(None),
            Operator::Loop { .. } => {
                self.frames.push(Some(self.uses.len()));
                self.uses.push(Use::Loop);
            }
            Operator::End => self.uses.extend(self.frames.pop().flatten().map(Use::End)),
            _ => {}
        }
    }

    /// The most locals that are read after a call of itself.
    fn live(&self) -> u8 {
        // Bodies are so short that few have locals above 127, and share a bit with another then.
        let bit = |local: u32| 1_u128 << (local % u128::BITS);
        let mut heads = vec![0; self.uses.len()];
        let mut most = 0;
        // The second time it is known what loops need at their heads.
        for _ in 0..2 {
            let mut live = 0;
            for (at, item) in self.uses.iter().enumerate().rev() {
                match *item {
                    Use::Get(local) => live |= bit(local),
                    Use::Set(local) => live &= !bit(local),
                    Use::Call => most = most.max(live.count_ones()),
                    Use::Loop => heads[at] = live,
                    Use::End(head) => live |= heads[head],
                }
            }
        }
        most as u8
    }
}

/// About how many machine instructions an operator becomes; `None` where a call more does not
/// count: with operators that call the engine.
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
        | Op::Loop { .. }
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
        Op::BrTable { .. }
        | Op::CallIndirect { .. }
        // A tail call takes down the frame of its own function, not that of the one it would be
        // inlined into.
        | Op::ReturnCall { .. }
        | Op::ReturnCallIndirect { .. }
        | Op::RefFunc { .. }
        // Whoever throws is called seldom.
        | Op::TryTable { .. }
        | Op::Throw { .. }
        | Op::ThrowRef
        | Op::Try { .. }
        | Op::Catch { .. }
        | Op::CatchAll
        | Op::Delegate { .. }
        | Op::Rethrow { .. }
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
    let Some(shape) = candidates.shape(t.env, function).filter(|_| t.state.reachable) else { return false };
    let weight = u32::from(shape.weight);
    let fits = if t.chain.contains(&function) {
        t.chain.len() <= shape.depth() && t.inlined_weight + weight <= RECURSIVE_BUDGET
    } else {
        !shape.loops && weight <= MAX_WEIGHT && t.inlined_weight + weight <= BUDGET && t.chain.len() <= MAX_DEPTH
    };
    fits
        && t.homes.is_none()
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
    t.inlined_weight += env.candidates.shape(env, function).map_or(0, |shape| u32::from(shape.weight));

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

#[cfg(test)]
mod tests {
    use super::*;

    /// The shape of the first function of a module.
    fn shape(text: &str) -> Option<Shape> {
        let bytes =
            wat::parse_str(format!("(module (func $f (param i32 i32) (result i32) (local i32) {text}))")).unwrap();
        let body = crate::wasm::parse(&bytes).unwrap().bodies.pop().unwrap();
        weigh(body.to_validate, &body.body, 0)
    }

    #[test]
    fn values_that_a_call_has_to_keep_are_counted() {
        let once = "local.get 0 local.get 1 call $f";
        let live = |text: &str| shape(text).unwrap().live;
        assert_eq!(live(once), 0);
        assert_eq!(live(&format!("{once} local.get 1 i32.add")), 1);
        assert_eq!(
            live(&format!("{once} local.set 1 local.get 1 local.get 0 i32.add")),
            1,
            "one is set before it is read"
        );
        // In a loop what comes before the call comes after it, too.
        let round = format!(
            "loop {once} local.get 2 i32.add local.set 2 local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end local.get 2"
        );
        assert_eq!(shape(&round).unwrap(), Shape { weight: 7, calls: 1, live: 3, loops: true });
    }

    #[test]
    fn bodies_lie_in_each_other_as_deep_as_all_of_them_fit() {
        let depth = |weight, calls, live| Shape { weight, calls, live, loops: true }.depth();
        assert_eq!([depth(12, 1, 2), depth(12, 1, 3), depth(12, 1, 4), depth(12, 1, 5)], [3, 1, 1, 0]);
        assert_eq!([depth(6, 2, 1), depth(12, 2, 1), depth(24, 2, 1), depth(24, 9, 1)], [3, 2, 1, 1]);
        assert_eq!(depth(24, 0, 0), 3, "nothing to replace");
    }

    #[test]
    fn shapes_are_kept_as_numbers() {
        for shape in [
            Shape::default(),
            Shape { weight: 24, calls: 42, live: 64, loops: true },
            Shape { weight: 1, calls: 0, live: 0, loops: false },
        ] {
            assert_eq!(Shape::from_bits(shape.to_bits()), shape);
            assert!(![UNKNOWN, UNFIT].contains(&shape.to_bits()));
        }
    }
}
