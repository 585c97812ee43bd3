package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// cacheFiles returns how many files are in a folder, which may be missing.
func cacheFiles(t *testing.T, dir string) int {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return len(files)
}

func TestCacheOption(t *testing.T) {
	user, named, other := t.TempDir(), filepath.Join(t.TempDir(), "named"), filepath.Join(t.TempDir(), "other")
	usual := filepath.Join(user, "gowasmer")
	t.Setenv("XDG_CACHE_HOME", user)
	sum := func(variable string, options ...string) {
		t.Helper()
		t.Setenv("GOWASMER_CACHE", variable)
		line := append(append([]string{"call"}, options...), guests+"sum.wasm", "sum", "5", "37")
		if stdout, stderr, code := execute(t, nil, line...); stdout != "42\n" || stderr != "" || code != exitOK {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", line, code, stdout, stderr)
		}
	}
	expect := func(inUsual, inNamed, inOther int) {
		t.Helper()
		if a, b, c := cacheFiles(t, usual), cacheFiles(t, named), cacheFiles(t, other); a != inUsual || b != inNamed || c != inOther {
			t.Errorf("the folders have %d, %d and %d files, expected %d, %d and %d", a, b, c, inUsual, inNamed, inOther)
		}
	}
	sum("off")
	sum("", "--no-cache")
	sum(other, "--no-cache")
	expect(0, 0, 0)
	sum("")
	sum("")
	expect(1, 0, 0)
	sum("", "--explicit-bounds")
	expect(2, 0, 0)
	sum("off", "--cache", named)
	sum("off", "--cache", named)
	expect(2, 1, 0)
	sum(other)
	expect(2, 1, 1)

	// The user's own folder is used if it can be.
	if err := os.Chmod(usual, 0o777); err != nil {
		t.Fatal(err)
	}
	sum("", "--canonical-nans")
	expect(2, 1, 1)
	if err := os.Chmod(named, 0o777); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := execute(t, nil, "call", "--cache", named, guests+"sum.wasm", "sum", "5", "37")
	if expected := "gowasmer: " + guests + "sum.wasm: the cache folder " + named + " cannot be used: it can be written to by others"; code != exitFailure || !strings.HasPrefix(stderr, expected) {
		t.Errorf("exit code %d, stderr %q, expected %q", code, stderr, expected)
	}
	_, stderr, code = execute(t, nil, "call", "--cache=", guests+"sum.wasm", "sum", "5", "37")
	if code != exitUsage || !strings.HasSuffix(stderr, "--cache takes the name of a folder, given an empty one\n") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

// Progress of a module that is loaded is not shown, as there is none.
func TestCacheCommand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "modules")
	t.Setenv("GOWASMER_CACHE", dir)
	for _, step := range []struct{ line, stdout string }{
		{"cache", `^\S+modules: no modules\n$`},
		{"compile " + guests + "sum.wasm -o " + filepath.Join(t.TempDir(), "out"), "^$"},
		{"cache show", `^\S+modules: 1 module, [\d.]+ \w+\n$`},
		{"call " + guests + "types.wasm nothing", ""},
		{"cache show --cache " + filepath.Dir(dir), `: 0 modules, 0 bytes\n$`},
		{"cache clear", `^\S+modules: [12] modules?, [\d.]+ \w+, removed\n$`},
		{"cache", `^\S+modules: 0 modules, 0 bytes\n$`},
	} {
		stdout, stderr, code := execute(t, nil, strings.Fields(step.line)...)
		if step.stdout != "" && (code != exitOK || stderr != "" || !regexp.MustCompile(step.stdout).MatchString(stdout)) {
			t.Errorf("gowasmer %s: exit code %d, stdout %q, stderr %q", step.line, code, stdout, stderr)
		}
	}
	for line, expected := range map[string]string{
		"cache empty":      `cache takes one of show and clear, given "empty"`,
		"cache show clear": "cache takes one of show and clear, given 2 arguments",
		"cache --no-cache": `cache: unknown option "--no-cache"`,
	} {
		if _, stderr, code := execute(t, nil, strings.Fields(line)...); code != exitUsage || !strings.HasPrefix(stderr, "gowasmer: "+expected) {
			t.Errorf("gowasmer %s: exit code %d, stderr %q", line, code, stderr)
		}
	}
	t.Setenv("GOWASMER_CACHE", "off")
	if stdout, stderr, code := execute(t, nil, "cache"); stdout != "there is no cache\n" || stderr != "" || code != exitOK {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}
