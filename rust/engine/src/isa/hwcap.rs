//! What the kernel says of an aarch64 processor, and what the code generator makes of it.

/// The flags of the code generator's aarch64 target that hold for a processor, in a fixed order.
/// The arguments are what the kernel passes to every process as AT_HWCAP and AT_HWCAP2 in its
/// auxiliary vector (asm/hwcap.h).
///
/// Pointer authentication is left out, as code made here does not sign addresses.
pub fn features_of_hwcap(hwcap: u64, hwcap2: u64) -> impl Iterator<Item = &'static str> {
    FLAGS
        .iter()
        .filter(move |(_, first, second)| hwcap & first == *first && hwcap2 & second == *second)
        .map(|flag| flag.0)
}

/// A flag, and the bits of either word that it takes.
const FLAGS: [(&str, u64, u64); 4] = [
    // HWCAP_ATOMICS: an atomic operation is one instruction (LSE).
    ("has_lse", 1 << 8, 0),
    // HWCAP_FPHP and HWCAP_ASIMDHP: floats of 16 bits, which also make constants shorter.
    ("has_fp16", 1 << 9 | 1 << 10, 0),
    // HWCAP_ASIMDDP.
    ("has_dotprod", 1 << 20, 0),
    // HWCAP2_I8MM.
    ("has_i8mm", 0, 1 << 13),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    fn features(hwcap: u64, hwcap2: u64) -> String {
        features_of_hwcap(hwcap, hwcap2).fold(String::new(), |all, name| all + name + " ")
    }

    #[test]
    fn processors_have_what_the_kernel_says() {
        assert_eq!(features(0, 0), "");
        assert_eq!(features(u64::MAX, u64::MAX), "has_lse has_fp16 has_dotprod has_i8mm ");
        // What /proc/self/auxv has on a Cortex-A72, a Neoverse N1 and a Neoverse V1.
        assert_eq!(features(0x8ff, 0), "");
        assert_eq!(features(0x119f_fff7, 0), "has_lse has_fp16 has_dotprod ");
        assert_eq!(features(0xdfff_ffff, 0x3_efff), "has_lse has_fp16 has_dotprod has_i8mm ");
        assert_eq!(features(1 << 9, 0), "", "floats of 16 bits in scalars alone do not suffice");
    }

    #[cfg(target_arch = "aarch64")]
    #[test]
    fn the_code_generator_knows_each_flag() {
        use cranelift_codegen::settings::Configurable;
        let mut target = cranelift_codegen::isa::lookup_by_name("aarch64-unknown-linux-gnu").unwrap();
        for (flag, ..) in FLAGS {
            target.enable(flag).unwrap();
        }
    }
}
