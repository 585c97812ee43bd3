package wast

import (
	"fmt"
	"math"
	"strings"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// externalValue is what the external references of scripts refer to.
type externalValue uint32

// value makes the argument of a call. The bits of floats are kept.
func value(literal *Literal) (wasmer.Value, error) {
	if literal.Other != "" {
		return wasmer.Value{}, fmt.Errorf("the argument %s is not supported", literal.Other)
	}
	switch literal.Type {
	case wasmer.TypeI32, wasmer.TypeI64, wasmer.TypeF32, wasmer.TypeF64:
		return fromSlot(literal.Type, literal.Bits), nil
	case wasmer.TypeV128:
		return wasmer.V128(literal.Bits, literal.High), nil
	case wasmer.TypeFuncRef:
		return wasmer.FuncRef(nil), nil
	default:
		if literal.Null {
			return wasmer.ExternRef(nil), nil
		}
		return wasmer.ExternRef(externalValue(literal.Bits)), nil
	}
}

// compare compares all results of an action.
func compare(patterns []Pattern, values []wasmer.Value) error {
	if len(patterns) != len(values) {
		return fmt.Errorf("expected %d results, got %s", len(patterns), formatValues(values))
	}
	for i := range patterns {
		if !matches(&patterns[i], values[i]) {
			return fmt.Errorf("result %d: expected %s, got %s", i, formatPattern(&patterns[i]), formatValue(values[i]))
		}
	}
	return nil
}

func matches(p *Pattern, v wasmer.Value) bool {
	if p.HasType && v.GetType() != p.Type {
		return false
	}
	switch p.Kind {
	case PatternOther:
		return false
	case PatternNull:
		return isNull(v)
	case PatternExtern:
		return v.GetType() == wasmer.TypeExternRef && !isNull(v) && (!p.HasNumber || v.ToExternRef() == any(externalValue(p.Number)))
	case PatternFunc:
		return v.GetType() == wasmer.TypeFuncRef && !isNull(v)
	case PatternEither:
		for i := range p.Cases {
			if matches(&p.Cases[i], v) {
				return true
			}
		}
		return false
	}
	low, high := bits(v)
	at := 0
	for _, lane := range p.Lanes {
		word := low
		if at >= 8 {
			word = high
		}
		word >>= 8 * (at % 8)
		if lane.Width < 8 {
			word &= 1<<(8*lane.Width) - 1
		}
		if !laneMatches(lane, word) {
			return false
		}
		at += lane.Width
	}
	return true
}

// laneMatches compares one number. A canonical NaN has only the highest bit of its fraction set, an
// arithmetic one at least that; the sign is free (specification, section 2.2.3).
func laneMatches(lane Lane, bits uint64) bool {
	quiet, sign := uint64(0x7ff8_0000_0000_0000), uint64(1)<<63
	if lane.Width == 4 {
		quiet, sign = 0x7fc0_0000, 1<<31
	}
	switch lane.NaN {
	case NaNCanonical:
		return bits&^sign == quiet
	case NaNArithmetic:
		return bits&quiet == quiet
	default:
		return bits == lane.Bits
	}
}

// bits returns those of a number; only a v128 has an upper half.
func bits(v wasmer.Value) (low, high uint64) {
	if v.GetType() == wasmer.TypeV128 {
		return v.ToV128()
	}
	return uint64(v.ToI64()), 0
}

// isNull reports whether a value is a null reference.
func isNull(v wasmer.Value) bool {
	switch v.GetType() {
	case wasmer.TypeFuncRef:
		return v.ToFunc() == nil
	case wasmer.TypeExternRef:
		return v.ToExternRef() == nil
	case wasmer.TypeExnRef:
		return v.ToException() == nil
	default:
		return false
	}
}

func formatValues(values []wasmer.Value) string {
	if len(values) == 0 {
		return "(none)"
	}
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = formatValue(v)
	}
	return strings.Join(texts, ", ")
}

// formatValue writes a value with its type, numbers as bits.
func formatValue(v wasmer.Value) string {
	low, high := bits(v)
	switch v.GetType() {
	case wasmer.TypeI32, wasmer.TypeF32:
		return fmt.Sprintf("%v 0x%08x", v.GetType(), low)
	case wasmer.TypeI64, wasmer.TypeF64:
		return fmt.Sprintf("%v 0x%016x", v.GetType(), low)
	case wasmer.TypeV128:
		return fmt.Sprintf("v128 0x%016x%016x", high, low)
	case wasmer.TypeExternRef:
		return fmt.Sprintf("externref %v", v.ToExternRef())
	default:
		if isNull(v) {
			return "null funcref"
		}
		return v.GetType().String()
	}
}

func formatPattern(p *Pattern) string {
	switch p.Kind {
	case PatternOther:
		return p.Other
	case PatternNull:
		return "a null reference"
	case PatternExtern:
		if p.HasNumber {
			return fmt.Sprintf("externref %d", p.Number)
		}
		return "externref"
	case PatternFunc:
		return "funcref"
	case PatternEither:
		texts := make([]string, len(p.Cases))
		for i := range p.Cases {
			texts[i] = formatPattern(&p.Cases[i])
		}
		return "either " + strings.Join(texts, " or ")
	}
	texts := make([]string, len(p.Lanes))
	for i, lane := range p.Lanes {
		texts[i] = [...]string{fmt.Sprintf("0x%0*x", 2*lane.Width, lane.Bits), "nan:canonical", "nan:arithmetic"}[lane.NaN]
	}
	return p.Type.String() + " " + strings.Join(texts, " ")
}

// fromSlot makes a number of the bits in a slot.
func fromSlot(t wasmer.ValueType, slot uint64) wasmer.Value {
	switch t {
	case wasmer.TypeI32:
		return wasmer.I32(int32(uint32(slot)))
	case wasmer.TypeF32:
		return wasmer.F32(math.Float32frombits(uint32(slot)))
	case wasmer.TypeF64:
		return wasmer.F64(math.Float64frombits(slot))
	default:
		return wasmer.I64(int64(slot))
	}
}
