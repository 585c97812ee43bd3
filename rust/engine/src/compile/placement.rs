//! Where in a cache line a function begins, so that its loops take as few lines as possible.
//!
//! Processors fetch decoded instructions by lines of 64 bytes. A loop of a few instructions between
//! indirect jumps takes up to 1.4 times as long where its head lies across one line more. Cranelift
//! cannot align a block, but all blocks of a function can be moved together by what lies before it.

use super::body::CodeBody;
use crate::isa::FILLER;
use crate::prelude::*;

/// Bytes that are fetched together.
const LINE: u32 = 64;
/// A function is moved by a multiple of this, and of the alignment that its constants need.
const STEP: u32 = 8;
/// How often the body of a loop is assumed to run.
const ROUNDS: f64 = 8.0;
/// Functions of more blocks are left where they are: of so many no place suits all.
const MAX_BLOCKS: usize = 400;
/// What must be gained to be worth the space: the share of the lines that are fetched.
const WORTH: f64 = 0.02;

/// A block: its offset, the end of its instructions, and about how often it runs.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Block {
    start: u32,
    end: u32,
    runs: f64,
}

/// Moves a body to the best place. `starts` are the offsets of its blocks in ascending order,
/// `edges` lead from block to block; what is in it needs an `alignment` to a power of two, counted
/// from its beginning.
pub(super) fn place(body: &mut CodeBody, alignment: u32, starts: &[u32], edges: &[(u32, u32)]) {
    if !cfg!(target_arch = "x86_64") || starts.len() > MAX_BLOCKS || !edges.iter().any(|(from, to)| to <= from) {
        return;
    }
    let shift = best(&blocks(starts, edges, body.code.len() as u32), STEP.max(alignment));
    body.alignment = body.alignment.max(LINE);
    if shift == 0 {
        return;
    }
    body.entry = shift;
    body.code.splice(..0, core::iter::repeat_n(FILLER, shift as usize));
    for relocation in &mut body.relocations {
        relocation.offset += shift;
    }
    for trap in &mut body.traps {
        trap.offset += shift;
    }
    for site in &mut body.sites {
        site.at += shift;
    }
    for clause in &mut body.clauses {
        clause.target += shift;
    }
    for record in &mut body.addresses {
        record.code += shift;
    }
}

/// By how many bytes the function is best moved, a multiple of `step`.
fn best(blocks: &[Block], step: u32) -> u32 {
    let lines = |shift: u32| -> f64 {
        let count = |block: &Block| (block.end - 1 + shift) / LINE - (block.start + shift) / LINE + 1;
        let of = |block: &Block| f64::from(count(block)) * block.runs;
        blocks.iter().map(of).sum()
    };
    let (mut best, mut least) = (0, lines(0) * (1.0 - WORTH));
    for shift in (step..LINE).step_by(step as usize) {
        let lines = lines(shift);
        if lines < least {
            (best, least) = (shift, lines);
        }
    }
    best
}

