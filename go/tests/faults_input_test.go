package tests

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Bad input: bytes that are no modules, arguments and imports that do not fit, serialised modules
// that were altered.

// samples are the modules that are cut and altered: the small ones of both directories.
func samples(t *testing.T) map[string][]byte {
	t.Helper()
	modules := map[string][]byte{}
	for _, pattern := range []string{"testdata/*.wasm", "../../testdata/guests/*.wasm"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if module := read(t, path); len(module) < 3000 {
				modules[filepath.Base(path)] = module
			}
		}
	}
	if len(modules) < 15 {
		t.Fatalf("%d modules", len(modules))
	}
	return modules
}

// expectConsistent checks that validation and compilation say the same, and that what is valid can
// be instantiated and run without harm.
func expectConsistent(t testing.TB, what string, module []byte) (valid bool) {
	t.Helper()
	valid = wasmer.Validate(module)
	if !valid && rand.IntN(20) > 0 {
		return false // compiling stops at the same place: a sample of them is enough
	}
	_, err := runHarmlessly(t, module)
	var failure *wasmer.ModuleError
	if valid != (err == nil) || err != nil && (!errors.As(err, &failure) || errors.Unwrap(failure) == nil || errors.Unwrap(failure).Error() == "") {
		t.Errorf("%s: valid %v, compiled with error %v", what, valid, err)
	}
	return valid
}

// runHarmlessly compiles a module, links all its imports with functions or memories that fit, and
// calls each export for a millisecond. The error is that of compilation; all else may fail.
func runHarmlessly(t testing.TB, bytes []byte) (ran int, err error) {
	t.Helper()
	module, err := wasmer.Compile(bytes)
	if err != nil {
		return 0, err
	}
	defer module.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Millisecond)
	defer cancel()
	instance, err := module.InstantiateContext(ctx, nil, wasmer.WithMemoryCeiling(100), wasmer.WithTableCeiling(10_000))
	if err != nil {
		return 0, nil
	}
	defer instance.Close()
	for _, export := range module.Exports {
		if export.Kind != wasmer.ImportExportKindFunction || strings.HasPrefix(export.Name, "endless") {
			continue // loops without end have tests of their own, and take their time
		}
		f := function(t, &instance, export.Name)
		arguments := make([]any, strings.Count(strings.SplitN(f.String(), "->", 2)[0], "i")+strings.Count(strings.SplitN(f.String(), "->", 2)[0], "f"))
		for i := range arguments {
			arguments[i] = wasmer.I32(int32(i) - 1)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_, _ = f.Call(ctx, arguments...) // mostly refused for their types: what matters is that the process lives
		cancel()
		ran++
	}
	return ran, nil
}

// Every truncation of every sample is refused, but those that end between two sections.
func TestTruncatedModules(t *testing.T) {
	valid, total := 0, 0
	for what, module := range samples(t) {
		for length := range len(module) {
			total++
			if expectConsistent(t, fmt.Sprintf("%s cut to %d bytes", what, length), module[:length:length]) {
				valid++
			}
		}
	}
	t.Logf("%d truncations, %d of them valid", total, valid)
}

// Every flip of one bit of every sample gives an error or a module that runs without harm. Unless
// SOAK is set, only some of the bits are flipped, and none of names.
func TestFlippedModules(t *testing.T) {
	if !inChild(t, childOptions{timeout: 20 * time.Minute}) {
		return
	}
	step := pick(13, 61) // coprime to 8, so that all bits have their turn
	if soak() {
		step = 1
	}
	valid, total := 0, 0
	for what, module := range samples(t) {
		bits := 8 * len(module)
		if names := bytes.Index(module, []byte("\x04name")); names >= 0 && !soak() {
			bits = 8 * names
		}
		for bit := 0; bit < bits; bit += step {
			flipped := bytes.Clone(module)
			flipped[bit/8] ^= 1 << (bit % 8)
			total++
			if expectConsistent(t, fmt.Sprintf("%s with bit %d of byte %d flipped", what, bit%8, bit/8), flipped) {
				valid++
			}
		}
	}
	t.Logf("%d modules with a bit flipped, %d of them valid", total, valid)
}

