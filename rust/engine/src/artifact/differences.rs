//! How serde reads and writes lists of 32-bit numbers that mostly ascend in small steps: each as
//! its difference from the one before, as postcard takes a byte for small numbers. Differences
//! wrap, so that every list can be written, and what is read is some list.

use crate::prelude::*;
use core::fmt;
use core::marker::PhantomData;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserializer, Serializer};

/// Room that is made before anything is read: a length that was altered must not ask for more.
const MAX_RESERVED: usize = 1 << 16;

/// Writes the differences.
pub fn serialize<S: Serializer, T: Copy + Into<u32>>(list: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    let mut last = 0_u32;
    serializer.collect_seq(list.iter().map(|value| {
        let before = core::mem::replace(&mut last, (*value).into());
        last.wrapping_sub(before).cast_signed()
    }))
}

/// Reads the differences.
pub fn deserialize<'de, D: Deserializer<'de>, T: From<u32>>(deserializer: D) -> Result<Box<[T]>, D::Error> {
    deserializer.deserialize_seq(List(PhantomData)).map(Into::into)
}

struct List<T>(PhantomData<T>);

impl<'de, T: From<u32>> Visitor<'de> for List<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("differences of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(MAX_RESERVED));
        let mut last = 0_u32;
        while let Some(difference) = seq.next_element::<i32>()? {
            last = last.wrapping_add_signed(difference);
            list.push(T::from(last));
        }
        Ok(list)
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
            (vec![], 1),
            (vec![1, 2, 60, 123], 5),
            (vec![0, u32::MAX, 0, 1 << 31, (1 << 31) - 1, u32::MAX - 1], 15),
            ((0..200_000).map(|i| i * 60).collect(), 3 + 200_000),
        ] {
            let numbers = Numbers(list.into());
            let written = postcard::to_allocvec(&numbers).unwrap();
            assert_eq!(written.len(), bytes);
            assert_eq!(postcard::from_bytes::<Numbers>(&written).unwrap(), numbers);
        }
        assert!(
            postcard::from_bytes::<Numbers>(&[0xff, 0xff, 0xff, 0xff, 0x0f, 1]).is_err(),
            "a length that is too large"
        );
    }
}
