package wasmer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gowasmer/wasmer/go/internal/core"
)

// This file finds which exported functions have a name like one that there is not.

const (
	nearNames     = 3    // that are listed
	nearCompared  = 1000 // exports that are looked at
	longestToEdit = 100  // bytes of names that are compared by the edits between them
)

// noFunction returns the error that an instance exports no function of a name.
func noFunction(s *core.Instance, name string) error {
	text := "the instance exports no function of this name"
	for i := range s.About().Exports {
		if export := &s.About().Exports[i]; export.Name == name {
			return fmt.Errorf("%s, but a %v", text, kindFromEngine(export.Type.Kind))
		}
	}
	near := near(s, name)
	if len(near) == 0 {
		return errors.New(text)
	}
	for i, name := range near {
		near[i] = fmt.Sprintf("%q", name)
	}
	last := len(near) - 1
	if last > 0 {
		near = []string{strings.Join(near[:last], ", ") + " or " + near[last]}
	}
	return fmt.Errorf("%s; did you mean %s?", text, near[0])
}

// near returns the names of exported functions that are near to one, the nearest first.
func near(s *core.Instance, name string) []string {
	if len(name) > longestToEdit {
		return nil
	}
	var names [nearNames]string
	var distances [nearNames]int
	n := 0
	functions := s.Functions()
	for i := range functions[:min(len(functions), nearCompared)] {
		other := functions[i].Name()
		if len(other) > longestToEdit {
			continue
		}
		distance := edits(strings.ToLower(name), strings.ToLower(other))
		longer := max(len(name), len(other))
		if distance > max(longer/3, 1) || distance == longer {
			continue
		}
		at := n
		for at > 0 && distances[at-1] > distance {
			at--
		}
		if at == nearNames {
			continue
		}
		n = min(n+1, nearNames)
		copy(names[at+1:n], names[at:])
		copy(distances[at+1:n], distances[at:])
		names[at], distances[at] = other, distance
	}
	return append([]string(nil), names[:n]...)
}

// edits returns how many bytes have to be added, removed or replaced to make one text the other.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			next := diagonal
			if a[i] != b[j] {
				next = min(diagonal, row[j], row[j+1]) + 1
			}
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
