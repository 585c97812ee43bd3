package wast

import (
	"fmt"

	"github.com/gowasmer/wasmer/go/wasmer"
	"github.com/gowasmer/wasmer/internal/wire"
)

// DirectiveKind says what a directive of a script asks for; the numbers are those of
// rust/suite/src/script.rs.
type DirectiveKind uint8

// The kinds of directives.
const (
	// DirectiveModule: instantiate a module, which becomes the newest instance.
	DirectiveModule DirectiveKind = iota
	// DirectiveDefinition: define a module without instantiating it.
	DirectiveDefinition
	// DirectiveInstance: instantiate a module that was defined.
	DirectiveInstance
	// DirectiveRegister: offer the exports of an instance as imports.
	DirectiveRegister
	// DirectiveInvoke: act, whatever the results.
	DirectiveInvoke
	// AssertReturn: the results of an action match patterns.
	AssertReturn
	// AssertTrap: an action traps.
	AssertTrap
	// AssertExhaustion: an action uses the stack up.
	AssertExhaustion
	// AssertMalformed: a module cannot be read.
	AssertMalformed
	// AssertInvalid: a module is not valid.
	AssertInvalid
	// AssertUnlinkable: a module cannot be linked.
	AssertUnlinkable
	// AssertException: an action ends with an exception.
	AssertException
	// AssertSuspension: an action ends with a suspension that nobody handles.
	AssertSuspension
	// DirectiveUnsupported: a directive of a proposal that is not supported.
	DirectiveUnsupported

	directiveKinds
)

// Script is a specification script.
type Script struct {
	// Directives are in the order of the text.
	Directives []Directive
}

// Directive is one step of a script; which fields hold something depends on Kind.
type Directive struct {
	// Kind says what it asks for.
	Kind DirectiveKind
	// Line is where it stands, counted from 1.
	Line int
	// Name is that of a module, of an instance or, of a registration, the namespace; empty for
	// none.
	Name string
	// Of is the definition that is instantiated, or the instance that is registered; empty for the
	// newest.
	Of string
	// Module is the one that is instantiated, defined or refused.
	Module ScriptModule
	// Action is what an assertion is about.
	Action Action
	// Patterns are what results must match.
	Patterns []Pattern
	// Message is the expected reason of a failure, or the name of a directive that is not
	// supported.
	Message string
	// Assertion says of DirectiveUnsupported whether it is an assertion.
	Assertion bool
}

// IsAssertion reports whether the name of the directive begins with assert.
func (d *Directive) IsAssertion() bool {
	return d.Kind >= AssertReturn && d.Kind <= AssertSuspension || d.Kind == DirectiveUnsupported && d.Assertion
}

// ScriptModule is a module of a script.
type ScriptModule struct {
	// Bytes are the binary format, nil if there is an Error.
	Bytes []byte
	// Error says why its text cannot be translated.
	Error string
}

// ActionKind says what an action does.
type ActionKind uint8

// The kinds of actions.
const (
	// ActionInvoke calls a function.
	ActionInvoke ActionKind = iota
	// ActionGet reads a global.
	ActionGet
	// ActionInstantiate makes an instance.
	ActionInstantiate
)

// Action is what a script lets an instance do.
type Action struct {
	// Kind says what.
	Kind ActionKind
	// Instance is the name of the instance, empty for the newest.
	Instance string
	// Name is that of the export.
	Name string
	// Arguments are those of a call.
	Arguments []Literal
	// Module is the one to instantiate.
	Module ScriptModule
}

// Literal is a value in a script.
type Literal struct {
	// Type is its type.
	Type wasmer.ValueType
	// Bits are those of a number; a v128 has its upper half in High.
	Bits, High uint64
	// Null says of a reference that it is null; otherwise Bits is the number of an external value.
	Null bool
	// Other is a value of a type that is not supported, in words.
	Other string
}

// PatternKind says what a result must be.
type PatternKind uint8

// The kinds of patterns, and of values.
const (
	// PatternI32, PatternI64, PatternF32, PatternF64 and PatternV128: a number of this type.
	PatternI32 PatternKind = iota
	PatternI64
	PatternF32
	PatternF64
	PatternV128
	// PatternNull: a null reference, of Type if HasType.
	PatternNull
	// PatternExtern: an external reference, to the value of number Bits if HasNumber.
	PatternExtern
	// PatternFunc: a reference to any function.
	PatternFunc
	// PatternEither: what one of Cases matches.
	PatternEither
	// PatternOther: a value of a type that is not supported.
	PatternOther
)

