package tests

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// internalName is a name of an internal package, or the path of one.
var internalName = regexp.MustCompile(`\b(core|engine|fiber|image|externref|handles|union|wasi|preempt|wire)\.[A-Z]|\binternal/`)

// What `go doc -all` shows of the public package has no line over 100 columns, and no internal
// package.
func TestDocumentation(t *testing.T) {
	command := exec.Command("go", "doc", "-all", "./go/wasmer")
	command.Dir = filepath.Join("..", "..")
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	lines := strings.Split(string(output), "\n")
	if len(lines) < 500 {
		t.Errorf("only %d lines", len(lines))
	}
	for i, line := range lines {
		if columns := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    ")); columns > 100 {
			t.Errorf("line %d has %d columns: %s", i+1, columns, line)
		}
		if internalName.MatchString(line) {
			t.Errorf("line %d shows an internal package: %s", i+1, line)
		}
	}
}
