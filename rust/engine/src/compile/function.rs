//! One function: from its body, or from CLIF, to machine code with its trap records and its address
//! map.

use super::body::{AddressRecord, CodeBody, Relocation, TrapRecord};
use super::merged::{self, Tags};
use super::placement;
use crate::abi::exception;
use crate::artifact::{Clause, Site};
use crate::error::{Error, ErrorKind, Result};
use crate::isa::{Targets, near_call};
use crate::options::OptLevel;
use crate::prelude::*;
use crate::translate::{Complexity, Environment, Translator};
use crate::translate::{InlinedLocation, Location};
use crate::trap::TrapCode;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::ir::{ExternalName, Function, StackSlotKey};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::{
    CodegenError, CodegenResult, CompiledCode, Context, ExceptionContextLoc, FinalizedMachExceptionHandler,
    FinalizedRelocTarget,
};
use wasmparser::FuncValidatorAllocations;

/// Most bytes of the frame of a function that is compiled with its locals there for want of time.
const MAX_FRAME: u64 = 128 << 10;

/// Most bytes of a frame of quickly made code, where there will be better.
const MAX_QUICK_FRAME: u64 = 1 << 10;

/// What a thread reuses from function to function.
pub(crate) struct FunctionCompiler {
    translator: Translator,
    pub(super) context: Context,
    emit: Emit,
    allocations: FuncValidatorAllocations,
}

/// Makes machine code of an optimised function.
type Emit = Box<dyn FnMut(&Function, &DominatorTree, &dyn TargetIsa) -> CodegenResult<CompiledCode> + Send>;

fn emit() -> Emit {
    // What the register allocator reuses. Its type is of a crate that only the code generator
    // knows.
    let mut registers = Default::default();
    Box::new(move |func, domtree, isa| {
        let stencil = isa.compile_function(func, domtree, &mut registers, false, &mut ControlPlane::default())?;
        Ok(stencil.apply_params(&func.params))
    })
}

impl FunctionCompiler {
    pub(crate) fn new() -> Self {
        Self {
            translator: Translator::new(),
            context: Context::new(),
            emit: emit(),
            allocations: FuncValidatorAllocations::default(),
        }
    }

    /// Compiles the wasm function of an index, validating its body.
    pub(crate) fn function(&mut self, env: &Environment<'_>, targets: &Targets, index: u32) -> Result<CodeBody> {
        let mut level = env.options.opt_level;
        let complete = self.translate(env, index, level)?;
        if !complete || level == OptLevel::Speed && Complexity::is_too_high(&self.context.func) {
            level = OptLevel::None;
            self.translate(env, index, level)?;
            // Taking long is better than taking much of a guest's stack.
            if complete && self.frame() > MAX_FRAME {
                level = OptLevel::Speed;
                self.translate(env, index, level)?;
            }
        }
        self.machine_code(targets.at(level))
    }

    /// The same by [`OptLevel::None`], unless that takes much of the stack.
    pub(crate) fn quick(&mut self, env: &Environment<'_>, targets: &Targets, index: u32) -> Result<CodeBody> {
        self.translate(env, index, OptLevel::None)?;
        if self.frame() > MAX_QUICK_FRAME {
            return self.function(env, targets, index);
        }
        self.machine_code(targets.quick)
    }

    /// Compiles what is translated.
    fn machine_code(&mut self, isa: &dyn TargetIsa) -> Result<CodeBody> {
        self.optimize(isa)?;
        let inlined = self.translator.inlined();
        let tags = Tags::new(&mut self.context.func, inlined);
        let mut body = Self::emit(&mut self.emit, &self.context, isa, &tags)?;
        body.inlined = used(&mut body.addresses, inlined);
        Ok(body)
    }

    /// Bytes of the frame that the translation asks for.
    fn frame(&self) -> u64 {
        self.context.func.sized_stack_slots.values().map(|slot| u64::from(slot.size)).sum()
    }

    /// Validates and translates a function, and reports whether it could be done at this level.
    fn translate(&mut self, env: &Environment<'_>, index: u32, level: OptLevel) -> Result<bool> {
        self.context.clear();
        let allocations = core::mem::take(&mut self.allocations);
        let done = self.translator.translate(env, index, level, &mut self.context.func, allocations)?;
        let complete = done.is_some();
        self.allocations = done.unwrap_or_default();
        Ok(complete)
    }

    /// Compiles the CLIF that is in the context.
    pub(crate) fn finish(&mut self, isa: &dyn TargetIsa) -> Result<CodeBody> {
        self.optimize(isa)?;
        Self::emit(&mut self.emit, &self.context, isa, &Tags::default())
    }

    fn optimize(&mut self, isa: &dyn TargetIsa) -> Result<()> {
        self.context.optimize(isa, &mut ControlPlane::default()).map_err(|error| describe(&error))
    }

    fn emit(emit: &mut Emit, context: &Context, isa: &dyn TargetIsa, tags: &Tags) -> Result<CodeBody> {
        let compiled = emit(&context.func, &context.domtree, isa).map_err(|error| describe(&error))?;
        extract(&compiled, &context.func, isa, tags)
    }
}

fn describe(error: &CodegenError) -> Error {
    match error {
        CodegenError::CodeTooLarge | CodegenError::ImplLimitExceeded => Error::new(
            ErrorKind::Compile,
            format!("the function is too large or too complex for the code generator: {error}"),
        ),
        CodegenError::Unsupported(_) => Error::new(ErrorKind::Compile, error.to_string()),
        other => Error::new(ErrorKind::Internal, format!("the code generator failed: {other:?}")),
    }
}

