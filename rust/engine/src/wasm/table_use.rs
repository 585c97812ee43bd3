//! What the code of a module does to its tables after instantiation: those that cannot grow need no
//! reservation of address space, and of those that nothing writes to calls know what they hold.
//!
//! ============================================================================================
//!   Sandbox-critical.
//!   Calls leave out checks where a table is said to hold only certain functions. A way
//!   to write to a table that is missed here lets a guest call code with a signature or a vmctx
//!   not its own. Change it with a second reader.
//! ============================================================================================

use super::{Body, ConstOp, ExternKind, ModuleInfo, SegmentMode, TableContents};
use crate::prelude::*;
use crate::types::ValType;
use wasmparser::Operator;

/// Who changes a table after instantiation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Use {
    /// It can grow.
    grows: bool,
    /// Something other than an active segment can write elements.
    written: bool,
}

/// For each table, whether it can ever grow, and what is known of its elements.
///
/// It can grow if it is imported or exported, or a body holds a `table.grow` of it; never, if it is
/// the module's own and declared with a maximum equal to its minimum. See [`TableContents`] for
/// the rest.
///
/// Bodies are looked into only if the answer of some table depends on them, and decoded only if
/// they hold the bytes of an instruction that writes to a table.
pub fn find(info: &ModuleInfo, bodies: &[Body<'_>]) -> (Vec<bool>, Vec<Option<TableContents>>) {
    let imported = info.imported_tables as usize;
    let mut uses = vec![Use::default(); info.tables.len()];
    uses[..imported].fill(Use { grows: true, written: true });
    for export in &info.exports {
        if export.kind == ExternKind::Table {
            uses[export.index as usize] = Use { grows: true, written: true };
        }
    }
    let fixed = |at: usize| at >= imported && info.tables[at].limits.max == Some(info.tables[at].limits.min);
    let contents: Vec<_> =
        (0..uses.len()).map(|at| (!uses[at].written).then(|| contents(info, at)).flatten()).collect();
    if (0..uses.len()).any(|at| contents[at].is_some() || (!uses[at].grows && !fixed(at))) {
        for body in bodies.iter().filter(|body| may_write_table(body.body.as_bytes(), info.tables.len())) {
            mark(&mut uses, body);
        }
    }
    let can_grow = uses.iter().enumerate().map(|(at, table)| table.grows && !fixed(at)).collect();
    let contents = contents.into_iter().zip(&uses).map(|(contents, table)| contents.filter(|_| !table.written));
    (can_grow, contents.collect())
}

/// What the active segments write to an own table of functions; nothing where an item is not known
/// before instantiation.
fn contents(info: &ModuleInfo, table: usize) -> Option<TableContents> {
    if info.tables[table].element != ValType::FuncRef {
        return None;
    }
    let mut types = None;
    let mut own = true;
    for segment in &info.elements {
        if !matches!(segment.mode, SegmentMode::Active { index, .. } if index as usize == table) {
            continue;
        }
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
    Some(TableContents { ty: same.then_some(ty), own })
}

/// Whether the bytes hold a `table.set` of one of so many tables (0x26 and the table's index), or
/// the prefix 0xfc and then the number of an instruction that writes to a table; indices and
/// numbers maybe as longer LEB128 than needed. Other instructions may hold such bytes, too.
fn may_write_table(body: &[u8], tables: usize) -> bool {
    const TABLE_SET: u8 = 0x26;
    const PREFIX: u8 = 0xfc;
    body.windows(2).any(|pair| match pair[0] {
        // An index above 127 has any value in its low bits.
        TABLE_SET => usize::from(pair[1] & 0x7f) < tables || tables > 128,
        // table.init, table.copy, table.grow, table.fill
        PREFIX => matches!(pair[1] & 0x7f, 12 | 14 | 15 | 17),
        _ => false,
    })
}

/// Marks the tables that a body writes to. The body is not validated yet: one that cannot be
/// decoded will be refused later.
fn mark(uses: &mut [Use], body: &Body<'_>) {
    let Ok(reader) = body.body.get_operators_reader() else { return };
    for op in reader {
        let (table, grows) = match op {
            Ok(Operator::TableGrow { table }) => (table, true),
            Ok(
                Operator::TableSet { table }
                | Operator::TableFill { table }
                | Operator::TableInit { table, .. }
                | Operator::TableCopy { dst_table: table, .. },
            ) => (table, false),
            Ok(_) => continue,
            Err(_) => return,
        };
        if let Some(table) = uses.get_mut(table as usize) {
            table.written = true;
            table.grows |= grows;
        }
    }
}
