//go:build linux && amd64 && !gowasmer_static

package pauses

import (
	"encoding/binary"
	"reflect"
	"testing"
)

// flow is where control may go from an instruction, besides where it goes the first time.
type flow struct {
	// next are the addresses that it may go to as well, relative to the instruction.
	next []int
	// indirect says that it goes somewhere else each time.
	indirect bool
	// register is 1 and the number of the register that it jumps to, 0 for other instructions.
	register int
	// call says that it comes back to the address that it pushes.
	call bool
}

// flowOf decodes as much of an instruction as that needs. What it does not know goes to one place
// alone.
func flowOf(code []byte) flow {
	at, repeated := 0, false
	for at < len(code) {
		switch code[at] {
		case 0xf2, 0xf3:
			repeated = true
		case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67:
		default:
			goto opcode
		}
		at++
	}
opcode:
	extension := 0
	if at < len(code) && code[at]&0xf0 == 0x40 { // REX
		extension = int(code[at]&1) * 8
		at++
	}
	if at+6 > len(code) {
		return flow{}
	}
	switch op := code[at]; {
	case op&0xf0 == 0x70, op >= 0xe0 && op <= 0xe3: // jcc, loop and jrcxz, 8 bits
		return flow{next: []int{at + 2, at + 2 + int(int8(code[at+1]))}}
	case op == 0x0f && code[at+1]&0xf0 == 0x80: // jcc, 32 bits
		return flow{next: []int{at + 6, at + 6 + int(int32(binary.LittleEndian.Uint32(code[at+2:])))}}
	case op == 0xe8:
		return flow{call: true}
	case op == 0xff && code[at+1]>>3&7 == 2:
		return flow{call: true, indirect: true}
	case op == 0xff && code[at+1]>>3 == 0o34:
		return flow{indirect: true, register: 1 + extension + int(code[at+1]&7)}
	case op == 0xff && code[at+1]>>3&7 == 4:
		return flow{indirect: true}
	case repeated && (op >= 0xa4 && op <= 0xa7 || op >= 0xaa && op <= 0xaf): // goes to itself first
		return flow{next: []int{at + 1}}
	}
	return flow{}
}

func TestFlow(t *testing.T) {
	for _, test := range []struct {
		code string
		flow
	}{
		{code: "\x90"},                                            // nop
		{code: "\x48\x89\xe5"},                                    // mov rbp, rsp
		{code: "\x0f\xb6\x85\x00\x01\x00\x00"},                    // movzx eax, byte ptr [rbp + 256]
		{code: "\xff\x35\x00\x01\x00\x00"},                        // push [rip + 256]
		{code: "\xf3\x0f\x10\x85\x00\x01\x00\x00"},                // movss xmm0, [rbp + 256]
		{code: "\xeb\x10"},                                        // jmp
		{code: "\xc3"},                                            // ret
		{"\x74\xf0", flow{next: []int{2, -14}}},                   // je
		{"\x0f\x85\x00\x01\x00\x00", flow{next: []int{6, 0x106}}}, // jne
		{"\xe3\x10", flow{next: []int{2, 0x12}}},                  // jrcxz
		{"\xf3\x48\xa5", flow{next: []int{3}}},                    // rep movsq
		{"\xe8\x00\x01\x00\x00", flow{call: true}},                // call
		{"\xff\xd0", flow{call: true, indirect: true}},            // call rax
		{"\x41\xff\xd3", flow{call: true, indirect: true}},        // call r11
		{"\xff\x54\x24\x18", flow{call: true, indirect: true}},    // call [rsp + 24]
		{"\xff\x64\x24\x18", flow{indirect: true}},                // jmp [rsp + 24]
		{"\xff\xe0", flow{indirect: true, register: 1}},           // jmp rax
		{"\x3e\x41\xff\xe3", flow{indirect: true, register: 12}},  // notrack jmp r11
	} {
		got := flowOf([]byte(test.code + "\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc"))
		if !reflect.DeepEqual(got, test.flow) {
			t.Errorf("% x: %+v, expected %+v", test.code, got, test.flow)
		}
	}
}
