package tests

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Turning legacy exceptions into those of WebAssembly 3.0, as text. A try becomes
//
//	block $end
//	  block $handler1 (result i32)  ;; one for each handler, the last one outermost
//	    try_table (catch $tag $handler1)
//	      ... the body
//	    end
//	    br $end
//	  end
//	  ... the handler
//	end
//
// A handler that throws its exception again keeps it in a local. What delegates to a try branches
// with the exception to the end of a block around the body, which is followed by throw_ref.

// A standardizer turns one function after the other.
type standardizer struct {
	t      testing.TB
	tags   map[string]string // the types of the parameters
	types  map[string]string // the parameters of types
	count  int
	locals string
	frames []*labelled
}

// labelled is what a branch can name.
type labelled struct {
	label     string // as the text says, or nothing
	name      string
	try       bool // whether this is the body of a try
	rethrown  bool // whether what the handler has caught is thrown again
	delegated bool // whether something delegates to it
}

// standard turns all functions of a module.
func standard(t testing.TB, module string) string {
	s := &standardizer{t: t, tags: map[string]string{}, types: map[string]string{}}
	fields, rest := s.list(tokens(module))
	if len(rest) > 0 {
		t.Fatalf("after the module: %q", rest)
	}
	var out strings.Builder
	out.WriteString("(module\n")
	for _, field := range fields[1:] {
		parts, _ := s.list(tokens(field))
		switch parts[0] {
		case "tag":
			s.tags[parts[1]] = group(parts, "param")
		case "type":
			inner, _ := s.list(tokens(parts[2]))
			s.types[parts[1]] = group(inner, "param")
		case "func":
			field = s.function(parts)
		}
		out.WriteString(field + "\n")
	}
	return out.String() + ")"
}

// group returns what follows a keyword in parentheses.
func group(parts []string, keyword string) string {
	for _, part := range parts {
		if text, ok := strings.CutPrefix(part, "("+keyword+" "); ok {
			return strings.TrimSuffix(text, ")")
		}
	}
	return ""
}

// tokens cuts a text at white space, parentheses and comments. There are no blanks in strings.
func tokens(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, ";;")
		line = strings.NewReplacer("(", " ( ", ")", " ) ").Replace(line)
		out = append(out, strings.Fields(line)...)
	}
	return out
}

// list cuts what is in the parentheses at the beginning into atoms and groups.
func (s *standardizer) list(in []string) (parts, rest []string) {
	for in = in[1:]; in[0] != ")"; {
		if in[0] != "(" {
			parts, in = append(parts, in[0]), in[1:]
			continue
		}
		inner, after := s.list(in)
		parts, in = append(parts, "("+strings.Join(inner, " ")+")"), after
	}
	return parts, in[1:]
}

func (s *standardizer) function(parts []string) string {
	body := slices.IndexFunc(parts[1:], func(part string) bool { return part[0] != '(' && part[0] != '$' }) + 1
	if body == 0 {
		body = len(parts)
	}
	s.locals = ""
	all := &labelled{name: s.name("function"), try: true}
	s.frames = []*labelled{all}
	text, rest, end := s.body(parts[body:])
	if end != "" || len(rest) > 0 {
		s.t.Fatalf("the body of %v ends with %s %q", parts[:body], end, rest)
	}
	if all.delegated {
		text = fmt.Sprintf("block %s.thrown (result exnref)\n%s return end throw_ref", all.name, text)
	}
	return "(" + strings.Join(parts[:body], " ") + s.locals + "\n" + text + ")"
}

func (s *standardizer) name(what string) string {
	s.count++
	return fmt.Sprintf("$%s%d", what, s.count)
}

// find returns what a label or a depth names, and how many frames are open outside of it.
func (s *standardizer) find(label string) (*labelled, int) {
	depth, err := strconv.Atoi(label)
	for i, frame := range slices.Backward(s.frames) {
		if err == nil && depth == len(s.frames)-1-i || err != nil && frame.label == label {
			return frame, i
		}
	}
	s.t.Fatalf("no label %s", label)
	return nil, 0
}

