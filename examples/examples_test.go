package examples

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"

	// What the programs import: when it changes, Go's test cache has to run this test again.
	_ "github.com/gowasmer/wasmer/go/wasmer"
)

// TestExamples builds all programs, runs each at the top of the repository, and compares its output
// with output.txt. After a change that is meant: go run ./examples/NAME >examples/NAME/output.txt
func TestExamples(t *testing.T) {
	sources, err := filepath.Glob("*/main.go")
	if err != nil || len(sources) == 0 {
		t.Fatalf("found no example here, expected NAME/main.go (%v)", err)
	}
	noteInputs(t)
	programs := t.TempDir()
	arguments := []string{"build", "-o", programs + "/"}
	if underRaceDetector() {
		arguments = append(arguments, "-race")
	}
	if out, err := exec.Command("go", append(arguments, "./...")...).CombinedOutput(); err != nil {
		t.Fatalf("building the examples: %v\n%s", err, out)
	}
	for _, source := range sources {
		name := filepath.Dir(source)
		t.Run(name, func(t *testing.T) {
			if usesCgo(t, source) && !hasCgo(t) {
				t.Skip("needs cgo")
			}
			expected, err := os.ReadFile(filepath.Join(name, "output.txt"))
			if err != nil {
				t.Fatal(err)
			}
			var stdout, stderr bytes.Buffer
			program := exec.Command(filepath.Join(programs, name))
			if emulator := os.Getenv("GOWASMER_TEST_EMULATOR"); emulator != "" { // the programs are for another architecture
				program = exec.Command(emulator, program.Path)
			}
			program.Dir, program.Stdout, program.Stderr = "..", &stdout, &stderr
			if err := program.Run(); err != nil || stderr.Len() > 0 {
				t.Errorf("ended with %v, and wrote to standard error:\n%s", err, &stderr)
			}
			if !bytes.Equal(stdout.Bytes(), expected) {
				t.Errorf("the output is\n%s\nexpected (output.txt)\n%s", &stdout, expected)
			}
		})
	}
}

// TestIndex: README.md lists each program once.
func TestIndex(t *testing.T) {
	index, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		if n := bytes.Count(index, []byte("["+filepath.Dir(source)+"]("+source+")")); n != 1 {
			t.Errorf("README.md lists %s %d times, expected once", source, n)
		}
	}
	if n := bytes.Count(index, []byte("/main.go)")); n != len(sources) {
		t.Errorf("README.md lists %d programs, expected %d", n, len(sources))
	}
}

// usesCgo reports whether a source file imports C. Without cgo the go command leaves such files
// out.
func usesCgo(t *testing.T, source string) bool {
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(text, []byte("\nimport \"C\"\n"))
}

// hasCgo reports whether the go command that builds the programs uses cgo.
func hasCgo(t *testing.T) bool {
	enabled, err := exec.Command("go", "env", "CGO_ENABLED").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(enabled)) == "1"
}

// noteInputs reads the sources and guests, so that Go's test cache knows that the result depends on
// them.
func noteInputs(t *testing.T) {
	for _, pattern := range []string{"*/*.*", "*/*/*.go", "README.md", "../testdata/guests/*.wasm", "../testdata/guests/wasi/*.wasm"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if _, err := os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// underRaceDetector reports whether this test was built with -race: the programs are built likewise
// then.
func underRaceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, setting := range info.Settings {
		if setting.Key == "-race" {
			return setting.Value == "true"
		}
	}
	return false
}
