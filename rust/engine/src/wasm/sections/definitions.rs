//! The sections that define functions, tables, memories, tags and globals (3.0, 5.5.6 to 5.5.10).

use super::{constant, types};
use crate::wasm::{ModuleInfo, parse::Failure};
use wasmparser::{
    FunctionSectionReader, GlobalSectionReader, MemorySectionReader, TableInit, TableSectionReader, TagSectionReader,
};

/// Reads the function section: a type index each.
pub fn functions(info: &mut ModuleInfo, section: FunctionSectionReader<'_>) -> Result<(), Failure> {
    for ty in section {
        info.functions.push(ty?);
    }
    Ok(())
}

/// Reads the table section.
pub fn tables(info: &mut ModuleInfo, section: TableSectionReader<'_>) -> Result<(), Failure> {
    for table in section {
        let table = table?;
        if let TableInit::Expr(init) = table.init {
            return Err(Failure::unexpected(init));
        }
        info.tables.push(types::table(table.ty)?);
    }
    Ok(())
}

/// Reads the memory section.
pub fn memories(info: &mut ModuleInfo, section: MemorySectionReader<'_>) -> Result<(), Failure> {
    for memory in section {
        info.memories.push(types::memory(memory?)?);
    }
    Ok(())
}

/// Reads the tag section: a type index each.
pub fn tags(info: &mut ModuleInfo, section: TagSectionReader<'_>) -> Result<(), Failure> {
    for tag in section {
        info.tags.push(tag?.func_type_idx);
    }
    Ok(())
}

/// Reads the global section.
pub fn globals(info: &mut ModuleInfo, section: GlobalSectionReader<'_>) -> Result<(), Failure> {
    for global in section {
        let global = global?;
        info.globals.push(types::global(global.ty)?);
        let init = constant::expression(&mut info.escaping, &global.init_expr)?;
        info.global_inits.push(init);
    }
    Ok(())
}
