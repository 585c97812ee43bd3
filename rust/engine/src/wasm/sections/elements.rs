//! The element section (5.5.12). Functions in a segment of any mode can be referred to; code may
//! only name such ones in `ref.func`. Which of them need a record is found at the end: see
//! `table_use`.

use super::{constant, types};
use crate::prelude::*;
use crate::types::ValType;
use crate::wasm::{ConstExpr, ConstOp, ElementSegment, ModuleInfo, SegmentMode, parse::Failure};
use wasmparser::{ElementItems, ElementKind, ElementSectionReader};

/// Reads the element section.
pub fn elements(info: &mut ModuleInfo, section: ElementSectionReader<'_>) -> Result<(), Failure> {
    for segment in section {
        let segment = segment?;
        // Found again where the segments are known.
        let escaping = &mut Vec::new();
        let mode = match segment.kind {
            ElementKind::Passive => SegmentMode::Passive,
            ElementKind::Declared => SegmentMode::Declared,
            ElementKind::Active { table_index, offset_expr } => SegmentMode::Active {
                index: table_index.unwrap_or(0),
                offset: constant::expression(escaping, &offset_expr)?,
            },
        };
        let (ty, items) = match segment.items {
            ElementItems::Functions(functions) => {
                let mut items = Vec::new();
                for function in functions {
                    items.push(ConstExpr::One(ConstOp::RefFunc(function?)));
                }
                (ValType::FuncRef, items)
            }
            ElementItems::Expressions(ty, expressions) => {
                let mut items = Vec::new();
                for expression in expressions {
                    items.push(constant::expression(escaping, &expression?)?);
                }
                (types::reference(ty)?, items)
            }
        };
        info.elements.push(ElementSegment { mode, ty, items });
    }
    Ok(())
}
