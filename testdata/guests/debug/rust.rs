//! A guest of Rust: namespaces, methods, inlined functions, those of the core library too. Built by Rust 1.95 in this directory:
//!
//!     rustc --edition 2024 --target wasm32-unknown-unknown -O -g -C panic=abort --crate-type cdylib \
//!       --remap-path-prefix "$PWD=/guest/debug" -o rust.wasm rust.rs
#![no_std]

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

mod ledger {
    pub struct Ledger {
        pub entries: [i32; 4],
    }

    impl Ledger {
        #[inline(always)]
        pub fn entry(&self, index: usize) -> i32 {
            check(index);
            self.entries[index & 3]
        }
    }

    #[inline(always)]
    fn check(index: usize) {
        if index > 3 {
            core::arch::wasm32::unreachable() // line 28
        }
    }
}

/// Traps in check, inlined into entry, inlined here, if the index is above 3.
#[unsafe(no_mangle)]
pub extern "C" fn look_up(index: usize) -> i32 {
    let ledger = ledger::Ledger { entries: core::hint::black_box([1, 2, 3, 4]) };
    ledger.entry(index) // line 37
}
