//! The bytes of data segments, and how serde reads and writes the list of segments: what the
//! segments are first, and then all of their bytes in one piece. And the same for the items of
//! element segments.
//!
//! Compilers of Go leave out runs of zeros, so that a large program has a hundred thousand segments
//! of some thirty bytes, and put all functions into one table. Reading each segment into a vector
//! of its own took most of the time of loading it.

use super::{ConstExpr, ConstOp, DataSegment, SegmentMode, varint};
use crate::prelude::*;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The bytes of a data segment. Those that were read from a serialised module lie in one place with
/// those of its other segments.
pub struct SegmentBytes {
    all: Arc<[u8]>,
    start: u32,
    end: u32,
}

impl Deref for SegmentBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.all[self.start as usize..self.end as usize]
    }
}

impl From<&[u8]> for SegmentBytes {
    fn from(bytes: &[u8]) -> Self {
        let end = u32::try_from(bytes.len()).expect("modules have less than 4 GiB");
        Self { all: bytes.into(), start: 0, end }
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

/// Modes and lengths of segments, one after the other: for one that goes to a constant place in
/// memory 0, as nearly all do, [`PLACED`] and the place; for others [`OTHER`] and the mode as serde
/// writes it; then the length.
#[derive(Serialize)]
struct Heads(#[serde(with = "super::bytes")] Vec<u8>);

const PLACED: u8 = 0;
const OTHER: u8 = 1;

impl Heads {
    fn of(list: &[DataSegment]) -> postcard::Result<Self> {
        let mut bytes = Vec::new();
        for segment in list {
            match &segment.mode {
                SegmentMode::Active { index: 0, offset: ConstExpr::One(ConstOp::I32(place)) } => {
                    bytes.push(PLACED);
                    varint::write(&mut bytes, place.cast_unsigned());
                }
                mode => {
                    bytes.push(OTHER);
                    bytes = postcard::to_extend(mode, bytes)?;
                }
            }
            varint::write(&mut bytes, segment.bytes.len() as u32);
        }
        Ok(Self(bytes))
    }
}

/// Takes the mode and length of a segment from the beginning.
fn head(bytes: &mut &[u8]) -> Option<(SegmentMode, u32)> {
    let (kind, rest) = bytes.split_first()?;
    *bytes = rest;
    let mode = match *kind {
        PLACED => {
            let place = varint::read(bytes)?.cast_signed();
            SegmentMode::Active { index: 0, offset: ConstExpr::One(ConstOp::I32(place)) }
        }
        OTHER => {
            let (mode, rest) = postcard::take_from_bytes(bytes).ok()?;
            *bytes = rest;
            mode
        }
        _ => return None,
    };
    Some((mode, varint::read(bytes)?))
}

/// The bytes of all segments.
#[derive(Serialize)]
struct Contents(#[serde(with = "super::bytes")] Vec<u8>);

/// Writes the list.
pub fn serialize<S: Serializer>(list: &[DataSegment], serializer: S) -> Result<S::Ok, S::Error> {
    let mut contents = Vec::with_capacity(list.iter().map(|segment| segment.bytes.len()).sum());
    for segment in list {
        contents.extend_from_slice(&segment.bytes);
    }
    let heads = Heads::of(list).map_err(S::Error::custom)?;
    (list.len() as u64, heads, Contents(contents)).serialize(serializer)
}

/// Reads the list.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<DataSegment>, D::Error> {
    // Where they are in the bytes that are read: only the contents are copied.
    let (count, heads, contents) = <(u64, &'de [u8], &'de [u8])>::deserialize(deserializer)?;
    // Each takes three bytes at least, so that no number makes room for more than there is.
    let count = usize::try_from(count).ok().filter(|count| *count <= heads.len() / 3);
    let count = count.ok_or_else(|| D::Error::custom("more data segments than are described"))?;
    if u32::try_from(contents.len()).is_err() {
        return Err(D::Error::custom("data segments of more than 4 GiB"));
    }
    let all: Arc<[u8]> = contents.into();
    let mut list = Vec::with_capacity(count);
    let (mut heads, mut start) = (heads, 0_u32);
    for _ in 0..count {
        let (mode, length) = head(&mut heads).ok_or_else(|| D::Error::custom("a data segment that is cut"))?;
        let end = start.checked_add(length).filter(|end| *end as usize <= all.len());
        let end = end.ok_or_else(|| D::Error::custom("data segments that are longer than their bytes"))?;
        list.push(DataSegment { mode, bytes: SegmentBytes { all: all.clone(), start, end } });
        start = end;
    }
    if start as usize != all.len() || !heads.is_empty() {
        return Err(D::Error::custom("bytes that belong to no data segment"));
    }
    Ok(list)
}

/// The items of an element segment.
pub mod items {
    use super::{ConstExpr, ConstOp, varint};
    use crate::prelude::*;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// How they are written: as functions, one after the other, if they are nothing else.
    #[derive(Serialize)]
    enum Written<'a> {
        Functions(#[serde(with = "crate::wasm::bytes")] Vec<u8>),
        Others(&'a [ConstExpr]),
    }

    /// The same as it is read.
    #[derive(Deserialize)]
    enum Read<'a> {
        Functions(&'a [u8]),
        Others(Vec<ConstExpr>),
    }

    /// Writes the items.
    pub fn serialize<S: Serializer>(items: &[ConstExpr], serializer: S) -> Result<S::Ok, S::Error> {
        let mut functions = Vec::new();
        for item in items {
            let ConstExpr::One(ConstOp::RefFunc(function)) = item else {
                return Written::Others(items).serialize(serializer);
            };
            varint::write(&mut functions, *function);
        }
        Written::Functions(functions).serialize(serializer)
    }

    /// Reads the items.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ConstExpr>, D::Error> {
        let mut bytes = match Read::deserialize(deserializer)? {
            Read::Functions(bytes) => bytes,
            Read::Others(items) => return Ok(items),
        };
        let mut items = Vec::new();
        while !bytes.is_empty() {
            let function = varint::read(&mut bytes).ok_or_else(|| D::Error::custom("a function that is cut"))?;
            items.push(ConstExpr::One(ConstOp::RefFunc(function)));
        }
        items.shrink_to_fit();
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Segments(#[serde(with = "super")] Vec<DataSegment>);

    #[test]
    fn every_list_is_read_as_it_was_written() {
        let segment = |mode: SegmentMode, bytes: &[u8]| DataSegment { mode, bytes: bytes.into() };
        let passive = |bytes: &[u8]| segment(SegmentMode::Passive, bytes);
        let active =
            |index, op, bytes: &[u8]| segment(SegmentMode::Active { index, offset: ConstExpr::One(op) }, bytes);
        let sum = vec![ConstOp::I32(1), ConstOp::I32(2), ConstOp::I32Add];
        for list in [
            vec![],
            vec![passive(b"")],
            vec![passive(b"one"), passive(b""), passive(b"three")],
            vec![
                active(0, ConstOp::I32(-1), b"high"),
                active(0, ConstOp::I32(0), b""),
                active(1, ConstOp::I32(3), b"other"),
                active(0, ConstOp::I64(i64::MIN), b"long"),
                active(0, ConstOp::GlobalGet(7), b"global"),
                segment(SegmentMode::Active { index: 0, offset: sum.into() }, b"sum"),
                active(0, ConstOp::I32(1 << 20), b"last"),
            ],
        ] {
            let segments = Segments(list);
            let written = postcard::to_allocvec(&segments).unwrap();
            assert_eq!(postcard::from_bytes::<Segments>(&written).unwrap(), segments);
        }
    }

    #[test]
    fn lengths_that_are_wrong_are_found() {
        // Two passive segments (kind 1, mode 1) of these lengths, and three bytes.
        let read = |first: u8, second: u8| {
            postcard::from_bytes::<Segments>(&[2, 6, OTHER, 1, first, OTHER, 1, second, 3, b'a', b'b', b'c'])
        };
        let segments = read(1, 2).unwrap().0;
        assert_eq!((&*segments[0].bytes, &*segments[1].bytes), (&b"a"[..], &b"bc"[..]));
        for (first, second) in [(1, 1), (2, 2), (4, 0), (0, 0), (127, 127)] {
            assert!(read(first, second).is_err(), "{first} and {second}");
        }
        // Other numbers of segments, an unknown kind, heads that are cut or too long.
        for wrong in [
            &[3, 6, OTHER, 1, 1, OTHER, 1, 2, 3, b'a', b'b', b'c'][..],
            &[1, 6, OTHER, 1, 3, OTHER, 1, 0, 3, b'a', b'b', b'c'],
            &[1, 3, 2, 1, 3, 3, b'a', b'b', b'c'],
            &[1, 3, PLACED, 0x80, 0x80, 3, b'a', b'b', b'c'],
            &[1, 4, PLACED, 1, 3, 0, 3, b'a', b'b', b'c'],
        ] {
            assert!(postcard::from_bytes::<Segments>(wrong).is_err(), "{wrong:?}");
        }
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Items(#[serde(with = "super::items")] Vec<ConstExpr>);

    #[test]
    fn items_are_read_as_they_were_written() {
        let function = |index| ConstExpr::One(ConstOp::RefFunc(index));
        let others = [ConstExpr::One(ConstOp::RefNull), ConstExpr::One(ConstOp::GlobalGet(3)), vec![].into()];
        let functions = vec![function(0), function(300), function(u32::MAX), function(7)];
        for items in [vec![], functions.clone(), [functions, others.into()].concat()] {
            let items = Items(items);
            let written = postcard::to_allocvec(&items).unwrap();
            assert_eq!(postcard::from_bytes::<Items>(&written).unwrap(), items);
        }
        assert!(postcard::from_bytes::<Items>(&[0, 1, 0x80]).is_err(), "cut");
        assert!(postcard::from_bytes::<Items>(&[2, 0]).is_err(), "neither");
    }
}
