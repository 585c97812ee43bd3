//! Vectors at the edges: accesses around the end of a memory, lanes at their limits, and every way
//! that a vector can take through the engine.

use gowasmer::abi::vmctx::HostFunction;
use gowasmer::error::ErrorKind;
use gowasmer::options::{BoundsMode, CompileOptions};
use gowasmer::trap::TrapCode;
use gowasmer::types::{FuncType, GlobalType, ValType};
use gowasmer::vm::{self, Extern, FuncHandle, GlobalHandle, Instance, InstanceOptions, Linker, Module, Stop, Store};
use std::convert::Infallible;
use std::fmt::Write as _;

const PAGE: u64 = 65_536;

fn instance_with(text: &str, options: CompileOptions, linker: &Linker) -> Instance {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let module = Module::compile(&bytes, options).unwrap();
    linker.instantiate(&Store::new(), &module, InstanceOptions::default()).unwrap()
}

fn instance(text: &str) -> Instance {
    instance_with(text, CompileOptions::default(), &Linker::new())
}

/// Calls an export; a host function adds 1 to each of its slots.
fn call(instance: &Instance, name: &str, arguments: &[u64]) -> Result<Vec<u64>, TrapCode> {
    let Some(Extern::Func(function)) = instance.export(name) else { panic!("no function {name}") };
    let ty = function.ty();
    assert_eq!(arguments.len(), ty.param_slots(), "{name}");
    let mut slots = arguments.to_vec();
    slots.resize(ty.slots(), 0);
    let mut host = |callee: &HostFunction, slots: &mut [u64]| {
        assert_eq!(slots.len(), callee.params.max(callee.results) as usize);
        for slot in slots.iter_mut() {
            *slot += 1;
        }
        Ok::<(), Infallible>(())
    };
    // SAFETY: the handle keeps the function alive, and the slots are as many as its type has.
    match unsafe { vm::run(function.record(), function.store_pointer(), &mut slots, &mut host) } {
        Ok(()) => {
            slots.truncate(ty.result_slots());
            Ok(slots)
        }
        Err(Stop::Trap { code, .. }) => Err(code),
        Err(stop) => panic!("{name}: {stop:?}"),
    }
}

fn slots_of(value: u128) -> [u64; 2] {
    [value as u64, (value >> 64) as u64]
}

fn vector_of(slots: &[u64]) -> u128 {
    u128::from(slots[1]) << 64 | u128::from(slots[0])
}

/// The vector that loads of lanes are merged into, and that stores take lanes from.
const OLD: u128 = 0xf0e1_d2c3_b4a5_9687_7869_5a4b_3c2d_1e0f;

/// What a load makes of the bytes at its address.
fn loaded(op: &str, bytes: &[u8]) -> u128 {
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0u128, |number, byte| number << 8 | u128::from(*byte));
    let name = op.trim_start_matches("v128.load");
    if let Some((lanes, sign)) = name.split_once('_').filter(|(lanes, _)| lanes.contains('x')) {
        let bits: u32 = lanes.split_once('x').unwrap().0.parse().unwrap();
        let lane = |bytes: &[u8]| {
            let value = number(bytes);
            let negative = sign == "s" && value >> (bits - 1) == 1;
            if negative { value | ((1 << bits) - 1) << bits } else { value }
        };
        let lanes = bytes.chunks((bits / 8) as usize).map(lane);
        return lanes.enumerate().fold(0, |all, (i, lane)| all | lane << (2 * bits as usize * i));
    }
    let (value, bits) = (number(bytes), 8 * bytes.len());
    if name.ends_with("_splat") {
        (0..128 / bits).fold(0, |all, i| all | value << (bits * i))
    } else if name.contains("_lane") {
        let at = 128 - bits;
        OLD & !(((1 << bits) - 1) << at) | value << at
    } else {
        value
    }
}

