//! One function body from its first local to its last `end`: each operator is validated, then
//! translated.

use super::bounds::Starts;
use super::callees::Callees;
use super::complexity;
use super::exceptions::Exceptions;
use super::homes::Homes;
use super::inline::{self, Scope};
use super::location::{InlinedLocation, Location};
use super::once::Onces;
use super::ops::{exception, simd};
use super::state::{Frame, FrameKind, State};
use super::{Environment, clif_type, dispatch};
use crate::error::{Error, ErrorKind, Result};
use crate::options::OptLevel;
use crate::prelude::*;
use crate::trap::TrapCode;
use crate::types::ValType;
use crate::wasm::validation_error;
use cranelift_codegen::ir::{self, InstBuilder, SourceLoc, Value, types};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use hashbrown::HashMap;
use wasmparser::{FuncValidatorAllocations, FunctionBody, Operator, OperatorsReader};

/// A function while it is translated.
pub(super) struct FunctionTranslation<'a, 'f> {
    /// What the module's functions share.
    pub(super) env: &'a Environment<'a>,
    /// Where instructions are appended.
    pub(super) builder: FunctionBuilder<'f>,
    /// The function's vmctx.
    pub(super) vmctx: Value,
    /// Value stack and control frames.
    pub(super) state: State<'a>,
    /// References made so far.
    pub(super) callees: Callees,
    /// The function whose body is being read: the one that is translated, or one that is inlined
    /// into it.
    pub(super) scope: Scope,
    /// The functions that are being inlined into each other here, and the first one itself.
    pub(super) chain: Vec<u32>,
    /// Weight of all bodies inlined so far.
    pub(super) inlined_weight: u32,
    /// Instructions of inlined bodies.
    pub(super) inlined: &'f mut Vec<InlinedLocation>,
    /// What is computed once, at the function's entry.
    pub(super) onces: Onces,
    /// Addresses that are known in the current block.
    pub(super) starts: Starts,
    /// Where locals are if they are no SSA values.
    pub(super) homes: Option<Homes>,
    /// What is known of exceptions.
    pub(super) exceptions: Exceptions,
    /// How many values branches pass to blocks.
    pub(super) passed: u64,
    /// Which locals were used; those of inlined bodies follow the function's own.
    used_locals: Vec<bool>,
    /// How many of them.
    used_local_count: u64,
}

/// The value type of the validator's type.
pub(super) fn val_type(ty: wasmparser::ValType) -> Result<ValType> {
    Ok(match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        wasmparser::ValType::V128 => ValType::V128,
        wasmparser::ValType::Ref(wasmparser::RefType::FUNCREF) => ValType::FuncRef,
        wasmparser::ValType::Ref(wasmparser::RefType::EXTERNREF) => ValType::ExternRef,
        wasmparser::ValType::Ref(wasmparser::RefType::EXNREF | wasmparser::RefType::NULLEXNREF) => ValType::ExnRef,
        wasmparser::ValType::Ref(other) => {
            return Err(Error::new(ErrorKind::Validation, format!("the reference type {other} is not supported")));
        }
    })
}

/// Validates and translates one body into `func`, whose signature is set.
pub(super) fn translate(
    env: &Environment<'_>,
    index: u32,
    level: OptLevel,
    func: &mut ir::Function,
    context: &mut FunctionBuilderContext,
    inlined: &mut Vec<InlinedLocation>,
    allocations: FuncValidatorAllocations,
) -> Result<Option<FuncValidatorAllocations>> {
    let (to_validate, body) = env.body(index);
    let mut validator = to_validate.into_validator(allocations);
    let mut builder = FunctionBuilder::new(func, context);
    builder.set_srcloc(location(body.get_binary_reader().original_position()));
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    builder.seal_block(entry);
    builder.ensure_inserted_block();
    let vmctx = builder.block_params(entry)[0];
    let state = State { reachable: true, ..State::default() };
    let mut t = FunctionTranslation {
        env,
        builder,
        vmctx,
        state,
        callees: Callees::default(),
        scope: Scope::default(),
        chain: vec![index],
        inlined_weight: 0,
        inlined,
        onces: Onces::default(),
        starts: Starts::default(),
        homes: None,
        exceptions: Exceptions::default(),
        passed: 0,
        used_locals: Vec::new(),
        used_local_count: 0,
    };
    if level == OptLevel::None {
        t.make_homes(entry);
    }

    let parameters = t.builder.block_params(entry)[1..].to_vec();
    t.declare_parameters(index, &parameters);
    let mut locals = body.get_locals_reader().map_err(|e| validation_error(&e))?;
    let mut zeros = HashMap::new();
    for _ in 0..locals.get_count() {
        let position = locals.original_position();
        let (count, ty) = locals.read().map_err(|e| validation_error(&e))?;
        validator.define_locals(position, count, ty).map_err(|e| validation_error(&e))?;
        t.declare_locals(count, val_type(ty)?, &mut zeros);
    }

    t.state.frames.push(Frame {
        kind: FrameKind::Block,
        params: &[],
        results: &env.info.function_type(index).results,
        height: 0,
        end: None,
        end_used: false,
    });
    let mut reader = OperatorsReader::new(locals.get_binary_reader());
    while !reader.eof() {
        let position = reader.original_position();
        let operator = reader.read().map_err(|e| validation_error(&e))?;
        if !env.validated {
            validator.op(position, &operator).map_err(|e| validation_error(&e))?;
        }
        t.builder.set_srcloc(location(position));
        t.operator(&operator, &reader)?;
        if t.is_too_complex(body) {
            return if t.homes.is_none() {
                Ok(None)
            } else {
                Err(complexity::refused(index, t.passed, t.exceptions.edges))
            };
        }
    }
    reader.finish().map_err(|e| validation_error(&e))?;
    t.fill_homes();
    t.builder.finalize(env.frontend);
    Ok(Some(validator.into_allocations()))
}

