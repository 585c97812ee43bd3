//! The import section (5.5.5): each import also takes the next index of its kind.

use super::types;
use crate::prelude::*;
use crate::types::ExternType;
use crate::wasm::{Import, ModuleInfo, parse::Failure};
use wasmparser::{ImportSectionReader, TypeRef};

/// Reads the import section.
pub fn imports(info: &mut ModuleInfo, section: ImportSectionReader<'_>) -> Result<(), Failure> {
    for import in section.into_imports() {
        let import = import?;
        let ty = match import.ty {
            TypeRef::Func(ty) => {
                info.functions.push(ty);
                info.imported_functions += 1;
                ExternType::Func(info.types[ty as usize].clone())
            }
            TypeRef::Table(ty) => {
                let ty = types::table(ty)?;
                info.tables.push(ty);
                info.imported_tables += 1;
                ExternType::Table(ty)
            }
            TypeRef::Memory(ty) => {
                let ty = types::memory(ty)?;
                info.memories.push(ty);
                info.imported_memories += 1;
                ExternType::Memory(ty)
            }
            TypeRef::Global(ty) => {
                let ty = types::global(ty)?;
                info.globals.push(ty);
                info.imported_globals += 1;
                ExternType::Global(ty)
            }
            TypeRef::Tag(ty) => {
                info.tags.push(ty.func_type_idx);
                info.imported_tags += 1;
                ExternType::Tag(info.types[ty.func_type_idx as usize].clone())
            }
            other @ TypeRef::FuncExact(_) => return Err(Failure::unexpected(other)),
        };
        info.imports.push(Import { namespace: import.module.to_owned(), name: import.name.to_owned(), ty });
    }
    Ok(())
}
