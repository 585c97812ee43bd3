package profile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// This file puts samples of guests into a profile of Go (the format is described in
// github.com/google/pprof/proto/profile.proto). Most of Go's profile is copied as it is: a message
// is a sequence of fields, so what is new follows what was there.

// Numbers of fields of profile.proto.
const (
	profileSample   = 2
	profileMapping  = 3
	profileLocation = 4
	profileFunction = 5
	profileStrings  = 6
	profilePeriod   = 12
	profileComment  = 13

	sampleLocation = 1
	sampleValue    = 2
	sampleLabel    = 3

	mappingID           = 1
	mappingStart        = 2
	mappingLimit        = 3
	mappingFilename     = 5
	mappingHasFunctions = 7 // and those of file names, lines, and inlined functions follow

	locationID      = 1
	locationMapping = 2
	locationAddress = 3
	locationLine    = 4

	lineFunction = 1
	lineLine     = 2
	lineColumn   = 3

	functionID         = 1
	functionName       = 2
	functionSystemName = 3
	functionFilename   = 4
)

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
		fiberPackage + ".run": true, fiberPackage + ".enterGuest": true,
		fiberPackage + ".resumeGuest": true,
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

// writer writes what a profile has beyond Go's.
type writer struct {
	base      *goProfile
	out       message
	interned  map[string]uint64
	functions map[[2]string]uint64
	mappings  map[*snapshot]uint64
	guests    map[*place]uint64
	hosts     map[uintptr]uint64
}

