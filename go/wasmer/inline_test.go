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

// Functions with loops are inlined into themselves. The frames are the same as if they had been
// called.
func TestInlinedLoops(t *testing.T) {
	const opI32DivU = 0x6e
	binary := must(wasmer.Wat2Wasm(`(module
		(func $sum (export "sum") (param i32 i32) (result i32)
			(local i32)
			loop
				local.get 0
				if
					local.get 2
					local.get 0 i32.const 1 i32.sub local.get 1 call $sum
					i32.add local.set 2
					local.get 0 i32.const 1 i32.sub local.tee 0
					br_if 1
				else
					i32.const 100 local.get 1 i32.div_u local.set 2
				end
			end
			local.get 2)
		(func $down (export "down") (param i32) (result i32)
			loop
				local.get 0 i32.const 1 i32.add call $down
				local.set 0
				br 0
			end
			unreachable))`))(t)
	instance := instantiate(t, binary, nil)
	// Of 0 it is 100, of any other number the sum of those of all smaller ones.
	expected := []int32{100}
	for n := range 10 {
		var next int32
		for _, value := range expected {
			next += value
		}
		if got := call(t, instance, "sum", n, 1); got != wasmer.I32(expected[n]) {
			t.Errorf("sum(%d, 1) = %v, expected %d", n, got, expected[n])
		}
		expected = append(expected, next)
	}
	for n := range 12 {
		_, err := instance.Exports["sum"](n, 0)
		var trap *wasmer.Trap
		if !errors.As(err, &trap) || trap.Code != wasmer.TrapIntegerDivideByZero || len(trap.Backtrace) != n+1 {
			t.Fatalf("sum(%d, 0): %v", n, err)
		}
		for i, frame := range trap.Backtrace {
			opcode := byte(opCall)
			if i == 0 {
				opcode = opI32DivU
			}
			if frame.FunctionName != "sum" || binary[frame.Offset] != opcode {
				t.Errorf("sum(%d, 0): frame %d is %s, at opcode %#x", n, i, frame.FunctionName, binary[frame.Offset])
			}
		}
	}
	_, err := instance.Exports["down"](0)
	var trap *wasmer.Trap
	if !errors.As(err, &trap) || trap.Code != wasmer.TrapStackOverflow || len(trap.Backtrace) != 64 || trap.Omitted < 1000 {
		t.Fatal(err)
	}
	for _, frame := range trap.Backtrace {
		if frame.FunctionName != "down" {
			t.Errorf("a frame of %s", frame.FunctionName)
		}
	}
}

// What is known of a table that nothing changes leaves no check out that can fail.
func TestTablesThatNeverChange(t *testing.T) {
	const guest = `
		(type $one (func (param i32) (result i32)))
		(type $other (func (result i32)))
		(global $own (export "own") (mut i32) (i32.const 0))
		(table $t 5 funcref)
		(func $a (type $one) local.get 0 global.get $own i32.add)
		(func $b (type $one) local.get 0 global.get $own i32.sub)
		(func (export "call") (param i32) (result i32) i32.const 100 local.get 0 call_indirect $t (type $one))
		(func (export "tail") (param i32) (result i32) i32.const 100 local.get 0 return_call_indirect $t (type $one))
		(func (export "other") (param i32) (result i32) local.get 0 call_indirect $t (type $other))`
	binary := must(wasmer.Wat2Wasm(`(module ` + guest + ` (elem (table $t) (i32.const 1) func $a $b))`))(t)
	// Each instance runs with its own globals.
	for n := range 3 {
		instance := instantiate(t, binary, nil)
		if err := must(instance.Global("own"))(t).Set(wasmer.I32(int32(n))); err != nil {
			t.Fatal(err)
		}
		for _, function := range []string{"call", "tail"} {
			if a, b := call(t, instance, function, 1), call(t, instance, function, 2); a != wasmer.I32(int32(100+n)) || b != wasmer.I32(int32(100-n)) {
				t.Errorf("instance %d, %s: %v and %v", n, function, a, b)
			}
		}
		for _, c := range []struct {
			function string
			element  int32
			code     wasmer.TrapCode
		}{
			{"call", 0, wasmer.TrapIndirectCallToNull}, {"call", 3, wasmer.TrapIndirectCallToNull},
			{"tail", 0, wasmer.TrapIndirectCallToNull}, {"tail", 4, wasmer.TrapIndirectCallToNull},
			{"call", 5, wasmer.TrapUndefinedElement}, {"call", -1, wasmer.TrapUndefinedElement}, {"tail", 5, wasmer.TrapUndefinedElement},
			{"other", 0, wasmer.TrapIndirectCallToNull}, {"other", 1, wasmer.TrapBadSignature}, {"other", 5, wasmer.TrapUndefinedElement},
		} {
			var trap *wasmer.Trap
			if _, err := instance.Exports[c.function](c.element); !errors.As(err, &trap) || trap.Code != c.code {
				t.Errorf("%s(%d): %v, expected %v", c.function, c.element, err, c.code)
			} else if len(trap.Backtrace) != 1 || trap.Backtrace[0].FunctionIndex != map[string]uint32{"call": 2, "tail": 3, "other": 4}[c.function] {
				t.Errorf("%s(%d): backtrace %v", c.function, c.element, trap.Backtrace)
			}
		}
	}
}

// A function that got away from an instantiation that failed finds the table as it was then.
func TestTableOfFailedInstantiation(t *testing.T) {
	owner := instantiate(t, must(wasmer.Wat2Wasm(`(module
		(type $one (func (param i32) (result i32)))
		(table (export "table") 1 funcref)
		(func (export "call") (param i32) (result i32) local.get 0 i32.const 0 call_indirect (type $one)))`))(t), nil)
	imports := wasmer.NewImports().Namespace("owner")
	must(imports.AppendTable("table", must(owner.Table("table"))(t)))(t)
	_, err := wasmer.NewInstanceWithImports(must(wasmer.Wat2Wasm(`(module
		(type $one (func (param i32) (result i32)))
		(import "owner" "table" (table $theirs 1 funcref))
		(table $t 5 funcref)
		(elem (table $theirs) (i32.const 0) func $through)
		(elem (table $t) (i32.const 1) func $self)
		(elem (table $t) (i32.const 4) func $self $self)
		(func $self (type $one) local.get 0)
		(func $through (type $one) i32.const 7 local.get 0 call_indirect $t (type $one)))`))(t), imports)
	if err == nil {
		t.Fatal("a segment reaches beyond the end of a table, expected an error")
	}
	if got := call(t, owner, "call", 1); got != wasmer.I32(7) {
		t.Errorf("element 1 returns %v, expected 7", got)
	}
	var trap *wasmer.Trap
	if _, err := owner.Exports["call"](4); !errors.As(err, &trap) || trap.Code != wasmer.TrapIndirectCallToNull {
		t.Errorf("element 4: %v, expected that it is null", err)
	}
}
