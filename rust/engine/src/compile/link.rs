//! Linking, the end of compiling: where each body lies in the module's block, the tables of all of
//! them, and the calls between them.
//!
//! The block is written once, to where it will run. Calls are its only relocations and count from
//! where they are, so that the bytes are the same wherever it lies.

use super::body::CodeBody;
use super::piece::Kept;
use crate::abi::HOST_PAGE;
use crate::artifact::{
    AddressMapBuilder, Artifact, Clause, Handlers, NOT_COMPILED, Site, Tables, Traps, trampoline_keys,
};
use crate::error::{Error, ErrorKind, Result};
use crate::isa::{FILLER, near_call};
use crate::options::CompileOptions;
use crate::prelude::*;
use crate::translate::{InlinedLocation, Location};
use crate::wasm::ModuleInfo;
use alloc::sync::Arc;
use cranelift_codegen::isa::TargetIsa;

/// An artifact whose block is still to be written. It borrows the bodies from the compilation.
#[derive(Debug)]
pub struct Linked<'c> {
    /// The artifact; nothing of it refers to the compilation.
    pub artifact: Arc<Artifact>,
    bodies: Vec<&'c CodeBody>,
}

/// Lays the bodies out, own functions and then trampolines, and makes their tables. A body without
/// code is that of a function that is not compiled yet.
pub(super) fn link<'c>(
    info: Arc<ModuleInfo>,
    options: CompileOptions,
    isa: &dyn TargetIsa,
    bodies: Vec<&'c CodeBody>,
) -> Result<Linked<'c>> {
    let tables = Tables { trampolines: trampoline_keys(&info).into(), ..tables(isa, &bodies)? };
    Ok(Linked { artifact: Arc::new(Artifact { info, options, tables }), bodies })
}

/// Copies each body to its start in the block, with filler between them, and returns where the last
/// one ends.
pub(super) fn copy(bodies: &[&CodeBody], starts: &[u32], block: &mut [u8]) -> usize {
    let mut end = 0;
    for (body, start) in bodies.iter().zip(starts) {
        let start = *start as usize;
        block[end..start].fill(FILLER);
        end = start + body.code.len();
        block[start..end].copy_from_slice(&body.code);
    }
    end
}

/// The tables but for the keys of trampolines.
pub(super) fn tables(isa: &dyn TargetIsa, bodies: &[&CodeBody]) -> Result<Tables> {
    let total = |count: fn(&CodeBody) -> usize| bodies.iter().map(|body| count(body)).sum();
    let list = || Vec::with_capacity(bodies.len());
    let (mut starts, mut ends, mut entries) = (list(), list(), list());
    let traps: usize = total(|body| body.traps.len());
    let (mut trap_offsets, mut trap_codes) = (Vec::with_capacity(traps), Vec::with_capacity(traps));
    let mut sites = Vec::with_capacity(total(|body| body.sites.len()));
    let mut clauses = Vec::with_capacity(total(|body| body.clauses.len()));
    let mut addresses = AddressMapBuilder::default();
    let mut inlined = Vec::with_capacity(total(|body| body.inlined.len()));

    let least = isa.function_alignment().minimum.max(isa.symbol_alignment() as u32);
    let mut end = 0_usize;
    for body in bodies {
        // Of all bodies, as the map has them by their numbers.
        let first = inlined.len();
        let records = body.addresses.iter().map(|record| (record.code, renumbered(record.location, first)));
        if !addresses.body(records) {
            return Err(Error::new(ErrorKind::Compile, "the address map of a module takes more than 4 GiB"));
        }
        if body.code.is_empty() {
            starts.push(end as u32);
            ends.push(end as u32);
            entries.push(NOT_COMPILED);
            continue;
        }
        let alignment = body.alignment.max(least) as usize;
        if !alignment.is_power_of_two() || alignment > HOST_PAGE || body.entry as usize >= body.code.len() {
            let message =
                format!("a body of {} bytes, aligned to {alignment}, entered at {}", body.code.len(), body.entry);
            return Err(Error::new(ErrorKind::Internal, message));
        }
        let at = end.next_multiple_of(alignment);
        end = at + body.code.len();
        if end > near_call::native::LARGEST_BLOCK {
            let message = format!("the code of a module takes more than {} bytes", near_call::native::LARGEST_BLOCK);
            return Err(Error::new(ErrorKind::Compile, message));
        }
        let start = at as u32;
        starts.push(start);
        ends.push(end as u32);
        entries.push(start + body.entry);
        trap_offsets.extend(body.traps.iter().map(|trap| start + trap.offset));
        trap_codes.extend(body.traps.iter().map(|trap| trap.code));
        let first_clause = clauses.len() as u32;
        sites.extend(body.sites.iter().map(|site| Site {
            at: start + site.at,
            first: first_clause + site.first,
            ..*site
        }));
        clauses.extend(body.clauses.iter().map(|clause| Clause { target: start + clause.target, ..*clause }));
        let entry = |entry: &InlinedLocation| InlinedLocation { parent: renumbered(entry.parent, first), ..*entry };
        inlined.extend(body.inlined.iter().map(entry));
    }
    Ok(Tables {
        starts: starts.into(),
        ends: ends.into(),
        entries: entries.into(),
        trampolines: Box::default(),
        traps: Traps { offsets: trap_offsets.into(), codes: trap_codes.into() },
        handlers: Handlers { sites: sites.into(), clauses: clauses.into() },
        addresses: addresses.finish(),
        inlined: inlined.into(),
    })
}

/// A location of a body whose first inlined instruction has this number in the block.
fn renumbered(location: Location, first: usize) -> Location {
    location.inlined_index().map_or(location, |index| Location::inlined(first + index))
}

