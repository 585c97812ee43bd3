//go:build linux

package wasmer_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// large returns a module with so much code that a cache has it run from its file; its export "all"
// returns 700.
func large(t *testing.T) []byte {
	t.Helper()
	const functions = 700
	body := "(local.set 0 (i32.xor (i32.mul (local.get 0) (local.get 0)) (i32.const 1234567))) (global.set 0 (local.get 0))"
	var text strings.Builder
	text.WriteString("(module (global (mut i32) (i32.const 0))\n")
	for range functions {
		fmt.Fprintf(&text, "(func (param i32) (result i32) %s (i32.const 1))\n", strings.Repeat(body, 40))
	}
	text.WriteString(`(func (export "all") (result i32) (i32.const 0)`)
	for i := range functions {
		fmt.Fprintf(&text, " (i32.add (call %d (i32.const 0)))", i)
	}
	text.WriteString(`) (func (export "trap") (unreachable)))`)
	return distinct(must(wasmer.Wat2Wasm(text.String()))(t), t.Name())
}

// mappings returns the lines of /proc/self/maps that name a file, without counting on its name
// where the file system has another.
func mappings(t *testing.T, file string) (lines []string) {
	t.Helper()
	for line := range strings.Lines(string(must(os.ReadFile("/proc/self/maps"))(t))) {
		if strings.Contains(line, filepath.Base(file)) {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestCachedCodeIsMapped(t *testing.T) {
	cache := must(wasmer.OpenCache(filepath.Join(t.TempDir(), "cache")))(t)
	module := large(t)
	compiled := must(wasmer.Compile(module, wasmer.WithCache(cache)))(t)
	compiled.Close()
	file := cacheFile(t, cache)
	contents := must(os.ReadFile(file))(t)

	loaded := must(wasmer.Compile(module, wasmer.WithCache(cache)))(t)
	expectCounts(t, cache, wasmer.CacheStats{Misses: 1, Stored: 1, Hits: 1})
	found := mappings(t, file)
	if len(found) != 1 || !strings.Contains(found[0], "r-xp") {
		t.Errorf("the file is mapped as %q, expected once, for its code", found)
	}
	instance := must(loaded.Instantiate())(t)
	expect := func(when string) {
		t.Helper()
		if value := call(t, instance, "all"); value.ToI32() != 700 {
			t.Errorf("%s: all() returned %v, expected 700", when, value)
		}
		_, err := instance.Exports["trap"]()
		checkContains(t, err, "unreachable")
	}
	expect("loaded")

	// Others may replace and remove the file, and the folder.
	replaced := file + ".new"
	if err := os.WriteFile(replaced, bytes.Repeat([]byte{0xcc}, len(contents)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(replaced, file); err != nil {
		t.Fatal(err)
	}
	expect("replaced")
	if err := os.RemoveAll(cache.Dir()); err != nil {
		t.Fatal(err)
	}
	expect("removed")
	serialized := must(loaded.Serialize())(t)
	if !bytes.HasPrefix(contents, serialized) {
		t.Error("the module serialises to other bytes than those that it was loaded from")
	}
	instance.Close()
	loaded.Close()
	if found := mappings(t, file); len(found) != 0 {
		t.Errorf("after closing, the file is mapped as %q", found)
	}

	// Bytes that are no file are copied.
	copied := must(wasmer.DeserializeModule(serialized))(t)
	defer copied.Close()
	instance = must(copied.Instantiate())(t)
	defer instance.Close()
	expect("copied")
}

func TestDamagedCodeIsNotMapped(t *testing.T) {
	cache := must(wasmer.OpenCache(filepath.Join(t.TempDir(), "cache")))(t)
	module := large(t)
	compiled := must(wasmer.Compile(module, wasmer.WithCache(cache)))(t)
	compiled.Close()
	file := cacheFile(t, cache)
	contents := must(os.ReadFile(file))(t)
	for i, at := range []int{len(contents) / 3, len(contents) / 2, len(contents) - 5000} {
		damaged := bytes.Clone(contents)
		damaged[at] ^= 1
		if err := os.WriteFile(file, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		loaded := must(wasmer.Compile(module, wasmer.WithCache(cache)))(t)
		instance := must(loaded.Instantiate())(t)
		if value := call(t, instance, "all"); value.ToI32() != 700 {
			t.Errorf("byte %d is wrong: all() returned %v, expected 700", at, value)
		}
		instance.Close()
		loaded.Close()
		if stats := cache.Stats(); stats.Rejected != int64(i+1) {
			t.Errorf("byte %d is wrong: %d files were rejected, expected %d", at, stats.Rejected, i+1)
		}
		if found := must(os.ReadFile(file))(t); !bytes.Equal(found, contents) {
			t.Errorf("byte %d is wrong: the file was not made again", at)
		}
	}
}
