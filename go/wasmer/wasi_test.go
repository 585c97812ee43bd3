package wasmer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// tool compiles the WASI program with a command for everything.
func tool(t testing.TB) *wasmer.Module {
	t.Helper()
	module := must(wasmer.Compile(guest(t, "wasi/tool")))(t)
	t.Cleanup(module.Close)
	return &module
}

// runTool runs it with arguments and returns its output; what goes wrong is written to standard
// error of the guest.
func runTool(t testing.TB, module *wasmer.Module, w wasmer.Wasi, arguments ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	w.Args = append([]string{"tool"}, arguments...)
	w.Stdout, w.Stderr = &out, &errs
	err = w.Run(context.Background(), module)
	return out.String(), errs.String(), err
}

func TestWasiStreams(t *testing.T) {
	module := tool(t)
	for _, test := range []struct {
		w         wasmer.Wasi
		arguments string
		stdout    string
	}{
		{wasmer.Wasi{}, "args a b", "tool\nargs\na\nb\n"},
		{wasmer.Wasi{Env: []string{"HOME=/x"}}, "env HOME", "/x\n"},
		{wasmer.Wasi{}, "env HOME", "(not set)\n"},
		{wasmer.Wasi{Stdin: strings.NewReader("some text")}, "copy", "some text"},
		{wasmer.Wasi{}, "copy", ""},
		{wasmer.Wasi{}, "exit 0", ""},
	} {
		if stdout, stderr, err := runTool(t, module, test.w, strings.Fields(test.arguments)...); stdout != test.stdout || stderr != "" || err != nil {
			t.Errorf("%s: %q, %q, %v", test.arguments, stdout, stderr, err)
		}
	}
}

func TestWasiExit(t *testing.T) {
	module := tool(t)
	_, _, err := runTool(t, module, wasmer.Wasi{}, "exit", "3")
	var exit *wasmer.ExitError
	if !errors.As(err, &exit) || exit.Code != 3 {
		t.Errorf("the error is %v", err)
	}
	_, _, err = runTool(t, module, wasmer.Wasi{}, "trap")
	if !errors.Is(err, wasmer.ErrUnreachable) {
		t.Errorf("the error is %v", err)
	}
	// Called by its name, a program that exits with 0 gives an error with this code.
	w := wasmer.Wasi{Args: []string{"tool", "exit", "0"}}
	object := must(w.ImportObject())(t)
	instance := must(module.InstantiateWithImportObject(object))(t)
	defer instance.Close()
	_, err = instance.Exports["_start"]()
	if exit = nil; !errors.As(err, &exit) || exit.Code != 0 {
		t.Errorf("the error is %v", err)
	}
}

