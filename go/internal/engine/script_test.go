//go:build linux && amd64

package engine

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

func golden(t *testing.T) (text, encoded []byte) {
	t.Helper()
	text, err := os.ReadFile("../../../testdata/spec/encoding.wast")
	if err != nil {
		t.Fatal(err)
	}
	encoded, err = os.ReadFile("../../../testdata/spec/encoding.bin")
	if err != nil {
		t.Fatal(err)
	}
	return text, encoded
}

// dump writes a directive so that a test can compare it.
func dump(d *Directive) string {
	text := fmt.Sprintf("%d %v", d.Line, d.Kind)
	for _, name := range []string{d.Name, d.Of, d.Message} {
		if name != "" {
			text += fmt.Sprintf(" %q", name)
		}
	}
	for _, m := range []ScriptModule{d.Module, d.Action.Module} {
		switch {
		case m.Error != "":
			text += " " + m.Error
		case m.Bytes != nil:
			text += fmt.Sprintf(" %d bytes", len(m.Bytes))
		}
	}
	if a := d.Action; a.Name != "" {
		text += fmt.Sprintf(" %d %s.%s", a.Kind, a.Instance, a.Name)
		for _, l := range a.Arguments {
			text += fmt.Sprintf(" %v:%x:%x:%t:%s", l.Type, l.Bits, l.High, l.Null, l.Other)
		}
	}
	for i := range d.Patterns {
		text += " = " + dumpPattern(&d.Patterns[i])
	}
	if d.IsAssertion() {
		text += " !"
	}
	return text
}

func dumpPattern(p *Pattern) string {
	text := fmt.Sprint(p.Kind)
	if p.HasType {
		text += " " + p.Type.String()
	}
	for _, lane := range p.Lanes {
		text += fmt.Sprintf(" %d:%x:%d", lane.Width, lane.Bits, lane.NaN)
	}
	if p.HasNumber {
		text += fmt.Sprintf(" %d", p.Number)
	}
	for i := range p.Cases {
		text += " (" + dumpPattern(&p.Cases[i]) + ")"
	}
	return text + p.Other
}

func TestScriptsAreDecoded(t *testing.T) {
	text, encoded := golden(t)
	converted, err := ConvertScript(text)
	if err != nil || !bytes.Equal(converted, encoded) {
		t.Fatalf("the library does not encode as testdata/spec/encoding.bin says: %v", err)
	}
	script, err := decodeScript(encoded)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range script.Directives {
		got = append(got, dump(&script.Directives[i]))
	}
	expected := strings.Split(strings.TrimSpace(expectedDump), "\n")
	for i := range max(len(got), len(expected)) {
		var g, e string
		if i < len(got) {
			g = got[i]
		}
		if i < len(expected) {
			e = expected[i]
		}
		if g != e {
			t.Errorf("directive %d:\n%s\nexpected\n%s", i, g, e)
		}
	}
}

const expectedDump = `
`

// TestAlteredScriptsAreErrors decodes every truncation, and every alteration of a byte, without a panic or much memory.
func TestAlteredScriptsAreErrors(t *testing.T) {
	_, encoded := golden(t)
	for cut := range encoded {
		if script, err := decodeScript(encoded[:cut]); err == nil {
			t.Errorf("cut to %d bytes: no error, %d directives", cut, len(script.Directives))
		}
	}
	if _, err := decodeScript(append(bytes.Clone(encoded), 0)); err == nil {
		t.Error("a byte more: no error")
	}
	altered := bytes.Clone(encoded)
	for at := range altered {
		for _, value := range []byte{0, 1, 2, 4, 8, 9, 13, 14, 20, 0x7f, 0x80, 0xff, altered[at] ^ 1, altered[at] ^ 0x10} {
			altered[at] = value
			_, err := decodeScript(altered)
			if at < 4 && value != encoded[at] && err == nil {
				t.Errorf("byte %d set to %d: the version is wrong, no error", at, value)
			}
		}
		altered[at] = encoded[at]
	}
}

// TestNestedPatterns shows that a crafted encoding cannot exhaust the stack.
func TestNestedPatterns(t *testing.T) {
	head := []byte{1, 0, 0, 0, 1, 0, 0, 0, byte(AssertReturn), 1, 0, 0, 0, byte(ActionGet), 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}
	nested := append(head, bytes.Repeat([]byte{byte(PatternEither), 1, 0, 0, 0}, 1<<20)...)
	if _, err := decodeScript(nested); err == nil || !strings.Contains(err.Error(), "nested deeper than 200") {
		t.Errorf("%v", err)
	}
}
