//go:build linux && amd64 && !gowasmer_static

package pauses

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/image"
)

// This file has what any debugger has: a child with its threads, its memory, its registers and its
// breakpoints.

// breakpoint is the instruction int3.
const breakpoint = 0xcc

// What is known of an instruction. armed is all that this file knows.
const (
	armed   = 1 << iota // a breakpoint is there
	watched             // one was there, as control may come here
	stepped             // it was stepped over, and where else it goes is watched
	paused              // a compilation was paused there
	putOff              // that was tried, where a pause has to be put off
	kept                // its breakpoint stays
)

type debugger struct {
	image.Places
	process int
	memory  *os.File
	code    []byte // as it is without breakpoints
	known   []uint8
	threads map[int]*thread
}

// thread is a thread of the child.
type thread struct {
	id      int
	regs    syscall.PtraceRegs // as it stopped
	moved   bool               // they were changed
	stepped uintptr            // the instruction that it steps over, 0 if it runs
	expand  bool               // where else that goes is to be watched
	known   bool               // it was known where the last one goes
}

// attach takes over a child that was started with Ptrace and has stopped at its first instruction.
func (d *debugger) attach(process int) error {
	const exitKill = 0x100000
	if err := syscall.PtraceSetOptions(process, syscall.PTRACE_O_TRACECLONE|exitKill); err != nil {
		return os.NewSyscallError("ptrace(PTRACE_SETOPTIONS)", err)
	}
	var err error
	if d.memory, err = os.OpenFile(fmt.Sprintf("/proc/%d/mem", process), os.O_RDWR, 0); err != nil {
		return err
	}
	d.process, d.threads = process, map[int]*thread{process: {id: process}}
	return nil
}

// copyCode reads the image's instructions, whose places are known.
func (d *debugger) copyCode() error {
	d.code = make([]byte, d.CodeHigh-d.CodeLow)
	d.known = make([]uint8, len(d.code))
	_, err := d.memory.ReadAt(d.code, int64(d.CodeLow))
	return err
}

// wait waits until a thread stops, and returns it with the signal that it stops for. The thread is
// nil when the child has ended.
func (d *debugger) wait() (*thread, syscall.WaitStatus, error) {
	for {
		var status syscall.WaitStatus
		id, err := syscall.Wait4(-1, &status, syscall.WALL|syscall.WNOTHREAD, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return nil, 0, os.NewSyscallError("wait4", err)
		}
		if status.Exited() || status.Signaled() {
			if delete(d.threads, id); id == d.process {
				return nil, status, nil
			}
			continue
		}
		th := d.threads[id]
		begins := th == nil
		if begins {
			th = &thread{id: id}
			d.threads[id] = th
		}
		if begins && status.StopSignal() == syscall.SIGSTOP || status.TrapCause() > 0 { // it was made, or has made one
			if err := d.resume(th, 0); err != nil {
				return nil, 0, err
			}
			continue
		}
		return th, status, nil
	}
}

// resume lets a thread run, with a signal if it is not 0.
func (d *debugger) resume(th *thread, signal syscall.Signal) error {
	if err := th.flush(); err != nil {
		return err
	}
	return os.NewSyscallError("ptrace(PTRACE_CONT)", syscall.PtraceCont(th.id, int(signal)))
}

// step lets it execute one instruction.
func (d *debugger) step(th *thread) error {
	if err := th.flush(); err != nil {
		return err
	}
	return os.NewSyscallError("ptrace(PTRACE_SINGLESTEP)", syscall.PtraceSingleStep(th.id))
}

func (d *debugger) inCode(pc uintptr) bool { return pc >= d.CodeLow && pc < d.CodeHigh }

func (d *debugger) is(pc uintptr, what uint8) bool {
	return d.inCode(pc) && d.known[pc-d.CodeLow]&what != 0
}

func (d *debugger) mark(pc uintptr, what uint8) { d.known[pc-d.CodeLow] |= what }

// arm sets a breakpoint.
func (d *debugger) arm(pc uintptr) error {
	if d.is(pc, armed) {
		return nil
	}
	d.mark(pc, armed)
	_, err := d.memory.WriteAt([]byte{breakpoint}, int64(pc))
	return err
}

// disarm removes one.
func (d *debugger) disarm(pc uintptr) error {
	if !d.is(pc, armed) {
		return nil
	}
	offset := pc - d.CodeLow
	d.known[offset] &^= armed
	_, err := d.memory.WriteAt(d.code[offset:offset+1], int64(pc))
	return err
}

