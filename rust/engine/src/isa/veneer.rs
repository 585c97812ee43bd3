//! The few instructions that a module has beside what the code generator makes, for functions that
//! are compiled when they are first called: jumps through a table of addresses, and what asks for a
//! function.
//!
//! Sandbox-critical: what is written here decides where a call goes.
//!
//! A *jump* leads to the address in a slot. A *veneer* is a jump through a function's slot, and
//! behind it what the slot leads to while the function has no code: the *request*, which has the
//! function's number in a register and goes on to the module's *gate*. That loads the module's
//! owner into another register and leads to a stub of the engine. Registers are used that hold no
//! argument of `CallConv::Tail`, so that the function can be called with its arguments afterwards.
//!
//! Code that was made quickly is entered by a *counted entry*, which counts the calls that are
//! left, and asks for the function as a veneer does when none is.
//!
//! All addresses are those that the instructions will have when they run.

use super::near_call::BadCall;

/// The instructions of the architecture that this runs on.
#[cfg(target_arch = "aarch64")]
pub use aarch64 as native;
#[cfg(target_arch = "x86_64")]
pub use x86_64 as native;

/// What a counted entry counts by and asks for.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Where the number of calls is that are left, of 32 bits, aligned.
    pub calls: usize,
    /// The function's number.
    pub number: u32,
    /// Where the module's owner is.
    pub owner: usize,
    /// Where the address of the engine's stub is.
    pub stub: usize,
}

/// Copies instructions to the beginning of a place.
fn put(place: &mut [u8], instructions: &[u8]) -> Result<(), BadCall> {
    place.get_mut(..instructions.len()).ok_or(BadCall::Outside)?.copy_from_slice(instructions);
    Ok(())
}

/// `eax` is the number, `r11` the owner; the code of a callee is never in either when it begins.
pub mod x86_64 {
    use super::{BadCall, Request, put};

    /// Bytes of a jump.
    pub const JUMP: usize = 8;
    /// Bytes of a veneer.
    pub const VENEER: usize = 16;
    /// Where in a veneer the request begins.
    pub const REQUEST: usize = 6;
    /// Bytes of a gate.
    pub const GATE: usize = 16;
    /// Bytes of a counted entry.
    pub const COUNTED: usize = 32;

    fn distance(from: usize, to: usize) -> Result<[u8; 4], BadCall> {
        let distance = i32::try_from(to.wrapping_sub(from) as isize).map_err(|_| BadCall::TooFar)?;
        Ok(distance.to_le_bytes())
    }

    /// `jmp [rip + slot]`
    pub fn jump(place: &mut [u8], at: usize, slot: usize) -> Result<(), BadCall> {
        let [a, b, c, d] = distance(at + 6, slot)?;
        put(place, &[0xff, 0x25, a, b, c, d])
    }

    /// `jmp [rip + slot]; mov eax, number; jmp gate`
    pub fn veneer(place: &mut [u8], at: usize, slot: usize, number: u32, gate: usize) -> Result<(), BadCall> {
        jump(place, at, slot)?;
        let [a, b, c, d] = number.to_le_bytes();
        put(place.get_mut(REQUEST..).ok_or(BadCall::Outside)?, &[0xb8, a, b, c, d])?;
        let [a, b, c, d] = distance(at + VENEER, gate)?;
        put(place.get_mut(REQUEST + 5..).ok_or(BadCall::Outside)?, &[0xe9, a, b, c, d])
    }

    /// `mov r11, [rip + owner]; jmp [rip + stub]`
    pub fn gate(place: &mut [u8], at: usize, owner: usize, stub: usize) -> Result<(), BadCall> {
        let [a, b, c, d] = distance(at + 7, owner)?;
        put(place, &[0x4c, 0x8b, 0x1d, a, b, c, d])?;
        jump(place.get_mut(7..).ok_or(BadCall::Outside)?, at + 7, stub)
    }

    /// `sub [rip + calls], 1; js 1f; jmp body; 1: mov eax, number;` the gate
    pub fn counted(place: &mut [u8], at: usize, body: usize, request: &Request) -> Result<(), BadCall> {
        // The distance counts from the end of the instruction, which has one byte more.
        let [a, b, c, d] = distance(at + 7, request.calls)?;
        put(place, &[0x83, 0x2d, a, b, c, d, 1, 0x78, 5])?;
        let [a, b, c, d] = distance(at + 14, body)?;
        put(place.get_mut(9..).ok_or(BadCall::Outside)?, &[0xe9, a, b, c, d])?;
        let [a, b, c, d] = request.number.to_le_bytes();
        put(place.get_mut(14..).ok_or(BadCall::Outside)?, &[0xb8, a, b, c, d])?;
        gate(place.get_mut(19..).ok_or(BadCall::Outside)?, at + 19, request.owner, request.stub)
    }
}

/// `w17` is the number, `x9` the owner; both, and `x16`, hold no argument.
pub mod aarch64 {
    use super::{BadCall, Request, put};

