//! The export section (5.5.10).

use crate::prelude::*;
use crate::wasm::{Export, ExternKind, ModuleInfo, parse::Failure};
use wasmparser::{ExportSectionReader, ExternalKind};

/// Reads the export section. An exported function can be referred to from everywhere.
pub fn exports(info: &mut ModuleInfo, section: ExportSectionReader<'_>) -> Result<(), Failure> {
    for export in section {
        let export = export?;
        let kind = match export.kind {
            ExternalKind::Func => ExternKind::Func,
            ExternalKind::Table => ExternKind::Table,
            ExternalKind::Memory => ExternKind::Memory,
            ExternalKind::Global => ExternKind::Global,
            ExternalKind::Tag => ExternKind::Tag,
            other @ ExternalKind::FuncExact => return Err(Failure::unexpected(other)),
        };
        if kind == ExternKind::Func {
            info.escaping.push(export.index);
        }
        info.exports.push(Export { name: export.name.to_owned(), kind, index: export.index });
    }
    Ok(())
}
