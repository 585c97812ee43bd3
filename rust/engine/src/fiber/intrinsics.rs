//! Intrinsics: functions of the host that the engine carries out by itself where it can, on the
//! guest's stack. The host provides each of them as an ordinary function and names the intrinsic by
//! its number; what the engine cannot do, it calls that function for.
//!
//! One table: the number, what is needed to check a function that names it, and the builtins that
//! its record points to.

use super::{clock, gw_stub_clock_call, gw_stub_host_call, table};
use crate::abi::Builtins;
use crate::sync::OnceLock;
use crate::types::FuncType;

/// The intrinsics, by the numbers that the host names them by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Intrinsic {
    /// None: the host does everything.
    None = 0,
    /// Reads a clock of the system into the guest's memory. Its datum is the time of the monotonic
    /// clock, in nanoseconds, that is 0 for the guest.
    ClockRead = 1,
}

/// What there is to know about an intrinsic.
struct Entry {
    intrinsic: Intrinsic,
    /// The type that the function must have; none for any.
    ty: Option<fn() -> FuncType>,
    /// What its host calls lead to.
    host_call: unsafe extern "C" fn(),
    builtins: OnceLock<Builtins>,
}

impl Entry {
    const fn new(intrinsic: Intrinsic, ty: Option<fn() -> FuncType>, host_call: unsafe extern "C" fn()) -> Self {
        Self { intrinsic, ty, host_call, builtins: OnceLock::new() }
    }
}

/// By their numbers.
static INTRINSICS: [Entry; 2] = [
    Entry::new(Intrinsic::None, None, gw_stub_host_call),
    Entry::new(Intrinsic::ClockRead, Some(clock::ty), gw_stub_clock_call),
];

impl Intrinsic {
    /// The intrinsic of a number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        INTRINSICS.get(number as usize).map(|entry| entry.intrinsic)
    }

    /// The type that a function must have to name it; none for any.
    #[must_use]
    pub fn ty(self) -> Option<FuncType> {
        INTRINSICS[self as usize].ty.map(|ty| ty())
    }

    /// The table that the record of a function with this intrinsic points to.
    #[must_use]
    pub fn builtins(self) -> *const Builtins {
        let entry = &INTRINSICS[self as usize];
        entry.builtins.get_or_init(|| table(entry.host_call as *const ()))
    }
}
