package profile

import "strings"

// This file writes the parts of a profile: samples, locations, functions, mappings, strings.

// Numbers of fields (github.com/google/pprof/proto/profile.proto).
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
