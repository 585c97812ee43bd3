package wasmer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// distinct returns a module that no other test has compiled: with a custom section of this name.
func distinct(bytes []byte, called string) []byte {
	body := name(called)
	return join(bytes, []byte{0}, leb(len(body)), body)
}

// expectSum compiles the module "sum" and calls it.
func expectSum(t *testing.T, bytes []byte, options ...wasmer.CompileOption) {
	t.Helper()
	module, err := wasmer.Compile(bytes, options...)
	if err != nil {
		t.Error(err)
		return
	}
	defer module.Close()
	instance, err := module.Instantiate()
	if err != nil {
		t.Error(err)
		return
	}
	defer instance.Close()
	if value, err := instance.Exports["sum"](5, 37); err != nil || value.ToI32() != 42 {
		t.Errorf("5 + 37 is %v, %v", value, err)
	}
}

// expectCounts compares the counts of a cache.
func expectCounts(t *testing.T, cache *wasmer.Cache, expected wasmer.CacheStats) {
	t.Helper()
	found := cache.Stats()
	if failed := found.LastError != nil; failed != (expected.Rejected+expected.Failed > 0) {
		t.Errorf("the last error is %v", found.LastError)
	}
	found.LastError = nil
	if found != expected {
		t.Errorf("the counts are %+v, expected %+v", found, expected)
	}
}

// cacheFile returns the only file in the folder of a cache.
func cacheFile(t *testing.T, cache *wasmer.Cache) string {
	t.Helper()
	files, err := os.ReadDir(cache.Dir())
	if err != nil || len(files) != 1 {
		t.Fatalf("the folder has %v, %v", files, err)
	}
	return filepath.Join(cache.Dir(), files[0].Name())
}

func TestCache(t *testing.T) {
	sum := distinct(guest(t, "sum"), t.Name())
	cache := must(wasmer.OpenCache(filepath.Join(t.TempDir(), "cache")))(t)
	expectSum(t, sum, wasmer.WithCache(cache))
	expectCounts(t, cache, wasmer.CacheStats{Misses: 1, Stored: 1})
	expectSum(t, sum, wasmer.WithCache(cache))
	expectCounts(t, cache, wasmer.CacheStats{Misses: 1, Stored: 1, Hits: 1})

	// Other options, other code.
	expectSum(t, sum, wasmer.WithCache(cache), wasmer.WithExplicitBounds())
	expectSum(t, sum, wasmer.WithCanonicalNaNs(), wasmer.WithCache(cache))
	expectSum(t, sum, wasmer.WithCache(cache), wasmer.WithCanonicalNaNs(), wasmer.WithExplicitBounds())
	expectSum(t, distinct(sum, "x"), wasmer.WithCache(cache))
	expectCounts(t, cache, wasmer.CacheStats{Misses: 5, Stored: 5, Hits: 1})
	modules, size, err := cache.Size()
	if modules != 5 || size < 5*100 || err != nil {
		t.Errorf("%d modules of %d bytes, %v", modules, size, err)
	}

	// By the name of the folder, and for instances.
	expectSum(t, sum, wasmer.WithCache(cache.Dir()))
	instance, err := wasmer.NewInstanceContext(t.Context(), sum, nil, wasmer.WithCache(cache))
	if err != nil {
		t.Fatal(err)
	}
	instance.Close()
	expectCounts(t, cache, wasmer.CacheStats{Misses: 5, Stored: 5, Hits: 2})

	if err := cache.Clear(); err != nil {
		t.Error(err)
	}
	if modules, size, err := cache.Size(); modules != 0 || size != 0 || err != nil {
		t.Errorf("%d modules of %d bytes, %v", modules, size, err)
	}
	// The last of these options counts; nil is none.
	expectSum(t, sum, wasmer.WithCache(cache), wasmer.WithCache[*wasmer.Cache](nil))
	expectCounts(t, cache, wasmer.CacheStats{Misses: 5, Stored: 5, Hits: 2})
}

