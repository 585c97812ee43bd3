//! From the body of one WebAssembly function to CLIF, Cranelift's intermediate representation.
//!
//! | file              | owns                                                                          |
//! |-------------------|-------------------------------------------------------------------------------|
//! | `function`        | one body from its first local to its last `end`, validated as it is translated |
//! | `state`           | the value stack and the control frames                                        |
//! | `inline`          | which calls are replaced by the callee's body                                 |
//! | `dispatch`        | one line per opcode                                                           |
//! | `ops/*`           | what the opcodes of one family become                                         |
//! | `bounds`          | **sandbox**: every address in a linear memory                                 |
//! | `table_access`    | **sandbox**: every address in a table                                         |
//! | `indirect`        | **sandbox**: the checks of an indirect call                                   |
//! | `vmctx`           | loads from the vmctx, alias regions, flags                                    |
//! | `once`            | values that are made once for a function, at its entry                        |
//! | `operands`        | the same for the wasm stack                                                   |
//! | `complexity`      | which functions take the code generator too long                              |
//! | `homes`           | locals in the frame, where they are too many for SSA form                     |
//! | `exceptions`      | what catches the exceptions of a call, and the calls themselves               |
//! | `legacy`          | the handlers of a `try` of before WebAssembly 3.0, found in advance            |
//! | `brief`           | which bodies do not stay in a loop |
//! | `callees`         | signatures and references of what a function calls |
//! | `location`        | where code comes from, for backtraces |
//!
//! Compiled code has no interrupt checks, no stack checks, and for memories in their reservation no
//! bounds checks: see `testdata/clif/memory_guarded.clif`. Every instruction may be the last that
//! runs, so nothing here emits a sequence that must be finished once it has begun.

pub mod bounds;
mod brief;
mod callees;
mod complexity;
mod dispatch;
mod exceptions;
mod function;
mod homes;
mod index;
mod indirect;
mod inline;
mod legacy;
mod location;
mod once;
mod operands;
mod ops;
mod state;
mod table_access;
mod vmctx;

pub(crate) use brief::is_brief;
pub use complexity::Complexity;
pub use inline::Candidates;
pub use location::{InlinedLocation, Location};

use crate::abi::vmctx::VmctxLayout;
use crate::error::Result;
use crate::options::{CompileOptions, OptLevel};
use crate::prelude::*;
use crate::types::{FuncType, ValType};
use crate::wasm::{Body, ModuleInfo};
use cranelift_codegen::ir::{self, AbiParam, UserFuncName, types};
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use cranelift_frontend::FunctionBuilderContext;
use wasmparser::{FuncToValidate, FuncValidatorAllocations, FunctionBody, ValidatorResources};

/// What every function of one module shares while it is translated.
pub struct Environment<'a> {
    /// What the module declares.
    pub info: &'a ModuleInfo,
    /// Where things lie in the vmctx.
    pub layout: &'a VmctxLayout,
    /// What was chosen for this compilation.
    pub options: CompileOptions,
    /// Facts about the target that building CLIF needs.
    pub frontend: TargetFrontendConfig,
    /// The bodies of the functions that are not imported, in the order of their indices.
    pub bodies: &'a [Body<'a>],
    /// What is known of their use for inlining.
    pub candidates: &'a Candidates,
    /// Whether the bodies are known to be valid.
    pub validated: bool,
}

impl<'a> Environment<'a> {
    /// The body of a function, and what validates it.
    fn body(&self, function: u32) -> (FuncToValidate<ValidatorResources>, &'a FunctionBody<'a>) {
        let Body { to_validate, body } = &self.bodies[(function - self.info.imported_functions) as usize];
        let FuncToValidate { resources, index, ty, features } = to_validate;
        (FuncToValidate { resources: resources.clone(), index: *index, ty: *ty, features: *features }, body)
    }
}

impl core::fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Environment").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Translates function bodies one after the other; reusable, one for each thread.
#[derive(Default)]
pub struct Translator {
    builder: FunctionBuilderContext,
    inlined: Vec<InlinedLocation>,
}

impl core::fmt::Debug for Translator {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Translator")
    }
}

impl Translator {
    /// Makes a translator.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Validates the body of function `function_index` (imports count) and translates it into
    /// `func`, which must be empty.
    ///
    /// Name and signature of `func` are set here. Source locations are the bits of a
    /// [`Location`](Location) whose table is [`Translator::inlined`]. Returns the validator's
    /// allocations for the next call; nothing where the function is [too complex](Complexity) for a
    /// level other than `None`, which then has to be taken. `func` is to be cleared before.
    ///
    /// # Errors
    /// `Validation` in the validator's words; `Compile` where a limit of this translator is met.
    /// `func` is then not usable, nor is this translator.
    pub fn translate(
        &mut self,
        env: &Environment<'_>,
        function_index: u32,
        level: OptLevel,
        func: &mut ir::Function,
        allocations: FuncValidatorAllocations,
    ) -> Result<Option<FuncValidatorAllocations>> {
        func.name = UserFuncName::user(0, function_index);
        func.signature = wasm_signature(env.info.function_type(function_index));
        self.inlined.clear();
        let done =
            function::translate(env, function_index, level, func, &mut self.builder, &mut self.inlined, allocations)?;
        if done.is_none() {
            // It holds what is half done.
            self.builder = FunctionBuilderContext::new();
        }
        Ok(done)
    }

    /// The instructions of inlined bodies in the function that was translated last.
    #[must_use]
    pub fn inlined(&self) -> &[InlinedLocation] {
        &self.inlined
    }
}

/// CLIF type of a value: references are 64-bit slots (see [`ValType`]).
#[must_use]
pub const fn clif_type(ty: ValType) -> ir::Type {
    match ty {
        ValType::I32 => types::I32,
        ValType::I64 | ValType::FuncRef | ValType::ExternRef | ValType::ExnRef => types::I64,
        ValType::F32 => types::F32,
        ValType::F64 => types::F64,
        ValType::V128 => types::I8X16,
    }
}

/// Signature of compiled code for a function type: `CallConv::Tail`, the callee's vmctx, then the
/// parameters.
#[must_use]
pub fn wasm_signature(ty: &FuncType) -> ir::Signature {
    let mut signature = ir::Signature::new(CallConv::Tail);
    signature.params.push(AbiParam::special(types::I64, ir::ArgumentPurpose::VMContext));
    signature.params.extend(ty.params.iter().map(|ty| AbiParam::new(clif_type(*ty))));
    signature.returns.extend(ty.results.iter().map(|ty| AbiParam::new(clif_type(*ty))));
    signature
}
