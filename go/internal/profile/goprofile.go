package profile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"

	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// This file reads profiles that package runtime/pprof has written.

// goProfile is a profile of Go.
type goProfile struct {
	kept      []byte // fields other than samples
	strings   []string
	functions map[uint64]string // their names
	locations map[uint64][]call
	mappings  []mapping
	samples   []goSample
	period    uint64

	// The largest identifiers.
	mappingID, locationID, functionID uint64
}

// call is a function and a line in it.
type call struct {
	function string
	line     uint64
}

type mapping struct{ id, start, limit uint64 }

type goSample struct {
	locations, values []uint64
	labels            []byte // fields of the sample
	raw               []byte // field of the profile
	entry             bool   // whether it was taken while a guest ran
	key               string // tells samples with the same Go functions
}

// parse reads a profile as package runtime/pprof writes it.
func parse(compressed []byte) (*goProfile, error) {
	unzip, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(unzip)
	if err != nil {
		return nil, err
	}
	p := &goProfile{functions: make(map[uint64]string), locations: make(map[uint64][]call)}
	var functions, locations [][]byte // whose strings may come later
	err = eachField(content, func(f field) error {
		switch f.number {
		case profileSample:
			s := goSample{raw: f.raw}
			p.samples = append(p.samples, s)
			return p.samples[len(p.samples)-1].parse(f.bytes)
		case profileMapping:
			m, err := parseMapping(f.bytes)
			p.mappings = append(p.mappings, m)
			p.mappingID = max(p.mappingID, m.id)
			p.kept = append(p.kept, f.raw...)
			return err
		case profileLocation:
			locations = append(locations, f.bytes)
		case profileFunction:
			functions = append(functions, f.bytes)
		case profileStrings:
			p.strings = append(p.strings, string(f.bytes))
		case profilePeriod:
			p.period = f.value
		}
		p.kept = append(p.kept, f.raw...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, f := range functions {
		if err := p.parseFunction(f); err != nil {
			return nil, err
		}
	}
	for _, l := range locations {
		if err := p.parseLocation(l); err != nil {
			return nil, err
		}
	}
	for i := range p.samples {
		p.recognize(&p.samples[i])
	}
	return p, nil
}

func (s *goSample) parse(content []byte) error {
	return eachField(content, func(f field) (err error) {
		switch f.number {
		case sampleLocation:
			s.locations, err = f.appendNumbers(s.locations)
		case sampleValue:
			s.values, err = f.appendNumbers(s.values)
		case sampleLabel:
			s.labels = append(s.labels, f.raw...)
		}
		return err
	})
}

func parseMapping(content []byte) (m mapping, err error) {
	err = eachField(content, func(f field) error {
		switch f.number {
		case mappingID:
			m.id = f.value
		case mappingStart:
			m.start = f.value
		case mappingLimit:
			m.limit = f.value
		}
		return nil
	})
	return m, err
}

func (p *goProfile) parseFunction(content []byte) error {
	var id, name uint64
	err := eachField(content, func(f field) error {
		switch f.number {
		case functionID:
			id = f.value
		case functionName:
			name = f.value
		}
		return nil
	})
	if err != nil || name >= uint64(len(p.strings)) {
		return errDamaged
	}
	p.functions[id] = p.strings[name]
	p.functionID = max(p.functionID, id)
	return nil
}

func (p *goProfile) parseLocation(content []byte) error {
	var id uint64
	var calls []call
	err := eachField(content, func(f field) error {
		switch f.number {
		case locationID:
			id = f.value
		case locationLine:
			var function, line uint64
			err := eachField(f.bytes, func(f field) error {
				switch f.number {
				case lineFunction:
					function = f.value
				case lineLine:
					line = f.value
				}
				return nil
			})
			calls = append(calls, call{p.functions[function], line})
			return err
		}
		return nil
	})
	p.locations[id] = calls
	p.locationID = max(p.locationID, id)
	return err
}

// Functions of Go that enter guests.
var (
	fiberPackage  = reflect.TypeFor[fiber.Fiber]().PkgPath()
	engineOf      = strings.TrimSuffix(fiberPackage, "fiber")
	entryFunction = map[string]bool{
		fiberPackage + ".run": true, fiberPackage + ".callOwned": true,
		fiberPackage + ".enterGuest": true, fiberPackage + ".resumeGuest": true,
	}
	// Without a processor of Go, and by cgo.
	entryCallers = map[string]bool{
		engineOf + "image.EnterGuest": true, engineOf + "image.ResumeGuest": true,
		engineOf + "engine.Enter": true, engineOf + "engine.Resume": true,
	}
)

// innermost is how many of the Go functions that called a guest tell samples apart, and how far
// inside an entry by cgo is looked for.
const innermost = 12

// recognize notes whether a sample was taken while a guest ran.
func (p *goProfile) recognize(s *goSample) {
	var calls []call
	for _, id := range s.locations {
		if calls = append(calls, p.locations[id]...); len(calls) > 2*innermost {
			break
		}
	}
	for i, c := range calls[:min(len(calls), innermost)] {
		if i == 0 && entryFunction[c.function] || entryCallers[c.function] {
			s.entry, s.key = true, key(calls[i+1:])
			return
		}
	}
}

// hostKey returns the key of a stack of ours.
func hostKey(host []uintptr) string {
	var calls []call
	entered := false
	for f := range goFrames(host) {
		if entered {
			calls = append(calls, call{f.Function, uint64(f.Line)})
		}
		entered = entered || entryFunction[f.Function] || entryCallers[f.Function]
	}
	return key(calls)
}

// key returns what a sample of Go and one of ours have in common: the innermost of the functions
// that called the one that enters guests. In that they are at different instructions.
func key(calls []call) string {
	var all strings.Builder
	for _, c := range calls[:min(len(calls), innermost)] {
		fmt.Fprintf(&all, "%s:%d\n", c.function, c.line)
	}
	return all.String()
}

// goFrames yields the functions of a stack of return addresses, innermost first, as package
// runtime/pprof writes them.
func goFrames(host []uintptr) func(func(runtime.Frame) bool) {
	return func(yield func(runtime.Frame) bool) {
		if len(host) == 0 {
			return
		}
		frames := runtime.CallersFrames(host)
		for {
			frame, more := frames.Next()
			if frame.Function == "runtime.goexit" || frame.PC != 0 && !yield(frame) || !more {
				return
			}
		}
	}
}
