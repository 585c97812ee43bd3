//! Which tables can grow after instantiation: the others need no reservation of address space.

use super::{Body, ExternKind, ModuleInfo};
use crate::prelude::*;
use wasmparser::Operator;

/// For each table, whether it can ever grow: it is imported or exported, or a body holds a
/// `table.grow` of it; never, if it is the module's own and declared with a maximum equal to its
/// minimum.
///
/// Bodies are looked into only if the answer of some table depends on them, and decoded only if
/// they hold the bytes of a `table.grow`.
pub fn find(info: &ModuleInfo, bodies: &[Body<'_>]) -> Vec<bool> {
    let imported = info.imported_tables as usize;
    let mut can_grow = vec![false; info.tables.len()];
    can_grow[..imported].fill(true);
    for export in &info.exports {
        if export.kind == ExternKind::Table {
            can_grow[export.index as usize] = true;
        }
    }
    let fixed = |at: usize| at >= imported && info.tables[at].limits.max == Some(info.tables[at].limits.min);
    if (0..can_grow.len()).any(|at| !can_grow[at] && !fixed(at)) {
        for body in bodies.iter().filter(|body| may_grow_table(body.body.as_bytes())) {
            mark(&mut can_grow, body);
        }
    }
    for (at, can_grow) in can_grow.iter_mut().enumerate() {
        *can_grow &= !fixed(at);
    }
    can_grow
}

/// Whether the bytes hold the prefix 0xfc and then 15, maybe as a longer LEB128 than needed. Any
/// `table.grow` does; other instructions may, too.
fn may_grow_table(body: &[u8]) -> bool {
    // The search for one byte is quick, and most bodies have no such byte.
    body.contains(&0xfc) && body.windows(2).any(|pair| pair[0] == 0xfc && pair[1] & 0x7f == 15)
}

/// Marks the tables that a body grows. The body is not validated yet: one that cannot be decoded
/// will be refused later.
fn mark(can_grow: &mut [bool], body: &Body<'_>) {
    let Ok(reader) = body.body.get_operators_reader() else { return };
    for op in reader {
        match op {
            Ok(Operator::TableGrow { table }) => {
                if let Some(can_grow) = can_grow.get_mut(table as usize) {
                    *can_grow = true;
                }
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}
