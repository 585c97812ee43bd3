//! Golden files: what each family of operators becomes in CLIF. `testdata/clif/NAME.wat` is
//! translated and compared with `NAME.clif` beside it; `BLESS=1 cargo test --release --test clif`
//! writes them anew, and the diff belongs to the change.
//!
//! A line `;;! explicit bounds` at the head of a file chooses that mode, `;;! not optimised` that
//! level. All functions pass
//! Cranelift's verifier, as they are and after its optimiser.

use cranelift_codegen::ir::{Function, Opcode};
use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, verify_function};
use gowasmer::abi::vmctx::VmctxLayout;
use gowasmer::error::{Error, ErrorKind};
use gowasmer::options::{BoundsMode, CompileOptions, OptLevel};
use gowasmer::translate::{Candidates, Environment, Translator};
use std::path::{Path, PathBuf};
use wasmparser::FuncValidatorAllocations;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/clif")
}

fn isa() -> OwnedTargetIsa {
    let mut flags = settings::builder();
    flags.set("opt_level", "speed").unwrap();
    isa::lookup_by_name("x86_64-unknown-linux-gnu").unwrap().finish(settings::Flags::new(flags)).unwrap()
}

/// What [`translate_at`] says of a function that is too complex for a level.
const TOO_COMPLEX: &str = "too complex for this level";

/// Translates every function of a module; each passes the verifier before and after optimisation.
fn translate(isa: &OwnedTargetIsa, wasm: &[u8], bounds: BoundsMode) -> gowasmer::error::Result<Vec<Function>> {
    translate_at(OptLevel::Speed, isa, wasm, bounds)
}

fn translate_at(
    level: OptLevel,
    isa: &OwnedTargetIsa,
    wasm: &[u8],
    bounds: BoundsMode,
) -> gowasmer::error::Result<Vec<Function>> {
    let parsed = gowasmer::wasm::parse(wasm)?;
    let layout = VmctxLayout::new(&parsed.info);
    let options = CompileOptions { bounds, ..CompileOptions::default() };
    let candidates = Candidates::new(parsed.bodies.len());
    let (frontend, bodies) = (isa.frontend_config(), &parsed.bodies[..]);
    let env = Environment {
        info: &parsed.info,
        layout: &layout,
        options,
        frontend,
        bodies,
        candidates: &candidates,
        validated: false,
    };
    let mut translator = Translator::new();
    let mut allocations = FuncValidatorAllocations::default();
    let mut functions = Vec::new();
    for index in (parsed.info.imported_functions..).take(parsed.bodies.len()) {
        let mut function = Function::new();
        allocations = translator
            .translate(&env, index, level, &mut function, allocations)?
            .ok_or_else(|| Error::new(ErrorKind::Compile, TOO_COMPLEX))?;
        if let Err(errors) = verify_function(&function, isa.as_ref()) {
            panic!("function {index} is refused by the verifier:\n{errors}\n{function}");
        }
        let mut context = Context::for_function(function.clone());
        context.optimize(isa.as_ref(), &mut Default::default()).unwrap();
        context.verify(isa.as_ref()).unwrap();
        functions.push(function);
    }
    Ok(functions)
}

fn translate_text(text: &str) -> Vec<Function> {
    let bounds = if text.contains(";;! explicit bounds") { BoundsMode::Explicit } else { BoundsMode::Guarded };
    let level = if text.contains(";;! not optimised") { OptLevel::None } else { OptLevel::Speed };
    translate_at(level, &isa(), &wat::parse_str(text).unwrap(), bounds).unwrap()
}

fn golden(name: &str) -> (String, Vec<Function>) {
    let text = std::fs::read_to_string(directory().join(name).with_extension("wat")).unwrap();
    (text.clone(), translate_text(&text))
}

fn opcodes(function: &Function) -> Vec<Opcode> {
    let blocks = function.layout.blocks();
    blocks.flat_map(|block| function.layout.block_insts(block)).map(|inst| function.dfg.insts[inst].opcode()).collect()
}

