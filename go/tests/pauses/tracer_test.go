//go:build linux && amd64 && !gowasmer_static

package pauses

import (
	"errors"
	"fmt"
	"syscall"
)

// This file follows a child through the image.
//
// Following each step would take minutes, as most instructions are executed many times. So an
// instruction is stepped over when it is executed the first time; if it may go elsewhere another
// time, a breakpoint waits there. What has been executed so runs at full speed. Where a jump or a
// call goes to an address that it has in a register or in memory, it keeps a breakpoint, and is
// stepped over each time. A return goes behind a call that was stepped over, where a breakpoint was
// set then.
//
// To pause at an instruction, a breakpoint is set there and the child continued with the signal. If
// that goes well, this breakpoint is the next one that it meets on that stack, with all registers
// as they were. The same is tried where a pause has to be put off.

const (
	pauseSignal = syscall.SIGURG
	// poison is no status.
	poison = 0x9eed_9eed
	// mostDifferences is how many are worth reading.
	mostDifferences = 20
)

// phase is what is done with the compilations of the child.
type phase int

const (
	undisturbed phase = iota
	pausing           // pause at each instruction, the first time
	givingUp          // give up at one instruction
	stepping          // step through, and see that a pause was at each instruction
)

// pause is one from which the child has to come back.
type pause struct {
	at, stack uintptr
	allowed   bool
	status    uint64 // the stack's before
	before    *state
}

// found is an instruction that a compilation was paused at.
type found struct {
	at    uintptr
	guest uint64
}

type tracer struct {
	*page
	debugger
	phase   phase
	follows map[uintptr]bool // by stack, whether what runs there might be paused when it began
	waiting *pause
	target  uintptr // where to give up

	// plan chooses where to give up, once it is known where pauses were.
	plan   func(all []found) []found
	toGive []found
	// stepThrough says that a compilation is to be followed step by step.
	stepThrough bool

	// What came of it.
	found                []found
	putOff               int // at how many instructions pauses had to be put off, and were
	gaveUp, late, missed int // late: it went on from there; missed: it did not come there
	steps, byChance      int // of stepping; byChance: at instructions that no compilation before has executed
	stops                int
	differences          []string
}

// run serves the child until it ends, and returns how.
func (t *tracer) run() (syscall.WaitStatus, error) {
	t.follows = map[uintptr]bool{}
	th := t.threads[t.process]
	err := t.resume(th, 0)
	for err == nil {
		var status syscall.WaitStatus
		if th, status, err = t.wait(); err == nil {
			if th == nil {
				return status, nil
			}
			err = t.stopped(th, status.StopSignal())
		}
		if errors.Is(err, syscall.ESRCH) { // the child dies; its status says of what
			err = nil
		}
	}
	return 0, err
}

func (t *tracer) stopped(th *thread, signal syscall.Signal) error {
	if signal != syscall.SIGTRAP {
		if at := th.stepped; at != 0 {
			// It came before the step. The breakpoint brings the thread back after it.
			th.stepped = 0
			if err := t.arm(at); err != nil {
				return err
			}
		}
		return t.resume(th, signal)
	}
	t.stops++
	if err := th.read(); err != nil {
		return err
	}
	pc := uintptr(th.regs.Rip)
	if from := th.stepped; from != 0 {
		th.stepped = 0
		if err := t.over(th, from); err != nil {
			return err
		}
		return t.arrived(th, pc)
	}
	if th.known = false; t.is(pc-1, armed) {
		th.move(pc - 1)
		return t.arrived(th, pc-1)
	}
	message := t.message
	if t.message = 0; message == 0 {
		return fmt.Errorf("the child has stopped at %s without a message", t.name(pc))
	}
	if err := t.hear(message); err != nil {
		return err
	}
	return t.resume(th, 0)
}

// hear answers the child.
func (t *tracer) hear(message uint64) error {
	switch message {
	case sayHello:
		t.Places = t.places
		if err := t.copyCode(); err != nil {
			return err
		}
		t.mark(t.Call, kept)
		return t.arm(t.Call)
	case sayRound:
		t.phase = pausing
	case sayRoundOver, sayStepOver:
		if t.phase = undisturbed; t.waiting != nil {
			return fmt.Errorf("a compilation has ended that was paused at %s, and has not come back there", t.name(t.waiting.at))
		}
	case sayOne:
		if t.phase != givingUp {
			t.phase, t.toGive = givingUp, t.plan(t.found)
			// From here on there is no breakpoint but one.
			if err := t.disarmAll(); err != nil {
				return err
			}
		}
		if t.more = 0; len(t.toGive) > 0 {
			t.target, t.guest, t.more = t.toGive[0].at, t.toGive[0].guest, 1
			t.toGive = t.toGive[1:]
			return t.arm(t.target)
		}
	case sayOneOver:
		switch {
		case t.target == 0:
			t.late++
		case t.gone != 0:
			t.gaveUp++
		default:
			t.missed++
		}
		target := t.target
		t.target, t.cancel, t.waiting = 0, 0, nil
		return t.disarm(target)
	case sayStep:
		if t.phase, t.more = undisturbed, 0; t.stepThrough {
			t.phase, t.guest, t.more = stepping, 0, 1
			return t.arm(t.Call)
		}
	}
	return nil
}

