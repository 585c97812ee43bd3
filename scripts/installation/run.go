package main

import (
	"bufio"
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// expected is what every program prints.
const expected = "42\n"

// timeLimit is how long a program may take.
const timeLimit = time.Minute

// staticallyLinked reports by an error that a program asks for an interpreter or a library, or is
// for another architecture.
func staticallyLinked(path, goarch string) error {
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[goarch]; f.Machine != machine {
		return fmt.Errorf("%s is for %v, expected %v", path, f.Machine, machine)
	}
	for _, segment := range f.Progs {
		if segment.Type == elf.PT_INTERP {
			return fmt.Errorf("%s asks for an interpreter", path)
		}
	}
	libraries, err := f.ImportedLibraries()
	if err != nil {
		return err
	}
	if len(libraries) > 0 {
		return fmt.Errorf("%s needs %s", path, strings.Join(libraries, ", "))
	}
	return nil
}

// runHere runs a program beside its guest, by a command before it if one is given, and checks what
// it prints.
func (p *proof) runHere(environment []string, program, guest string, before ...string) error {
	folder := filepath.Dir(program)
	if err := p.guest(guest, folder); err != nil {
		return err
	}
	arguments := append(slices.Clone(before), program)
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Dir = folder
	command.Env = append([]string{"PATH="}, environment...)
	return prints42(command)
}

// runAlone runs a program in a root that holds it and its guest.
func (p *proof) runAlone(program string) error {
	root := filepath.Join(filepath.Dir(program), "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	if err := p.guest("sum.wasm", root); err != nil {
		return err
	}
	code, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "program"), code, 0o755); err != nil {
		return err
	}
	if p.asRoot != "" {
		arguments := append(strings.Fields(p.asRoot), "chroot", root, "/program")
		return prints42(exec.Command(arguments[0], arguments[1:]...))
	}
	command := exec.Command("/program")
	command.Dir = "/"
	command.Env = []string{}
	command.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	if os.Getuid() != 0 {
		command.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	err = prints42(command)
	if os.Getuid() != 0 && (errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EINVAL)) {
		return leftOut("not root, and no user namespace is to be had here (see -as-root): %v", err)
	}
	return err
}

// prints42 runs a command and checks what it prints.
func prints42(command *exec.Cmd) error {
	var out, complaint bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaint
	if err := command.Start(); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	timer := time.AfterFunc(timeLimit, func() { command.Process.Kill() })
	defer timer.Stop()
	if err := command.Wait(); err != nil {
		return fmt.Errorf("%s: %w\n%s", command, err, shortened(complaint.String()))
	}
	if out.String() != expected {
		return fmt.Errorf("%s printed %q, expected %q", command, out.String(), expected)
	}
	return nil
}

// figures measures fresh processes: from starting one until its first line is read, and its
// resident memory at most until then. The process says the latter by itself, as what the kernel
// reports to a parent begins with the parent's own.
func (p *proof) figures() (string, error) {
	x, err := p.newProgram("figures", "figures")
	if err != nil {
		return "", err
	}
	path, err := x.build(nil, "-trimpath", "-ldflags=-s -w")
	if err != nil {
		return "", err
	}
	if err := p.guest("sum.wasm", x.folder); err != nil {
		return "", err
	}
	var times []time.Duration
	var memory []int
	for range max(p.processes, 1) {
		took, kilobytes, err := measure(path)
		if err != nil {
			return "", err
		}
		times, memory = append(times, took), append(memory, kilobytes)
	}
	slices.Sort(times)
	slices.Sort(memory)
	middle := len(times) / 2
	return fmt.Sprintf("%.1f ms from start to the first result (%.1f to %.1f), %.1f MB resident (%.1f to %.1f); median of %d processes",
		milliseconds(times[middle]), milliseconds(times[0]), milliseconds(times[len(times)-1]),
		float64(memory[middle])*1024/1e6, float64(memory[0])*1024/1e6, float64(memory[len(memory)-1])*1024/1e6, len(times)), nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// measure runs the program once.
func measure(path string) (took time.Duration, kilobytes int, err error) {
	command := exec.Command(path)
	command.Dir = filepath.Dir(path)
	command.Env = []string{}
	var complaint bytes.Buffer
	command.Stderr = &complaint
	out, err := command.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	if err := command.Start(); err != nil {
		return 0, 0, err
	}
	timer := time.AfterFunc(timeLimit, func() { command.Process.Kill() })
	defer timer.Stop()
	lines := bufio.NewScanner(out)
	first := ""
	if lines.Scan() {
		took = time.Since(start)
		first = lines.Text() + "\n"
	}
	for lines.Scan() {
		if value, found := strings.CutPrefix(lines.Text(), "VmHWM:"); found {
			kilobytes, _ = strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		}
	}
	if err := command.Wait(); err != nil {
		return 0, 0, fmt.Errorf("%s: %w\n%s", path, err, shortened(complaint.String()))
	}
	if first != expected || kilobytes == 0 {
		return 0, 0, fmt.Errorf("%s printed %q and %d kB, expected %q and its memory", path, first, kilobytes, expected)
	}
	return took, kilobytes, nil
}
