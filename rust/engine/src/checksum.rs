//! What tells bytes from others that they became, or were mistaken for, by accident.

use crc::{CRC_32_ISO_HDLC, Crc, Table};

/// Sixteen bytes a step, without vectors of the processor.
const CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

/// The CRC-32 of bytes.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}
