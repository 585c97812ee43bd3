//! The target that is compiled for: this host, with all that its CPU can do, and the code
//! generator's flags.

#[cfg_attr(target_arch = "x86_64", path = "isa/cpu_x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "isa/cpu_aarch64.rs")]
mod cpu;
pub mod hwcap;
pub mod near_call;
pub mod veneer;

use crate::error::{Error, ErrorKind, Result};
use crate::options::{CompileOptions, OptLevel};
use crate::prelude::*;
use crate::sync::OnceLock;
use cranelift_codegen::isa::{self, OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable};

/// The target of the code generator.
const TARGET: &str =
    if cfg!(target_arch = "aarch64") { "aarch64-unknown-linux-gnu" } else { "x86_64-unknown-linux-gnu" };

/// What this engine runs on. The image's code for aarch64 does not use x28, on which its safety
/// rests; that of the hosted form does.
pub const HOST: &str = match (cfg!(target_arch = "aarch64"), cfg!(feature = "hosted")) {
    (true, false) => "aarch64-linux",
    (true, true) => "aarch64-linux-hosted",
    (false, _) => "x86_64-linux",
};

/// What lies where no code is: no instruction, `int3` on x86-64, `udf` on aarch64.
pub const FILLER: u8 = if cfg!(target_arch = "x86_64") { 0xcc } else { 0 };

/// Where instructions can be.
pub const INSTRUCTION_ALIGNMENT: u32 = if cfg!(target_arch = "aarch64") { 4 } else { 1 };

/// Every stack probe touches this many bytes further (log2 of 32 KiB).
///
/// A frame smaller than this is not probed: it begins with a touched word (the return address, then
/// the frame pointer) and the next one touched may lie a whole frame, a call's return address and a
/// resized argument area lower. With 32 KiB that stays inside of a guard of 64 KiB; guards must not
/// be smaller.
const PROBE_SIZE_LOG2: &str = "15";

/// Flags that hold for all modules. Verifying costs about a tenth of the compile time and finds
/// only bugs of our translation.
const FLAGS: &[(&str, &str)] = &[
    ("enable_verifier", if cfg!(any(debug_assertions, test)) { "true" } else { "false" }),
    // Backtraces follow frame pointers.
    ("preserve_frame_pointers", "true"),
    ("unwind_info", "false"),
    // Calls between functions are near: one arena of at most 2 GiB holds all code.
    ("is_pic", "false"),
    ("use_colocated_libcalls", "false"),
    // The stack's end is found by its guard alone.
    ("enable_probestack", "true"),
    ("probestack_strategy", "inline"),
    ("probestack_size_log2", PROBE_SIZE_LOG2),
    ("enable_heap_access_spectre_mitigation", "true"),
    ("enable_table_access_spectre_mitigation", "true"),
    // Results that do not fit the registers of the convention go to an area that the caller passes.
    ("enable_multi_ret_implicit_sret", "true"),
];

/// Flags of fast code.
const SPEED: &[(&str, &str)] = &[
    ("opt_level", "speed"),
    // `placement` wants to know where blocks begin and where they lead. What finds that out takes
    // the square of their number.
    ("machine_code_cfg_info", "true"),
];

/// Flags of code that is made quickly.
const QUICK: &[(&str, &str)] = &[("opt_level", "none"), ("regalloc_algorithm", "single_pass")];

/// The host's target in the variants that functions of one module need.
#[derive(Clone, Copy)]
pub struct Targets {
    /// For fast code.
    pub speed: &'static dyn TargetIsa,
    /// For code that is made quickly. Each value that lives across a call or the end of a block
    /// gets a place in the frame to itself, so that a function should be translated with few of
    /// them.
    pub quick: &'static dyn TargetIsa,
}

impl Targets {
    /// The variant for functions that are compiled at a level.
    #[must_use]
    pub fn at(&self, level: OptLevel) -> &'static dyn TargetIsa {
        match level {
            OptLevel::Speed => self.speed,
            OptLevel::None => self.quick,
        }
    }
}

/// The host's target without NaN canonicalisation, for fast code.
///
/// # Errors
/// Kind `Compile` where the host's architecture or CPU is not supported.
pub fn isa() -> Result<&'static OwnedTargetIsa> {
    variants(CompileOptions::default()).map(|[speed, _]| speed)
}

/// The host's target for some options.
///
/// # Errors
/// As [`isa`].
pub fn targets_for(options: CompileOptions) -> Result<Targets> {
    let [speed, quick] = variants(options)?;
    Ok(Targets { speed: &**speed, quick: &**quick })
}

