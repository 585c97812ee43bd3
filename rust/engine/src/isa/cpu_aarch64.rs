//! What an aarch64 processor can do, by what the kernel says.

use super::hwcap::features_of_hwcap;

/// The flags of the code generator that hold for this processor.
pub(super) fn features() -> impl Iterator<Item = &'static str> {
    let (first, second) = crate::os::hardware_capabilities();
    features_of_hwcap(first, second)
}