// What is no module at all is an error for each way in.
func TestNoModules(t *testing.T) {
	for what, bytes := range map[string][]byte{
		"nil": nil, "empty": {}, "zeros": make([]byte, 100), "text": []byte("(module)"), "magic alone": []byte("\x00asm"),
		"version 2": []byte("\x00asm\x02\x00\x00\x00"), "a component": []byte("\x00asm\x0d\x00\x01\x00"), "ELF": []byte("\x7fELF\x02\x01\x01\x00"),
	} {
		if wasmer.Validate(bytes) {
			t.Errorf("%s: valid", what)
		}
		_, err := wasmer.Compile(bytes)
		var moduleError *wasmer.ModuleError
		if !errors.As(err, &moduleError) || errors.Unwrap(err) == nil ||
			err.Error() != "Failed to compile the module.\n    "+errors.Unwrap(err).Error() {
			t.Errorf("%s: Compile: %v", what, err)
		}
		_, err = wasmer.NewInstance(bytes)
		var instanceError *wasmer.InstanceError
		if !errors.As(err, &instanceError) || !strings.HasPrefix(err.Error(), "Failed to instantiate the module:\n    ") {
			t.Errorf("%s: NewInstance: %v", what, err)
		}
		_, err = wasmer.DeserializeModule(bytes)
		if !errors.As(err, &moduleError) {
			t.Errorf("%s: DeserializeModule: %v", what, err)
		}
	}
}

// Imports that are missing or have another type: an error that says which, what is given and what
// was expected.
func TestImportMismatches(t *testing.T) {
	stress, all := compiled(t, "stress"), compile(t, read(t, "../../testdata/guests/imports_all.wasm"))
	defer all.Close()
	memory := func(minimum, maximum uint32) *wasmer.Memory {
		m, err := wasmer.NewMemory(minimum, maximum)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Close)
		return m
	}
	set := func(entries map[string]any) *wasmer.Imports {
		to := wasmer.NewImports()
		for name, entry := range entries {
			namespace, name, _ := strings.Cut(name, ".")
			to.Namespace(namespace)
			var err error
			if m, ok := entry.(*wasmer.Memory); ok {
				_, err = to.AppendMemory(name, m)
			} else {
				_, err = to.Append(name, entry)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return to
	}
	identity := func(x int32) int32 { return x }
	fitting := map[string]any{"env.shared": identity, "other.shared": identity, "env.memory": memory(1, 4)}
	with := func(name string, entry any) *wasmer.Imports {
		entries := map[string]any{}
		for key, value := range fitting {
			entries[key] = value
		}
		if entries[name] = entry; entry == nil {
			delete(entries, name)
		}
		return set(entries)
	}
	for what, c := range map[string]struct {
		module wasmer.Module
		set    *wasmer.Imports
		text   []string
	}{
		"no imports":            {stress, nil, []string{"Import not found, namespace: env, name: host"}},
		"another namespace":     {stress, set(map[string]any{"other.host": identity}), []string{"Import not found, namespace: env, name: host"}},
		"another name":          {stress, set(map[string]any{"env.guest": identity}), []string{"Import not found, namespace: env, name: host"}},
		"too few parameters":    {stress, set(map[string]any{"env.host": func() int32 { return 0 }}), []string{"host", "i32"}},
		"too many parameters":   {stress, set(map[string]any{"env.host": func(a, b int32) int32 { return a }}), []string{"host", "i32"}},
		"another parameter":     {stress, set(map[string]any{"env.host": func(float64) int32 { return 0 }}), []string{"host", "f64", "i32"}},
		"no result":             {stress, set(map[string]any{"env.host": func(int32) {}}), []string{"host", "i32"}},
		"another result":        {stress, set(map[string]any{"env.host": func(int32) int64 { return 0 }}), []string{"host", "i64", "i32"}},
		"two results":           {stress, set(map[string]any{"env.host": func(int32) (int32, int32) { return 0, 0 }}), []string{"host", "i32"}},
		"a memory as function":  {stress, set(map[string]any{"env.host": memory(1, 1)}), []string{"host", "memory", "func"}},
		"a function as memory":  {all, with("env.memory", identity), []string{"memory", "func"}},
		"a smaller memory":      {all, with("env.memory", memory(0, 4)), []string{"memory"}},
		"a larger maximum":      {all, with("env.memory", memory(1, 5)), []string{"memory"}},
		"a memory is missing":   {all, with("env.memory", nil), []string{"Import not found, namespace: env, name: memory"}},
		"one of two namespaces": {all, with("other.shared", nil), []string{"Import not found, namespace: other, name: shared"}},
	} {
		instance, err := c.module.InstantiateWithImports(c.set)
		if err == nil {
			instance.Close()
			t.Errorf("%s: instantiated", what)
			continue
		}
		for _, text := range append(c.text, "Failed to instantiate the module:\n    link error: ") {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: error %q does not contain %q", what, err, text)
			}
		}
	}
	for _, m := range []*wasmer.Memory{memory(1, 4), memory(2, 3), memory(4, 4)} {
		instance := start(t, all, with("env.memory", m))
		if value, err := instance.Exports["call_env"](7); err != nil || value.ToI32() != 7 {
			t.Errorf("call_env: %v, %v", value, err)
		}
		instance.Close()
	}
}

