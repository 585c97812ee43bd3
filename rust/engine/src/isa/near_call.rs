//! Calls between the functions of a module, which lie in one block: the only relocations that
//! compiled code has.
//!
//! Sandbox-critical: what is written here decides where a call goes.
//!
//! A call reaches 128 MiB on aarch64 and 2 GiB on x86-64. No veneers are made for what lies
//! further: a module whose code is larger than `LARGEST_BLOCK` is to be refused, so that every call
//! is near wherever its function lies.

use cranelift_codegen::binemit::Reloc;

/// The calls of the architecture that this runs on.
#[cfg(target_arch = "aarch64")]
pub use aarch64 as native;
#[cfg(target_arch = "x86_64")]
pub use x86_64 as native;

/// Where a call in a block of code is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCall {
    /// Its field is not within the code.
    Outside,
    /// Its target is further away than a call reaches, or no place where an instruction can be.
    TooFar,
}

/// The four bytes of the field at an offset.
fn field(code: &mut [u8], at: usize) -> Result<&mut [u8; 4], BadCall> {
    code.get_mut(at..).and_then(|rest| rest.first_chunk_mut()).ok_or(BadCall::Outside)
}

/// `call rel32`, and `jmp rel32` of tail calls.
pub mod x86_64 {
    use super::{BadCall, Reloc, field};

    /// The kind of relocation of such a call.
    pub const RELOCATION: Reloc = Reloc::X86CallPCRel4;
    /// What it adds: the distance counts from the end of the field.
    pub const ADDEND: i64 = -4;
    /// How large a block of code may be.
    pub const LARGEST_BLOCK: usize = i32::MAX as usize;

    /// Makes the call whose field is at `at` lead to `target`; both are offsets in the block.
    pub fn link(code: &mut [u8], at: usize, target: usize) -> Result<(), BadCall> {
        let distance = target.wrapping_sub(at).wrapping_sub(4) as isize;
        let distance = i32::try_from(distance).map_err(|_| BadCall::TooFar)?;
        *field(code, at)? = distance.to_le_bytes();
        Ok(())
    }
}

/// `bl`, and `b` of tail calls: the distance in words is in the lower 26 bits.
pub mod aarch64 {
    use super::{BadCall, Reloc, field};

    /// The kind of relocation of such a call.
    pub const RELOCATION: Reloc = Reloc::Arm64Call;
    /// What it adds: the distance counts from the instruction.
    pub const ADDEND: i64 = 0;
    /// How large a block of code may be.
    pub const LARGEST_BLOCK: usize = 128 << 20;

    /// Makes the call at `at` lead to `target`; both are offsets in the block.
    pub fn link(code: &mut [u8], at: usize, target: usize) -> Result<(), BadCall> {
        let distance = target.wrapping_sub(at) as isize;
        if !(-(128 << 20)..128 << 20).contains(&distance) || distance % 4 != 0 {
            return Err(BadCall::TooFar);
        }
        let field = field(code, at)?;
        let opcode = u32::from_le_bytes(*field) & 0xfc00_0000;
        *field = (opcode | (distance >> 2) as u32 & 0x03ff_ffff).to_le_bytes();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x86_64_counts_from_the_end_of_the_field() {
        let mut code = [0xe8, 0, 0, 0, 0, 0xe9, 9, 9, 9, 9];
        x86_64::link(&mut code, 1, 0).unwrap();
        x86_64::link(&mut code, 6, 0x1000).unwrap();
        assert_eq!(code, [0xe8, 0xfb, 0xff, 0xff, 0xff, 0xe9, 0xf6, 0x0f, 0, 0]);
        assert_eq!(x86_64::link(&mut code, 7, 0), Err(BadCall::Outside));
        assert_eq!(x86_64::link(&mut code, usize::MAX, 0), Err(BadCall::Outside));
        assert_eq!(x86_64::link(&mut code, 1, 1 << 31), Ok(()));
        assert_eq!(x86_64::link(&mut code, 1, (1 << 31) + 5), Err(BadCall::TooFar));
    }

    #[test]
    fn aarch64_counts_words_from_the_instruction_and_keeps_the_operation() {
        let mut code = [0x9400_0000_u32.to_le_bytes(), 0x1400_0000_u32.to_le_bytes()].concat();
        aarch64::link(&mut code, 0, 0x20).unwrap();
        aarch64::link(&mut code, 4, 0).unwrap();
        assert_eq!(code, [0x9400_0008_u32.to_le_bytes(), 0x17ff_ffff_u32.to_le_bytes()].concat());
        // A second time, as what was there does not matter.
        aarch64::link(&mut code, 4, (128 << 20) + 4 - 4).unwrap();
        assert_eq!(code[4..], 0x15ff_ffff_u32.to_le_bytes());
        assert_eq!(aarch64::link(&mut code, 4, (128 << 20) + 4), Err(BadCall::TooFar));
        assert_eq!(aarch64::link(&mut code, 4, 6), Err(BadCall::TooFar));
        assert_eq!(aarch64::link(&mut code, 5, 5), Err(BadCall::Outside));
    }

    #[test]
    fn in_the_largest_block_every_call_is_near() {
        let (last, mut code) = (aarch64::LARGEST_BLOCK - 4, [0; 4]);
        assert!(aarch64::link(&mut code, 0, last).is_ok());
        // The other way round: the field is out of this code, but the distance is judged first.
        assert_eq!(aarch64::link(&mut code, last, 0), Err(BadCall::Outside));
    }
}