// A cache that was never opened does nothing.
func TestZeroCache(t *testing.T) {
	var none *wasmer.Cache
	for _, cache := range []*wasmer.Cache{none, {}} {
		if modules, size, err := cache.Size(); modules != 0 || size != 0 || err != nil || cache.Clear() != nil || cache.Dir() != "" {
			t.Error("it has something")
		}
		expectSum(t, guest(t, "sum"), wasmer.WithCache(cache), wasmer.CompileOption{})
		expectCounts(t, cache, wasmer.CacheStats{})
	}
	if _, err := wasmer.OpenCache(t.TempDir(), wasmer.CacheOption{}); err != nil {
		t.Error(err)
	}
}

// A module that is invalid is not stored, and the error is what it is without a cache.
func TestCacheOfInvalidModules(t *testing.T) {
	cache := must(wasmer.OpenCache(t.TempDir()))(t)
	for _, invalid := range [][]byte{nil, []byte("hello"), guest(t, "sum")[:20]} {
		_, without := wasmer.Compile(invalid)
		for range 2 {
			if _, err := wasmer.Compile(invalid, wasmer.WithCache(cache)); err == nil || err.Error() != without.Error() {
				t.Errorf("the error is %v, expected %v", err, without)
			}
		}
	}
	expectCounts(t, cache, wasmer.CacheStats{Misses: 4})
}

// A folder that cannot be used is an error before anything is compiled.
func TestCacheFolderThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	_, opened := wasmer.OpenCache(dir)
	_, compiled := wasmer.Compile(guest(t, "sum"), wasmer.WithCache(dir))
	_, instantiated := wasmer.NewInstanceContext(t.Context(), guest(t, "sum"), nil, wasmer.WithCache(dir))
	for _, err := range []error{opened, compiled, instantiated} {
		var e *wasmer.CacheError
		if !errors.As(err, &e) || e.Dir != dir || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("the error is %v", err)
		}
		checkContains(t, err, "the cache folder "+dir+" cannot be used: it can be written to by others (mode 0777), expected by its owner alone")
	}
	var failure *wasmer.ModuleError
	if !errors.As(compiled, &failure) || !strings.HasPrefix(compiled.Error(), "Failed to compile the module.\n    the cache folder ") {
		t.Errorf("the error is %v", compiled)
	}
	_, empty := wasmer.Compile(guest(t, "sum"), wasmer.WithCache(""))
	checkContains(t, empty, "the name is empty, expected that of a folder")
}

// A damaged entry is compiled anew and replaced.
func TestDamagedCache(t *testing.T) {
	sum := distinct(guest(t, "sum"), t.Name())
	cache := must(wasmer.OpenCache(t.TempDir()))(t)
	expectSum(t, sum, wasmer.WithCache(cache))
	path := cacheFile(t, cache)
	whole := must(os.ReadFile(path))(t)
	step := 1
	if testing.Short() {
		step = 17
	}
	cases, replaced := 0, 0
	damage := func(contents []byte) {
		t.Helper()
		if err := os.WriteFile(path, contents, 0o600); err != nil {
			t.Fatal(err)
		}
		cases++
		expectSum(t, sum, wasmer.WithCache(cache))
		if bytes.Equal(must(os.ReadFile(path))(t), whole) {
			replaced++
		}
	}
	for at := 0; at < len(whole); at += step {
		altered := bytes.Clone(whole)
		altered[at] ^= 1 << (at % 8)
		damage(altered)
	}
	for length := 0; length < len(whole); length += 11 * step {
		damage(whole[:length])
	}
	damage(append(bytes.Clone(whole), 0))
	damage(make([]byte, len(whole)))
	damage(bytes.Repeat([]byte{0xff}, 10_000))
	if replaced != cases {
		t.Errorf("%d of %d damaged files were replaced", replaced, cases)
	}
	expectCounts(t, cache, wasmer.CacheStats{Misses: 1, Stored: 1 + int64(cases), Rejected: int64(cases)})
	t.Logf("%d damaged files", cases)
}

