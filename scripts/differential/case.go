package main

import (
	"fmt"

	"github.com/gowasmer/wasmer/go/wasmer"
	"github.com/gowasmer/wasmer/internal/wire"
)

// This file decodes what rust/fuzz/src/encoding.rs encodes, which says what each part means.

// encodingVersion is that of the encoding.
const encodingVersion = 1

// verdict is what has to become of a case's module.
type verdict uint8

const (
	verdictNothing verdict = iota
	verdictInvalid
	verdictDisputed
	verdictValid
)

// testCase is a case, and what it has to do.
type testCase struct {
	number  uint64
	name    string // KIND-SEED
	seed    uint64
	verdict verdict
	text    string // how the oracles differ
	module  []byte

	oracle                uint8 // an index of oracles
	how                   how
	maxPages, maxElements uint64
	imports               []given
	events                []event
	cut                   uint8 // why the oracle ends the run: 0 at its end, else the position among the counters of that, from 1 on
}

// oracles are the names of those that say what has to happen.
var oracles = [...]string{"wasmi", "wasmtime"}

// how says in which variants a case is run.
type how uint8

const (
	canonicalNaNs how = 1 << iota
	guarded
	explicit
	serialized
)

func (h how) String() string {
	text := map[how]string{guarded: "guarded", explicit: "explicit", serialized: "serialized"}[h&^canonicalNaNs]
	if h&canonicalNaNs != 0 {
		text += ", canonical NaN"
	}
	return text
}

// given is what an import gets.
type given struct {
	kind    wasmer.ImportExportKind
	maximum uint64 // of a memory or table
	value   value  // of a global
}

// value is a value as the oracles tell it: number and vectors by their bits, functions by whether
// they are one, references to values of the host as numbers.
type value struct {
	kind      wasmer.ValueType
	low, high uint64
}

// eventKind is the kind of an event.
type eventKind uint8

const (
	eventInstance eventKind = iota
	eventCall
	eventState
)

// event is one thing that happens in a case.
type event struct {
	kind      eventKind
	export    string
	arguments []value
	hostCalls []hostCall
	outcome   outcome
	states    []state
}

// hostCall is a call of a function of the host.
type hostCall struct {
	function           int // position among the imported functions
	arguments, results []value
}

// outcome is how an instantiation or a call ends.
type outcome struct {
	trap    trapKind
	results []value
}

// trapKind is why a guest was stopped, as far as all engines tell it; 0 if it was not.
type trapKind uint8

// trapKinds are the traps, in the order of the encoding.
var trapKinds = [...][]wasmer.TrapCode{
	{},
	{wasmer.TrapUnreachable},
	{wasmer.TrapMemoryOutOfBounds},
	{wasmer.TrapTableOutOfBounds, wasmer.TrapUndefinedElement},
	{wasmer.TrapIndirectCallToNull},
	{wasmer.TrapBadSignature},
	{wasmer.TrapIntegerOverflow},
	{wasmer.TrapIntegerDivideByZero},
	{wasmer.TrapBadConversionToInteger},
}

func (o outcome) String() string {
	if o.trap != 0 {
		return fmt.Sprintf("trap %q", trapKinds[o.trap][0])
	}
	return fmt.Sprintf("results %v", o.results)
}

// state is what an export holds that is no function.
type state struct {
	kind  wasmer.ImportExportKind
	value value // of a global
	// size is the bytes of a memory, or the elements of a table.
	size, hash uint64
}

// decode reads a case.
func decode(bytes []byte) (*testCase, error) {
	d := decoder{wire.NewReader(bytes)}
	if version := d.U32(); version != encodingVersion {
		d.Fail("version %d of the encoding, expected %d", version, encodingVersion)
	}
	c := &testCase{number: d.U64(), name: d.Str(), seed: d.U64(), verdict: verdict(d.below("verdict", int(verdictValid)+1))}
	if c.verdict != verdictNothing {
		c.module = d.Take(int(d.U32()))
	}
	switch c.verdict {
	case verdictDisputed:
		c.text = d.Str()
	case verdictValid:
		d.valid(c)
	}
	return c, d.End("case")
}

