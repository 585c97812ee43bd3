//! What package image uses: the engine's own stacks, its services, and the table of the image; and
//! the same for the stand-in of its tests.

use super::{Group, Numbers, aligned, constants, fields, variants};
use crate::names::camel;
use gowasmer::abi::head::{GUARD_SIZE, HEAD_SIZE, HELD, OUT, STACK_SIZE, TEXT_SIZE, WORDS};
use gowasmer::abi::image::{MAGIC, Start, Table};
use gowasmer::abi::{CONTEXT_SIZE, Context, Head, Service, Status};
use gowasmer::trap::TrapCode;
use std::ffi::c_void;
use std::fmt::Write as _;
use std::mem::offset_of;

/// A structure that Go has as one of its own.
pub(super) struct Structure {
    about: &'static str,
    pub(super) name: &'static str,
    /// Names and types.
    pub(super) fields: Vec<(String, String)>,
    size: usize,
}

/// How Go has a type of a field.
trait GoType {
    fn name() -> String;
}

/// Gives types of Rust a name in Go.
macro_rules! go_types {
    ($name:literal: $($ty:ty),*) => { $(impl GoType for $ty {
        fn name() -> String {
            $name.to_string()
        }
    })* };
}
go_types!("uint64": u64);
go_types!("uintptr": usize, unsafe extern "C" fn(), unsafe extern "C" fn(*const Start), unsafe extern "C" fn(*mut Head),
    unsafe extern "C" fn(*mut usize), extern "C" fn(i32, *mut c_void, *mut c_void), extern "C" fn(u64));

impl<T: GoType, const N: usize> GoType for [T; N] {
    fn name() -> String {
        format!("[{N}]{}", T::name())
    }
}

/// The type of a field, in Go and by its size.
fn field_type<S, T: GoType>(_: fn(&S) -> &T) -> (String, usize) {
    (T::name(), size_of::<T>())
}

/// A structure with all of its fields. They lie side by side, as then Go has them where Rust has
/// them.
macro_rules! structure {
    ($ty:ident as $name:literal, $about:literal: $($field:ident)*) => {{
        let _exhaustive = |it: $ty| { let $ty { $($field: _),* } = it; };
        let (mut fields, mut end) = (Vec::new(), 0);
        $(
            assert_eq!(offset_of!($ty, $field), end, "{} is not beside its neighbour", stringify!($field));
            let (ty, size) = field_type(|it: &$ty| &it.$field);
            fields.push((camel(stringify!($field)), ty));
            end += size;
        )*
        assert_eq!(size_of::<$ty>(), end);
        Structure { about: $about, name: $name, fields, size: end }
    }};
}

/// What Go has of the image and of what it is told.
pub(super) fn structures() -> [Structure; 2] {
    [
        structure!(Table as "table", "what the image begins with, for Go; the addresses of count functions follow it":
            magic abi head_size stack_size start call handler abandoned heap_release spin fail enter resume c_call count),
        structure!(Start as "startParameters", "what the image's function start is told": stacks clock capabilities text),
    ]
}

/// Some numbers of an enumeration.
fn only(mut numbers: Numbers, names: &[&str]) -> Numbers {
    numbers.retain(|(name, _)| names.contains(&name.as_str()));
    assert_eq!(numbers.len(), names.len());
    numbers
}

fn statuses() -> Group {
    let numbers = variants!(Status: Done HostCall CCall RuntimeCall Trap Paused Died);
    let numbers = only(numbers, &["runtime_call", "trap", "paused", "died"]);
    Group { about: "Why control is back; a function that is done does not say so here.", prefix: "status", numbers }
}

fn trap() -> Group {
    let numbers = vec![("stack_overflow".to_string(), TrapCode::StackOverflow as u64)];
    Group { about: "The trap of a stack that is exhausted.", prefix: "trap", numbers }
}

