//! Functions that are compiled and linked by themselves, after the module was loaded: a few at a
//! time, each time a [`Batch`], which becomes a [`Piece`] of the module's code.
//!
//! A call that leads out of a piece goes straight to its callee where that is compiled and near,
//! else by a jump through the callee's slot, which lies behind the bodies. All is kept that linking
//! everything once more needs, as an eager compilation would have linked it.

use super::body::{AddressRecord, CodeBody, Relocation, TrapRecord};
use super::link::{self, Linked};
use crate::artifact::{Clause, Site, Tables};
use crate::error::{Error, ErrorKind, Result};
use crate::isa::veneer::Request;
use crate::isa::{FILLER, near_call, veneer};
use crate::options::CompileOptions;
use crate::prelude::*;
use crate::translate::{InlinedLocation, Location};
use crate::wasm::ModuleInfo;
use alloc::sync::Arc;

/// Functions that were compiled together, and are not linked yet: by their indices in ascending
/// order.
#[derive(Debug)]
pub struct Batch {
    pub(super) bodies: Vec<(u32, Result<CodeBody>)>,
    /// Whether the code was made quickly, for the first calls.
    pub(super) quick: bool,
}

/// What is where in a block of code that has some functions of a module.
#[derive(Debug)]
pub struct Piece {
    /// The functions by the order of their bodies, in ascending order.
    pub functions: Box<[u32]>,
    /// What is where in the block, but for the jumps behind it.
    pub tables: Tables,
    kept: Kept,
}

/// What of each body its linked code does not show.
#[derive(Debug, Default)]
pub struct Kept {
    alignments: Box<[u32]>,
    /// Where its relocations and its inlined instructions begin among all.
    firsts: Box<[(u32, u32)]>,
    relocations: Box<[Relocation]>,
}

/// A piece whose block is still to be written. It borrows the bodies from the batch.
#[derive(Debug)]
pub struct LinkedPiece<'c> {
    /// The piece; nothing of it refers to the batch.
    pub piece: Arc<Piece>,
    bodies: Vec<&'c CodeBody>,
    /// The functions that jumps lead to, in ascending order.
    jumps: Vec<u32>,
    quick: bool,
}

/// Where a function is.
#[derive(Clone, Copy, Debug)]
pub struct Callee {
    /// Its code, if it is compiled.
    pub code: Option<usize>,
    /// Its slot.
    pub slot: usize,
    /// What asks for better code than was made quickly.
    pub request: Request,
}

impl Batch {
    /// Whether the code was made quickly, for the first calls.
    #[must_use]
    pub const fn is_quick(&self) -> bool {
        self.quick
    }

    /// The functions, whether they could be compiled or not.
    pub fn functions(&self) -> impl Iterator<Item = u32> {
        self.bodies.iter().map(|(function, _)| *function)
    }

    /// The error of the first function that could not be compiled.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.bodies.iter().find_map(|(_, result)| result.as_ref().err())
    }

    /// Lays out the functions that could be compiled and that `wanted` wants; nothing if there are
    /// none.
    ///
    /// # Errors
    /// Kind `Compile` where they are too large.
    pub fn link(&self, wanted: impl Fn(u32) -> bool) -> Result<Option<LinkedPiece<'_>>> {
        let isa = &**crate::isa::isa()?;
        let compiled = self.bodies.iter().filter(|(function, _)| wanted(*function));
        let (functions, bodies): (Vec<_>, Vec<_>) =
            compiled.filter_map(|(function, result)| Some((*function, result.as_ref().ok()?))).unzip();
        if bodies.is_empty() {
            return Ok(None);
        }
        let tables = link::tables(isa, &bodies)?;
        let callees = bodies.iter().flat_map(|body| &body.relocations).map(|relocation| relocation.function);
        // Quickly made code is not called directly: better code takes its place.
        let is_jump = |callee: &u32| self.quick || functions.binary_search(callee).is_err();
        let mut jumps: Vec<u32> = callees.filter(is_jump).collect();
        jumps.sort_unstable();
        jumps.dedup();
        let piece = Arc::new(Piece { functions: functions.into(), tables, kept: Kept::of(&bodies) });
        Ok(Some(LinkedPiece { piece, bodies, jumps, quick: self.quick }))
    }
}

