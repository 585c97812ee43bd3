//go:build linux && amd64 && !gowasmer_static

package refusals

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// System calls that a filter refuses, for all threads, before the engine is first used.

// rule refuses a system call, where one of the bits is set in one of its arguments if there are
// such.
type rule struct {
	call     uint32
	errno    syscall.Errno
	argument uint32
	bits     uint32
}

// Numbers of system calls that package syscall does not have.
const (
	sysSeccomp         = 317
	sysMemfdCreate     = 319
	sysMembarrier      = 324
	sysProcessVMReadv  = 310
	sysProcessVMWritev = 311
)

// install makes the filter of this process.
func install(rules []rule) error {
	type instruction struct {
		code   uint16
		yes    uint8
		no     uint8
		number uint32
	}
	const (
		load, jumpIfEqual, jumpIfSet, answer = 0x20, 0x15, 0x45, 0x06
		allow, refuse                        = 0x7fff_0000, 0x0005_0000
		callAt, argumentsAt                  = 0, 16
	)
	var filter []instruction
	for _, r := range rules {
		filter = append(filter, instruction{load, 0, 0, callAt})
		if r.bits == 0 {
			filter = append(filter, instruction{jumpIfEqual, 0, 1, r.call})
		} else {
			filter = append(filter, instruction{jumpIfEqual, 0, 3, r.call},
				instruction{load, 0, 0, argumentsAt + 8*r.argument}, instruction{jumpIfSet, 0, 1, r.bits})
		}
		filter = append(filter, instruction{answer, 0, 0, refuse | uint32(r.errno)})
	}
	filter = append(filter, instruction{answer, 0, 0, allow})
	program := struct {
		length uint16
		filter *instruction
	}{uint16(len(filter)), &filter[0]}
	const noNewPrivileges, setFilter, allThreads = 38, 1, 1
	if _, _, errno := syscall.AllThreadsSyscall(syscall.SYS_PRCTL, noNewPrivileges, 1, 0); errno != 0 && errno != syscall.ENOTSUP {
		return fmt.Errorf("no_new_privs: %w", errno)
	} else if errno == syscall.ENOTSUP { // the program is linked with cgo; the privileges of root suffice, too
		_, _, _ = syscall.RawSyscall6(syscall.SYS_PRCTL, noNewPrivileges, 1, 0, 0, 0, 0)
	}
	if _, _, errno := syscall.RawSyscall(sysSeccomp, setFilter, allThreads, uintptr(unsafe.Pointer(&program))); errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	return nil
}

// Sets of rules, by the names that children get them by: what is between two of them is "+", the
// errno follows after "=".
var sets = map[string]func(errno syscall.Errno) []rule{
	"memfd_create":     calls(sysMemfdCreate),
	"membarrier":       calls(sysMembarrier),
	"process_vm_readv": calls(sysProcessVMReadv, sysProcessVMWritev),
	"timer_create":     calls(syscall.SYS_TIMER_CREATE),
	"timer_settime":    calls(syscall.SYS_TIMER_SETTIME),
	"madvise":          calls(syscall.SYS_MADVISE),
	"prlimit":          calls(syscall.SYS_PRLIMIT64, syscall.SYS_GETRLIMIT),
	"open":             calls(syscall.SYS_OPENAT, syscall.SYS_OPEN),
	"getrandom":        unknown(318), // any other error ends a program of Go that wants random bytes, by its own decision
	"rt_sigaction":     calls(syscall.SYS_RT_SIGACTION),
	"clone3":           unknown(435), // the C library goes no other way after any other error
	"munmap":           calls(syscall.SYS_MUNMAP),
	"tgkill":           calls(syscall.SYS_TGKILL),
	"noexec": func(errno syscall.Errno) []rule {
		return []rule{
			{syscall.SYS_MPROTECT, errno, 2, syscall.PROT_EXEC}, {syscall.SYS_MMAP, errno, 2, syscall.PROT_EXEC}, {329, errno, 2, syscall.PROT_EXEC},
		}
	},
	"mmap-exec": func(errno syscall.Errno) []rule { return []rule{{syscall.SYS_MMAP, errno, 2, syscall.PROT_EXEC}} },
	// What Docker's default profile refuses.
	"docker": calls(
		syscall.SYS_ACCT, syscall.SYS_ADD_KEY, 321 /* bpf */, 305 /* clock_adjtime */, syscall.SYS_CLOCK_SETTIME, syscall.SYS_CREATE_MODULE,
		syscall.SYS_DELETE_MODULE, 313 /* finit_module */, syscall.SYS_GET_KERNEL_SYMS, syscall.SYS_GET_MEMPOLICY, syscall.SYS_INIT_MODULE,
		syscall.SYS_IOPERM, syscall.SYS_IOPL, 312 /* kcmp */, 320 /* kexec_file_load */, syscall.SYS_KEXEC_LOAD, syscall.SYS_KEYCTL,
		syscall.SYS_LOOKUP_DCOOKIE, syscall.SYS_MBIND, syscall.SYS_MOUNT, syscall.SYS_MOVE_PAGES, syscall.SYS_NFSSERVCTL, 304, /* open_by_handle_at */
		298 /* perf_event_open */, syscall.SYS_PERSONALITY, syscall.SYS_PIVOT_ROOT, sysProcessVMReadv, sysProcessVMWritev, syscall.SYS_PTRACE,
		syscall.SYS_QUERY_MODULE, syscall.SYS_QUOTACTL, syscall.SYS_REBOOT, syscall.SYS_REQUEST_KEY, syscall.SYS_SET_MEMPOLICY, 308, /* setns */
		syscall.SYS_SETTIMEOFDAY, syscall.SYS_SWAPON, syscall.SYS_SWAPOFF, syscall.SYS_SYSFS, syscall.SYS__SYSCTL, syscall.SYS_UMOUNT2,
		syscall.SYS_UNSHARE, syscall.SYS_USELIB, 323 /* userfaultfd */, syscall.SYS_USTAT, 425, 426, 427, /* io_uring */
	),
	// What gVisor does not have, or had not for long.
	"gvisor": with(unknown(435), calls(
		sysMemfdCreate, sysMembarrier, sysProcessVMReadv, sysProcessVMWritev, syscall.SYS_TIMER_CREATE, syscall.SYS_TIMER_SETTIME,
		syscall.SYS_TIMER_DELETE, syscall.SYS_TIMER_GETTIME, 298 /* perf_event_open */, 321 /* bpf */, 323 /* userfaultfd */, 325, /* mlock2 */
		326 /* copy_file_range */, 329, 330, 331 /* pkeys */, 424 /* pidfd_send_signal */, 425, 426, 427, /* io_uring */
		434 /* pidfd_open */, 435 /* clone3 */, 436 /* close_range */, 437 /* openat2 */, 439 /* faccessat2 */, 440 /* process_madvise */, 449, /* futex_waitv */
	)),
}

