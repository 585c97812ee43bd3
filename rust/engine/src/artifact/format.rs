//! The artifact as bytes: a header that says who made it and for which machine, the artifact
//! itself, and its block of code.
//!
//! ```text
//! magic      8 bytes
//! format     u32       version of this layout and of all that is in it
//! checksum   u32       CRC-32 of all that follows
//! length     u64       bytes of the whole, header included
//! engine     u32 length, text: versions of engine and code generator
//! target     u32 length, text: architecture and operating system
//! features   u32 length, text: CPU features that the code may use, separated by commas
//! artifact   declarations, options and tables in postcard's format
//! zeros      if the block has 256 KiB or more, up to a multiple of the page (4 KiB, or 64 where
//!            pages may be so large)
//! code       the rest: the block as it runs
//! ```
//!
//! Numbers are little endian. The checksum and the checks of [`check`](super::check) are against
//! accidents: the code inside is run as it is, so that bytes from somebody who is not trusted must
//! not be read.

use super::{Artifact, check};
use crate::abi::HOST_PAGE;
use crate::checksum::checksum;
use crate::error::{Error, ErrorKind, Result};
use crate::prelude::*;
use core::fmt::Display;

const MAGIC: [u8; 8] = *b"\x7fgowasmr";
/// To be raised with every change of the layout, of the types that are serialised, and of what
/// compiled code expects to find at run time: the vmctx, the builtins, the calling conventions.
const FORMAT: u32 = 11;
/// Bytes of a block of code from which on it can be mapped from a file.
pub(crate) const MAPPED: usize = 1 << 18;
/// Offset of the checksum.
const CHECKSUM: usize = 12;
/// Where the bytes that the checksum covers begin.
pub const CHECKED: usize = 16;
/// Bytes before the first text.
const FIXED: usize = 24;

/// What the header says of the engine and the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) engine: String,
    pub(super) target: String,
    pub(super) features: String,
}

impl Origin {
    /// That of this engine on this machine.
    pub(super) fn here() -> Self {
        let (version, generator) = (env!("CARGO_PKG_VERSION"), cranelift_codegen::VERSION);
        Self {
            engine: format!("gowasmer {version} with cranelift {generator}"),
            target: crate::isa::HOST.into(),
            features: crate::isa::cpu_features(),
        }
    }
}

/// Who makes artifacts here, in a line: what they must have in common to be read by this engine on
/// this processor, and what would only make them larger or slower. Artifacts of different lines are
/// better made anew.
#[must_use]
pub fn origin() -> String {
    let Origin { engine, target, features } = Origin::here();
    format!("{engine}, format {FORMAT}, {target}, {features}")
}

impl Artifact {
    /// The artifact and its block as bytes, for [`Artifact::deserialize`] of the same version of
    /// the engine, on a machine whose CPU has the same features, or more.
    #[must_use]
    pub fn serialize(&self, code: &[u8]) -> Vec<u8> {
        self.serialize_from(&Origin::here(), code)
    }

