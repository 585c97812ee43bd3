package tests

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Legacy exceptions, which no suite of tests of the specification has: scripts of our own, whose
// results V8 has computed, in all ways to compile. The same functions are run in the encoding of
// WebAssembly 3.0, which they are turned into.

// waysToCompile are the options under which functions must do the same.
var waysToCompile = map[string][]wasmer.CompileOption{
	"fast":                   nil,
	"explicit bounds":        {wasmer.WithExplicitBounds()},
	"not optimized":          {wasmer.WithOptLevel(wasmer.OptLevelNone)},
	"not optimized, bounds":  {wasmer.WithOptLevel(wasmer.OptLevelNone), wasmer.WithExplicitBounds()},
	"lazy":                   {wasmer.WithLazy()},
	"lazy, not optimized":    {wasmer.WithLazy(), wasmer.WithOptLevel(wasmer.OptLevelNone)},
	"background, all bounds": {wasmer.WithBackground(), wasmer.WithExplicitBounds()},
}

func exceptionsFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "exceptions", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func assemble(t testing.TB, text string) []byte {
	t.Helper()
	bytes, err := wasmer.Wat2Wasm(text)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// throwingImports are what legacy.wat imports. The tag is that of the instance.
func throwingImports(t testing.TB, instance *wasmer.Instance) *wasmer.Imports {
	t.Helper()
	set, err := wasmer.NewImports().Namespace("host").Append("call", func(x int32) (int32, error) {
		if x%2 == 0 {
			return 10 * x, nil
		}
		tag, err := instance.Tag("a")
		if err != nil {
			return 0, err
		}
		exception, err := wasmer.NewException(tag, wasmer.I32(x))
		if err != nil {
			return 0, err
		}
		return 0, exception
	})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// outcome is what a call comes to, in the words of testdata/exceptions/v8.mjs.
func outcome(t testing.TB, instance *wasmer.Instance, call string) string {
	t.Helper()
	fields := strings.Fields(call)
	f := function(t, instance, fields[0])
	arguments := make([]any, len(fields)-1)
	for i, field := range fields[1:] {
		number, err := strconv.ParseFloat(field, 64)
		if err != nil {
			t.Fatal(err)
		}
		arguments[i] = number
		if f.Type().Params[i] == wasmer.TypeI32 {
			arguments[i] = int32(number)
		}
	}
	results, err := f.Call(context.Background(), arguments...)
	var exception *wasmer.Exception
	var trap *wasmer.Trap
	switch {
	case errors.As(err, &exception):
		for _, name := range []string{"none", "a", "b", "f", "v"} {
			tag, err := instance.Tag(name)
			if err != nil {
				t.Fatal(err)
			}
			if exception.Tag.Is(tag) && name == "v" {
				return "throws v"
			} else if exception.Tag.Is(tag) {
				return strings.TrimSuffix("throws "+name+" "+numbers(exception.Values), " ")
			}
		}
		return "throws another"
	case errors.As(err, &trap):
		return "traps " + trap.Code.Error()
	case err != nil:
		t.Fatalf("%s: %v", call, err)
	}
	return numbers(results)
}

func numbers(values []wasmer.Value) string {
	texts := make([]string, len(values))
	for i, value := range values {
		switch value.GetType() {
		case wasmer.TypeF32:
			texts[i] = strconv.FormatFloat(float64(value.ToF32()), 'g', -1, 64)
		case wasmer.TypeF64:
			texts[i] = strconv.FormatFloat(value.ToF64(), 'g', -1, 64)
		default:
			texts[i] = value.String()
		}
	}
	return strings.Join(texts, " ")
}

// expectOutcomes compiles a module in all ways, and compares what calls come to with the lines of a
// text, such as "catch_each 2 = 1002". The ways are all if none is named.
func expectOutcomes(t *testing.T, bytes []byte, expected string, ways ...string) {
	for name, options := range waysToCompile {
		if len(ways) > 0 && !slices.Contains(ways, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			module := compile(t, bytes, options...)
			defer module.Close()
			var instance wasmer.Instance
			instance = start(t, module, throwingImports(t, &instance))
			defer instance.Close()
			for line := range strings.Lines(expected) {
				call, result, _ := strings.Cut(strings.TrimSpace(line), " = ")
				if got := outcome(t, &instance, call); got != result {
					t.Errorf("%s = %s, expected %s", call, got, result)
				}
			}
		})
	}
}

func TestLegacyExceptions(t *testing.T) {
	expectOutcomes(t, assemble(t, exceptionsFile(t, "legacy.wat")), exceptionsFile(t, "legacy.txt"))
}

func TestLegacyExceptionsInStandardEncoding(t *testing.T) {
	expectOutcomes(t, assemble(t, standard(t, exceptionsFile(t, "legacy.wat"))), exceptionsFile(t, "legacy.txt"))
}

// manyLocals returns two functions with many locals and handlers, and calls of them. In "frame"
// they
// are so many together that locals are kept in the frame (RATIONALE.md tells of their homes), in
// "values" nearly so.
func manyLocals() (text, calls string) {
	text = `(module
(import "host" "call" (func $host (param i32) (result i32)))
(tag $none (export "none"))
(tag $a (export "a") (param i32))
(tag $b (export "b") (param i32 i64))
(tag $f (export "f") (param f32 f64 i64))
(tag $v (export "v") (param v128 i32 v128))
(func $throw_by (param i32) (result i32)
  block block block block block block local.get 0 br_table 0 1 2 3 4 5 end
    i32.const 100 return end
    throw $none end
    local.get 0 throw $a end
    local.get 0 i64.const 33 throw $b end
    f32.const 1.5 f64.const -2.25 i64.const 7 throw $f end
  v128.const i32x4 1 2 3 4 local.get 0 v128.const i32x4 5 6 7 8 throw $v)
` + manyTries("frame", 4000, 700) + manyTries("values", 300, 250) + ")"
	for _, name := range []string{"frame", "values"} {
		for i := range 6 {
			calls += fmt.Sprintf("%s %d\n", name, i)
		}
	}
	return text, calls
}

func manyTries(name string, locals, tries int) string {
	var body strings.Builder
	write := func(format string, arguments ...any) { fmt.Fprintf(&body, format+"\n", arguments...) }
	write("(func (export %q) (param i32) (result i32) (local%s) (local $sum i32)", name, strings.Repeat(" i32", locals))
	for i := range tries {
		local, next := i%locals+1, (i*7+3)%locals+1
		if i%5 == 0 {
			write("try $outer try")
		}
		write("try local.get 0 i32.const %d i32.add i32.const 6 i32.rem_u call $throw_by local.set %d", i, local)
		write("catch $a local.get %d i32.add local.set %d", next, local)
		switch i % 4 {
		case 0:
			write("catch $b i32.wrap_i64 i32.mul local.set %d", next)
			write("catch_all local.get %d i32.const %d i32.sub local.set %d", local, i, next)
		case 1:
			write("catch $f drop drop drop local.get %d i32.const 5 i32.xor local.set %d", local, next)
			write("catch $v i32x4.extract_lane 3 i32.add local.set %d i32x4.extract_lane 1 local.set %d", next, local)
			write("catch_all")
		case 2:
			write("catch_all try local.get %d drop rethrow 1 catch_all local.get %d i32.const 1 i32.add local.set %d end", next, next, next)
		case 3:
			write("catch_all i32.const %d local.set %d", i, local)
		}
		write("end")
		if i%5 == 0 {
			write("local.get 0 i32.const 3 i32.rem_u call $throw_by drop")
			write("delegate $outer catch_all local.get %d i32.const %d i32.add local.set %d end", local, i+2, local)
		}
	}
	for i := range locals {
		write("local.get $sum i32.const 31 i32.mul local.get %d i32.add local.set $sum", i+1)
	}
	return body.String() + "local.get $sum)\n"
}

func TestLegacyExceptionsWithManyLocals(t *testing.T) {
	text, _ := manyLocals()
	expectOutcomes(t, assemble(t, text), exceptionsFile(t, "locals.txt"), "fast", "explicit bounds", "not optimized")
	expectOutcomes(t, assemble(t, standard(t, text)), exceptionsFile(t, "locals.txt"), "fast", "not optimized")
}

// TestLegacyExceptionsAgainstV8 checks the results that the other tests expect. It writes them anew
// if WRITE_EXPECTED is set.
func TestLegacyExceptionsAgainstV8(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	text, list := manyLocals()
	for _, script := range []struct{ file, text, calls string }{
		{"legacy.txt", exceptionsFile(t, "legacy.wat"), exceptionsFile(t, "legacy.txt")},
		{"locals.txt", text, list},
	} {
		folder := t.TempDir()
		wasm, calls := filepath.Join(folder, "module.wasm"), filepath.Join(folder, "calls.txt")
		for path, text := range map[string]string{wasm: string(assemble(t, script.text)), calls: script.calls} {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		command := exec.Command(node, filepath.Join("testdata", "exceptions", "v8.mjs"), wasm, calls)
		command.Stderr = os.Stderr
		out, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		if os.Getenv("WRITE_EXPECTED") != "" {
			if err := os.WriteFile(filepath.Join("testdata", "exceptions", script.file), out, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if expected := exceptionsFile(t, script.file); string(out) != expected {
			t.Errorf("V8 has results other than those of %s:\n%s", script.file, firstDifference(string(out), expected))
		}
	}
}

// firstDifference returns the first line that is another one in two texts.
func firstDifference(got, expected string) string {
	lines, others := strings.Split(got, "\n"), strings.Split(expected, "\n")
	for i, line := range lines {
		if i >= len(others) || line != others[i] {
			return line
		}
	}
	return ""
}