func calls(numbers ...uint32) func(syscall.Errno) []rule {
	return func(errno syscall.Errno) []rule {
		var rules []rule
		for _, number := range numbers {
			rules = append(rules, rule{call: number, errno: errno})
		}
		return rules
	}
}

// unknown refuses a system call as unknown always.
func unknown(number uint32) func(syscall.Errno) []rule {
	return func(syscall.Errno) []rule { return calls(number)(syscall.ENOSYS) }
}

func with(first, second func(syscall.Errno) []rule) func(syscall.Errno) []rule {
	return func(errno syscall.Errno) []rule { return append(first(errno), second(errno)...) }
}

// rulesOf reads "name=errno+name=errno".
func rulesOf(argument string) []rule {
	var rules []rule
	for part := range strings.SplitSeq(argument, "+") {
		name, number, _ := strings.Cut(part, "=")
		errno, err := strconv.Atoi(number)
		if err != nil || sets[name] == nil {
			panic("no set of rules: " + part)
		}
		rules = append(rules, sets[name](syscall.Errno(errno))...)
	}
	return rules
}

func init() {
	preparations["seccomp"] = func(argument string) error { return install(rulesOf(argument)) }
	// The filter comes after the engine's first use.
	preparations["seccomp-later"] = func(argument string) error {
		module, err := wasmer.Compile(guests["small"])
		if err != nil {
			return err
		}
		module.Close()
		return install(rulesOf(argument))
	}
}

func set(name string, errno syscall.Errno) string { return name + "=" + strconv.Itoa(int(errno)) }

func TestSystemCallsRefused(t *testing.T) {
	for name, texts := range map[string][]string{
		"memfd_create":     nil,
		"membarrier":       nil,
		"process_vm_readv": nil,
		"timer_create":     nil,
		"timer_settime":    nil,
		"madvise":          nil,
		"prlimit":          nil,
		"open":             nil,
		"clone3":           nil,
		"mmap-exec":        nil, // the engine and what it compiles become executable by mprotect
		"docker":           nil,
		"gvisor":           nil,
		"munmap":           nil,
		"getrandom":        nil,
		"rt_sigaction":     {"handler of signal"},
		"tgkill":           {"tgkill"},
		"noexec":           {"mprotect", "r-x", "forbids code"},
	} {
		for _, errno := range []syscall.Errno{syscall.EPERM, syscall.ENOSYS, syscall.EACCES} {
			if testing.Short() && errno != syscall.EPERM {
				continue
			}
			t.Run(set(name, errno), func(t *testing.T) {
				t.Parallel()
				texts := slices.Clone(texts)
				if texts != nil {
					texts = append(texts, errno.Error())
				}
				child{name: "seccomp", argument: set(name, errno)}.expect(t, texts...)
			})
		}
	}
}

func TestCombinedRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		argument string
		texts    []string
	}{
		"all that has a slower way": {
			strings.Join([]string{
				set("docker", syscall.EPERM), set("gvisor", syscall.ENOSYS), set("madvise", syscall.EINVAL), set("prlimit", syscall.EPERM),
				set("open", syscall.EACCES), set("mmap-exec", syscall.EACCES),
			}, "+"), nil,
		},
		"docker without code": {set("docker", syscall.EPERM) + "+" + set("noexec", syscall.EPERM), []string{"mprotect", syscall.EPERM.Error()}},
		"gvisor without code": {set("gvisor", syscall.ENOSYS) + "+" + set("noexec", syscall.EACCES), []string{"mprotect", syscall.EACCES.Error()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			child{name: "seccomp", argument: c.argument}.expect(t, c.texts...)
		})
	}
}

// What is refused when the engine is running already.
func TestRefusedLater(t *testing.T) {
	for name, texts := range map[string][]string{
		"noexec": {"executable", syscall.EACCES.Error()},
		"gvisor": nil,
		"docker": nil,
		"open":   nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			child{name: "seccomp-later", argument: set(name, syscall.EACCES)}.expect(t, texts...)
		})
	}
}