// What cannot be stored is used all the same.
func TestCacheThatIsNotWritable(t *testing.T) {
	sum := distinct(guest(t, "sum"), t.Name())
	cache := must(wasmer.OpenCache(t.TempDir(), wasmer.WithCacheSize(10)))(t)
	expectSum(t, sum, wasmer.WithCache(cache))
	expectCounts(t, cache, wasmer.CacheStats{Misses: 1, Failed: 1})
	checkContains(t, cache.Stats().LastError, "does not fit in "+cache.Dir())
}

// Modules share the code that another one has, and are closed each by itself.
func TestModulesShareCode(t *testing.T) {
	before := baseline()
	sum := distinct(guest(t, "sum"), t.Name())
	first := must(wasmer.Compile(sum))(t)
	begin := engine.ReadStats()
	second := must(wasmer.Compile(sum))(t)
	other := must(wasmer.Compile(sum, wasmer.WithExplicitBounds()))(t)
	if made := engine.ReadStats().Modules - begin.Modules; made != 1 {
		t.Errorf("%d modules were made, expected 1", made)
	}
	other.Close()
	if !slices.Equal(must(first.Serialize())(t), must(second.Serialize())(t)) {
		t.Error("they are not the same")
	}
	first.Close()
	if _, err := first.Instantiate(); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("a closed module: %v", err)
	}
	instance := must(second.Instantiate())(t)
	second.Close()
	if value, err := instance.Exports["sum"](1, 2); err != nil || value.ToI32() != 3 {
		t.Errorf("1 + 2 is %v, %v", value, err)
	}
	// The instance has the code.
	begin = engine.ReadStats()
	third := must(wasmer.Compile(sum))(t)
	if engine.ReadStats().Modules != begin.Modules {
		t.Error("the code was made again")
	}
	instance.Close()
	third.Close()
	if after := engine.ReadStats(); after.Modules != before.Modules || after.CodeBytes != before.CodeBytes {
		t.Errorf("%+v are left of %+v", after, before)
	}
}

// A module in memory is stored where the folder does not have it.
func TestSharedCodeIsStored(t *testing.T) {
	sum := distinct(guest(t, "sum"), t.Name())
	module := must(wasmer.Compile(sum))(t)
	defer module.Close()
	cache := must(wasmer.OpenCache(t.TempDir()))(t)
	expectSum(t, sum, wasmer.WithCache(cache))
	expectCounts(t, cache, wasmer.CacheStats{Stored: 1})
	expectSum(t, sum, wasmer.WithCache(cache))
	expectCounts(t, cache, wasmer.CacheStats{Stored: 1, Hits: 1})
	module.Close()
	expectSum(t, sum, wasmer.WithCache(cache))
	expectCounts(t, cache, wasmer.CacheStats{Stored: 1, Hits: 2})
}

