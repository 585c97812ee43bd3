//! The encodings in which descriptions cross to Go: little-endian numbers, strings as a u32 length
//! and bytes of UTF-8.
//!
//! ```text
//! module    u32 version = 3
//!           u64 serial number of its code, 0 where it is not compiled
//!           u32 n, n x type       (u32 n, n x u8 parameter, u32 n, n x u8 result)
//!           u32 n, n x import     (str namespace, str name, u8 kind, payload)
//!           u32 n, n x export     (str name, u8 kind, u32 index, payload)
//!           str module name
//!           u32 n, n x section    (str name, u8 custom, u64 bytes, u64 start, u64 end; see `wasm::Section`)
//!           u32 functions defined
//!           u64 bytes of code
//!           u32 n, n x memory, imported ones first
//! payload   function: u32 type index    table: u8 element type, limits    memory    global: u8 type, u8 mutable
//! limits    u64 min, u8 has max, u64 max, u8 whether indices have 64 bits
//! memory    limits, u8 page size as a power of two
//! type      u32 n, n x u8 parameter, u32 n, n x u8 result
//! trap      u32 n, n x frame      innermost first
//!           u32 frames left out
//!           u8 whether an address is known, u64 address in the memory, u64 bytes of the memory
//!           u32 n, n x refusal    (u8 whether of a table, u64 bytes of a page, u64 asked, u64 limit, u8 limiter; see `vm::refused`)
//! frame     u64 serial number of the module's code, str module name, u32 function, str function name, type
//!           u32 wasm offset, u32 offset of the contents of the code section
//! functions u64 address, u32 n, n x body   (u32 start, u32 end, u32 function or u32::MAX, str function name)
//! proposals u32 n, n x proposal   (str name, u8 whether it is supported)
//! debug     u32 n, n x section    (str name, u32 n, n x u8)
//! ```

use crate::code::Symbol;
use crate::prelude::*;
use crate::types::{ExternType, FuncType, Limits, MemoryType, ValType};
use crate::vm::Module;
use crate::vm::run::TrapDetails;
use crate::wasm::{ExternKind, ModuleInfo};

/// Version of the module encoding.
pub const VERSION: u32 = 4;

/// Bytes under construction.
#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).expect("counts are limited by validation"));
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn types(&mut self, types: &[ValType]) {
        self.count(types.len());
        self.0.extend(types.iter().map(|ty| *ty as u8));
    }

    fn limits(&mut self, limits: &Limits, index64: bool) {
        self.u64(limits.min);
        self.u8(u8::from(limits.max.is_some()));
        self.u64(limits.max.unwrap_or(0));
        self.u8(u8::from(index64));
    }

    fn memory(&mut self, ty: &MemoryType) {
        self.limits(&ty.limits, ty.index64);
        self.u8(ty.page_size_log2);
    }

    fn payload(&mut self, types: &[FuncType], ty: &ExternType) {
        match ty {
            ExternType::Func(ty) | ExternType::Tag(ty) => {
                let index = types.iter().position(|candidate| candidate == ty);
                self.count(index.expect("the type of a function or tag is one of the module's"));
            }
            ExternType::Table(ty) => {
                self.u8(ty.element as u8);
                self.limits(&ty.limits, ty.index64);
            }
            ExternType::Memory(ty) => self.memory(ty),
            ExternType::Global(ty) => {
                self.u8(ty.value as u8);
                self.u8(u8::from(ty.mutable));
            }
        }
    }
}

/// The kind of what a type describes.
const fn kind(ty: &ExternType) -> ExternKind {
    match ty {
        ExternType::Func(_) => ExternKind::Func,
        ExternType::Table(_) => ExternKind::Table,
        ExternType::Memory(_) => ExternKind::Memory,
        ExternType::Global(_) => ExternKind::Global,
        ExternType::Tag(_) => ExternKind::Tag,
    }
}

/// Encodes the description of a module.
#[must_use]
pub fn module(module: &Module) -> Vec<u8> {
    info(module.info(), module.serial(), module.code_bytes())
}

/// Encodes the description of a module that is not compiled.
#[must_use]
pub fn declarations(declared: &ModuleInfo) -> Vec<u8> {
    info(declared, 0, 0)
}

fn info(info: &ModuleInfo, serial: u64, code_bytes: u64) -> Vec<u8> {
    let mut to = Writer::default();
    to.u32(VERSION);
    to.u64(serial);
    to.count(info.types.len());
    for ty in &info.types {
        to.types(&ty.params);
        to.types(&ty.results);
    }
    to.count(info.imports.len());
    for import in &info.imports {
        to.text(&import.namespace);
        to.text(&import.name);
        to.u8(kind(&import.ty) as u8);
        to.payload(&info.types, &import.ty);
    }
    to.count(info.exports.len());
    for export in &info.exports {
        to.text(&export.name);
        to.u8(export.kind as u8);
        to.u32(export.index);
        if export.kind == ExternKind::Func {
            to.u32(info.functions[export.index as usize]);
        } else {
            to.payload(&info.types, &info.export_type(export));
        }
    }
    to.text(info.names.module.as_deref().unwrap_or(""));
    to.count(info.sections.len());
    for section in &info.sections {
        to.text(&section.name);
        to.u8(u8::from(section.custom));
        to.u64(section.size);
        to.u64(section.start);
        to.u64(section.end);
    }
    to.count(info.functions.len() - info.imported_functions as usize);
    to.u64(code_bytes);
    to.count(info.memories.len());
    for memory in &info.memories {
        to.memory(memory);
    }
    to.count(info.tags.len());
    to.0
}

