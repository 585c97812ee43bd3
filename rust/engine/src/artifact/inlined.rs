//! How serde reads and writes the list of inlined instructions: as bytes, so that it is read in one
//! go. Each is three numbers of 32 bits, little endian.

use crate::prelude::*;
use crate::translate::{InlinedLocation, Location};
use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

const SIZE: usize = 12;

/// Writes the list.
pub fn serialize<S: Serializer>(list: &[InlinedLocation], serializer: S) -> Result<S::Ok, S::Error> {
    let mut bytes = Vec::with_capacity(list.len() * SIZE);
    for entry in list {
        for number in [entry.wasm, entry.function, entry.parent.bits()] {
            bytes.extend(number.to_le_bytes());
        }
    }
    serializer.serialize_bytes(&bytes)
}

/// Reads the list.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<[InlinedLocation]>, D::Error> {
    deserializer.deserialize_bytes(List)
}

struct List;

impl Visitor<'_> for List {
    type Value = Box<[InlinedLocation]>;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("inlined instructions")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        let (entries, rest) = bytes.as_chunks::<SIZE>();
        if !rest.is_empty() {
            return Err(E::invalid_length(bytes.len(), &self));
        }
        let entry = |entry: &[u8; SIZE]| {
            let (numbers, _) = entry.as_chunks::<4>();
            let [wasm, function, parent] = [numbers[0], numbers[1], numbers[2]].map(u32::from_le_bytes);
            InlinedLocation { wasm, function, parent: Location::from_bits(parent) }
        };
        Ok(entries.iter().map(entry).collect())
    }
}
