package main

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// Help of a command is the same by all ways, lists all of its options, and fits the terminal.
func TestHelp(t *testing.T) {
	texts := map[string]string{"": mainHelp()}
	for _, c := range commands() {
		text := commandHelp(c)
		texts[c.name] = text
		for _, line := range []string{"help " + c.name, c.name + " --help", c.name + " -h"} {
			if stdout, stderr, code := execute(t, nil, strings.Fields(line)...); stdout != text || stderr != "" || code != exitOK {
				t.Errorf("gowasmer %s: exit code %d, stdout\n%s\nstderr %q", line, code, stdout, stderr)
			}
		}
		if !strings.HasPrefix(text, "Usage:\n  gowasmer "+c.name) {
			t.Errorf("the help of %s begins without a synopsis:\n%s", c.name, text)
		}
		for _, o := range c.options(new(settings)) {
			if !strings.Contains(text, "\n  "+o.head()+"  ") {
				t.Errorf("the help of %s lacks %s", c.name, o.head())
			}
		}
		if !strings.Contains(texts[""], "\n  "+c.name+" ") {
			t.Errorf("the main help lacks %s", c.name)
		}
	}
	for name, text := range texts {
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("help %s: a line has %d columns, expected 80 at most: %q", name, n, line)
			}
		}
	}
	if n := strings.Count(texts[""], "\n"); n > 24 {
		t.Errorf("the main help has %d lines, expected a screen, 24, at most", n)
	}
	for _, part := range []string{"GOWASMER_PERF=1", "/tmp/perf-PID.map"} {
		if !strings.Contains(texts[""], part) || !strings.Contains(texts["run"], part) {
			t.Errorf("the help lacks %s", part)
		}
	}
}

func TestSuggestions(t *testing.T) {
	for _, test := range []struct{ line, stderr string }{
		{"rnu", `unknown command "rnu"; did you mean run?`},
		{"comp", `unknown command "comp"; did you mean compile?`},
		{"vlidate x", `unknown command "vlidate"; did you mean validate?`},
		{"help inspekt", `unknown command "inspekt"; did you mean inspect?`},
		{"help walk", `unknown command "walk"; try gowasmer help`},
		{"help run call", `help takes one COMMAND, given 2 arguments`},
		{"run --tiemout=5s x", `run: unknown option "--tiemout"; did you mean --timeout?`},
		{"run --dirs / x", `run: unknown option "--dirs"; did you mean --dir?`},
		{"run --trace x", `run: unknown option "--trace"; did you mean --trace-host-calls?`},
		{"run ---dir / x", `run: unknown option "---dir"; did you mean --dir?`},
		{"run -= x", `run: unknown option "-"; try gowasmer help run`},
		{"run --wonderful x", `run: unknown option "--wonderful"; try gowasmer help run`},
		{"inspect --max-memory=1M x", `inspect: unknown option "--max-memory"; try gowasmer help inspect`},
		{"inspect x --proposal", `inspect: unknown option "--proposal"; did you mean --proposals?`},
		{"compile --output x", `compile: unknown option "--output"`},
		{"run --timeout", `run: --timeout must be followed by its value, DURATION`},
		{"version --all", `version: unknown option "--all"; try gowasmer help version`},
	} {
		stdout, stderr, code := execute(t, nil, strings.Fields(test.line)...)
		if stdout != "" || code != exitUsage || !strings.HasPrefix(stderr, "gowasmer: "+test.stderr) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("gowasmer %s: exit code %d, stdout %q, stderr %q, expected %q", test.line, code, stdout, stderr, test.stderr)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b     string
		distance int
	}{{"", "", 0}, {"abc", "abc", 0}, {"abc", "", 3}, {"", "ab", 2}, {"abc", "acb", 1}, {"abc", "xbc", 1}, {"abc", "abcd", 1}, {"kitten", "sitting", 3}} {
		if d := distance(test.a, test.b); d != test.distance {
			t.Errorf("distance(%q, %q) = %d, expected %d", test.a, test.b, d, test.distance)
		}
		if d := distance(test.b, test.a); d != test.distance {
			t.Errorf("distance(%q, %q) = %d, expected %d", test.b, test.a, d, test.distance)
		}
	}
}
