//! Tests of serialising: what is written is read again, and whatever was done to the bytes is
//! found.

use super::format::{CHECKED, Origin, origin, seal};
use super::trampoline_keys;
use super::{
    AddressMap, AddressMapBuilder, Artifact, Clause, CompileOptions, Handlers, NOT_COMPILED, Site, Tables,
    TrampolineKey, Traps,
};
use crate::abi::exception::ANY;
use crate::error::ErrorKind;
use crate::isa::near_call;
use crate::prelude::*;
use crate::translate::{InlinedLocation, Location};
use crate::types::{FuncType, Limits, ValType};
use crate::vm::{Instance, InstanceOptions, Store};
use crate::wasm::{self, ConstOp, SegmentMode, TableContents};

/// An artifact with everything in it, and its block; the code is made up.
fn sample() -> (Artifact, Vec<u8>) {
    let bytes = wat::parse_str(
        r#"(module $sample
            (import "env" "print" (func $print (param i32)))
            (import "env" "base" (global $base i32))
            (memory (export "memory") 1 4)
            (table 3 funcref)
            (global $count (mut i64) (i64.const 0))
            (func $sum (export "sum") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
            (func $main (call $print (call $sum (i32.const 1) (i32.const 2))))
            (start $main)
            (elem (global.get $base) func $sum $print)
            (data (i32.const 8) "hello") (data "passive"))"#,
    )
    .unwrap();
    let info = wasm::parse(&bytes).unwrap().info;
    let trampolines = trampoline_keys(&info);
    // Two functions, and for each trampoline one byte.
    let (mut starts, mut ends, mut entries) = (vec![0, 64], vec![40, 96], vec![0, 72]);
    for number in 0..trampolines.len() as u32 {
        starts.push(96 + 16 * number);
        ends.push(97 + 16 * number);
        entries.push(96 + 16 * number);
    }
    let mut addresses = AddressMapBuilder::default();
    assert!(addresses.body([(0, Location::at(70)), (7, Location::UNKNOWN), (9, Location::inlined(1))]));
    assert!((1..starts.len()).all(|_| addresses.body([])));
    let tables = Tables {
        starts: starts.into(),
        ends: ends.into(),
        entries: entries.into(),
        trampolines: trampolines.into(),
        traps: Traps { offsets: [3, 3, 70].into(), codes: [2, 6, 2].into() },
        handlers: Handlers {
            sites: [
                Site { at: 9, frame: 32, vmctx: 0, slot: 8, first: 0, count: 1 },
                Site { at: 70, frame: 16, first: 1, ..Site::default() },
            ]
            .into(),
            clauses: [Clause { catches: ANY, target: 20 }].into(),
        },
        addresses: addresses.finish(),
        inlined: [
            InlinedLocation { wasm: 90, function: 2, parent: Location::at(72) },
            InlinedLocation { wasm: 71, function: 1, parent: Location::inlined(0) },
        ]
        .into(),
    };
    let code = (0..tables.block_size()).map(|at| at as u8).collect();
    (Artifact { info: info.into(), options: CompileOptions::default(), tables }, code)
}

/// The sample as bytes.
fn serialized(origin: &Origin) -> Vec<u8> {
    let (artifact, code) = sample();
    artifact.serialize_from(origin, &code)
}

fn host() -> Origin {
    Origin { engine: "engine 1".into(), target: "x86_64-linux".into(), features: "avx,sse41,ssse3".into() }
}

/// The error of bytes that are refused.
fn refused(bytes: &[u8], host: &Origin) -> String {
    let error = Artifact::deserialize_for(bytes, None, host).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deserialize);
    assert!(error.message().starts_with("this serialised module cannot be used: it"), "{error}");
    error.message().to_owned()
}

