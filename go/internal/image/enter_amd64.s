//go:build linux

// Entering and resuming a function of the image: the twin of ../fiber/enter_amd64.s, whose rules
// hold here too.
//
// Before each entry and each resumption host_sp, host_bp and host_pc are stored; the image leaves
// through these only. In between, Go may have moved its stack. Unlike a guest, a function of the
// image comes back to Go code between its entry and its resumptions: it leaves seldom, and Go's own
// code is the plainer place for what it wants.

#include "textflag.h"
#include "funcdata.h"
#include "layout_gen.h"

// func enter(block unsafe.Pointer) bool
TEXT ·enter(SB), NOSPLIT, $0-9
	NO_LOCAL_POINTERS
	MOVQ block+0(FP), BX
	CALL enterBlock<>(SB)
	// Here arrives a function that is done, DI = 0, and one that leaves, DI = block.
	TESTQ DI, DI
	SETNE ret+8(FP)
	RET

// func resume(block unsafe.Pointer) bool
TEXT ·resume(SB), NOSPLIT, $0-9
	NO_LOCAL_POINTERS
	MOVQ block+0(FP), DI
	CALL resumeBlock<>(SB)
	TESTQ DI, DI
	SETNE ret+8(FP)
	RET

// Enters the function of the block in BX; comes back to the caller as described there.
TEXT enterBlock<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ 0(SP), AX
	LEAQ 8(SP), CX
	MOVQ AX, ctx_host_pc(BX)
	MOVQ CX, ctx_host_sp(BX)
	MOVQ BP, ctx_host_bp(BX)
	MOVL $entry_mode_assembly, ctx_entry_mode(BX)
	MOVQ ctx_entry(BX), AX
	MOVQ ctx_code(BX), DI
	MOVQ ctx_vmctx(BX), SI
	MOVQ ctx_args(BX), DX
	MOVQ ctx_stack_top(BX), SP
	XORL BP, BP                 // the chain of frame pointers ends here
	CALL AX                     // preserves BX
	MOVQ ctx_host_pc(BX), AX
	MOVQ ctx_host_sp(BX), CX
	MOVQ ctx_host_bp(BX), BP
	XORL DI, DI
	LEAQ -8(CX), SP
	MOVQ AX, 0(SP)              // the return address: that of the last resumption, if there was one
	RET

// Resumes the function of the block in DI; comes back to the caller in the same way.
TEXT resumeBlock<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ 0(SP), AX
	LEAQ 8(SP), CX
	MOVQ AX, ctx_host_pc(DI)
	MOVQ CX, ctx_host_sp(DI)
	MOVQ BP, ctx_host_bp(DI)
	MOVL $entry_mode_assembly, ctx_entry_mode(DI)
	MOVQ ctx_sp(DI), CX
	MOVQ ctx_runtime_result(DI), AX
	MOVQ 0(CX), R15
	MOVQ 8(CX), R14
	MOVQ 16(CX), R13
	MOVQ 24(CX), R12
	MOVQ 32(CX), BX
	MOVQ 40(CX), BP
	LEAQ 48(CX), SP
	BYTE $0xC3                  // the function's return