/// Each load and store of a vector, with every width, at offsets that need a check of their own,
/// around the end of the last page.
#[test]
fn accesses_around_the_end() {
    let mut operations: Vec<(String, u64)> = vec![("v128.load".into(), 16), ("v128.store".into(), 16)];
    for lanes in ["8x8", "16x4", "32x2"] {
        operations.extend(["s", "u"].map(|sign| (format!("v128.load{lanes}_{sign}"), 8)));
    }
    operations.extend([32, 64].map(|bits| (format!("v128.load{bits}_zero"), bits / 8)));
    for bits in [8, 16, 32, 64] {
        operations.push((format!("v128.load{bits}_splat"), bits / 8));
        operations.extend(["load", "store"].map(|kind| (format!("v128.{kind}{bits}_lane"), bits / 8)));
    }
    let offsets = [0, 1 << 31, (1 << 32) - 1];
    let mut text = String::from("(module (memory (export \"m\") 1)\n");
    for (op, width) in &operations {
        for offset in offsets {
            let lane = if op.ends_with("lane") { format!("{}", 16 / width - 1) } else { String::new() };
            let old = if lane.is_empty() && op.contains("load") { "" } else { "(local.get 1)" };
            let result = if op.contains("load") { "(result v128)" } else { "" };
            writeln!(
                text,
                "(func (export \"{op} {offset}\") (param i32 v128) {result} ({op} offset={offset} {lane} (local.get 0) {old}))"
            )
            .unwrap();
        }
    }
    text.push(')');
    let pattern: Vec<u8> = (0..PAGE).map(|i| (i * 37 + 11) as u8).collect();
    for bounds in [BoundsMode::Guarded, BoundsMode::Explicit] {
        let instance = instance_with(&text, CompileOptions { bounds, ..CompileOptions::default() }, &Linker::new());
        let memory = instance.memory(0).unwrap();
        for (op, width) in &operations {
            for offset in offsets {
                let last = PAGE - width;
                let mut indices =
                    vec![0, 1, last - 1, last, last + 1, PAGE - 1, PAGE, PAGE + 1, (1 << 31) - 1, 1 << 31];
                indices.extend([(1 << 32) - 16, (1 << 32) - 1]);
                for index in indices {
                    let case = format!("{bounds:?}: {op} at {index} + {offset}");
                    assert!(memory.write(0, &pattern));
                    let [low, high] = slots_of(OLD);
                    let got = call(&instance, &format!("{op} {offset}"), &[index, low, high]);
                    let (start, end) = ((index + offset) as usize, (index + offset + width) as usize);
                    let mut after = vec![0; PAGE as usize];
                    assert!(memory.read(0, &mut after));
                    let mut expected = pattern.clone();
                    if end as u64 > PAGE {
                        assert_eq!(got, Err(TrapCode::MemoryOutOfBounds), "{case}");
                    } else if op.contains("load") {
                        assert_eq!(vector_of(&got.unwrap()), loaded(op, &pattern[start..end]), "{case}");
                    } else {
                        assert_eq!(got, Ok(vec![]), "{case}");
                        let bytes = OLD.to_le_bytes();
                        expected[start..end].copy_from_slice(&bytes[16 - *width as usize..]);
                    }
                    assert!(after == expected, "{case}: the memory is not as it should be");
                }
            }
        }
    }
}