    /// Bytes of a jump.
    pub const JUMP: usize = 16;
    /// Bytes of a veneer.
    pub const VENEER: usize = 32;
    /// Where in a veneer the request begins.
    pub const REQUEST: usize = 12;
    /// Bytes of a gate.
    pub const GATE: usize = 32;
    /// Bytes of a counted entry.
    pub const COUNTED: usize = 64;

    const X9: u32 = 9;
    const X16: u32 = 16;
    const W17: u32 = 17;

    fn words<const N: usize>(place: &mut [u8], words: [u32; N]) -> Result<(), BadCall> {
        for (at, word) in words.into_iter().enumerate() {
            put(place.get_mut(at * 4..).ok_or(BadCall::Outside)?, &word.to_le_bytes())?;
        }
        Ok(())
    }

    /// `adrp register, slot; ldr register, [register, slot]`, the first one at `at`.
    fn load(at: usize, slot: usize, register: u32) -> Result<[u32; 2], BadCall> {
        if !slot.is_multiple_of(8) {
            return Err(BadCall::TooFar);
        }
        let adrp = pages(at, slot)? | register;
        let ldr = 0xf940_0000 | ((slot & 0xfff) >> 3 << 10) as u32 | register << 5 | register;
        Ok([adrp, ldr])
    }

    /// `adrp x16, slot; ldr x16, [x16, slot]; br x16`
    pub fn jump(place: &mut [u8], at: usize, slot: usize) -> Result<(), BadCall> {
        let [adrp, ldr] = load(at, slot, X16)?;
        words(place, [adrp, ldr, 0xd61f_0000 | X16 << 5])
    }

    /// The jump; `movz w17, number; movk w17, number, lsl 16; b gate`
    pub fn veneer(place: &mut [u8], at: usize, slot: usize, number: u32, gate: usize) -> Result<(), BadCall> {
        jump(place, at, slot)?;
        let [movz, movk] = load_number(number);
        let b = jump_to(at + REQUEST + 8, gate)?;
        words(place.get_mut(REQUEST..).ok_or(BadCall::Outside)?, [movz, movk, b])
    }

    /// `adrp x9, owner; ldr x9, [x9, owner]`; the jump
    pub fn gate(place: &mut [u8], at: usize, owner: usize, stub: usize) -> Result<(), BadCall> {
        words(place, load(at, owner, X9)?)?;
        jump(place.get_mut(8..).ok_or(BadCall::Outside)?, at + 8, stub)
    }

    /// `adrp x16, calls; ldr w17, [x16, calls]; subs w17, w17, 1; str w17, [x16, calls]; b.mi 1f;
    /// b body; 1: movz w17, number; movk w17, number, lsl 16;` the gate
    pub fn counted(place: &mut [u8], at: usize, body: usize, request: &Request) -> Result<(), BadCall> {
        let pages = pages(at, request.calls)?;
        if !request.calls.is_multiple_of(4) {
            return Err(BadCall::TooFar);
        }
        let low = ((request.calls & 0xfff) >> 2 << 10) as u32;
        let ldr = 0xb940_0000 | low | X16 << 5 | W17;
        let str = 0xb900_0000 | low | X16 << 5 | W17;
        let subs = 0x7100_0400 | W17 << 5 | W17;
        // Two instructions further, if the result is negative.
        let branch = 0x5400_0044;
        words(place, [pages | X16, ldr, subs, str, branch, jump_to(at + 20, body)?])?;
        let number = load_number(request.number);
        words(place.get_mut(24..).ok_or(BadCall::Outside)?, number)?;
        gate(place.get_mut(32..).ok_or(BadCall::Outside)?, at + 32, request.owner, request.stub)
    }

    /// `b`
    fn jump_to(at: usize, to: usize) -> Result<u32, BadCall> {
        let distance = to.wrapping_sub(at) as isize;
        if !(-(128 << 20)..128 << 20).contains(&distance) || distance % 4 != 0 {
            return Err(BadCall::TooFar);
        }
        Ok(0x1400_0000 | (distance >> 2) as u32 & 0x03ff_ffff)
    }

    /// `movz w17, number; movk w17, number, lsl 16`
    fn load_number(number: u32) -> [u32; 2] {
        [0x5280_0000 | (number & 0xffff) << 5 | W17, 0x72a0_0000 | (number >> 16) << 5 | W17]
    }