// Pattern is what a result must be.
type Pattern struct {
	// Kind says what it is about.
	Kind PatternKind
	// Type is that of the number, or of the null reference if HasType.
	Type    wasmer.ValueType
	HasType bool
	// Lanes are the parts of a v128 in their order; any other number has one.
	Lanes []Lane
	// Number is that of the external value, if HasNumber.
	Number    uint32
	HasNumber bool
	// Cases are the patterns to choose from.
	Cases []Pattern
	// Other says in words what is not supported.
	Other string
}

// NaN says which values a lane of floats stands for.
type NaN uint8

// What floats can be asked to be.
const (
	// NaNNot: exactly the bits.
	NaNNot NaN = iota
	// NaNCanonical: only the highest bit of the fraction is set, whatever the sign.
	NaNCanonical
	// NaNArithmetic: the highest bit of the fraction is set, whatever the others.
	NaNArithmetic
)

// Lane is a number that must be met.
type Lane struct {
	// Width is its size in bytes.
	Width int
	// Bits are those that it must have, unless NaN says that it is one.
	Bits uint64
	NaN  NaN
}

const scriptVersion = 1

// maxPatternDepth is more than the parser of scripts allows to be nested.
const maxPatternDepth = 200

// floatLanes marks the width of a lane as that of a float.
const floatLanes = 16

// Decode reads a script in the encoding that rust/suite/src/script.rs defines. The modules in it
// are in the binary format, those that are quoted too; what is wrong with their texts is part of
// the result.
func Decode(encoded []byte) (*Script, error) {
	r := &reader{wire.NewReader(encoded)}
	if version := r.U32(); version != scriptVersion && !r.Failed() {
		r.Fail("version %d, expected %d", version, scriptVersion)
	}
	s := &Script{Directives: make([]Directive, r.Count(10))}
	for i := range s.Directives {
		r.directive(&s.Directives[i])
		if r.Failed() {
			break
		}
	}
	return s, r.End("script")
}

// reader reads the parts of scripts.
type reader struct{ *wire.Reader }

func (r *reader) directive(d *Directive) {
	d.Kind, d.Line = DirectiveKind(r.U8()), int(r.U32())
	switch d.Kind {
	case DirectiveModule, DirectiveDefinition:
		d.Name = r.Str()
		r.module(&d.Module)
	case DirectiveInstance, DirectiveRegister:
		d.Name, d.Of = r.Str(), r.Str()
	case DirectiveInvoke, AssertException:
		r.action(&d.Action)
	case AssertReturn:
		r.action(&d.Action)
		d.Patterns = r.patterns(0)
	case AssertTrap, AssertExhaustion, AssertSuspension:
		r.action(&d.Action)
		d.Message = r.Str()
	case AssertMalformed, AssertInvalid, AssertUnlinkable:
		r.module(&d.Module)
		d.Message = r.Str()
	case DirectiveUnsupported:
		d.Assertion, d.Message = r.U8() != 0, r.Str()
	default:
		r.Fail("unknown kind %d of a directive, expected less than %d", d.Kind, directiveKinds)
	}
}

func (r *reader) module(m *ScriptModule) {
	if r.U8() == 0 {
		m.Error = r.Str()
		return
	}
	m.Bytes = r.Take(int(r.U32()))
}

func (r *reader) action(a *Action) {
	a.Kind, a.Instance = ActionKind(r.U8()), r.Str()
	switch a.Kind {
	case ActionInvoke:
		a.Name = r.Str()
		a.Arguments = make([]Literal, r.Count(5))
		for i := range a.Arguments {
			r.literal(&a.Arguments[i])
		}
	case ActionGet:
		a.Name = r.Str()
	case ActionInstantiate:
		r.module(&a.Module)
	default:
		r.Fail("unknown kind %d of an action", a.Kind)
	}
}

