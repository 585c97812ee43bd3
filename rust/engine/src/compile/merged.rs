//! Loads that become one machine instruction with what uses their value: what traps there is the
//! load.
//!
//! The code generator assigns such an instruction the location of the user, which may belong to
//! another function where bodies are inlined: the load's function would be missing in a backtrace,
//! or one would be named that was not called yet. So after optimisation each load that may be
//! merged gets a trap code of its own, a *tag*. Where machine code has it, the trap record gets the
//! code that the tag stands for, and the address map names the load for this one instruction.
//!
//! The code stays the same: by then nothing depends on trap codes but the rules that make one
//! instruction of a load, an operation and a store to the same address (`add [rax], 1`). They want
//! equal flags of both accesses, so the store gets the load's tag. It cannot trap, as the load did
//! not.

use super::body::AddressRecord;
use crate::isa::INSTRUCTION_ALIGNMENT;
use crate::prelude::*;
use crate::translate::{InlinedLocation, Location};
use crate::trap::TrapCode;
use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::{self, Function, Inst, InstructionData, MemFlags, Opcode, Value};

/// The first tag: those before it are trap codes of ours, and those after the last one are
/// Cranelift's.
const FIRST: u8 = TrapCode::ALL.len() as u8 + 1;
/// How far the value of a load is followed from user to user. Rules for machine instructions look
/// at fewer.
const DEPTH: usize = 6;

/// What a tag stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    /// The load's own trap code.
    pub(super) code: ir::TrapCode,
    /// Where the load is.
    pub(super) location: Location,
}

/// The tags of one function.
#[derive(Debug, Default)]
pub(super) struct Tags(Vec<Tag>);

/// The instructions that use a value.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Users {
    #[default]
    None,
    One(Inst),
    Many,
}

/// How wrong the location of a machine instruction may be that a load is part of: the worst comes
/// first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    /// It is in another body, of those that were inlined or the function's own.
    Body,
    /// It is not known, as the optimiser made the user of others: what holds is that of the code
    /// before.
    Unknown,
    /// It is in the same body, where only the offset is another.
    Offset,
}

impl Tags {
    /// Tags loads of an optimised function. If there are more than tags, those are left out that
    /// matter least.
    pub(super) fn new(func: &mut Function, inlined: &[InlinedLocation]) -> Self {
        let users = users(func);
        let mut loads = Vec::new();
        for inst in func.layout.blocks().flat_map(|block| func.layout.block_insts(block)) {
            if load(func, inst).is_some() {
                let own = location(func, inst);
                let wrong = chain(func, &users, inst).filter_map(|user| wrong(own, location(func, user), inlined));
                loads.extend(wrong.min().map(|wrong| (wrong, inst)));
            }
        }
        loads.sort_by_key(|(wrong, _)| *wrong);
        let mut tags = Self::default();
        for (_, inst) in loads {
            if !tags.add(func, &users, inst) {
                break;
            }
        }
        tags
    }

    /// What a trap code of machine code stands for, if it is a tag.
    pub(super) fn get(&self, code: ir::TrapCode) -> Option<Tag> {
        self.0.get(usize::from(code.as_raw().get().checked_sub(FIRST)?)).copied()
    }

    /// Tags a load, and reports whether there was a tag left.
    fn add(&mut self, func: &mut Function, users: &SecondaryMap<Value, Users>, inst: Inst) -> bool {
        let Some((flags, code)) = load(func, inst) else { return true };
        let number = u8::try_from(self.0.len()).ok().and_then(|count| FIRST.checked_add(count));
        let Some(tag) = number.and_then(ir::TrapCode::user) else { return false };
        let stored = stored(func, users, inst);
        let tagged = func.dfg.mem_flags[flags].with_trap_code(Some(tag));
        let Ok(tagged) = func.dfg.mem_flags.insert(tagged) else { return false };
        for access in core::iter::once(inst).chain(stored) {
            match &mut func.dfg.insts[access] {
                InstructionData::Load { flags, .. } | InstructionData::Store { flags, .. } => *flags = tagged,
                _ => {}
            }
        }
        self.0.push(Tag { code, location: location(func, inst) });
        true
    }
}

/// Makes an address map name the locations of `merged` loads, given with the offsets of their
/// instructions in ascending order.
pub(super) fn name(records: &mut Vec<AddressRecord>, merged: &[(u32, Location)]) {
    if merged.is_empty() {
        return;
    }
    let mut named: Vec<AddressRecord> = Vec::with_capacity(records.len() + 2 * merged.len());
    let mut push = |code: u32, location: Location| {
        if named.last().is_some_and(|last| last.code == code) {
            named.pop();
        }
        if named.last().map_or(Location::UNKNOWN, |last| last.location) != location {
            named.push(AddressRecord { code, location });
        }
    };
    let mut rest = records.drain(..).peekable();
    let mut around = Location::UNKNOWN;
    for (offset, location) in merged {
        while let Some(record) = rest.next_if(|record| record.code <= *offset) {
            around = record.location;
            push(record.code, around);
        }
        push(*offset, *location);
        // The instruction may be longer, but nobody asks for what is inside of one.
        push(*offset + INSTRUCTION_ALIGNMENT, around);
    }
    for record in rest {
        push(record.code, record.location);
    }
    *records = named;
}

