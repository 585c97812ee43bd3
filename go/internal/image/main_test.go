//go:build linux && (amd64 || arm64)

package image

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/gowasmer/wasmer/go/internal/image/standin"
)

// The tests run on the stand-in, but for those that load an image.
func TestMain(m *testing.M) {
	err := prepare((*table)(standin.Table()), code{high: ^uintptr(0)})
	if err == nil {
		err = begin()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// childVariable says to a test that it runs in a child of itself.
const childVariable = "GOWASMER_TEST_CHILD"

func isChild() bool { return os.Getenv(childVariable) != "" }

// child makes a command that runs a test of this program alone, behind words that a shell puts
// before it. GOWASMER_TEST_EMULATOR is what runs programs for another architecture.
func child(t *testing.T, before string) *exec.Cmd {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("sh", "-c", before+` exec $GOWASMER_TEST_EMULATOR "$0" "-test.run=^$1$"`, program, t.Name())
	command.Env = append(os.Environ(), childVariable+"=1")
	return command
}