#[test]
fn what_is_written_is_read_again() {
    let (artifact, code) = sample();
    let bytes = artifact.serialize(&code);
    assert_eq!(Artifact::deserialize(&bytes).unwrap(), (artifact.clone(), &code[..]));
    assert!(bytes.ends_with(&code));
    let checksum = u32::from_le_bytes(bytes[12..CHECKED].try_into().unwrap());
    assert_eq!(Artifact::deserialize_checked(&bytes, Some(checksum)).unwrap(), (artifact.clone(), &code[..]));
    let wrong = Artifact::deserialize_checked(&bytes, Some(checksum ^ 1)).unwrap_err();
    assert!(wrong.message().contains("it was altered: its checksum is "), "{wrong}");
    let empty = Artifact { info: Default::default(), tables: Tables::default(), ..artifact };
    assert_eq!(Artifact::deserialize(&empty.serialize(&[])).unwrap(), (empty, &[][..]));
}

#[test]
fn every_altered_byte_is_found() {
    let bytes = serialized(&host());
    for at in 0..bytes.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut altered = bytes.clone();
            altered[at] ^= mask;
            refused(&altered, &host());
        }
    }
}

#[test]
fn every_cut_is_found() {
    let bytes = serialized(&host());
    for length in 0..bytes.len() {
        refused(&bytes[..length], &host());
    }
    refused(&[&bytes[..], b"\0"].concat(), &host());
    assert!(refused(b"", &host()).ends_with("it is empty"));
    assert!(refused(&bytes[..10], &host()).ends_with("it is cut: 10 bytes given"));
    let (cut, whole) = (bytes.len() - 1, bytes.len());
    assert!(
        refused(&bytes[..cut], &host())
            .ends_with(&format!("it is cut or altered: {cut} bytes given, expected {whole}"))
    );
}

#[test]
fn other_files_are_told_apart() {
    let message = refused(b"\0asm\x01\0\0\0", &host());
    assert!(message.contains("it begins with [00, 61, 73, 6d, 01, 00, 00, 00], expected [7f, "), "{message}");
    assert!(message.ends_with("(this is a WebAssembly binary: compile it)"), "{message}");
    refused(b"\x7fELF\x02\x01\x01\0", &host());
}

#[test]
fn other_versions_are_refused() {
    let mut bytes = serialized(&host());
    bytes[8] = 12;
    assert!(refused(&bytes, &host()).ends_with("its format has version 12, expected 11"));
    let made_by = Origin { engine: "engine 0".into(), ..host() };
    let message = refused(&serialized(&made_by), &host());
    assert!(message.ends_with("it was made by engine 0, expected engine 1"), "{message}");
}

#[test]
fn other_machines_are_refused() {
    let made = |target: &str, features: &str| {
        serialized(&Origin { target: target.into(), features: features.into(), ..host() })
    };
    let message = refused(&made("aarch64-linux", "avx"), &host());
    assert!(message.ends_with("it was made for aarch64-linux, expected x86_64-linux"), "{message}");
    let message = refused(&made("x86_64-linux", "avx,avx512f,bmi2,sse41"), &host());
    let expected = "it was made for a CPU with avx512f,bmi2, which this one lacks; it has avx,sse41,ssse3";
    assert!(message.ends_with(expected), "{message}");
    // A CPU that has more runs it as well.
    Artifact::deserialize_for(&made("x86_64-linux", "sse41,ssse3"), None, &host()).unwrap();
}

#[test]
fn this_machine_is_known() {
    let here = Origin::here();
    assert!(here.engine.starts_with(concat!("gowasmer ", env!("CARGO_PKG_VERSION"), " with cranelift 0.")), "{here:?}");
    assert!(here.target.contains(std::env::consts::ARCH), "{here:?}");
    assert!(origin().contains(&here.engine) && origin().ends_with(&here.features) && !origin().contains('\n'));
    assert!(here.features.contains("sse41") || cfg!(target_arch = "aarch64"), "{here:?}");
}

