package tests

import (
	"math"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// guestCall is a call of an export, and the trap it ends in, if it does.
type guestCall struct {
	function  string
	arguments []any
	code      wasmer.TrapCode
}

// guestTraps are all the ways of stress.wat to trap; its memory has two pages, its table eight
// elements.
var guestTraps = []guestCall{
	{"trap_unreachable", nil, wasmer.TrapUnreachable},
	{"trap_load", []any{131069}, wasmer.TrapMemoryOutOfBounds},
	{"trap_load", []any{131072}, wasmer.TrapMemoryOutOfBounds},
	{"trap_load", []any{-1}, wasmer.TrapMemoryOutOfBounds},
	{"trap_load", []any{math.MinInt32}, wasmer.TrapMemoryOutOfBounds},
	{"trap_store", []any{131064}, wasmer.TrapMemoryOutOfBounds},
	{"trap_store", []any{-1}, wasmer.TrapMemoryOutOfBounds},
	{"trap_far_load", []any{0}, wasmer.TrapMemoryOutOfBounds},
	{"trap_far_load", []any{16}, wasmer.TrapMemoryOutOfBounds}, // not 0: addresses do not wrap around
	{"trap_far_load", []any{-1}, wasmer.TrapMemoryOutOfBounds},
	{"trap_fill", nil, wasmer.TrapMemoryOutOfBounds},
	{"trap_copy", nil, wasmer.TrapMemoryOutOfBounds},
	{"trap_init", nil, wasmer.TrapMemoryOutOfBounds},
	{"trap_divide", []any{0}, wasmer.TrapIntegerDivideByZero},
	{"trap_remainder", []any{0}, wasmer.TrapIntegerDivideByZero},
	{"trap_overflow", []any{-1}, wasmer.TrapIntegerOverflow},
	{"trap_truncate", []any{math.NaN()}, wasmer.TrapBadConversionToInteger},
	{"trap_truncate", []any{1e10}, wasmer.TrapIntegerOverflow},
	{"trap_truncate", []any{math.Inf(-1)}, wasmer.TrapIntegerOverflow},
	{"trap_table", []any{8}, wasmer.TrapTableOutOfBounds},
	{"trap_table", []any{-1}, wasmer.TrapTableOutOfBounds},
	{"trap_table_fill", nil, wasmer.TrapTableOutOfBounds},
	{"trap_null", nil, wasmer.TrapIndirectCallToNull},
	{"trap_signature", nil, wasmer.TrapBadSignature},
	{"trap_undefined", []any{8}, wasmer.TrapUndefinedElement},
	{"trap_undefined", []any{-1}, wasmer.TrapUndefinedElement},
	{"trap_stack", []any{0}, wasmer.TrapStackOverflow},
	{"trap_stack_wide", []any{0}, wasmer.TrapStackOverflow},
	{"trap_stack_indirect", []any{0}, wasmer.TrapStackOverflow},
	{"host_then_trap", []any{1}, wasmer.TrapUnreachable},
}

// cTraps are those of c_imports.wat, which is entered by cgo.
var cTraps = []guestCall{
	{"trap_unreachable", nil, wasmer.TrapUnreachable},
	{"trap_load", []any{65533}, wasmer.TrapMemoryOutOfBounds},
	{"trap_divide", []any{0}, wasmer.TrapIntegerDivideByZero},
	{"trap_stack", []any{0}, wasmer.TrapStackOverflow},
	{"trap_stack_c", []any{0}, wasmer.TrapStackOverflow},
	{"c_go_then_trap", []any{1}, wasmer.TrapUnreachable},
	{"indirect", []any{2, 0, 0}, wasmer.TrapUndefinedElement},
}

// endlessLoops never return.
var endlessLoops = []guestCall{
	{"endless", nil, 0},
	{"endless_br_table", []any{0}, 0},
	{"endless_br_table", []any{1}, 0},
	{"endless_br_table", []any{-1}, 0},
	{"endless_grow", nil, 0},
	{"endless_fill", nil, 0},
	{"endless_copy", nil, 0},
	{"endless_table", nil, 0},
	{"endless_host", nil, 0},
	{"endless_memory", nil, 0},
}
