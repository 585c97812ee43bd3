//go:build linux && amd64 && !gowasmer_static

package refusals

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// Places where files are missing: /proc, or all of them. And a policy of the kernel that is no
// filter.

func init() {
	preparations["no /proc"] = func(string) error {
		// The namespace is the child's own.
		for _, mount := range []struct {
			on, kind string
			flags    uintptr
		}{
			{"/", "", syscall.MS_REC | syscall.MS_PRIVATE}, {"/proc", "tmpfs", 0},
		} {
			if err := syscall.Mount("none", mount.on, mount.kind, mount.flags, ""); err != nil {
				return fmt.Errorf("mount on %s: %w", mount.on, err)
			}
		}
		if _, err := os.Stat("/proc/self"); err == nil {
			return fmt.Errorf("/proc is still there")
		}
		return nil
	}
	preparations["empty"] = func(string) error {
		if err := syscall.Chroot(os.Getenv(guestsVariable)); err != nil {
			return err
		}
		return os.Chdir("/")
	}
	preparations["nothing"] = func(argument string) error {
		if count, err := strconv.Atoi(argument); err == nil {
			steps = steps[:count]
		}
		return nil
	}
	// PR_SET_MDWE, of Linux 6.3: what was writable is never executable. It is what systemd's
	// MemoryDenyWriteExecute is now.
	preparations["mdwe"] = func(string) error {
		const set, refuseExecGain = 65, 1
		if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, set, refuseExecGain, 0, 0, 0, 0); errno != 0 {
			return fmt.Errorf("PR_SET_MDWE: %w", errno)
		}
		return nil
	}
}

// ownNamespace are the attributes of a child that has mounts of its own, as root of the machine or
// of itself.
func ownNamespace() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attributes.Cloneflags |= syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	return attributes
}

func TestWithoutProc(t *testing.T) {
	child{name: "no /proc", attributes: ownNamespace()}.expect(t)
}

// A root directory that has nothing but guests: no /proc, no /dev, no /etc.
func TestWithoutFiles(t *testing.T) {
	child{name: "empty", attributes: ownNamespace()}.expect(t)
}

// The program starts where there is nothing but itself and its guests.
func TestAlone(t *testing.T) {
	if !static(t, self(t)) {
		t.Skip("the test binary needs a dynamic linker (CGO_ENABLED=0 makes one that needs none)")
	}
	root := t.TempDir()
	for name, from := range map[string]string{
		"program": self(t), "small.wasm": filepath.Join(folder(t), "small.wasm"), "stress.wasm": filepath.Join(folder(t), "stress.wasm"),
	} {
		bytes, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), bytes, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	attributes := ownNamespace()
	attributes.Chroot = root
	t.Setenv(guestsVariable, "/")
	child{name: "nothing", program: "/program", attributes: attributes, directory: "/"}.expect(t)
}

func TestNoExecutableGain(t *testing.T) {
	child{name: "mdwe"}.expect(t, "mprotect", "r-x", syscall.EACCES.Error())
}

// emulator is an emulator of x86-64 whose processors can be chosen. It has no vDSO either.
const emulator = "qemu-x86_64-static"

func emulated(t *testing.T, processor string) child {
	path, err := exec.LookPath(emulator)
	if err != nil {
		t.Skipf("no %s (Debian: apt-get install qemu-user-static)", emulator)
	}
	// Only what needs no pauses: version 7.2 of the emulator enters handlers of signals on stacks
	// that are not aligned as the kernel's are.
	return child{name: "nothing", argument: "3", before: []string{path, "-cpu", processor}, environment: "GODEBUG=asyncpreemptoff=1"}
}

// Without SSE4.1 the first use says so.
func TestOldProcessors(t *testing.T) {
	for _, processor := range []string{"core2duo", "Opteron_G1", "Nehalem,-sse4.1,-sse4.2"} {
		t.Run(processor, func(t *testing.T) {
			emulated(t, processor).expect(t, "CPU", "SSE")
		})
	}
}

// With SSE4.1 and little else, and without a vDSO, it works.
func TestSimpleProcessors(t *testing.T) {
	for _, processor := range []string{"Penryn", "Nehalem"} {
		t.Run(processor, func(t *testing.T) {
			emulated(t, processor).expect(t)
		})
	}
}