/// The source location of an instruction of the function itself.
fn location(position: u64) -> SourceLoc {
    SourceLoc::new(Location::at(position).bits())
}

impl FunctionTranslation<'_, '_> {
    /// Translates a valid operator; `rest` is what follows it.
    pub(super) fn operator(&mut self, operator: &Operator<'_>, rest: &OperatorsReader<'_>) -> Result<()> {
        self.prepare_operands(operator);
        match *operator {
            Operator::Call { function_index } if inline::is_wanted(self, function_index, rest) => {
                inline::inline(self, function_index)
            }
            Operator::Try { blockty } if self.state.reachable => exception::try_(self, blockty, rest),
            _ => dispatch::translate(self, operator),
        }
    }

    /// Declares the parameters of a function, which begin as `values`; returns the place of the
    /// first one among the locals.
    pub(super) fn declare_parameters(&mut self, index: u32, values: &[Value]) -> u32 {
        let first = self.used_locals.len() as u32;
        for (ty, value) in self.env.info.function_type(index).params.iter().zip(values) {
            if self.homes.is_some() {
                self.add_home(*ty, Some(*value));
                continue;
            }
            let local = self.builder.declare_var(clif_type(*ty));
            self.builder.def_var(local, *value);
            self.used_locals.push(false);
        }
        first
    }

    /// Declares locals; they begin as zero or null (section 4.4.10.1 "Invocation").
    pub(super) fn declare_locals(&mut self, count: u32, ty: ValType, zeros: &mut HashMap<ir::Type, Value>) {
        if count == 0 {
            return;
        }
        if self.homes.is_some() {
            (0..count).for_each(|_| self.add_home(ty, None));
            return;
        }
        let clif = clif_type(ty);
        let zero = *zeros.entry(clif).or_insert_with(|| match clif {
            types::F32 => self.builder.ins().f32const(0.0),
            types::F64 => self.builder.ins().f64const(0.0),
            types::I8X16 => simd::zero(self, types::I8X16),
            _ => self.integer(clif, 0),
        });
        for _ in 0..count {
            let local = self.builder.declare_var(clif);
            self.builder.def_var(local, zero);
            self.used_locals.push(false);
        }
    }

    /// The value of a local of the function whose body is being read.
    pub(super) fn local_value(&mut self, index: u32) -> Value {
        self.load_home(index).unwrap_or_else(|| {
            let local = self.local(index);
            self.builder.use_var(local)
        })
    }

    /// Sets a local of the function whose body is being read.
    pub(super) fn set_local(&mut self, index: u32, value: Value) {
        if !self.store_home(index, value) {
            let local = self.local(index);
            self.builder.def_var(local, value);
        }
    }

    fn local(&mut self, index: u32) -> Variable {
        let index = self.scope.first_local + index;
        let used = &mut self.used_locals[index as usize];
        self.used_local_count += u64::from(!*used);
        *used = true;
        Variable::from_u32(index)
    }

    /// Traps, whatever has been: nothing after this point is reached.
    pub(super) fn trap(&mut self, code: TrapCode) {
        // Else Cranelift would make one conditional trap of a branch and a block that only traps,
        // at the location of the branch: the backtrace would name that instead, and miss the
        // functions inlined between the two. It becomes no code.
        self.builder.ins().sequence_point();
        self.builder.ins().trap(code.to_clif());
        let block = self.builder.current_block().expect("there is one as long as something is reached");
        if self.builder.func.layout.entry_block() != Some(block) {
            // What traps is put behind all that does not.
            self.builder.set_cold_block(block);
        }
        self.state.reachable = false;
    }

    /// Whether locals and blocks are so many together that a body should not add to them.
    pub(super) fn is_large(&self) -> bool {
        self.used_local_count * self.builder.func.dfg.num_blocks() as u64 > complexity::MAX_LOCAL_BLOCKS / 2
    }

    /// Whether translating takes too long: without homes, or in any form.
    fn is_too_complex(&self, body: &FunctionBody<'_>) -> bool {
        let Exceptions { edges, met, .. } = self.exceptions;
        if self.homes.is_some() {
            return self.passed > complexity::MAX_PASSED
                || edges > complexity::MAX_HANDLERS
                || met > complexity::MAX_HANDLERS_MET;
        }
        let dfg = &self.builder.func.dfg;
        let bytes = body.range().end - body.range().start;
        self.used_local_count * dfg.num_blocks() as u64 > complexity::MAX_LOCAL_BLOCKS
            || self.passed > complexity::MAX_PASSED_AS_SSA
            || edges > complexity::MAX_HANDLERS_AS_SSA
            || met > complexity::MAX_HANDLERS_MET
            || dfg.num_blocks() > complexity::MAX_BLOCKS_AS_SSA
            || dfg.num_values() as u64 > complexity::values_of(bytes)
    }
}
