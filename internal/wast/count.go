package wast

import (
	"fmt"
	"maps"
	"slices"
)

// Counts is how many directives had which outcome.
type Counts struct {
	// Assertions and Commands are those that passed.
	Assertions, Commands int
	// Refused are those that need a proposal which is not supported, by its name.
	Refused map[string]int
	// Accepted are assertions that a module is refused which is valid.
	Accepted int
	// Failed are those that failed for other reasons.
	Failed int
}

// Count counts results.
func Count(results []Result) *Counts {
	c := &Counts{Refused: map[string]int{}}
	for _, result := range results {
		switch {
		case result.Outcome == Refused:
			c.Refused[result.Text]++
		case result.Outcome == Accepted:
			c.Accepted++
		case result.Outcome == Failed:
			c.Failed++
		case result.Assertion:
			c.Assertions++
		default:
			c.Commands++
		}
	}
	return c
}

// Add adds the counts of another script.
func (c *Counts) Add(other *Counts) {
	c.Assertions += other.Assertions
	c.Commands += other.Commands
	c.Accepted += other.Accepted
	c.Failed += other.Failed
	if c.Refused == nil {
		c.Refused = map[string]int{}
	}
	for proposal, count := range other.Refused {
		c.Refused[proposal] += count
	}
}

// Equal reports whether all numbers are the same.
func (c *Counts) Equal(other *Counts) bool {
	return c.Assertions == other.Assertions && c.Commands == other.Commands && c.Accepted == other.Accepted && c.Failed == other.Failed &&
		maps.Equal(c.Refused, other.Refused)
}

// String lists the counts: "12 assertions and 3 commands passed, 2 refused (garbage collection), 1
// failed".
func (c *Counts) String() string {
	text := fmt.Sprintf("%d assertions and %d commands passed", c.Assertions, c.Commands)
	for _, proposal := range slices.Sorted(maps.Keys(c.Refused)) {
		text += fmt.Sprintf(", %d refused (%s)", c.Refused[proposal], proposal)
	}
	if c.Accepted > 0 {
		text += fmt.Sprintf(", %d modules were accepted that had to be refused", c.Accepted)
	}
	if c.Failed > 0 {
		text += fmt.Sprintf(", %d failed", c.Failed)
	}
	return text
}