/// Flags and trap code of a load that can be merged.
fn load(func: &Function, inst: Inst) -> Option<(MemFlags, ir::TrapCode)> {
    match func.dfg.insts[inst] {
        InstructionData::Load { opcode: Opcode::Load, flags, .. } => {
            Some((flags, func.dfg.mem_flags[flags].trap_code()?))
        }
        _ => None,
    }
}

fn location(func: &Function, inst: Inst) -> Location {
    Location::from_bits(func.srcloc(inst).bits())
}

/// How wrong it is to take the location of a user for that of a load.
fn wrong(load: Location, user: Location, inlined: &[InlinedLocation]) -> Option<Wrong> {
    let body = |location: Location| {
        let entry = location.inlined_index().and_then(|index| inlined.get(index));
        entry.map(|entry| (entry.function, entry.parent))
    };
    if load == user {
        None
    } else if user == Location::UNKNOWN {
        Some(Wrong::Unknown)
    } else {
        Some(if body(load) == body(user) { Wrong::Offset } else { Wrong::Body })
    }
}

fn users(func: &Function) -> SecondaryMap<Value, Users> {
    let mut users = SecondaryMap::with_capacity(func.dfg.num_values());
    for inst in func.layout.blocks().flat_map(|block| func.layout.block_insts(block)) {
        for value in func.dfg.inst_values(inst) {
            users[value] = if users[value] == Users::None { Users::One(inst) } else { Users::Many };
        }
    }
    users
}

/// The instructions that may become one with a load: the only user of its value, if that is in the
/// same block, the only user of that one's value, and so on.
fn chain<'a>(
    func: &'a Function,
    users: &'a SecondaryMap<Value, Users>,
    load: Inst,
) -> impl Iterator<Item = Inst> + Clone + 'a {
    let block = func.layout.inst_block(load);
    let next = move |inst: &Inst| {
        let [value] = func.dfg.inst_results(*inst) else { return None };
        match users[*value] {
            Users::One(user) if func.layout.inst_block(user) == block => Some(user),
            _ => None,
        }
    };
    core::iter::successors(next(&load), next).take(DEPTH)
}

/// The store that may become one instruction with a load and an operation on its value: it has the
/// same address.
fn stored(func: &Function, users: &SecondaryMap<Value, Users>, inst: Inst) -> Option<Inst> {
    let store = chain(func, users, inst).nth(1)?;
    match (func.dfg.insts[inst], func.dfg.insts[store]) {
        (
            InstructionData::Load { arg, flags: of_load, offset: at, .. },
            InstructionData::Store { opcode: Opcode::Store, args, flags, offset },
        ) if args[1] == arg && offset == at && flags == of_load => Some(store),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(records: &[(u32, u64)], merged: &[(u32, u64)]) -> Vec<(u32, u64)> {
        let unknown = u64::from(Location::UNKNOWN.bits());
        let location = |at: u64| if at == unknown { Location::UNKNOWN } else { Location::at(at) };
        let mut records: Vec<_> =
            records.iter().map(|(code, at)| AddressRecord { code: *code, location: location(*at) }).collect();
        let merged: Vec<_> = merged.iter().map(|(code, at)| (*code, location(*at))).collect();
        name(&mut records, &merged);
        records.iter().map(|record| (record.code, u64::from(record.location.bits()))).collect()
    }

    #[test]
    fn one_instruction_is_named_and_what_follows_is_as_before() {
        let step = INSTRUCTION_ALIGNMENT;
        let records = [(0, 5), (8, 6), (32, 7)];
        assert_eq!(named(&records, &[]), records);
        assert_eq!(named(&records, &[(12, 9)]), [(0, 5), (8, 6), (12, 9), (12 + step, 6), (32, 7)]);
        // At the beginning of a record, and the same location as is there already.
        assert_eq!(named(&records, &[(8, 9)]), [(0, 5), (8, 9), (8 + step, 6), (32, 7)]);
        assert_eq!(named(&records, &[(8, 6), (36, 7)]), records);
        // The location before, and two instructions in a row.
        assert_eq!(named(&records, &[(8, 5)]), [(0, 5), (8 + step, 6), (32, 7)]);
        let row = [(0, 5), (8, 6), (12, 9), (12 + step, 6), (20, 9), (20 + step, 6), (32, 7)];
        assert_eq!(named(&records, &[(12, 9), (20, 9)]), row);
        // The last instruction before a record.
        assert_eq!(named(&records, &[(32 - step, 9)]), [(0, 5), (8, 6), (32 - step, 9), (32, 7)]);
        let unknown = u64::from(Location::UNKNOWN.bits());
        assert_eq!(named(&[(8, 6)], &[(0, 9)]), [(0, 9), (step, unknown), (8, 6)]);
    }

    #[test]
    fn tags_lie_between_the_codes_of_both_sides() {
        assert!(TrapCode::ALL.iter().all(|code| (*code as u8) < FIRST));
        let tag = Tag { code: TrapCode::MemoryOutOfBounds.to_clif(), location: Location::at(1) };
        // The last number that is not Cranelift's is 250.
        let tags = Tags(vec![tag; 251 - usize::from(FIRST)]);
        for code in TrapCode::ALL {
            assert_eq!(tags.get(code.to_clif()), None, "{code:?}");
        }
        assert_eq!(tags.get(ir::TrapCode::unwrap_user(FIRST)), Some(tag));
        assert_eq!(tags.get(ir::TrapCode::unwrap_user(250)), Some(tag));
        assert_eq!(ir::TrapCode::user(251), None);
    }
}
