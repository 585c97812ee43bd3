//! The end of a function that panics: what it says goes to the head of its stack, and the stack is
//! left for good.

use core::fmt::{self, Write as _};
use core::panic::PanicInfo;
use gowasmer::abi::head::TEXT_SIZE;
use gowasmer::os::own;

/// A text of limited length; what does not fit is left out.
struct Text {
    bytes: [u8; TEXT_SIZE],
    length: usize,
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.len() - self.length;
        let mut end = text.len().min(room);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.bytes[self.length..self.length + end].copy_from_slice(&text.as_bytes()[..end]);
        self.length += end;
        Ok(())
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let mut text = Text { bytes: [0; TEXT_SIZE], length: 0 };
    let _ = write!(text, "{}", info.message());
    if let Some(place) = info.location() {
        let _ = write!(text, " ({}:{})", place.file(), place.line());
    }
    own::die(&text.bytes[..text.length])
}

/// What unwinding would begin with; nothing unwinds here. Code that was compiled for unwinding
/// names it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// What it would go on with, for code of `alloc` that was compiled for unwinding.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    own::die(b"something unwinds in the image")
}