/// Artifacts that are well formed and wrong: each one with what is said of it.
#[test]
fn inconsistent_contents_are_found() {
    type Damage = fn(&mut Artifact);
    let cases: [(&str, Damage); 39] = [
        ("1001 values in type 0", |a| {
            info(a).types[0] = FuncType { params: vec![ValType::I32; 1001], results: vec![] }
        }),
        ("type 9 given, expected less than 3", |a| info(a).functions[1] = 9),
        ("import env.print has another type", |a| info(a).functions[0] = 1),
        ("imported functions, tables, memories, globals and tags given", |a| info(a).imported_tables = 1),
        ("imported functions, tables, memories, globals and tags given", |a| info(a).imported_functions = u32::MAX),
        ("import env.base has another type", |a| info(a).globals.clear()),
        ("limits {min 5, max 4}", |a| info(a).memories[0].limits = Limits { min: 5, max: Some(4) }),
        ("limits {min 65537}", |a| info(a).memories[0].limits = Limits { min: 65_537, max: None }),
        ("limits {min 4294967296}", |a| info(a).tables[0].limits = Limits { min: 1 << 32, max: None }),
        ("a table of i32", |a| info(a).tables[0].element = ValType::I32),
        ("0 marks of tables that can grow given, expected 1", |a| info(a).table_can_grow.clear()),
        ("0 contents of tables given, expected 1", |a| info(a).table_contents.clear()),
        ("type of a table's functions 9 given", |a| {
            info(a).table_contents[0] = Some(TableContents { ty: Some(9), own: true, shared: false });
        }),
        ("table 0 is said to be shared", |a| {
            info(a).table_contents[0] = Some(TableContents { ty: None, own: true, shared: true });
        }),
        ("0 initial values of globals given, expected 1", |a| info(a).global_inits.clear()),
        ("I32(0) given, expected a constant of type i64", |a| info(a).global_inits[0] = vec![ConstOp::I32(0)].into()),
        ("a constant expression that leaves 0 values", |a| info(a).global_inits[0] = vec![].into()),
        ("global 1 given", |a| info(a).global_inits[0] = vec![ConstOp::GlobalGet(1)].into()),
        ("I32Add of 1 values", |a| {
            info(a).elements[0].mode =
                SegmentMode::Active { index: 0, offset: vec![ConstOp::I32(0), ConstOp::I32Add].into() };
        }),
        ("I64Mul of 2 values, expected two of i32", |a| {
            let ops = vec![ConstOp::I32(0), ConstOp::I32(1), ConstOp::I64Mul];
            info(a).elements[0].mode = SegmentMode::Active { index: 0, offset: ops.into() };
        }),
        ("I32(0) given, expected a constant of type i64", |a| {
            info(a).memories[0].index64 = true;
            info(a).data[0].mode = SegmentMode::Active { index: 0, offset: vec![ConstOp::I32(0)].into() };
        }),
        ("pages of 2^12 bytes", |a| info(a).memories[0].page_size_log2 = 12),
        ("GlobalGet(0) given", |a| info(a).global_inits[0] = vec![ConstOp::GlobalGet(0)].into()),
        ("RefFunc(2) given", |a| info(a).elements[0].items[0] = vec![ConstOp::RefFunc(2)].into()),
        ("function 3 given", |a| info(a).elements[0].items[0] = vec![ConstOp::RefFunc(3)].into()),
        ("an element segment of i32", |a| info(a).elements[0].ty = ValType::I32),
        ("an element segment of externref for a table of funcref", |a| info(a).elements[0].ty = ValType::ExternRef),
        ("table 1 given", |a| {
            info(a).elements[0].mode = SegmentMode::Active { index: 1, offset: vec![ConstOp::I32(0)].into() }
        }),
        ("memory 1 given", |a| info(a).data[0].mode = SegmentMode::Active { index: 1, offset: vec![].into() }),
        ("a declared data segment", |a| info(a).data[0].mode = SegmentMode::Declared),
        ("exported function 3 given", |a| info(a).exports[1].index = 3),
        ("export memory is given twice", |a| info(a).exports[1].name = "memory".into()),
        ("export sum has no record", |a| info(a).exports[1].index = 2),
        ("functions by reference are not in order", |a| info(a).escaping.reverse()),
        ("function by reference 7 given", |a| info(a).escaping.push(7)),
        ("start function 3 given", |a| info(a).start = Some(3)),
        ("a start function of type [i32 i32] -> [i32]", |a| info(a).start = Some(1)),
        ("named function 50 given", |a| info(a).names.functions.push((50, String::new()))),
        ("trampolines [", |a| a.tables.trampolines = a.tables.trampolines[1..].into()),
    ];
    for (words, damage) in cases {
        inconsistent(words, damage);
    }
    inconsistent("trampolines [", |a| a.tables.trampolines[0] = TrampolineKey::Entry(77));
    let count = sample().0.tables.starts.len();
    for (what, list) in [("beginnings", 0), ("ends", 1), ("entries", 2)] {
        inconsistent(&format!("{} {what} of bodies given, expected {count}", count - 1), |a| {
            let list = [&mut a.tables.starts, &mut a.tables.ends, &mut a.tables.entries].into_iter().nth(list).unwrap();
            *list = list[1..].into();
        });
    }
    inconsistent("function 1: code from 0x0 to 0x0, after 0x0", |a| a.tables.ends[0] = 0);
    inconsistent("function 2: code from 0x27 to 0x60, after 0x28", |a| a.tables.starts[1] = 39);
    inconsistent("function 2: code from 0x61 to 0x60, after 0x28", |a| a.tables.starts[1] = 97);
    inconsistent("trampoline Entry(0): code from 0x60 to 0x61, after 0x64", |a| a.tables.ends[1] = 100);
    inconsistent("function 2: an entry at 0x3f, of code from 0x40 to 0x60", |a| a.tables.entries[1] = 63);
    inconsistent("function 2: an entry at 0x60, of code from 0x40 to 0x60", |a| a.tables.entries[1] = 96);
    inconsistent("function 2: it is not compiled", |a| a.tables.entries[1] = NOT_COMPILED);
    inconsistent("2 trap codes given, expected 3", |a| a.tables.traps.codes = [2, 6].into());
    inconsistent("unknown trap code 0", |a| a.tables.traps.codes[0] = 0);
    inconsistent("calls with handlers are not in order", |a| a.tables.handlers.sites[1].at = 8);
    inconsistent("a call with handlers at 41, expected one in ", |a| a.tables.handlers.sites[0].at = 41);
    inconsistent("the handlers of the call at 9 do not exist", |a| a.tables.handlers.sites[0].count = 2);
    inconsistent("the call at 9 has its exceptions at 32 of a frame of 32", |a| a.tables.handlers.sites[0].slot = 32);
    inconsistent("the call at 9 has its exceptions at 8 of a frame of 32", |a| a.tables.handlers.sites[0].vmctx = 32);
    inconsistent("a handler of the tag at 8, which there is none", |a| a.tables.handlers.clauses[0].catches = 8);
    inconsistent("a handler at 64 of the call at 9, expected one in its body", |a| {
        a.tables.handlers.clauses[0].target = 64;
    });
    inconsistent("trap records are not in order", |a| a.tables.traps.offsets[0] = 4);
    let size = sample().1.len();
    inconsistent(&format!("offset of a trap {size} given"), |a| a.tables.traps.offsets[2] = size as u32);
    inconsistent(&format!("0 bodies in the address map given, expected {count}"), |a| {
        a.tables.addresses = AddressMap::default();
    });
    inconsistent("inlined instruction 1 given, expected less than 1", |a| {
        a.tables.inlined[1].parent = Location::inlined(1);
    });
    inconsistent("inlined instruction 0 has no caller", |a| a.tables.inlined[0].parent = Location::UNKNOWN);
    inconsistent("inlined function 3 given", |a| a.tables.inlined[0].function = 3);
    inconsistent("the imported function 0 is inlined", |a| a.tables.inlined[0].function = 0);
}