    /// `adrp` of an address, without the register.
    fn pages(at: usize, to: usize) -> Result<u32, BadCall> {
        let pages = (to >> 12).wrapping_sub(at >> 12) as isize;
        if !(-(1 << 20)..1 << 20).contains(&pages) {
            return Err(BadCall::TooFar);
        }
        let pages = pages as u32;
        Ok(0x9000_0000 | (pages & 3) << 29 | (pages >> 2 & 0x7_ffff) << 5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    #[test]
    fn x86_64_counts_from_the_end_of_each_instruction() {
        let mut place = [0xcc; x86_64::VENEER];
        x86_64::veneer(&mut place, 0x1000, 0x2000, 0x0102_0304, 0xff0).unwrap();
        assert_eq!(place, [0xff, 0x25, 0xfa, 0xf, 0, 0, 0xb8, 4, 3, 2, 1, 0xe9, 0xe0, 0xff, 0xff, 0xff]);
        x86_64::gate(&mut place, 0x1000, 0x2000, 0x2008).unwrap();
        assert_eq!(place[..13], [0x4c, 0x8b, 0x1d, 0xf9, 0xf, 0, 0, 0xff, 0x25, 0xfb, 0xf, 0, 0]);
        assert_eq!(x86_64::jump(&mut place, 0, 1 << 32), Err(BadCall::TooFar));
        assert_eq!(x86_64::jump(&mut place[..5], 0, 0), Err(BadCall::Outside));
    }

    #[test]
    fn entries_count_and_ask() {
        let request = Request { calls: 0x3_0004, number: 0x0003_0004, owner: 0x3_0010, stub: 0x3_0018 };
        let mut place = [0xcc; x86_64::COUNTED];
        x86_64::counted(&mut place, 0x2_0000, 0x1_0000, &request).unwrap();
        let expected = [
            [0x83, 0x2d, 0xfd, 0xff, 0, 0, 1, 0x78, 5, 0xe9, 0xf2, 0xff, 0xfe, 0xff, 0xb8, 4],
            [0, 3, 0, 0x4c, 0x8b, 0x1d, 0xf6, 0xff, 0, 0, 0xff, 0x25, 0xf8, 0xff, 0, 0],
        ];
        assert_eq!(place[..], expected.concat());
        let mut place = [0; aarch64::COUNTED];
        aarch64::counted(&mut place, 0x2_0000, 0x1_0000, &request).unwrap();
        let words: Vec<_> = place.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
        // adrp x16, +0x10 pages; ldr w17, [x16, #4]; subs w17, w17, #1; str w17, [x16, #4];
        // b.mi .+8; b .-0x10014; movz w17, #4; movk w17, #3, lsl #16
        let counts = [0x9000_0090, 0xb940_0611, 0x7100_0631, 0xb900_0611, 0x5400_0044, 0x17ff_bffb];
        assert_eq!((&words[..6], &words[6..8]), (&counts[..], &[0x5280_0091, 0x72a0_0071][..]));
        // adrp x9, +0x10 pages; ldr x9, [x9, #0x10]; the same of x16 and 0x18; br x16
        assert_eq!(words[8..13], [0x9000_0089, 0xf940_0929, 0x9000_0090, 0xf940_0e10, 0xd61f_0200]);
        let far = Request { calls: 1 << 40, ..request };
        assert_eq!(x86_64::counted(&mut [0; 64], 0, 0, &far), Err(BadCall::TooFar));
        assert_eq!(aarch64::counted(&mut place, 0, 0, &far), Err(BadCall::TooFar));
        assert_eq!(
            aarch64::counted(&mut place, 0x2_0000, 0x1_0000, &Request { calls: 0x3_0002, ..request }),
            Err(BadCall::TooFar)
        );
    }

    #[test]
    fn aarch64_loads_by_page_and_offset() {
        let mut place = [0; aarch64::VENEER];
        let words = |place: &[u8]| -> Vec<u32> {
            place.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect()
        };
        aarch64::veneer(&mut place, 0x1_0010, 0x2_3458, 0x0003_0004, 0x1_0000).unwrap();
        // adrp x16, +0x13 pages; ldr x16, [x16, #0x458]; br x16; movz w17, #4; movk w17, #3,
        // lsl #16; b .-0x24
        let expected = [0xf000_0090, 0xf942_2e10, 0xd61f_0200, 0x5280_0091, 0x72a0_0071, 0x17ff_fff7];
        assert_eq!(words(&place)[..6], expected);
        aarch64::gate(&mut place, 0x1_0000, 0x1_0ff8, 0xfff0).unwrap();
        // adrp x9, +0; ldr x9, [x9, #0xff8]; adrp x16, -1 page; ldr x16, [x16, #0xff0]; br x16
        assert_eq!(words(&place)[..5], [0x9000_0009, 0xf947_fd29, 0xf0ff_fff0, 0xf947_fa10, 0xd61f_0200]);
        assert_eq!(aarch64::jump(&mut place, 0, 4), Err(BadCall::TooFar), "no address of a slot");
        assert_eq!(aarch64::jump(&mut place, 0, 1 << 32), Err(BadCall::TooFar));
        assert_eq!(aarch64::veneer(&mut place, 0, 0, 0, 129 << 20), Err(BadCall::TooFar));
        assert_eq!(aarch64::jump(&mut place[..8], 0, 0), Err(BadCall::Outside));
    }
}
