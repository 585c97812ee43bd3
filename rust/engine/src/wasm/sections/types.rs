//! The type section (5.5.4), and the parser's types as ours.

use crate::prelude::*;
use crate::types::{FuncType, GlobalType, Limits, MemoryType, PAGE_SIZE_LOG2, TableType, ValType};
use crate::wasm::{ModuleInfo, parse::Failure};
use wasmparser::{RefType, TypeSectionReader};

/// Reads the type section.
pub fn types(info: &mut ModuleInfo, section: TypeSectionReader<'_>) -> Result<(), Failure> {
    for ty in section.into_iter_err_on_gc_types() {
        let ty = ty?;
        let list = |types: &[wasmparser::ValType]| types.iter().map(|ty| value(*ty)).collect::<Result<Vec<_>, _>>();
        info.types.push(FuncType { params: list(ty.params())?, results: list(ty.results())? });
    }
    Ok(())
}

/// A value type (5.3.4).
pub fn value(ty: wasmparser::ValType) -> Result<ValType, Failure> {
    Ok(match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        wasmparser::ValType::V128 => ValType::V128,
        wasmparser::ValType::Ref(ty) => reference(ty)?,
    })
}

/// A reference type (5.3.3).
pub fn reference(ty: RefType) -> Result<ValType, Failure> {
    match ty {
        RefType::FUNCREF => Ok(ValType::FuncRef),
        RefType::EXTERNREF => Ok(ValType::ExternRef),
        // The type of null alone is not told apart.
        RefType::EXNREF | RefType::NULLEXNREF => Ok(ValType::ExnRef),
        other => Err(Failure::unexpected(other)),
    }
}

/// A table type (5.3.9).
pub fn table(ty: wasmparser::TableType) -> Result<TableType, Failure> {
    if ty.shared {
        return Err(Failure::unexpected(ty));
    }
    let limits = Limits { min: ty.initial, max: ty.maximum };
    Ok(TableType { element: reference(ty.element_type)?, limits, index64: ty.table64 })
}

/// A memory type (5.3.8).
pub fn memory(ty: wasmparser::MemoryType) -> Result<MemoryType, Failure> {
    let page_size_log2 = match ty.page_size_log2 {
        None => PAGE_SIZE_LOG2,
        Some(log2 @ (0 | 16)) => log2 as u8,
        Some(_) => return Err(Failure::unexpected(ty)),
    };
    if ty.shared {
        return Err(Failure::unexpected(ty));
    }
    Ok(MemoryType { limits: Limits { min: ty.initial, max: ty.maximum }, index64: ty.memory64, page_size_log2 })
}

/// A global type (5.3.10).
pub fn global(ty: wasmparser::GlobalType) -> Result<GlobalType, Failure> {
    if ty.shared {
        return Err(Failure::unexpected(ty));
    }
    Ok(GlobalType { value: value(ty.content_type)?, mutable: ty.mutable })
}
