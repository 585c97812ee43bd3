package wasmer_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func TestTraps(t *testing.T) {
	instance := instantiate(t, guest(t, "traps"), nil)
	for _, c := range []struct {
		function  string
		arguments []interface{}
		code      wasmer.TrapCode
		sentinel  error
		text      string
		fault     string
	}{
		{"unreachable", nil, wasmer.TrapUnreachable, wasmer.ErrUnreachable, "unreachable", ""},
		{"div_by_zero", nil, wasmer.TrapIntegerDivideByZero, wasmer.ErrIntegerDivideByZero, "integer divide by zero", ""},
		{"i64_rem_u", []interface{}{1, 0}, wasmer.TrapIntegerDivideByZero, wasmer.ErrIntegerDivideByZero, "integer divide by zero", ""},
		{"div_overflow", nil, wasmer.TrapIntegerOverflow, wasmer.ErrIntegerOverflow, "integer overflow", ""},
		{"trunc_overflow", nil, wasmer.TrapIntegerOverflow, wasmer.ErrIntegerOverflow, "integer overflow", ""},
		{"trunc_nan", nil, wasmer.TrapBadConversionToInteger, wasmer.ErrBadConversionToInteger, "invalid conversion to integer", ""},
		{"i32_trunc_f32_s", []interface{}{float32(math.NaN())}, wasmer.TrapBadConversionToInteger, wasmer.ErrBadConversionToInteger, "invalid conversion to integer", ""},
		{"out_of_bounds", nil, wasmer.TrapMemoryOutOfBounds, wasmer.ErrMemoryOutOfBounds, "out of bounds memory access", ": address 0x10000 of a memory of 65536 bytes"},
		{"load_far", []interface{}{-1}, wasmer.TrapMemoryOutOfBounds, wasmer.ErrMemoryOutOfBounds, "out of bounds memory access", ""},
		{"store64", []interface{}{65529, 1}, wasmer.TrapMemoryOutOfBounds, wasmer.ErrMemoryOutOfBounds, "out of bounds memory access", ": address 0x10000 of a memory of 65536 bytes"},
		{"indirect_null", nil, wasmer.TrapIndirectCallToNull, wasmer.ErrIndirectCallToNull, "uninitialized element", ""},
		{"bad_signature", nil, wasmer.TrapBadSignature, wasmer.ErrBadSignature, "indirect call type mismatch", ""},
		{"indirect_out_of_bounds", nil, wasmer.TrapUndefinedElement, wasmer.ErrUndefinedElement, "undefined element", ""},
		{"stack_overflow", []interface{}{0}, wasmer.TrapStackOverflow, wasmer.ErrStackOverflow, "call stack exhausted", ""},
	} {
		result, err := instance.Exports[c.function](c.arguments...)
		var trap *wasmer.Trap
		if !errors.As(err, &trap) || trap.Code != c.code || !errors.Is(err, c.sentinel) || result != (wasmer.Value{}) {
			t.Errorf("%s: %v, %v", c.function, result, err)
			continue
		}
		var failure *wasmer.ExportedFunctionError
		if !errors.As(err, &failure) {
			t.Errorf("%s: the error is a %T", c.function, err)
		}
		if prefix := "Failed to call the `" + c.function + "` exported function.\nwasm trap: " + c.text + c.fault + "\n    at "; !strings.HasPrefix(err.Error(), prefix) {
			t.Errorf("%s: the error is\n%v\nexpected it to begin with\n%s", c.function, err, prefix)
		}
		if c.code.String() != c.text || c.code.Error() != c.text {
			t.Errorf("%s: the code is %q, expected %q", c.function, c.code, c.text)
		}
		for _, other := range []error{wasmer.ErrUnreachable, wasmer.ErrTableOutOfBounds, wasmer.ErrClosed} {
			if other != c.sentinel && errors.Is(err, other) {
				t.Errorf("%s: the error matches %v, too", c.function, other)
			}
		}
		// A sane call works on the same instance.
		if got := call(t, instance, "sane", 5, 37); got != wasmer.I32(42) {
			t.Errorf("after %s: sane = %v", c.function, got)
		}
	}
}

func TestBacktrace(t *testing.T) {
	instance := instantiate(t, guest(t, "names"), nil)
	_, err := instance.Exports["a"](0)
	var trap *wasmer.Trap
	if !errors.As(err, &trap) {
		t.Fatal(err)
	}
	var names []string
	for i, frame := range trap.Backtrace {
		names = append(names, fmt.Sprint(frame.ModuleName, " ", frame.FunctionName, " ", frame.FunctionIndex))
		if frame.Offset == 0 || int(frame.Offset) >= len(guest(t, "names")) {
			t.Errorf("frame %d has offset %d", i, frame.Offset)
		}
	}
	if got := strings.Join(names, ", "); got != "names c 2, names b 1, names a 0" {
		t.Errorf("the backtrace is %s", got)
	}
	// The offset is that of the instruction: i32.div_s is 0x6d.
	if at := trap.Backtrace[0].Offset; guest(t, "names")[at] != 0x6d {
		t.Errorf("there is no i32.div_s at %#x", at)
	}
	if last, err := wasmer.GetLastError(); last != trap.Error() || err != nil {
		t.Errorf("the last error is %q, expected that of the trap", last)
	}
	checkText(t, trap, `wasm trap: integer divide by zero
    at names!c(i32) (at offset 0x46, 0x1c in the code)
    at names!b(i32) (at offset 0x39, 0xf in the code)
    at names!a(i32) (at offset 0x2f, 0x5 in the code)`)
	_, err = instance.Exports["unnamed"](0)
	checkContains(t, err, "\n    at names!function 3(i32) (at offset 0x4c, 0x22 in the code)")
}

