//! What the checks let through, at every edge: of 32 bits in both modes, of 64 bits, and with pages
//! of one byte.

use super::*;
use crate::types::{Limits, MAX_BYTES64, PAGE_SIZE, PAGE_SIZE_LOG2};

const WIDTHS: [u32; 5] = [1, 2, 4, 8, 16];
const OFFSETS32: [u64; 14] = [
    0,
    1,
    65_535,
    65_536,
    65_537,
    GUARD - 16,
    GUARD - 1,
    GUARD,
    GUARD + 1,
    (1 << 31) - 1,
    1 << 31,
    u32::MAX as u64 - 16,
    u32::MAX as u64 - 1,
    u32::MAX as u64,
];
const OFFSETS64: [u64; 8] =
    [1 << 32, MAX_BYTES64 - 16, MAX_BYTES64, (1 << 63) - 1, 1 << 63, u64::MAX - 16, u64::MAX - 1, u64::MAX];

fn memories(index64: bool, page_size_log2: u8) -> impl Iterator<Item = MemoryType> {
    let limits =
        [(0, None), (0, Some(0)), (1, None), (1, Some(1)), (1, Some(2)), (32_768, None), (65_536, Some(65_536))];
    limits.into_iter().map(move |(min, max)| MemoryType { limits: Limits { min, max }, index64, page_size_log2 })
}

/// Indices around every edge that matters for an access that ends `end` bytes after its index.
fn indices(end: u128, length: u64, index64: bool) -> impl Iterator<Item = u64> {
    let end = end.min(u128::from(u64::MAX)) as u64;
    let largest = if index64 { u64::MAX } else { u64::from(u32::MAX) };
    let edges = [
        0,
        length,
        length.saturating_sub(end),
        RESERVATION,
        RESERVATION.saturating_sub(end),
        GUARD,
        MAX_BYTES64,
        1 << 63,
        end.wrapping_neg(),
        length.wrapping_sub(end),
        u64::MAX - 2,
    ];
    edges.into_iter().flat_map(move |edge| (0..5).map(move |i| edge.saturating_add(i).saturating_sub(2).min(largest)))
}

/// What the emitted code does: whether the access goes through to memory at `index + offset`.
fn passes(check: Check, index: u64, length: u64) -> bool {
    match check {
        Check::None => true,
        Check::Outside => false,
        Check::Index { limit } => index <= limit,
        Check::Length { end } => index.wrapping_add(end) <= length,
        Check::Room { end, always } => index <= length.wrapping_sub(end) && (always || end <= length),
    }
}

/// Calls back with every case: type, length, index, whether it is a known constant, offset and
/// width.
fn cases(ty: MemoryType, mut each: impl FnMut(u64, u64, Option<u64>, u64, u32)) {
    let most = ty.max_bytes() / ty.page_size();
    for pages in [ty.limits.min, ty.limits.min.midpoint(most), most] {
        let length = pages * ty.page_size();
        let offsets = OFFSETS32.iter().chain(OFFSETS64.iter().filter(|_| ty.index64));
        for (offset, width) in offsets.flat_map(|offset| WIDTHS.map(|width| (*offset, width))) {
            for index in indices(u128::from(offset) + u128::from(width), length, ty.index64) {
                for known in [None, Some(index)] {
                    each(length, index, known, offset, width);
                }
            }
        }
    }
}

fn is_inside(index: u64, offset: u64, width: u32, length: u64) -> bool {
    u128::from(index) + u128::from(offset) + u128::from(width) <= u128::from(length)
}

#[test]
fn no_access_gets_past_the_reservation_and_none_inside_is_refused() {
    for ty in memories(false, PAGE_SIZE_LOG2) {
        cases(ty, |length, index, known, offset, width| {
            let case = format!("{ty} of {length} bytes, {index} + {offset}, {width} wide, {known:?}");
            let inside = is_inside(index, offset, width, length);
            let guarded = passes(check(BoundsMode::Guarded, &ty, known, offset, width), index, length);
            assert!(guarded || !inside, "refused inside: {case}");
            assert!(!guarded || is_inside(index, offset, width, RESERVATION + GUARD), "escapes: {case}");
            let explicit = passes(check(BoundsMode::Explicit, &ty, known, offset, width), index, length);
            assert_eq!(explicit, inside, "explicit: {case}");
        });
    }
}

#[test]
fn memories_without_a_guard_are_exact_in_both_modes() {
    for ty in memories(true, PAGE_SIZE_LOG2).chain(memories(true, 0)).chain(memories(false, 0)) {
        for mode in [BoundsMode::Guarded, BoundsMode::Explicit] {
            cases(ty, |length, index, known, offset, width| {
                let check = check(mode, &ty, known, offset, width);
                assert!(!matches!(check, Check::Index { .. }), "{ty}: relies on a reservation");
                let inside = is_inside(index, offset, width, length);
                let case = format!("{ty} of {length} bytes, {index} + {offset}, {width} wide, {known:?}: {check:?}");
                assert_eq!(passes(check, index, length), inside, "{case}");
            });
        }
    }
}

#[test]
fn guarded_accesses_within_the_guard_have_no_check() {
    let ty = MemoryType::new(Limits { min: 1, max: None });
    let guarded = |offset, width| check(BoundsMode::Guarded, &ty, None, offset, width);
    assert_eq!(guarded(0, 1), Check::None);
    assert_eq!(guarded(GUARD - 8, 8), Check::None);
    assert_eq!(guarded(GUARD - 7, 8), Check::Index { limit: RESERVATION - GUARD - 1 });
    assert_eq!(guarded(RESERVATION - 7, 8), Check::Outside);
    let explicit = |index| check(BoundsMode::Explicit, &ty, index, 0, 8);
    assert_eq!(explicit(None), Check::Length { end: 8 });
    assert_eq!(explicit(Some(65_528)), Check::None);
    assert_eq!(explicit(Some(65_529)), Check::Length { end: 8 });
}

#[test]
fn one_comparison_serves_where_the_memory_was_never_shorter() {
    let ty = MemoryType { index64: true, ..MemoryType::new(Limits { min: 1, max: None }) };
    let room = |offset, width| check(BoundsMode::Guarded, &ty, None, offset, width);
    assert_eq!(room(0, 8), Check::Room { end: 8, always: true });
    assert_eq!(room(PAGE_SIZE - 8, 8), Check::Room { end: PAGE_SIZE, always: true });
    assert_eq!(room(PAGE_SIZE - 7, 8), Check::Room { end: PAGE_SIZE + 1, always: false });
    assert_eq!(room(MAX_BYTES64 - 7, 8), Check::Outside);
    assert_eq!(room(u64::MAX, 1), Check::Outside, "the sum would wrap");
    assert_eq!(check(BoundsMode::Guarded, &ty, Some(u64::MAX), 0, 8), Check::Room { end: 8, always: true });
}
