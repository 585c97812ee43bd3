//! Numbers of 32 bits in one to five bytes (unsigned LEB128), the small ones in one.
//!
//! Serde and postcard have the same, but go through a call for each number: reading the lists of a
//! large module took most of the time of loading it.

use crate::prelude::*;

/// Appends a number.
pub fn write(bytes: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Takes a number from the beginning. None where the bytes end, or do not hold one of 32 bits.
#[inline]
pub fn read(bytes: &mut &[u8]) -> Option<u32> {
    let (first, rest) = bytes.split_first()?;
    if *first < 0x80 {
        *bytes = rest;
        return Some(u32::from(*first));
    }
    long(bytes)
}

fn long(bytes: &mut &[u8]) -> Option<u32> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        if at == 4 && *byte > 0x0f {
            return None;
        }
        value |= u32::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            *bytes = &bytes[at + 1..];
            return Some(value);
        }
    }
    None
}

/// A difference as a number that is small if the difference is, whatever its sign.
pub const fn from_difference(difference: i32) -> u32 {
    ((difference << 1) ^ (difference >> 31)).cast_unsigned()
}

/// The difference that such a number stands for.
pub const fn to_difference(number: u32) -> i32 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_read_as_it_was_written() {
        for value in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 1 << 21, (1 << 28) - 1, 1 << 28, u32::MAX - 1, u32::MAX] {
            let mut bytes = Vec::new();
            write(&mut bytes, value);
            assert_eq!(bytes.len(), (32 - value.leading_zeros()).div_ceil(7).max(1) as usize);
            for length in 0..bytes.len() {
                assert_eq!(read(&mut &bytes[..length]), None, "{value} cut");
            }
            bytes.push(7);
            let mut rest = &bytes[..];
            assert_eq!((read(&mut rest), rest), (Some(value), &[7][..]));
            assert_eq!(from_difference(to_difference(value)), value);
        }
        assert_eq!([0, -1, 1, -2, i32::MAX, i32::MIN].map(from_difference), [0, 1, 2, 3, u32::MAX - 1, u32::MAX]);
        assert_eq!(read(&mut &[0xff, 0xff, 0xff, 0xff, 0x10][..]), None, "33 bits");
        assert_eq!(read(&mut &[0x80; 9][..]), None);
    }
}
