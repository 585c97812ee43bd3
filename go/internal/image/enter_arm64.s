//go:build linux

// Entering and resuming a function of the image: the twin of ../fiber/enter_arm64.s, whose rules
// hold here too. The comments of enter_amd64.s say what differs from there.
//
// Before each entry and each resumption host_sp, host_bp, host_pc and host_g are stored; the image
// leaves through these only. In between, Go may have moved its stack.
//
// g is R28, which the image does not use: it stays g while the image runs. It is put back all the
// same before the stack pointer returns to Go's stack. While the stack pointer is elsewhere the
// image's handler goes first with the signals that had Go's handler, and hands host_g to that.

#include "textflag.h"
#include "funcdata.h"
#include "layout_gen.h"

// func enter(block unsafe.Pointer) bool
TEXT ·enter(SB), NOSPLIT, $0-9
	NO_LOCAL_POINTERS
	MOVD block+0(FP), R19
	BL   enterBlock<>(SB)
	// Here arrives a function that is done, R0 = 0, and one that leaves, R0 = block.
	CMP  ZR, R0
	CSET NE, R1
	MOVB R1, ret+8(FP)
	RET

// func resume(block unsafe.Pointer) bool
TEXT ·resume(SB), NOSPLIT, $0-9
	NO_LOCAL_POINTERS
	MOVD block+0(FP), R0
	BL   resumeBlock<>(SB)
	CMP  ZR, R0
	CSET NE, R1
	MOVB R1, ret+8(FP)
	RET

// Enters the function of the block in R19; comes back to the caller as described there. Its three
// arguments are in R2 to R4, where compiled code takes them.
TEXT enterBlock<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVD R30, ctx_host_pc(R19)
	MOVD RSP, R0
	MOVD R0, ctx_host_sp(R19)
	MOVD R29, ctx_host_bp(R19)
	MOVD g, ctx_host_g(R19)
	MOVW ZR, ctx_entry_mode(R19)
	MOVD ctx_entry(R19), R1
	MOVD ctx_code(R19), R2
	MOVD ctx_vmctx(R19), R3
	MOVD ctx_args(R19), R4
	MOVD ctx_stack_top(R19), R5
	MOVD R5, RSP
	MOVD ZR, R29                // the chain of frame pointers ends here
	BL   (R1)                   // preserves R19
	MOVD ctx_host_g(R19), g
	MOVD ctx_host_sp(R19), R0
	MOVD R0, RSP
	MOVD ctx_host_bp(R19), R29
	MOVD ctx_host_pc(R19), R30
	MOVD ZR, R0
	RET

// Resumes the function of the block in R0; comes back to the caller in the same way.
TEXT resumeBlock<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVD R30, ctx_host_pc(R0)
	MOVD RSP, R2
	MOVD R2, ctx_host_sp(R0)
	MOVD R29, ctx_host_bp(R0)
	MOVD g, ctx_host_g(R0)
	MOVW ZR, ctx_entry_mode(R0)
	MOVD ctx_sp(R0), R9
	MOVD R0, R1
	MOVD ctx_runtime_result(R1), R0
	MOVD R9, RSP                // its registers lie there
	LDP  0(R9), (R19, R20)
	LDP  16(R9), (R21, R22)
	LDP  32(R9), (R23, R24)
	LDP  48(R9), (R25, R26)
	LDP  64(R9), (R27, g)
	LDP  80(R9), (R29, R30)
	FLDPD 96(R9), (F8, F9)
	FLDPD 112(R9), (F10, F11)
	FLDPD 128(R9), (F12, F13)
	FLDPD 144(R9), (F14, F15)
	ADD  $160, R9, R9
	MOVD R9, RSP
	RET                         // the function's return
