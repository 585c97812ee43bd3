//! Modules of small functions that call themselves and each other, in loops too, directly and
//! through a table, as compilers write recursion: the engine inlines such functions into
//! themselves, and leaves out checks of calls through a table that nothing writes to.
//!
//! wasm-smith hardly ever makes either: its functions seldom call themselves with an argument that
//! decreases, and all its tables are exported.

use crate::rng::Rng;
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ElementSection, Elements, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, HeapType, ImportSection, InstructionSink, Module, RefType,
    TableSection, TableType, TypeSection, ValType,
};

/// Types by their index: two that are equal, and one with another result.
const PLAIN: u32 = 0;
const EQUAL: u32 = 1;
const WIDE: u32 = 2;
/// The only imported function; it has the type `PLAIN`.
const IMPORT: u32 = 0;
/// Locals of each function: how deep calls may still go, a number, what will be returned, and how
/// often a loop still runs.
const DEPTH: u32 = 0;
const NUMBER: u32 = 1;
const SUM: u32 = 2;
const ROUNDS: u32 = 3;

/// A module; equal states of `rng` give equal bytes.
pub fn module(rng: &mut Rng) -> Vec<u8> {
    let mut types = TypeSection::new();
    let parameters = [ValType::I32; 2];
    types.ty().function(parameters, [ValType::I32]);
    types.ty().function(parameters, [ValType::I32]);
    types.ty().function(parameters, [ValType::I32, ValType::I64]);
    let mut imports = ImportSection::new();
    imports.import("env", "host", EntityType::Function(PLAIN));

    let (mixed, with_import, changes) = (rng.one_in(2), rng.one_in(4), rng.one_in(4));
    let own = 1 + rng.below(3) as u32;
    let types_of: Vec<_> = (0..own).map(|_| if mixed { rng.pick(&[PLAIN, EQUAL, WIDE]) } else { PLAIN }).collect();
    let size = 2 + rng.below(6) as u32;
    let called: Vec<_> = (1..=rng.below(size as usize))
        .map(|_| if with_import && rng.one_in(2) { IMPORT } else { 1 + rng.below(own as usize) as u32 })
        .collect();

    let mut functions = FunctionSection::new();
    let mut exports = ExportSection::new();
    let mut code = CodeSection::new();
    for (index, ty) in (1..).zip(&types_of) {
        functions.function(*ty);
        let mut function = Function::new([(2, ValType::I32)]);
        Writer { rng, out: function.instructions(), types: &types_of, index, in_rounds: false }.body();
        code.function(&function);
    }
    for (index, ty) in (1..).zip(&types_of) {
        functions.function(*ty);
        exports.export(&format!("f{index}"), ExportKind::Func, own + index);
        // Deep enough for bodies in bodies, with calls at their ends.
        let mut function = Function::new([]);
        function.instructions().local_get(DEPTH).i32_const(3).i32_and().i32_const(1).i32_add();
        function.instructions().local_get(NUMBER).call(index).end();
        code.function(&function);
    }
    if changes {
        functions.function(PLAIN);
        exports.export("change", ExportKind::Func, 2 * own + 1);
        let mut function = Function::new([]);
        let mut out = function.instructions();
        out.local_get(0).i32_const(7).i32_and();
        match rng.below(5) {
            0 => out.ref_func(1).table_set(0),
            1 => out.ref_func(1).i32_const(1).table_fill(0),
            2 => out.i32_const(0).i32_const(1).table_init(0, 0),
            3 => out.i32_const(1).i32_const(1).table_copy(0, 0),
            _ => out.drop().ref_func(1).i32_const(1).table_grow(0).drop(),
        };
        out.local_get(1).end();
        code.function(&function);
    }
    exports.export("count", ExportKind::Global, 0);
    if rng.one_in(8) {
        exports.export("table", ExportKind::Table, 0);
    }

    let mut tables = TableSection::new();
    let maximum = if rng.one_in(2) { size.into() } else { 24 };
    let element_type = RefType::FUNCREF;
    tables.table(TableType {
        element_type,
        table64: false,
        minimum: size.into(),
        maximum: Some(maximum),
        shared: false,
    });
    let mut globals = GlobalSection::new();
    globals.global(GlobalType { val_type: ValType::I32, mutable: true, shared: false }, &ConstExpr::i32_const(0));
    let mut elements = ElementSection::new();
    elements.passive(Elements::Functions((&[own, IMPORT][..]).into()));
    elements.active(None, &ConstExpr::i32_const(1), Elements::Functions((&called[..]).into()));
    if rng.one_in(4) {
        // Two segments write to one element, and one of them null.
        let items = [ConstExpr::ref_func(1), ConstExpr::ref_null(HeapType::FUNC)];
        elements.active(Some(0), &ConstExpr::i32_const(0), Elements::Expressions(element_type, items[..].into()));
    }
    elements.declared(Elements::Functions((&[1][..]).into()));

    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&tables).section(&globals);
    module.section(&exports).section(&elements).section(&code);
    module.finish()
}