// arrived decides what to do with a thread that is about to execute an instruction.
func (t *tracer) arrived(th *thread, pc uintptr) error {
	if !t.inCode(pc) {
		return t.resume(th, 0)
	}
	sp := uintptr(th.regs.Rsp)
	if sp < t.StacksLow || sp >= t.StacksHigh {
		return t.pass(th, pc) // the signal handler
	}
	stack := sp &^ (t.StackSize - 1)
	if w := t.waiting; w != nil && w.at == pc && w.stack == stack {
		if err := t.back(th); err != nil {
			return err
		}
		return t.stepOver(th, pc, t.phase != givingUp)
	}
	mayPause, err := t.word(stack + t.Pausable)
	if err != nil {
		return err
	}
	if pc == t.Call {
		t.follows[stack] = mayPause != 0
	}
	if t.phase == givingUp {
		if mayPause != 0 && t.waiting == nil && pc == t.target {
			t.cancel = 1
			return t.pause(th, pc, stack, true)
		}
		return t.pass(th, pc)
	}
	if t.phase == undisturbed || !t.follows[stack] {
		return t.pass(th, pc)
	}
	switch {
	case t.waiting != nil:
	case mayPause != 0 && !t.is(pc, paused):
		if t.phase == stepping {
			// Compilations of one guest differ by some instructions. What was not executed before
			// is left out by mistake only if no breakpoint waited there.
			if t.byChance++; th.known && !t.is(pc, watched) {
				t.differs("no compilation was paused at %s", t.name(pc))
			}
		}
		return t.pause(th, pc, stack, true)
	case mayPause == 0 && !t.is(pc, putOff):
		return t.pause(th, pc, stack, false)
	}
	if t.phase == stepping {
		t.steps++
		return t.stepOver(th, pc, true)
	}
	if !t.is(pc, stepped) {
		return t.stepOver(th, pc, true)
	}
	return t.pass(th, pc)
}

// pass goes on without looking closer.
func (t *tracer) pass(th *thread, pc uintptr) error {
	if t.is(pc, armed) {
		return t.stepOver(th, pc, false)
	}
	return t.resume(th, 0)
}

// stepOver steps over an instruction. expand says that it is to be watched where else it goes.
func (t *tracer) stepOver(th *thread, pc uintptr, expand bool) error {
	th.expand = expand
	if f := t.flow(pc); f.register != 0 {
		// Of the instructions that keep a breakpoint these are the most frequent, and easily done
		// here.
		if err := t.over(th, pc); err != nil {
			return err
		}
		to := th.register(f.register - 1)
		th.move(to)
		return t.arrived(th, to)
	}
	if err := t.disarm(pc); err != nil {
		return err
	}
	th.stepped = pc
	return t.step(th)
}

// over comes after an instruction that was stepped over.
func (t *tracer) over(th *thread, pc uintptr) error {
	if th.expand {
		f := t.flow(pc)
		th.known = t.is(pc, stepped) && !f.indirect
		t.mark(pc, stepped)
		if f.indirect {
			t.mark(pc, kept)
		}
		if f.call {
			behind, err := t.word(uintptr(th.regs.Rsp))
			if err != nil {
				return err
			}
			// By this the child is met again after it has left to Go.
			if err := t.watch(uintptr(behind), t.phase == stepping); err != nil {
				return err
			}
		}
		for _, next := range f.next {
			if err := t.watch(pc+uintptr(next), false); err != nil {
				return err
			}
		}
	}
	if t.phase == givingUp && pc == t.target || t.phase != givingUp && t.open(pc) {
		return t.arm(pc)
	}
	return t.disarm(pc)
}

func (t *tracer) flow(pc uintptr) flow { return flowOf(t.code[pc-t.CodeLow:]) }

// open reports whether a breakpoint is of use at an instruction.
func (t *tracer) open(pc uintptr) bool {
	return t.is(pc, kept) || !t.is(pc, stepped) || !t.is(pc, paused)
}

// watch sets a breakpoint where control may come, if it is of use or in any case.
func (t *tracer) watch(pc uintptr, anyway bool) error {
	if !t.inCode(pc) {
		return nil
	}
	if t.phase == pausing {
		t.mark(pc, watched)
	}
	if anyway || t.open(pc) {
		return t.arm(pc)
	}
	return nil
}

// pause pauses what a thread is about to execute, where that is allowed.
func (t *tracer) pause(th *thread, pc, stack uintptr, allowed bool) error {
	if err := t.arm(pc); err != nil {
		return err
	}
	status, err := t.word(stack + t.Status)
	if err != nil {
		return err
	}
	if err := t.setWord(stack+t.Status, poison); err != nil {
		return err
	}
	before, err := t.state(th)
	if err != nil {
		return err
	}
	t.waiting = &pause{pc, stack, allowed, status, before}
	return t.resume(th, pauseSignal)
}

// back looks at a thread that has come back from a pause.
func (t *tracer) back(th *thread) error {
	w := t.waiting
	t.waiting = nil
	status, err := t.word(w.stack + t.Status)
	if err != nil {
		return err
	}
	if status == poison {
		if err := t.setWord(w.stack+t.Status, w.status); err != nil {
			return err
		}
	}
	switch {
	case t.phase == givingUp:
		t.target = 0 // it was not given up
	case status == t.Paused && w.allowed:
		t.mark(w.at, paused)
		t.found = append(t.found, found{w.at, t.guest})
	case status == poison && !w.allowed:
		t.mark(w.at, putOff)
		t.putOff++
	case status == poison:
		t.mark(w.at, paused)
		t.differs("a pause at %s was put off, where it need not be", t.name(w.at))
	default:
		return fmt.Errorf("a pause at %s (allowed: %t) has left with status %d", t.name(w.at), w.allowed, status)
	}
	now, err := t.state(th)
	if err != nil {
		return err
	}
	if what := w.before.changed(now); what != "" {
		t.differs("a pause at %s has changed %s", t.name(w.at), what)
	}
	if len(t.differences) >= mostDifferences {
		return fmt.Errorf("no more than %d are shown", mostDifferences)
	}
	return nil
}

func (t *tracer) differs(format string, arguments ...any) {
	t.differences = append(t.differences, fmt.Sprintf(format, arguments...))
}
