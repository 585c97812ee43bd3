package wasmer_test

import (
	"bytes"
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func TestValidate(t *testing.T) {
	sum := guest(t, "sum")
	if !wasmer.Validate(sum) {
		t.Error("a valid module is refused")
	}
	for what, invalid := range map[string][]byte{
		"nothing": nil, "no bytes": {}, "text": []byte("hello"), "half a module": sum[:len(sum)/2],
		"another version": bytes.Replace(sum, []byte("asm\x01"), []byte("asm\x02"), 1),
	} {
		if wasmer.Validate(invalid) {
			t.Errorf("%s is accepted", what)
		}
		if text, err := wasmer.GetLastError(); err != nil || text == "" {
			t.Errorf("%s: the last error is %q, %v", what, text, err)
		}
	}
}

func TestCompileInvalid(t *testing.T) {
	sum := guest(t, "sum")
	const noMagic = "magic header not detected: bad magic number - expected=[ 0x0, 0x61, 0x73, 0x6d, ] actual=[ "
	for what, c := range map[string]struct {
		invalid []byte
		why     string // how the reason begins
	}{
		"nothing":       {nil, "the module has no bytes"},
		"no bytes":      {[]byte{}, "the module has no bytes"},
		"text":          {[]byte("hello"), noMagic},
		"half a module": {sum[:len(sum)/2], "unexpected end-of-file (at offset 0x4a)"},
		"a body of the wrong type": {module(section(1, []byte{0x60, 0, 1, 0x7f}), section(3, []byte{0}), section(10, body())),
			"type mismatch: expected i32 but nothing on stack (at offset 0x18)"},
	} {
		invalid := c.invalid
		module, err := wasmer.Compile(invalid)
		checkText(t, err, "Failed to compile the module.\n    "+errors.Unwrap(err).Error())
		checkContains(t, err, "Failed to compile the module.\n    "+c.why)
		var failure *wasmer.ModuleError
		if !errors.As(err, &failure) || errors.Unwrap(err) == nil || errors.Unwrap(err).Error() == "" {
			t.Errorf("%s: %T wraps %v", what, err, errors.Unwrap(err))
		}
		module.Close()
		if _, err := wasmer.NewInstance(invalid); err == nil || !strings.HasPrefix(err.Error(), "Failed to instantiate the module:\n    compile error: Validation error \"") {
			t.Errorf("%s: NewInstance gives %v", what, err)
		}
	}
}

func TestDescriptors(t *testing.T) {
	all := must(wasmer.Compile(guest(t, "imports_all")))(t)
	defer all.Close()
	if expected := []wasmer.ImportDescriptor{
		{Name: "shared", Namespace: "env", Kind: wasmer.ImportExportKindFunction},
		{Name: "shared", Namespace: "other", Kind: wasmer.ImportExportKindFunction},
		{Name: "memory", Namespace: "env", Kind: wasmer.ImportExportKindMemory},
	}; !reflect.DeepEqual(all.Imports, expected) {
		t.Errorf("imports %v, expected %v", all.Imports, expected)
	}
	kinds := map[string]wasmer.ImportExportKind{}
	for _, export := range all.Exports {
		kinds[export.Name] = export.Kind
	}
	if kinds["table"] != wasmer.ImportExportKindTable || kinds["constant"] != wasmer.ImportExportKindGlobal ||
		kinds["memory"] != wasmer.ImportExportKindMemory || kinds["grow"] != wasmer.ImportExportKindFunction || len(kinds) != 9 {
		t.Errorf("exports %v", all.Exports)
	}
	sum := must(wasmer.Compile(guest(t, "sum")))(t)
	defer sum.Close()
	if !reflect.DeepEqual(sum.Imports, []wasmer.ImportDescriptor{}) {
		t.Errorf("imports %#v, expected an empty list that is not nil", sum.Imports)
	}
}

func TestModuleManyInstances(t *testing.T) {
	module := must(wasmer.Compile(guest(t, "memory")))(t)
	first, second := must(module.Instantiate())(t), must(module.Instantiate())(t)
	module.Close()
	module.Close()
	defer first.Close()
	defer second.Close()
	call(t, first, "store8", 100, 7)
	if got := call(t, second, "load8", 100); got != wasmer.I32(0) {
		t.Errorf("the second instance sees %v in its memory, expected 0", got)
	}
	if got := call(t, first, "load8", 100); got != wasmer.I32(7) {
		t.Errorf("the first instance sees %v in its memory, expected 7", got)
	}
	_, err := module.Instantiate()
	checkText(t, err, "Failed to instantiate the module:\n    the module is closed")
	if !errors.Is(err, wasmer.ErrClosed) {
		t.Error("the error does not match ErrClosed")
	}
	if _, err := module.Serialize(); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("Serialize of a closed module: %v", err)
	}
}

