//! The data section (5.5.14).

use super::constant;
use crate::wasm::{DataSegment, ModuleInfo, SegmentMode, parse::Failure};
use wasmparser::{DataKind, DataSectionReader};

/// Reads the data section.
pub fn data(info: &mut ModuleInfo, section: DataSectionReader<'_>) -> Result<(), Failure> {
    for segment in section {
        let segment = segment?;
        let mode = match segment.kind {
            DataKind::Passive => SegmentMode::Passive,
            DataKind::Active { memory_index, offset_expr } => SegmentMode::Active {
                index: memory_index,
                offset: constant::expression(&mut info.escaping, &offset_expr)?,
            },
        };
        info.data.push(DataSegment { mode, bytes: segment.data.into() });
    }
    Ok(())
}
