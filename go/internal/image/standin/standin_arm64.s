//go:build linux

#include "textflag.h"
#include "go_asm.h"
#include "layout_gen.h"

// The head of the stack that this runs on, in R9.
#define HEAD \
	MOVD RSP, R9 \
	AND  $-stack_size, R9 \
	MOVD $(stack_size-ctx_size-head_size), R10 \
	ADD  R10, R9

TEXT ·Table(SB), NOSPLIT, $0-8
	MOVD $table<>(SB), R0
	MOVD R0, ret+0(FP)
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

// call(function, head, words), the three in R2 to R4
TEXT call<>(SB), NOSPLIT|NOFRAME, $0-0
	SUB  $32, RSP, R9
	MOVD R9, RSP
	STP  (R29, R30), 0(RSP)
	MOVD R19, 16(RSP)
	MOVD R4, R19
	MOVD R2, R9
	LDP  0(R19), (R0, R1)
	LDP  16(R19), (R2, R3)
	LDP  32(R19), (R4, R5)
	LDP  48(R19), (R6, R7)
	BL   (R9)
	STP  (R0, R1), 0(R19)
	MOVD 16(RSP), R19
	LDP  0(RSP), (R29, R30)
	ADD  $32, RSP, R9
	MOVD R9, RSP
	RET

// Leaves with the status in R11, and comes back when resumed.
TEXT suspend<>(SB), NOSPLIT|NOFRAME, $0-0
	SUB  $160, RSP, R9
	MOVD R9, RSP
	STP  (R19, R20), 0(R9)
	STP  (R21, R22), 16(R9)
	STP  (R23, R24), 32(R9)
	STP  (R25, R26), 48(R9)
	STP  (R27, g), 64(R9)
	STP  (R29, R30), 80(R9)
	FSTPD (F8, F9), 96(R9)
	FSTPD (F10, F11), 112(R9)
	FSTPD (F12, F13), 128(R9)
	FSTPD (F14, F15), 144(R9)
	MOVD R9, R12
	HEAD
	MOVD R12, (head_size+ctx_sp)(R9)
	B    leave<>(SB)

// Leaves with the status in R11 and the head in R9.
TEXT leave<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVD R11, (head_size+ctx_status)(R9)
	ADD  $head_size, R9, R0
	MOVD R29, R10               // go vet wants the frame pointer read before it is written
	MOVD (head_size+ctx_host_g)(R9), g
	MOVD (head_size+ctx_host_sp)(R9), R10
	MOVD R10, RSP
	MOVD (head_size+ctx_host_bp)(R9), R29
	MOVD (head_size+ctx_host_pc)(R9), R10
	B    (R10)

TEXT start<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVD $·Seen(SB), R1
	LDP  0(R0), (R2, R3)
	STP  (R2, R3), 0(R1)
	LDP  16(R0), (R2, R3)
	STP  (R2, R3), 16(R1)
	LDP  32(R0), (R2, R3)
	STP  (R2, R3), 32(R1)
	MOVD 48(R0), R2
	MOVD R2, 48(R1)
	RET

// handler(signal, info, context)
TEXT handler<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVD $·Seen(SB), R1
	MOVW R0, R0
	MOVD R0, Notes_Signal(R1)
	RET

// abandoned(head)
TEXT abandoned<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVD $·Seen(SB), R1
	MOVD Notes_Abandoned(R1), R2
	ADD  $1, R2
	MOVD R2, Notes_Abandoned(R1)
	ADD  $head_held, R0
	MOVD $head_held_count, R1
next:
	MOVD.P 8(R0), R2
	CBZ  R2, free
	MOVW ZR, (R2)
free:
	SUB  $1, R1
	CBNZ R1, next
	RET

// release(cell)
TEXT release<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVD $·Seen(SB), R1
	MOVD Notes_Released(R1), R2
	ADD  $1, R2
	MOVD R2, Notes_Released(R1)
	MOVD ZR, (R0)
	RET

TEXT add<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVD R0, R2
	ADD  R1, R2, R0
	SUB  R1, R2, R1
	RET

TEXT weigh<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVD $2, R9
	MADD R9, R0, R1, R0
	MOVD $3, R9
	MADD R9, R0, R2, R0
	MOVD $4, R9
	MADD R9, R0, R3, R0
	MOVD $5, R9
	MADD R9, R0, R4, R0
	MOVD $6, R9
	MADD R9, R0, R5, R0
	MOVD $7, R9
	MADD R9, R0, R6, R0
	MOVD $8, R9
	MADD R9, R0, R7, R0
	RET

TEXT service<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVD R30, R12
	SUB  $16, RSP, R9
	MOVD R9, RSP
	MOVD R12, (R9)
	HEAD
	MOVD R0, head_service(R9)
	MOVD R1, (head_service_arguments+0)(R9)
	MOVD R2, (head_service_arguments+8)(R9)
	MOVD R3, (head_service_arguments+16)(R9)
	MOVD R4, (head_service_arguments+24)(R9)
	MOVD R5, (head_service_arguments+32)(R9)
	MOVD $status_runtime_call, R11
	BL   suspend<>(SB)
	HEAD
	MOVD (head_service_result+0)(R9), R0
	MOVD (head_service_result+8)(R9), R1
	MOVD 0(RSP), R30
	ADD  $16, RSP, R9
	MOVD R9, RSP
	RET

// panic(length)
TEXT panic<>(SB), NOSPLIT|NOFRAME, $0-0
	HEAD
	MOVD R0, head_text_length(R9)
	MOVD $status_died, R11
	B    leave<>(SB)

TEXT overflow<>(SB), NOSPLIT|NOFRAME, $0-0
	HEAD
	MOVD $trap_stack_overflow, R10
	MOVD R10, (head_size+ctx_trap_code)(R9)
	MOVD $status_trap, R11
	B    leave<>(SB)

TEXT fault<>(SB), NOSPLIT|NOFRAME, $0-0
	HEAD
	MOVD $1, R10
	MOVD R10, (head_size+ctx_trap_code)(R9)
	MOVD $0x123, R10
	MOVD R10, (head_size+ctx_trap_pc)(R9)
	MOVD $status_trap, R11
	B    leave<>(SB)

TEXT pause<>(SB), NOSPLIT|NOFRAME, $0-0
	SUB  $32, RSP, R9
	MOVD R9, RSP
	MOVD R30, 0(R9)
	MOVD R19, 8(R9)
	MOVD R0, 16(R9)
	MOVD R0, R19
again:
	MOVD $status_paused, R11
	BL   suspend<>(SB)
	SUB  $1, R19
	CBNZ R19, again
	MOVD RSP, R9
	MOVD 0(R9), R30
	MOVD 8(R9), R19
	MOVD 16(R9), R0
	ADD  $32, R9
	MOVD R9, RSP
	RET

TEXT touch<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVD RSP, R1
	SUB  R0, R1
	MOVD R0, (R1)
	MOVD R1, R0
	RET

TEXT peek<>(SB), NOSPLIT|NOFRAME, $0-0
	HEAD
	MOVD (R9)(R0), R0
	RET

TEXT spin<>(SB), NOSPLIT|NOFRAME, $0-0
again:
	SUB  $1, R0
	CBNZ R0, again
	RET
