package programs

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// The tests of Go's standard library, built for wasip1. Each runs under this engine and under
// wazero, and what passes there has to pass here.

// wazeroVersion is what is compared with.
const wazeroVersion = "v1.12.0"

// wazero builds wazero's command, which is no part of the module, and gives its path.
var wazero = sync.OnceValues(func() (string, error) {
	folder, err := kept()
	if err != nil {
		return "", err
	}
	folder = filepath.Join(folder, "wazero-"+wazeroVersion)
	return filepath.Join(folder, "wazero"),
		retry(func() error {
			return execute("", []string{"GOBIN=" + folder, "GOFLAGS=-mod=mod", "GOWORK=off"}, "go", "install", "github.com/tetratelabs/wazero/cmd/wazero@"+wazeroVersion)
		})
})

var standardPackages = []string{
	"math/big", "compress/gzip", "time", "encoding/json", "os", "compress/flate", "strings", "io/fs", "compress/lzw", "compress/zlib", "compress/bzip2",
}

func TestStandardLibrary(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs tests of the standard library")
	}
	ours, rival := must(command())(t), must(wazero())(t)
	folder, goroot := t.TempDir(), strings.TrimSpace(string(must(exec.Command("go", "env", "GOROOT").Output())(t)))
	for _, path := range standardPackages {
		t.Run(strings.ReplaceAll(path, "/", "_"), func(t *testing.T) {
			t.Parallel()
			binary := filepath.Join(folder, strings.ReplaceAll(path, "/", "_")+".wasm")
			if err := execute("", []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0"}, "go", "test", "-c", "-o", binary, path); err != nil {
				t.Fatal(err)
			}
			source := filepath.Join(goroot, "src", filepath.FromSlash(path))
			temporary, theirs := t.TempDir(), t.TempDir()
			here := runTests(t, source, ours, "run", "--dir=/", "--env=PWD="+source, "--env=PATH", "--env=TMPDIR="+temporary, binary, "-test.v", "-test.short")
			there := runTests(t, source, rival, "run", "-mount=/:/", "-env=PWD="+source, "-env=PATH="+os.Getenv("PATH"), "-env=TMPDIR="+theirs, binary, "-test.v",
				"-test.short")
			here.notWorseThan(t, there)
		})
	}
}

// testRun is the outcome of a binary of tests.
type testRun struct {
	outcomes map[string]string // PASS, FAIL or SKIP of each test and subtest
	err      error
	out      []byte
}

var outcomeLine = regexp.MustCompile(`--- (PASS|FAIL|SKIP): (\S+)`)

func runTests(t *testing.T, directory, name string, arguments ...string) *testRun {
	run := exec.Command(name, arguments...)
	run.Dir = directory
	r := &testRun{outcomes: map[string]string{}}
	r.out, r.err = run.CombinedOutput()
	for _, match := range outcomeLine.FindAllSubmatch(r.out, -1) {
		r.outcomes[string(match[2])] = string(match[1])
	}
	counts := map[string]int{}
	for _, outcome := range r.outcomes {
		counts[outcome]++
	}
	t.Logf("%s: %d passed, %d failed, %d skipped, %v", filepath.Base(name), counts["PASS"], counts["FAIL"], counts["SKIP"], r.err)
	return r
}

func (r *testRun) notWorseThan(t *testing.T, other *testRun) {
	t.Helper()
	worse := r.err != nil && other.err == nil
	for name, outcome := range other.outcomes {
		switch here := r.outcomes[name]; {
		case here == outcome:
		case outcome == "PASS", here == "FAIL", here == "":
			worse = true
			t.Errorf("%s: %q here, %s under wazero", name, here, outcome)
		default:
			t.Logf("%s: %s here, %s under wazero", name, here, outcome)
		}
	}
	if len(r.outcomes) == 0 || worse {
		t.Errorf("worse than wazero: %v here, %v there; the end of the output here:\n%s", r.err, other.err, r.out[max(0, len(r.out)-4000):])
	}
	if bytes.Contains(r.out, []byte("wasm trap")) {
		t.Error("a trap")
	}
}