// body turns what stands before the end of a frame, or the next handler, and says what ends it.
func (s *standardizer) body(in []string) (text string, rest []string, end string) {
	var out strings.Builder
	for len(in) > 0 {
		word := in[0]
		in = in[1:]
		switch word {
		case "end", "catch", "catch_all", "delegate":
			return out.String(), in, word
		case "try":
			text, in = s.try(in)
			out.WriteString(text)
		case "block", "loop", "if":
			frame := &labelled{name: s.name(word)}
			var ty string
			frame.label, ty, in = opening(in)
			s.frames = append(s.frames, frame)
			text, in, _ = s.body(in)
			s.frames = s.frames[:len(s.frames)-1]
			fmt.Fprintf(&out, "%s %s %s\n%send\n", word, frame.name, ty, text)
		case "br", "br_if", "br_table":
			out.WriteString(word)
			for len(in) > 0 && (in[0][0] == '$' || in[0][0] >= '0' && in[0][0] <= '9') {
				frame, _ := s.find(in[0])
				out.WriteString(" " + frame.name)
				in = in[1:]
			}
			out.WriteString("\n")
		case "rethrow":
			frame, _ := s.find(in[0])
			frame.rethrown = true
			fmt.Fprintf(&out, "local.get %s.caught throw_ref\n", frame.name)
			in = in[1:]
		default:
			out.WriteString(word + "\n")
		}
	}
	return out.String(), nil, ""
}

// opening reads the label and the type of a block.
func opening(in []string) (label, ty string, rest []string) {
	if in[0][0] == '$' {
		label, in = in[0], in[1:]
	}
	if strings.HasPrefix(in[0], "(result") || strings.HasPrefix(in[0], "(type") {
		ty, in = in[0], in[1:]
	}
	return label, ty, in
}

func (s *standardizer) try(in []string) (text string, rest []string) {
	frame := &labelled{name: s.name("try"), try: true}
	var ty string
	frame.label, ty, in = opening(in)
	params := ""
	if name, ok := strings.CutPrefix(ty, "(type "); ok {
		params = "(param " + s.types[strings.TrimSuffix(name, ")")] + ")"
	}
	s.frames = append(s.frames, frame)
	body, in, end := s.body(in)
	if frame.delegated {
		body = fmt.Sprintf("block %s.thrown %s (result exnref)\n%sbr %s\nend throw_ref\n", frame.name, params, body, frame.name)
	}
	frame.try = false

	var clauses, blocks, handlers string
	for i := 0; end == "catch" || end == "catch_all"; i++ {
		clause, types := end, ""
		if end == "catch" {
			clause, types, in = end+" "+in[0], s.tags[in[0]], in[1:]
		}
		frame.rethrown = false
		var handler string
		handler, in, end = s.body(in)
		if frame.rethrown {
			word, tag, _ := strings.Cut(clause, " ")
			clause, types = word+"_ref "+tag, types+" exnref"
			handler = fmt.Sprintf("local.set %s.caught\n%s", frame.name, handler)
			if local := fmt.Sprintf(" (local %s.caught exnref)", frame.name); !strings.Contains(s.locals, local) {
				s.locals += local
			}
		}
		block := fmt.Sprintf("%s.handler%d", frame.name, i)
		blocks = fmt.Sprintf("block %s %s (result %s)\n", block, params, types) + blocks
		clauses += fmt.Sprintf(" (%s %s)", clause, block)
		handlers += fmt.Sprintf("br %s\nend\n%s", frame.name, handler)
	}
	s.frames = s.frames[:len(s.frames)-1]
	if end == "delegate" {
		_, at := s.find(in[0])
		for !s.frames[at].try {
			at--
		}
		to := s.frames[at]
		to.delegated, in = true, in[1:]
		blocks = fmt.Sprintf("block %s.delegate %s (result exnref)\n", frame.name, params)
		clauses = fmt.Sprintf(" (catch_all_ref %s.delegate)", frame.name)
		handlers = fmt.Sprintf("br %s\nend\nbr %s.thrown\n", frame.name, to.name)
	}
	return fmt.Sprintf("block %s %s\n%stry_table %s%s\n%send\n%send\n", frame.name, ty, blocks, ty, clauses, body, handlers), in
}