/// Encodes the type of a function.
#[must_use]
pub fn function_type(ty: &FuncType) -> Vec<u8> {
    let mut to = Writer::default();
    to.types(&ty.params);
    to.types(&ty.results);
    to.0
}

/// Encodes a trap.
#[must_use]
pub fn trap(frames: &[Symbol], left_out: u32, details: &TrapDetails) -> Vec<u8> {
    let mut to = Writer::default();
    to.count(frames.len());
    for frame in frames {
        to.u64(frame.module);
        to.text(frame.module_name.as_deref().unwrap_or(""));
        to.u32(frame.function);
        to.text(frame.name.as_deref().unwrap_or(""));
        to.types(&frame.ty.params);
        to.types(&frame.ty.results);
        to.u32(frame.wasm_offset);
        to.u32(frame.code_offset);
    }
    to.u32(left_out);
    let (address, size) = details.fault.unwrap_or_default();
    to.u8(u8::from(details.fault.is_some()));
    to.u64(address);
    to.u64(size);
    to.count(details.refused.len());
    for (table, page, refused) in &details.refused {
        to.u8(u8::from(*table));
        to.u64(*page);
        to.u64(refused.asked);
        to.u64(refused.limit);
        to.u8(refused.limiter as u8);
    }
    to.0
}

/// Encodes where the functions of a module are.
#[must_use]
pub fn functions(module: &Module) -> Vec<u8> {
    let mut to = Writer::default();
    let (base, bodies) = module.bodies();
    to.u64(base as u64);
    to.count(bodies.len());
    for (range, function) in bodies {
        to.u32(range.start);
        to.u32(range.end);
        to.u32(function.unwrap_or(u32::MAX));
        to.text(function.and_then(|function| module.info().names.function(function)).unwrap_or(""));
    }
    to.0
}

/// Encodes proposals.
#[must_use]
pub fn proposals(proposals: &[(&str, bool)]) -> Vec<u8> {
    let mut to = Writer::default();
    to.count(proposals.len());
    for (name, supported) in proposals {
        to.text(name);
        to.u8(u8::from(*supported));
    }
    to.0
}

/// Encodes the sections with debugging information.
#[must_use]
pub fn debug(info: &ModuleInfo) -> Vec<u8> {
    let mut to = Writer::default();
    to.count(info.debug.len());
    for section in &info.debug {
        to.text(&section.name);
        to.count(section.bytes.len());
        to.0.extend_from_slice(&section.bytes);
    }
    to.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasm::{Export, Import, Section};

    #[test]
    fn describes_a_module() {
        let sum = FuncType { params: vec![ValType::I32, ValType::F64], results: vec![ValType::I64] };
        let memory = MemoryType { index64: true, page_size_log2: 0, limits: Limits { min: 1, max: Some(3) } };
        let described = info(
            &ModuleInfo {
                types: vec![sum.clone()],
                imports: vec![Import { namespace: "a".into(), name: "bc".into(), ty: ExternType::Func(sum) }],
                functions: vec![0],
                imported_functions: 1,
                memories: vec![memory],
                exports: vec![Export { name: "m".into(), kind: ExternKind::Memory, index: 0 }],
                sections: vec![Section { name: "type".into(), custom: false, size: 7, start: 10, end: 17 }],
                ..ModuleInfo::default()
            },
            5,
            9,
        );
        let mut expected = Writer::default();
        expected.u32(VERSION);
        expected.u64(5);
        expected.0.extend([1, 0, 0, 0, 2, 0, 0, 0, 0, 3, 1, 0, 0, 0, 1]);
        expected.0.extend([1, 0, 0, 0, 1, 0, 0, 0, b'a', 2, 0, 0, 0, b'b', b'c', 0, 0, 0, 0, 0]);
        expected.0.extend([1, 0, 0, 0, 1, 0, 0, 0, b'm', 2, 0, 0, 0, 0]);
        expected.0.extend([1, 0, 0, 0, 0, 0, 0, 0, 1, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
        expected.u32(0);
        expected.0.extend([1, 0, 0, 0, 4, 0, 0, 0, b't', b'y', b'p', b'e', 0, 7, 0, 0, 0, 0, 0, 0, 0]);
        expected.0.extend([10, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0]);
        expected.u32(0);
        expected.u64(9);
        expected.0.extend([1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
        expected.u32(0);
        assert_eq!(described, expected.0);
    }
}
