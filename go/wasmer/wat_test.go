package wasmer_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func TestWat2Wasm(t *testing.T) {
	type program string
	empty := []byte("\x00asm\x01\x00\x00\x00")
	for _, text := range []string{"(module)", " \r\n(module) ;; end", "(; c ;)(module)", `(module binary "\00asm" "\01\00\00\00")`} {
		if module, err := wasmer.Wat2Wasm(text); err != nil || !bytes.Equal(module, empty) {
			t.Errorf("%q: %x, %v", text, module, err)
		}
		if module, err := wasmer.Wat2Wasm([]byte(text)); err != nil || !bytes.Equal(module, empty) {
			t.Errorf("%q as bytes: %x, %v", text, module, err)
		}
		if module, err := wasmer.Wat2Wasm(program(text)); err != nil || !bytes.Equal(module, empty) {
			t.Errorf("%q as a type of its own: %x, %v", text, module, err)
		}
	}
	module, err := wasmer.Wat2Wasm(`(func (export "日本 🦀") (param $x i32) (result i32) (i32.mul (local.get $x) (i32.const 2)))`)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := wasmer.NewInstance(module)
	if err != nil {
		t.Fatal(err)
	}
	defer instance.Close()
	if result, err := instance.Exports["日本 🦀"](21); err != nil || result.ToI32() != 42 {
		t.Errorf("%v, %v", result, err)
	}
}

func TestWat2WasmErrors(t *testing.T) {
	tests := []struct {
		text         string
		line, column int
		message      string // in part
		source       string
	}{
		{"", 1, 1, "expected", ""},
		{"(module\n  (func\n    i32.cosnt 5))", 3, 5, "unknown operator or unexpected token", "    i32.cosnt 5))"},
		{"(module (func $f call $g))", 1, 23, "unknown func", "(module (func $f call $g))"},
		{"(module)\r\n(; äö 🦀 ;) nonsense\r\n", 2, 12, "", "(; äö 🦀 ;) nonsense"},
		{"(module ;; \xff\n)", 1, 12, "malformed UTF-8 encoding", "(module ;; \xff"},
		{"\x00asm\x01\x00\x00\x00", 1, 1, "the module is in the binary format already", "\x00asm\x01\x00\x00\x00"},
		{"(module\n(func\n", 3, 1, "", ""},
		{"(module (func (i32.const 0x1_0000_0000)))", 1, 26, "", "(module (func (i32.const 0x1_0000_0000)))"},
		{"(module\x00)", 1, 8, "", "(module\x00)"},
	}
	for _, test := range tests {
		module, err := wasmer.Wat2Wasm(test.text)
		var e *wasmer.TextError
		if module != nil || !errors.As(err, &e) {
			t.Errorf("%q: %x, %v", test.text, module, err)
			continue
		}
		if e.Line != test.line || e.Column != test.column || !strings.Contains(e.Message, test.message) || e.Source != test.source {
			t.Errorf("%q: %+v, expected %+v", test.text, e, test)
		}
		if first := e.Message[0]; first >= 'A' && first <= 'Z' {
			t.Errorf("%q: the message %q begins with a capital letter", test.text, e.Message)
		}
		if last, _ := wasmer.GetLastError(); last != e.Message {
			t.Errorf("GetLastError gives %q, expected %q", last, e.Message)
		}
	}
}

// TestTextErrorMarksThePlace reads the text for people.
func TestTextErrorMarksThePlace(t *testing.T) {
	_, err := wasmer.Wat2Wasm("(module\n\t(fnc))")
	expected := " at line 2, column 3:\n     (fnc))\n      ^"
	if err == nil || !strings.HasSuffix(err.Error(), expected) {
		t.Errorf("%q, expected %q at the end", err, expected)
	}
	_, err = wasmer.Wat2Wasm("(module " + strings.Repeat("(func)", 100_000) + " (fnc) " + strings.Repeat("(func)", 100_000) + ")")
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 3 || len(lines[1]) > 200 || strings.Index(lines[1], "fnc") != strings.Index(lines[2], "^") {
		t.Errorf("an error in a long line: %.1000q", err)
	}
	if text := (&wasmer.TextError{Line: 1, Column: 1 << 30, Message: "m", Source: "s"}).Error(); text != "m at line 1, column 1073741824:\n    s\n     ^" {
		t.Errorf("a column behind the line: %q", text)
	}
	if text := (&wasmer.TextError{Message: "m"}).Error(); text != "m" {
		t.Errorf("no place: %q", text)
	}
}

// TestWat2WasmBears shows texts that are deep, long, altered or random: none may do more than fail.
func TestWat2WasmBears(t *testing.T) {
	const depth = 100_000
	for _, open := range []string{"(", "(module ", "(func ", "(func (block ", "(func (if (then ", "(func (drop (i32.eqz ", "(; ", "(@a ", "(type (func ", "(rec "} {
		if _, err := wasmer.Wat2Wasm(strings.Repeat(open, depth)); err == nil {
			t.Errorf("%s, %d deep: no error", open, depth)
		}
	}
	folded := "(func (drop " + strings.Repeat("(i32.eqz ", depth) + "(i32.const 0)" + strings.Repeat(")", depth) + "))"
	if module, err := wasmer.Wat2Wasm(folded); err != nil || len(module) < depth {
		t.Errorf("folded %d deep: %v", depth, err)
	}
	huge := "(module " + strings.Repeat(`(func (export "") (param i32)) (; comment ;) `+"\n", 200_000) + ")"
	if module, err := wasmer.Wat2Wasm(huge); err != nil || len(module) < 1_000_000 {
		t.Errorf("%d functions: %d bytes, %v", 200_000, len(module), err)
	}
	text := []byte(`(module $m (memory (export "m") 1) (func $f (param f64) (result i32) (local i64) (i32.trunc_f64_s (local.get 0))) (data (i32.const 0) "\00x\u{1f980}"))`)
	if _, err := wasmer.Wat2Wasm(text); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	for worker := range 4 {
		running.Go(func() {
			altered := bytes.Clone(text)
			state := uint64(worker)*0x9e3779b97f4a7c15 + 1
			for range 3_000 {
				state = state*6364136223846793005 + 1442695040888963407
				at := int(state>>33) % len(altered)
				altered[at] = byte(state >> 24)
				if _, err := wasmer.Wat2Wasm(altered); err != nil {
					var e *wasmer.TextError
					if !errors.As(err, &e) || e.Line == 0 {
						t.Errorf("%q: %v", altered, err)
					}
				}
				if state>>60 < 12 {
					altered[at] = text[at]
				}
			}
		})
	}
	running.Wait()
}

// TestCompileTakesNoText holds that text must be translated first.
func TestCompileTakesNoText(t *testing.T) {
	if _, err := wasmer.Compile([]byte("(module)")); err == nil || wasmer.Validate([]byte("(module)")) {
		t.Errorf("Compile takes text: %v", err)
	}
}
