//! Which functions are too complex for the code generator to optimise: those for which its passes
//! take much longer than in proportion to the length of the function.
//!
//! What takes long was found by profiles of functions of many shapes (tests/shapes); the limits lie
//! above the largest functions of real programs, which are compiled as any other. The largest
//! function of esbuild has 75,765 instructions in 6,858 blocks with 11,040 parameters, to which
//! branches pass 49,547 arguments; the largest of CPython 3.12, SQLite and QuickJS are half as
//! large at most.
//!
//! | what                | which pass grows with it                                              |
//! |---------------------|-----------------------------------------------------------------------|
//! | instructions        | register allocation: bundles of long-lived values                     |
//! | blocks              | the same; looking for a block among those that dominate one           |
//! | loops               | register allocation: a bundle is split again and again at loops       |
//! | loops in each other | hoisting, with the cube                                               |
//! | parameters, arguments | SSA form, register allocation                                       |
//! | chains              | rewriting sums of sums: each is matched with all forms of the others  |

use crate::error::{Error, ErrorKind};
use crate::prelude::*;
use cranelift_codegen::ir::{Function, Inst, InstructionData, Opcode};

/// Most pairs of a used local and a block while SSA form is built, which takes time and memory for
/// each pair.
pub(super) const MAX_LOCAL_BLOCKS: u64 = 1 << 24;
/// Most values that branches pass to blocks by instructions of wasm where locals are SSA values.
pub(super) const MAX_PASSED_AS_SSA: u64 = 1 << 17;
/// Most values that branches pass to blocks in any function: each takes some hundred bytes until
/// the function is compiled, and an instruction of two bytes can pass a thousand.
pub(super) const MAX_PASSED: u64 = 1 << 23;

/// Most handlers that all calls of a function have together where locals are SSA values: each is an
/// edge to a block with many predecessors.
pub(super) const MAX_HANDLERS_AS_SSA: u64 = 1 << 14;
/// Most handlers that they have in any function; C++ programs have some thousand.
pub(super) const MAX_HANDLERS: u64 = 1 << 18;
/// Most handlers that calls meet, with those that others hide.
pub(super) const MAX_HANDLERS_MET: u64 = 1 << 23;

/// Most values that SSA form may make of a body of so many bytes.
pub(super) const fn values_of(bytes: u64) -> u64 {
    bytes * 16 + 20_000
}

/// The error of a function whose branches pass so many values, and whose calls have so many
/// handlers.
pub(super) fn refused(index: u32, passed: u64, handlers: u64) -> Error {
    let what = if passed > MAX_PASSED {
        format!("its branches pass {passed} values to blocks, expected at most {MAX_PASSED}")
    } else {
        format!("its calls have {handlers} handlers of exceptions, expected at most {MAX_HANDLERS}")
    };
    Error::new(ErrorKind::Compile, format!("function {index} is too large: {what}"))
}

/// Functions of fewer instructions are not looked at.
const SMALL: usize = 1_000;
const MAX_INSTRUCTIONS: usize = 150_000;
const MAX_BLOCKS: usize = 8_000;
/// Most blocks that are made where locals are SSA values: an argument more for one of the targets
/// of a branch table takes a look at all of them. That is above `MAX_BLOCKS`, as some that are made
/// are not used.
pub(super) const MAX_BLOCKS_AS_SSA: usize = 2 * MAX_BLOCKS;
const MAX_LOOPS: usize = 1_000;
const MAX_DEPTH: usize = 100;
const MAX_PARAMETERS: usize = 16_000;
const MAX_PARAMETERS_OF_BLOCK: usize = 1_000;
const MAX_ARGUMENTS: usize = 100_000;
/// Chains are too many if one instruction of so many is part of one.
const CHAINED: usize = 6;

