#![allow(unsafe_code)] // reads which registers the system saves
//! What an x86-64 processor can do, by CPUID (Intel's manual, volume 2A, "CPUID").
//!
//! Features of the vector units count only where the system saves their registers, which XGETBV
//! tells.

use core::arch::asm;
use core::arch::x86_64::{__cpuid, __cpuid_count};

/// Leaves of CPUID whose registers have features, and what XGETBV returns.
#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    one_ecx: u32,
    seven_ebx: u32,
    seven_ecx: u32,
    seven_one_eax: u32,
    extended_ecx: u32,
    xcr0: u64,
}

/// Bits of XCR0: the registers of SSE and AVX, and those of AVX-512.
const AVX_STATE: u64 = 0x06;
const AVX512_STATE: u64 = 0xe0;
/// Leaf 1, ECX: the system has switched XGETBV on.
const OSXSAVE: u32 = 27;
const AVX: u32 = 28;

/// The flags of the code generator that hold for this processor.
pub(super) fn features() -> impl Iterator<Item = &'static str> {
    let answers = ask();
    flags(answers).into_iter().filter(|(_, holds)| *holds).map(|(name, _)| name)
}

fn ask() -> Answers {
    let highest = __cpuid(0).eax;
    let one = __cpuid(1);
    let mut answers = Answers { one_ecx: one.ecx, ..Answers::default() };
    if highest >= 7 {
        let seven = __cpuid_count(7, 0);
        (answers.seven_ebx, answers.seven_ecx) = (seven.ebx, seven.ecx);
        if seven.eax >= 1 {
            answers.seven_one_eax = __cpuid_count(7, 1).eax;
        }
    }
    if __cpuid(0x8000_0000).eax >= 0x8000_0001 {
        answers.extended_ecx = __cpuid(0x8000_0001).ecx;
    }
    if bit(one.ecx, OSXSAVE) {
        let (low, high): (u32, u32);
        // SAFETY: OSXSAVE says that the instruction exists; it reads a register of the processor.
        unsafe { asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") high, options(nomem, nostack)) };
        answers.xcr0 = u64::from(high) << 32 | u64::from(low);
    }
    answers
}

const fn bit(word: u32, bit: u32) -> bool {
    word >> bit & 1 != 0
}

/// The code generator's flags, and whether they hold.
fn flags(of: Answers) -> [(&'static str, bool); 19] {
    let avx = bit(of.one_ecx, AVX) && of.xcr0 & AVX_STATE == AVX_STATE;
    let avx512 = avx && of.xcr0 & AVX512_STATE == AVX512_STATE;
    [
        ("has_sse3", bit(of.one_ecx, 0)),
        ("has_ssse3", bit(of.one_ecx, 9)),
        ("has_cmpxchg16b", bit(of.one_ecx, 13)),
        ("has_sse41", bit(of.one_ecx, 19)),
        ("has_sse42", bit(of.one_ecx, 20)),
        ("has_popcnt", bit(of.one_ecx, 23)),
        ("has_fma", avx && bit(of.one_ecx, 12)),
        ("has_avx", avx),
        ("has_bmi1", bit(of.seven_ebx, 3)),
        ("has_avx2", avx && bit(of.seven_ebx, 5)),
        ("has_bmi2", bit(of.seven_ebx, 8)),
        ("has_avx512f", avx512 && bit(of.seven_ebx, 16)),
        ("has_avx512dq", avx512 && bit(of.seven_ebx, 17)),
        ("has_avx512vl", avx512 && bit(of.seven_ebx, 31)),
        ("has_avx512vbmi", avx512 && bit(of.seven_ecx, 1)),
        ("has_avx512vnni", avx512 && bit(of.seven_ecx, 11)),
        ("has_avx512bitalg", avx512 && bit(of.seven_ecx, 12)),
        ("has_avx_vnni", avx && bit(of.seven_one_eax, 4)),
        ("has_lzcnt", bit(of.extended_ecx, 5)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;
    use cranelift_codegen::settings::Configurable;

    fn holding(answers: Answers) -> Vec<&'static str> {
        flags(answers).into_iter().filter(|(_, holds)| *holds).map(|(name, _)| name).collect()
    }

    #[test]
    fn vectors_count_only_where_their_registers_are_saved() {
        let all = u32::MAX;
        let processor =
            Answers { one_ecx: all, seven_ebx: all, seven_ecx: all, seven_one_eax: all, extended_ecx: all, xcr0: 0 };
        assert!(holding(Answers::default()).is_empty());
        assert!(holding(processor).iter().all(|name| !name.contains("avx") && *name != "has_fma"));
        let avx = holding(Answers { xcr0: AVX_STATE, ..processor });
        assert!(avx.contains(&"has_avx2") && avx.contains(&"has_fma") && !avx.iter().any(|name| name.contains("512")));
        assert_eq!(holding(Answers { xcr0: AVX_STATE | AVX512_STATE, ..processor }).len(), flags(processor).len());
        assert!(!holding(Answers { xcr0: AVX512_STATE, ..processor }).contains(&"has_avx512f"));
    }

    #[test]
    fn the_code_generator_knows_each_flag() {
        let mut target = cranelift_codegen::isa::lookup_by_name(super::super::TARGET).unwrap();
        for (flag, _) in flags(Answers::default()) {
            target.enable(flag).unwrap();
        }
    }

    #[test]
    fn the_standard_library_finds_the_same() {
        let found: Vec<_> = features().collect();
        macro_rules! same {
            ($($name:tt)*) => { $(assert_eq!(
                found.contains(&concat!("has_", $name)), std::arch::is_x86_feature_detected!($name), $name
            );)* };
        }
        same!("sse3" "ssse3" "popcnt" "fma" "avx" "avx2" "bmi1" "bmi2" "avx512f" "avx512dq" "avx512vl" "lzcnt");
        assert_eq!(found.contains(&"has_sse41"), std::arch::is_x86_feature_detected!("sse4.1"));
        assert_eq!(found.contains(&"has_sse42"), std::arch::is_x86_feature_detected!("sse4.2"));
    }
}