/// As [`Targets`], in the order of its fields.
fn variants(options: CompileOptions) -> Result<&'static [OwnedTargetIsa; 2]> {
    static PLAIN: OnceLock<[OwnedTargetIsa; 2]> = OnceLock::new();
    static CANONICAL: OnceLock<[OwnedTargetIsa; 2]> = OnceLock::new();
    let cell = if options.canonicalize_nans { &CANONICAL } else { &PLAIN };
    let build = |flags| build(options.canonicalize_nans, flags);
    cell.get_or_try_init(|| Ok([build(SPEED)?, build(QUICK)?]))
}

/// The CPU features that compiled code may use, as `name,name,...` in a fixed order: code made with
/// one list runs on a host that has the same list.
#[must_use]
pub fn cpu_features() -> String {
    let Ok(isa) = isa() else { return "unsupported".into() };
    let mut names: Vec<_> = isa
        .isa_flags()
        .iter()
        .filter(|value| value.as_bool() == Some(true))
        .map(|value| value.name.trim_start_matches("has_"))
        .collect();
    names.sort_unstable();
    names.join(",")
}

fn build(canonicalize_nans: bool, variant: &[(&str, &str)]) -> Result<OwnedTargetIsa> {
    let refuse = |message: String| Error::new(ErrorKind::Compile, message);
    let unsupported = |reason: String| refuse(format!("cannot compile for this host ({HOST}): {reason}"));
    let mut builder = isa::lookup_by_name(TARGET).map_err(|e| unsupported(e.to_string()))?;
    for feature in cpu::features() {
        builder.enable(feature).map_err(|e| unsupported(format!("feature {feature}: {e}")))?;
    }
    let mut flags = settings::builder();
    let nans = [("enable_nan_canonicalization", if canonicalize_nans { "true" } else { "false" })];
    for (name, value) in FLAGS.iter().chain(variant).chain(&nans) {
        flags.set(name, value).map_err(|e| refuse(format!("code generator flag {name}={value}: {e}")))?;
    }
    let isa = builder.finish(settings::Flags::new(flags)).map_err(|e| unsupported(e.to_string()))?;
    check_cpu(&isa.isa_flags())?;
    Ok(isa)
}

/// Refuses CPUs for which the code generator would call library functions: compiled code holds no
/// relocation but to itself.
fn check_cpu(flags: &[settings::Value]) -> Result<()> {
    if !cfg!(target_arch = "x86_64") {
        return Ok(());
    }
    let has = |name| flags.iter().any(|flag| flag.name == name && flag.as_bool() == Some(true));
    for (flag, feature) in [("has_ssse3", "SSSE3"), ("has_sse41", "SSE4.1")] {
        if !has(flag) {
            return Err(Error::new(
                ErrorKind::Compile,
                format!("this CPU lacks {feature}: expected an x86-64 CPU with SSE4.1 (any made since 2008)"),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_as_designed() {
        let isa = isa().unwrap();
        let flags = isa.flags();
        assert!(flags.preserve_frame_pointers() && flags.enable_probestack() && !flags.unwind_info());
        assert!(!flags.is_pic() && !flags.enable_nan_canonicalization());
        let canonical = targets_for(CompileOptions { canonicalize_nans: true, ..Default::default() }).unwrap();
        let plain = targets_for(CompileOptions::default()).unwrap();
        for (at, variant) in [&canonical.speed, &canonical.quick].iter().enumerate() {
            let flags = variant.flags();
            assert!(flags.enable_nan_canonicalization() && flags.preserve_frame_pointers());
            assert_eq!(flags.machine_code_cfg_info(), at == 0);
        }
        assert!(std::ptr::addr_eq(&raw const **isa, plain.at(OptLevel::Speed)), "cached");
        assert!(std::ptr::addr_eq(plain.at(OptLevel::None), plain.quick));
    }

    #[test]
    fn features_are_stable_and_readable() {
        let features = cpu_features();
        assert_eq!(features, cpu_features());
        assert!(features.bytes().all(|b| b.is_ascii_alphanumeric() || b",_".contains(&b)), "{features}");
        #[cfg(target_arch = "x86_64")]
        assert!(features.split(',').any(|f| f == "sse41"), "{features}");
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn old_cpus_are_refused_by_name() {
        let old = isa::lookup_by_name("x86_64-unknown-linux-gnu")
            .unwrap()
            .finish(settings::Flags::new(settings::builder()))
            .unwrap();
        let error = check_cpu(&old.isa_flags()).unwrap_err();
        assert!(error.message().contains("SSE4.1"), "{error}");
    }
}
