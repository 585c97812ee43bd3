package tests

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// What WASI programs leave behind: those that end, those that are dropped, those that are
// cancelled, those that exit under other calls.

// wasiGuest compiles one of the programs of testdata/guests/wasi.
func wasiGuest(t testing.TB, name string) *wasmer.Module {
	t.Helper()
	module := compile(t, read(t, filepath.Join("..", "..", "testdata", "guests", "wasi", name+".wasm")))
	return &module
}

// expectNoGoroutines waits until no more goroutines are there than before.
func expectNoGoroutines(t testing.TB, before int) {
	t.Helper()
	for wait := time.Millisecond; wait < 5*time.Second; wait *= 2 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(wait)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines, before %d\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}

// wasiRounds runs rounds, a fifth of them to warm up, and expects them to leave nothing.
func wasiRounds(t *testing.T, round func(i int)) {
	t.Helper()
	rounds := pick(1_000, 200)
	if soak() {
		rounds = 5_000
	}
	for i := range rounds / 5 {
		round(i)
	}
	before, goroutines := measure(t), runtime.NumGoroutine()
	for i := range rounds {
		round(i)
	}
	expectNoGoroutines(t, goroutines)
	expectBack(t, before)
	t.Logf("%d rounds: %v, before %v", rounds, measure(t), before)
}

// Programs that end by returning, by exit with files open, by a trap; and instances that are
// dropped with all that they have open.
func TestWasiProgramsLeaveNothing(t *testing.T) {
	if !inChild(t, childOptions{timeout: 40 * hang}) {
		return
	}
	directory := t.TempDir()
	for _, name := range []string{"from", "a/b"} {
		path := filepath.Join(directory, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, make([]byte, 100_000), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	tool, list, database := wasiGuest(t, "tool"), wasiGuest(t, "list"), wasiGuest(t, "database")
	config := func(arguments ...string) *wasmer.Wasi {
		return &wasmer.Wasi{Args: arguments, Stdin: strings.NewReader("set a b\nnonsense\n"), Stdout: io.Discard, Dirs: []wasmer.WasiDir{{Host: directory, Guest: "/"}}}
	}
	wasiRounds(t, func(i int) {
		ctx := context.Background()
		var exit *wasmer.ExitError
		switch i % 4 {
		case 0:
			if err := config("list", "/").Run(ctx, list); err != nil {
				t.Fatal(err)
			}
		case 1: // exits with its file open
			if err := config("database", "/db").Run(ctx, database); !errors.As(err, &exit) || exit.Code != 2 {
				t.Fatal(err)
			}
		case 2:
			if err := config("tool", "trap").Run(ctx, tool); !errors.Is(err, wasmer.ErrUnreachable) {
				t.Fatal(err)
			}
		case 3: // dropped, with the file and the directory open
			object, err := config("database", "/db").ImportObject()
			if err != nil {
				t.Fatal(err)
			}
			instance, err := database.InstantiateWithImportObject(object)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := instance.Exports["_start"](); !errors.As(err, &exit) {
				t.Fatal(err)
			}
		}
	})
}

// blockingReader blocks until it is closed, and tells when it is asked.
type blockingReader struct {
	asked, closed chan struct{}
}

func (r *blockingReader) Read([]byte) (int, error) {
	close(r.asked)
	<-r.closed
	return 0, io.EOF
}

// Programs that are cancelled while they wait for input, or for a time.
func TestWasiCancellationsLeaveNothing(t *testing.T) {
	if !inChild(t, childOptions{timeout: 40 * hang}) {
		return
	}
	tool := wasiGuest(t, "tool")
	wasiRounds(t, func(i int) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		w := wasmer.Wasi{Stdout: io.Discard}
		if i%2 == 0 { // fd_read
			reader := &blockingReader{make(chan struct{}), make(chan struct{})}
			defer close(reader.closed)
			go func() {
				<-reader.asked
				cancel()
			}()
			w.Args, w.Stdin = []string{"tool", "copy"}, reader
		} else { // poll_oneoff, for an hour: the program looks at the clock before
			w.Args = []string{"tool", "clock"}
			w.Realtime = func() time.Time {
				go cancel()
				return time.Now()
			}
		}
		within(t, "a program that is cancelled", func() {
			if err := w.Run(ctx, tool); !errors.Is(err, context.Canceled) {
				t.Fatalf("round %d: %v", i, err)
			}
		})
	})
}

// proc_exit under other calls of the same instance ends them all, unless a host function between
// them goes on.
func TestWasiNestedExitsLeaveNothing(t *testing.T) {
	if !inChild(t, childOptions{timeout: 40 * hang}) {
		return
	}
	module := compiled(t, "wasi_nested")
	wasiRounds(t, func(i int) {
		var w wasmer.Wasi
		object, err := w.ImportObject()
		if err != nil {
			t.Fatal(err)
		}
		var instance wasmer.Instance
		swallow := int32(-1) // the depth whose host function takes the error for itself
		set := imports(t, func(ctx context.Context, depth int32) (int32, error) {
			name, argument := "outer", depth-1
			if depth == 0 {
				name, argument = "exit", 7
			}
			results, err := function(t, &instance, name).Call(ctx, argument)
			var exit *wasmer.ExitError
			if errors.As(err, &exit) && exit.Code == 7 && depth == swallow {
				return 100 + depth, nil
			}
			if err != nil {
				return 0, err
			}
			return results[0].ToI32(), nil
		})
		if err := object.Extend(*set); err != nil {
			t.Fatal(err)
		}
		if instance, err = module.InstantiateWithImportObject(object); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 { // else it is dropped
			defer instance.Close()
		}
		outer := function(t, &instance, "outer")
		depths := []int32{0, 1, 2, 3, 4, 5}
		if i == 0 { // takes as many stacks as are kept, so that later rounds find them
			depths = append(depths, keptStacks+10)
		}
		for _, depth := range depths {
			var exit *wasmer.ExitError
			if _, err := outer.Call(context.Background(), depth); !errors.As(err, &exit) || exit.Code != 7 {
				t.Fatalf("depth %d: %v", depth, err)
			}
		}
		swallow = 3
		if results, err := outer.Call(context.Background(), int32(5)); err != nil || results[0].ToI32() != 103 {
			t.Fatalf("the host function went on, but: %v, %v", results, err)
		}
		swallow = -1
	})
}