#[test]
fn golden_files() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut names: Vec<String> = std::fs::read_dir(directory())
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".wat")?.to_owned()))
        .collect();
    names.sort();
    assert!(names.len() >= 11, "expected a file for each family, found {names:?}");
    let mut wrong = Vec::new();
    for name in &names {
        let functions = golden(name).1;
        let got = functions.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let path = directory().join(name).with_extension("clif");
        if bless {
            std::fs::write(&path, &got).unwrap();
        } else if std::fs::read_to_string(&path).ok().as_ref() != Some(&got) {
            wrong.push(format!("{name}.clif is missing or differs; the translation is now:\n{got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Which calls are left of those in `inline.wat`.
#[test]
fn small_functions_are_inlined() {
    let calls = |function: &Function| opcodes(function).iter().filter(|opcode| opcode.is_call()).count();
    let left: Vec<_> = golden("inline").1.iter().map(calls).collect();
    assert_eq!(left, [0, 0, 0, 0, 0, 1, 0, 0, 3, 0, 0]);
}

/// The promise of the design: no bounds check, no stack check, no interrupt check.
#[test]
fn guarded_memory_needs_no_checks() {
    let (text, functions) = golden("memory_guarded");
    let checked = functions.last().expect("the file has functions");
    assert!(text.contains("$beyond_the_guard"), "the last function is the one that needs a check");
    assert!(opcodes(checked).contains(&Opcode::SelectSpectreGuard));
    for function in &functions[..functions.len() - 1] {
        let loop_ = function.layout.blocks().count() > 1;
        for opcode in opcodes(function) {
            let check = opcode == Opcode::SelectSpectreGuard || opcode.can_trap() || opcode.is_call();
            assert!(!check, "unexpected {opcode} in\n{function}");
            let branch = matches!(opcode, Opcode::Icmp | Opcode::Brif);
            assert!(loop_ || !branch, "unexpected {opcode} in\n{function}");
        }
    }
}

/// The same for vectors: whole ones, lanes, and lanes that are extended.
#[test]
fn vectors_in_guarded_memory_need_no_checks() {
    for function in golden("simd_memory").1 {
        for opcode in opcodes(&function) {
            let check = opcode.can_trap() || opcode.is_call() || opcode.is_branch();
            assert!(!check && !matches!(opcode, Opcode::SelectSpectreGuard | Opcode::Icmp), "{opcode} in\n{function}");
        }
    }
}

#[test]
fn explicit_bounds_check_every_access() {
    let files = ["memory_explicit", "simd_memory_explicit"];
    for function in files.into_iter().flat_map(|name| golden(name).1) {
        let opcodes = opcodes(&function);
        let guards = opcodes.iter().filter(|opcode| **opcode == Opcode::SelectSpectreGuard).count();
        assert!(guards > 0 || opcodes.contains(&Opcode::Trap) || opcodes.contains(&Opcode::Call), "{function}");
    }
}

#[test]
fn nesting_needs_no_recursion() {
    let depth = 100_000;
    let blocks = format!(
        "(module (func (param i32) (result i32) {} {} local.get 0))",
        "block ".repeat(depth),
        "end ".repeat(depth)
    );
    let loops = format!("(module (func {} {}))", "loop ".repeat(depth), "end ".repeat(depth));
    let ifs = format!("(module (func (param i32) {} {}))", "local.get 0 if ".repeat(depth), "end ".repeat(depth));
    for text in [blocks, loops, ifs] {
        let wasm = std::thread::Builder::new()
            .stack_size(1 << 30) // for the text parser, which is recursive
            .spawn(move || wat::parse_str(text).unwrap())
            .unwrap()
            .join()
            .unwrap();
        let parsed = gowasmer::wasm::parse(&wasm).unwrap();
        let layout = VmctxLayout::new(&parsed.info);
        let frontend = isa().frontend_config();
        let (options, candidates) = (CompileOptions::default(), Candidates::new(parsed.bodies.len()));
        let bodies = &parsed.bodies[..];
        let env = Environment {
            info: &parsed.info,
            layout: &layout,
            options,
            frontend,
            bodies,
            candidates: &candidates,
            validated: false,
        };
        Translator::new()
            .translate(&env, 0, OptLevel::Speed, &mut Function::new(), FuncValidatorAllocations::default())
            .unwrap();
    }
}

#[test]
fn locals_that_are_too_many_for_ssa_form_live_in_the_frame() {
    // 20,000 locals, each used, and 2,000 branches.
    let locals = "i32 ".repeat(20_000);
    let uses: String = (0..20_000).map(|i| format!("local.get {i} drop ")).collect();
    let ifs = "local.get 0 if end ".repeat(2_000);
    let wasm = wat::parse_str(format!("(module (func (local {locals}) {uses} {ifs}))")).unwrap();
    let at = |level| translate_at(level, &isa(), &wasm, BoundsMode::Guarded);
    assert!(at(OptLevel::Speed).is_err_and(|error| error.message() == TOO_COMPLEX));
    let functions = at(OptLevel::None).unwrap();
    let sizes: Vec<_> = functions[0].sized_stack_slots.values().map(|slot| slot.size).collect();
    assert_eq!(sizes, [8 + 8 * 20_000, 16], "the vmctx and the locals; a value on the stack");
}

#[test]
fn branches_that_pass_too_many_values_are_an_error() {
    // Each branch moves 1,000 values down by one.
    let results = "i32 ".repeat(1_000);
    let pushes = "local.get 0 ".repeat(1_001);
    let branches = "local.get 0 br_if 0 ".repeat(10_000);
    let drops = "drop ".repeat(1_000);
    let wasm = wat::parse_str(format!(
        "(module (func (param i32) (block (result {results}) {pushes} {branches} unreachable) {drops}))"
    ))
    .unwrap();
    let error = translate_at(OptLevel::None, &isa(), &wasm, BoundsMode::Guarded).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Compile);
    assert_eq!(
        error.message(),
        "function 0 is too large: its branches pass 8389000 values to blocks, expected at most 8388608"
    );
}

#[test]
fn a_body_that_is_not_valid_is_an_error_with_its_offset() {
    let wasm = wat::parse_str("(module (func (result i32) i64.const 1))").unwrap();
    let error = translate(&isa(), &wasm, BoundsMode::Guarded).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert!(error.message().contains("expected i32, found i64 (at offset 0x"), "{error}");
}
