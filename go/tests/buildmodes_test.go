package tests

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Programs built in all ways that Go has: each loads a module, calls it, catches its traps, and
// ends endless loops by a deadline, with C also by way of C functions and Go functions that C
// calls. Their sources are in testdata/buildmodes.

const programsPath = "./testdata/buildmodes/"

// needsTools skips a test that builds programs in a short run, or where what they are built with is
// not there.
func needsTools(t *testing.T, tools ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds programs")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s: %v", tool, err)
		}
	}
}

// buildProgram builds one of the programs, with cgo or without, and returns its path.
func buildProgram(t *testing.T, name string, cgo bool, flags ...string) string {
	t.Helper()
	noteSources(t)
	path := filepath.Join(t.TempDir(), name)
	command := exec.Command("go", append(append([]string{"build", "-o", path}, flags...), programsPath+name)...)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if cgo {
		command.Env = append(os.Environ(), "CGO_ENABLED=1")
	}
	output(t, command)
	return path
}

// noteSources reads the sources of the programs, so that Go's test cache knows that the result
// depends on them.
func noteSources(t *testing.T) {
	t.Helper()
	sources, err := filepath.Glob(programsPath + "*/*")
	if err != nil || len(sources) == 0 {
		t.Fatalf("found no sources in %s (%v)", programsPath, err)
	}
	for _, source := range sources {
		read(t, source)
	}
}

// output runs a command that has to succeed.
func output(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	text, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v with %v: %v\n%s", command.Args, command.Env[len(os.Environ()):], err, tail(text))
	}
	return string(text)
}

// expectWorks runs a program, with variables added to the environment.
func expectWorks(t *testing.T, environment []string, program ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*hang)
	defer cancel()
	command := exec.CommandContext(ctx, program[0], program[1:]...)
	command.Env = append(append(os.Environ(), "GOTRACEBACK=all"), environment...)
	command.WaitDelay = 10 * time.Second
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGQUIT) }
	if text := output(t, command); text != "works\n" {
		t.Errorf("%v: %s", program, text)
	}
}

func TestBuildModesOfPrograms(t *testing.T) {
	needsTools(t)
	for _, c := range []struct {
		name  string
		cgo   bool
		tool  string // what it needs, with CGO_ENABLED=1
		env   []string
		flags []string
	}{
		{name: "plain"},
		{name: "stripped", flags: []string{"-trimpath", "-ldflags=-s -w"}},
		{name: "pie", flags: []string{"-buildmode=pie"}},
		{name: "not optimised", flags: []string{"-gcflags=all=-N -l"}},
		{name: "cgo", cgo: true},
		{name: "cgo, stripped", cgo: true, flags: []string{"-trimpath", "-ldflags=-s -w"}},
		{name: "cgo, pie", cgo: true, flags: []string{"-buildmode=pie"}},
		{name: "cgo, static", cgo: true, flags: []string{"-trimpath", "-ldflags=-s -w -linkmode=external -extldflags=-static"}},
		{name: "cgo, internal linking", cgo: true, flags: []string{"-ldflags=-linkmode=internal"}},
		{name: "cgo, link-time optimisation", cgo: true, env: []string{"CGO_CFLAGS=-O2 -flto", "CGO_LDFLAGS=-O2 -flto"}},
		{name: "cgo, no optimisation of C", cgo: true, env: []string{"CGO_CFLAGS=-O0 -fstack-protector-all"}},
		{name: "race", cgo: true, flags: []string{"-race"}},
		{name: "asan", cgo: true, flags: []string{"-asan"}},
		{name: "msan", cgo: true, tool: "clang", env: []string{"CC=clang"}, flags: []string{"-msan"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			program := "program"
			if c.cgo {
				program = "cprogram"
				needsTools(t, "gcc")
			}
			if c.tool != "" {
				needsTools(t, c.tool)
			}
			for _, variable := range c.env {
				name, value, _ := strings.Cut(variable, "=")
				t.Setenv(name, value)
			}
			path := buildProgram(t, program, c.cgo, c.flags...)
			if isStatic(t, path) != (!c.cgo && c.name != "pie" || c.name == "cgo, static") {
				t.Errorf("static: %v", isStatic(t, path))
			}
			expectWorks(t, nil, path)
		})
	}
}

