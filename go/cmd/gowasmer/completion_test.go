package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shell returns a shell, or skips the test.
func shell(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(err)
	}
	return path
}

// completionFile writes the script for a shell to a file.
func completionFile(t *testing.T, name string) string {
	t.Helper()
	script, stderr, code := execute(t, nil, "completion", name)
	if code != exitOK || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	return write(t, "completion."+name, script)
}

func TestBashCompletion(t *testing.T) {
	bash, file := shell(t, "bash"), completionFile(t, "bash")
	if out, err := exec.Command(bash, "-n", file).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("bash -n: %v\n%s", err, out)
	}
	dir := t.TempDir()
	for _, name := range []string{"my folder", "mine"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "my.wasm"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		line     string // the words, separated by spaces; the last one is to be completed
		expected string // separated by |; empty for the shell's own way
	}{
		{"c", "cache|call|compile|completion"},
		{"--", "--help|--version"},
		{"nothing x", ""},
		{"run --t", "--timeout|--trap-unknown-imports|--trace-host-calls"},
		{"run --profile out --ti", "--timeout"},
		{"run --profile = out --ti", "--timeout"},
		{"run --progress --ti", "--timeout"},
		{"run --progress =", "true|false"},
		{"run --progress = f", "false"},
		{"run --dir m", "mine|my folder"},
		{"run --dir = m", "mine|my folder"},
		{"run --profile m", ""},
		{"run --env m", ""},
		{"run m", ""},
		{"run my.wasm --ti", ""},
		{"run --dir / my.wasm --ti", ""},
		{"call --max", "--max-memory|--max-table"},
		{"call my.wasm f -", ""},
		{"inspect my.wasm --", "--help|--progress|--proposals"},
		{"compile my.wasm -o", "-o"},
		{"compile my.wasm -o m", ""},
		{"compile my.wasm --exp", "--explicit-bounds"},
		{"help co", "compile|completion"},
		{"help run c", ""},
		{"completion ", "bash|zsh"},
		{"version -", "--help"},
		{"cache ", "clear|show"},
		{"cache --", "--cache|--help"},
		{"run --cache m", "mine|my folder"},
		{"compile --no", "--no-cache"},
	} {
		words := append([]string{"gowasmer"}, strings.Split(test.line, " ")...)
		script := `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gowasmer; printf '%s\n' "${COMPREPLY[@]}"`
		command := exec.Command(bash, append([]string{"--norc", "-c", script, "bash", file}, words...)...)
		command.Dir = dir
		out, err := command.CombinedOutput()
		found, expected := strings.Split(strings.TrimSpace(string(out)), "\n"), strings.Split(test.expected, "|")
		slices.Sort(found)
		slices.Sort(expected)
		if err != nil || !slices.Equal(found, expected) {
			t.Errorf("gowasmer %s: %v, completed by %q, expected %q", test.line, err, found, expected)
		}
	}
	// As bash itself finds it.
	out, err := exec.Command(bash, "--norc", "-c", `source "$1"; complete -p gowasmer`, "bash", file).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "-F _gowasmer gowasmer") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Functions that stand for those of zsh's completion show what they are called with.
const zshStubs = `compdef() { print -r -- "compdef $*" }
_describe() { print -rl -- ${(P)4} }
_arguments() { print -rl -- "$@" }
source $1; shift
words=("$@"); CURRENT=$#
_gowasmer`

func TestZshCompletion(t *testing.T) {
	zsh, file := shell(t, "zsh"), completionFile(t, "zsh")
	if out, err := exec.Command(zsh, "-f", "-n", file).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("zsh -n: %v\n%s", err, out)
	}
	for _, test := range []struct {
		words    []string
		expected []string
	}{
		{[]string{""}, []string{"compdef _gowasmer gowasmer", "run:run a WASI program", "help:explain a command and its options"}},
		{[]string{"run", ""}, []string{"-S", "1:FILE:_files", "*--trace-host-calls[write each call of a host function to standard error, with arguments and results]",
			"*--dir=[let the program use the directory HOST, under the path GUEST if given; may be repeated]:HOST[\\:\\:GUEST]:_directories"}},
		{[]string{"completion", ""}, []string{"1:argument:(bash zsh)"}},
	} {
		out, err := exec.Command(zsh, append([]string{"-f", "-c", zshStubs, "zsh", file, "gowasmer"}, test.words...)...).CombinedOutput()
		lines := strings.Split(string(out), "\n")
		for _, expected := range test.expected {
			if err != nil || !slices.Contains(lines, expected) {
				t.Errorf("%v: %v, no %q in\n%s", test.words, err, expected, out)
			}
		}
	}
}

// The script for zsh has all commands and options, also where there is no zsh.
func TestZshCompletionIsComplete(t *testing.T) {
	script, _, _ := execute(t, nil, "completion", "zsh")
	for _, c := range commands() {
		if !strings.Contains(script, "\n        '"+c.name+":") {
			t.Errorf("the script lacks %s", c.name)
		}
		for _, o := range c.options(new(settings)) {
			if !strings.Contains(script, "'*"+o.dashed()) {
				t.Errorf("the script lacks %s of %s", o.dashed(), c.name)
			}
		}
	}
	for line, expected := range map[string]string{
		"completion":      "gowasmer: completion takes the name of a shell, bash or zsh, given 0 arguments\n",
		"completion fish": "gowasmer: completion is there for bash and zsh, given \"fish\"\n",
	} {
		if stdout, stderr, code := execute(t, nil, strings.Fields(line)...); stdout != "" || stderr != expected || code != exitUsage {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", line, code, stdout, stderr)
		}
	}
}
