//go:build linux

#include "textflag.h"
#include "go_asm.h"
#include "layout_gen.h"

// The head of the stack that this runs on.
#define HEAD(r) \
	MOVQ SP, r \
	ANDQ $-stack_size, r \
	ADDQ $(stack_size-ctx_size-head_size), r

TEXT ·Table(SB), NOSPLIT, $0-8
	MOVQ $table<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

DATA table<>+table_magic(SB)/8, $table_first_word
DATA table<>+table_abi(SB)/8, $77
DATA table<>+table_head_size(SB)/8, $head_size
DATA table<>+table_stack_size(SB)/8, $stack_size
DATA table<>+table_start(SB)/8, $start<>(SB)
DATA table<>+table_call(SB)/8, $call<>(SB)
DATA table<>+table_handler(SB)/8, $handler<>(SB)
DATA table<>+table_abandoned(SB)/8, $abandoned<>(SB)
DATA table<>+table_heap_release(SB)/8, $release<>(SB)
DATA table<>+table_spin(SB)/8, $spin<>(SB)
DATA table<>+table_fail(SB)/8, $fault<>(SB)
DATA table<>+table_enter(SB)/8, $start<>(SB)
DATA table<>+table_resume(SB)/8, $start<>(SB)
DATA table<>+table_c_call(SB)/8, $start<>(SB)
DATA table<>+table_count(SB)/8, $10
DATA table<>+(table_size+0)(SB)/8, $add<>(SB)
DATA table<>+(table_size+8)(SB)/8, $weigh<>(SB)
DATA table<>+(table_size+16)(SB)/8, $service<>(SB)
DATA table<>+(table_size+24)(SB)/8, $panic<>(SB)
DATA table<>+(table_size+32)(SB)/8, $overflow<>(SB)
DATA table<>+(table_size+40)(SB)/8, $fault<>(SB)
DATA table<>+(table_size+48)(SB)/8, $pause<>(SB)
DATA table<>+(table_size+56)(SB)/8, $touch<>(SB)
DATA table<>+(table_size+64)(SB)/8, $peek<>(SB)
DATA table<>+(table_size+72)(SB)/8, $spin<>(SB)
GLOBL table<>(SB), RODATA, $(table_size+80)

// call(function, head, words)
TEXT call<>(SB), NOSPLIT|NOFRAME, $0-0
	PUSHQ BP
	PUSHQ BX
	SUBQ $24, SP
	MOVQ DX, BX
	MOVQ DI, R11
	MOVQ 48(BX), AX
	MOVQ AX, 0(SP)
	MOVQ 56(BX), AX
	MOVQ AX, 8(SP)
	MOVQ 0(BX), DI
	MOVQ 8(BX), SI
	MOVQ 16(BX), DX
	MOVQ 24(BX), CX
	MOVQ 32(BX), R8
	MOVQ 40(BX), R9
	CALL R11
	MOVQ AX, 0(BX)
	MOVQ DX, 8(BX)
	ADDQ $24, SP
	POPQ BX
	POPQ BP
	RET

// Leaves with the status in R11, and comes back when resumed.
TEXT suspend<>(SB), NOSPLIT|NOFRAME, $0-0
	PUSHQ BP
	PUSHQ BX
	PUSHQ R12
	PUSHQ R13
	PUSHQ R14
	PUSHQ R15
	HEAD(R10)
	MOVQ SP, (head_size+ctx_sp)(R10)
	JMP  leave<>(SB)

// Leaves with the status in R11 and the head in R10.
TEXT leave<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ R11, (head_size+ctx_status)(R10)
	LEAQ head_size(R10), DI
	MOVQ BP, AX                 // go vet wants the frame pointer read before it is written
	MOVQ (head_size+ctx_host_sp)(R10), SP
	MOVQ (head_size+ctx_host_bp)(R10), BP
	MOVQ (head_size+ctx_host_pc)(R10), AX
	JMP  AX