impl Kept {
    /// What has to be kept of bodies.
    #[must_use]
    pub(super) fn of(bodies: &[&CodeBody]) -> Self {
        let (mut relocations, mut inlined) = (Vec::new(), 0);
        let mut firsts = Vec::with_capacity(bodies.len());
        for body in bodies {
            firsts.push((relocations.len() as u32, inlined));
            relocations.extend_from_slice(&body.relocations);
            inlined += body.inlined.len() as u32;
        }
        let alignments = bodies.iter().map(|body| body.alignment).collect();
        Self { alignments, firsts: firsts.into(), relocations: relocations.into() }
    }

    /// A body as it was before it was linked.
    pub(super) fn body(&self, tables: &Tables, number: usize, block: &[u8]) -> CodeBody {
        let (start, end) = (tables.starts[number], tables.ends[number]);
        let range = |offsets: &[u32]| {
            let first = offsets.partition_point(|at| *at < start);
            first..first + offsets[first..].partition_point(|at| *at < end)
        };
        let (relocations, inlined) = self.firsts[number];
        let (next_relocations, next_inlined) = match self.firsts.get(number + 1) {
            Some((relocations, inlined)) => (*relocations as usize, *inlined as usize),
            None => (self.relocations.len(), tables.inlined.len()),
        };
        // A call returns behind its first byte, and perhaps to the end of its body.
        let all = &tables.handlers.sites;
        let sites = &all[all.partition_point(|site| site.at <= start)..all.partition_point(|site| site.at <= end)];
        let first = sites.iter().map(|site| site.first).min().unwrap_or(0);
        let last = sites.iter().map(|site| site.first + site.count).max().unwrap_or(0);
        let clauses = &tables.handlers.clauses[first as usize..last as usize];
        let own = |location: Location| match location.inlined_index() {
            Some(index) => Location::inlined(index - inlined as usize),
            None => location,
        };
        CodeBody {
            code: block[start as usize..end as usize].to_vec(),
            alignment: self.alignments[number],
            entry: tables.entries[number] - start,
            relocations: self.relocations[relocations as usize..next_relocations].to_vec(),
            traps: range(&tables.traps.offsets)
                .map(|at| TrapRecord { offset: tables.traps.offsets[at] - start, code: tables.traps.codes[at] })
                .collect(),
            sites: sites.iter().map(|site| Site { at: site.at - start, first: site.first - first, ..*site }).collect(),
            clauses: clauses.iter().map(|clause| Clause { target: clause.target - start, ..*clause }).collect(),
            addresses: tables
                .addresses
                .body(number)
                .map(|(code, location)| AddressRecord { code, location: own(location) })
                .collect(),
            inlined: tables.inlined[inlined as usize..next_inlined]
                .iter()
                .map(|entry| InlinedLocation { parent: own(entry.parent), ..*entry })
                .collect(),
        }
    }
}

impl Piece {
    /// Where the code of a function begins in the block.
    #[must_use]
    pub fn entry(&self, function: u32) -> Option<u32> {
        Some(self.tables.entries[self.functions.binary_search(&function).ok()?])
    }
}

