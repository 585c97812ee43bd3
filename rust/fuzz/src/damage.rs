//! Random damage to the bytes of a module.

use crate::rng::Rng;

/// Bytes that mean much in the binary format: section ids, type codes, opcodes and prefixes, ends
/// of LEB128 numbers.
const TELLING: [u8; 24] = [
    0x00, 0x01, 0x02, 0x05, 0x0b, 0x0c, 0x0f, 0x10, 0x11, 0x20, 0x40, 0x41, 0x60, 0x6f, 0x70, 0x7b, 0x7c, 0x7f, 0x80,
    0xd0, 0xd2, 0xfc, 0xfd, 0xff,
];

/// Damages a module in one to four places; `other` gives bytes for splices.
#[must_use]
pub fn damage(mut module: Vec<u8>, other: &[u8], rng: &mut Rng) -> Vec<u8> {
    for _ in 0..=rng.below(4) {
        once(&mut module, other, rng);
        if module.is_empty() {
            break;
        }
    }
    module
}

fn once(module: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let at = rng.below(module.len());
    let length = (1 + rng.below(16)).min(module.len() - at);
    match rng.below(8) {
        0 | 1 => module[at] ^= 1 << rng.below(8),
        2 => module[at] = rng.pick(&TELLING),
        3 => module[at] = module[at].wrapping_add(if rng.one_in(2) { 1 } else { 255 }),
        4 if rng.one_in(3) => module.truncate(at),
        4 => drop(module.drain(at..at + length)),
        5 => {
            let copy = module[at..at + length].to_vec();
            let to = rng.below(module.len() + 1);
            drop(module.splice(to..to, copy));
        }
        6 => module.insert(at, rng.pick(&TELLING)),
        _ => {
            let from = rng.below(other.len());
            let taken = &other[from..(from + 1 + rng.below(64)).min(other.len())];
            let end = (at + if rng.one_in(2) { taken.len() } else { length }).min(module.len());
            drop(module.splice(at..end, taken.iter().copied()));
        }
    }
}
