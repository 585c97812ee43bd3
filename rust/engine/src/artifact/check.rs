//! Whether a decoded artifact is consistent: every index in range, every list in order, every offset inside of its code.
//!
//! Whatever uses an artifact relies on this instead of checking by itself. It cannot find out whether the code is what the compiler
//! made of the module.

use super::{Artifact, CodeBody, Location};
use crate::trap::TrapCode;
use crate::types::{ExternType, GlobalType, Limits, PAGE_SIZE_LOG2, ValType};
use crate::wasm::{ConstOp, ExternKind, ModuleInfo, SegmentMode};
use std::collections::HashSet;

/// What is wrong, for people.
type Finding = Result<(), String>;

/// Largest alignment of code: a page, the unit of the code arena.
const MAX_ALIGNMENT: u32 = 4096;
/// Bytes of the field that a relocation fills.
const RELOCATION_SIZE: usize = 4;

/// Checks an artifact.
pub fn artifact(artifact: &Artifact) -> Finding {
    let info = &artifact.info;
    types(info)?;
    index_spaces(info)?;
    exports(info)?;
    functions_by_reference(info)?;
    globals(info)?;
    segments(info)?;
    names(info)?;
    code(artifact)
}

fn ensure(holds: bool, finding: impl FnOnce() -> String) -> Finding {
    if holds { Ok(()) } else { Err(finding()) }
}

fn count<T>(what: &str, list: &[T], expected: usize) -> Finding {
    ensure(list.len() == expected, || format!("{} {what} given, expected {expected}", list.len()))
}

fn index(what: &str, index: u32, limit: usize) -> Finding {
    ensure((index as usize) < limit, || format!("{what} {index} given, expected less than {limit}"))
}

fn types(info: &ModuleInfo) -> Finding {
    const MAX_VALUES: usize = 1_000;
    for (at, ty) in info.types.iter().enumerate() {
        let longest = ty.params.len().max(ty.results.len());
        ensure(longest <= MAX_VALUES, || format!("{longest} values in type {at}, expected at most {MAX_VALUES}"))?;
    }
    Ok(())
}

/// The index spaces: that they begin with the imports, and what their entries refer to.
fn index_spaces(info: &ModuleInfo) -> Finding {
    for ty in &info.functions {
        index("type", *ty, info.types.len())?;
    }
    for table in &info.tables {
        ensure(table.element.is_ref(), || format!("a table of {}, expected a reference type", table.element))?;
        limits(table.limits, if table.index64 { u64::MAX } else { u64::from(u32::MAX) })?;
    }
    for memory in &info.memories {
        ensure(matches!(memory.page_size_log2, 0 | PAGE_SIZE_LOG2), || {
            format!("pages of 2^{} bytes, expected 2^0 or 2^16", memory.page_size_log2)
        })?;
        limits(memory.limits, memory.max_declared_pages())?;
    }
    count("marks of tables that can grow", &info.table_can_grow, info.tables.len())?;

    let (mut functions, mut tables, mut memories, mut globals) = (0, 0, 0, 0);
    for import in &info.imports {
        let same = match &import.ty {
            ExternType::Func(ty) => {
                let known = info.functions.get(next(&mut functions)).map(|index| &info.types[*index as usize]);
                known == Some(ty)
            }
            ExternType::Table(ty) => info.tables.get(next(&mut tables)) == Some(ty),
            ExternType::Memory(ty) => info.memories.get(next(&mut memories)) == Some(ty),
            ExternType::Global(ty) => info.globals.get(next(&mut globals)) == Some(ty),
        };
        ensure(same, || format!("import {}.{} has another type than its index", import.namespace, import.name))?;
    }
    let counted = [functions, tables, memories, globals];
    let declared = [info.imported_functions, info.imported_tables, info.imported_memories, info.imported_globals];
    ensure(declared.map(|n| n as usize) == counted, || {
        format!("{declared:?} imported functions, tables, memories and globals given, expected {counted:?}")
    })
}

/// The present value, which is then raised by one.
fn next(counter: &mut usize) -> usize {
    *counter += 1;
    *counter - 1
}

fn limits(limits: Limits, ceiling: u64) -> Finding {
    let max = limits.max.unwrap_or(ceiling);
    ensure(limits.min <= max && max <= ceiling, || format!("limits {limits}, expected min <= max <= {ceiling}"))
}

