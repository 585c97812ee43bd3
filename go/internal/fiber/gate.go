package fiber

import (
	"context"
	"runtime"
	"sync/atomic"
	"unsafe"
)

// Gate admits one user at a time, until it is shut for good. The zero value is open.
//
// A use costs one locked operation of the processor, on word. On x86 that takes as long as much of
// a call. So there a goroutine that takes a gate again and again becomes its owner. As long as
// there is an owner, the word is taken, for it, and it goes in and out by plain stores to busy.
//
// How others take the gate from its owner: one of them sets leaving to 1, makes all processors
// execute a barrier, and looks at busy. The owner sets busy when it goes in, and clears it when it
// goes out, and looks at leaving after either. So if the other one sees it inside, the owner is
// sure to see that it has to leave, at the latest when it goes out. Whoever then changes leaving
// from 1 to 2 has the word: the owner if it is seen inside, either of both if it is seen outside.
// Each owner has an ownership of its own, which is never used again: who was the owner once, and
// has not noticed, can do no harm to the next one.
type Gate struct {
	word      uint32                    // gateOpen, gateTaken or gateShut
	strangers uint32                    // how often others wanted it while there was an owner
	owned     atomic.Pointer[ownership] // nil for none; set by the goroutine that has taken the word

	// These belong to the goroutine that has taken the word.
	last     uintptr // the goroutine that was met last, at one visit in some
	visits   uint32  // ends of uses that may make an owner
	streak   uint32  // how often last was met in a row
	patience uint32  // how often it has to be before it becomes the owner; grows with each owner
}

const (
	gateOpen uint32 = iota
	gateTaken
	gateShut
)

// ownership is that of a gate by a goroutine. It takes a cache line for itself.
type ownership struct {
	goroutine uintptr
	busy      uint32 // 1 while the owner is inside, or about to be; only the owner writes it
	leaving   uint32 // 1 if it has to leave for good, 2 once it has
	_         [48]byte
}

// hasOwners reports whether gates have owners. The race detector would not understand them.
const hasOwners = runtime.GOOS == "linux" && runtime.GOARCH == "amd64" && !raceDetector

const (
	sampling      = 64 // visits between two looks at who it is
	firstPatience = 1
	maxPatience   = 1 << 18
	maxStrangers  = 64
)

// Outcome is what the assembly of owners answers.
type Outcome uint64

const (
	OwnedDone    Outcome = 0 // the owner has gone in; where it had something to call, it is out again
	ownedFailed  Outcome = 1 // the call has failed, and the owner is inside
	ownedRefused Outcome = 2 // this is not the owner
	ownedInside  Outcome = 3 // it is, but is inside already, or wants to call something else

	ownedWord Outcome = 4 // added: there is no owner any more, and the word belongs to the caller
)

// TakeFree begins a use, if there is none, of a gate that nobody owns.
func (g *Gate) TakeFree() bool { return atomic.CompareAndSwapUint32(&g.word, gateOpen, gateTaken) }

// IsOwned reports whether somebody owns the gate, so that Take and CallOwned are worth trying.
func (g *Gate) IsOwned() bool { return hasOwners && g.owned.Load() != nil }

// Take begins a use, if there is none, of a gate that is owned.
func (g *Gate) Take() bool {
	o := g.owned.Load()
	if o == nil {
		return false
	}
	switch outcome := takeOwned(g); {
	case outcome == OwnedDone:
		return true
	case outcome&ownedWord != 0:
		g.disown()
		return true
	case outcome == ownedInside || atomic.AddUint32(&g.strangers, 1) < maxStrangers:
		return false
	}
	return g.revoke(o)
}

// Claim is Take for who needs the gate more than its owner does. If it returns false, the user who
// is inside is not the owner when it has gone out.
func (g *Gate) Claim() bool {
	if g.TakeFree() {
		return true
	}
	o := g.owned.Load()
	return o != nil && g.revoke(o)
}

// revoke ends an ownership, and reports whether the word belongs to the caller now. Otherwise it
// belongs to the owner, who is inside, or somebody else is about to end it.
func (g *Gate) revoke(o *ownership) bool {
	if !atomic.CompareAndSwapUint32(&o.leaving, 0, 1) {
		return false
	}
	if o.goroutine != goroutine() {
		Barrier()
	}
	if atomic.LoadUint32(&o.busy) != 0 || !atomic.CompareAndSwapUint32(&o.leaving, 1, 2) {
		return false
	}
	g.disown()
	return true
}