// Arguments of every type that Go code may give, for parameters of every type: converted as
// documented, or refused, never a panic.
func TestArguments(t *testing.T) {
	set := wasmer.NewImports()
	for name, f := range map[string]any{
		"i32": func(x int32) int32 { return x }, "i64": func(x int64) int64 { return x },
		"f32": func(x float32) float32 { return x }, "f64": func(x float64) float64 { return x },
	} {
		if _, err := set.Append(name, f); err != nil {
			t.Fatal(err)
		}
	}
	instance := start(t, compiled(t, "values"), set)
	defer instance.Close()
	type number int32
	refused := []any{nil, "1", []byte{1}, true, struct{}{}, new(int32), uintptr(1), complex(1, 0), number(1), []any{1}, func() {}, map[int]int{}}
	accepted := map[string]map[any]uint64{
		"i32": {
			int8(-1): 1<<32 - 1, uint8(255): 255, int16(-2): 1<<32 - 2, uint16(65535): 65535, int32(math.MinInt32): 1 << 31, uint32(math.MaxUint32): 1<<32 - 1,
			-1: 1<<32 - 1, math.MaxUint32: 1<<32 - 1, math.MinInt32: 1 << 31, uint(math.MaxUint32): 1<<32 - 1, wasmer.I32(-5): 1<<32 - 5,
		},
		"i64": {
			int8(-1): 1<<64 - 1, uint8(255): 255, int16(-2): 1<<64 - 2, uint16(65535): 65535, int32(-3): 1<<64 - 3, uint32(math.MaxUint32): 1<<32 - 1,
			math.MinInt64: 1 << 63, uint(math.MaxUint64): 1<<64 - 1, int64(-4): 1<<64 - 4, uint64(math.MaxUint64): 1<<64 - 1, wasmer.I64(-5): 1<<64 - 5,
		},
		"f32": {float32(1.5): uint64(bits32(1.5)), wasmer.F32(-2): uint64(bits32(-2))},
		"f64": {float32(1.5): uint64(bits64(1.5)), 2.5: uint64(bits64(2.5)), wasmer.F64(-2): uint64(bits64(-2))},
	}
	outside := map[string][]any{
		"i32": {math.MaxUint32 + 1, math.MinInt32 - 1, math.MaxInt64, uint(math.MaxUint32 + 1), int64(1), uint64(1), float32(1), 1.0, wasmer.I64(1), wasmer.F32(1)},
		"i64": {float32(1), 1.0, wasmer.I32(1), wasmer.F64(1)},
		"f32": {1.0, 1, int32(1), wasmer.F64(1), wasmer.I32(1)},
		"f64": {1, int64(1), wasmer.F32(1), wasmer.I64(1)},
	}
	for name, cases := range accepted {
		for _, f := range []string{name, "host_" + name} {
			for argument, want := range cases {
				value, err := instance.Exports[f](argument)
				if got := slotOf(value); err != nil || got != want {
					t.Errorf("%s(%T %v) = %#x, %v; expected %#x", f, argument, argument, got, err, want)
				}
			}
			for _, argument := range append(outside[name], refused...) {
				value, err := instance.Exports[f](argument)
				begin := fmt.Sprintf("Argument #1 of the `%s` exported function must be of type `%s`, ", f, name)
				if err == nil || !strings.HasPrefix(err.Error(), begin) {
					t.Errorf("%s(%T %v) = %v, %v; expected an error", f, argument, argument, value, err)
				}
			}
		}
	}
	for _, c := range []struct {
		arguments []any
		text      string
	}{
		{nil, "Missing 4 argument(s) when calling the `i32_i64_f32_f64` exported function; Expect 4 argument(s), given 0."},
		{[]any{1, 2, float32(3)}, "Missing 1 argument(s) when calling the `i32_i64_f32_f64` exported function; Expect 4 argument(s), given 3."},
		{[]any{1, 2, float32(3), 4.0, 5}, "Given 1 extra argument(s) when calling the `i32_i64_f32_f64` exported function; Expect 4 argument(s), given 5."},
		{make([]any, 1000), "Given 996 extra argument(s) when calling the `i32_i64_f32_f64` exported function; Expect 4 argument(s), given 1000."},
		{[]any{1, 2, 3, 4.0}, "Argument #3 of the `i32_i64_f32_f64` exported function must be of type `f32`, cannot cast given value to this type."},
	} {
		if _, err := instance.Exports["i32_i64_f32_f64"](c.arguments...); err == nil || err.Error() != c.text {
			t.Errorf("%v: error %v, expected %s", c.arguments, err, c.text)
		}
	}
}

