//! A writer of modules in the binary format, as short as the shapes need it.

/// An unsigned number in LEB128 (section 5.2.2 "Integers").
pub fn unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A signed number in LEB128.
pub fn signed(out: &mut Vec<u8>, mut value: i64) {
    while !(-0x40..0x40).contains(&value) {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8 & 0x7f);
}

/// Value types.
pub const I32: u8 = 0x7f;
pub const I64: u8 = 0x7e;
pub const F64: u8 = 0x7c;
pub const V128: u8 = 0x7b;
/// The block type of blocks without parameters and results.
pub const EMPTY: u8 = 0x40;

/// The instructions of a body, without its locals and its last `end`.
#[derive(Clone, Default)]
pub struct Code(pub Vec<u8>);

impl Code {
    /// Instructions without immediates.
    pub fn op(&mut self, opcodes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(opcodes);
        self
    }

    /// An instruction with an index: `local.get`, `br`, `call` and the like.
    pub fn at(&mut self, opcode: u8, index: usize) -> &mut Self {
        self.0.push(opcode);
        unsigned(&mut self.0, index as u64);
        self
    }

    pub fn get(&mut self, local: usize) -> &mut Self {
        self.at(0x20, local)
    }

    pub fn set(&mut self, local: usize) -> &mut Self {
        self.at(0x21, local)
    }

    pub fn i32(&mut self, value: i32) -> &mut Self {
        self.0.push(0x41);
        signed(&mut self.0, value.into());
        self
    }

    pub fn i64(&mut self, value: i64) -> &mut Self {
        self.0.push(0x42);
        signed(&mut self.0, value);
        self
    }

    pub fn f64(&mut self, value: f64) -> &mut Self {
        self.0.push(0x44);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// A load or store of natural alignment 4.
    pub fn memory(&mut self, opcode: u8, offset: usize) -> &mut Self {
        self.op(&[opcode, 2]);
        unsigned(&mut self.0, offset as u64);
        self
    }

    /// A vector instruction.
    pub fn vector(&mut self, opcode: u64) -> &mut Self {
        self.0.push(0xfd);
        unsigned(&mut self.0, opcode);
        self
    }

    /// `block`, `loop` or `if` of a type index.
    pub fn block(&mut self, opcode: u8, ty: usize) -> &mut Self {
        self.0.push(opcode);
        signed(&mut self.0, ty as i64);
        self
    }
}

/// A function: its type index, its locals as counts and types, its instructions.
pub struct Function {
    pub ty: usize,
    pub locals: Vec<(usize, u8)>,
    pub code: Code,
}

/// A module with one memory, one table of functions and two globals, whose functions are exported
/// as `f0` and so on if they are `exported`.
#[derive(Default)]
pub struct Module {
    pub types: Vec<(Vec<u8>, Vec<u8>)>,
    pub memory64: bool,
    pub functions: Vec<Function>,
    pub exported: bool,
    /// Own immutable globals after the two.
    pub globals: usize,
    /// The function of each element segment.
    pub elements: Vec<usize>,
    /// Active data segments of these bytes each.
    pub data: Vec<Vec<u8>>,
    /// The start function.
    pub start: Option<usize>,
}

impl Module {
    /// The module in the binary format (section 5.5 "Modules").
    pub fn encode(&self) -> Vec<u8> {
        let mut out = b"\0asm\x01\0\0\0".to_vec();
        section(&mut out, 1, self.types.len(), |body| {
            for (parameters, results) in &self.types {
                body.push(0x60);
                for list in [parameters, results] {
                    unsigned(body, list.len() as u64);
                    body.extend_from_slice(list);
                }
            }
        });
        section(&mut out, 3, self.functions.len(), |body| {
            self.functions.iter().for_each(|function| unsigned(body, function.ty as u64));
        });
        section(&mut out, 4, 1, |body| body.extend_from_slice(&[0x70, 0, 16]));
        section(&mut out, 5, 1, |body| body.extend_from_slice(&[if self.memory64 { 4 } else { 0 }, 16]));
        section(&mut out, 6, 2 + self.globals, |body| {
            body.extend_from_slice(&[I32, 1, 0x41, 7, 0x0b, I64, 1, 0x42, 7, 0x0b]);
            for number in 0..self.globals {
                body.extend_from_slice(&[I32, 0, 0x41]);
                signed(body, number as i64);
                body.push(0x0b);
            }
        });
        if self.exported {
            section(&mut out, 7, self.functions.len(), |body| {
                for number in 0..self.functions.len() {
                    let name = format!("f{number}");
                    unsigned(body, name.len() as u64);
                    body.extend_from_slice(name.as_bytes());
                    body.push(0);
                    unsigned(body, number as u64);
                }
            });
        }
        if let Some(start) = self.start {
            let mut body = Vec::new();
            unsigned(&mut body, start as u64);
            raw_section(&mut out, 8, &body);
        }
        section(&mut out, 9, self.elements.len(), |body| {
            for function in &self.elements {
                body.extend_from_slice(&[0, 0x41, 0, 0x0b, 1]);
                unsigned(body, *function as u64);
            }
        });
        section(&mut out, 10, self.functions.len(), |body| {
            for Function { locals, code, .. } in &self.functions {
                let mut function = Vec::with_capacity(code.0.len() + 16);
                unsigned(&mut function, locals.len() as u64);
                for (count, ty) in locals {
                    unsigned(&mut function, *count as u64);
                    function.push(*ty);
                }
                function.extend_from_slice(&code.0);
                function.push(0x0b);
                unsigned(body, function.len() as u64);
                body.extend_from_slice(&function);
            }
        });
        section(&mut out, 11, self.data.len(), |body| {
            for data in &self.data {
                body.extend_from_slice(&[0, if self.memory64 { 0x42 } else { 0x41 }, 0, 0x0b]);
                unsigned(body, data.len() as u64);
                body.extend_from_slice(data);
            }
        });
        out
    }
}

/// A section that is a list of so many entries; none if there are no entries.
fn section(out: &mut Vec<u8>, id: u8, entries: usize, write: impl FnOnce(&mut Vec<u8>)) {
    if entries == 0 {
        return;
    }
    let mut body = Vec::new();
    unsigned(&mut body, entries as u64);
    write(&mut body);
    raw_section(out, id, &body);
}

fn raw_section(out: &mut Vec<u8>, id: u8, body: &[u8]) {
    out.push(id);
    unsigned(out, body.len() as u64);
    out.extend_from_slice(body);
}
