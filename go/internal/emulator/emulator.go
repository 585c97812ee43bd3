// Package emulator starts programs for another architecture, for tests that start themselves again.
package emulator

import (
	"os"
	"os/exec"
)

// Arguments returns a command line, with what runs it in front of it: GOWASMER_TEST_EMULATOR, such
// as qemu, which is empty where the system does.
func Arguments(line ...string) []string {
	if emulator := os.Getenv("GOWASMER_TEST_EMULATOR"); emulator != "" {
		return append([]string{emulator}, line...)
	}
	return line
}

// Command returns a command that runs a program in this way.
func Command(line ...string) *exec.Cmd {
	line = Arguments(line...)
	return exec.Command(line[0], line[1:]...)
}
