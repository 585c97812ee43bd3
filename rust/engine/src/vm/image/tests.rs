use super::*;
use alloc::vec;

/// A mapping of zeros with an image in it.
fn mapped(length: usize, image: Option<&MemoryImage>) -> usize {
    let base = pages::map_for_a_moment(length).unwrap();
    if let Some(image) = image {
        // SAFETY: just mapped.
        unsafe { image.map(base).unwrap() };
    }
    base
}

fn bytes(base: usize, length: usize) -> &'static mut [u8] {
    // SAFETY: the tests map this, use it through one slice at a time, and never unmap it.
    unsafe { core::slice::from_raw_parts_mut(base as *mut u8, length) }
}

#[test]
fn pages_are_what_they_were() {
    assert!(*SCANS || os::own_pages(0, HOST_PAGE, &mut []).is_err(), "the system tells, and is not believed");
    const PAGES: usize = 600;
    let length = PAGES * HOST_PAGE;
    let pieces: [(u64, &[u8]); 2] = [(3 * HOST_PAGE as u64 + 5, b"first"), (300 * HOST_PAGE as u64 - 2, b"second")];
    let image = MemoryImage::new(length as u64, &pieces, true).unwrap();
    let mut initial = vec![0_u8; length];
    for (offset, piece) in pieces {
        initial[offset as usize..][..piece.len()].copy_from_slice(piece);
    }
    for image in [Some(&*image), None] {
        let base = mapped(length, image);
        if image.is_none() {
            initial.fill(0);
        }
        // Few pages, every other one (more ranges than a scan gives), more bytes than are kept.
        for step in [97, 2, 1] {
            assert!(bytes(base, length) == &initial[..], "step {step}");
            for page in (0..PAGES).step_by(step) {
                bytes(base, length)[page * HOST_PAGE..][..HOST_PAGE].fill(0xa5);
            }
            // SAFETY: mapped above, and used by nobody.
            unsafe { restore(base, length, image).unwrap() };
        }
        assert!(bytes(base, length) == &initial[..]);
    }
}

#[test]
fn only_pages_with_data_are_in_an_image() {
    let gibibyte = 1_u64 << 30;
    let end = MemoryImage::new(gibibyte, &[(gibibyte - 1, b"x")], false).unwrap();
    assert_eq!(end.range, (gibibyte as usize - HOST_PAGE)..gibibyte as usize);
    assert!(MemoryImage::new(gibibyte, &[(0, b"x"), (gibibyte - 1, b"y")], false).is_none());
    assert!(MemoryImage::new(gibibyte, &[], false).is_none());
    assert!(MemoryImage::new(7, &[(0, b"x")], false).is_none(), "not whole pages");
    // The later piece covers the earlier one.
    let both = MemoryImage::new(HOST_PAGE as u64, &[(0, b"abc"), (1, b"x")], false).unwrap();
    assert!(both.bytes().1.starts_with(b"axc\0"));
}

#[test]
fn images_cannot_be_changed() {
    let image = MemoryImage::new(HOST_PAGE as u64, &[(0, b"abc")], false).unwrap();
    assert!(os::write_file(image.file.0, b"x", 0).is_err());
    let base = mapped(HOST_PAGE, Some(&image));
    bytes(base, HOST_PAGE)[0] = b'z';
    assert!(image.bytes().1.starts_with(b"abc"));
}