fn inconsistent(words: &str, damage: impl FnOnce(&mut Artifact)) {
    let (mut artifact, code) = sample();
    damage(&mut artifact);
    let message = refused(&artifact.serialize_from(&host(), &code), &host());
    assert!(message.contains("its contents are inconsistent: ") && message.contains(words), "{words}: {message}");
}

/// The block is as large as the tables say, and no larger than calls reach.
#[test]
fn a_block_of_another_size_is_found() {
    let (artifact, code) = sample();
    let size = code.len();
    let message = refused(&artifact.serialize_from(&host(), &code[1..]), &host());
    assert!(
        message.ends_with(&format!("its contents end with {} bytes of code, expected {size}", size - 1)),
        "{message}"
    );
    let message = refused(&artifact.serialize_from(&host(), &[&code[..], b"\0"].concat()), &host());
    assert!(message.ends_with("its contents are followed by 1 bytes, expected none"), "{message}");
    let mut large = artifact;
    *large.tables.ends.last_mut().unwrap() = near_call::native::LARGEST_BLOCK as u32 + 1;
    assert!(super::check::artifact(&large).unwrap_err().contains(" bytes of code, expected at most "));
}

/// Bytes that are damaged and then sealed again: there is an answer and never a panic, whatever
/// they decode to.
#[test]
fn sealed_damage_never_panics() {
    let bytes = serialized(&host());
    for at in 16..bytes.len() {
        for mask in [0x01, 0x02, 0x10, 0x40, 0x80, 0xff] {
            let mut altered = bytes.clone();
            altered[at] ^= mask;
            seal(&mut altered);
            let _ = Artifact::deserialize_for(&altered, None, &host());
        }
        let mut cut = bytes[..at.max(24)].to_vec();
        seal(&mut cut);
        refused(&cut, &host());
    }
    let mut longer = [&bytes[..], b"\0"].concat();
    seal(&mut longer);
    assert!(refused(&longer, &host()).ends_with("its contents are followed by 1 bytes, expected none"));
}

