//! Linking: what may stand for an import (section 4.5.3, "External Typing").

use super::externs::{Extern, FuncHandle, FuncSource};
use super::module::Module;
use crate::error::{Error, ErrorKind, Result};
use crate::options::BoundsMode;
use crate::types::ExternType;
use crate::wasm::Import;

/// The error for an import that nothing stands for.
pub(super) fn missing(import: &Import) -> Error {
    let message = format!("Import not found, namespace: {}, name: {}", import.namespace, import.name);
    Error::new(ErrorKind::Link, message)
}

/// Checks that something may stand for an import of a module.
pub(super) fn check(module: &Module, import: &Import, given: &Extern) -> Result<()> {
    let name = || format!("`{}.{}`", import.namespace, import.name);
    let fits = match (given, &import.ty) {
        // Without a copy: most imports are functions.
        (Extern::Func(function), ExternType::Func(wanted)) => function.ty() == wanted,
        _ => matches(&given.ty(), &import.ty),
    };
    if !fits {
        let ty = given.ty();
        let message = format!("Import {} has the wrong type: expected {}, given {ty}", name(), import.ty);
        return Err(Error::new(ErrorKind::Link, message));
    }
    match given {
        Extern::Memory(memory)
            if module.options().bounds.of_memory(&memory.ty()) == BoundsMode::Guarded
                && memory.memory().mode() == BoundsMode::Explicit =>
        {
            let message = format!(
                "Import {} cannot be used: expected a memory in a full reservation, as the module was compiled without \
                 bounds checks, given one in a small reservation; compile the module with explicit bounds checks",
                name()
            );
            Err(Error::new(ErrorKind::Link, message))
        }
        Extern::Func(function) if is_c_function(function) && function.ty().results.len() > 1 => {
            let results = function.ty().results.len();
            let message = format!("Import {} has {results} results, expected at most one of a C function", name());
            Err(Error::new(ErrorKind::Link, message))
        }
        Extern::Func(function) if is_c_function(function) && function.ty().has_vectors() => {
            let message = format!(
                "Import {} has the type {}, expected one without v128, which a C function cannot take or give",
                name(),
                function.ty()
            );
            Err(Error::new(ErrorKind::Link, message))
        }
        _ => Ok(()),
    }
}

fn is_c_function(function: &FuncHandle) -> bool {
    matches!(function.source(), FuncSource::Host(host) if !host.c_function.is_null())
}

/// Whether something of the type `given` may stand where `wanted` is asked for.
fn matches(given: &ExternType, wanted: &ExternType) -> bool {
    match (given, wanted) {
        (ExternType::Func(given), ExternType::Func(wanted)) | (ExternType::Tag(given), ExternType::Tag(wanted)) => {
            given == wanted
        }
        (ExternType::Table(given), ExternType::Table(wanted)) => given.matches(wanted),
        (ExternType::Memory(given), ExternType::Memory(wanted)) => given.matches(wanted),
        (ExternType::Global(given), ExternType::Global(wanted)) => given == wanted,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{FuncType, GlobalType, Limits, MemoryType, TableType, ValType};

    fn memory(min: u64, max: Option<u64>) -> ExternType {
        ExternType::Memory(MemoryType::new(Limits { min, max }))
    }

    fn table(element: ValType, min: u64) -> ExternType {
        ExternType::Table(TableType::new(element, Limits { min, max: None }))
    }

    fn global(value: ValType, mutable: bool) -> ExternType {
        ExternType::Global(GlobalType { value, mutable })
    }

    #[test]
    fn matching_is_that_of_the_specification() {
        use ValType::{ExternRef, FuncRef, I32, I64};
        let function = |params| ExternType::Func(FuncType { params, results: vec![] });
        // Every kind stands for itself only.
        let kinds = [function(vec![I32]), table(FuncRef, 1), memory(1, None), global(I32, false)];
        for (i, a) in kinds.iter().enumerate() {
            for (j, b) in kinds.iter().enumerate() {
                assert_eq!(matches(a, b), i == j, "{a} for {b}");
            }
        }
        assert!(!matches(&function(vec![I32]), &function(vec![I64])));
        assert!(!matches(&table(ExternRef, 1), &table(FuncRef, 1)));
        assert!(matches(&table(FuncRef, 2), &table(FuncRef, 1)));
        assert!(!matches(&global(I32, true), &global(I32, false)) && !matches(&global(I32, false), &global(I32, true)));
        assert!(!matches(&global(I32, false), &global(I64, false)));
        // Limits: enough now, and never more than is allowed.
        assert!(matches(&memory(2, Some(3)), &memory(1, Some(3))) && matches(&memory(2, Some(3)), &memory(2, None)));
        assert!(!matches(&memory(1, None), &memory(2, None)) && !matches(&memory(1, None), &memory(1, Some(9))));
        assert!(!matches(&memory(1, Some(4)), &memory(1, Some(3))));
    }

    #[test]
    fn missing_imports_are_named() {
        let import = Import { namespace: "env".into(), name: "sum".into(), ty: memory(1, None) };
        assert_eq!(missing(&import).message(), "Import not found, namespace: env, name: sum");
    }
}
