//! Each load and store width, at each static offset of interest, at indices around the end of the
//! memory and at the extremes of the index type: of 32-bit and 64-bit memories, of pages of 64 KiB
//! and of one byte, in both ways to keep accesses inside.

use crate::guest::{Guest, MODES};
use gowasmer::options::BoundsMode;
use gowasmer::trap::TrapCode;
use std::fmt::Write;

/// Name, type, bytes, and whether the value is sign-extended.
const LOADS: [(&str, &str, u32, bool); 14] = [
    ("i32.load8_s", "i32", 1, true),
    ("i32.load8_u", "i32", 1, false),
    ("i32.load16_s", "i32", 2, true),
    ("i32.load16_u", "i32", 2, false),
    ("i32.load", "i32", 4, false),
    ("i64.load8_s", "i64", 1, true),
    ("i64.load8_u", "i64", 1, false),
    ("i64.load16_s", "i64", 2, true),
    ("i64.load16_u", "i64", 2, false),
    ("i64.load32_s", "i64", 4, true),
    ("i64.load32_u", "i64", 4, false),
    ("i64.load", "i64", 8, false),
    ("f32.load", "f32", 4, false),
    ("f64.load", "f64", 8, false),
];
const STORES: [(&str, &str, u32); 9] = [
    ("i32.store8", "i32", 1),
    ("i32.store16", "i32", 2),
    ("i32.store", "i32", 4),
    ("i64.store8", "i64", 1),
    ("i64.store16", "i64", 2),
    ("i64.store32", "i64", 4),
    ("i64.store", "i64", 8),
    ("f32.store", "f32", 4),
    ("f64.store", "f64", 8),
];
const STORED: u64 = 0x8182_8384_8586_8788;

/// A sort of memory: of an index type, with pages, so many of them.
struct Memory {
    index64: bool,
    page_size: u64,
    pages: u64,
}

impl Memory {
    fn length(&self) -> u64 {
        self.pages * self.page_size
    }

