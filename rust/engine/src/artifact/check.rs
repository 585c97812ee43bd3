//! Whether a decoded artifact is consistent: every index in range, every list in order, every
//! offset inside of its code.
//!
//! ============================================================================================
//! Sandbox-critical. This is the only place where serialised bytes are checked: whatever uses an
//! artifact relies on it.
//! ============================================================================================
//!
//! It cannot find out whether the code is what the compiler
//! made of the module.

use super::{Artifact, Handlers, NOT_COMPILED, Tables};
use crate::abi::exception::{self, ANY};
use crate::abi::vmctx::VmctxLayout;
use crate::isa::{INSTRUCTION_ALIGNMENT, near_call};
use crate::prelude::*;
use crate::translate::Location;
use crate::trap::TrapCode;
use crate::types::{ExternType, GlobalType, Limits, PAGE_SIZE_LOG2, ValType};
use crate::wasm::{ConstOp, ExternKind, ModuleInfo, SegmentMode, table_use};
use hashbrown::HashSet;

/// What is wrong, for people.
type Finding = Result<(), String>;

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
    bodies(info, &artifact.tables)?;
    traps(&artifact.tables)?;
    handlers(info, &artifact.tables)?;
    addresses(info, &artifact.tables)
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
    count("contents of tables", &info.table_contents, info.tables.len())?;
    for contents in info.table_contents.iter().flatten() {
        if let Some(ty) = contents.ty {
            index("type of a table's functions", ty, info.types.len())?;
        }
    }
    for (at, contents) in info.table_contents.iter().enumerate() {
        let right = contents.is_none_or(|contents| {
            !contents.shared || (contents.own && !info.table_can_grow[at] && table_use::can_be_shared(info, at))
        });
        ensure(right, || format!("table {at} is said to be shared, expected one of functions that only calls use"))?;
    }

    for ty in &info.tags {
        index("type of a tag", *ty, info.types.len())?;
        let ty = &info.types[*ty as usize];
        ensure(ty.results.is_empty(), || format!("a tag of type {ty}, expected no results"))?;
    }

    let (mut functions, mut tables, mut memories, mut globals, mut tags) = (0, 0, 0, 0, 0);
    for import in &info.imports {
        let same = match &import.ty {
            ExternType::Func(ty) => {
                let known = info.functions.get(next(&mut functions)).map(|index| &info.types[*index as usize]);
                known == Some(ty)
            }
            ExternType::Table(ty) => info.tables.get(next(&mut tables)) == Some(ty),
            ExternType::Memory(ty) => info.memories.get(next(&mut memories)) == Some(ty),
            ExternType::Global(ty) => info.globals.get(next(&mut globals)) == Some(ty),
            ExternType::Tag(ty) => {
                let known = info.tags.get(next(&mut tags)).map(|index| &info.types[*index as usize]);
                known == Some(ty)
            }
        };
        ensure(same, || format!("import {}.{} has another type than its index", import.namespace, import.name))?;
    }
    let counted = [functions, tables, memories, globals, tags];
    let declared = [
        info.imported_functions,
        info.imported_tables,
        info.imported_memories,
        info.imported_globals,
        info.imported_tags,
    ];
    ensure(declared.map(|n| n as usize) == counted, || {
        format!("{declared:?} imported functions, tables, memories, globals and tags given, expected {counted:?}")
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

/// A constant expression: operations that leave one value of the type, and get only the first so
/// many globals.
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

/// An operation of a constant expression that takes no value and returns one of the type.
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
        if matches!(segment.mode, SegmentMode::Active { index, .. } if info.shares_table(index)) {
            continue; // own functions and null: see `index_spaces`
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
            ExternKind::Tag => ("exported tag", info.tags.len()),
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

/// The bodies: those that the module needs, each where calls of it can go.
fn bodies(info: &ModuleInfo, tables: &Tables) -> Finding {
    let keys = super::trampoline_keys(info);
    ensure(keys[..] == tables.trampolines[..], || {
        format!("trampolines {:?} given, expected {keys:?}", tables.trampolines)
    })?;
    let functions = info.functions.len() - info.imported_functions as usize;
    for (what, list) in [("beginnings", &tables.starts), ("ends", &tables.ends), ("entries", &tables.entries)] {
        count(&format!("{what} of bodies"), list, functions + keys.len())?;
    }
    let size = tables.block_size();
    ensure(size <= near_call::native::LARGEST_BLOCK, || {
        format!("{size} bytes of code, expected at most {}", near_call::native::LARGEST_BLOCK)
    })?;
    let mut before = 0;
    for number in 0..functions + keys.len() {
        let (start, end, entry) = (tables.starts[number], tables.ends[number], tables.entries[number]);
        let found = if start < before || start >= end {
            format!("code from {start:#x} to {end:#x}, after {before:#x}")
        } else if entry == NOT_COMPILED {
            "it is not compiled".into()
        } else if !(start..end).contains(&entry) || !entry.is_multiple_of(INSTRUCTION_ALIGNMENT) {
            format!("an entry at {entry:#x}, of code from {start:#x} to {end:#x}")
        } else {
            before = end;
            continue;
        };
        return Err(match number.checked_sub(functions) {
            None => format!("function {}: {found}", number + info.imported_functions as usize),
            Some(trampoline) => format!("trampoline {:?}: {found}", keys[trampoline]),
        });
    }
    Ok(())
}

fn traps(tables: &Tables) -> Finding {
    let traps = &tables.traps;
    count("trap codes", &traps.codes, traps.offsets.len())?;
    ensure(traps.offsets.is_sorted(), || "trap records are not in order".into())?;
    traps.offsets.last().map_or(Ok(()), |last| index("offset of a trap", *last, tables.block_size()))?;
    let unknown = traps.codes.iter().find(|code| TrapCode::from_u8(**code).is_none());
    unknown.map_or(Ok(()), |code| Err(format!("unknown trap code {code}")))
}

/// The calls with handlers: where they are and where they lead to, both in one body, and which tags
/// they name. How frames are laid out cannot be checked.
fn handlers(info: &ModuleInfo, tables: &Tables) -> Finding {
    let (layout, size) = (VmctxLayout::new(info), tables.block_size() as u32);
    let Handlers { sites, clauses } = &tables.handlers;
    ensure(sites.is_sorted_by(|a, b| a.at < b.at), || "calls with handlers are not in order".into())?;
    for site in sites {
        // A call returns behind its first byte.
        let body = site.at.checked_sub(1).and_then(|at| tables.body_at(at));
        let body = body.ok_or_else(|| format!("a call with handlers at {}, expected one in {size} bytes", site.at))?;
        let clauses = (site.first as usize)
            .checked_add(site.count as usize)
            .and_then(|end| clauses.get(site.first as usize..end));
        let clauses = clauses.ok_or_else(|| format!("the handlers of the call at {} do not exist", site.at))?;
        ensure(site.vmctx < site.frame && site.slot < site.frame, || {
            format!("the call at {} has its exceptions at {} of a frame of {}", site.at, site.slot, site.frame)
        })?;
        for clause in clauses {
            let tag = exception::tag(clause.catches);
            // Its offset grows by the same step with each tag.
            let step = layout.tag(1) - layout.tag(0);
            let index =
                tag.checked_sub(layout.tag(0)).filter(|offset| offset.is_multiple_of(step)).map(|offset| offset / step);
            let known = tag == ANY || index.is_some_and(|index| (index as usize) < info.tags.len());
            ensure(known, || format!("a handler of the tag at {tag}, which there is none"))?;
            ensure(tables.body_at(clause.target) == Some(body), || {
                format!("a handler at {} of the call at {}, expected one in its body", clause.target, site.at)
            })?;
        }
    }
    Ok(())
}

/// The address map, and the inlined instructions: each refers to one before it, so that following
/// them ends. What the entries of the map refer to is found out when they are read.
fn addresses(info: &ModuleInfo, tables: &Tables) -> Finding {
    tables.addresses.check(tables.starts.len())?;
    for (at, inlined) in tables.inlined.iter().enumerate() {
        index("inlined function", inlined.function, info.functions.len())?;
        ensure(!info.is_imported_function(inlined.function), || {
            format!("the imported function {} is inlined", inlined.function)
        })?;
        ensure(inlined.parent != Location::UNKNOWN, || format!("inlined instruction {at} has no caller"))?;
        if let Some(parent) = inlined.parent.inlined_index() {
            index("inlined instruction", parent as u32, at)?;
        }
    }
    Ok(())
}
