//! Where code comes from: from an offset in a body's code to an instruction of the module.
//!
//! Only backtraces and profiles ask, while there are millions of entries. They stay as they are
//! serialised, so that loading a module copies them in one piece, and are read body by body.

use super::differences;
use crate::prelude::*;
use crate::translate::Location;
use crate::wasm::varint;
use serde::{Deserialize, Serialize};

/// The entries of all bodies in their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AddressMap {
    /// Where in `entries` those of each body end.
    #[serde(with = "differences")]
    ends: Box<[u32]>,
    /// Each is two numbers: by how much its offset in the body is larger than the one before, and
    /// by how much its location's bits differ from those before.
    #[serde(with = "crate::wasm::bytes")]
    entries: Box<[u8]>,
}

impl AddressMap {
    /// The entries of a body in ascending order: an offset in it, and the instruction that its code
    /// was made of from there up to the next one, or to the end of the body. Those that were
    /// inlined are numbered for the whole block. None for a body that the map does not have; what
    /// was damaged ends early.
    pub fn body(&self, number: usize) -> impl Iterator<Item = (u32, Location)> {
        let start = number.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        let range = start.zip(self.ends.get(number)).map(|(start, end)| start as usize..*end as usize);
        let mut bytes = range.and_then(|range| self.entries.get(range)).unwrap_or_default();
        let (mut offset, mut bits) = (0_u32, 0_u32);
        core::iter::from_fn(move || {
            offset = offset.wrapping_add(varint::read(&mut bytes)?);
            bits = bits.wrapping_add_signed(varint::to_difference(varint::read(&mut bytes)?));
            Some((offset, Location::from_bits(bits)))
        })
    }

    /// What is wrong with the map of so many bodies. Entries are not looked at: whoever reads them
    /// takes any.
    pub(super) fn check(&self, bodies: usize) -> Result<(), String> {
        if self.ends.len() != bodies {
            return Err(format!("{} bodies in the address map given, expected {bodies}", self.ends.len()));
        }
        let (end, size) = (self.ends.last().map_or(0, |end| *end as usize), self.entries.len());
        if !self.ends.is_sorted() || end != size {
            return Err(format!("the address map ends at {end} of {size}, or is not in order"));
        }
        Ok(())
    }
}

/// Makes an [`AddressMap`].
#[derive(Debug, Default)]
pub struct AddressMapBuilder {
    ends: Vec<u32>,
    entries: Vec<u8>,
}

impl AddressMapBuilder {
    /// Adds the entries of the next body, in ascending order. False, where all of them together
    /// take too much room.
    #[must_use]
    pub fn body(&mut self, entries: impl IntoIterator<Item = (u32, Location)>) -> bool {
        let (mut offset, mut bits) = (0_u32, 0_u32);
        for (at, location) in entries {
            varint::write(&mut self.entries, at.wrapping_sub(offset));
            let difference = location.bits().wrapping_sub(bits).cast_signed();
            varint::write(&mut self.entries, varint::from_difference(difference));
            (offset, bits) = (at, location.bits());
        }
        let end = u32::try_from(self.entries.len());
        self.ends.extend(end.ok());
        end.is_ok()
    }

    /// The map of what was added.
    #[must_use]
    pub fn finish(self) -> AddressMap {
        AddressMap { ends: self.ends.into(), entries: self.entries.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Entries = Vec<(u32, Location)>;

    fn map(bodies: &[Entries]) -> AddressMap {
        let mut builder = AddressMapBuilder::default();
        assert!(bodies.iter().all(|body| builder.body(body.iter().copied())));
        builder.finish()
    }

    #[test]
    fn entries_are_those_of_one_body() {
        let bodies = [
            vec![(0, Location::at(70)), (7, Location::UNKNOWN), (9, Location::inlined(1))],
            vec![],
            vec![(3, Location::at(1)), (u32::MAX, Location::at(0))],
        ];
        let map = map(&bodies);
        map.check(3).unwrap();
        for (number, body) in bodies.iter().enumerate() {
            assert_eq!(map.body(number).collect::<Entries>(), *body);
        }
        assert_eq!(map.body(3).count() + map.body(usize::MAX).count() + AddressMap::default().body(0).count(), 0);
    }

    #[test]
    fn damage_is_found_or_ends_early() {
        let map = map(&[vec![(0, Location::at(70)), (200, Location::at(5))], vec![(1, Location::at(2))]]);
        assert!(map.check(1).unwrap_err().starts_with("2 bodies in the address map given, expected 1"));
        let ends = |ends: [u32; 2]| AddressMap { ends: ends.into(), ..map.clone() };
        for wrong in [[9, 8], [0, 7], [0, u32::MAX]] {
            let wrong = ends(wrong);
            assert!(wrong.check(2).unwrap_err().ends_with("or is not in order"));
            assert!(wrong.body(0).count() + wrong.body(1).count() <= 4);
        }
        for at in 0..map.entries.len() {
            for byte in 0..=255 {
                let mut wrong = map.clone();
                wrong.entries[at] = byte;
                wrong.check(2).unwrap();
                assert!(wrong.body(0).count() <= 3 && wrong.body(1).count() <= 1);
            }
        }
    }
}
