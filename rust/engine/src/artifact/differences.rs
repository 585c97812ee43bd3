//! How serde reads and writes lists of 32-bit numbers that mostly ascend in small steps: each as
//! its difference from the one before, which takes a byte if it is small. Differences wrap, so that
//! every list can be written, and what is read is some list.

use crate::prelude::*;
use crate::wasm::varint;
use core::marker::PhantomData;
use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

/// Writes the number of differences, and the differences.
pub fn serialize<S: Serializer, T: Copy + Into<u32>>(list: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    let mut bytes = Vec::with_capacity(list.len() + 5);
    varint::write(&mut bytes, list.len() as u32);
    let mut last = 0_u32;
    for value in list {
        let before = core::mem::replace(&mut last, (*value).into());
        varint::write(&mut bytes, varint::from_difference(last.wrapping_sub(before).cast_signed()));
    }
    serializer.serialize_bytes(&bytes)
}

/// Reads the differences.
pub fn deserialize<'de, D: Deserializer<'de>, T: From<u32>>(deserializer: D) -> Result<Box<[T]>, D::Error> {
    deserializer.deserialize_bytes(List(PhantomData))
}

struct List<T>(PhantomData<T>);

impl<T: From<u32>> Visitor<'_> for List<T> {
    type Value = Box<[T]>;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("differences of numbers")
    }

    fn visit_bytes<E: Error>(self, mut bytes: &[u8]) -> Result<Box<[T]>, E> {
        let wrong = || E::custom("a list of numbers that is cut or too long");
        let count = varint::read(&mut bytes).ok_or_else(wrong)? as usize;
        if count > bytes.len() {
            return Err(wrong()); // each takes a byte at least: a length that was altered asks for no more
        }
        let mut list = Vec::with_capacity(count);
        let mut last = 0_u32;
        for _ in 0..count {
            last = last.wrapping_add_signed(varint::to_difference(varint::read(&mut bytes).ok_or_else(wrong)?));
            list.push(T::from(last));
        }
        if bytes.is_empty() { Ok(list.into()) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Numbers(#[serde(with = "super")] Box<[u32]>);

    #[test]
    fn every_list_is_read_as_it_was_written() {
        for (list, bytes) in [
            (vec![], 2),
            (vec![1, 2, 60, 123], 6),
            (vec![0, u32::MAX, 0, 1 << 31, (1 << 31) - 1, u32::MAX - 1], 16),
            ((0..200_000).map(|i| i * 60).collect(), 6 + 200_000),
        ] {
            let numbers = Numbers(list.into());
            let written = postcard::to_allocvec(&numbers).unwrap();
            assert_eq!(written.len(), bytes);
            assert_eq!(postcard::from_bytes::<Numbers>(&written).unwrap(), numbers);
        }
        for wrong in [&[1, 1][..], &[2, 1, 0x80], &[3, 1, 0, 0], &[2, 0, 0], &[6, 0xff, 0xff, 0xff, 0xff, 0x0f, 1]] {
            assert!(postcard::from_bytes::<Numbers>(wrong).is_err(), "{wrong:?}");
        }
    }
}
