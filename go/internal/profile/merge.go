package profile

import (
	"maps"
	"slices"
)

// This file puts samples of guests into a profile of Go. Most of that is copied as it is: a message
// is a sequence of fields, so what is new follows what was there.

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
	// Of these the other has none. It is so where a guest was entered by cgo, as our handler does
	// not know the Go functions then, and if Go saw some of the functions only.
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
