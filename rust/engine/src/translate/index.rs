//! What is known of an index into a memory, and how an access at it is written so that the
//! processor's addressing modes take it up.
//!
//! ============================================================================================
//!   Sandbox-critical.
//!   An index of 32 bits wraps around, an address of 64 bits does not. This file alone
//!   moves arithmetic from the one to the other. A mistake here lets a guest read and write the
//!   host's memory. Change it with a second reader, and extend the tests at its end.
//! ============================================================================================
//!
//! `i32.add` of a constant is part of the address, as if it had been the static offset of the
//! access, only where the sum cannot wrap, whatever values the function meets; a shift to the left
//! likewise. Bounds are taken from what instructions give (section 4.3.2), never from what the
//! guest's program is likely to do.

use cranelift_codegen::ir::{DataFlowGraph, Function, Inst, InstBuilder, InstructionData, Opcode, Value, types};
use cranelift_frontend::FunctionBuilder;

/// How many instructions before a value are looked at, one behind the other.
const DEPTH: u32 = 5;
/// The largest scale of an addressing mode, as a shift.
const MAX_SHIFT: u64 = 3;
/// The largest `i32`, unsigned.
const MAX: u64 = u32::MAX as u64;

/// An index in parts: it is `(value << shift) + offset`, computed without wrapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Index {
    /// Of type `i32`.
    value: Value,
    shift: u64,
    /// What may be added to the offset of the access.
    pub(super) offset: u64,
}

impl Index {
    /// Takes an index of type `i32` to pieces.
    pub(super) fn new(func: &Function, index: Value) -> Self {
        let dfg = &func.dfg;
        let (mut value, mut offset) = (dfg.resolve_aliases(index), 0);
        while let Some((rest, constant)) = sum(dfg, value) {
            (value, offset) = (dfg.resolve_aliases(rest), offset + constant);
        }
        match shifted(dfg, value) {
            Some((rest, shift)) => Self { value: dfg.resolve_aliases(rest), shift, offset },
            None => Self { value, shift: 0, offset },
        }
    }

    /// What tells it from others, but for its `offset`.
    pub(super) fn key(self) -> (Value, u64) {
        (self.value, self.shift)
    }

    /// The index without its `offset`, in 64 bits.
    pub(super) fn extend(self, builder: &mut FunctionBuilder<'_>) -> Value {
        let value = builder.ins().uextend(types::I64, self.value);
        if self.shift == 0 { value } else { builder.ins().ishl_imm_u(value, self.shift as i64) }
    }
}

/// Of `a + constant` that cannot wrap, both.
fn sum(dfg: &DataFlowGraph, value: Value) -> Option<(Value, u64)> {
    let (inst, Opcode::Iadd) = definition(dfg, value)? else { return None };
    let (a, b) = operands(dfg, inst)?;
    let (rest, constant) = match (constant(dfg, a), constant(dfg, b)) {
        (_, Some(constant)) => (a, constant),
        (Some(constant), None) => (b, constant),
        (None, None) => return None,
    };
    (maximum(dfg, rest, DEPTH) + constant <= MAX).then_some((rest, constant))
}

/// Of `a << constant` that loses no bit and is a scale of an addressing mode, both.
fn shifted(dfg: &DataFlowGraph, value: Value) -> Option<(Value, u64)> {
    let (inst, Opcode::Ishl) = definition(dfg, value)? else { return None };
    let (rest, amount) = operands(dfg, inst)?;
    let shift = constant(dfg, amount)? % 32;
    (shift <= MAX_SHIFT && maximum(dfg, rest, DEPTH) << shift <= MAX).then_some((rest, shift))
}