impl Linked<'_> {
    /// What linking the bodies once more needs beside the artifact and the block.
    #[must_use]
    pub fn kept(&self) -> Kept {
        Kept::of(&self.bodies)
    }

    /// Writes the block, which is as large as the tables say.
    ///
    /// # Errors
    /// Kind `Internal` where the code generator has made a call that cannot be linked.
    pub fn write(&self, block: &mut [u8]) -> Result<()> {
        let Artifact { info, tables, .. } = &*self.artifact;
        copy(&self.bodies, &tables.starts, block);
        for (number, (body, start)) in self.bodies.iter().zip(&tables.starts).enumerate() {
            for relocation in &body.relocations {
                let callee = relocation.function.checked_sub(info.imported_functions);
                let callee = callee.map(|own| own as usize).filter(|own| *own < tables.functions());
                let callee = callee.filter(|own| tables.entries[*own] != NOT_COMPILED);
                let linked = callee.map(|own| {
                    let target = tables.entries[own] as usize;
                    near_call::native::link(block, *start as usize + relocation.offset as usize, target)
                });
                if linked != Some(Ok(())) {
                    let message = format!("code of body {number}: {relocation:?} cannot be linked: {linked:?}");
                    return Err(Error::new(ErrorKind::Internal, message));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::body::{AddressRecord, Relocation, TrapRecord};
    use super::*;
    use crate::isa::isa;
    use crate::wasm;

    /// Two functions; the second calls both.
    fn sample() -> (ModuleInfo, [CodeBody; 2]) {
        let info =
            wasm::parse(&wat::parse_str("(module (import \"m\" \"f\" (func)) (func) (func))").unwrap()).unwrap().info;
        let inlined = vec![InlinedLocation { wasm: 7, function: 1, parent: Location::at(8) }];
        let bodies = [
            CodeBody {
                code: vec![1; 40],
                alignment: 16,
                entry: 8,
                traps: vec![TrapRecord { offset: 12, code: 2 }],
                addresses: vec![AddressRecord { code: 9, location: Location::inlined(0) }],
                inlined: inlined.clone(),
                ..CodeBody::default()
            },
            CodeBody {
                code: vec![0; 20],
                alignment: 128,
                relocations: vec![Relocation { offset: 4, function: 1 }, Relocation { offset: 16, function: 2 }],
                traps: vec![TrapRecord { offset: 0, code: 3 }, TrapRecord { offset: 4, code: 4 }],
                addresses: vec![
                    AddressRecord { code: 0, location: Location::UNKNOWN },
                    AddressRecord { code: 4, location: Location::inlined(0) },
                ],
                inlined,
                ..CodeBody::default()
            },
        ];
        (info, bodies)
    }

    fn tables_of(bodies: &[CodeBody]) -> Result<Tables> {
        tables(&**isa().unwrap(), &bodies.iter().collect::<Vec<_>>())
    }

    #[test]
    fn tables_count_from_the_block() {
        let (_, bodies) = sample();
        let mut addresses = AddressMapBuilder::default();
        assert!(addresses.body([(9, Location::inlined(0))]));
        assert!(addresses.body([(0, Location::UNKNOWN), (4, Location::inlined(1))]));
        let expected = Tables {
            starts: [0, 128].into(),
            ends: [40, 148].into(),
            entries: [8, 128].into(),
            trampolines: [].into(),
            traps: Traps { offsets: [12, 128, 132].into(), codes: [2, 3, 4].into() },
            handlers: Handlers::default(),
            addresses: addresses.finish(),
            inlined: [bodies[0].inlined[0]; 2].into(),
        };
        assert_eq!(tables_of(&bodies).unwrap(), expected);
    }

    #[test]
    fn bodies_and_calls_are_written() {
        let (info, bodies) = sample();
        let artifact =
            Artifact { info: info.into(), options: CompileOptions::default(), tables: tables_of(&bodies).unwrap() };
        let linked = Linked { artifact: Arc::new(artifact), bodies: bodies.iter().collect() };
        let mut block = [0x55; 148];
        linked.write(&mut block).unwrap();
        assert_eq!(block[..40], [1; 40]);
        assert_eq!(block[40..128], [FILLER; 88]);
        let field = |at: usize| i32::from_le_bytes(block[at..at + 4].try_into().unwrap());
        if cfg!(target_arch = "x86_64") {
            assert_eq!([field(132), field(144)], [8 - 136, 128 - 148]);
        } else {
            assert_eq!([field(132), field(144)].map(|word| word << 6 >> 4), [8 - 132, 128 - 144]);
        }
    }

    #[test]
    fn what_cannot_be_linked_is_an_error() {
        let wrong = |function| {
            let (info, mut bodies) = sample();
            bodies[1].relocations[0].function = function;
            let artifact =
                Artifact { info: info.into(), options: CompileOptions::default(), tables: tables_of(&bodies).unwrap() };
            let linked = Linked { artifact: Arc::new(artifact), bodies: bodies.iter().collect() };
            linked.write(&mut [0; 148]).unwrap_err()
        };
        for function in [0, 3, u32::MAX] {
            let error = wrong(function);
            assert_eq!(error.kind(), ErrorKind::Internal);
            assert!(error.message().starts_with("code of body 1: Relocation { offset: 4, "), "{error}");
        }
        for (alignment, entry) in [(3, 0), (2 * HOST_PAGE as u32, 0), (16, 40)] {
            let (_, mut bodies) = sample();
            (bodies[0].alignment, bodies[0].entry) = (alignment, entry);
            assert_eq!(tables_of(&bodies).unwrap_err().kind(), ErrorKind::Internal);
        }
    }
}
