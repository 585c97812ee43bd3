package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

//go:embed programs
var programs embed.FS

// user is somebody with nothing but Go: folders of their own, and an environment in which PATH
// leads to Go alone.
type user struct {
	folder string
	goroot string
	bin    string
	cache  string
}

func newUser(folder, cache string) (*user, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	u := &user{folder: folder, goroot: strings.TrimSpace(string(out)), bin: filepath.Join(folder, "bin"), cache: cache}
	if u.cache == "" {
		u.cache = filepath.Join(folder, "gocache")
	}
	if u.cache, err = filepath.Abs(u.cache); err != nil {
		return nil, err
	}
	if err := os.Mkdir(u.bin, 0o755); err != nil {
		return nil, err
	}
	return u, os.Symlink(filepath.Join(u.goroot, "bin", "go"), filepath.Join(u.bin, "go"))
}

// environment is all that commands see, and what is added.
func (u *user) environment(proxy string, added ...string) []string {
	return append([]string{
		"PATH=" + u.bin,
		"GOROOT=" + u.goroot,
		"GOPATH=" + filepath.Join(u.folder, "gopath"),
		"GOMODCACHE=" + filepath.Join(u.folder, "modules"),
		"GOCACHE=" + u.cache,
		"GOENV=off",
		"GOTOOLCHAIN=local",
		"GOPROXY=" + proxy,
		"GONOSUMDB=*",
		"GOSUMDB=off",
		"GOFLAGS=-mod=mod -modcacherw",
		"CGO_ENABLED=0",
	}, added...)
}

// program is a folder of the user with a module named x.
type program struct {
	user   *user
	proxy  string
	folder string
}

// newProgram makes a folder, writes one of the embedded programs into it, and has Go fetch what it
// imports.
func (p *proof) newProgram(name, source string) (*program, error) {
	m, err := p.packed()
	if err != nil {
		return nil, err
	}
	x := &program{p.sandbox, "file://" + m.proxy, filepath.Join(p.folder, name)}
	if err := os.Mkdir(x.folder, 0o755); err != nil {
		return nil, err
	}
	if err := x.call("mod", "init", "x"); err != nil {
		return nil, err
	}
	if err := x.call("get", m.path+"@"+version); err != nil {
		return nil, err
	}
	text, err := programs.ReadFile("programs/" + source + ".go.txt")
	if err != nil {
		return nil, err
	}
	return x, os.WriteFile(filepath.Join(x.folder, "main.go"), text, 0o644)
}

// call runs go with the arguments in the program's folder.
func (x *program) call(arguments ...string) error { return x.callWith(nil, arguments...) }

// callWith is call with more environment.
func (x *program) callWith(environment []string, arguments ...string) error {
	command := exec.Command(filepath.Join(x.user.bin, "go"), arguments...)
	command.Dir = x.folder
	command.Env = x.user.environment(x.proxy, environment...)
	out, err := command.CombinedOutput()
	if err != nil {
		line := strings.Join(append(append(slices.Clone(environment), "go"), arguments...), " ")
		return fmt.Errorf("%s: %w\n%s", line, err, shortened(string(out)))
	}
	return nil
}

// build builds the program and gives its path.
func (x *program) build(environment []string, flags ...string) (string, error) {
	out := filepath.Join(x.folder, "program")
	return out, x.callWith(environment, append(append([]string{"build"}, flags...), "-o", out, ".")...)
}

// shortened keeps the first lines of what a command printed.
func shortened(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > 12 {
		lines = append(lines[:12], fmt.Sprintf("(and %d lines more)", len(lines)-12))
	}
	return strings.Join(lines, "\n")
}

// guest copies a guest of the repository into a folder.
func (p *proof) guest(name, folder string) error {
	bytes, err := os.ReadFile(filepath.Join(p.root, "testdata", "guests", name))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, name), bytes, 0o644)
}

func (p *proof) get() (string, error) {
	x, err := p.newProgram("get", "sum")
	if err != nil {
		return "", err
	}
	if err := x.call("mod", "tidy"); err != nil {
		return "", err
	}
	if err := x.call("mod", "verify"); err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(x.folder, "go.mod"))
	if err != nil {
		return "", err
	}
	want := p.module.path + " " + version
	if !strings.Contains(string(text), "require "+want+"\n") {
		return "", fmt.Errorf("go.mod does not require %s alone:\n%s", want, text)
	}
	return fmt.Sprintf("go get %s@%s, go mod tidy, go mod verify; no other module is required", p.module.path, version), nil
}

func (p *proof) static() (string, error) {
	x, err := p.newProgram("static", "sum")
	if err != nil {
		return "", err
	}
	return p.buildAndRunAlone(x)
}

func (p *proof) vendor() (string, error) {
	x, err := p.newProgram("vendor", "sum")
	if err != nil {
		return "", err
	}
	if err := x.call("mod", "vendor"); err != nil {
		return "", err
	}
	vendored, files := int64(0), 0
	err = filepath.WalkDir(filepath.Join(x.folder, "vendor"), func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			vendored, files = vendored+info.Size(), files+1
		}
		return err
	})
	if err != nil {
		return "", err
	}
	x.proxy = "off"
	shown, err := p.buildAndRunAlone(x, "-mod=vendor")
	return fmt.Sprintf("%s vendored in %d files; %s", megabytes(vendored), files, shown), err
}