/// The largest value that an `i32` can have, unsigned.
fn maximum(dfg: &DataFlowGraph, value: Value, depth: u32) -> u64 {
    if let Some(constant) = constant(dfg, value) {
        return constant;
    }
    let Some((inst, opcode)) = definition(dfg, value).filter(|_| depth > 0) else { return MAX };
    let of = |value| maximum(dfg, value, depth - 1);
    let bound = match opcode {
        Opcode::Uload8 => 0xff,
        Opcode::Uload16 => 0xffff,
        // Of a comparison 0 or 1.
        Opcode::Uextend => match dfg.value_type(dfg.inst_args(inst)[0]) {
            types::I8 => 0xff,
            types::I16 => 0xffff,
            _ => MAX,
        },
        Opcode::Clz | Opcode::Ctz | Opcode::Popcnt => 32,
        _ => match (opcode, operands(dfg, inst)) {
            (Opcode::Band, Some((a, b))) => of(a).min(of(b)),
            // No bit is set above the highest of both.
            (Opcode::Bor | Opcode::Bxor, Some((a, b))) => ((of(a) | of(b)) + 1).next_power_of_two() - 1,
            (Opcode::Iadd, Some((a, b))) => of(a) + of(b),
            (Opcode::Imul, Some((a, b))) => of(a) * of(b),
            (Opcode::Ishl, Some((a, b))) => constant(dfg, b).map_or(MAX, |shift| of(a) << (shift % 32)),
            (Opcode::Ushr, Some((a, b))) => constant(dfg, b).map_or(MAX, |shift| of(a) >> (shift % 32)),
            (Opcode::Urem, Some((_, b))) => constant(dfg, b).filter(|by| *by > 0).map_or(MAX, |by| by - 1),
            (Opcode::Udiv, Some((a, b))) => constant(dfg, b).filter(|by| *by > 0).map_or(MAX, |by| of(a) / by),
            _ => MAX,
        },
    };
    // What could wrap can be anything.
    if bound <= MAX { bound } else { MAX }
}

/// The instruction that defines a value of type `i32`, and its opcode.
fn definition(dfg: &DataFlowGraph, value: Value) -> Option<(Inst, Opcode)> {
    let value = dfg.resolve_aliases(value);
    let inst = dfg.value_def(value).inst().filter(|_| dfg.value_type(value) == types::I32)?;
    Some((inst, dfg.insts[inst].opcode()))
}

/// The operands of an instruction that has two, each of type `i32`.
fn operands(dfg: &DataFlowGraph, inst: Inst) -> Option<(Value, Value)> {
    match *dfg.inst_args(inst) {
        [a, b] if [a, b].iter().all(|value| dfg.value_type(*value) == types::I32) => Some((a, b)),
        _ => None,
    }
}