fn globals(info: &ModuleInfo) -> Finding {
    let own = &info.globals[info.imported_globals as usize..];
    count("initial values of globals", &info.global_inits, own.len())?;
    for (at, (global, init)) in own.iter().zip(&info.global_inits).enumerate() {
        constant(info, init, global.value, info.imported_globals as usize + at)?;
    }
    Ok(())
}

/// A constant expression: operations that leave one value of the type, and get only the first so many globals.
fn constant(info: &ModuleInfo, expression: &[ConstOp], wanted: ValType, globals: usize) -> Finding {
    if let [op] = expression {
        return operand(info, *op, wanted, globals);
    }
    // Only integers of one type can be combined: the operations on them take that type and give it.
    let mut height = 0_usize;
    for op in expression {
        match op.binary() {
            None => {
                operand(info, *op, wanted, globals)?;
                height += 1;
            }
            Some(ty) => {
                ensure(ty == wanted && height >= 2, || format!("{op:?} of {height} values, expected two of {wanted}"))?;
                height -= 1;
            }
        }
    }
    ensure(height == 1, || format!("a constant expression that leaves {height} values, expected 1"))
}

/// An operation of a constant expression that takes no value and gives one of the type.
fn operand(info: &ModuleInfo, op: ConstOp, wanted: ValType, globals: usize) -> Finding {
    let fits = match op {
        ConstOp::I32(_) => wanted == ValType::I32,
        ConstOp::I64(_) => wanted == ValType::I64,
        ConstOp::F32(_) => wanted == ValType::F32,
        ConstOp::F64(_) => wanted == ValType::F64,
        ConstOp::V128(_) => wanted == ValType::V128,
        ConstOp::RefNull => wanted.is_ref(),
        ConstOp::RefFunc(function) => {
            index("function", function, info.functions.len())?;
            wanted == ValType::FuncRef && info.escaping_index(function).is_some()
        }
        ConstOp::GlobalGet(global) => {
            index("global", global, globals)?;
            info.globals[global as usize] == GlobalType { value: wanted, mutable: false }
        }
        _ => false,
    };
    ensure(fits, || format!("{op:?} given, expected a constant of type {wanted}"))
}

/// The type of offsets into a memory or table.
const fn index_type(index64: bool) -> ValType {
    if index64 { ValType::I64 } else { ValType::I32 }
}

fn segments(info: &ModuleInfo) -> Finding {
    for segment in &info.elements {
        ensure(segment.ty.is_ref(), || format!("an element segment of {}, expected a reference type", segment.ty))?;
        if let SegmentMode::Active { index: table, offset } = &segment.mode {
            index("table", *table, info.tables.len())?;
            let element = info.tables[*table as usize].element;
            ensure(element == segment.ty, || format!("an element segment of {} for a table of {element}", segment.ty))?;
            let index64 = info.tables[*table as usize].index64;
            constant(info, offset, index_type(index64), info.globals.len())?;
        }
        for item in &segment.items {
            constant(info, item, segment.ty, info.globals.len())?;
        }
    }
    for segment in &info.data {
        match &segment.mode {
            SegmentMode::Active { index: memory, offset } => {
                index("memory", *memory, info.memories.len())?;
                let index64 = info.memories[*memory as usize].index64;
                constant(info, offset, index_type(index64), info.globals.len())?;
            }
            SegmentMode::Passive => {}
            SegmentMode::Declared => return Err("a declared data segment, expected an active or passive one".into()),
        }
    }
    Ok(())
}

fn exports(info: &ModuleInfo) -> Finding {
    let mut names = HashSet::with_capacity(info.exports.len());
    for export in &info.exports {
        let (what, limit) = match export.kind {
            ExternKind::Func => ("exported function", info.functions.len()),
            ExternKind::Table => ("exported table", info.tables.len()),
            ExternKind::Memory => ("exported memory", info.memories.len()),
            ExternKind::Global => ("exported global", info.globals.len()),
        };
        index(what, export.index, limit)?;
        ensure(names.insert(&export.name), || format!("export {} is given twice", export.name))?;
    }
    Ok(())
}

