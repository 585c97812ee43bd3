package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gowasmer/wasmer/benchmarks/report"
)

// engine is one that could be built.
type engine struct {
	name, command string
}

// buildEngines builds the command of each engine: by its build.sh if it has one, else by Go. A
// rival that cannot be built, for want of a compiler or of a newer Go, is left out, and missing
// says why.
func buildEngines(o *options, to string, missing map[string]string) ([]*engine, error) {
	folder := filepath.Join(o.root, "benchmarks", "engines")
	names, err := engineNames(folder, o.engines)
	if err != nil {
		return nil, err
	}
	var engines []*engine
	for _, name := range names {
		progress("building %s", name)
		e := &engine{name, filepath.Join(to, name)}
		command := exec.Command("go", "build", "-o", e.command, ".")
		command.Dir = filepath.Join(folder, name)
		if _, err := os.Stat(filepath.Join(command.Dir, "build.sh")); err == nil {
			command = exec.Command("./build.sh", e.command)
			command.Dir = filepath.Join(folder, name)
		}
		if text, err := command.CombinedOutput(); err != nil {
			if name == report.Subject {
				return nil, fmt.Errorf("building %s: %w\n%s", name, err, text)
			}
			missing[name] = fmt.Sprintf("%v: %s", err, text)
			continue
		}
		engines = append(engines, e)
	}
	return engines, nil
}

// engineNames lists the folders of engines: the known ones in their order, then the rest.
func engineNames(directory string, only []string) ([]string, error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, entry := range entries {
		if entry.IsDir() {
			found = append(found, entry.Name())
		}
	}
	for _, name := range only {
		if !slices.Contains(found, name) {
			return nil, fmt.Errorf("no engine %q; there are %s", name, strings.Join(found, ", "))
		}
	}
	rank := func(name string) int {
		if i := slices.Index(report.Engines, name); i >= 0 {
			return i
		}
		return len(report.Engines)
	}
	slices.SortStableFunc(found, func(a, b string) int { return rank(a) - rank(b) })
	return slices.DeleteFunc(found, func(name string) bool { return len(only) > 0 && !slices.Contains(only, name) }), nil
}

// esbuild is the npm package whose module is the large one.
const esbuild = "esbuild-wasm@0.28.2"

// prepareModules puts all modules that works need into one folder: those that are committed, three
// Go programs built for WASI, and one of npm's, which is kept from run to run. It returns the
// folder.
func prepareModules(o *options, missing map[string]string) (string, error) {
	benchmarks := filepath.Join(o.root, "benchmarks")
	folder, err := filepath.Abs(filepath.Join(benchmarks, "build", "modules"))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	guests := filepath.Join(o.root, "testdata", "guests")
	for name, from := range map[string]string{
		"calls":         filepath.Join(benchmarks, "modules", "calls.wasm"),
		"host":          filepath.Join(benchmarks, "modules", "host.wasm"),
		"block":         filepath.Join(benchmarks, "modules", "block.wasm"),
		"queens":        filepath.Join(benchmarks, "kernels", "queens.wasm"),
		"fib_recursive": filepath.Join(guests, "fib_recursive.wasm"),
		"small":         filepath.Join(guests, "snappy_compress.wasm"),
		"wasi":          filepath.Join(benchmarks, "modules", "wasi.wasm"),
		"copy":          filepath.Join(guests, "wasi", "copy.wasm"),
	} {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name+".wasm"), text, 0o644)
		}
		if err != nil {
			return "", err
		}
	}

	for name, mode := range map[string]string{"middle": "exe", "gotool": "exe", "handler": "c-shared"} {
		progress("building the module %s", name)
		build := exec.Command("go", "build", "-trimpath", "-buildmode="+mode, "-ldflags=-s -w", "-o", filepath.Join(folder, name+".wasm"), ".")
		build.Dir = filepath.Join(benchmarks, "modules", name)
		build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
		if text, err := build.CombinedOutput(); err != nil {
			missing["module "+name] = fmt.Sprintf("%v: %s", err, text)
		}
	}

	large := filepath.Join(folder, "large.wasm")
	if _, err := os.Stat(large); err == nil {
		return folder, nil
	}
	progress("fetching the large module: %s", esbuild)
	script := `set -e; work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"; npm pack --silent "$0" >name; tar xzf "$(cat name)"
		mv package/esbuild.wasm "$1"`
	if text, err := exec.Command("sh", "-c", script, esbuild, large).CombinedOutput(); err != nil {
		missing["module large"] = fmt.Sprintf("%s: %v: %s", esbuild, err, text)
	}
	return folder, nil
}
