//! Nothing outside the ranges is touched: they stand at both ends of pages between pages without
//! access.

use gowasmer_image_mem::{bcmp, memcmp, memcpy, memmove, memset, strlen};

/// Memory of some bytes between two pages without access.
struct Fenced {
    mapping: *mut u8,
    page: usize,
    length: usize,
}

impl Fenced {
    fn new(pages: usize) -> Self {
        // SAFETY: the call has no conditions.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let length = pages * page;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a mapping anywhere whose middle is made accessible.
        let mapping = unsafe {
            let mapping = libc::mmap(std::ptr::null_mut(), length + 2 * page, libc::PROT_NONE, flags, -1, 0);
            assert_ne!(mapping, libc::MAP_FAILED);
            let middle = mapping.byte_add(page);
            assert_eq!(libc::mprotect(middle, length, libc::PROT_READ | libc::PROT_WRITE), 0);
            mapping.cast()
        };
        Self { mapping, page, length }
    }

    /// The first bytes, and the last.
    fn ends(&self, length: usize) -> [*mut u8; 2] {
        assert!(length <= self.length);
        // SAFETY: both lie within the mapping.
        unsafe { [self.mapping.add(self.page), self.mapping.add(self.page + self.length - length)] }
    }
}

impl Drop for Fenced {
    fn drop(&mut self) {
        // SAFETY: the mapping is this one's.
        unsafe { libc::munmap(self.mapping.cast(), self.length + 2 * self.page) };
    }
}

fn lengths(memory: &Fenced) -> impl Iterator<Item = usize> {
    (0..=300).chain([1000, 2047, 2048, 2049, 3000]).chain([memory.length - 1, memory.length])
}

#[test]
fn copies() {
    let (source, target) = (Fenced::new(2), Fenced::new(2));
    for length in lengths(&source) {
        for from in source.ends(length) {
            for to in target.ends(length) {
                for copy in [memcpy, memmove] {
                    // SAFETY: both ranges lie within their memories.
                    unsafe {
                        for i in 0..length {
                            *from.add(i) = i as u8 ^ (i >> 8) as u8;
                            *to.add(i) = 0xee;
                        }
                        copy(to, from, length);
                        for i in 0..length {
                            assert_eq!(*to.add(i), i as u8 ^ (i >> 8) as u8, "byte {i} of {length}");
                        }
                    }
                }
            }
        }
    }
}

/// Both ranges in one memory: the target at one end, the source as far away as is given.
#[test]
fn moves() {
    let memory = Fenced::new(2);
    for length in lengths(&memory) {
        for by in [0, 1, 2, 15, 16, 17, 64, 100, 2000].into_iter().filter(|by| length + by <= memory.length) {
            // SAFETY: both ranges lie within the memory.
            let pairs = unsafe {
                let (low, high) = (memory.ends(length + by)[0], memory.ends(length + by)[1]);
                [(low, low.add(by)), (low.add(by), low), (high, high.add(by)), (high.add(by), high)]
            };
            for (to, from) in pairs {
                // SAFETY: likewise.
                unsafe {
                    for i in 0..length {
                        *from.add(i) = i as u8 ^ (i >> 8) as u8;
                    }
                    memmove(to, from, length);
                    for i in 0..length {
                        assert_eq!(*to.add(i), i as u8 ^ (i >> 8) as u8, "byte {i} of {length} moved by {by}");
                    }
                }
            }
        }
    }
}

#[test]
fn fills() {
    let memory = Fenced::new(2);
    for length in lengths(&memory) {
        for to in memory.ends(length) {
            // SAFETY: the range lies within the memory.
            unsafe {
                memset(to, length as i32, length);
                for i in 0..length {
                    assert_eq!(*to.add(i), length as u8, "byte {i} of {length}");
                }
            }
        }
    }
}

#[test]
fn comparisons() {
    let (a, b) = (Fenced::new(2), Fenced::new(2));
    for length in lengths(&a) {
        for x in a.ends(length) {
            for y in b.ends(length) {
                // SAFETY: both ranges lie within their memories.
                unsafe {
                    memset(x, 7, length);
                    memset(y, 7, length);
                    assert_eq!((memcmp(x, y, length), bcmp(x, y, length)), (0, 0), "{length} bytes");
                    if length > 0 {
                        *y.add(length - 1) = 8;
                        assert!(memcmp(x, y, length) < 0 && bcmp(x, y, length) != 0, "{length} bytes");
                        *y.add(length - 1) = 7;
                        *y = 6;
                        assert!(memcmp(x, y, length) > 0 && bcmp(x, y, length) != 0, "{length} bytes");
                    }
                }
            }
        }
    }
}

#[test]
fn texts() {
    let memory = Fenced::new(1);
    for length in 0..=300 {
        let [_, text] = memory.ends(length + 1);
        // SAFETY: the text and its zero lie within the memory.
        unsafe {
            memset(text, 1, length);
            *text.add(length) = 0;
            assert_eq!(strlen(text), length);
        }
    }
}
