#![allow(unsafe_code)] // asks for the auxiliary vector
//! What an aarch64 processor can do, by what the kernel says.

use super::hwcap::features_of_hwcap;

/// The flags of the code generator that hold for this processor.
pub(super) fn features() -> impl Iterator<Item = &'static str> {
    // SAFETY: reads two words of the auxiliary vector, which every process has; 0 where the kernel gives none.
    let (first, second) = unsafe { (libc::getauxval(libc::AT_HWCAP), libc::getauxval(libc::AT_HWCAP2)) };
    features_of_hwcap(first, second)
}