// merge returns the profile with the samples of guests in place of those that Go has taken at the
// same time, and with a comment, if it is not empty.
//
// How many samples there are is for Go to say: the engine's handler sees more signals than Go
// counts, as Go has timers for threads and one for the process, and tells in a way of its own which
// of them counts. So Go's samples with the same Go functions are divided among ours. That keeps
// their labels, too.
func merge(base *goProfile, stacks []*stack, comment string) message {
	w := &writer{
		base: base, out: slices.Clip(base.kept), interned: make(map[string]uint64),
		functions: make(map[[2]string]uint64), mappings: make(map[*snapshot]uint64),
		guests: make(map[*place]uint64), hosts: make(map[uintptr]uint64),
	}
	ours, theirs := make(map[string][]*stack), make(map[string][]*goSample)
	for _, s := range stacks {
		k := hostKey(s.host)
		ours[k] = append(ours[k], s)
	}
	for i := range base.samples {
		if s := &base.samples[i]; s.entry && len(s.values) == 2 {
			theirs[s.key] = append(theirs[s.key], s)
		} else {
			w.out = append(w.out, s.raw...)
		}
	}
	// Of these the other has none. It is so where a guest was entered by cgo, as our handler does not
	// know the Go functions then, and if Go saw some of the functions only.
	var aloneOurs []*stack
	var aloneTheirs []*goSample
	for _, k := range slices.Sorted(maps.Keys(theirs)) {
		if len(ours[k]) == 0 {
			aloneTheirs = append(aloneTheirs, theirs[k]...)
		} else {
			w.divide(theirs[k], ours[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(ours)) {
		if len(theirs[k]) == 0 {
			aloneOurs = append(aloneOurs, ours[k]...)
		}
	}
	w.divide(aloneTheirs, aloneOurs)
	if comment != "" {
		w.out.number(profileComment, w.string(comment))
	}
	return w.out
}

// divide writes samples of ours, as many as there are of Go, in place of those of Go. If there are
// fewer of ours, the others of Go stay.
func (w *writer) divide(theirs []*goSample, ours []*stack) {
	var want, have uint64
	for _, s := range theirs {
		want += s.values[0]
	}
	for _, s := range ours {
		have += s.count
	}
	for _, t := range theirs {
		count := t.values[0]
		share := count
		if have < want {
			share = count * have / want
		}
		var seen, given uint64
		for _, s := range ours {
			seen += s.count
			n := share*seen/have - given
			given += n
			w.sample(s, t, n, theirs)
		}
		w.write(t.locations, count-given, t.labels)
	}
}

// sample writes a sample of ours that takes the place of one of Go, of those that are divided.
func (w *writer) sample(s *stack, of *goSample, count uint64, divided []*goSample) {
	locations := w.guestLocations(s)
	for _, pc := range s.host {
		if id := w.host(pc); id != 0 {
			locations = append(locations, id)
		}
	}
	elsewhere := func(d *goSample) bool { return d.key != of.key }
	if len(s.host) == 0 && !slices.ContainsFunc(divided, elsewhere) {
		locations = append(locations, of.locations...) // it can have been called in one way only
	}
	w.write(locations, count, of.labels)
}

func (w *writer) guestLocations(s *stack) []uint64 {
	locations := make([]uint64, 0, len(s.guest)+len(s.host))
	for _, p := range s.guest {
		if len(p.frames) > 0 {
			locations = append(locations, w.guest(p))
		}
	}
	return locations
}

// write writes a sample, unless it counts for nothing.
func (w *writer) write(locations []uint64, count uint64, labels []byte) {
	if count == 0 {
		return
	}
	var m message
	m.packed(sampleLocation, locations)
	m.packed(sampleValue, []uint64{count, count * w.base.period})
	w.out.bytes(profileSample, append(m, labels...))
}

// host returns the location of a return address in Go's code, or 0 if it is none.
func (w *writer) host(pc uintptr) uint64 {
	if id, ok := w.hosts[pc]; ok {
		return id
	}
	var m message
	for f := range goFrames([]uintptr{pc}) {
		m.bytes(locationLine, w.line(f.Function, f.File, f.Line, 0))
	}
	id := uint64(0)
	if len(m) > 0 {
		address := uint64(pc) - 1
		of := uint64(0)
		for _, candidate := range w.base.mappings {
			if candidate.start <= address && address < candidate.limit {
				of = candidate.id
			}
		}
		id = w.location(of, address, m)
	}
	w.hosts[pc] = id
	return id
}

// guest returns the location of a place in a guest.
func (w *writer) guest(p *place) uint64 {
	if id, ok := w.guests[p]; ok {
		return id
	}
	var m message
	for _, f := range p.frames {
		m.bytes(locationLine, w.line(f.function, f.file, f.line, f.column))
	}
	id := w.location(w.mapping(p.of), uint64(p.pc), m)
	w.guests[p] = id
	return id
}

func (w *writer) location(mapping, address uint64, lines message) uint64 {
	w.base.locationID++
	var m message
	m.number(locationID, w.base.locationID)
	m.number(locationMapping, mapping)
	m.number(locationAddress, address)
	w.out.bytes(profileLocation, append(m, lines...))
	return w.base.locationID
}

func (w *writer) line(function, file string, line, column int) message {
	name := [2]string{function, file}
	id, ok := w.functions[name]
	if !ok {
		w.base.functionID++
		id = w.base.functionID
		w.functions[name] = id
		var m message
		m.number(functionID, id)
		m.number(functionName, w.string(function))
		m.number(functionSystemName, w.string(function))
		m.number(functionFilename, w.string(file))
		w.out.bytes(profileFunction, m)
	}
	var m message
	m.number(lineFunction, id)
	m.number(lineLine, uint64(max(line, 0)))
	m.number(lineColumn, uint64(max(column, 0)))
	return m
}

// mapping returns the mapping of a module's code, or 0 if the module is not known.
func (w *writer) mapping(of *snapshot) uint64 {
	if of == nil {
		return 0
	}
	if id, ok := w.mappings[of]; ok {
		return id
	}
	w.base.mappingID++
	id := w.base.mappingID
	w.mappings[of] = id
	name := "wasm"
	if of.name != "" {
		name = "wasm:" + of.name
	}
	var m message
	m.number(mappingID, id)
	m.number(mappingStart, uint64(of.low))
	m.number(mappingLimit, uint64(of.high))
	m.number(mappingFilename, w.string(name))
	for has := range 4 {
		m.number(mappingHasFunctions+has, 1)
	}
	w.out.bytes(profileMapping, m)
	return id
}

// string returns the index of a string. Those of guests may be no UTF-8.
func (w *writer) string(s string) uint64 {
	if s == "" {
		return 0
	}
	if index, ok := w.interned[s]; ok {
		return index
	}
	index := uint64(len(w.base.strings))
	w.base.strings = append(w.base.strings, s)
	w.interned[s] = index
	w.out.bytes(profileStrings, []byte(strings.ToValidUTF8(s, "?")))
	return index
}