/// Functions that others get hold of: by a record, or as start function.
fn functions_by_reference(info: &ModuleInfo) -> Finding {
    ensure(info.escaping.is_sorted_by(|a, b| a < b), || "functions by reference are not in order".into())?;
    if let Some(last) = info.escaping.last() {
        index("function by reference", *last, info.functions.len())?;
    }
    for export in info.exports.iter().filter(|export| export.kind == ExternKind::Func) {
        ensure(info.escaping_index(export.index).is_some(), || format!("export {} has no record", export.name))?;
    }
    if let Some(start) = info.start {
        index("start function", start, info.functions.len())?;
        let ty = info.function_type(start);
        ensure(ty.slots() == 0, || format!("a start function of type {ty}, expected [] -> []"))?;
    }
    Ok(())
}

fn names(info: &ModuleInfo) -> Finding {
    let names = &info.names.functions;
    ensure(names.is_sorted_by(|(a, _), (b, _)| a < b), || "function names are not in order".into())?;
    names.last().map_or(Ok(()), |(last, _)| index("named function", *last, info.functions.len()))
}

fn code(artifact: &Artifact) -> Finding {
    let Artifact { info, functions, trampolines, .. } = artifact;
    count("function bodies", functions, info.functions.len() - info.imported_functions as usize)?;
    for (at, function) in functions.iter().enumerate() {
        let at = at + info.imported_functions as usize;
        body(info, function).map_err(|e| format!("function {at}: {e}"))?;
    }
    let keys = super::trampoline_keys(info);
    ensure(keys.iter().eq(trampolines.iter().map(|(key, _)| key)), || {
        format!("trampolines {:?} given, expected {keys:?}", trampolines.iter().map(|(key, _)| key).collect::<Vec<_>>())
    })?;
    for (key, trampoline) in trampolines {
        body(info, trampoline).map_err(|e| format!("trampoline {key:?}: {e}"))?;
        count("relocations of a trampoline", &trampoline.relocations, 0)?;
    }
    Ok(())
}

fn body(info: &ModuleInfo, body: &CodeBody) -> Finding {
    let length = body.code.len();
    ensure(length > 0 && i32::try_from(length).is_ok(), || format!("{length} bytes of code"))?;
    ensure(body.alignment.is_power_of_two() && body.alignment <= MAX_ALIGNMENT, || {
        format!("alignment {}, expected a power of two up to {MAX_ALIGNMENT}", body.alignment)
    })?;
    index("entry", body.entry, length)?;
    for relocation in &body.relocations {
        let end = (relocation.offset as usize).checked_add(RELOCATION_SIZE);
        ensure(end.is_some_and(|end| end <= length), || {
            format!("a relocation at {:#x} of {length:#x} bytes of code", relocation.offset)
        })?;
        index("called function", relocation.function, info.functions.len())?;
        ensure(!info.is_imported_function(relocation.function), || {
            format!("a direct call of the imported function {}", relocation.function)
        })?;
        // The distance is counted from the end of the field (x86-64) or from its beginning (aarch64).
        ensure(matches!(relocation.addend, 0 | -4), || format!("addend {}, expected 0 or -4", relocation.addend))?;
    }
    ensure(body.traps.is_sorted_by_key(|trap| trap.offset), || "trap records are not in order".into())?;
    for trap in &body.traps {
        index("offset of a trap", trap.offset, length)?;
        ensure(TrapCode::from_u8(trap.code).is_some(), || format!("unknown trap code {}", trap.code))?;
    }
    ensure(body.addresses.is_sorted_by(|a, b| a.code < b.code), || "the address map is not in order".into())?;
    body.addresses.last().map_or(Ok(()), |last| index("offset in the address map", last.code, length))?;
    inlined(info, body)
}

/// The inlined instructions: each refers to one before it, so that following them ends.
fn inlined(info: &ModuleInfo, body: &CodeBody) -> Finding {
    let within = |location: Location, limit: usize| match location.inlined_index() {
        Some(at) => index("inlined instruction", at as u32, limit),
        None => Ok(()),
    };
    for record in &body.addresses {
        within(record.location, body.inlined.len())?;
    }
    for (at, inlined) in body.inlined.iter().enumerate() {
        index("inlined function", inlined.function, info.functions.len())?;
        ensure(!info.is_imported_function(inlined.function), || {
            format!("the imported function {} is inlined", inlined.function)
        })?;
        ensure(inlined.parent != Location::UNKNOWN, || format!("inlined instruction {at} has no caller"))?;
        within(inlined.parent, at)?;
    }
    Ok(())
}