// disown notes that there is no owner any more. The word belongs to the caller.
func (g *Gate) disown() {
	g.patience = min(4*max(g.patience, firstPatience), maxPatience)
	atomic.StoreUint32(&g.strangers, 0)
	g.owned.Store(nil)
}

// Open ends a use.
//
// What is read after it may be read before others see that the gate is open; see Barrier.
func (g *Gate) Open() {
	o := g.owned.Load() // only who has the word changes this
	if !hasOwners || o == nil {
		g.openWord()
		return
	}
	o.busy = 0 // and then leaving is read: Go's compiler keeps what is atomic in order with all else
	if atomic.LoadUint32(&o.leaving) != 0 {
		g.openLeft(o)
	}
}

// openLeft is Open for an owner that is out, and has to leave for good.
func (g *Gate) openLeft(o *ownership) {
	if atomic.CompareAndSwapUint32(&o.leaving, 1, 2) {
		g.disown()
		g.openWord()
	}
}

// openWord opens the gate, by a plain store where there are owners: x86 processors show stores to
// others in the order of the program, after the loads before them, and Go's compiler moves no load
// of memory past a store. On arm64 it is a store-release and the look at something else afterwards
// a load-acquire (STLR, LDAR), which the processor keeps in order.
func (g *Gate) openWord() {
	if hasOwners {
		g.word = gateOpen
	} else {
		atomic.StoreUint32(&g.word, gateOpen)
	}
}

// OpenOrOwn ends a use of a gate that nobody owns, or makes the goroutine its owner, if it has come
// often enough. What is a reason to Claim the gate from an owner is to be looked at after it.
func (g *Gate) OpenOrOwn() {
	if g.visits++; hasOwners && g.visits%sampling == 0 {
		g.openOrOwn()
	} else {
		g.openWord()
	}
}

// openOrOwn is OpenOrOwn for some of the visits.
func (g *Gate) openOrOwn() {
	me := goroutine()
	if g.last == me {
		g.streak++
	} else {
		g.last, g.streak = me, 0
	}
	if g.streak < max(g.patience, firstPatience) || !registerBarrier() {
		g.openWord()
		return
	}
	g.streak = 0
	g.owned.Store(&ownership{goroutine: me}) // a locked operation: no later load is done before it
}

// Shut shuts the gate for good, if it is open, and reports whether it did.
func (g *Gate) Shut() bool { return atomic.CompareAndSwapUint32(&g.word, gateOpen, gateShut) }

// IsShut reports whether the gate is shut.
func (g *Gate) IsShut() bool { return atomic.LoadUint32(&g.word) == gateShut }

// Kept is a fiber that is kept prepared for a function, behind a gate. All but the gate
// belongs to the goroutine that has taken it.
type Kept struct {
	Gate
	Fiber *Fiber // nil for none

	// Quick is the function, or what stands for it, if it may be called by CallOwned, nil if not.
	// The fiber is not apart.
	Quick                  unsafe.Pointer
	Params, Results, Slots int // of the function: its slots, and the larger number of both
}

// CallOwned calls the function that the fiber is prepared for, if it is this one, and the goroutine
// owns the gate: it takes the arguments out of values, of which there are n, and leaves the results
// there. It does nothing if there are too few. Unless the outcome is OwnedDone, Settle follows.
func (k *Kept) CallOwned(function unsafe.Pointer, ctx context.Context, values *uint64, n int) Outcome {
	return callOwned(k, function, ctx, values, n)
}

// Settle tells what an outcome of CallOwned means: whether the function was called, whether that
// has failed, so that the fiber has an error and the gate is still taken, and whether the gate is
// taken although the call is over, or there was none.
func (k *Kept) Settle(outcome Outcome) (called, failed, taken bool) {
	if taken = outcome&ownedWord != 0; taken {
		k.disown()
	}
	outcome &^= ownedWord
	return outcome == OwnedDone || outcome == ownedFailed, outcome == ownedFailed, taken
}
