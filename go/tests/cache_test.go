package tests

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/internal/emulator"
	"github.com/gowasmer/wasmer/go/wasmer"
)

const (
	cacheFolder = "GOWASMER_TEST_CACHE"
	cacheSeed   = "GOWASMER_TEST_SEED"
)

// withSection returns a module with another custom section, so that it is another module.
func withSection(module []byte, n int) []byte {
	name := fmt.Sprintf("n%07d", n)
	return append(bytes.Clone(module), append([]byte{0, byte(1 + len(name)), byte(len(name))}, name...)...)
}

// expectSum compiles a module that exports "sum" with a cache, and calls it.
func expectSum(t *testing.T, module []byte, cache *wasmer.Cache) {
	t.Helper()
	compiled := compile(t, module, wasmer.WithCache(cache))
	defer compiled.Close()
	instance, err := compiled.Instantiate()
	if err != nil {
		t.Fatal(err)
	}
	defer instance.Close()
	if value := call(t, &instance, "sum", 5, 37); value.ToI32() != 42 {
		t.Errorf("5 + 37 is %v", value)
	}
}

// Several processes compile with one folder that is too small, while others damage its files,
// remove them, and remove the folder: each result is right.
func TestCacheHammerOfProcesses(t *testing.T) {
	if dir := os.Getenv(cacheFolder); dir != "" {
		hammerCache(t, dir)
		return
	}
	dir, processes := filepath.Join(t.TempDir(), "cache"), 4
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for n := range processes {
		all.Go(func() {
			arguments := emulator.Arguments(self, "-test.run=^TestCacheHammerOfProcesses$", "-test.count=1", "-test.v")
			command := exec.CommandContext(t.Context(), arguments[0], arguments[1:]...)
			command.Env = append(os.Environ(), cacheFolder+"="+dir, cacheSeed+"="+strconv.Itoa(n))
			if output, err := command.CombinedOutput(); err != nil {
				t.Errorf("process %d: %v\n%s", n, err, tail(output))
			} else if _, counts, ok := strings.Cut(string(output), "counts: "); ok {
				counts, _, _ = strings.Cut(counts, "\n")
				t.Logf("process %d: %s", n, counts)
			}
		})
	}
	all.Wait()
	cache, err := wasmer.OpenCache(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := cache.Clear(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if len(files) > 0 || err != nil {
		t.Errorf("the folder has %v, %v", files, err)
	}
}

// hammerCache is one of the processes.
func hammerCache(t *testing.T, dir string) {
	seed, err := strconv.Atoi(os.Getenv(cacheSeed))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := wasmer.OpenCache(dir, wasmer.WithCacheSize(15_000))
	if err != nil {
		t.Fatal(err)
	}
	sum := read(t, "../../testdata/guests/sum.wasm")
	for end, n := time.Now().Add(stressTime(2*time.Second)), int64(seed); time.Now().Before(end); n += 4 {
		random := mix(n)
		expectSum(t, withSection(sum, int(uint64(random)%8)), cache)
		switch uint64(random) / 8 % 16 {
		case 0:
			_ = cache.Clear() // another one may have removed the folder
		case 1:
			_ = os.RemoveAll(dir)
		case 2, 3, 4:
			damageFile(dir, random)
		}
	}
	s := cache.Stats()
	t.Logf("counts: %d hits, %d misses, %d rejected, %d stored, %d failed, %d removed", s.Hits, s.Misses, s.Rejected, s.Stored, s.Failed, s.Removed)
}

// damageFile puts a damaged file in place of one in the folder. It is replaced, not written to, as
// documented.
func damageFile(dir string, random int64) {
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		return
	}
	path := filepath.Join(dir, files[uint64(random)>>8%uint64(len(files))].Name())
	contents, err := os.ReadFile(path)
	if err != nil || len(contents) == 0 {
		return
	}
	at := uint64(random) >> 16 % uint64(len(contents))
	if random%2 == 0 {
		contents = contents[:at]
	} else {
		contents[at] ^= 1
	}
	damaged := filepath.Join(dir, fmt.Sprintf("damaged%d", os.Getpid()))
	if os.WriteFile(damaged, contents, 0o600) == nil {
		_ = os.Rename(damaged, path)
	}
	_ = os.Remove(damaged)
}

// Disks that are full, files that are too large, and folders that cannot be written to.
func TestCacheThatIsFull(t *testing.T) {
	sum := read(t, "../../testdata/guests/sum.wasm")
	dir := t.TempDir()
	mounted := exec.Command("mount", "-t", "tmpfs", "-o", "size=4k,mode=700", "none", dir)
	if output, err := mounted.CombinedOutput(); err != nil {
		t.Skipf("a small file system cannot be mounted, which takes root: %v, %s", err, output)
	}
	t.Cleanup(func() { _ = exec.Command("umount", dir).Run() })
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 8<<10), 0o600); !errors.Is(err, syscall.ENOSPC) && err != nil {
		t.Fatal(err)
	}
	expectFailedStore(t, dir, sum, "no space left on device")
	files, err := os.ReadDir(dir)
	if len(files) != 1 || err != nil {
		t.Errorf("the folder has %v, %v", files, err)
	}
	if output, err := exec.Command("mount", "-o", "remount,ro", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v, %s", err, output)
	}
	expectFailedStore(t, dir, sum, "read-only file system")
}

// A limit of the size of files (ulimit -f, in blocks of 512 bytes), which would end the process.
func TestCacheWithALimitOfFiles(t *testing.T) {
	if inChild(t, childOptions{ulimit: "-f 1"}) {
		expectFailedStore(t, t.TempDir(), read(t, "../../testdata/guests/sum.wasm"), "larger than this process may write (ulimit -f): file too large")
	}
}

// expectFailedStore compiles a module with a cache that cannot store it.
func expectFailedStore(t *testing.T, dir string, module []byte, why string) {
	t.Helper()
	cache, err := wasmer.OpenCache(dir)
	if err != nil {
		t.Fatal(err)
	}
	expectSum(t, module, cache)
	if s := cache.Stats(); s.Failed != 1 || s.LastError == nil || !strings.Contains(s.LastError.Error(), why) {
		t.Errorf("%+v, expected an error with %q", s, why)
	}
}

// A file that is cut while it is mapped cannot be read any more: an error, not the end of the
// process.
func TestFileThatIsCutWhileItIsMapped(t *testing.T) {
	module := compile(t, read(t, "../../testdata/guests/sum.wasm"))
	defer module.Close()
	serialized, err := module.Serialize()
	if err != nil {
		t.Fatal(err)
	}
	bytes, cut := mapped(t, serialized)
	again, err := wasmer.DeserializeModule(bytes)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	cut()
	if _, err := wasmer.DeserializeModule(bytes); err == nil || !strings.Contains(err.Error(), "Failed to deserialize the module.") {
		t.Errorf("the error is %v", err)
	}
}

// mapped writes bytes to a file and maps it; cut makes the file empty.
func mapped(t *testing.T, contents []byte) (bytes []byte, cut func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "module")
	if err := os.WriteFile(path, contents, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	bytes, err = syscall.Mmap(int(file.Fd()), 0, len(contents), syscall.PROT_READ, syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(bytes) })
	return bytes, func() {
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
	}
}
