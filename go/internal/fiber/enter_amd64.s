//go:build linux

// Running a guest without cgo: the Go twin of rust/engine/src/fiber/stubs_x86_64.rs, whose rules
// hold here too.
//
// Sandbox-critical. Before each entry and each resumption host_sp, host_bp and host_pc are stored;
// a guest leaves through these only. In between, Go may have moved its stack. A guest that was
// entered here is resumed here, in the same activation of run.
//
// The loop is in assembly, and not in Go around two functions for entering and resuming, for the
// sake of the processor's prediction of returns: what is called on the way out of the guest
// (dispatch) has returned before the guest is resumed, so that each return meets its call. What
// writes the stack pointer stands in functions of its own, as Go's tracebacks refuse to pass
// functions that do, and they have to pass run while dispatch runs.

#include "textflag.h"
#include "funcdata.h"
#include "layout_gen.h"
#include "go_asm.h"

// func run(block unsafe.Pointer, f *Fiber, call context.Context) uint64
TEXT ·run(SB), NOSPLIT, $40-40
	NO_LOCAL_POINTERS
	MOVQ block+0(FP), BX
	CALL enterGuest<>(SB)

	// Here arrives a guest that is done, DI = 0, and one that leaves, DI = block; with SP and BP as
	// they are in this function.
	TESTQ DI, DI
	JNZ  left
	MOVQ $0, ret+32(FP)
	RET

left:
	MOVQ ctx_host_pc(DI), AX
	MOVQ AX, 32(SP)
	MOVQ f+8(FP), AX
	MOVQ call_itable+16(FP), CX
	MOVQ call_data+24(FP), DX
	MOVQ AX, 0(SP)
	MOVQ CX, 8(SP)
	MOVQ DX, 16(SP)
	CALL ·dispatch(SB)
	CMPB 24(SP), $0
	JEQ  stop
	MOVQ block+0(FP), DI
	MOVQ 32(SP), AX
	JMP  resumeGuest<>(SB)

stop:
	MOVQ $1, ret+32(FP)
	RET

// Owners of gates: see gate.go. The owner is inside from where it has set busy and then seen that
// it need not leave.

// Lets the goroutine into the gate at SI, with its ownership in R8. In case it is not the owner, it
// is inside already, or it has to leave, jumps to where others are told.
#define TAKE(refused, inside, lost) \
	MOVQ Gate_owned(SI), R8; \
	TESTQ R8, R8; \
	JEQ  refused; \
	MOVQ (TLS), AX; \
	CMPQ ownership_goroutine(R8), AX; \
	JNE  refused; \
	CMPL ownership_busy(R8), $0; \
	JNE  inside; \
	MOVL $1, ownership_busy(R8); \
	CMPL ownership_leaving(R8), $0; \
	JNE  lost

// Lets it out again. In case it has to leave for good, jumps to where this is done.
#define LEAVE(lost) \
	MOVL $0, ownership_busy(R8); \
	CMPL ownership_leaving(R8), $0; \
	JNE  lost

// Adds to the outcome in DX whether the word of the gate belongs to the goroutine, which is out,
// and had to leave for good.
#define LOST \
	MOVL $1, AX; \
	MOVL $2, CX; \
	LOCK; \
	CMPXCHGL CX, ownership_leaving(R8); \
	JNE  2(PC); \
	ORQ  $const_ownedWord, DX

// func goroutine() uintptr
TEXT ·goroutine(SB), NOSPLIT, $0-8
	MOVQ (TLS), AX
	MOVQ AX, ret+0(FP)
	RET

// func takeOwned(gate *Gate) Outcome
TEXT ·takeOwned(SB), NOSPLIT, $0-16
	MOVQ gate+0(FP), SI
	TAKE(refused, inside, lost)
	MOVQ $const_OwnedDone, ret+8(FP)
	RET

refused:
	MOVQ $const_ownedRefused, ret+8(FP)
	RET

inside:
	MOVQ $const_ownedInside, ret+8(FP)
	RET

lost:
	MOVL $0, ownership_busy(R8)
	MOVQ $const_ownedRefused, DX
	LOST
	MOVQ DX, ret+8(FP)
	RET

// func callOwned(k *Kept, function unsafe.Pointer, call context.Context, values *uint64,
// n int) Outcome
TEXT ·callOwned(SB), NOSPLIT, $40-56
	NO_LOCAL_POINTERS
	MOVQ k+0(FP), SI
	TAKE(refused, inside, gone)
	MOVQ function+8(FP), CX
	CMPQ Kept_Quick(SI), CX
	JNE  other
	MOVQ n+40(FP), CX
	CMPQ Kept_Slots(SI), CX
	JGT  other
	MOVQ Kept_Fiber(SI), BX
	MOVQ Fiber_ctx(BX), BX
	MOVQ values+32(FP), DX
	MOVQ ctx_args(BX), DI
	MOVQ Kept_Params(SI), CX
	TESTQ CX, CX
	JEQ  enter

argument:
	MOVQ -8(DX)(CX*8), AX
	MOVQ AX, -8(DI)(CX*8)
	DECQ CX
	JNE  argument

enter:
	CALL enterGuest<>(SB)

	// Here arrives a guest, as in run.
	MOVQ k+0(FP), SI
	TESTQ DI, DI
	JNZ  left
	MOVQ values+32(FP), DX
	MOVQ ctx_args(BX), DI
	MOVQ Kept_Results(SI), CX
	TESTQ CX, CX
	JEQ  done

result:
	MOVQ -8(DI)(CX*8), AX
	MOVQ AX, -8(DX)(CX*8)
	DECQ CX
	JNE  result

done:
	MOVQ Gate_owned(SI), R8       // the same one, while its owner is inside
	MOVQ $const_OwnedDone, DX
	LEAVE(lost)
	MOVQ DX, ret+48(FP)
	RET

left:
	MOVQ ctx_host_pc(DI), AX
	MOVQ AX, 32(SP)
	MOVQ Kept_Fiber(SI), AX
	MOVQ call_itable+16(FP), CX
	MOVQ call_data+24(FP), DX
	MOVQ AX, 0(SP)
	MOVQ CX, 8(SP)
	MOVQ DX, 16(SP)
	CALL ·dispatch(SB)
	CMPB 24(SP), $0
	JEQ  stop
	MOVQ k+0(FP), SI
	MOVQ Kept_Fiber(SI), DI
	MOVQ Fiber_ctx(DI), DI
	MOVQ 32(SP), AX
	JMP  resumeGuest<>(SB)

stop:
	MOVQ $const_ownedFailed, ret+48(FP)
	RET

other:
	MOVQ $const_ownedInside, DX
	LEAVE(lost)
	MOVQ DX, ret+48(FP)
	RET

refused:
	MOVQ $const_ownedRefused, ret+48(FP)
	RET

inside:
	MOVQ $const_ownedInside, ret+48(FP)
	RET

gone:
	MOVL $0, ownership_busy(R8)
	MOVQ $const_ownedRefused, DX

lost:
	LOST
	MOVQ DX, ret+48(FP)
	RET

// Enters the guest of the block in BX; comes back to the caller as described there.
TEXT enterGuest<>(SB), NOSPLIT|NOFRAME, $0-0
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
	MOVQ AX, 0(SP)              // the return address of this call, which others have overwritten meanwhile
	RET

// Resumes the guest of the block in DI, to leave to AX. Reached by a jump from run.
TEXT resumeGuest<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ AX, ctx_host_pc(DI)
	MOVQ SP, ctx_host_sp(DI)
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
	BYTE $0xC3                  // the guest's return