func TestWasiDirectory(t *testing.T) {
	module, dir := tool(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "outside"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	root := must(os.OpenRoot(dir))(t)
	defer root.Close()
	writable := wasmer.Wasi{Dirs: []wasmer.WasiDir{{Host: dir, Guest: "/"}}}
	readOnly := wasmer.Wasi{Dirs: []wasmer.WasiDir{{Root: root, ReadOnly: true}}}
	two := wasmer.Wasi{Dirs: []wasmer.WasiDir{{Host: dir, Guest: "/data"}, {FS: fstest.MapFS{"hello.txt": {Data: []byte("hello")}}, Guest: "/map"}}}
	for _, test := range []struct {
		w              wasmer.Wasi
		arguments      string
		stdout, stderr string
	}{
		{writable, "write /a.txt text", "", ""},
		{writable, "cat a.txt", "text", ""},
		{writable, "mkdir /sub", "", ""},
		{writable, "rename /a.txt /sub/b.txt", "", ""},
		{writable, "list /", "sub\n", ""},
		{readOnly, "list /sub", "b.txt\n", ""},
		{readOnly, "write /sub/b.txt x", "", "/sub/b.txt: Read-only file system\n"},
		{readOnly, "remove /sub/b.txt", "", "/sub/b.txt: Read-only file system\n"},
		{writable, "cat /../outside", "", "/../outside: Operation not permitted\n"},
		{writable, "cat /absent", "", "/absent: No such file or directory\n"},
		{two, "cat /data/sub/b.txt", "text", ""},
		{two, "cat /map/hello.txt", "hello", ""},
		{two, "write /map/hello.txt x", "", "/map/hello.txt: Read-only file system\n"},
		{writable, "remove /sub", "", "/sub: Directory not empty\n"},
		{writable, "remove /sub/b.txt", "", ""},
		{writable, "remove /sub", "", ""},
		{wasmer.Wasi{}, "cat /x", "", "/x: Capabilities insufficient\n"},
	} {
		stdout, stderr, err := runTool(t, module, test.w, strings.Fields(test.arguments)...)
		if stdout != test.stdout || stderr != test.stderr || (err != nil) != (test.stderr != "") {
			t.Errorf("%s: %q, %q, %v; expected %q, %q", test.arguments, stdout, stderr, err, test.stdout, test.stderr)
		}
	}
}

func TestWasiClock(t *testing.T) {
	elapsed := time.Duration(0)
	w := wasmer.Wasi{
		Realtime:  func() time.Time { return time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC).Add(elapsed) },
		Monotonic: func() time.Duration { return elapsed },
		Sleep:     func(_ context.Context, d time.Duration) error { elapsed += d; return nil },
		Random:    strings.NewReader("\x01\x02\x03\x04"),
	}
	stdout, stderr, err := runTool(t, tool(t), w, "clock")
	if expected := "2020-02-29 12:00:00, an hour of sleep takes 3600 s, random bytes 01020304\n"; stdout != expected || err != nil {
		t.Errorf("%q, %q, %v", stdout, stderr, err)
	}
}

// TestWasiIsCancelled: a program ends with the context, in a loop, and waiting for input or a time.
func TestWasiIsCancelled(t *testing.T) {
	module := tool(t)
	r, _ := io.Pipe()
	for _, command := range []string{"loop", "copy", "clock"} {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		w := wasmer.Wasi{Args: []string{"tool", command}, Stdin: r}
		if err := w.Run(ctx, module); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", command, err)
		}
		cancel()
	}
}