func TestZeroModule(t *testing.T) {
	var zero wasmer.Module
	zero.Close()
	if _, err := zero.Instantiate(); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("Instantiate: %v", err)
	}
	if _, err := zero.Serialize(); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("Serialize: %v", err)
	}
	if _, err := zero.InstantiateWithImportObject(nil); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("InstantiateWithImportObject: %v", err)
	}
	var none *wasmer.Module
	none.Close()
	if _, err := none.Instantiate(); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("Instantiate of nil: %v", err)
	}
}

func TestSerialize(t *testing.T) {
	compiled := must(wasmer.Compile(guest(t, "types")))(t)
	serialized := must(compiled.Serialize())(t)
	exports := compiled.Exports
	compiled.Close()
	module := must(wasmer.DeserializeModule(serialized))(t)
	defer module.Close()
	if !reflect.DeepEqual(module.Exports, exports) {
		t.Errorf("exports %v, expected %v", module.Exports, exports)
	}
	instance := must(module.Instantiate())(t)
	defer instance.Close()
	if got := call(t, instance, "sum", 1, 2); got != wasmer.I32(3) {
		t.Errorf("sum(1, 2) = %v, expected 3", got)
	}
}

func TestDeserializeBad(t *testing.T) {
	_, err := wasmer.DeserializeModule(nil)
	checkText(t, err, "Serialized module bytes are empty.")
	_, err = wasmer.DeserializeModule([]byte{})
	checkText(t, err, "Serialized module bytes are empty.")
	module := must(wasmer.Compile(guest(t, "sum")))(t)
	defer module.Close()
	whole := must(module.Serialize())(t)
	bad := map[string][]byte{"text": []byte("random"), "wasm": guest(t, "sum"), "too long": append(bytes.Clone(whole), 0)}
	for n := 1; n < len(whole); n += 1 + n/8 {
		bad["cut"] = whole[:n]
		for what, serialized := range bad {
			_, err := wasmer.DeserializeModule(serialized)
			checkText(t, err, "Failed to deserialize the module.")
			if errors.Unwrap(err) == nil {
				t.Errorf("%s: no cause", what)
			}
		}
		altered := bytes.Clone(whole)
		altered[n] ^= 1
		_, err := wasmer.DeserializeModule(altered)
		checkText(t, err, "Failed to deserialize the module.")
	}
}

func TestReadBytes(t *testing.T) {
	path := writeFile(t, []byte("abc"))
	if got := must(wasmer.ReadBytes(path))(t); string(got) != "abc" {
		t.Errorf("read %q", got)
	}
	if _, err := wasmer.ReadBytes(path + ".missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// Modules that use what is not supported are refused by name.
func TestUnsupportedProposals(t *testing.T) {
	for proposal, bytes := range map[string][]byte{
		"garbage collection": module(section(1, []byte{0x5f, 0})),
		"threads":            module(section(5, []byte{3, 1, 1})),
	} {
		_, err := wasmer.Compile(bytes)
		if err == nil || !strings.Contains(errors.Unwrap(err).Error(), proposal) {
			t.Errorf("%s: %v wraps %v", proposal, err, errors.Unwrap(err))
		}
	}
}
