//! Measures the functions against libc's: `cargo bench -p gowasmer-image-mem`. Nanoseconds a call,
//! the best of several rounds, interleaved.

use std::hint::black_box;
use std::time::Instant;

type Copy = unsafe extern "C" fn(*mut u8, *const u8, usize) -> *mut u8;
type Fill = unsafe extern "C" fn(*mut u8, i32, usize) -> *mut u8;
type Compare = unsafe extern "C" fn(*const u8, *const u8, usize) -> i32;

const SIZES: [usize; 14] =
    [8, 16, 64, 128, 256, 512, 768, 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 20, 1 << 24, 1 << 26];
const ROUNDS: usize = 25;

/// Nanoseconds that a call takes in one round of about a millisecond.
#[allow(clippy::cast_precision_loss)] // Times are shown with two or three digits.
fn round(size: usize, call: &mut dyn FnMut(usize)) -> f64 {
    let calls = (32 << 20) / (size + 200) + 1;
    let start = Instant::now();
    for i in 0..calls {
        call(i);
    }
    start.elapsed().as_nanos() as f64 / calls as f64
}

fn compare(name: &str, size: usize, ours: &mut dyn FnMut(usize), theirs: &mut dyn FnMut(usize)) {
    let (mut our_best, mut their_best) = (f64::MAX, f64::MAX);
    let rounds = if size >= 1 << 20 { 7 } else { ROUNDS };
    for _ in 0..rounds {
        our_best = our_best.min(round(size, ours));
        their_best = their_best.min(round(size, theirs));
    }
    println!("{name:24} {size:9} {our_best:12.1} {their_best:12.1} {:6.2}", our_best / their_best);
}

fn main() {
    let largest = SIZES[SIZES.len() - 1];
    let mut a = vec![1_u8; largest + 8192];
    let mut b = vec![1_u8; largest + 8192];
    // At the start of a page, so that rounds on other machines compare.
    let (a_start, b_start) = (a.as_ptr().align_offset(4096), b.as_ptr().align_offset(4096));
    let (a, b) = (a[a_start..].as_mut_ptr(), b[b_start..].as_mut_ptr());
    let memcpy = black_box::<[Copy; 2]>([gowasmer_image_mem::memcpy, theirs::memcpy]);
    let memmove = black_box::<[Copy; 2]>([gowasmer_image_mem::memmove, theirs::memmove]);
    let memset = black_box::<[Fill; 2]>([gowasmer_image_mem::memset, theirs::memset]);
    let memcmp = black_box::<[Compare; 2]>([gowasmer_image_mem::memcmp, theirs::memcmp]);

    println!("{:24} {:>9} {:>12} {:>12} {:>6}", "", "bytes", "ours, ns", "libc, ns", "ratio");
    // What `to` and `from` are away from the start of a page: apart by no multiple of 4 KiB, alike
    // in it, and closely above.
    for (name, to, from) in [("memcpy", 0, 2048), ("memcpy, unaligned", 1027, 2055), ("memcpy, alike", 64, 0)] {
        for size in SIZES {
            let call = |f: Copy| {
                move |_| {
                    // SAFETY: both buffers have room for the largest size and a page beyond it.
                    unsafe { f(a.add(to), b.add(from), size) };
                }
            };
            compare(name, size, &mut call(memcpy[0]), &mut call(memcpy[1]));
        }
    }
    for (name, to, from) in
        [("memmove, up by 100", 100, 0), ("memmove, down by 100", 0, 100), ("memmove, down by 8", 0, 8)]
    {
        for size in SIZES {
            let call = |f: Copy| {
                move |_| {
                    // SAFETY: the buffer has room for the largest size and a page beyond it.
                    unsafe { f(a.add(to), a.add(from), size) };
                }
            };
            compare(name, size, &mut call(memmove[0]), &mut call(memmove[1]));
        }
    }
    for (name, to) in [("memset", 0), ("memset, unaligned", 1027)] {
        for size in SIZES {
            let call = |f: Fill| {
                move |_| {
                    // SAFETY: the buffer has room for the largest size and a page beyond it.
                    unsafe { f(a.add(to), 1, size) };
                }
            };
            compare(name, size, &mut call(memset[0]), &mut call(memset[1]));
        }
    }
    // SAFETY: the buffers have the room.
    unsafe {
        memset[0](a, 1, largest);
        memset[0](b, 1, largest + 4096);
    }
    for size in SIZES {
        let call = |f: Compare| {
            move |_| {
                // SAFETY: the buffers have room for the largest size and a page beyond it.
                black_box(unsafe { f(a, b.add(2048), size) });
            }
        };
        compare("memcmp", size, &mut call(memcmp[0]), &mut call(memcmp[1]));
    }
    // Sizes that vary from call to call, as branch prediction finds them in practice.
    let mut state = 1_u64;
    let sizes: Vec<usize> = (0..4096)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % 200
        })
        .collect();
    let call = |f: Copy| {
        let sizes = sizes.clone();
        move |i: usize| {
            // SAFETY: the sizes are below 200.
            unsafe { f(a, b, sizes[i % 4096]) };
        }
    };
    compare("memcpy, 0 to 199", 100, &mut call(memcpy[0]), &mut call(memcpy[1]));
}

/// libc's functions under the types that ours have.
mod theirs {
    unsafe extern "C" {
        pub fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8;
        pub fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8;
        pub fn memset(to: *mut u8, value: i32, length: usize) -> *mut u8;
        pub fn memcmp(a: *const u8, b: *const u8, length: usize) -> i32;
    }
}
