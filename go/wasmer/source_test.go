package wasmer_test

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Frames tell their places in the source, also functions that the guest's compiler has inlined, and
// after everything is closed.
func TestFrameSource(t *testing.T) {
	for _, file := range []string{"dwarf4", "dwarf5"} {
		for _, way := range []string{"compiled", "deserialized"} {
			t.Run(file+"/"+way, func(t *testing.T) {
				bytes := must(os.ReadFile("../../testdata/guests/debug/" + file + ".wasm"))(t)
				module := must(wasmer.Compile(bytes))(t)
				if way == "deserialized" {
					stored := must(module.Serialize())(t)
					module.Close()
					module = must(wasmer.DeserializeModule(stored))(t)
				}
				instance := must(module.Instantiate())(t)
				_, err := instance.Exports["pay"](51)
				_, overrun := instance.Exports["overrun"]()
				instance.Close()
				module.Close()
				runtime.GC()

				var trap *wasmer.Trap
				if !errors.As(err, &trap) || len(trap.Backtrace) < 2 {
					t.Fatal(err)
				}
				inner := trap.Backtrace[0].Source()
				if len(inner) != 3 || inner[0].Function != "check" || inner[1].Function != "withdraw" ||
					inner[2].Function != "transfer" || inner[2].Line != 5 || !strings.HasSuffix(inner[2].File, "account.c") {
					t.Errorf("the innermost frame is at %v", inner)
				}
				outer := trap.Backtrace[1].Source()
				if len(outer) != 1 || outer[0].Function != "pay" || outer[0].Line != 8 {
					t.Errorf("the next frame is at %v", outer)
				}
				for _, want := range []string{"account.c:5", " in withdraw, inlined", "\n        " + outer[0].File + ":8"} {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%v\nexpected to contain %q", err, want)
					}
				}

				if !errors.As(overrun, &trap) {
					t.Fatal(overrun)
				}
				if got := trap.Backtrace[0].Source(); len(got) != 1 || got[0].Function != "audit" || got[0].Line != 12 {
					t.Errorf("the access is at %v", got)
				}
				if trap.Fault == nil || trap.Fault.Address < 0x7ffffff0 || trap.Fault.Address >= 0x80000000 {
					t.Errorf("the fault is %v", trap.Fault)
				}
			})
		}
	}
	// Modules without debugging information know nothing.
	instance := must(wasmer.NewInstance(must(wasmer.Wat2Wasm(`(module (func (export "f") unreachable))`))(t)))(t)
	defer instance.Close()
	_, err := instance.Exports["f"]()
	var trap *wasmer.Trap
	if !errors.As(err, &trap) || trap.Backtrace[0].Source() != nil {
		t.Errorf("%v", err)
	}
	if got := (wasmer.Frame{}).Source(); got != nil {
		t.Errorf("the zero frame is at %v", got)
	}
}

// The functions that the engine inlines are told as well as called ones, although loads become one
// instruction with their users.
func TestFramesOfMergedLoads(t *testing.T) {
	instance := must(wasmer.NewInstance(must(wasmer.Wat2Wasm(`(module (memory 1)
		(func $in (param i32) (result i32) (i32.load (local.get 0)))
		(func (export "f") (param i32 i32) (result i32) (i32.xor (local.get 1) (call $in (local.get 0)))))`))(t)))(t)
	defer instance.Close()
	_, err := instance.Exports["f"](65536, 1)
	var trap *wasmer.Trap
	if !errors.As(err, &trap) || len(trap.Backtrace) != 2 || trap.Backtrace[0].FunctionName != "in" {
		t.Errorf("%v", err)
	}
	if trap != nil && (trap.Fault == nil || *trap.Fault != wasmer.MemoryFault{Address: 65536, MemorySize: 65536}) {
		t.Errorf("the fault is %v", trap.Fault)
	}
}