func TestWasiUnstable(t *testing.T) {
	module := must(wasmer.Compile(guest(t, "wasi_unstable")))(t)
	defer module.Close()
	var out bytes.Buffer
	w := wasmer.Wasi{Stdout: &out}
	var exit *wasmer.ExitError
	if err := w.Run(context.Background(), &module); !errors.As(err, &exit) || exit.Code != 7 || out.String() != "hello\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// TestWasiReactor: a library, with imports of its own.
func TestWasiReactor(t *testing.T) {
	module := must(wasmer.Compile(guest(t, "wasi_reactor")))(t)
	defer module.Close()
	w := wasmer.Wasi{Realtime: func() time.Time { return time.Unix(0, 42) }}
	object := must(w.ImportObject())(t)
	own := must(wasmer.NewImports().Append("sum", func(x, y int32) int32 { return x + y }))(t)
	if err := object.Extend(*own); err != nil {
		t.Fatal(err)
	}
	imports := must(object.Imports())(t)
	instance := must(module.InstantiateContext(context.Background(), imports, wasmer.WithTrappingImports()))(t)
	defer instance.Close()
	if now := call(t, instance, "now"); now.ToI64() != 42 {
		t.Errorf("now is %v", now)
	}
	if sum := call(t, instance, "add", 5, 37); sum.ToI32() != 42 {
		t.Errorf("the sum is %v", sum)
	}
	for _, bad := range [][2]uint32{{65536, 1}, {1, 1<<32 - 1}, {1<<32 - 1, 1<<32 - 1}} {
		if errno := call(t, instance, "random", bad[0], bad[1]); errno.ToI32() != 21 {
			t.Errorf("random%v returned %v, expected EFAULT", bad, errno)
		}
	}
	err := w.RunWith(context.Background(), &module, own, wasmer.WithTrappingImports())
	checkContains(t, err, "use Wasi.Instantiate")
}

func TestUnknownImports(t *testing.T) {
	module := must(wasmer.Compile(guest(t, "wasi_reactor")))(t)
	defer module.Close()
	_, err := module.Instantiate()
	checkText(t, err, `Failed to instantiate the module:
    link error: Import not found, namespace: wasi_snapshot_preview1, name: clock_time_get
    link error: Import not found, namespace: wasi_snapshot_preview1, name: random_get
    link error: Import not found, namespace: env, name: sum
    link error: Import not found, namespace: plugin, name: run
    hint: namespace wasi_snapshot_preview1 is WASI's: see the type Wasi, whose ImportObject and Run provide it`)
	instance := must(module.InstantiateContext(context.Background(), nil, wasmer.WithTrappingImports()))(t)
	defer instance.Close()
	if ready := call(t, instance, "ready"); ready.ToI32() != 0 {
		t.Errorf("ready is %v", ready)
	}
	for export, expected := range map[string]wasmer.UnknownImportError{
		"add": {Namespace: "env", Name: "sum"}, "unknown": {Namespace: "plugin", Name: "run"}, "now": {Namespace: "wasi_snapshot_preview1", Name: "clock_time_get"},
	} {
		function := must(instance.Function(export))(t)
		var arguments []interface{}
		for range function.Type().Params {
			arguments = append(arguments, 1)
		}
		_, err := function.Call(context.Background(), arguments...)
		var unknown *wasmer.UnknownImportError
		if !errors.As(err, &unknown) || *unknown != expected {
			t.Errorf("%s: %v", export, err)
		}
		checkContains(t, err, "namespace: "+expected.Namespace+", name: "+expected.Name)
	}
	// Only functions can be missing.
	all := must(wasmer.Compile(guest(t, "imports_all")))(t)
	defer all.Close()
	_, err = all.InstantiateContext(context.Background(), nil, wasmer.WithTrappingImports())
	checkContains(t, err, "Import not found")
}

func TestWasiBadConfigurations(t *testing.T) {
	module := tool(t)
	for part, w := range map[string]wasmer.Wasi{
		"no such file":                        {Dirs: []wasmer.WasiDir{{Host: "/nowhere/at/all"}}},
		"given 0 of Host, Root and FS":        {Dirs: []wasmer.WasiDir{{Guest: "/"}}},
		"given 2 of Host, Root and FS":        {Dirs: []wasmer.WasiDir{{Host: "/", FS: fstest.MapFS{}}}},
		"argument 0 is \"a\\x00b\", which":    {Args: []string{"a\x00b"}},
		"environment variable 0 is \"\\x00\"": {Env: []string{"\x00"}},
	} {
		_, err := w.ImportObject()
		checkContains(t, err, part)
		checkContains(t, w.Run(context.Background(), module), part)
		var typed *wasmer.ImportObjectError
		if !errors.As(err, &typed) {
			t.Errorf("the error is a %T", err)
		}
	}
}

// TestWasiDescriptorsAreClosed: Run closes what a program leaves open.
func TestWasiDescriptorsAreClosed(t *testing.T) {
	module, dir := tool(t), t.TempDir()
	open := func() int { return len(must(os.ReadDir("/proc/self/fd"))(t)) }
	w := wasmer.Wasi{Dirs: []wasmer.WasiDir{{Host: dir, Guest: "/"}}}
	run := func() {
		if _, stderr, err := runTool(t, module, w, "list", "/"); err != nil {
			t.Fatal(stderr, err)
		}
	}
	run()
	before := open()
	for range 20 {
		run()
	}
	if after := open(); after > before+2 {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func TestWasiCallsDoNotAllocate(t *testing.T) {
	module := must(wasmer.Compile(guest(t, "wasi_reactor")))(t)
	defer module.Close()
	w := wasmer.Wasi{}
	object := must(w.ImportObject())(t)
	imports := must(object.Imports())(t)
	instance := must(module.InstantiateContext(context.Background(), imports, wasmer.WithTrappingImports()))(t)
	defer instance.Close()
	for name, slots := range map[string][]uint64{"now": {0}, "random": {0, 8}} {
		function := must(instance.Function(name))(t)
		arguments := make([]uint64, len(slots))
		if n := testing.AllocsPerRun(100, func() {
			copy(arguments, slots)
			if err := function.CallSlots(context.Background(), arguments); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%s makes %v allocations", name, n)
		}
	}
}