func (d *debugger) disarmAll() error {
	for offset := range d.known {
		if err := d.disarm(d.CodeLow + uintptr(offset)); err != nil {
			return err
		}
	}
	return nil
}

func (d *debugger) word(at uintptr) (uint64, error) {
	var word [8]byte
	_, err := d.memory.ReadAt(word[:], int64(at))
	return binary.LittleEndian.Uint64(word[:]), err
}

func (d *debugger) setWord(at uintptr, value uint64) error {
	_, err := d.memory.WriteAt(binary.LittleEndian.AppendUint64(nil, value), int64(at))
	return err
}

// name names an instruction as it can be found in the image's file with symbols.
func (d *debugger) name(pc uintptr) string {
	if d.inCode(pc) {
		return fmt.Sprintf("%#x of the image", pc-d.Base)
	}
	return fmt.Sprintf("%#x", pc)
}

// read reads the registers of a thread that has stopped.
func (th *thread) read() error {
	return os.NewSyscallError("ptrace(PTRACE_GETREGS)", syscall.PtraceGetRegs(th.id, &th.regs))
}

func (th *thread) move(pc uintptr) { th.regs.Rip, th.moved = uint64(pc), true }

// flush writes registers that were changed.
func (th *thread) flush() error {
	if !th.moved {
		return nil
	}
	th.moved = false
	return os.NewSyscallError("ptrace(PTRACE_SETREGS)", syscall.PtraceSetRegs(th.id, &th.regs))
}

// register returns a register by the number that it has in instructions.
func (th *thread) register(number int) uintptr {
	r := &th.regs
	return uintptr([...]uint64{r.Rax, r.Rcx, r.Rdx, r.Rbx, r.Rsp, r.Rbp, r.Rsi, r.Rdi,
		r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15}[number])
}

// state is what the code at an instruction relies on.
type state struct {
	general syscall.PtraceRegs
	float   [512]byte // as FXSAVE stores it
	below   [128]byte // what functions without a frame have below the stack pointer
}

// state reads that of a thread whose registers were read.
func (d *debugger) state(th *thread) (*state, error) {
	s := &state{general: th.regs}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PTRACE, syscall.PTRACE_GETFPREGS, uintptr(th.id), 0, uintptr(unsafe.Pointer(&s.float)), 0, 0)
	if errno != 0 {
		return nil, os.NewSyscallError("ptrace(PTRACE_GETFPREGS)", errno)
	}
	_, err := d.memory.ReadAt(s.below[:], int64(th.regs.Rsp)-int64(len(s.below)))
	return s, err
}

// changed says what differs later, "" if nothing does.
func (s *state) changed(later *state) string {
	// The flags without those by which the processor steps.
	const flags = ^uint64(0x10100)
	a, b := &s.general, &later.general
	for _, r := range []struct {
		name     string
		old, new uint64
	}{
		{"rax", a.Rax, b.Rax}, {"rcx", a.Rcx, b.Rcx}, {"rdx", a.Rdx, b.Rdx}, {"rbx", a.Rbx, b.Rbx},
		{"rsp", a.Rsp, b.Rsp}, {"rbp", a.Rbp, b.Rbp}, {"rsi", a.Rsi, b.Rsi}, {"rdi", a.Rdi, b.Rdi},
		{"r8", a.R8, b.R8}, {"r9", a.R9, b.R9}, {"r10", a.R10, b.R10}, {"r11", a.R11, b.R11},
		{"r12", a.R12, b.R12}, {"r13", a.R13, b.R13}, {"r14", a.R14, b.R14}, {"r15", a.R15, b.R15},
		{"the flags", a.Eflags & flags, b.Eflags & flags},
	} {
		if r.old != r.new {
			return fmt.Sprintf("%s from %#x to %#x", r.name, r.old, r.new)
		}
	}
	for _, r := range []struct {
		name     string
		from, to int
	}{{"the state of the x87 unit", 0, 5}, {"mxcsr", 24, 28}, {"a register of the x87 unit", 32, 160}, {"an xmm register", 160, 416}} {
		if !bytes.Equal(s.float[r.from:r.to], later.float[r.from:r.to]) {
			return fmt.Sprintf("%s from % x to % x", r.name, s.float[r.from:r.to], later.float[r.from:r.to])
		}
	}
	if s.below != later.below {
		return fmt.Sprintf("the bytes below the stack pointer from % x to % x", s.below, later.below)
	}
	return ""
}