func (r *reader) literal(l *Literal) {
	switch kind := PatternKind(r.U8()); kind {
	case PatternI32, PatternF32:
		l.Type, l.Bits = numberTypes[kind], uint64(r.U32())
	case PatternI64, PatternF64:
		l.Type, l.Bits = numberTypes[kind], r.U64()
	case PatternV128:
		l.Type, l.Bits, l.High = wasmer.TypeV128, r.U64(), r.U64()
	case PatternNull:
		name := r.Str()
		t, ok := heapTypes[name]
		if l.Type, l.Null = t, true; !ok {
			l.Other = "null reference to " + name
		}
	case PatternExtern:
		l.Type, l.Bits = wasmer.TypeExternRef, uint64(r.U32())
	case PatternOther:
		l.Other = r.Str()
	default:
		r.Fail("unknown kind %d of a value", kind)
	}
}

// numberTypes are the types of numbers.
var numberTypes = [...]wasmer.ValueType{wasmer.TypeI32, wasmer.TypeI64, wasmer.TypeF32, wasmer.TypeF64, wasmer.TypeV128}

// heapTypes are the types of references by those that they refer to; a null reference to a bottom
// type is one of each above it.
var heapTypes = map[string]wasmer.ValueType{"func": wasmer.TypeFuncRef, "nofunc": wasmer.TypeFuncRef, "extern": wasmer.TypeExternRef, "noextern": wasmer.TypeExternRef}

func (r *reader) patterns(depth int) []Pattern {
	patterns := make([]Pattern, r.Count(1))
	for i := range patterns {
		r.pattern(&patterns[i], depth)
	}
	return patterns
}

func (r *reader) pattern(p *Pattern, depth int) {
	p.Kind = PatternKind(r.U8())
	switch p.Kind {
	case PatternI32:
		p.number(Lane{Width: 4, Bits: uint64(r.U32())})
	case PatternI64:
		p.number(Lane{Width: 8, Bits: r.U64()})
	case PatternF32:
		p.number(r.float(4))
	case PatternF64:
		p.number(r.float(8))
	case PatternV128:
		p.number(r.lanes()...)
	case PatternNull:
		name := r.Str()
		if p.Type, p.HasType = heapTypes[name]; !p.HasType && name != "" {
			p.Kind, p.Other = PatternOther, "null reference to "+name
		}
	case PatternExtern:
		p.HasNumber, p.Number = r.U8() != 0, r.U32()
	case PatternFunc:
	case PatternEither:
		if depth == maxPatternDepth {
			r.Fail("patterns are nested deeper than %d", maxPatternDepth)
			return
		}
		p.Cases = r.patterns(depth + 1)
	case PatternOther:
		p.Other = r.Str()
	default:
		r.Fail("unknown kind %d of a pattern", p.Kind)
	}
}

func (p *Pattern) number(lanes ...Lane) {
	p.Type, p.HasType, p.Lanes = numberTypes[p.Kind], true, lanes
}

func (r *reader) lanes() []Lane {
	width := r.U8()
	isFloat := width >= floatLanes
	width &^= floatLanes
	switch {
	case width == 4, width == 8, !isFloat && (width == 1 || width == 2):
	default:
		r.Fail("lanes of %d bytes, floats %t", width, isFloat)
		return nil
	}
	lanes := make([]Lane, 16/width)
	for i := range lanes {
		if isFloat {
			lanes[i] = r.float(int(width))
			continue
		}
		lanes[i].Width = int(width)
		for at, b := range r.Take(int(width)) {
			lanes[i].Bits |= uint64(b) << (8 * at)
		}
	}
	return lanes
}

func (r *reader) float(width int) Lane {
	lane := Lane{Width: width, NaN: NaN(r.U8())}
	switch {
	case lane.NaN > NaNArithmetic:
		r.Fail("unknown kind %d of a float", lane.NaN)
	case lane.NaN != NaNNot:
	case width == 4:
		lane.Bits = uint64(r.U32())
	default:
		lane.Bits = r.U64()
	}
	return lane
}

// String returns the name of the directive in scripts.
func (k DirectiveKind) String() string {
	names := [directiveKinds]string{
		"module", "module definition", "module instance", "register", "invoke", "assert_return", "assert_trap", "assert_exhaustion",
		"assert_malformed", "assert_invalid", "assert_unlinkable", "assert_exception", "assert_suspension", "directive that is not supported",
	}
	if k < directiveKinds {
		return names[k]
	}
	return fmt.Sprintf("DirectiveKind(%d)", uint8(k))
}