impl LinkedPiece<'_> {
    /// Bytes of the block.
    #[must_use]
    pub fn size(&self) -> usize {
        let counted = if self.quick { self.piece.functions.len() * veneer::native::COUNTED } else { 0 };
        self.first_counted() + counted
    }

    fn first_counted(&self) -> usize {
        (self.first_jump() + self.jumps.len() * veneer::native::JUMP).next_multiple_of(veneer::native::COUNTED)
    }

    /// Where a function of the piece, given by its number there, is entered from outside.
    #[must_use]
    pub fn entry(&self, number: usize) -> usize {
        if self.quick {
            self.first_counted() + number * veneer::native::COUNTED
        } else {
            self.piece.tables.entries[number] as usize
        }
    }

    fn first_jump(&self) -> usize {
        self.piece.tables.block_size().next_multiple_of(veneer::native::JUMP)
    }

    /// Writes the block, which will run at an address: the bodies, jumps behind them, and what
    /// counts the calls of quickly made code. `find` tells where another function is.
    ///
    /// # Errors
    /// Kind `Internal` where the code generator has made a call that cannot be linked.
    pub fn write(&self, block: &mut [u8], address: usize, find: impl Fn(u32) -> Option<Callee>) -> Result<()> {
        let tables = &self.piece.tables;
        let end = link::copy(&self.bodies, &tables.starts, block);
        block[end..].fill(FILLER);
        let wrong = |what: &dyn core::fmt::Debug, why: &dyn core::fmt::Debug| {
            Error::new(ErrorKind::Internal, format!("{what:?} cannot be linked: {why:?}"))
        };
        let jump_to = |number: usize| self.first_jump() + number * veneer::native::JUMP;
        for (number, function) in self.jumps.iter().enumerate() {
            let callee = find(*function).ok_or_else(|| wrong(function, &"no such function"))?;
            let at = jump_to(number);
            veneer::native::jump(&mut block[at..], address + at, callee.slot).map_err(|why| wrong(&callee, &why))?;
        }
        for (body, start) in self.bodies.iter().zip(&tables.starts) {
            for relocation in &body.relocations {
                let at = (*start + relocation.offset) as usize;
                let mut link = |to: usize| near_call::native::link(block, at, to);
                let own = self.piece.entry(relocation.function).filter(|_| !self.quick);
                let linked = if let Some(entry) = own {
                    link(entry as usize)
                } else {
                    let number = self.jumps.binary_search(&relocation.function).expect("listed when laid out");
                    // Where other code lies counts from this block, too.
                    let code = find(relocation.function).and_then(|callee| callee.code);
                    match code.map(|code| link(code.wrapping_sub(address))) {
                        Some(Ok(())) => Ok(()),
                        _ => link(jump_to(number)),
                    }
                };
                linked.map_err(|why| wrong(relocation, &why))?;
            }
        }
        if self.quick {
            for (number, function) in self.piece.functions.iter().enumerate() {
                let callee = find(*function).ok_or_else(|| wrong(function, &"no such function"))?;
                let (at, body) = (self.entry(number), address + tables.entries[number] as usize);
                veneer::native::counted(&mut block[at..], address + at, body, &callee.request)
                    .map_err(|why| wrong(&callee, &why))?;
            }
        }
        Ok(())
    }
}

/// Links all functions and trampolines of a module, in the order of their bodies, as compiling all
/// of them at once would have.
///
/// # Errors
/// Kind `Compile` where the code is too large; that of a body that is missing.
pub fn link_all(info: Arc<ModuleInfo>, options: CompileOptions, all: &Batch) -> Result<Linked<'_>> {
    let isa = crate::isa::targets_for(options)?.speed;
    let bodies = all.bodies.iter().map(|(_, result)| result.as_ref().map_err(Clone::clone)).collect::<Result<_>>()?;
    link::link(info, options, isa, bodies)
}

/// Reads bodies back from where they run, to be linked by [`link_all`]: of each function the piece
/// that has it, and where its block is, then the trampolines from the module's own block.
pub fn gather<'a>(
    first: u32,
    functions: impl Iterator<Item = Option<(&'a Piece, &'a [u8])>>,
    (tables, kept, block): (&Tables, &Kept, &[u8]),
) -> Result<Batch> {
    let mut bodies = Vec::with_capacity(tables.starts.len());
    for (function, place) in (first..).zip(functions) {
        let found =
            place.and_then(|(piece, block)| Some((piece, block, piece.functions.binary_search(&function).ok()?)));
        let Some((piece, block, number)) = found else {
            let message = format!("function {function} is not compiled, expected all");
            return Err(Error::new(ErrorKind::Argument, message));
        };
        bodies.push((function, Ok(piece.kept.body(&piece.tables, number, block))));
    }
    let trampolines = tables.functions()..tables.starts.len();
    bodies.extend(trampolines.map(|number| (u32::MAX, Ok(kept.body(tables, number, block)))));
    Ok(Batch { bodies, quick: false })
}
