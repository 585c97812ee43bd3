//! Where a trap is, when the code generator makes one instruction of a load and of what uses its
//! value, and the two belong to different functions, one or both of them inlined: the frames
//! are those of the load, and the offset is its own.

use crate::guest::{Guest, MODES};
use gowasmer::options::BoundsMode;
use gowasmer::trap::TrapCode;
use std::fmt::Write;

/// Outside of a memory of one page.
const OUTSIDE: u64 = 1 << 20;
/// The static offset of the load that traps; other accesses have none.
const MARK: u64 = 0x7a;

/// What uses a loaded value `L`, perhaps with another one `Y`; the type of the latter, and that of
/// the result.
type Uses = &'static [(&'static str, &'static str, &'static str)];
/// Each load, its type, and what uses its value.
const CASES: &[(&str, &str, Uses)] = &[
    (
        "i32.load",
        "i32",
        &[
            ("(i32.add Y L)", "i32", "i32"),
            ("(i32.add L Y)", "i32", "i32"),
            ("(i32.add L (i32.const 1))", "i32", "i32"),
            ("(i32.sub Y L)", "i32", "i32"),
            ("(i32.sub L Y)", "i32", "i32"),
            ("(i32.sub L (i32.const 1))", "i32", "i32"),
            ("(i32.mul Y L)", "i32", "i32"),
            ("(i32.mul L (i32.const 11))", "i32", "i32"),
            ("(i32.and Y L)", "i32", "i32"),
            ("(i32.and L (i32.const 12))", "i32", "i32"),
            ("(i32.or Y L)", "i32", "i32"),
            ("(i32.xor Y L)", "i32", "i32"),
            ("(i32.xor L (i32.const -1))", "i32", "i32"),
            ("(i32.shl L Y)", "i32", "i32"),
            ("(i32.shl Y L)", "i32", "i32"),
            ("(i32.shr_s L (i32.const 3))", "i32", "i32"),
            ("(i32.shr_u L Y)", "i32", "i32"),
            ("(i32.rotl L (i32.const 3))", "i32", "i32"),
            ("(i32.div_u (i32.const 9) L)", "i32", "i32"),
            ("(i32.div_s L (i32.const 9))", "i32", "i32"),
            ("(i32.rem_s L (i32.const 8))", "i32", "i32"),
            ("(i32.eqz L)", "i32", "i32"),
            ("(i32.eq L Y)", "i32", "i32"),
            ("(i32.eq L (i32.const 5))", "i32", "i32"),
            ("(i32.lt_u Y L)", "i32", "i32"),
            ("(i32.ge_s L (i32.const 0))", "i32", "i32"),
            ("(i32.eqz (i32.and L (i32.const 4)))", "i32", "i32"),
            ("(i32.clz L)", "i32", "i32"),
            ("(i32.ctz L)", "i32", "i32"),
            ("(i32.popcnt L)", "i32", "i32"),
            ("(i32.extend8_s L)", "i32", "i32"),
            ("(i32.extend16_s L)", "i32", "i32"),
            ("(i32.and L (i32.const 255))", "i32", "i32"),
            ("(i64.extend_i32_u L)", "i32", "i64"),
            ("(i64.extend_i32_s L)", "i32", "i64"),
            ("(i64.add (i64.extend_i32_u L) Y)", "i64", "i64"),
            ("(f64.convert_i32_s L)", "i32", "f64"),
            ("(f32.convert_i32_u L)", "i32", "f32"),
            ("(f32.reinterpret_i32 L)", "i32", "f32"),
            ("(select L Y Y)", "i32", "i32"),
            ("(select Y L (i32.const 0))", "i32", "i32"),
            ("(select Y (i32.const 4) L)", "i32", "i32"),
            ("(select Y (i32.const 4) (i32.lt_s L Y))", "i32", "i32"),
            ("(if (result i32) L (then Y) (else (i32.const 3)))", "i32", "i32"),
            ("(if (result i32) (i32.gt_u L (i32.const 8)) (then Y) (else (i32.const 3)))", "i32", "i32"),
            ("(block (result i32) (br_if 0 (i32.const 7) L) drop Y)", "i32", "i32"),
            ("(i32.load L)", "i32", "i32"),
            ("(i32.load (i32.add L Y))", "i32", "i32"),
            ("(i32x4.splat L)", "i32", "v128"),
            ("(i32x4.replace_lane 2 Y L)", "v128", "v128"),
            ("(i32x4.add Y (i32x4.splat L))", "v128", "v128"),
            ("(i16x8.shl Y L)", "v128", "v128"),
        ],
    ),
    (
        "i64.load",
        "i64",
        &[
            ("(i64.add Y L)", "i64", "i64"),
            ("(i64.add L (i64.const 1))", "i64", "i64"),
            ("(i64.sub Y L)", "i64", "i64"),
            ("(i64.sub L Y)", "i64", "i64"),
            ("(i64.mul L Y)", "i64", "i64"),
            ("(i64.and L Y)", "i64", "i64"),
            ("(i64.or L Y)", "i64", "i64"),
            ("(i64.xor Y L)", "i64", "i64"),
            ("(i64.shl L (i64.const 3))", "i64", "i64"),
            ("(i64.shr_u Y L)", "i64", "i64"),
            ("(i64.div_u (i64.const 9) L)", "i64", "i64"),
            ("(i64.eqz L)", "i64", "i32"),
            ("(i64.ne L Y)", "i64", "i32"),
            ("(i64.lt_s L (i64.const 77))", "i64", "i32"),
            ("(i32.wrap_i64 L)", "i64", "i32"),
            ("(i32.add Y (i32.wrap_i64 L))", "i32", "i32"),
            ("(i64.extend32_s L)", "i64", "i64"),
            ("(i64.ctz L)", "i64", "i64"),
            ("(f64.convert_i64_s L)", "i64", "f64"),
            ("(f64.reinterpret_i64 L)", "i64", "f64"),
            ("(i64x2.splat L)", "i64", "v128"),
            ("(i64x2.replace_lane 1 Y L)", "v128", "v128"),
            ("(i32x4.replace_lane 1 Y (i32.wrap_i64 L))", "v128", "v128"),
        ],
    ),
    ("i32.load8_u", "i32", &[("(i32.add Y L)", "i32", "i32"), ("(i8x16.splat L)", "i32", "v128")]),
    ("i32.load8_s", "i32", &[("(i32.eq Y L)", "i32", "i32"), ("(i8x16.replace_lane 3 Y L)", "v128", "v128")]),
    ("i32.load16_u", "i32", &[("(i32.xor Y L)", "i32", "i32"), ("(i16x8.splat L)", "i32", "v128")]),
    ("i64.load32_u", "i64", &[("(i64.add Y L)", "i64", "i64"), ("(i32.wrap_i64 L)", "i64", "i32")]),
    ("i64.load32_s", "i64", &[("(i64.sub Y L)", "i64", "i64")]),
    (
        "f32.load",
        "f32",
        &[
            ("(f32.add Y L)", "f32", "f32"),
            ("(f32.add L Y)", "f32", "f32"),
            ("(f32.sub Y L)", "f32", "f32"),
            ("(f32.mul L Y)", "f32", "f32"),
            ("(f32.div Y L)", "f32", "f32"),
            ("(f32.min Y L)", "f32", "f32"),
            ("(f32.copysign Y L)", "f32", "f32"),
            ("(f32.sqrt L)", "f32", "f32"),
            ("(f32.abs L)", "f32", "f32"),
            ("(f32.floor L)", "f32", "f32"),
            ("(f32.lt Y L)", "f32", "i32"),
            ("(f32.eq L Y)", "f32", "i32"),
            ("(f64.promote_f32 L)", "f32", "f64"),
            ("(i32.trunc_sat_f32_s L)", "f32", "i32"),
            ("(i32.trunc_f32_u L)", "f32", "i32"),
            ("(i32.reinterpret_f32 L)", "f32", "i32"),
            ("(f32x4.splat L)", "f32", "v128"),
            ("(f32x4.replace_lane 1 Y L)", "v128", "v128"),
        ],
    ),
    (
        "f64.load",
        "f64",
        &[
            ("(f64.add Y L)", "f64", "f64"),
            ("(f64.sub L Y)", "f64", "f64"),
            ("(f64.mul Y L)", "f64", "f64"),
            ("(f64.div Y L)", "f64", "f64"),
            ("(f64.max Y L)", "f64", "f64"),
            ("(f64.sqrt L)", "f64", "f64"),
            ("(f64.neg L)", "f64", "f64"),
            ("(f64.nearest L)", "f64", "f64"),
            ("(f64.ge Y L)", "f64", "i32"),
            ("(f32.demote_f64 L)", "f64", "f32"),
            ("(i64.trunc_sat_f64_s L)", "f64", "i64"),
            ("(i64.reinterpret_f64 L)", "f64", "i64"),
            ("(f64x2.splat L)", "f64", "v128"),
            ("(f64x2.replace_lane 0 Y L)", "v128", "v128"),
        ],
    ),
    (
        "v128.load",
        "v128",
        &[
            ("(i32x4.add Y L)", "v128", "v128"),
            ("(i8x16.sub Y L)", "v128", "v128"),
            ("(i16x8.mul L Y)", "v128", "v128"),
            ("(v128.and Y L)", "v128", "v128"),
            ("(v128.xor L Y)", "v128", "v128"),
            ("(v128.not L)", "v128", "v128"),
            ("(v128.andnot L Y)", "v128", "v128"),
            ("(f32x4.mul Y L)", "v128", "v128"),
            ("(f64x2.add Y L)", "v128", "v128"),
            ("(i32x4.eq Y L)", "v128", "v128"),
            ("(i8x16.shuffle 0 17 2 19 4 5 6 7 8 9 10 11 12 13 14 15 Y L)", "v128", "v128"),
            ("(i8x16.swizzle Y L)", "v128", "v128"),
            ("(i32x4.abs L)", "v128", "v128"),
            ("(i16x8.extend_low_i8x16_s L)", "v128", "v128"),
            ("(i32x4.shl L (i32.const 3))", "v128", "v128"),
            ("(i32x4.extract_lane 0 L)", "v128", "i32"),
            ("(f64x2.extract_lane 1 L)", "v128", "f64"),
            ("(v128.any_true L)", "v128", "i32"),
            ("(v128.bitselect Y L Y)", "v128", "v128"),
        ],
    ),
    ("v128.load32_zero", "v128", &[("(i32x4.add Y L)", "v128", "v128")]),
    ("v128.load64_splat", "v128", &[("(i64x2.add Y L)", "v128", "v128")]),
    ("v128.load8x8_u", "v128", &[("(i16x8.add Y L)", "v128", "v128")]),
];