// Of several goroutines one compiles.
func TestCompilingAtTheSameTime(t *testing.T) {
	slow := distinct(busyModule(50, 20), t.Name())
	begin := baseline()
	const goroutines = 8
	var modules [goroutines]wasmer.Module
	var all sync.WaitGroup
	var progress counts
	for i := range modules {
		all.Go(func() {
			var options []wasmer.CompileOption
			if i == 0 {
				options = append(options, wasmer.WithProgress(progress.tell))
			}
			var err error
			if modules[i], err = wasmer.Compile(slow, options...); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if made := engine.ReadStats().Modules - begin.Modules; made != 1 {
		t.Errorf("%d modules were made, expected 1", made)
	}
	if last := len(progress.done) - 1; last < 0 || progress.done[last] != progress.totals[last] {
		t.Errorf("progress was told %v of %v", progress.done, progress.totals)
	}
	for i := range modules {
		modules[i].Close()
	}
	if left := engine.ReadStats().Modules - begin.Modules; left != 0 {
		t.Errorf("%d modules are left", left)
	}
}

// Who waits for another goroutine's compilation does so by its own context, and compiles the module
// itself if the other one is given up.
func TestWaitingForACompilation(t *testing.T) {
	slow := distinct(busyModule(4, 2000), t.Name())
	started, release := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		var once sync.Once
		module, err := wasmer.CompileContext(ctx, slow, wasmer.WithProgress(func(int, int) {
			once.Do(func() {
				close(started)
				<-release
			})
		}))
		module.Close()
		first <- err
	}()
	<-started
	short, stop := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, errors.New("out of patience"))
	defer stop()
	_, err := wasmer.CompileContext(short, slow)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting was not given up: %v", err)
	}
	checkContains(t, err, "compiling was given up: context deadline exceeded (out of patience)")
	second := make(chan error)
	go func() {
		module, err := wasmer.Compile(slow)
		module.Close()
		second <- err
	}()
	time.Sleep(10 * time.Millisecond) // so that it waits, most likely
	cancel()
	close(release)
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the first: %v", err)
	}
	if err := <-second; err != nil {
		t.Errorf("the second: %v", err)
	}
}

// A progress function that panics or ends its goroutine leaves nobody waiting.
func TestProgressThatFailsWhileOthersWait(t *testing.T) {
	slow := distinct(busyModule(4, 1000), t.Name())
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			switch i % 3 {
			case 0:
				_, err := wasmer.Compile(slow, wasmer.WithProgress(func(int, int) { panic("no") }))
				checkContains(t, err, "the progress function panicked: no")
			case 1:
				_, _ = wasmer.Compile(slow, wasmer.WithProgress(func(int, int) { runtime.Goexit() }))
				t.Error("it returned")
			default:
				module, err := wasmer.Compile(slow)
				if err != nil {
					t.Error(err)
				}
				module.Close()
			}
		})
	}
	all.Wait()
}

// Progress of what need not be compiled is told once.
func TestProgressOfACache(t *testing.T) {
	sum := distinct(guest(t, "sum"), t.Name())
	cache := must(wasmer.OpenCache(t.TempDir()))(t)
	expectSum(t, sum, wasmer.WithCache(cache))
	var found counts
	tell := wasmer.WithProgress(found.tell)
	module := must(wasmer.Compile(sum, tell, wasmer.WithCache(cache)))(t)
	defer module.Close()
	again := must(wasmer.Compile(sum, tell))(t)
	defer again.Close()
	if !slices.Equal(found.done, []int{1, 1}) || !slices.Equal(found.totals, []int{1, 1}) {
		t.Errorf("progress was told %v of %v", found.done, found.totals)
	}
	_, err := wasmer.Compile(sum, wasmer.WithProgress(func(int, int) { panic("no") }))
	checkContains(t, err, "the progress function panicked: no")
}

// Goroutines compile, use and close a few modules, in memory and in a folder that is too small.
func TestCacheHammer(t *testing.T) {
	cache := must(wasmer.OpenCache(t.TempDir(), wasmer.WithCacheSize(20_000)))(t)
	var modules [6][]byte
	for i := range modules {
		modules[i] = distinct(guest(t, "sum"), fmt.Sprint(t.Name(), i))
	}
	begin := baseline()
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 40 {
				var options []wasmer.CompileOption
				if (worker+i)%3 > 0 {
					options = append(options, wasmer.WithCache(cache))
				}
				if i%7 == 0 {
					_ = cache.Clear()
				}
				expectSum(t, modules[(worker*i)%len(modules)], options...)
			}
		})
	}
	all.Wait()
	if left := engine.ReadStats().Modules - begin.Modules; left != 0 {
		t.Errorf("%d modules are left", left)
	}
	if s := cache.Stats(); s.Rejected+s.Failed > 0 {
		t.Errorf("%+v", s)
	}
}