fn extract(compiled: &CompiledCode, func: &Function, isa: &dyn TargetIsa, tags: &Tags) -> Result<CodeBody> {
    let buffer = &compiled.buffer;
    let internal = |message: String| Error::new(ErrorKind::Internal, message);

    let relocations = buffer
        .relocs()
        .iter()
        .map(|reloc| match &reloc.target {
            FinalizedRelocTarget::ExternalName(ExternalName::User(name))
                if reloc.kind == near_call::native::RELOCATION && reloc.addend == near_call::native::ADDEND =>
            {
                let name = &func.params.user_named_funcs()[*name];
                Ok(Relocation { offset: reloc.offset, function: name.index })
            }
            target => Err(internal(format!(
                "unexpected relocation {:?} at {:#x} to {target:?} with {}: expected only calls of the module's functions",
                reloc.kind, reloc.offset, reloc.addend
            ))),
        })
        .collect::<Result<_>>()?;

    let mut merged = Vec::new();
    let mut traps = buffer
        .traps()
        .iter()
        .map(|trap| {
            let tag = tags.get(trap.code);
            merged.extend(tag.map(|tag| (trap.offset, tag.location)));
            match TrapCode::from_clif(tag.map_or(trap.code, |tag| tag.code)) {
                Some(code) => Ok(TrapRecord { offset: trap.offset, code: code as u8 }),
                None => Err(internal(format!("unknown trap code {:?} at {:#x}", trap.code, trap.offset))),
            }
        })
        .collect::<Result<Vec<_>>>()?;
    traps.sort_by_key(|trap| trap.offset);
    merged.sort_by_key(|(offset, _)| *offset);
    let mut addresses = addresses(compiled);
    merged::name(&mut addresses, &merged);

    let (sites, clauses) = handlers(compiled)?;
    let mut body = CodeBody {
        code: compiled.code_buffer().to_vec(),
        alignment: buffer.alignment.max(isa.function_alignment().preferred),
        entry: 0,
        relocations,
        traps,
        sites,
        clauses,
        addresses,
        inlined: Vec::new(),
    };
    placement::place(&mut body, buffer.alignment, &compiled.bb_starts, &compiled.bb_edges);
    Ok(body)
}

/// The calls that have handlers, and these. Of calls with the same handlers there is one list.
fn handlers(compiled: &CompiledCode) -> Result<(Vec<Site>, Vec<Clause>)> {
    let buffer = &compiled.buffer;
    let (mut sites, mut clauses): (Vec<Site>, Vec<Clause>) = (Vec::new(), Vec::new());
    let missing = |what: &str| Error::new(ErrorKind::Internal, format!("a call with handlers has no {what}"));
    for call in buffer.call_sites().filter(|call| !call.exception_handlers.is_empty()) {
        let layout = buffer.frame_layout().ok_or_else(|| missing("layout of its frame"))?;
        let slot = layout.stackslots.values().find(|slot| slot.key == Some(StackSlotKey::new(exception::SLOT_KEY)));
        let slot = slot.ok_or_else(|| missing("slot for exceptions"))?.offset;
        let frame = call.frame_offset.ok_or_else(|| missing("size of its frame"))?;
        let mut vmctx = None;
        let mut own = Vec::with_capacity(call.exception_handlers.len());
        for handler in call.exception_handlers {
            match *handler {
                FinalizedMachExceptionHandler::Context(ExceptionContextLoc::SPOffset(offset)) => vmctx = Some(offset),
                FinalizedMachExceptionHandler::Tag(tag, target) => own.push(Clause { catches: tag.as_u32(), target }),
                ref other => return Err(missing(&format!("place for its vmctx, or a tag: {other:?}"))),
            }
        }
        let vmctx = vmctx.ok_or_else(|| missing("place for its vmctx"))?;
        let same = sites.last().map(|last| last.first as usize).filter(|first| clauses[*first..] == own);
        let first = same.unwrap_or(clauses.len());
        if same.is_none() {
            clauses.extend_from_slice(&own);
        }
        sites.push(Site { at: call.ret_addr, frame, vmctx, slot, first: first as u32, count: own.len() as u32 });
    }
    Ok((sites, clauses))
}

/// The address map: where no location is known, an entry says so, so that each holds up to the
/// next.
fn addresses(compiled: &CompiledCode) -> Vec<AddressRecord> {
    let mut records: Vec<AddressRecord> = Vec::new();
    let mut push = |code: u32, location: Location| match records.last() {
        Some(last) if last.location == location => {}
        None if location == Location::UNKNOWN => {}
        _ => records.push(AddressRecord { code, location }),
    };
    let mut end = 0;
    for range in compiled.buffer.get_srclocs_sorted() {
        if range.start >= range.end {
            continue;
        }
        if range.start > end {
            push(end, Location::UNKNOWN);
        }
        push(range.start, Location::from_bits(range.loc.bits()));
        end = range.end;
    }
    if (end as usize) < compiled.code_buffer().len() {
        push(end, Location::UNKNOWN);
    }
    records
}

/// Of all inlined instructions those that code was made of, and their callers; the records then
/// refer to these.
fn used(records: &mut [AddressRecord], all: &[InlinedLocation]) -> Vec<InlinedLocation> {
    fn keep(
        location: Location,
        all: &[InlinedLocation],
        places: &mut [Option<Location>],
        kept: &mut Vec<InlinedLocation>,
    ) -> Location {
        let Some(index) = location.inlined_index() else { return location };
        if let Some(place) = places[index] {
            return place;
        }
        // As deep as bodies are nested.
        let parent = keep(all[index].parent, all, places, kept);
        let place = Location::inlined(kept.len());
        kept.push(InlinedLocation { parent, ..all[index] });
        places[index] = Some(place);
        place
    }
    let (mut kept, mut places) = (Vec::new(), vec![None; all.len()]);
    for record in records {
        record.location = keep(record.location, all, &mut places, &mut kept);
    }
    kept
}
