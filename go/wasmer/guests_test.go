package wasmer_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// The programs of testdata/guests against the same sources compiled natively: each line of
// expected.txt is a guest, an export, its arguments ("-" for none), and what the native program
// returned, as type and bits. Results must agree to the bit.

// boundsModes are the two ways to keep a guest in its memory.
var boundsModes = []struct {
	name    string
	options []wasmer.CompileOption
}{
	{"guard pages", nil},
	{"explicit bounds", []wasmer.CompileOption{wasmer.WithExplicitBounds()}},
}

func TestGuestsReturnWhatNativeProgramsReturn(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "guests", "expected.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, mode := range boundsModes {
		for _, line := range lines {
			t.Run(mode.name+"/"+line, func(t *testing.T) { checkGuest(t, line, mode.options) })
		}
	}
}

// checkGuest runs one line of expected.txt.
func checkGuest(t *testing.T, line string, options []wasmer.CompileOption) {
	fields := strings.Fields(line)
	if len(fields) < 4 {
		t.Fatalf("the line has %d fields, expected guest, export, arguments and result", len(fields))
	}
	name, export, given, expected := fields[0], fields[1], fields[2:len(fields)-1], fields[len(fields)-1]
	var arguments []interface{}
	if given[0] != "-" {
		for _, text := range given {
			number, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			arguments = append(arguments, number)
		}
	}
	module, err := wasmer.Compile(guest(t, name), options...)
	if err != nil {
		t.Fatal(err)
	}
	defer module.Close()
	instance, err := module.Instantiate()
	if err != nil {
		t.Fatal(err)
	}
	defer instance.Close()
	function, err := instance.Function(export)
	if err != nil {
		t.Fatal(err)
	}
	results, err := function.Call(context.Background(), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 1 || typeAndBits(results[0]) != expected {
		t.Errorf("%s%v returned %v, expected %s", export, arguments, results, expected)
		for _, result := range results {
			t.Log("given: ", typeAndBits(result))
		}
	}
}

// typeAndBits formats a value as in expected.txt.
func typeAndBits(value wasmer.Value) string {
	switch value.GetType() {
	case wasmer.TypeI32, wasmer.TypeF32:
		return fmt.Sprintf("%s:%08x", value.GetType(), uint32(value.ToI32()))
	default:
		return fmt.Sprintf("%s:%016x", value.GetType(), uint64(value.ToI64()))
	}
}