func TestDeepBacktraceIsCut(t *testing.T) {
	instance := instantiate(t, guest(t, "traps"), nil)
	_, err := instance.Exports["stack_overflow"](0)
	var trap *wasmer.Trap
	if !errors.As(err, &trap) || len(trap.Backtrace) == 0 || len(trap.Backtrace) > 64 || trap.Omitted == 0 {
		t.Fatalf("%d frames and %d omitted: %v", len(trap.Backtrace), trap.Omitted, err)
	}
	checkContains(t, err, fmt.Sprintf("\n    and %d more", trap.Omitted))
}

// The trap of an inner call may be swallowed, or passed on.
func TestNestedTraps(t *testing.T) {
	inner := instantiate(t, guest(t, "traps"), nil)
	swallow := true
	outer := instantiate(t, guest(t, "host_calls"), hostCalls(t, func() error {
		_, err := inner.Exports["div_by_zero"]()
		if swallow {
			return nil
		}
		return err
	}))
	call(t, outer, "call_nop", 3)
	_, err := outer.Exports["nop_then_trap"]()
	if !errors.Is(err, wasmer.ErrUnreachable) || errors.Is(err, wasmer.ErrIntegerDivideByZero) {
		t.Errorf("the outer trap is %v", err)
	}
	swallow = false
	_, err = outer.Exports["nop_then_trap"]()
	if !errors.Is(err, wasmer.ErrIntegerDivideByZero) {
		t.Errorf("the inner trap is not in %v", err)
	}
}

func TestStartFunctions(t *testing.T) {
	var seen []int32
	imports := must(wasmer.NewImports().Append("started", func(x int32) { seen = append(seen, x) }))(t)
	instance := instantiate(t, guest(t, "start_ok"), imports)
	if got := call(t, instance, "state"); got != wasmer.I32(42) || len(seen) != 1 || seen[0] != 42 {
		t.Errorf("state = %v, the host saw %v", got, seen)
	}
	_, err := wasmer.NewInstance(guest(t, "start_trap"))
	if !errors.Is(err, wasmer.ErrUnreachable) {
		t.Errorf("start_trap: %v", err)
	}
	checkContains(t, err, "Failed to instantiate the module:\n    wasm trap: unreachable\n    at ")
	boom := errors.New("boom")
	imports = must(wasmer.NewImports().Append("started", func(int32) error { return boom }))(t)
	_, err = wasmer.NewInstanceWithImports(guest(t, "start_ok"), imports)
	if !errors.Is(err, boom) {
		t.Errorf("a failing host function: %v", err)
	}
	checkText(t, err, "Failed to instantiate the module:\n    boom\n    at start_ok!start() (at offset 0x4d, 0x9 in the code)")
	imports = must(wasmer.NewImports().Append("started", func(int32) { panic("at the start") }))(t)
	func() {
		defer func() {
			if r := recover(); r != "at the start" {
				t.Errorf("recovered %v", r)
			}
		}()
		_, _ = wasmer.NewInstanceWithImports(guest(t, "start_ok"), imports)
	}()
}

// An active segment that does not fit is a trap without backtrace.
func TestSegmentsOutOfBounds(t *testing.T) {
	data := module(section(5, []byte{0, 1}), section(11, []byte{0, 0x41, 0xff, 0xff, 3, 0x0b, 2, 'a', 'b'}))
	_, err := wasmer.NewInstance(data)
	var trap *wasmer.Trap
	if !errors.As(err, &trap) || trap.Code != wasmer.TrapMemoryOutOfBounds || len(trap.Backtrace) != 0 {
		t.Errorf("data segment: %v", err)
	}
	checkText(t, err, "Failed to instantiate the module:\n    wasm trap: out of bounds memory access")
	elements := module(section(1, []byte{0x60, 0, 0}), section(3, []byte{0}), section(4, []byte{0x70, 0, 1}),
		section(9, []byte{0, 0x41, 1, 0x0b, 1, 0}), section(10, body()))
	if _, err := wasmer.NewInstance(elements); !errors.Is(err, wasmer.ErrTableOutOfBounds) {
		t.Errorf("element segment: %v", err)
	}
}

// Go's own faults stay ordinary panics, also within host functions.
func TestGoFaultsStayPanics(t *testing.T) {
	zero := 0
	var nothing *int
	for _, fault := range []func(){func() { _ = 1 / zero }, func() { _ = *nothing }} {
		fault := fault
		instance := instantiate(t, guest(t, "host_calls"), hostCalls(t, fault))
		for _, run := range []func(){fault, func() { _, _ = instance.Exports["call_nop"](1) }} {
			func() {
				defer func() {
					if _, ok := recover().(error); !ok {
						t.Error("no runtime error was recovered")
					}
				}()
				run()
				t.Error("no panic")
			}()
		}
	}
}
