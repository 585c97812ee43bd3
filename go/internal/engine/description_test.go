package engine

import (
	"encoding/binary"
	"reflect"
	"strings"
	"testing"
)

type writer []byte

func (w *writer) u8(v ...uint8) { *w = append(*w, v...) }
func (w *writer) u32(v uint32)  { *w = binary.LittleEndian.AppendUint32(*w, v) }
func (w *writer) u64(v uint64)  { *w = binary.LittleEndian.AppendUint64(*w, v) }
func (w *writer) str(s string)  { w.u32(uint32(len(s))); *w = append(*w, s...) }

// described is a description with every kind of import and export, as the engine writes it.
func described() []byte {
	var w writer
	w.u32(4)
	w.u64(5)
	w.u32(1) // types
	w.u32(2)
	w.u8(0, 3)
	w.u32(1)
	w.u8(1)
	w.u32(3) // imports
	w.str("env")
	w.str("e")
	w.u8(4)
	w.u32(0)
	w.str("env")
	w.str("f")
	w.u8(0)
	w.u32(0)
	w.str("env")
	w.str("m")
	w.u8(2)
	w.u64(1)
	w.u8(1)
	w.u64(3)
	w.u8(1, 0)
	w.u32(3) // exports
	w.str("t")
	w.u8(1)
	w.u32(0)
	w.u8(5)
	w.u64(4)
	w.u8(0)
	w.u64(0)
	w.u8(1)
	w.str("g")
	w.u8(3)
	w.u32(2)
	w.u8(2, 1)
	w.str("f")
	w.u8(0)
	w.u32(1)
	w.u32(0)
	w.str("name")
	w.u32(1) // sections
	w.str("type")
	w.u8(1)
	w.u64(9)
	w.u64(13)
	w.u64(22)
	w.u32(7)
	w.u64(99)
	w.u32(1) // memories
	w.u64(1)
	w.u8(1)
	w.u64(3)
	w.u8(1, 0)
	w.u32(1) // tags
	return w
}

func TestParseDescription(t *testing.T) {
	d, err := parseDescription(described())
	if err != nil {
		t.Fatal(err)
	}
	f := FuncType{Params: []ValType{I32, F64}, Results: []ValType{I64}}
	memory := MemoryType{Limits: Limits{Min: 1, Max: 3, HasMax: true}, Index64: true}
	expected := &Description{
		Code:  5,
		Types: []FuncType{f},
		Imports: []Import{
			{Namespace: "env", Name: "e", Type: ExternType{Kind: ExternTag, Func: &f}},
			{Namespace: "env", Name: "f", Type: ExternType{Kind: ExternFunction, Func: &f}},
			{Namespace: "env", Name: "m", Type: ExternType{Kind: ExternMemory, Limits: memory.Limits, Index64: true}},
		},
		Exports: []Export{
			{Name: "t", Type: ExternType{Kind: ExternTable, Value: FuncRef, Limits: Limits{Min: 4}, Index64: true}},
			{Name: "g", Index: 2, Type: ExternType{Kind: ExternGlobal, Value: F32, Mutable: true}},
			{Name: "f", Index: 1, Type: ExternType{Kind: ExternFunction, Func: &f}},
		},
		Name:      "name",
		Sections:  []Section{{Name: "type", Custom: true, Size: 9, Start: 13, End: 22}},
		Functions: 7,
		CodeBytes: 99,
		Memories:  []MemoryType{memory},
		Tags:      1,
	}
	if !reflect.DeepEqual(d, expected) {
		t.Errorf("got %+v, expected %+v", d, expected)
	}
	if f.Slots() != 2 {
		t.Errorf("%d slots, expected 2", f.Slots())
	}
}

// Every truncation is an error, none a panic.
func TestParseDescriptionCut(t *testing.T) {
	whole := described()
	for n := range whole {
		if _, err := parseDescription(whole[:n]); err == nil {
			t.Errorf("the first %d bytes of %d are accepted", n, len(whole))
		}
	}
	if _, err := parseDescription(append(whole, 0)); err == nil || !strings.Contains(err.Error(), "1 bytes left") {
		t.Errorf("a byte too many: %v", err)
	}
}

// No change of a byte makes the parser panic or allocate much.
func TestParseDescriptionAltered(t *testing.T) {
	whole := described()
	for i := range whole {
		for _, value := range []byte{0, 1, 0x7f, 0xff} {
			altered := append([]byte(nil), whole...)
			altered[i] = value
			_, _ = parseDescription(altered)
		}
	}
}

func TestParseTrap(t *testing.T) {
	var w writer
	w.u32(1)
	w.u64(77)
	w.str("module")
	w.u32(3)
	w.str("name")
	w.u32(1)
	w.u8(1)
	w.u32(0)
	w.u32(0x45)
	w.u32(0x21)
	w.u32(12)
	w.u8(1)
	w.u64(65537)
	w.u64(65536)
	w.u32(1)
	w.u8(0)
	w.u64(65536)
	w.u64(300)
	w.u64(256)
	w.u8(1)
	expected := TrapInfo{
		Frames: []Frame{{
			Code: 77, Module: "module", Function: 3, Name: "name",
			Type: FuncType{Params: []ValType{I64}, Results: []ValType{}}, Offset: 0x45, CodeOffset: 0x21,
		}},
		LeftOut: 12,
		Fault:   &Fault{Address: 65537, Size: 65536},
		Refused: []Refusal{{PageSize: 65536, Asked: 300, Limit: 256, Limiter: LimitedByEmbedder}},
	}
	if info := parseTrap(w); !reflect.DeepEqual(info, expected) {
		t.Errorf("got %+v, expected %+v", info, expected)
	}
	for n := range w {
		if info := parseTrap(w[:n]); !reflect.DeepEqual(info, TrapInfo{}) {
			t.Errorf("the first %d bytes give %+v", n, info)
		}
	}
}

func TestValTypeNames(t *testing.T) {
	for i, name := range []string{"i32", "i64", "f32", "f64", "v128", "funcref", "externref", "exnref", "unknown type"} {
		if got := ValType(i).String(); got != name {
			t.Errorf("type %d is %q, expected %q", i, got, name)
		}
	}
}