/// What the time that a function takes depends on beside its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Complexity {
    /// Instructions in the layout.
    pub instructions: usize,
    /// Blocks in the layout.
    pub blocks: usize,
    /// Blocks to which one behind them leads.
    pub loops: usize,
    /// How many loops lie in each other at most.
    pub depth: usize,
    /// Parameters of all blocks.
    pub parameters: usize,
    /// Parameters of the block that has most.
    pub widest: usize,
    /// Arguments that all branches pass.
    pub arguments: usize,
    /// Instructions whose operand is made by the same instruction, and sums that are written to
    /// where an operand was read: of those in a row, chains are made.
    pub chained: usize,
}

impl Complexity {
    /// Measures a function that was translated.
    #[must_use]
    pub fn new(func: &Function) -> Self {
        let mut found = Self::default();
        let order: Vec<_> = func.layout.blocks().collect();
        let mut places = vec![usize::MAX; func.dfg.num_blocks()];
        for (place, block) in order.iter().enumerate() {
            places[block.as_u32() as usize] = place;
        }
        // Of each block up to which block the loop lasts that begins there.
        let mut lasts = vec![0; order.len()];
        found.blocks = order.len();
        for (place, block) in order.iter().enumerate() {
            let parameters = func.dfg.num_block_params(*block);
            found.parameters += parameters;
            found.widest = found.widest.max(parameters);
            for inst in func.layout.block_insts(*block) {
                found.instructions += 1;
                found.chained += usize::from(is_chained(func, inst));
            }
            let Some(last) = func.layout.last_inst(*block) else { continue };
            for call in func.dfg.insts[last].branch_destination(&func.dfg.jump_tables, &func.dfg.exception_tables) {
                found.arguments += call.len(&func.dfg.value_lists);
                let to = places[call.block(&func.dfg.value_lists).as_u32() as usize];
                if to <= place {
                    lasts[to] = lasts[to].max(place + 1);
                }
            }
        }
        let mut open: Vec<usize> = Vec::new();
        for (place, last) in lasts.into_iter().enumerate() {
            while open.last().is_some_and(|end| *end <= place) {
                open.pop();
            }
            if last > 0 {
                found.loops += 1;
                open.push(last);
                found.depth = found.depth.max(open.len());
            }
        }
        found
    }

    /// Whether the code generator would take too long to optimise a function.
    #[must_use]
    pub fn is_too_high(func: &Function) -> bool {
        func.dfg.num_insts() > SMALL && Self::new(func).exceeds()
    }

    fn exceeds(self) -> bool {
        self.instructions > MAX_INSTRUCTIONS
            || self.blocks > MAX_BLOCKS
            || self.loops > MAX_LOOPS
            || self.depth > MAX_DEPTH
            || self.parameters > MAX_PARAMETERS
            || self.widest > MAX_PARAMETERS_OF_BLOCK
            || self.arguments > MAX_ARGUMENTS
            || (self.instructions > SMALL && self.chained > self.instructions / CHAINED)
    }
}

/// Whether an operand of an instruction for which there are rules of sums of sums is made by the
/// same instruction.
fn is_chained(func: &Function, inst: Inst) -> bool {
    use Opcode as Op;
    let dfg = &func.dfg;
    let opcode = dfg.insts[inst].opcode();
    let has_rules = matches!(
        opcode,
        Op::Iadd | Op::Isub | Op::Imul | Op::Band | Op::Bor | Op::Bxor | Op::Ishl | Op::Ushr | Op::Sshr
    );
    has_rules
        && dfg.inst_args(inst).iter().any(|value| {
            let made = dfg.value_def(dfg.resolve_aliases(*value)).inst();
            made.is_some_and(|made| dfg.insts[made].opcode() == opcode || is_written_back(func, made, inst))
        })
}

/// Whether what `inst` makes is written to where `load` has read.
fn is_written_back(func: &Function, load: Inst, inst: Inst) -> bool {
    let dfg = &func.dfg;
    let Some(store) = func.layout.next_inst(inst) else { return false };
    match (dfg.insts[load], dfg.insts[store]) {
        (InstructionData::Load { arg, offset, .. }, InstructionData::Store { args, offset: at, .. }) => {
            args[0] == dfg.first_result(inst) && args[1] == arg && at == offset
        }
        _ => false,
    }
}
