//! The functions against plain loops: all small lengths, alignments and overlaps, and long ones
//! around the changes of method.

use gowasmer_image_mem::{bcmp, memcmp, memcpy, memmove, memset, strlen};

/// Bytes around each range, which must stay as they are.
const MARGIN: usize = 64;
const LARGEST_SMALL: usize = 300;
/// Lengths about those at which another method begins, and some far beyond.
const LONG: [usize; 14] =
    [1023, 1024, 1025, 2047, 2048, 2049, 2111, 2112, 4095, 4096, 4097, 65_535, 65_537, (1 << 20) + 13];

/// Bytes in which each run of a few is found once.
fn pattern(length: usize) -> Vec<u8> {
    (0..length as u64).map(|i| ((i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

/// The first index that is a multiple of 64 in memory.
fn aligned(bytes: &[u8]) -> usize {
    bytes.as_ptr().align_offset(64)
}

#[test]
fn copies_of_all_alignments() {
    let lengths: Vec<usize> = (0..=LARGEST_SMALL).collect();
    check_copies(&lengths, 16, memcpy);
    check_copies(&lengths, 16, memmove);
    check_copies(&LONG, 4, memcpy);
}

type Copy = unsafe extern "C" fn(*mut u8, *const u8, usize) -> *mut u8;

fn check_copies(lengths: &[usize], alignments: usize, copy: Copy) {
    let room = lengths[lengths.len() - 1] + 2 * MARGIN + 64;
    let source = pattern(room);
    let source_start = aligned(&source);
    let mut target = vec![0xee_u8; room];
    let target_start = aligned(&target);
    for &length in lengths {
        for from in (0..16).step_by(16 / alignments) {
            for to in (0..16).step_by(16 / alignments) {
                let from = source_start + from;
                let at = target_start + MARGIN / 2 + to;
                let pointer = target[at..].as_mut_ptr();
                // SAFETY: both buffers have room for the longest range at the largest offset.
                let result = unsafe { copy(pointer, source[from..].as_ptr(), length) };
                assert_eq!(result, pointer);
                assert!(target[at..at + length] == source[from..from + length], "{length} bytes, {from} to {at}");
                target[at..at + length].fill(0xee);
                let around = at.saturating_sub(MARGIN)..(at + length + MARGIN).min(room);
                assert!(target[around].iter().all(|byte| *byte == 0xee), "{length} bytes, {from} to {at}: outside");
            }
        }
    }
}

/// Both functions: `memcpy` is called with overlapping ranges by compilers, when they are the same.
#[test]
fn moves_of_all_overlaps() {
    for length in 0..=LARGEST_SMALL {
        let distance = length as isize + 17;
        for alignment in [0, 1, 15] {
            for by in -distance..=distance {
                check_move(length, alignment, by, memmove);
            }
        }
    }
    for length in 0..=40 {
        for alignment in 0..16 {
            for by in -60..=60 {
                check_move(length, alignment, by, memmove);
                check_move(length, alignment, by, memcpy);
            }
        }
    }
    for length in LONG {
        for by in [1, 7, 15, 16, 17, 31, 63, 64, 65, 100, 127, 500, 1000, 2048, 4095, 4096, 70_000] {
            for alignment in [0, 5] {
                check_move(length, alignment, by, memmove);
                check_move(length, alignment, -by, memmove);
            }
        }
    }
}

fn check_move(length: usize, alignment: usize, by: isize, copy: Copy) {
    let room = length + 2 * (by.unsigned_abs() + MARGIN) + 64;
    let mut bytes = pattern(room);
    let from = aligned(&bytes) % 64 + by.unsigned_abs() + MARGIN / 2 + alignment;
    let to = from.strict_add_signed(by);
    let mut expected = bytes.clone();
    expected.copy_within(from..from + length, to);
    let start = bytes.as_mut_ptr();
    // SAFETY: both ranges lie within the buffer.
    let result = unsafe { copy(start.add(to), start.add(from), length) };
    assert_eq!(result as usize, start as usize + to);
    assert!(bytes == expected, "{length} bytes at {alignment} moved by {by}");
}

#[test]
fn fills_of_all_alignments() {
    for (lengths, alignments) in [((0..=LARGEST_SMALL).collect::<Vec<_>>(), 64), (LONG.to_vec(), 16)] {
        let room = lengths[lengths.len() - 1] + 2 * MARGIN + 128;
        let mut bytes = vec![0xee_u8; room];
        let start = aligned(&bytes) + MARGIN;
        for length in lengths {
            for at in start..start + alignments {
                // Only the low byte counts.
                for value in [0, 0x1ff, 0x5a] {
                    let pointer = bytes[at..].as_mut_ptr();
                    // SAFETY: the buffer has room for the longest range at the largest offset.
                    assert_eq!(unsafe { memset(pointer, value, length) }, pointer);
                    let byte = (value & 0xff) as u8;
                    assert!(bytes[at..at + length].iter().all(|b| *b == byte), "{length} bytes at {at}");
                    bytes[at..at + length].fill(0xee);
                    let around = at - MARGIN..(at + length + MARGIN).min(room);
                    assert!(bytes[around].iter().all(|b| *b == 0xee), "{length} bytes at {at}: outside");
                }
            }
        }
    }
}

#[test]
fn comparisons_of_all_lengths() {
    for length in (0..=LARGEST_SMALL).chain([1000, 4097]) {
        let a = pattern(length + 32);
        for (a_at, b_at) in [(0, 0), (1, 0), (0, 5), (7, 15), (15, 1)] {
            let x = &a[a_at..a_at + length];
            let mut b = vec![0; length + 32];
            b[b_at..b_at + length].copy_from_slice(x);
            // What follows is not compared.
            b[b_at + length] = !a[a_at + length];
            check_comparison(x, &b[b_at..b_at + length]);
            for at in 0..length {
                let kept = b[b_at + at];
                for other in [kept ^ 0x80, kept.wrapping_add(1)] {
                    b[b_at + at] = other;
                    check_comparison(x, &b[b_at..b_at + length]);
                }
                // A second difference, of the other sign where there is room.
                let last = b[b_at + length - 1];
                b[b_at + length - 1] = !last;
                check_comparison(x, &b[b_at..b_at + length]);
                b[b_at + length - 1] = last;
                b[b_at + at] = kept;
            }
        }
    }
}

fn check_comparison(a: &[u8], b: &[u8]) {
    // Not by `cmp`: that calls the function that libc has.
    let expected = a.iter().zip(b).map(|(x, y)| i32::from(*x) - i32::from(*y)).find(|d| *d != 0).unwrap_or(0);
    // SAFETY: both slices have the length given.
    let (order, reverse, same) = unsafe {
        (
            memcmp(a.as_ptr(), b.as_ptr(), a.len()),
            memcmp(b.as_ptr(), a.as_ptr(), a.len()),
            bcmp(a.as_ptr(), b.as_ptr(), a.len()),
        )
    };
    assert_eq!(order.signum(), expected.signum(), "{a:?} and {b:?}");
    assert_eq!(reverse.signum(), -expected.signum(), "{b:?} and {a:?}");
    assert_eq!(same == 0, expected == 0, "{a:?} and {b:?}");
}

#[test]
fn lengths_of_texts() {
    for length in 0..=LARGEST_SMALL {
        let mut text = vec![b'x'; length];
        text.extend([0, b'y', 0]);
        // SAFETY: there is a zero.
        assert_eq!(unsafe { strlen(text.as_ptr()) }, length);
    }
}

/// With no bytes, addresses mean nothing.
#[test]
fn no_bytes_at_any_address() {
    let nowhere = std::ptr::without_provenance_mut::<u8>(1);
    // SAFETY: no byte is touched.
    unsafe {
        assert_eq!(memcpy(nowhere, nowhere, 0), nowhere);
        assert_eq!(memmove(nowhere, std::ptr::null(), 0), nowhere);
        assert_eq!(memset(nowhere, 1, 0), nowhere);
        assert_eq!(memcmp(nowhere, std::ptr::null(), 0), 0);
    }
}