TEXT start<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ $·Seen(SB), AX
	MOVOU 0(DI), X0
	MOVOU X0, 0(AX)
	MOVOU 16(DI), X0
	MOVOU X0, 16(AX)
	MOVOU 32(DI), X0
	MOVOU X0, 32(AX)
	MOVQ 48(DI), CX
	MOVQ CX, 48(AX)
	RET

// handler(signal, info, context)
TEXT handler<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ $·Seen(SB), AX
	MOVLQSX DI, DI
	MOVQ DI, Notes_Signal(AX)
	RET

// abandoned(head)
TEXT abandoned<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ $·Seen(SB), AX
	INCQ Notes_Abandoned(AX)
	XORL CX, CX
next:
	MOVQ head_held(DI)(CX*8), AX
	TESTQ AX, AX
	JEQ  free
	MOVL $0, (AX)
free:
	INCQ CX
	CMPQ CX, $head_held_count
	JNE  next
	RET

// release(cell)
TEXT release<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ $·Seen(SB), AX
	INCQ Notes_Released(AX)
	MOVQ $0, 0(DI)
	RET

TEXT add<>(SB), NOSPLIT|NOFRAME, $0-0
	LEAQ (DI)(SI*1), AX
	SUBQ SI, DI
	MOVQ DI, DX
	RET

TEXT weigh<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ DI, AX
	IMULQ $2, SI
	ADDQ SI, AX
	IMULQ $3, DX
	ADDQ DX, AX
	IMULQ $4, CX
	ADDQ CX, AX
	IMULQ $5, R8
	ADDQ R8, AX
	IMULQ $6, R9
	ADDQ R9, AX
	MOVQ 8(SP), CX
	IMULQ $7, CX
	ADDQ CX, AX
	MOVQ 16(SP), CX
	IMULQ $8, CX
	ADDQ CX, AX
	RET

TEXT service<>(SB), NOSPLIT|NOFRAME, $0-0
	HEAD(R10)
	MOVQ DI, head_service(R10)
	MOVQ SI, (head_service_arguments+0)(R10)
	MOVQ DX, (head_service_arguments+8)(R10)
	MOVQ CX, (head_service_arguments+16)(R10)
	MOVQ R8, (head_service_arguments+24)(R10)
	MOVQ R9, (head_service_arguments+32)(R10)
	MOVQ $status_runtime_call, R11
	CALL suspend<>(SB)
	HEAD(R10)
	MOVQ (head_service_result+0)(R10), AX
	MOVQ (head_service_result+8)(R10), DX
	RET

// panic(length)
TEXT panic<>(SB), NOSPLIT|NOFRAME, $0-0
	HEAD(R10)
	MOVQ DI, head_text_length(R10)
	MOVQ $status_died, R11
	JMP  leave<>(SB)

TEXT overflow<>(SB), NOSPLIT|NOFRAME, $0-0
	HEAD(R10)
	MOVQ $trap_stack_overflow, (head_size+ctx_trap_code)(R10)
	MOVQ $status_trap, R11
	JMP  leave<>(SB)

TEXT fault<>(SB), NOSPLIT|NOFRAME, $0-0
	HEAD(R10)
	MOVQ $1, (head_size+ctx_trap_code)(R10)
	MOVQ $0x123, (head_size+ctx_trap_pc)(R10)
	MOVQ $status_trap, R11
	JMP  leave<>(SB)

TEXT pause<>(SB), NOSPLIT|NOFRAME, $0-0
	PUSHQ BX
	PUSHQ DI
	MOVQ DI, BX
again:
	MOVQ $status_paused, R11
	CALL suspend<>(SB)
	DECQ BX
	JNE  again
	POPQ AX
	POPQ BX
	RET

TEXT touch<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ SP, AX
	SUBQ DI, AX
	MOVQ DI, (AX)
	RET

TEXT peek<>(SB), NOSPLIT|NOFRAME, $0-0
	HEAD(R10)
	MOVQ (R10)(DI*1), AX
	RET

TEXT spin<>(SB), NOSPLIT|NOFRAME, $0-0
again:
	DECQ DI
	JNE  again
	RET