// buildAndRunAlone builds without cgo, checks that the result needs no library, and runs it in a
// root that holds nothing else.
func (p *proof) buildAndRunAlone(x *program, flags ...string) (string, error) {
	path, err := x.build(nil, flags...)
	if err != nil {
		return "", err
	}
	if err := staticallyLinked(path, runtime.GOARCH); err != nil {
		return "", err
	}
	alone := p.runAlone(path)
	if errors.Is(alone, errLeftOut) && !p.strict {
		if err := p.runHere(nil, path, "sum.wasm"); err != nil {
			return "", err
		}
		return fmt.Sprintf("statically linked, prints 42; the empty root is %v", alone), nil
	}
	return "statically linked, prints 42 in a root with nothing but it and sum.wasm", alone
}

func (p *proof) cgo() (string, error) {
	compiler, err := exec.LookPath("gcc")
	if err != nil {
		return "", leftOut("no gcc")
	}
	path := "PATH=" + p.sandbox.bin + ":" + filepath.Dir(compiler) + ":/usr/bin:/bin"
	environment := []string{"CGO_ENABLED=1", "CC=" + compiler, path, "TMPDIR=" + os.TempDir()}
	for _, c := range []struct{ name, guest string }{{"sum", "sum.wasm"}, {"cfunction", "imported_function.wasm"}} {
		x, err := p.newProgram("cgo-"+c.name, c.name)
		if err != nil {
			return "", err
		}
		program, err := x.build(environment)
		if err != nil {
			return "", err
		}
		if err := p.runHere(nil, program, c.guest); err != nil {
			return "", err
		}
	}
	return "with " + compiler + ": prints 42, and 42 by a C function that the guest imports", nil
}

// other is the architecture that this machine does not have, and its name in qemu.
func other() (goarch, qemu string) {
	if runtime.GOARCH == "arm64" {
		return "amd64", "x86_64"
	}
	return "arm64", "aarch64"
}

// emulator returns what runs programs of an architecture, whose name in qemu is given: the flag's,
// the one that scripts/arm64.sh has put into the build folder, or the system's; "" if there is
// none.
func (p *proof) emulator(goarch, name string) string {
	if p.qemu != "" {
		return p.qemu
	}
	for _, candidate := range []string{filepath.Join(p.root, "build", goarch, "qemu"), "qemu-" + name + "-static"} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	return ""
}

func (p *proof) cross() (string, error) {
	goarch, name := other()
	x, err := p.newProgram("cross", "sum")
	if err != nil {
		return "", err
	}
	path, err := x.build([]string{"GOARCH=" + goarch})
	if err != nil {
		return "", err
	}
	if err := staticallyLinked(path, goarch); err != nil {
		return "", err
	}
	emulator := p.emulator(goarch, name)
	if emulator == "" {
		return "", leftOut("linux/%s is built and statically linked; no qemu-%s-static to run it", goarch, name)
	}
	// qemu's largest processor restores vector registers from a part of signal frames that Linux
	// does not use.
	var environment []string
	if goarch == "arm64" {
		environment = append(environment, "QEMU_CPU=cortex-a57")
	}
	if err := p.runHere(environment, path, "sum.wasm", emulator); err != nil {
		return "", err
	}
	return fmt.Sprintf("linux/%s: statically linked, prints 42 under %s", goarch, emulator), nil
}

func (p *proof) size() (string, error) {
	x, err := p.newProgram("size", "sum")
	if err != nil {
		return "", err
	}
	sizes := make([]int64, 2)
	for i, flags := range [][]string{{"-trimpath"}, {"-trimpath", "-ldflags=-s -w"}} {
		path, err := x.build(nil, flags...)
		if err != nil {
			return "", err
		}
		info, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		sizes[i] = info.Size()
	}
	shown := fmt.Sprintf("%s stripped, %s with symbols", megabytes(sizes[1]), megabytes(sizes[0]))
	if float64(sizes[1]) > p.sizeLimit*1e6 {
		return "", fmt.Errorf("%s; expected at most %.1f MB", shown, p.sizeLimit)
	}
	return shown, nil
}

func (p *proof) systems() (string, error) {
	x, err := p.newProgram("systems", "sum")
	if err != nil {
		return "", err
	}
	var built []string
	var failed []error
	for _, system := range []string{"windows", "darwin", "freebsd"} {
		for _, architecture := range []string{"amd64", "arm64"} {
			name := system + "/" + architecture
			err := x.callWith([]string{"GOOS=" + system, "GOARCH=" + architecture}, "build", "-o", filepath.Join(x.folder, "out")+"/", "./...")
			if err != nil {
				failed = append(failed, fmt.Errorf("%s: %w", name, err))
				continue
			}
			built = append(built, name)
		}
	}
	if err := errors.Join(failed...); err != nil {
		return "", fmt.Errorf("%d of %d: %w", len(failed), len(failed)+len(built), err)
	}
	return "builds for " + strings.Join(built, ", "), nil
}