/// The module, and what the frames of a trap in each export must be.
struct Shapes {
    text: String,
    expected: Vec<(&'static str, &'static [&'static str])>,
}

impl Shapes {
    /// A function that is exported, of an index and another value.
    fn export(&mut self, name: &'static str, other: &str, result: &str, body: &str, frames: &'static [&'static str]) {
        writeln!(self.text, "(func ${name} (export \"{name}\") (param i32 {other}) (result {result}) {body})").unwrap();
        self.expected.push((name, frames));
    }

    /// Who has the load, and who uses its value.
    fn new(load: &str, loaded: &str, used: &str, other: &str, result: &str) -> Self {
        let load = format!("({load} offset={MARK} (local.get 0))");
        let of = |l: &str, y: &str| used.replace('L', l).replace('Y', y);
        let plain = of("(local.get 0)", "(local.get 1)");
        let at_once = of(&load, "(local.get 1)");
        let mut text = String::from("(module (memory 1)\n");
        writeln!(text, "(func $get (param i32) (result {loaded}) {load})").unwrap();
        writeln!(text, "(func $get_2 (param i32) (result {loaded}) (call $get (local.get 0)))").unwrap();
        writeln!(text, "(func $use (param {loaded} {other}) (result {result}) {plain})").unwrap();
        let calls_use = "(call $use (local.get 0) (local.get 1))";
        writeln!(text, "(func $use_2 (param {loaded} {other}) (result {result}) {calls_use})").unwrap();
        writeln!(text, "(func $both (param i32 {other}) (result {result}) {at_once})").unwrap();
        let after = match result {
            "v128" => "(v128.not (local.get 0))".to_owned(),
            "i32" | "i64" => format!("({result}.add (local.get 0) ({result}.const 1))"),
            float => format!("({float}.add (local.get 0) (local.get 0))"),
        };
        writeln!(text, "(func $after (param {result}) (result {result}) {after})").unwrap();
        writeln!(text, "(func $store (param i32 {result}) ({result}.store offset={MARK} (local.get 0) (local.get 1)))")
            .unwrap();
        let mut t = Self { text, expected: Vec::new() };
        let mut export = |name, body: String, frames| t.export(name, other, result, &body, frames);

        let got = of("(call $get (local.get 0))", "(local.get 1)");
        export("in_caller", at_once.clone(), &["in_caller"]);
        export("callee_then_caller", got.clone(), &["get", "callee_then_caller"]);
        export("caller_then_callee", format!("(call $use {load} (local.get 1))"), &["caller_then_callee"]);
        export("in_callee", "(call $both (local.get 0) (local.get 1))".into(), &["both", "in_callee"]);
        export("two_callees", "(call $use (call $get (local.get 0)) (local.get 1))".into(), &["get", "two_callees"]);
        let inner = of("(call $get_2 (local.get 0))", "(local.get 1)");
        export("inner_then_caller", inner, &["get", "get_2", "inner_then_caller"]);
        export("caller_then_inner", format!("(call $use_2 {load} (local.get 1))"), &["caller_then_inner"]);
        export("caller_then_after", format!("(call $after {at_once})"), &["caller_then_after"]);
        export("callee_then_after", format!("(call $after {got})"), &["get", "callee_then_after"]);
        // What follows the call, up to the next store, is at hand when the load is placed.
        let stores =
            |value: &str| format!("(call $store (local.get 0) {value}) {plain_zero}", plain_zero = zero(result));
        export("caller_then_store", stores(&at_once), &["caller_then_store"]);
        export("callee_then_store", stores(&got), &["get", "callee_then_store"]);
        export("both_then_store", stores("(call $both (local.get 0) (local.get 1))"), &["both", "both_then_store"]);
        let store = |value: &str| format!("({result}.store offset={MARK} (local.get 0) {value}) {}", zero(result));
        export("callee_then_stored", store(&got), &["get", "callee_then_stored"]);
        export("both_then_stored", store("(call $both (local.get 0) (local.get 1))"), &["both", "both_then_stored"]);
        if result == "i32" {
            let choice = |c: &str| format!("(if (result i32) {c} (then (i32.const 1)) (else (i32.const 2)))");
            export("callee_then_if", choice(&got), &["get", "callee_then_if"]);
            export("both_then_if", choice("(call $both (local.get 0) (local.get 1))"), &["both", "both_then_if"]);
            let used = format!("(call $use {load} (local.get 1))");
            export("caller_then_callee_then_if", choice(&used), &["caller_then_callee_then_if"]);
            let select = format!("(select (i32.const 5) (local.get 0) {got})");
            export("callee_then_select", select, &["get", "callee_then_select"]);
        }
        t.text.push(')');
        t
    }

    /// Runs each export, and says which have not trapped in the load with the frames expected.
    fn wrong(&self, load: &str, bounds: BoundsMode) -> Vec<String> {
        let bytes = wat::parse_str(&self.text).unwrap_or_else(|error| panic!("{error}\n{}", self.text));
        let guest = Guest::new(&self.text, bounds);
        let code = opcode(load);
        let mut wrong = Vec::new();
        for (name, frames) in &self.expected {
            let (trap, found) = guest.run(name, &[OUTSIDE]).expect_err(name);
            assert_eq!(trap, TrapCode::MemoryOutOfBounds, "{name}");
            let names: Vec<_> = found.iter().map(|frame| frame.name.as_deref().unwrap_or_default()).collect();
            let at = found[0].wasm_offset as usize;
            // Opcode, alignment, offset.
            let right = bytes[at..].starts_with(&code) && bytes[at + code.len() + 1] == MARK as u8;
            let calls = found[1..].iter().all(|frame| bytes[frame.wasm_offset as usize] == 0x10);
            if names != *frames || !right || !calls {
                wrong.push(format!("{name}: {names:?} at {:x?}", &bytes[at..at + 3]));
            }
        }
        wrong
    }
}

fn zero(ty: &str) -> String {
    if ty == "v128" { "(v128.const i64x2 0 0)".into() } else { format!("({ty}.const 0)") }
}

/// The bytes that a load begins with: found where it is the first instruction of a module's only
/// function.
fn opcode(load: &str) -> Vec<u8> {
    let bytes =
        wat::parse_str(format!("(module (memory 1) (func ({load} offset={MARK} (i32.const 8)) drop))")).unwrap();
    let start = bytes.windows(2).position(|two| two == [0x41, 8]).unwrap() + 2;
    let length = bytes[start..].iter().position(|byte| *byte == MARK as u8).unwrap() - 1;
    bytes[start..start + length].to_vec()
}

#[test]
fn the_frames_of_a_load_are_its_own_whatever_it_is_merged_with() {
    let (mut count, mut wrong) = (0, Vec::new());
    for (load, loaded, uses) in CASES {
        for (used, other, result) in *uses {
            for bounds in MODES {
                let shapes = Shapes::new(load, loaded, used, other, result);
                count += shapes.expected.len();
                let found = shapes.wrong(load, bounds);
                wrong.extend(found.into_iter().map(|text| format!("{load} {used} {bounds:?} {text}")));
            }
        }
    }
    assert!(count > 3000, "{count} traps");
    assert!(wrong.is_empty(), "{} of {count} traps:\n{}", wrong.len(), wrong.join("\n"));
}

/// The example that was reported: `in` was missing.
#[test]
fn a_callee_whose_load_is_merged_is_named() {
    let text = r#"(module (memory 1)
        (func $in (param i32) (result i32) (i32.load offset=41 (local.get 0)))
        (func $out (export "out") (param i32 i32) (result i32) (i32.xor (local.get 1) (call $in (local.get 0)))))"#;
    for bounds in MODES {
        let (_, frames) = Guest::new(text, bounds).run("out", &[OUTSIDE, 1]).unwrap_err();
        let names: Vec<_> = frames.iter().map(|frame| frame.name.as_deref().unwrap()).collect();
        assert_eq!(names, ["in", "out"]);
    }
}

/// Of more loads than there are numbers for, those that would be blamed on another function come
/// first.
#[test]
fn many_loads_in_one_function() {
    let own = (0..400).map(|i| format!("(local.set 1 (i32.xor (local.get 1) (i32.load offset={i} (local.get 2))))"));
    let inlined = (0..40)
        .map(|i| format!("(local.set 1 (i32.xor (local.get 1) (call $in (i32.add (local.get 0) (i32.const {i})))))"));
    let text = format!(
        r#"(module (memory 1)
            (func $in (param i32) (result i32) (i32.load offset=41 (local.get 0)))
            (func $out (export "out") (param i32 i32 i32) (result i32) {} {} (local.get 1)))"#,
        own.collect::<String>(),
        inlined.collect::<String>(),
    );
    for bounds in MODES {
        let guest = Guest::new(&text, bounds);
        let names = |arguments: &[u64]| {
            let (_, frames) = guest.run("out", arguments).unwrap_err();
            frames.iter().map(|frame| frame.name.clone().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(names(&[OUTSIDE, 0, 0]), ["in", "out"]);
        assert_eq!(names(&[0, 0, OUTSIDE]), ["out"]);
    }
}