    pub(super) fn serialize_from(&self, origin: &Origin, code: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT.to_le_bytes());
        bytes.resize(FIXED, 0);
        for text in [&origin.engine, &origin.target, &origin.features] {
            bytes.extend((text.len() as u32).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        let mut bytes = postcard::to_extend(self, bytes).expect("a vector takes any number of bytes");
        let start = code_start(bytes.len(), code.len());
        bytes.reserve_exact(start - bytes.len() + code.len());
        bytes.resize(start, 0);
        bytes.extend_from_slice(code);
        seal(&mut bytes);
        bytes
    }

    /// Reads what [`Artifact::serialize`] has written; returns the artifact, and its block where it
    /// lies in the bytes. They hold machine code: read them from trusted places only.
    ///
    /// # Errors
    ///
    /// `Deserialize`: the bytes are cut or altered, are no artifact, or were made by another
    /// version or for another machine.
    pub fn deserialize(bytes: &[u8]) -> Result<(Self, &[u8])> {
        Self::deserialize_checked(bytes, None)
    }

    /// Reads the same, with the CRC-32 (ISO-HDLC) of all bytes from [`CHECKED`] on that the caller
    /// has found, by instructions that the engine must not use. The checksum takes longer than all
    /// the rest without them.
    ///
    /// # Errors
    ///
    /// As [`Artifact::deserialize`].
    pub fn deserialize_checked(bytes: &[u8], found: Option<u32>) -> Result<(Self, &[u8])> {
        Self::deserialize_for(bytes, found, &Origin::here())
    }

    pub(super) fn deserialize_for<'b>(bytes: &'b [u8], found: Option<u32>, host: &Origin) -> Result<(Self, &'b [u8])> {
        let (origin, body) = open(bytes, found)?;
        if origin.engine != host.engine {
            return Err(refuse(format!("it was made by {}, expected {}", origin.engine, host.engine)));
        }
        if origin.target != host.target {
            return Err(refuse(format!("it was made for {}, expected {}", origin.target, host.target)));
        }
        let has = |name: &str| host.features.split(',').any(|feature| feature == name);
        let missing: Vec<_> = origin.features.split(',').filter(|name| !has(name)).collect();
        if !missing.is_empty() {
            let (missing, host) = (missing.join(","), &host.features);
            return Err(refuse(format!("it was made for a CPU with {missing}, which this one lacks; it has {host}")));
        }
        let (artifact, rest) = postcard::take_from_bytes::<Self>(body)
            .map_err(|e| refuse(format!("its contents cannot be decoded: {e}")))?;
        let size = artifact.tables.block_size();
        let end = bytes.len() - rest.len();
        let rest = rest.get(code_start(end, size) - end..).unwrap_or_default();
        let Some((code, rest)) = rest.split_at_checked(size) else {
            return Err(refuse(format!("its contents end with {} bytes of code, expected {size}", rest.len())));
        };
        if !rest.is_empty() {
            return Err(refuse(format!("its contents are followed by {} bytes, expected none", rest.len())));
        }
        check::artifact(&artifact).map_err(|e| refuse(format!("its contents are inconsistent: {e}")))?;
        Ok((artifact, code))
    }
}

/// Where a block of code begins that follows `end` bytes: where it can be mapped, if it is large.
const fn code_start(end: usize, code: usize) -> usize {
    if code < MAPPED { end } else { end.next_multiple_of(HOST_PAGE) }
}

/// Checks all of the header that does not depend on the host; returns the origin and the encoded
/// artifact. The checksum is computed unless the caller has found it.
fn open(bytes: &[u8], found: Option<u32>) -> Result<(Origin, &[u8])> {
    if bytes.is_empty() {
        return Err(refuse("it is empty"));
    }
    if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) {
        let given = &bytes[..bytes.len().min(MAGIC.len())];
        let hint = if given.starts_with(b"\0asm") { " (this is a WebAssembly binary: compile it)" } else { "" };
        return Err(refuse(format!("it begins with {given:02x?}, expected {MAGIC:02x?}{hint}")));
    }
    let cut = || refuse(format!("it is cut: {} bytes given", bytes.len()));
    let mut rest = bytes.get(MAGIC.len()..).ok_or_else(cut)?;
    let format = u32::from_le_bytes(take(&mut rest).ok_or_else(cut)?);
    if format != FORMAT {
        return Err(refuse(format!("its format has version {format}, expected {FORMAT}")));
    }
    let expected = u32::from_le_bytes(take(&mut rest).ok_or_else(cut)?);
    let length = u64::from_le_bytes(take(&mut rest).ok_or_else(cut)?);
    if length != bytes.len() as u64 {
        return Err(refuse(format!("it is cut or altered: {} bytes given, expected {length}", bytes.len())));
    }
    let found = found.unwrap_or_else(|| checksum(&bytes[CHECKED..]));
    if found != expected {
        return Err(refuse(format!("it was altered: its checksum is {found:#010x}, expected {expected:#010x}")));
    }
    let mut text = || {
        let length = u32::from_le_bytes(take(&mut rest)?) as usize;
        let (text, after) = rest.split_at_checked(length)?;
        rest = after;
        String::from_utf8(text.to_vec()).ok()
    };
    let origin = text().zip(text()).zip(text()).map(|((engine, target), features)| Origin { engine, target, features });
    Ok((origin.ok_or_else(|| refuse("its header cannot be decoded"))?, rest))
}

/// Takes a fixed number of bytes from the beginning.
fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

/// Writes length and checksum.
pub(super) fn seal(bytes: &mut [u8]) {
    let length = bytes.len() as u64;
    bytes[CHECKED..FIXED].copy_from_slice(&length.to_le_bytes());
    let checksum = checksum(&bytes[CHECKED..]);
    bytes[CHECKSUM..CHECKED].copy_from_slice(&checksum.to_le_bytes());
}

fn refuse(why: impl Display) -> Error {
    Error::new(ErrorKind::Deserialize, format!("this serialised module cannot be used: {why}"))
}
