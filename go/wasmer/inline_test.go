package wasmer_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Opcodes of the instructions that frames of backtraces stand at.
const (
	opCall    = 0x10
	opI32Load = 0x28
	opI32DivS = 0x6d
)

func inlineGuest(t *testing.T) wasmer.Instance {
	t.Helper()
	imports := wasmer.NewImports()
	must(imports.Append("host", func(x int32) int32 { return x * 10 }))(t)
	return instantiate(t, guest(t, "inline"), imports)
}

func TestInlinedFunctions(t *testing.T) {
	instance := inlineGuest(t)
	for _, c := range []struct {
		function  string
		arguments []interface{}
		result    int32
	}{
		{"outer", []interface{}{5}, 23},
		{"twice", []interface{}{5, 4}, 45},
		{"recurse", []interface{}{0, 5}, 20},
		{"recurse", []interface{}{1, 5}, 21},
		{"recurse", []interface{}{1000, 5}, 1020},
		{"ping", []interface{}{77, 5}, 20},
		{"outside_always", []interface{}{0}, 7},
		{"asks", []interface{}{4}, 90},
		{"signs", []interface{}{-5, 5}, -9},
		{"signs", []interface{}{5, -5}, 9},
		{"signs", []interface{}{0, -5}, -1},
		{"difference_swapped", []interface{}{3, 10}, 7},
		{"ones", []interface{}{9}, 9},
	} {
		if got := call(t, instance, c.function, c.arguments...); got != wasmer.I32(c.result) {
			t.Errorf("%s%v = %v, expected %d", c.function, c.arguments, got, c.result)
		}
	}
}

// Every function has its frame, with the offset of the instruction in its own body, whatever was
// inlined where.
func TestBacktraceOfInlinedFunctions(t *testing.T) {
	instance := inlineGuest(t)
	for n := range 12 {
		recursion := strings.Repeat("recurse 5, ", n)
		pings := []string{"ping 6", "pong 7"}
		chain := []string{pings[0]}
		for i := 1; i <= n; i++ {
			chain = append([]string{pings[i%2]}, chain...)
		}
		checkFrames(t, instance, opI32DivS, recursion+"recurse 5", "recurse", n, 0)
		checkFrames(t, instance, opI32DivS, "leaf 1, "+strings.Join(chain, ", "), "ping", n, 0)
	}
	checkFrames(t, instance, opI32DivS, "leaf 1, middle 2, outer 3", "outer", 0)
	checkFrames(t, instance, opI32Load, "outside 9, outside_always 10", "outside_always", 1)
	first := checkFrames(t, instance, opI32DivS, "leaf 1, twice 4", "twice", 0, 1)
	second := checkFrames(t, instance, opI32DivS, "leaf 1, twice 4", "twice", 1, 0)
	// Between the calls: an index of a function and `local.get 1`.
	if first[0].Offset != second[0].Offset || second[1].Offset != first[1].Offset+4 {
		t.Errorf("the calls of leaf in twice are at %#x and %#x", first[1].Offset, second[1].Offset)
	}
}

// checkFrames calls a function that traps, and compares the frames of the backtrace: name and index
// of each.
func checkFrames(t *testing.T, instance wasmer.Instance, opcode byte, expected, function string, arguments ...interface{}) []wasmer.Frame {
	t.Helper()
	_, err := instance.Exports[function](arguments...)
	var trap *wasmer.Trap
	if !errors.As(err, &trap) {
		t.Fatalf("%s%v: %v", function, arguments, err)
	}
	var names []string
	bytes := guest(t, "inline")
	for i, frame := range trap.Backtrace {
		names = append(names, fmt.Sprint(frame.FunctionName, " ", frame.FunctionIndex))
		switch at := bytes[frame.Offset:]; {
		case i == 0 && at[0] != opcode:
			t.Errorf("%s%v: at %#x is opcode %#x, expected %#x", function, arguments, frame.Offset, at[0], opcode)
		case i > 0 && (at[0] != opCall || uint32(at[1]) != trap.Backtrace[i-1].FunctionIndex):
			t.Errorf("%s%v: at %#x is no call of function %d", function, arguments, frame.Offset, trap.Backtrace[i-1].FunctionIndex)
		}
	}
	if got := strings.Join(names, ", "); got != expected {
		t.Errorf("%s%v: the backtrace is\n%s, expected\n%s", function, arguments, got, expected)
	}
	return trap.Backtrace
}

// A backtrace that is cut counts inlined functions, too.
func TestCutBacktraceOfInlinedFunctions(t *testing.T) {
	instance := inlineGuest(t)
	for _, n := range []int{62, 63, 64, 65, 100, 1000} {
		_, err := instance.Exports["recurse"](n, 0)
		var trap *wasmer.Trap
		if !errors.As(err, &trap) {
			t.Fatal(err)
		}
		if shown := min(n+1, 64); len(trap.Backtrace) != shown || int(trap.Omitted) != n+1-shown {
			t.Errorf("%d calls: %d frames and %d omitted", n+1, len(trap.Backtrace), trap.Omitted)
		}
	}
	_, err := instance.Exports["endless"](0)
	var trap *wasmer.Trap
	if !errors.As(err, &trap) || trap.Code != wasmer.TrapStackOverflow || len(trap.Backtrace) != 64 || trap.Omitted < 1000 {
		t.Fatal(err)
	}
	for _, frame := range trap.Backtrace {
		if frame.FunctionName != "endless" {
			t.Errorf("a frame of %s", frame.FunctionName)
		}
	}
}
