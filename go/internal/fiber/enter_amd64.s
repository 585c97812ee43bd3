// Entering and resuming a guest without cgo: the Go twin of rust/src/fiber/stubs_x86_64.rs, whose rules hold here too.
//
// Sandbox-critical. Who enters or resumes stores host_sp, host_bp and host_pc first; a guest leaves through these only. Both
// functions lay their frame out alike (none, arguments above the return address), so the guest may leave through either's
// continuation. ABI0 asks for no register to be preserved but SP and BP.

#include "textflag.h"
#include "layout_gen.h"

// func enter(ctx unsafe.Pointer) uint64
TEXT ·enter(SB), NOSPLIT|NOFRAME, $0-16
	MOVQ ctx+0(FP), DI
	LEAQ left<>(SB), AX
	MOVQ AX, ctx_host_pc(DI)
	MOVQ SP, ctx_host_sp(DI)
	MOVQ BP, ctx_host_bp(DI)
	MOVL $0, ctx_entry_mode(DI)
	MOVQ ctx_stack_top(DI), SP
	MOVQ DI, BX                 // preserved by the trampoline
	MOVQ ctx_entry(BX), AX
	MOVQ ctx_code(BX), DI
	MOVQ ctx_vmctx(BX), SI
	MOVQ ctx_args(BX), DX
	XORL BP, BP                 // the chain of frame pointers ends here
	CALL AX
	MOVQ $0, ctx_status(BX)     // done
	MOVQ BX, DI
	MOVQ ctx_host_sp(DI), SP
	MOVQ ctx_host_bp(DI), BP
	JMP  ctx_host_pc(DI)

// func resume(ctx unsafe.Pointer) uint64
TEXT ·resume(SB), NOSPLIT|NOFRAME, $0-16
	MOVQ ctx+0(FP), DI
	LEAQ left<>(SB), AX
	MOVQ AX, ctx_host_pc(DI)
	MOVQ SP, ctx_host_sp(DI)
	MOVQ BP, ctx_host_bp(DI)
	MOVL $0, ctx_entry_mode(DI)
	MOVQ ctx_sp(DI), CX
	MOVQ ctx_runtime_result(DI), AX
	MOVQ 0(CX), R15
	MOVQ 8(CX), R14
	MOVQ 16(CX), R13
	MOVQ 24(CX), R12
	MOVQ 32(CX), BX
	MOVQ 40(CX), BP
	MOVQ 48(CX), R11
	LEAQ 56(CX), SP
	JMP  R11

// The continuation of both; DI is the context, SP is as it was at their beginning.
TEXT left<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ ctx_status(DI), AX
	MOVQ AX, 16(SP)
	RET