/// The constant that an `i32` value is, unsigned.
pub(super) fn constant(dfg: &DataFlowGraph, value: Value) -> Option<u64> {
    let (inst, _) = definition(dfg, value)?;
    match dfg.insts[inst] {
        InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => Some(u64::from(imm.bits() as u32)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;
    use cranelift_codegen::ir::{AbiParam, MemFlagsData, Type, condcodes::IntCC};
    use cranelift_frontend::FunctionBuilderContext;

    /// What the function is given: two parameters, and what all loads find.
    type Given = [u32; 3];

    const EDGES: [u32; 12] =
        [0, 1, 2, 0x7f, 0xff, 0x100, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

    /// What a value is when the function runs.
    fn run(dfg: &DataFlowGraph, value: Value, given: &Given) -> u64 {
        let value = dfg.resolve_aliases(value);
        let Some(inst) = dfg.value_def(value).inst() else {
            return u64::from(given[dfg.value_def(value).num()]);
        };
        let args: Vec<u64> = dfg.inst_args(inst).iter().map(|arg| run(dfg, *arg, given)).collect();
        let narrow = |value: u64| value & MAX;
        match (dfg.insts[inst].opcode(), &args[..]) {
            // One of 64 bits is only the address of a load.
            (Opcode::Iconst, _) => constant(dfg, value).unwrap_or(0),
            (Opcode::Uload8, _) => u64::from(given[2] & 0xff),
            (Opcode::Uload16, _) => u64::from(given[2] & 0xffff),
            (Opcode::Load, _) => u64::from(given[2]),
            (Opcode::Icmp, [a, b]) => u64::from(a < b),
            (Opcode::Uextend, [a]) => *a,
            (Opcode::Popcnt, [a]) => u64::from(a.count_ones()),
            (Opcode::Iadd, [a, b]) => narrow(a + b),
            (Opcode::Isub, [a, b]) => narrow(a.wrapping_sub(*b)),
            (Opcode::Imul, [a, b]) => narrow(a.wrapping_mul(*b)),
            (Opcode::Band, [a, b]) => a & b,
            (Opcode::Bor, [a, b]) => a | b,
            (Opcode::Bxor, [a, b]) => a ^ b,
            (Opcode::Ishl, [a, b]) => narrow(a << (b % 32)),
            (Opcode::Ushr, [a, b]) => a >> (b % 32),
            (Opcode::Udiv, [a, b]) => a.checked_div(*b).unwrap_or(0),
            (Opcode::Urem, [a, b]) => a.checked_rem(*b).unwrap_or(0),
            (opcode, _) => panic!("{opcode}"),
        }
    }

    /// Builds a function of two parameters, and hands what `build` returns to `look`.
    fn with<R>(
        build: impl FnOnce(&mut FunctionBuilder<'_>, Value, Value) -> Value,
        look: impl FnOnce(&Function, Value) -> R,
    ) -> R {
        let mut func = Function::new();
        func.signature.params = vec![AbiParam::new(types::I32); 2];
        let mut context = FunctionBuilderContext::new();
        let mut builder = FunctionBuilder::new(&mut func, &mut context);
        let block = builder.create_block();
        builder.append_block_params_for_function_params(block);
        builder.switch_to_block(block);
        let (a, b) = (builder.block_params(block)[0], builder.block_params(block)[1]);
        let value = build(&mut builder, a, b);
        look(&func, value)
    }

    fn load(builder: &mut FunctionBuilder<'_>, width: u32) -> Value {
        let at = builder.ins().iconst(types::I64, 0);
        let flags = MemFlagsData::new();
        match width {
            1 => builder.ins().uload8(types::I32, flags, at, 0),
            2 => builder.ins().uload16(types::I32, flags, at, 0),
            _ => builder.ins().load(types::I32, flags, at, 0),
        }
    }

    fn number(builder: &mut FunctionBuilder<'_>, value: u32) -> Value {
        builder.ins().iconst(types::I32, i64::from(value))
    }

    /// The parts of an index.
    fn parts(build: impl FnOnce(&mut FunctionBuilder<'_>, Value, Value) -> Value) -> (u64, u64) {
        with(build, |func, value| {
            let index = Index::new(func, value);
            (index.shift, index.offset)
        })
    }

    #[test]
    fn sums_move_into_the_offset_only_where_they_cannot_wrap() {
        let plus = |build: fn(&mut FunctionBuilder<'_>, Value) -> Value, constant: u32| {
            parts(|b, parameter, _| {
                let (value, constant) = (build(b, parameter), number(b, constant));
                b.ins().iadd(value, constant)
            })
        };
        assert_eq!(plus(|_, parameter| parameter, 1), (0, 0), "a parameter can be the largest number");
        assert_eq!(plus(|_, parameter| parameter, 0), (0, 0));
        assert_eq!(plus(|b, _| load(b, 4), 1), (0, 0));
        assert_eq!(plus(|b, _| load(b, 1), 0xffff_ff00), (0, 0xffff_ff00));
        assert_eq!(plus(|b, _| load(b, 1), 0xffff_ff01), (0, 0));
        assert_eq!(plus(|b, _| load(b, 2), 0xffff_0000), (0, 0xffff_0000));
        assert_eq!(plus(|b, _| load(b, 2), 0xffff_0001), (0, 0));
        let masked = |b: &mut FunctionBuilder<'_>, parameter| {
            let mask = number(b, 0x3ff);
            let index = b.ins().band(parameter, mask);
            let two = number(b, 2);
            b.ins().ishl(index, two)
        };
        assert_eq!(plus(masked, 0xffff_f003), (2, 0xffff_f003));
        assert_eq!(plus(masked, 0xffff_f004), (0, 0), "1023 * 4 + 0xfffff004 wraps");
    }

    #[test]
    fn shifts_are_taken_only_where_they_lose_nothing() {
        let shifted = |right: u32, left: u32| {
            parts(|b, parameter, _| {
                let right = number(b, right);
                let value = b.ins().ushr(parameter, right);
                let left = number(b, left);
                b.ins().ishl(value, left)
            })
        };
        assert_eq!(shifted(3, 3), (3, 0));
        assert_eq!(shifted(2, 3), (0, 0));
        assert_eq!(shifted(4, 4), (0, 0), "no scale");
        assert_eq!(shifted(3, 35), (3, 0), "counts are taken modulo the width");
        assert_eq!(shifted(0, 0), (0, 0));
    }

    /// Numbers in a fixed order that looks like none.
    struct Random(u64);

    impl Random {
        fn next(&mut self, below: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % below
        }
    }

    fn expression(b: &mut FunctionBuilder<'_>, random: &mut Random, leaves: [Value; 2], depth: u32) -> Value {
        if depth == 0 || random.next(6) == 0 {
            return match random.next(6) {
                0 => leaves[0],
                1 => leaves[1],
                2 => load(b, 1),
                3 => load(b, 2),
                4 => number(b, random.next(40) as u32),
                _ => number(b, EDGES[random.next(EDGES.len())]),
            };
        }
        let mut next = |b: &mut FunctionBuilder<'_>| expression(b, random, leaves, depth - 1);
        let (x, y): (Value, Value) = (next(b), next(b));
        let comparison = |b: &mut FunctionBuilder<'_>, to: Type| {
            let less = b.ins().icmp(IntCC::UnsignedLessThan, x, y);
            b.ins().uextend(to, less)
        };
        match random.next(13) {
            0..3 => b.ins().iadd(x, y),
            3 => b.ins().isub(x, y),
            4 => b.ins().imul(x, y),
            5 => b.ins().band(x, y),
            6 => b.ins().bor(x, y),
            7 => b.ins().bxor(x, y),
            8 => b.ins().ishl(x, y),
            9 => b.ins().ushr(x, y),
            10 => b.ins().udiv(x, y),
            11 => b.ins().urem(x, y),
            _ => comparison(b, types::I32),
        }
    }

    #[test]
    fn parts_give_the_index_and_nothing_exceeds_its_bound() {
        let mut random = Random(1);
        let (mut moved, mut scaled) = (0, 0);
        for _ in 0..20_000 {
            let seed = random.next(usize::MAX >> 33) as u64;
            with(
                |b, x, y| {
                    let value = expression(b, &mut Random(seed), [x, y], 4);
                    let by = number(b, (seed >> 3) as u32 % 4);
                    let value = if seed % 4 == 1 { b.ins().ishl(value, by) } else { value };
                    // Often what the question is about.
                    let constant = number(b, EDGES[seed as usize % EDGES.len()] >> (seed % 7));
                    if seed.is_multiple_of(3) { value } else { b.ins().iadd(value, constant) }
                },
                |func, value| {
                    let index = Index::new(func, value);
                    moved += u32::from(index.offset > 0);
                    scaled += u32::from(index.shift > 0);
                    for (x, y, z) in
                        [(0, 0, 0), (7, 3, 0x80), (13, 255, 0xff), (u32::MAX, 5, 0xffff), (2, u32::MAX, 0xffff)]
                            .into_iter()
                            .chain(EDGES.iter().map(|edge| (*edge, edge ^ 1, 0xffff_ffff)))
                    {
                        let given = [x, y, z];
                        let whole = run(&func.dfg, value, &given);
                        let parts = (run(&func.dfg, index.value, &given) << index.shift) + index.offset;
                        assert_eq!(parts, whole, "seed {seed}, given {given:x?}, {index:?}: {func}");
                        assert!(whole <= maximum(&func.dfg, value, DEPTH), "seed {seed}, given {given:x?}: {func}");
                    }
                },
            );
        }
        assert!(moved > 500 && scaled > 20, "{moved} sums and {scaled} shifts were moved");
    }
}