/// Numbers with names.
fn named(numbers: &[(&str, usize)]) -> Numbers {
    numbers.iter().map(|(name, value)| ((*name).to_string(), *value as u64)).collect()
}

/// What Go uses.
pub(super) fn of_go() -> Vec<Group> {
    let stack = named(&[("size", STACK_SIZE)]);
    let guard = named(&[("size", GUARD_SIZE)]);
    let mut context = fields!(Context: status entry code vmctx args stack_top stack_low trap_code trap_pc thread);
    context.extend(named(&[("size", CONTEXT_SIZE)]));
    let mut head =
        fields!(Head: heap pausable words out service service_arguments service_result held text_length text);
    head.extend(named(&[
        ("words_count", WORDS),
        ("out_count", OUT),
        ("held_count", HELD),
        ("text_size", TEXT_SIZE),
        ("size", HEAD_SIZE),
    ]));
    let services = variants!(Service: Map Unmap Protect Advise AddressSpaceLimit MaxMapCount SignalHandler SignalFlags SetSignalHandler
        Yield SignalThread SignalAllThreads MemoryFile WriteFile SealFile CloseFile MapFile ScanPages);
    let mut table = vec![("magic".to_string(), MAGIC)];
    table.extend(structures().iter().filter(|it| it.name == "table").map(|it| ("size".to_string(), it.size as u64)));
    vec![
        Group {
            about: "Bytes of a stack with all that belongs to it, and what it is aligned to.",
            prefix: "stack",
            numbers: stack,
        },
        Group { about: "Bytes without access at its low end.", prefix: "guard", numbers: guard },
        Group { about: "Offsets of the fields of a context, and the bytes it takes.", prefix: "ctx", numbers: context },
        Group {
            about: "Offsets of the fields of a head, how many elements some have, and the bytes it takes.",
            prefix: "head",
            numbers: head,
        },
        statuses(),
        trap(),
        Group {
            about: "What a function of the image leaves for; rust/engine/src/abi/head.rs describes it.",
            prefix: "service",
            numbers: services,
        },
        Group {
            about: "The first word of the image's table, and the bytes before the addresses that follow it.",
            prefix: "table",
            numbers: table,
        },
    ]
}

/// What the stand-in uses.
pub(super) fn of_standin() -> Vec<Group> {
    let mut context = fields!(Context: sp status host_sp host_pc host_bp host_g trap_code trap_pc);
    context.extend(named(&[("size", CONTEXT_SIZE)]));
    let mut head = fields!(Head: service service_arguments service_result held text_length);
    head.extend(named(&[("held_count", HELD), ("size", HEAD_SIZE)]));
    let mut table = fields!(Table: magic abi head_size stack_size start call handler abandoned heap_release spin fail enter resume c_call count);
    table.extend([("size".to_string(), size_of::<Table>() as u64), ("first_word".to_string(), MAGIC)]);
    vec![
        Group { about: "Bytes of a stack.", prefix: "stack", numbers: named(&[("size", STACK_SIZE)]) },
        Group { about: "Offsets of the fields of a context, and the bytes it takes.", prefix: "ctx", numbers: context },
        Group {
            about: "Offsets of the fields of a head, how many locks it has, and the bytes it takes.",
            prefix: "head",
            numbers: head,
        },
        statuses(),
        trap(),
        Group {
            about: "Offsets of the fields of the table, the bytes before what follows it, and its first word.",
            prefix: "table",
            numbers: table,
        },
    ]
}

/// The Go file.
pub(super) fn go() -> String {
    let mut text = format!("{}\n\npackage image\n", crate::GENERATED);
    constants(&mut text, &of_go());
    for Structure { about, name, fields, .. } in structures() {
        let _ = write!(
            text,
            "\n// {name} is {about}. The fields are described in\n// rust/engine/src/abi/image.rs.\ntype {name} struct {{\n"
        );
        aligned(&mut text, fields.iter().map(|(name, ty)| (name, ty.clone())));
        text.push_str("}\n");
    }
    text
}