/// Bytes that pass the checksum but were altered: whatever can be loaded can be described and
/// instantiated. None of it is run.
#[test]
fn altered_contents_do_no_harm_until_they_are_run() {
    let bytes = wat::parse_str(
        r#"(module $name
            (memory (export "memory") 1 2) (table (export "table") 3 funcref) (table 2 externref)
            (global (export "global") (mut i64) (i64.const 7)) (global f32 (f32.const 1))
            (func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
            (func (export "call") (param i32) (result i32 i64)
                (i32.load offset=8 (call $add (local.get 0) (i32.const 1))) (i64.const 2))
            (elem (i32.const 1) func $add) (elem func $add $add) (elem declare func $add)
            (data (i32.const 8) "hello") (data "passive"))"#,
    )
    .unwrap();
    let serialized = crate::vm::Module::compile(&bytes, CompileOptions::default()).unwrap().serialize().unwrap();
    let (mut loaded, mut lived) = (0, 0);
    for at in 24..serialized.len() {
        for with in [1 << (at % 8), 0x80, 0xff] {
            let mut altered = serialized.clone();
            altered[at] ^= with;
            seal(&mut altered);
            let Ok(module) = crate::vm::Module::deserialize(&altered) else { continue };
            loaded += 1;
            assert!(!crate::ffi::describe::module(&module).is_empty());
            let instance = Instance::new(&Store::new(), &module, &[], InstanceOptions::default());
            lived += usize::from(instance.is_ok_and(|instance| !instance.exports().is_empty()));
        }
    }
    assert!(loaded > 100 && lived > 100, "{loaded} loaded, {lived} instantiated");
}

/// The declarations of an artifact, to be changed.
fn info(artifact: &mut Artifact) -> &mut wasm::ModuleInfo {
    alloc::sync::Arc::make_mut(&mut artifact.info)
}