// decoder reads the parts of a case.
type decoder struct{ *wire.Reader }

// below reads a byte that chooses one of count.
func (d decoder) below(what string, count int) uint8 {
	number := d.U8()
	if int(number) >= count {
		d.Fail("%s %d, expected one of %d", what, number, count)
		return 0
	}
	return number
}

// list reads a list of items of at least a size.
func list[T any](d decoder, size int, item func() T) []T {
	items := make([]T, d.Count(size))
	for i := range items {
		items[i] = item()
	}
	return items
}

func (d decoder) valid(c *testCase) {
	c.oracle = d.below("oracle", len(oracles))
	c.how = how(d.U8())
	c.maxPages, c.maxElements = d.U64(), d.U64()
	c.imports = list(d, 1, d.given)
	c.events = list(d, 5, d.event)
	c.cut = d.below("cut", cuts)
}

func (d decoder) given() given {
	switch d.below("import", 4) {
	case 1:
		return given{kind: wasmer.ImportExportKindMemory, maximum: d.U64()}
	case 2:
		return given{kind: wasmer.ImportExportKindTable, maximum: d.U64()}
	case 3:
		return given{kind: wasmer.ImportExportKindGlobal, value: d.value()}
	default:
		return given{kind: wasmer.ImportExportKindFunction}
	}
}

func (d decoder) event() event {
	e := event{kind: eventKind(d.below("event", int(eventState)+1))}
	if e.kind == eventState {
		e.states = list(d, 3, d.state)
		return e
	}
	if e.kind == eventCall {
		e.export, e.arguments = d.Str(), d.values()
	}
	e.hostCalls = list(d, 12, func() hostCall {
		return hostCall{function: int(d.U32()), arguments: d.values(), results: d.values()}
	})
	if d.below("outcome", 2) == 0 {
		e.outcome.results = d.values()
	} else {
		e.outcome.trap = trapKind(d.below("trap", len(trapKinds)-1)) + 1
	}
	return e
}

func (d decoder) state() state {
	switch d.below("state", 3) {
	case 1:
		return state{kind: wasmer.ImportExportKindMemory, size: d.U64(), hash: d.U64()}
	case 2:
		return state{kind: wasmer.ImportExportKindTable, size: d.U64(), hash: d.U64()}
	default:
		return state{kind: wasmer.ImportExportKindGlobal, value: d.value()}
	}
}

func (d decoder) values() []value { return list(d, 2, d.value) }

// valueTypes are the types in the order of the encoding.
var valueTypes = [...]wasmer.ValueType{
	wasmer.TypeI32, wasmer.TypeI64, wasmer.TypeF32, wasmer.TypeF64, wasmer.TypeV128, wasmer.TypeFuncRef, wasmer.TypeExternRef,
}

func (d decoder) value() value {
	v := value{kind: valueTypes[d.below("type", len(valueTypes))]}
	switch v.kind {
	case wasmer.TypeI32, wasmer.TypeF32:
		v.low = uint64(d.U32())
	case wasmer.TypeV128:
		v.low, v.high = d.U64(), d.U64()
	case wasmer.TypeFuncRef:
		v.low = uint64(d.below("function", 2))
	default:
		v.low = d.U64()
	}
	return v
}

func (v value) String() string {
	switch v.kind {
	case wasmer.TypeI32, wasmer.TypeF32:
		return fmt.Sprintf("%v %#08x", v.kind, v.low)
	case wasmer.TypeV128:
		return fmt.Sprintf("%v %#016x%016x", v.kind, v.high, v.low)
	case wasmer.TypeFuncRef:
		return [...]string{"no function", "a function"}[v.low]
	case wasmer.TypeExternRef:
		return fmt.Sprintf("externref %d", v.low)
	default:
		return fmt.Sprintf("%v %#016x", v.kind, v.low)
	}
}