// slotOf gives the bits of a value.
func slotOf(value wasmer.Value) uint64 {
	switch value.GetType() {
	case wasmer.TypeI32:
		return uint64(uint32(value.ToI32()))
	case wasmer.TypeF32:
		return uint64(bits32(value.ToF32()))
	case wasmer.TypeF64:
		return uint64(bits64(value.ToF64()))
	default:
		return uint64(value.ToI64())
	}
}

// The bits of floats pass unchanged in both directions: NaNs, quiet and signalling, with their
// payloads.
func TestFloatBits(t *testing.T) {
	set := wasmer.NewImports()
	for name, f := range map[string]any{
		"i32": func(x int32) int32 { return x }, "i64": func(x int64) int64 { return x },
		"f32": func(x float32) float32 { return x }, "f64": func(x float64) float64 { return x },
	} {
		if _, err := set.Append(name, f); err != nil {
			t.Fatal(err)
		}
	}
	instance := start(t, compiled(t, "values"), set)
	defer instance.Close()
	for _, bits := range []uint32{0, 1 << 31, 0x7fc00000, 0xffc00001, 0x7f800001, 0xffbfffff, 0x7fabcdef, 1, 0x807fffff, 0x7f800000} {
		x := math.Float32frombits(bits)
		if value := call(t, &instance, "f32_bits", wasmer.F32(x)); uint32(value.ToI32()) != bits {
			t.Errorf("f32 %#x arrives as %#x", bits, uint32(value.ToI32()))
		}
		for _, name := range []string{"f32", "host_f32"} {
			if value := call(t, &instance, name, x); bits32(value.ToF32()) != bits {
				t.Errorf("%s: f32 %#x comes back as %#x", name, bits, bits32(value.ToF32()))
			}
		}
	}
	for _, bits := range []uint64{0, 1 << 63, 0x7ff8000000000000, 0xfff8000000000001, 0x7ff0000000000001, 0xfff7ffffffffffff, 0x7ffabcdef0123456, 1} {
		x := math.Float64frombits(bits)
		if value := call(t, &instance, "f64_bits", x); uint64(value.ToI64()) != bits {
			t.Errorf("f64 %#x arrives as %#x", bits, uint64(value.ToI64()))
		}
		for _, name := range []string{"f64", "host_f64"} {
			if value := call(t, &instance, name, x); uint64(bits64(value.ToF64())) != bits {
				t.Errorf("%s: f64 %#x comes back as %#x", name, bits, bits64(value.ToF64()))
			}
		}
	}
}

