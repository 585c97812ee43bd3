//! The bytes of data segments, and how serde reads and writes the list of segments: what the
//! segments are first, and then all of their bytes in one piece.
//!
//! Compilers of Go leave out runs of zeros, so that a large program has a hundred thousand segments
//! of some thirty bytes. Reading each into a vector of its own took most of the time of loading it.

use super::{DataSegment, SegmentMode};
use crate::prelude::*;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;
use serde::de::Error;
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The bytes of a data segment. Those that were read from a serialised module lie in one place with
/// those of its other segments.
pub struct SegmentBytes {
    all: Arc<[u8]>,
    start: usize,
    end: usize,
}

impl Deref for SegmentBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.all[self.start..self.end]
    }
}

impl From<&[u8]> for SegmentBytes {
    fn from(bytes: &[u8]) -> Self {
        Self { all: bytes.into(), start: 0, end: bytes.len() }
    }
}

/// A clone refers to nothing of the original, which may lie in a heap that goes away when compiling
/// ends.
impl Clone for SegmentBytes {
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}

impl PartialEq for SegmentBytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for SegmentBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Modes and lengths of segments.
struct Heads<'a>(&'a [DataSegment]);

impl Serialize for Heads<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|segment| (&segment.mode, segment.bytes.len() as u32)))
    }
}

/// The bytes of all segments.
#[derive(Serialize, Deserialize)]
struct Contents(#[serde(with = "super::bytes")] Vec<u8>);

/// Writes the list.
pub fn serialize<S: Serializer>(list: &[DataSegment], serializer: S) -> Result<S::Ok, S::Error> {
    let mut contents = Vec::with_capacity(list.iter().map(|segment| segment.bytes.len()).sum());
    for segment in list {
        contents.extend_from_slice(&segment.bytes);
    }
    let mut both = serializer.serialize_tuple(2)?;
    both.serialize_element(&Heads(list))?;
    both.serialize_element(&Contents(contents))?;
    both.end()
}

/// Reads the list.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<DataSegment>, D::Error> {
    let (heads, Contents(contents)) = <(Vec<(SegmentMode, u32)>, Contents)>::deserialize(deserializer)?;
    let all: Arc<[u8]> = contents.into();
    let mut list = Vec::with_capacity(heads.len());
    let mut start = 0_usize;
    for (mode, length) in heads {
        let end = start.checked_add(length as usize).filter(|end| *end <= all.len());
        let end = end.ok_or_else(|| D::Error::custom("data segments that are longer than their bytes"))?;
        list.push(DataSegment { mode, bytes: SegmentBytes { all: all.clone(), start, end } });
        start = end;
    }
    if start != all.len() {
        return Err(D::Error::custom("bytes that belong to no data segment"));
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Segments(#[serde(with = "super")] Vec<DataSegment>);

    #[test]
    fn every_list_is_read_as_it_was_written() {
        let segment = |bytes: &[u8]| DataSegment { mode: SegmentMode::Passive, bytes: bytes.into() };
        for list in [vec![], vec![segment(b"")], vec![segment(b"one"), segment(b""), segment(b"three")]] {
            let segments = Segments(list);
            let written = postcard::to_allocvec(&segments).unwrap();
            assert_eq!(postcard::from_bytes::<Segments>(&written).unwrap(), segments);
        }
    }

    #[test]
    fn lengths_that_are_wrong_are_found() {
        // Two passive segments (mode 1) of these lengths, and three bytes.
        let read =
            |first: u8, second: u8| postcard::from_bytes::<Segments>(&[2, 1, first, 1, second, 3, b'a', b'b', b'c']);
        let segments = read(1, 2).unwrap().0;
        assert_eq!((&*segments[0].bytes, &*segments[1].bytes), (&b"a"[..], &b"bc"[..]));
        for (first, second) in [(1, 1), (2, 2), (4, 0), (0, 0), (127, 127)] {
            assert!(read(first, second).is_err(), "{first} and {second}");
        }
    }
}