// isStatic reports whether a program needs no dynamic linker.
func isStatic(t *testing.T, path string) bool {
	file, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, header := range file.Progs {
		if header.Type == elf.PT_INTERP {
			return false
		}
	}
	return true
}

// A plugin and the program that loads it share one engine.
func TestBuildModePlugin(t *testing.T) {
	needsTools(t, "gcc")
	expectWorks(t, nil, buildProgram(t, "host", true), buildProgram(t, "plugin", true, "-buildmode=plugin"))
}

// compileC compiles a C program of testdata/buildmodes/c.
func compileC(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	output(t, exec.Command("gcc", append([]string{"-Wall", "-Werror", "-o", path, programsPath + "c/" + name + ".c"}, arguments...)...))
	return path
}

// A C program that links the package as a static library.
func TestBuildModeArchive(t *testing.T) {
	needsTools(t, "gcc")
	archive := buildProgram(t, "library", true, "-buildmode=c-archive")
	expectWorks(t, nil, compileC(t, "archive", "-pthread", "-x", "none", archive))
}

// A C program that loads the package by dlopen: nothing may need static thread-local storage.
//
// Two such libraries in one process are two runtimes of Go, each with signal handlers of its own:
// Go does not support that.
func TestBuildModeShared(t *testing.T) {
	needsTools(t, "gcc")
	library := buildProgram(t, "library", true, "-buildmode=c-shared")
	expectWorks(t, nil, compileC(t, "shared", "-pthread", "-ldl"), library)
}

// Where Go stops no goroutines by signals, whoever has switched that off, endless guests end by
// their deadline, and the collector gets through meanwhile. Where it does, that is found out.
func TestBuildsWithoutPreemption(t *testing.T) {
	needsTools(t)
	const linked = "-X runtime.godebugDefault=asyncpreemptoff=1"
	for _, cgo := range []bool{false, true} {
		name := map[bool]string{false: "program", true: "cprogram"}[cgo]
		for _, c := range []struct {
			flags    []string
			settings map[string]bool // of GODEBUG, and whether guests are paused by signals then
		}{
			{nil, map[string]bool{"asyncpreemptoff=1": false, "gccheckmark=1": false}},
			{[]string{"-trimpath"}, map[string]bool{"": true, "asyncpreemptoff=1": false}},
			{[]string{"-ldflags=" + linked}, map[string]bool{"": false}},
			{[]string{"-trimpath", "-ldflags=-s -w " + linked}, map[string]bool{"": false}},
		} {
			t.Run(fmt.Sprint(name, c.flags), func(t *testing.T) {
				if cgo {
					needsTools(t, "gcc")
				}
				path := buildProgram(t, name, cgo, c.flags...)
				for setting, paused := range c.settings {
					for _, processors := range []int{1, runtime.NumCPU() + 1} {
						t.Run(fmt.Sprintf("%s with %d processors", setting, processors), func(t *testing.T) {
							expectWorks(t, []string{"GODEBUG=" + setting, fmt.Sprint("GOMAXPROCS=", processors), fmt.Sprint("EXPECT_PAUSES=", paused)}, path)
						})
					}
				}
			})
		}
	}
}

// The static library needs cgo: without it, the compiler's one message says so. On systems that
// there is no library for, the tag changes nothing.
func TestStaticLibraryWithoutCgo(t *testing.T) {
	needsTools(t)
	build := func(environment ...string) (string, error) {
		command := exec.Command("go", "build", "-tags", "gowasmer_static", "../wasmer")
		command.Env = append(append(os.Environ(), "CGO_ENABLED=0"), environment...)
		text, err := command.CombinedOutput()
		return string(text), err
	}
	for _, architecture := range []string{"amd64", "arm64"} {
		text, err := build("GOOS=linux", "GOARCH="+architecture)
		if err == nil || !strings.Contains(text, "undefined: gowasmer_static_needs_cgo\n") || strings.Count(text, "undefined") != 1 {
			t.Errorf("linux/%s: %v\n%s", architecture, err, text)
		}
	}
	if text, err := build("GOOS=windows", "GOARCH=amd64"); err != nil {
		t.Errorf("windows: %v\n%s", err, text)
	}
}
