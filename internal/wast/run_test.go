package wast

import (
	"context"
	"strings"
	"testing"
)

// script reads a script of testdata/spec.
func script(t *testing.T, name string) *Script {
	t.Helper()
	script, err := Decode(encoded(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return script
}

// TestFailuresAreNoticed shows directives to the runner that fail, behind a module; it must say so
// of each. Modules that have to be refused are accepted.
func TestFailuresAreNoticed(t *testing.T) {
	script := script(t, "failures")
	results, err := Run(context.Background(), script, Options{Whole: true})
	if err != nil || len(results) < 30 || results[0].Outcome != Passed {
		t.Fatalf("%v, %+v", err, results)
	}
	for i, result := range results[1:] {
		expected := Failed
		if kind := script.Directives[i+1].Kind; kind == AssertInvalid || kind == AssertMalformed {
			expected = Accepted
		}
		if result.Outcome != expected || result.Line != 9+i || result.Text == "" {
			t.Errorf("expected outcome %d in line %d, got %+v", expected, 9+i, result)
		}
	}
}

// TestRefusals counts all that a refused module would have been needed for.
func TestRefusals(t *testing.T) {
	for whole, expected := range map[bool]Counts{
		false: {Assertions: 1, Commands: 1, Refused: map[string]int{"garbage collection": 8}},
		true:  {Assertions: 2, Commands: 1, Refused: map[string]int{"garbage collection": 7}},
	} {
		results, err := Run(context.Background(), script(t, "refusals"), Options{Whole: whole})
		if err != nil {
			t.Fatal(err)
		}
		if counts := Count(results); !counts.Equal(&expected) {
			t.Errorf("whole %t: expected %v, got %v: %+v", whole, &expected, counts, results)
		}
	}
}

// TestOutput reads what the functions of module spectest print, and runs with a context that is
// done.
func TestOutput(t *testing.T) {
	var output strings.Builder
	results, err := Run(context.Background(), script(t, "output"), Options{Output: &output})
	if err != nil || results[0].Text+results[1].Text != "" || output.String() != "-5 : i32, 0.500000 : f32\n\n" {
		t.Errorf("%+v, %v, output %q", results, err, output.String())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if results, err := Run(ctx, script(t, "output"), Options{}); err != context.Canceled {
		t.Errorf("a context that is done: %v, %v", results, err)
	}
}