/// Operators at the limits of their lanes. The operands are parameters, so that nothing is computed
/// ahead of time.
#[test]
fn lanes_at_their_limits() {
    let cases: &[(&str, &str, &str, &str)] = &[
        // Counts are taken modulo the width of a lane.
        (
            "i8x16.shl",
            "i8x16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 -128",
            "i32 9",
            "i8x16 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30 0",
        ),
        (
            "i8x16.shr_s",
            "i8x16 -128 127 0 -1 0 0 0 0 0 0 0 0 0 0 0 -2",
            "i32 0xffffffff",
            "i8x16 -1 0 0 -1 0 0 0 0 0 0 0 0 0 0 0 -1",
        ),
        ("i16x8.shr_u", "i16x8 -1 1 2 3 4 5 6 7", "i32 17", "i16x8 0x7fff 0 1 1 2 2 3 3"),
        ("i32x4.shl", "i32x4 1 2 3 0x80000001", "i32 32", "i32x4 1 2 3 0x80000001"),
        ("i64x2.shr_s", "i64x2 -9223372036854775808 7", "i32 127", "i64x2 -1 0"),
        // Indices of 16 and more give 0.
        (
            "i8x16.swizzle",
            "i8x16 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25",
            "i8x16 15 16 17 31 32 127 -128 -1 0 1 14 100 7 8 9 15",
            "i8x16 25 0 0 0 0 0 0 0 10 11 24 0 17 18 19 25",
        ),
        (
            "i8x16.relaxed_swizzle",
            "i8x16 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25",
            "i8x16 15 16 17 31 32 127 -128 -1 0 1 14 100 7 8 9 15",
            "i8x16 25 0 0 0 0 0 0 0 10 11 24 0 17 18 19 25",
        ),
        (
            "i16x8.q15mulr_sat_s",
            "i16x8 -32768 -32768 32767 1 -1 16384 0 2",
            "i16x8 -32768 32767 32767 16384 16384 1 5 8192",
            "i16x8 32767 -32767 32766 1 0 1 0 1",
        ),
        (
            "i16x8.relaxed_q15mulr_s",
            "i16x8 -32768 -32768 32767 1 -1 16384 0 2",
            "i16x8 -32768 32767 32767 16384 16384 1 5 8192",
            "i16x8 32767 -32767 32766 1 0 1 0 1",
        ),
        (
            "i8x16.avgr_u",
            "i8x16 255 255 0 0 1 2 0 0 0 0 0 0 0 0 0 0",
            "i8x16 255 254 0 1 1 3 0 0 0 0 0 0 0 0 0 0",
            "i8x16 255 255 0 1 1 3 0 0 0 0 0 0 0 0 0 0",
        ),
        ("i16x8.avgr_u", "i16x8 65535 65535 0 0 0 0 0 0", "i16x8 65535 0 1 0 0 0 0 0", "i16x8 65535 32768 1 0 0 0 0 0"),
        (
            "i8x16.narrow_i16x8_s",
            "i16x8 127 128 -128 -129 32767 -32768 0 1",
            "i16x8 -1 255 256 -256 0 0 0 0",
            "i8x16 127 127 -128 -128 127 -128 0 1 -1 127 127 -128 0 0 0 0",
        ),
        (
            "i8x16.narrow_i16x8_u",
            "i16x8 255 256 -1 -32768 32767 0 1 128",
            "i16x8 0 0 0 0 0 0 0 0",
            "i8x16 255 255 0 0 255 0 1 128 0 0 0 0 0 0 0 0",
        ),
        (
            "i16x8.narrow_i32x4_u",
            "i32x4 65535 65536 -1 0x80000000",
            "i32x4 0x7fffffff 0 1 32768",
            "i16x8 65535 65535 0 0 65535 0 1 32768",
        ),
        (
            "i8x16.add_sat_s",
            "i8x16 127 -128 100 -100 0 0 0 0 0 0 0 0 0 0 0 0",
            "i8x16 1 -1 27 -28 0 0 0 0 0 0 0 0 0 0 0 0",
            "i8x16 127 -128 127 -128 0 0 0 0 0 0 0 0 0 0 0 0",
        ),
        ("i16x8.sub_sat_u", "i16x8 0 1 65535 5 0 0 0 0", "i16x8 1 1 65535 6 0 0 0 0", "i16x8 0 0 0 0 0 0 0 0"),
        (
            "i32x4.dot_i16x8_s",
            "i16x8 -32768 -32768 1 2 32767 32767 0 0",
            "i16x8 -32768 -32768 3 4 32767 32767 9 9",
            "i32x4 0x80000000 11 2147352578 0",
        ),
        (
            "i16x8.relaxed_dot_i8x16_i7x16_s",
            "i8x16 -128 -128 127 127 1 2 0 0 0 0 0 0 0 0 0 0",
            "i8x16 -128 -128 127 127 -3 4 0 0 0 0 0 0 0 0 0 0",
            "i16x8 -32768 32258 5 0 0 0 0 0",
        ),
        // -0 is less than +0 for min and max, and equal to it for pmin and pmax.
        ("f32x4.min", "f32x4 0 -0 inf 1", "f32x4 -0 0 -inf 2", "f32x4 -0 -0 -inf 1"),
        ("f32x4.relaxed_min", "f32x4 0 -0 inf 1", "f32x4 -0 0 -inf 2", "f32x4 -0 -0 -inf 1"),
        ("f32x4.relaxed_max", "f32x4 0 -0 inf 1", "f32x4 -0 0 -inf 2", "f32x4 0 0 inf 2"),
        ("f32x4.pmin", "f32x4 0 -0 1 nan:0x200000", "f32x4 -0 0 nan 1", "f32x4 0 -0 1 nan:0x200000"),
        ("f64x2.pmax", "f64x2 -0 2", "f64x2 0 nan", "f64x2 -0 2"),
    ];
    for (op, a, b, expected) in cases {
        let (second, b) = match b.strip_prefix("i32 ") {
            Some(count) => ("i32", format!("i32.const {count}")),
            None => ("v128", format!("v128.const {b}")),
        };
        let test = instance(&format!(
            "(module (func (export \"a\") (result v128) (v128.const {a})) (func (export \"b\") (result {second}) ({b}))
               (func (export \"e\") (result v128) (v128.const {expected}))
               (func (export \"op\") (param v128 {second}) (result v128) ({op} (local.get 0) (local.get 1))))"
        ));
        let value = |name| call(&test, name, &[]).unwrap();
        let got = call(&test, "op", &[value("a"), value("b")].concat()).unwrap();
        assert_eq!(format!("{got:x?}"), format!("{:x?}", value("e")), "{op} {a}, {b}");
    }
    let unary: &[(&str, &str, &str)] = &[
        ("i32x4.trunc_sat_f32x4_s", "f32x4 nan inf -inf 2147483648", "i32x4 0 0x7fffffff 0x80000000 0x7fffffff"),
        (
            "i32x4.trunc_sat_f32x4_s",
            "f32x4 -2147483648 -2147483904 -0.9 2147483520",
            "i32x4 0x80000000 0x80000000 0 2147483520",
        ),
        ("i32x4.trunc_sat_f32x4_u", "f32x4 nan inf -inf -1", "i32x4 0 0xffffffff 0 0"),
        (
            "i32x4.trunc_sat_f32x4_u",
            "f32x4 4294967040 4294967296 -0.9 2147483648",
            "i32x4 0xffffff00 0xffffffff 0 0x80000000",
        ),
        ("i32x4.relaxed_trunc_f32x4_s", "f32x4 nan inf -inf 2147483648", "i32x4 0 0x7fffffff 0x80000000 0x7fffffff"),
        ("i32x4.relaxed_trunc_f32x4_u", "f32x4 nan inf -inf -1", "i32x4 0 0xffffffff 0 0"),
        ("i32x4.trunc_sat_f64x2_s_zero", "f64x2 nan 2147483648", "i32x4 0 0x7fffffff 0 0"),
        ("i32x4.trunc_sat_f64x2_s_zero", "f64x2 -inf -2147483648.9", "i32x4 0x80000000 0x80000000 0 0"),
        ("i32x4.trunc_sat_f64x2_u_zero", "f64x2 nan 4294967295.9", "i32x4 0 0xffffffff 0 0"),
        ("i32x4.relaxed_trunc_f64x2_u_zero", "f64x2 inf -inf", "i32x4 0xffffffff 0 0 0"),
        ("f64x2.convert_low_i32x4_u", "i32x4 -1 0x80000000 5 6", "f64x2 4294967295 2147483648"),
        ("f32x4.convert_i32x4_u", "i32x4 -1 0x80000000 1 0", "f32x4 4294967296 2147483648 1 0"),
        ("i8x16.abs", "i8x16 -128 127 -1 0 0 0 0 0 0 0 0 0 0 0 0 0", "i8x16 -128 127 1 0 0 0 0 0 0 0 0 0 0 0 0 0"),
        ("i64x2.abs", "i64x2 -9223372036854775808 -1", "i64x2 -9223372036854775808 1"),
        ("f32x4.nearest", "f32x4 0.5 1.5 -0.5 2.5", "f32x4 0 2 -0 2"),
    ];
    for (op, a, expected) in unary {
        let test = instance(&format!(
            "(module (func (export \"a\") (result v128) (v128.const {a})) (func (export \"e\") (result v128) (v128.const {expected}))
               (func (export \"op\") (param v128) (result v128) ({op} (local.get 0))))"
        ));
        let value = |name| call(&test, name, &[]).unwrap();
        assert_eq!(format!("{:x?}", call(&test, "op", &value("a")).unwrap()), format!("{:x?}", value("e")), "{op} {a}");
    }
}

/// Relaxed multiplication and addition rounds twice: with one rounding this would not be 0.
#[test]
fn relaxed_madd_is_not_fused() {
    let test = instance(
        "(module (func (export \"f\") (param f32 f32 f32) (result f32) (f32x4.extract_lane 0
           (f32x4.relaxed_madd (f32x4.splat (local.get 0)) (f32x4.splat (local.get 1)) (f32x4.splat (local.get 2))))))",
    );
    let a = 1.0 + f32::EPSILON;
    let rounded = a * a;
    assert_ne!(a.mul_add(a, -rounded), 0.0);
    let slots = [a, a, -rounded].map(|number| u64::from(number.to_bits()));
    assert_eq!(call(&test, "f", &slots), Ok(vec![0]));
}

#[test]
fn nans_of_vectors_are_made_canonical() {
    let text = "(module (func (export \"f\") (param v128 v128) (result v128) (f32x4.add (local.get 0) (local.get 1)))
        (func (export \"d\") (param v128 v128) (result v128) (f64x2.relaxed_madd (local.get 0) (local.get 1) (local.get 0))))";
    let options = CompileOptions { canonicalize_nans: true, ..CompileOptions::default() };
    let test = instance_with(text, options, &Linker::new());
    let odd = 0xffe1_2345_3f80_0000; // a NaN with a payload above 1.0
    assert_eq!(call(&test, "f", &[odd; 4]), Ok(vec![0x7fc0_0000_4000_0000; 2]));
    let wide = 0xfff8_0000_0000_0123;
    assert_eq!(call(&test, "d", &[wide, 0, 0, 0]), Ok(vec![0x7ff8_0000_0000_0000, 0]));
}

/// Vectors among other values: parameters, results, locals, blocks, loops, `select`, calls of every
/// kind, inlined ones too.
#[test]
fn vectors_go_everywhere() {
    let text = r#"(module
        (type $mixed (func (param i32 v128 f64 v128 i64) (result v128 i32 v128)))
        (import "host" "f" (func $host (param v128 i32 v128) (result v128 i64 v128)))
        (table 2 funcref) (elem (i32.const 0) $mixed $mixed)
        (func $mixed (export "mixed") (type $mixed) (local v128)
            (i64x2.add (local.get 1) (local.get 5)) (local.get 0) (i64x2.splat (local.get 4)))
        (func $small (param v128) (result v128) (i32x4.add (local.get 0) (local.get 0)))
        (func (export "indirect") (type $mixed)
            (call_indirect (type $mixed) (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (i32.const 1)))
        (func (export "host") (param v128 i32 v128) (result v128 i64 v128)
            (call $host (local.get 0) (local.get 1) (local.get 2)))
        (func (export "loop") (param v128 i32) (result v128)
            (local.get 0)
            (loop $again (param v128) (result v128)
                (call $small)
                (local.set 1 (i32.sub (local.get 1) (i32.const 1)))
                (br_if $again (local.get 1))))
        (func (export "select") (param v128 v128 i32) (result v128)
            (select (result v128) (local.get 0) (local.get 1) (local.get 2)))
        (func (export "blocks") (param v128 i32) (result v128)
            (block $out (result v128)
                (block (result v128)
                    (local.get 0)
                    (br_table 0 $out (local.get 1)))
                (return (v128.not))))
        (func (export "many") (param v128 v128 v128 v128 v128 v128 v128 v128 v128 v128)
            (result v128 v128 v128 v128 v128 v128 v128 v128 v128 v128)
            (local.get 9) (local.get 8) (local.get 7) (local.get 6) (local.get 5)
            (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0)))"#;
    let v128 = ValType::V128;
    let ty = FuncType { params: vec![v128, ValType::I32, v128], results: vec![v128, ValType::I64, v128] };
    let mut linker = Linker::new();
    linker.define("host", "f", Extern::Func(FuncHandle::host(ty, 0, 0, std::ptr::null())));
    for bounds in [BoundsMode::Guarded, BoundsMode::Explicit] {
        let test = instance_with(text, CompileOptions { bounds, ..CompileOptions::default() }, &linker);
        let arguments = [7, 1, 2, 1.5f64.to_bits(), 5, 6, 9];
        for name in ["mixed", "indirect"] {
            assert_eq!(call(&test, name, &arguments), Ok(vec![1, 2, 7, 9, 9]), "{name}");
        }
        assert_eq!(call(&test, "host", &[1, 2, 3, 4, 5]), Ok(vec![2, 3, 4, 5, 6]));
        assert_eq!(call(&test, "loop", &[1 << 32 | 3, 5, 4]), Ok(vec![0x10_0000_0030, 80]));
        assert_eq!(call(&test, "select", &[1, 2, 3, 4, 1]), Ok(vec![1, 2]));
        assert_eq!(call(&test, "select", &[1, 2, 3, 4, 0]), Ok(vec![3, 4]));
        assert_eq!(call(&test, "blocks", &[1, 2, 0]), Ok(vec![!1, !2]));
        assert_eq!(call(&test, "blocks", &[1, 2, 1]), Ok(vec![1, 2]));
        let many: Vec<u64> = (0..20).collect();
        let reversed: Vec<u64> = (0..10).rev().flat_map(|i| [2 * i, 2 * i + 1]).collect();
        assert_eq!(call(&test, "many", &many), Ok(reversed));
    }
}

#[test]
fn c_functions_have_no_vectors() {
    let text = r#"(module (import "host" "f" (func (param v128))))"#;
    let module = Module::compile(&wat::parse_str(text).unwrap(), CompileOptions::default()).unwrap();
    let ty = FuncType { params: vec![ValType::V128], results: vec![] };
    let mut linker = Linker::new();
    linker.define("host", "f", Extern::Func(FuncHandle::host(ty, 0, 0, std::ptr::dangling())));
    let error = linker.instantiate(&Store::new(), &module, InstanceOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Link);
    assert!(error.message().contains("expected one without v128"), "{error}");
}

fn global(instance: &Instance, name: &str) -> GlobalHandle {
    match instance.export(name) {
        Some(Extern::Global(global)) => global,
        other => panic!("{name} is {other:?}"),
    }
}

#[test]
fn globals_hold_vectors() {
    let value = 0x0123_4567_89ab_cdef_0011_2233_4455_6677_u128;
    let (store, mut linker) = (Store::new(), Linker::new());
    let variable = GlobalType { value: ValType::V128, mutable: true };
    let fixed = GlobalType { value: ValType::V128, mutable: false };
    let shared = store.global128(variable, value).unwrap();
    linker.define("m", "variable", Extern::Global(shared.clone()));
    linker.define("m", "fixed", Extern::Global(store.global128(fixed, !value).unwrap()));
    let test = instance_with(
        r#"(module (import "m" "variable" (global $variable (mut v128))) (import "m" "fixed" (global $fixed v128))
            (global $copy (export "copy") (mut v128) (global.get $fixed))
            (global $constant (export "constant") v128 (v128.const i64x2 1 2))
            (func (export "get") (result v128) (global.get $variable))
            (func (export "constant of") (result v128) (global.get $constant))
            (func (export "exchange") (local v128)
                (local.set 0 (global.get $copy)) (global.set $copy (global.get $variable)) (global.set $variable (local.get 0))))"#,
        CompileOptions::default(),
        &linker,
    );
    assert_eq!(call(&test, "get", &[]).map(|slots| vector_of(&slots)), Ok(value));
    assert_eq!(global(&test, "copy").get128(), !value);
    assert_eq!(call(&test, "exchange", &[]), Ok(vec![]));
    assert_eq!((shared.get128(), global(&test, "copy").get128()), (!value, value));
    shared.set128(5 << 64 | 3).unwrap();
    assert_eq!((call(&test, "get", &[]), shared.get()), (Ok(vec![3, 5]), 3));
    assert_eq!(global(&test, "constant").get128(), 2 << 64 | 1);
    assert_eq!(call(&test, "constant of", &[]), Ok(vec![1, 2]));
    // One slot is not two, and what cannot be set is not.
    let number = store.global(GlobalType { value: ValType::I64, mutable: true }, 7).unwrap();
    assert!(shared.set(1).is_err() && number.set128(1).is_err() && global(&test, "constant").set128(1).is_err());
    assert!(store.global(variable, 1).is_err() && store.global128(number.ty(), 1).is_err());
    assert_eq!((number.get128(), shared.get128()), (7, 5 << 64 | 3));
}

/// Code with vectors survives being written and read.
#[test]
fn serialised_vectors() {
    let bytes = wat::parse_str(
        "(module (global v128 (v128.const i64x2 3 4)) (func (export \"f\") (param v128) (result v128)
           (i8x16.shuffle 3 2 1 0 4 5 6 7 8 9 10 11 12 13 14 31 (local.get 0) (global.get 0))))",
    )
    .unwrap();
    let module = Module::compile(&bytes, CompileOptions::default()).unwrap();
    let again = Module::deserialize(&module.serialize().unwrap()).unwrap();
    for module in [module, again] {
        let test = Linker::new().instantiate(&Store::new(), &module, InstanceOptions::default()).unwrap();
        assert_eq!(
            call(&test, "f", &[0x0807_0605_0403_0201, u64::MAX]),
            Ok(vec![0x0807_0605_0102_0304, u64::MAX >> 8])
        );
    }
}