/// Writes a function that calls while its first argument is above 0, each time with a smaller one.
struct Writer<'a> {
    rng: &'a mut Rng,
    out: InstructionSink<'a>,
    /// Types of the module's own functions.
    types: &'a [u32],
    /// The function.
    index: u32,
    /// Whether it is in a loop that counts.
    in_rounds: bool,
}

impl Writer<'_> {
    fn body(&mut self) {
        // As C has it: what ends the recursion returns. Or as LLVM has it: it leaves a block.
        let returns = self.rng.one_in(2);
        self.out.local_get(NUMBER).local_set(SUM);
        if !returns {
            self.out.block(BlockType::Empty);
        }
        self.out.local_get(DEPTH).i32_const(1).i32_lt_s();
        if returns {
            self.out.if_(BlockType::Empty);
            self.results();
            self.out.return_().end();
        } else {
            self.out.br_if(0);
        }
        for _ in 0..=self.rng.below(2) {
            self.statement(2);
        }
        if !returns {
            self.out.end();
        }
        self.results();
        self.out.end();
    }

    /// Pushes what the function returns.
    fn results(&mut self) {
        self.out.local_get(SUM);
        if self.types[self.index as usize - 1] == WIDE {
            self.out.local_get(NUMBER).i64_extend_i32_s();
        }
    }

    /// Something with at most so many others in it.
    fn statement(&mut self, nested: usize) {
        match self.rng.below(if nested == 0 { 4 } else { 9 }) {
            0..3 => {
                self.out.local_get(SUM);
                self.call();
                self.operation();
                self.out.local_set(SUM);
            }
            3 => {
                // Seen from outside, in the order of calls.
                self.out.global_get(0).i32_const(3).i32_mul();
                self.number();
                self.out.i32_add().global_set(0);
            }
            4 => {
                self.number();
                self.out.i32_const(7).i32_and().i32_eqz().if_(BlockType::Empty);
                if self.rng.one_in(2) {
                    self.out.unreachable();
                } else {
                    self.results();
                    self.out.return_();
                }
                self.out.end();
            }
            5 => {
                self.number();
                self.out.i32_const(1).i32_and().if_(BlockType::Empty);
                self.statement(nested - 1);
                self.out.else_();
                self.statement(nested - 1);
                self.out.end();
            }
            6 if !self.in_rounds => {
                self.in_rounds = true;
                self.out.i32_const(2).local_set(ROUNDS).loop_(BlockType::Empty);
                self.statement(nested - 1);
                self.out.local_get(ROUNDS).i32_const(1).i32_sub().local_tee(ROUNDS).br_if(0).end();
                self.in_rounds = false;
            }
            _ => {
                // What LLVM makes of a call at the end: a loop around the others.
                self.out.loop_(BlockType::Empty).local_get(SUM);
                self.call();
                self.operation();
                self.out.local_set(SUM).local_get(DEPTH).i32_const(2).i32_sub().local_tee(DEPTH);
                self.out.i32_const(0).i32_gt_s().br_if(0).end();
            }
        }
    }

    /// Pushes the result of a call that goes less deep.
    fn call(&mut self) {
        self.out.local_get(DEPTH).i32_const(1).i32_sub();
        self.number();
        let ty = match self.rng.below(6) {
            0 => {
                self.out.call(IMPORT);
                PLAIN
            }
            1 | 2 => {
                let ty = if self.rng.one_in(4) { WIDE } else { PLAIN };
                self.number();
                if !self.rng.one_in(4) {
                    self.out.i32_const(3).i32_and();
                }
                self.out.call_indirect(0, ty);
                ty
            }
            3 => {
                let other = self.rng.below(self.types.len());
                self.out.call(1 + other as u32);
                self.types[other]
            }
            _ => {
                self.out.call(self.index);
                self.types[self.index as usize - 1]
            }
        };
        if ty == WIDE {
            self.out.i32_wrap_i64().i32_xor();
        }
    }

    /// Pushes a number.
    fn number(&mut self) {
        match self.rng.below(4) {
            0 => self.out.local_get(NUMBER),
            1 => self.out.local_get(SUM),
            2 => self.out.i32_const(self.rng.below(9) as i32),
            _ => self.out.local_get(NUMBER).local_get(SUM).i32_add(),
        };
    }

    /// Makes one number of two; a division may trap.
    fn operation(&mut self) {
        match self.rng.below(8) {
            0..4 => self.out.i32_add(),
            4 => self.out.i32_sub(),
            5 => self.out.i32_mul(),
            6 => self.out.i32_xor(),
            _ => self.out.i32_rem_u(),
        };
    }
}
