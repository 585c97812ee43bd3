package wast

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// encoded reads the encoding of a script of testdata/spec.
func encoded(t *testing.T, name string) []byte {
	t.Helper()
	bytes, err := os.ReadFile("../../testdata/spec/" + name + ".bin")
	if err != nil {
		t.Fatal(err)
	}
	return bytes
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
	script, err := Decode(encoded(t, "encoding"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range script.Directives {
		got = append(got, dump(&script.Directives[i]))
	}
	expected := strings.Split(strings.TrimSpace(strings.ReplaceAll(expectedDump, "'", "`")), "\n")
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

// expectedDump has a line for each directive of encoding.wast, with ' for the quotation marks that
// end Go's raw strings.
const expectedDump = `
2 module "m" 42 bytes
3 module definition "d" 19 bytes
4 module instance "i" "d"
5 register "n" "i"
6 invoke 0 .f i32:ffffffff:0:false: i64:fffffffffffffffe:0:false: f32:ffa00001:0:false: f64:3fe0000000000000:0:false:
7 assert_return 0 m.f v128:1:2:false: funcref:0:0:true: externref:3:0:false: i32:0:0:true:null reference to any i32:0:0:false:Core(RefHost(4)) = 0 i32 4:5:0 = 1 i64 8:6:0 = 2 f32 4:0:1 = 3 f64 8:0:2 = 2 f32 4:3f800000:0 = 4 v128 2:1:0 2:2:0 2:3:0 2:4:0 2:5:0 2:6:0 2:7:0 2:fff8:0 = 4 v128 4:0:1 4:0:0 4:0:2 4:40000000:0 = 4 v128 8:3ff0000000000000:0 8:0:1 = 5 = 5 externref = 9null reference to none = 6 = 6 7 = 7 = 9RefAny = 8 (0 i32 4:8:0) (5) !
12 assert_return 1 m.g !
13 assert_trap "unreachable" 28 bytes !
14 assert_exhaustion "call stack exhausted" 0 .f !
15 assert_malformed "unexpected end" expected ')' !
16 assert_malformed "unexpected end" 0 bytes !
17 assert_invalid "type mismatch" 25 bytes !
18 assert_unlinkable "unknown import" 23 bytes !
19 assert_exception 0 .f !
20 assert_suspension "unhandled" 0 .f !
21 directive that is not supported "thread"
22 directive that is not supported "assert_malformed_custom" !
`

// TestAlteredScriptsAreErrors decodes every truncation, and every alteration of a byte, without a
// panic or much memory.
func TestAlteredScriptsAreErrors(t *testing.T) {
	encoded := encoded(t, "encoding")
	for cut := range encoded {
		if script, err := Decode(encoded[:cut]); err == nil {
			t.Errorf("cut to %d bytes: no error, %d directives", cut, len(script.Directives))
		}
	}
	if _, err := Decode(append(bytes.Clone(encoded), 0)); err == nil {
		t.Error("a byte more: no error")
	}
	altered := bytes.Clone(encoded)
	for at := range altered {
		for _, value := range []byte{0, 1, 2, 4, 8, 9, 13, 14, 20, 0x7f, 0x80, 0xff, altered[at] ^ 1, altered[at] ^ 0x10} {
			altered[at] = value
			_, err := Decode(altered)
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
	if _, err := Decode(nested); err == nil || !strings.Contains(err.Error(), "nested deeper than 200") {
		t.Errorf("%v", err)
	}
}
