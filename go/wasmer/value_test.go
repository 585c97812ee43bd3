package wasmer_test

import (
	"math"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func TestValues(t *testing.T) {
	for _, c := range []struct {
		value wasmer.Value
		typ   wasmer.ValueType
		text  string
	}{
		{wasmer.I32(7), wasmer.TypeI32, "7"},
		{wasmer.I32(-7), wasmer.TypeI32, "-7"},
		{wasmer.I32(math.MinInt32), wasmer.TypeI32, "-2147483648"},
		{wasmer.I64(-7), wasmer.TypeI64, "-7"},
		{wasmer.I64(math.MaxInt64), wasmer.TypeI64, "9223372036854775807"},
		{wasmer.F32(7.42), wasmer.TypeF32, "7.420000"},
		{wasmer.F64(7.42), wasmer.TypeF64, "7.420000"},
		{wasmer.F64(-0.5e-7), wasmer.TypeF64, "-0.000000"},
		{wasmer.F32(1e10), wasmer.TypeF32, "10000000000.000000"},
		{wasmer.F64(math.Inf(1)), wasmer.TypeF64, "+Inf"},
		{wasmer.F64(math.NaN()), wasmer.TypeF64, "NaN"},
		{wasmer.Value{}, wasmer.TypeI32, "0"},
	} {
		if c.value.GetType() != c.typ || c.value.String() != c.text {
			t.Errorf("%v of type %v, expected %s of type %v", c.value, c.value.GetType(), c.text, c.typ)
		}
	}
}

func TestValueBits(t *testing.T) {
	if v := wasmer.I32(-1); v.ToI32() != -1 || v.ToI64() != math.MaxUint32 || v.ToVoid() != nil {
		t.Errorf("i32: %d, %d", v.ToI32(), v.ToI64())
	}
	if v := wasmer.I64(-1 << 32); v.ToI64() != -1<<32 || v.ToI32() != 0 {
		t.Errorf("i64: %d, %d", v.ToI64(), v.ToI32())
	}
	if v := wasmer.F32(1.5); v.ToF32() != 1.5 || v.ToI32() != 0x3fc00000 {
		t.Errorf("f32: %v, %#x", v.ToF32(), v.ToI32())
	}
	if v := wasmer.F64(1.5); v.ToF64() != 1.5 || v.ToI64() != 0x3ff8000000000000 {
		t.Errorf("f64: %v, %#x", v.ToF64(), v.ToI64())
	}
	const nan = 0x7fa00001
	if v := wasmer.F32(math.Float32frombits(nan)); v.ToI32() != nan {
		t.Errorf("NaN: %#x, expected %#x", v.ToI32(), nan)
	}
	if three := wasmer.I32(3); three != wasmer.I32(-(-3)) || three == wasmer.I64(3) {
		t.Error("values are not compared by type and bits")
	}
}

func TestNamesOfTypesAndKinds(t *testing.T) {
	for typ, text := range map[wasmer.ValueType]string{
		wasmer.TypeI32: "i32", wasmer.TypeI64: "i64", wasmer.TypeF32: "f32", wasmer.TypeF64: "f64", wasmer.TypeVoid: "void",
		99: "ValueType(99)",
	} {
		if typ.String() != text {
			t.Errorf("type %d is %q, expected %q", int(typ), typ, text)
		}
	}
	for kind, text := range map[wasmer.ImportExportKind]string{
		wasmer.ImportExportKindFunction: "function", wasmer.ImportExportKindGlobal: "global",
		wasmer.ImportExportKindMemory: "memory", wasmer.ImportExportKindTable: "table", 99: "ImportExportKind(99)",
	} {
		if kind.String() != text {
			t.Errorf("kind %d is %q, expected %q", int(kind), kind, text)
		}
	}
}
