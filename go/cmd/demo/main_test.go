package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestDemo(t *testing.T) {
	var out bytes.Buffer
	if err := run("../../../testdata/guests", &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, line := range []string{
		"sum(5, 37) = 42",
		`greet("WebAssembly") = "Hello, WebAssembly!"`,
		`"Hello, World!" at `,
		"grew from 131072 to 196608 bytes",
		"add1(1, 2) = 4, by a Go closure",
		"main(100000) = -0.16",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("expected %q in\n%s", line, out.String())
		}
	}
	if err := run(t.TempDir(), &out); err == nil {
		t.Error("a directory without guests: expected an error")
	}
}