    const fn index_type(&self) -> &'static str {
        if self.index64 { "i64" } else { "i32" }
    }

    /// A module with an export for each load and store at a static offset.
    fn module(&self, offset: u64) -> String {
        let index = self.index_type();
        let page_size = if self.page_size == 1 { "(pagesize 1)" } else { "" };
        let mut text = format!("(module (memory {index} {} {page_size})\n", self.pages);
        for (name, ty, ..) in LOADS {
            let body = format!("({name} offset={offset} (local.get 0))");
            writeln!(text, r#"(func (export "{name}") (param {index}) (result {ty}) {body})"#).unwrap();
        }
        for (name, ty, _) in STORES {
            let body = format!("({name} offset={offset} (local.get 0) (local.get 1))");
            writeln!(text, r#"(func (export "{name}") (param {index} {ty}) {body})"#).unwrap();
        }
        text + ")"
    }

    /// Indices around the one that reaches the end, and the extremes.
    fn indices(&self, offset: u64, width: u64) -> Vec<u64> {
        let largest = if self.index64 { u64::MAX } else { u64::from(u32::MAX) };
        let mut indices =
            vec![0, 1, 1 << 31, (1 << 31) - 1, u64::from(u32::MAX), largest, largest - 1, largest / 2 + 1];
        // Where the address would wrap to the memory's first bytes.
        indices.extend((0..=width).map(|i| (i.wrapping_sub(offset).wrapping_sub(width)) & largest));
        if let Some(end) = self.length().checked_sub(offset) {
            indices.extend((0..=2 * width).map(|i| (end + i).saturating_sub(width).min(largest)));
        }
        indices.sort_unstable();
        indices.dedup();
        indices
    }
}

/// What lies in the memory at an address near its ends.
const fn pattern(address: u64) -> u8 {
    (address.wrapping_mul(37) as u8) | 0x80
}

fn expected_load(bytes: &[u8], ty: &str, signed: bool) -> u64 {
    let mut value = [0; 8];
    value[..bytes.len()].copy_from_slice(bytes);
    let (value, unused) = (u64::from_le_bytes(value), 64 - 8 * bytes.len() as u32);
    let extended = if signed { ((value << unused).cast_signed() >> unused).cast_unsigned() } else { value };
    if ty == "i32" { extended & 0xffff_ffff } else { extended }
}

fn check(memory: &Memory, offset: u64, mode: BoundsMode) {
    let guest = Guest::new(&memory.module(offset), mode);
    let (handle, length) = (guest.memory(), memory.length());
    // The bytes that accesses inside can reach here: the first and the last ones, and those at the
    // offset.
    let window = |address: u64| address..(address + 64).min(length);
    let windows = [window(0), window(length.saturating_sub(64)), window(offset.min(length))];
    let fill = || {
        for window in &windows {
            let bytes: Vec<u8> = window.clone().map(pattern).collect();
            assert!(handle.write(window.start, &bytes));
        }
    };
    let unchanged = |but: std::ops::Range<u64>| {
        for window in &windows {
            let mut bytes = vec![0; (window.end - window.start) as usize];
            assert!(handle.read(window.start, &mut bytes));
            let wrong = window.clone().zip(&bytes).find(|(at, byte)| !but.contains(at) && **byte != pattern(*at));
            if let Some((at, _)) = wrong {
                return Err(at);
            }
        }
        Ok(())
    };
    fill();
    for (name, ty, width, signed) in LOADS {
        for index in memory.indices(offset, u64::from(width)) {
            let case = format!("{name} offset={offset:#x} at {index:#x}, {} bytes of {}", length, memory.index_type());
            let end = u128::from(index) + u128::from(offset) + u128::from(width);
            let got = guest.call(name, &[index]);
            if end > u128::from(length) {
                assert_eq!(got, Err(TrapCode::MemoryOutOfBounds), "{case}");
            } else {
                let mut bytes = vec![0; width as usize];
                assert!(handle.read(index + offset, &mut bytes));
                assert_eq!(got, Ok(expected_load(&bytes, ty, signed)), "{case}");
            }
        }
    }
    for (name, ty, width) in STORES {
        for index in memory.indices(offset, u64::from(width)) {
            let case = format!("{name} offset={offset:#x} at {index:#x}, {} bytes of {}", length, memory.index_type());
            let value = if ty.ends_with("32") { STORED & 0xffff_ffff } else { STORED };
            let got = guest.call(name, &[index, value]);
            let end = u128::from(index) + u128::from(offset) + u128::from(width);
            if end > u128::from(length) {
                assert_eq!(got, Err(TrapCode::MemoryOutOfBounds), "{case}");
                assert_eq!(unchanged(0..0), Ok(()), "{case}: a byte was written");
            } else {
                let at = index + offset;
                assert_eq!(got, Ok(0), "{case}");
                let mut bytes = vec![0; width as usize];
                assert!(handle.read(at, &mut bytes));
                assert_eq!(bytes, STORED.to_le_bytes()[..width as usize], "{case}");
                assert_eq!(unchanged(at..at + u64::from(width)), Ok(()), "{case}: a byte more was written");
                let before: Vec<u8> = (at..at + u64::from(width)).map(pattern).collect();
                assert!(handle.write(at, &before));
            }
        }
    }
}

#[test]
fn memories_of_32_bits() {
    // So large that the offset reaches the last bytes.
    for (offset, pages) in [(0, 1), (0, 0), (1 << 31, 1), (1 << 31, 32_769), (0xffff_ffff, 1), (0xffff_ffff, 65_536)] {
        for mode in MODES {
            check(&Memory { index64: false, page_size: 65_536, pages }, offset, mode);
        }
    }
}

#[test]
fn memories_of_64_bits() {
    let few = [0, 1 << 31, 0xffff_ffff, 1 << 63, (1 << 63) - 1, u64::MAX - 1, u64::MAX].map(|offset| (offset, 1));
    for (offset, pages) in few.into_iter().chain([(0, 0), (1 << 31, 32_769), (0xffff_ffff, 65_537)]) {
        for mode in MODES {
            check(&Memory { index64: true, page_size: 65_536, pages }, offset, mode);
        }
    }
}

#[test]
fn pages_of_one_byte() {
    for (offset, pages) in [(0, 0), (0, 1), (0, 100), (0, 4096), (0, 4097), (90, 100), (1 << 31, 100), (0xffff_ffff, 7)]
    {
        for mode in MODES {
            check(&Memory { index64: false, page_size: 1, pages }, offset, mode);
            check(&Memory { index64: true, page_size: 1, pages }, offset, mode);
        }
    }
}

/// Bulk operations at the end of memories of every pair of index types.
#[test]
fn bulk_operations() {
    const LENGTH: u64 = 65_536;
    let large = [LENGTH - 8, LENGTH - 7, LENGTH, LENGTH + 1, 1 << 31, 0xffff_ffff, 1 << 63, u64::MAX - 7, u64::MAX];
    let values = |index64: bool| {
        let fits = move |value: &u64| index64 || u32::try_from(*value).is_ok();
        [0, 1, 7, 8, 9].into_iter().chain(large).filter(fits).collect::<Vec<u64>>()
    };
    let inside = |start: u64, count: u64| u128::from(start) + u128::from(count) <= u128::from(LENGTH);
    let name = |index64: bool| if index64 { "i64" } else { "i32" };
    for (to64, from64) in [(false, false), (true, false), (false, true), (true, true)] {
        let (to, from) = (name(to64), name(from64));
        let count = name(to64 && from64);
        let text = format!(
            r#"(module (memory $to {to} 1) (memory $from {from} 1) (data $d "12345678")
                (func (export "copy") (param {to} {from} {count})
                    (memory.copy $to $from (local.get 0) (local.get 1) (local.get 2)))
                (func (export "fill") (param {to} {to}) (memory.fill $to (local.get 0) (i32.const 7) (local.get 1)))
                (func (export "init") (param {to} i32 i32)
                    (memory.init $to $d (local.get 0) (local.get 1) (local.get 2))))"#
        );
        for mode in MODES {
            let guest = Guest::new(&text, mode);
            let expect = |name: &str, arguments: &[u64], inside: bool| {
                let expected = if inside { Ok(0) } else { Err(TrapCode::MemoryOutOfBounds) };
                assert_eq!(guest.call(name, arguments), expected, "{name}{arguments:x?} to {to} from {from}, {mode:?}");
            };
            for target in values(to64) {
                for count in values(to64) {
                    expect("fill", &[target, count], inside(target, count));
                }
                for (offset, count) in
                    values(false).into_iter().flat_map(|a| values(false).into_iter().map(move |b| (a, b)))
                {
                    expect("init", &[target, offset, count], inside(target, count) && offset + count <= 8);
                }
                for source in values(from64) {
                    for count in values(to64 && from64) {
                        expect("copy", &[target, source, count], inside(target, count) && inside(source, count));
                    }
                }
            }
        }
    }
}
