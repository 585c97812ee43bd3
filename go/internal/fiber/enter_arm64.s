//go:build linux

// Running a guest without cgo: the Go twin of rust/engine/src/fiber/stubs_aarch64.rs, whose rules
// hold here too. The comments of enter_amd64.s say why it is made this way.
//
// Sandbox-critical. Before each entry and each resumption host_sp, host_bp, host_pc and host_g are
// stored; a guest leaves through these only. In between, Go may have moved its stack. A guest that
// was entered here is resumed here, in the same activation of run.
//
// g is R28, and without cgo Go's signal handlers find it nowhere else. Guests on the image do not
// use R28: it stays g while they run. Those on the static library do, and there Go has cgo, which
// finds g elsewhere. So for both g is put back before the stack pointer returns to Go's stack, and
// what a guest had there is loaded after it has left. While the stack pointer is on a guest's stack
// the engine's handler goes first with the signals that had Go's handler, and hands host_g to that.

#include "textflag.h"
#include "funcdata.h"
#include "layout_gen.h"

// func run(block unsafe.Pointer, f *Fiber, call context.Context) uint64
TEXT ·run(SB), NOSPLIT, $40-40
	NO_LOCAL_POINTERS
	MOVD block+0(FP), R19
	BL   enterGuest<>(SB)

	// Here arrives a guest that is done, R0 = 0, and one that leaves, R0 = block; with RSP, R29 and
	// g as they are in this function.
	CBNZ R0, left
	MOVD ZR, ret+32(FP)
	RET

left:
	MOVD ctx_host_pc(R0), R1
	MOVD R1, 40(RSP)
	MOVD f+8(FP), R1
	MOVD call_itable+16(FP), R2
	MOVD call_data+24(FP), R3
	MOVD R1, 8(RSP)
	MOVD R2, 16(RSP)
	MOVD R3, 24(RSP)
	BL   ·dispatch(SB)
	MOVBU 32(RSP), R1
	CBZ  R1, stop
	MOVD block+0(FP), R0
	MOVD 40(RSP), R1
	B    resumeGuest<>(SB)

stop:
	MOVD $1, R1
	MOVD R1, ret+32(FP)
	RET

// Enters the guest of the block in R19; comes back to the caller as described there.
TEXT enterGuest<>(SB), NOSPLIT|NOFRAME, $0-0
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
	MOVD ctx_stack_top(R19), R0
	MOVD R0, RSP
	MOVD ZR, R29                // the chain of frame pointers ends here
	BL   (R1)                   // preserves R19
	MOVD ctx_host_g(R19), g
	MOVD ctx_host_sp(R19), R0
	MOVD R0, RSP
	MOVD ctx_host_bp(R19), R29
	MOVD ctx_host_pc(R19), R30
	MOVD ZR, R0
	RET

// Resumes the guest of the block in R0, to leave to R1. Reached by a jump from run.
TEXT resumeGuest<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVD R1, ctx_host_pc(R0)
	MOVD RSP, R2
	MOVD R2, ctx_host_sp(R0)
	MOVD R29, ctx_host_bp(R0)
	MOVD g, ctx_host_g(R0)
	MOVW ZR, ctx_entry_mode(R0)
	MOVD ctx_sp(R0), R9
	MOVD R0, R1
	MOVD ctx_runtime_result(R1), R0
	MOVD R9, RSP                // the registers of the guest lie there
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
	RET                         // the guest's return
