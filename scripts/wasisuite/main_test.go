package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSuite runs a small suite: a program of ours under several names.
func TestSuite(t *testing.T) {
	directory := t.TempDir()
	command := filepath.Join(directory, "gowasmer")
	if out, err := exec.Command("go", "build", "-o", command, "../../go/cmd/gowasmer").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	tool, err := os.ReadFile("../../testdata/guests/wasi/tool.wasm")
	if err != nil {
		t.Fatal(err)
	}
	suite := filepath.Join(directory, "suite")
	write := func(name, text string) {
		path := filepath.Join(suite, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("files/text", "shipped")
	for name, configuration := range map[string]string{
		"passes":     "",
		"env":        `{"args": ["env", "A"], "env": {"A": "b = c"}, "stdout": "b = c\n"}`,
		"root":       `{"args": ["cat", "/text"], "root": "files", "stdout": "shipped"}`,
		"dirs":       `{"args": ["cat", "files/text"], "dirs": ["files"], "stdout": "shipped"}`,
		"writes":     `{"args": ["write", "/text", "x"], "root": "files"}`,
		"writes2":    `{"args": ["cat", "/text"], "root": "files", "stdout": "shipped"}`,
		"empty":      `{"args": ["list", "/"], "root": "absent", "stdout": ""}`,
		"exit":       `{"args": ["exit", "33"], "exit_code": 33}`,
		"operations": `{"operations": [{"type": "run", "args": ["exit", "3"]}, {"type": "wait", "exit_code": 3}]}`,
		"reads":      `{"operations": [{"type": "run", "args": ["cat", "/text"], "root": "files"}, {"type": "read", "payload": "sh"}, {"type": "read", "payload": "ip"}, {"type": "wait"}]}`,
		"bad_exit":   `{"args": ["exit", "1"]}`,
		"bad_more":   `{"args": ["cat", "/text"], "root": "files", "stdout": "ship"}`,
		"bad_text":   `{"args": ["env", "A"], "stdout": "x"}`,
		"bad_error":  `{"args": ["cat", "/absent"], "exit_code": 1, "stderr": "x"}`,
		"bad_json":   `{`,
		"bad_kind":   `{"operations": [{"type": "connect"}]}`,
	} {
		write("tests/"+name+".wasm", string(tool))
		if configuration != "" {
			write("tests/"+name+".json", configuration)
		}
	}
	if err := os.Rename(filepath.Join(suite, "files"), filepath.Join(suite, "tests", "files")); err != nil {
		t.Fatal(err)
	}
	passed, failures, err := runSuite(command, suite)
	if err != nil || passed != 10 || len(failures) != 6 {
		t.Errorf("%d passed, %v", passed, err)
	}
	for _, failure := range failures {
		if !strings.HasPrefix(failure.Error(), filepath.Join(suite, "tests", "bad_")) {
			t.Error(failure)
		}
	}
	if _, _, err := runSuite(command, filepath.Join(directory, "absent")); err == nil {
		t.Error("a suite that is not there is no error")
	}
}
