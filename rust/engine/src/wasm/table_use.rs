//! What the code of a module does to its tables after instantiation: those that cannot grow need no
//! reservation of address space, of those that nothing writes to calls know what they hold, and of
//! those that nothing but calls reads, too, there is one for all instances.
//!
//! ============================================================================================
//!   Sandbox-critical.
//!   Calls leave out checks where a table is said to hold only certain functions. A way
//!   to write to a table that is missed here lets a guest call code with a signature or a vmctx
//!   not its own; a way to read from a shared one that is missed lets it get hold of a record
//!   without an instance. Change it with a second reader.
//! ============================================================================================

use super::{Body, ConstExpr, ConstOp, ElementSegment, Export, ExternKind, ModuleInfo, SegmentMode, TableContents};
use crate::prelude::*;
use crate::types::ValType;
use wasmparser::Operator;

/// What happens to a table after instantiation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Use {
    /// It can grow.
    grows: bool,
    /// Something other than an active segment can write elements.
    written: bool,
    /// Something other than a call can read elements.
    read: bool,
}

impl Use {
    /// That of a table that others have.
    const ANY: Self = Self { grows: true, written: true, read: true };
}

/// Finds for each table whether it can ever grow, and what is known of its elements; and the
/// functions that need a record because of element segments.
///
/// A table can grow if it is imported or exported, or a body holds a `table.grow` of it; never, if
/// it is the module's own and declared with a maximum equal to its minimum. See [`TableContents`]
/// for the rest.
///
/// Bodies are looked into only if the answer of some table depends on them, and decoded only if
/// they hold the bytes of an instruction that matters.
pub fn find(info: &mut ModuleInfo, bodies: &[Body<'_>]) {
    let imported = info.imported_tables as usize;
    let mut uses = vec![Use::default(); info.tables.len()];
    uses[..imported].fill(Use::ANY);
    for export in &info.exports {
        if export.kind == ExternKind::Table {
            uses[export.index as usize] = Use::ANY;
        }
    }
    let fixed = |at: usize| at >= imported && info.tables[at].limits.max == Some(info.tables[at].limits.min);
    let contents: Vec<_> =
        (0..uses.len()).map(|at| (!uses[at].written).then(|| contents(info, at)).flatten()).collect();
    let may_share = contents.iter().flatten().any(|contents| contents.shared);
    let mut referred = Vec::new();
    if (0..uses.len()).any(|at| contents[at].is_some() || (!uses[at].grows && !fixed(at))) {
        for body in bodies.iter().filter(|body| may_use_table(body.body.as_bytes(), info.tables.len(), may_share)) {
            mark(&mut uses, &mut referred, body);
        }
    }
    let can_grow = uses.iter().enumerate().map(|(at, table)| table.grows && !fixed(at)).collect();
    let contents = contents.into_iter().zip(&uses).map(|(contents, table)| {
        let contents = contents.filter(|_| !table.written)?;
        Some(TableContents { shared: contents.shared && !table.read, ..contents })
    });
    let contents = contents.collect();
    (info.table_can_grow, info.table_contents) = (can_grow, contents);
    records(info, &referred);
}

/// Lists the functions that need a record because of element segments: those of segments from which
/// a reference can come into the hands of code or of others, and those that code may take a
/// reference of. `referred` holds the latter at least, if there is a table that instances share.
fn records(info: &mut ModuleInfo, referred: &[u32]) {
    let mut escaping = core::mem::take(&mut info.escaping);
    let mut only_called = false;
    for segment in &info.elements {
        if matches!(segment.mode, SegmentMode::Active { index, .. } if info.shares_table(index)) {
            only_called = true;
            continue;
        }
        let functions = segment.items.iter().flat_map(|item| item.iter()).filter_map(|op| match op {
            ConstOp::RefFunc(function) => Some(*function),
            _ => None,
        });
        escaping.extend(functions);
    }
    if only_called {
        // A body that names a function that does not exist is refused when it is validated.
        escaping.extend(referred.iter().filter(|function| (**function as usize) < info.functions.len()));
    }
    info.escaping = escaping;
}

/// What the active segments write to an own table of functions; nothing where an item is not known
/// before instantiation. Whether it is shared is said as if nothing but calls read it.
fn contents(info: &ModuleInfo, table: usize) -> Option<TableContents> {
    if info.tables[table].element != ValType::FuncRef {
        return None;
    }
    let mut types = None;
    let mut own = true;
    for segment in of_table(info, table) {
        for item in &segment.items {
            let function = match item[..] {
                [ConstOp::RefFunc(function)] => function,
                [ConstOp::RefNull] => continue,
                _ => return None,
            };
            own &= !info.is_imported_function(function);
            let ty = info.functions[function as usize];
            types = match types {
                None => Some((ty, true)),
                // One type may be declared twice.
                Some((first, same)) => {
                    let equal = first == ty || info.types[first as usize] == info.types[ty as usize];
                    Some((first, same && equal))
                }
            };
        }
    }
    let (ty, same) = types?;
    Some(TableContents { ty: same.then_some(ty), own, shared: own && can_be_shared(info, table) })
}

/// The active segments of a table.
fn of_table(info: &ModuleInfo, table: usize) -> impl Iterator<Item = &ElementSegment> {
    let of_table = move |segment: &&ElementSegment| matches!(segment.mode, SegmentMode::Active { index, .. } if index as usize == table);
    info.elements.iter().filter(of_table)
}

/// Whether a table that only calls read, and that only segments write to, may be one for all
/// instances: it is a table of functions and the module's own alone, its items are own functions or
/// null, and the segments fit wherever they go.
pub fn can_be_shared(info: &ModuleInfo, table: usize) -> bool {
    let exported = |export: &Export| export.kind == ExternKind::Table && export.index as usize == table;
    if table < info.imported_tables as usize || info.exports.iter().any(exported) {
        return false;
    }
    let own = |item: &ConstExpr| match item[..] {
        [ConstOp::RefFunc(function)] => {
            !info.is_imported_function(function) && (function as usize) < info.functions.len()
        }
        [ConstOp::RefNull] => true,
        _ => false,
    };
    info.tables[table].element == ValType::FuncRef
        && of_table(info, table).all(|segment| {
            let end = place(&segment.mode).and_then(|start| start.checked_add(segment.items.len() as u64));
            end.is_some_and(|end| end <= info.tables[table].limits.min) && segment.items.iter().all(own)
        })
}

/// Where an active segment goes, if a single constant says that.
#[must_use]
pub fn place(mode: &SegmentMode) -> Option<u64> {
    let SegmentMode::Active { offset, .. } = mode else { return None };
    match offset[..] {
        [ConstOp::I32(offset)] => Some(u64::from(offset.cast_unsigned())),
        [ConstOp::I64(offset)] => Some(offset.cast_unsigned()),
        _ => None,
    }
}

/// Whether the bytes hold a `table.set` of one of so many tables (0x26 and the table's index), or
/// the prefix 0xfc and then the number of an instruction that writes to a table; indices and
/// numbers maybe as longer LEB128 than needed. With `reads` also a `table.get` (0x25) or a
/// `ref.func` (0xd2). Other instructions may hold such bytes, too.
fn may_use_table(body: &[u8], tables: usize, reads: bool) -> bool {
    const TABLE_GET: u8 = 0x25;
    const TABLE_SET: u8 = 0x26;
    const REF_FUNC: u8 = 0xd2;
    const PREFIX: u8 = 0xfc;
    // An index above 127 has any value in its low bits.
    let is_table = |byte: u8| usize::from(byte & 0x7f) < tables || tables > 128;
    body.windows(2).any(|pair| match pair[0] {
        TABLE_SET => is_table(pair[1]),
        TABLE_GET => reads && is_table(pair[1]),
        REF_FUNC => reads,
        // table.init, table.copy, table.grow, table.fill
        PREFIX => matches!(pair[1] & 0x7f, 12 | 14 | 15 | 17),
        _ => false,
    })
}

/// Marks the tables that a body uses, but by calls, and adds the functions that it refers to. The
/// body is not validated yet: one that cannot be decoded will be refused later.
fn mark(uses: &mut [Use], referred: &mut Vec<u32>, body: &Body<'_>) {
    let Ok(reader) = body.body.get_operators_reader() else { return };
    for op in reader {
        let (table, what) = match op {
            Ok(Operator::RefFunc { function_index }) => {
                referred.push(function_index);
                continue;
            }
            Ok(Operator::TableGet { table }) => (table, Use { read: true, ..Use::default() }),
            Ok(Operator::TableGrow { table }) => (table, Use { grows: true, written: true, read: false }),
            Ok(Operator::TableSet { table } | Operator::TableFill { table } | Operator::TableInit { table, .. }) => {
                (table, Use { written: true, ..Use::default() })
            }
            Ok(Operator::TableCopy { dst_table, src_table }) => {
                if let Some(table) = uses.get_mut(src_table as usize) {
                    table.read = true;
                }
                (dst_table, Use { written: true, ..Use::default() })
            }
            Ok(_) => continue,
            Err(_) => return,
        };
        if let Some(table) = uses.get_mut(table as usize) {
            table.grows |= what.grows;
            table.written |= what.written;
            table.read |= what.read;
        }
    }
}