/// The blocks of a function of `size` bytes, in their order.
fn blocks(starts: &[u32], edges: &[(u32, u32)], size: u32) -> Vec<Block> {
    let index = |offset: u32| starts.partition_point(|start| *start < offset).min(starts.len() - 1);
    let edges: Vec<(usize, usize)> = edges.iter().map(|(from, to)| (index(*from), index(*to))).collect();
    // A loop reaches from its head to the last block that goes back there.
    let mut last: Vec<Option<usize>> = vec![None; starts.len()];
    let mut leave = vec![0_u32; starts.len()];
    for (from, to) in &edges {
        leave[*from] += 1;
        if to <= from {
            last[*to] = last[*to].max(Some(*from));
        }
    }
    let mut depths = vec![0_i32; starts.len()];
    for (head, last) in last.iter().enumerate() {
        if let Some(last) = last {
            depths[head..=*last].iter_mut().for_each(|depth| *depth += 1);
        }
    }
    let mut runs = vec![0_f64; starts.len()];
    runs[0] = 1.0;
    let mut sorted = edges;
    sorted.sort_unstable();
    let mut rest = sorted.into_iter().peekable();
    for from in 0..starts.len() {
        if last[from].is_some() {
            runs[from] *= ROUNDS;
        }
        let each = runs[from] / f64::from(leave[from].max(1));
        while let Some((_, to)) = rest.next_if(|(edge, _)| *edge == from) {
            if to > from {
                runs[to] += each / power(ROUNDS, depths[from] + i32::from(last[to].is_some()) - depths[to]);
            }
        }
    }
    (0..starts.len())
        .map(|at| {
            let (start, next) = (starts[at], starts.get(at + 1).copied().unwrap_or(size));
            // What more than two edges leave ends in a table of 4 bytes for each.
            let table = if leave[at] > 2 { leave[at] * 4 } else { 0 };
            Block { start, end: next.saturating_sub(table).max(start + 1), runs: runs[at] }
        })
        .collect()
}

/// A number to the power of another, 1 where that is negative. (`core` has none.)
fn power(base: f64, exponent: i32) -> f64 {
    (0..exponent).fold(1.0, |product, _| product * base)
}

#[cfg(test)]
mod tests {
    use super::super::body::{AddressRecord, Relocation, TrapRecord};
    use super::*;
    use crate::translate::Location;

    #[test]
    fn loops_run_more_often_than_what_surrounds_them() {
        // An entry, the head of a loop, a choice of two, back, the end.
        let blocks = blocks(
            &[0, 10, 20, 30, 40, 50],
            &[(0, 10), (10, 20), (10, 30), (20, 40), (30, 40), (40, 10), (40, 50)],
            60,
        );
        let runs: Vec<_> = blocks.iter().map(|block| block.runs).collect();
        assert_eq!(runs, [1.0, 8.0, 4.0, 4.0, 8.0, 0.5]);
        assert_eq!((blocks[5].start, blocks[5].end), (50, 60));
    }

    #[test]
    fn tables_are_no_instructions() {
        let blocks = blocks(&[0, 40, 50, 60], &[(0, 40), (0, 50), (0, 60)], 70);
        assert_eq!((blocks[0].start, blocks[0].end), (0, 28));
    }

    #[test]
    fn a_loop_is_moved_into_one_line() {
        let mut body = CodeBody {
            code: vec![0x90; 80],
            alignment: 32,
            relocations: vec![Relocation { offset: 3, function: 0 }],
            traps: vec![TrapRecord { offset: 60, code: 1 }],
            addresses: vec![AddressRecord { code: 0, location: Location::at(9) }],
            ..CodeBody::default()
        };
        let straight = body.clone();
        place(&mut body, 1, &[0, 40], &[(0, 40)]);
        assert_eq!(body, straight, "no loop");
        if !cfg!(target_arch = "x86_64") {
            return;
        }
        // The loop is [40, 80).
        place(&mut body, 1, &[0, 40], &[(0, 40), (40, 40)]);
        assert_eq!((body.entry, body.alignment, body.code.len()), (24, 64, 104));
        assert_eq!(body.code[..25], [[FILLER; 24].as_slice(), &[0x90]].concat());
        assert_eq!((body.relocations[0].offset, body.traps[0].offset, body.addresses[0].code), (27, 84, 24));
    }

    #[test]
    fn any_list_of_blocks_is_taken() {
        for (starts, edges) in
            [(vec![0], vec![(0, 0)]), (vec![0, 4], vec![(4, 0), (9, 1)]), (vec![0, 70], vec![(70, 70); 40])]
        {
            let mut body = CodeBody { code: vec![0x90; 75], alignment: 16, ..CodeBody::default() };
            place(&mut body, 16, &starts, &edges);
            assert!(body.entry.is_multiple_of(16));
            assert!(body.entry < LINE && body.code.len() == 75 + body.entry as usize);
        }
    }
}