// A serialised module that was cut or altered in any bit is refused, and one that was not works.
func TestAlteredSerializedModules(t *testing.T) {
	if !inChild(t, childOptions{}) {
		return
	}
	module := compiled(t, "small")
	serialized, err := module.Serialize()
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, bytes []byte) {
		t.Helper()
		copied, err := wasmer.DeserializeModule(bytes)
		if err == nil {
			copied.Close()
			t.Errorf("%s: deserialised", what)
		} else if len(bytes) > 0 && (err.Error() != "Failed to deserialize the module." || errors.Unwrap(err) == nil) {
			t.Errorf("%s: %v: %v", what, err, errors.Unwrap(err))
		}
	}
	for length := range serialized {
		refused(fmt.Sprintf("cut to %d bytes", length), serialized[:length:length])
	}
	refused("longer by a byte", append(bytes.Clone(serialized), 0))
	for at := range serialized {
		flipped := bytes.Clone(serialized)
		flipped[at] ^= 1 << (at % 8)
		refused(fmt.Sprintf("bit %d of byte %d flipped", at%8, at), flipped)
		if at < 256 { // the header: all bits
			for bit := range 8 {
				flipped := bytes.Clone(serialized)
				flipped[at] ^= 1 << bit
				refused(fmt.Sprintf("bit %d of byte %d flipped", bit, at), flipped)
			}
		}
	}
	expectSteady(t, 10, func() {
		copied, err := wasmer.DeserializeModule(serialized)
		if err != nil {
			t.Fatal(err)
		}
		defer copied.Close()
		instance := start(t, copied, nil)
		defer instance.Close()
		expectSane(t, &instance)
	})
	t.Logf("%d bytes, each altered", len(serialized))
}

// Serialised modules of another version or CPU: the error says what is given and what was expected.
// The header is text in part, so both are found by their words.
func TestForeignSerializedModules(t *testing.T) {
	serialized, err := compiledModule(t, "small").Serialize()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wasmer.DeserializeModule(guest(t, "small")); err == nil || !strings.Contains(errors.Unwrap(err).Error(), "magic") &&
		!strings.Contains(errors.Unwrap(err).Error(), "serialised module") {
		t.Errorf("a module in the binary format: %v", errors.Unwrap(err))
	}
	others := map[string]string{"x86_64": "mips64", "cranelift": "craneliff", "gowasmer ": "gowasmex "}
	if bytes.Contains(serialized, []byte("aarch64")) {
		delete(others, "x86_64")
		others["aarch64"] = "riscv64"
	}
	for given, expected := range others {
		at := bytes.Index(serialized, []byte(given))
		if at < 0 {
			t.Fatalf("the header does not name %s", given)
		}
		foreign := bytes.Clone(serialized)
		copy(foreign[at:], expected)
		if _, err := wasmer.DeserializeModule(seal(foreign)); err == nil || !strings.Contains(errors.Unwrap(err).Error(), given) ||
			!strings.Contains(errors.Unwrap(err).Error(), expected) {
			t.Errorf("%s instead of %s: %v", expected, given, errors.Unwrap(err))
		}
	}
	newer := bytes.Clone(serialized)
	newer[8]++
	if _, err := wasmer.DeserializeModule(seal(newer)); err == nil || !strings.Contains(errors.Unwrap(err).Error(), "version") {
		t.Errorf("a newer format: %v", errors.Unwrap(err))
	}
}

// seal makes the checksum of an altered serialised module fit: the CRC-32 at byte 12 of all that
// follows it (rust/engine/src/artifact/format.rs).
func seal(serialized []byte) []byte {
	binary.LittleEndian.PutUint32(serialized[12:], crc32.ChecksumIEEE(serialized[16:]))
	return serialized
}

// An altered serialised module whose checksum fits is refused or loaded, but never harms the
// process as long as it is not run.
func TestAlteredAndSealedModules(t *testing.T) {
	if !inChild(t, childOptions{}) {
		return
	}
	for _, name := range []string{"small", "c_imports", "values"} {
		serialized, err := compiledModule(t, name).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		loaded := 0
		load := func(bytes []byte) {
			if module, err := wasmer.DeserializeModule(seal(bytes)); err == nil {
				module.Close()
				loaded++
			} else if errors.Unwrap(err) == nil {
				t.Errorf("%v without a cause", err)
			}
		}
		for at := 16; at < len(serialized); at++ {
			for _, with := range []byte{1 << (at % 8), 0xff, 0x80} {
				altered := bytes.Clone(serialized)
				altered[at] ^= with
				load(altered)
			}
			cut := bytes.Clone(serialized[:at])
			if at > 24 {
				binary.LittleEndian.PutUint64(cut[16:], uint64(at))
				load(cut)
			}
		}
		t.Logf("%s: %d bytes, %d of the altered modules load", name, len(serialized), loaded)
	}
}

func compiledModule(t *testing.T, name string) *wasmer.Module {
	t.Helper()
	module := compiled(t, name)
	return &module
}
