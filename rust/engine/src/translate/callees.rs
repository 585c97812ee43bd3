//! Signatures and references of the functions that a function calls, each made once.

use super::function::FunctionTranslation;
use super::wasm_signature;
use crate::abi::vmctx::Header;
use crate::abi::{Builtins, RuntimeOp};
use core::mem::offset_of;
use cranelift_codegen::ir::{
    AbiParam, ExtFuncData, ExternalName, FuncRef, InstBuilder, SigRef, Signature, UserExternalName, Value, types,
};
use cranelift_codegen::isa::CallConv;
use hashbrown::HashMap;

/// What was made so far for the function being translated.
#[derive(Debug, Default)]
pub(super) struct Callees {
    signatures: HashMap<u32, SigRef>,
    functions: HashMap<u32, FuncRef>,
    builtins: HashMap<(usize, usize), SigRef>,
}

impl FunctionTranslation<'_, '_> {
    /// The signature of a type index.
    pub(super) fn signature(&mut self, ty: u32) -> SigRef {
        let Self { env, builder, callees, .. } = self;
        *callees
            .signatures
            .entry(ty)
            .or_insert_with(|| builder.import_signature(wasm_signature(&env.info.types[ty as usize])))
    }

    /// A reference to an own function: near, resolved when the module's code is placed.
    pub(super) fn function(&mut self, function: u32) -> FuncRef {
        if let Some(reference) = self.callees.functions.get(&function) {
            return *reference;
        }
        let signature = self.signature(self.env.info.functions[function as usize]);
        let name = self.builder.func.declare_imported_user_function(UserExternalName { namespace: 0, index: function });
        let reference = self.builder.import_function(ExtFuncData {
            name: ExternalName::user(name),
            signature,
            colocated: true,
            patchable: false,
        });
        self.callees.functions.insert(function, reference);
        reference
    }

    /// Calls a function of the engine; `builtin` is its offset in [`Builtins`]. Arguments and
    /// results are 64-bit.
    pub(super) fn call_builtin(&mut self, builtin: i32, args: &[Value], results: usize) -> Option<Value> {
        let signature = *self.callees.builtins.entry((args.len(), results)).or_insert_with(|| {
            let signature = builtin_signature(CallConv::SystemV, args.len(), results);
            self.builder.import_signature(signature)
        });
        let builtins = self.load_vmctx(offset_of!(Header, builtins) as u32);
        let code = self.load_fixed(types::I64, builtins, builtin as u32);
        let call = self.builder.ins().call_indirect(signature, code, args);
        self.builder.inst_results(call).first().copied()
    }

    /// Calls a runtime function that runs on the host side.
    pub(super) fn runtime_call(&mut self, op: RuntimeOp, args: [Value; 3]) -> Value {
        let op = self.integer(types::I64, op as i64);
        let vmctx = self.vmctx();
        self.call_builtin(Builtins::RUNTIME_CALL, &[op, vmctx, args[0], args[1], args[2]], 1)
            .expect("the signature has a result")
    }
}

/// The signature of functions of the engine that take and give so many numbers.
pub(super) fn builtin_signature(convention: CallConv, params: usize, results: usize) -> Signature {
    let mut signature = Signature::new(convention);
    signature.params.resize(params, AbiParam::new(types::I64));
    signature.returns.resize(results, AbiParam::new(types::I64));
    signature
}
