//go:build linux

#include "textflag.h"

// func flushCode(at unsafe.Pointer, size uintptr)
TEXT ·flushCode(SB), NOSPLIT, $0-16
	MOVD at+0(FP), R0
	MOVD size+8(FP), R1
	ADD  R0, R1, R1             // the end
	WORD $0xd53b0022            // mrs x2, ctr_el0
	MOVD $4, R5
	UBFX $16, R2, $4, R3
	LSL  R3, R5, R3             // bytes of a line of the data cache
	AND  $15, R2, R4
	LSL  R4, R5, R4             // and of the instruction cache
	SUB  $1, R3, R6
	BIC  R6, R0, R6
data:
	CMP  R1, R6
	BHS  clean
	WORD $0xd50b7b26            // dc cvau, x6
	ADD  R3, R6
	B    data
clean:
	DSB  $11                    // ish
	SUB  $1, R4, R6
	BIC  R6, R0, R6
code:
	CMP  R1, R6
	BHS  done
	WORD $0xd50b7526            // ic ivau, x6
	ADD  R4, R6
	B    code
done:
	DSB  $11
	ISB  $15
	RET
