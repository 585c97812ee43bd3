package symbols

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"
)

// module is a module with debugging information.
type module struct {
	sections map[string][]byte
	code     []byte // the contents of the code section
}

// read reads a module.
func read(t testing.TB, path string) module {
	t.Helper()
	bytes, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := module{sections: make(map[string][]byte)}
	number := func() int {
		n, size := binary.Uvarint(bytes)
		if size <= 0 {
			t.Fatalf("%s is damaged", path)
		}
		bytes = bytes[size:]
		return int(n)
	}
	for bytes = bytes[8:]; len(bytes) > 0; {
		id := bytes[0]
		bytes = bytes[1:]
		size := number()
		content := bytes[:size:size]
		rest := bytes[size:]
		switch id {
		case 0:
			bytes = content
			n := number()
			if name := string(bytes[:n]); strings.HasPrefix(name, ".debug_") {
				m.sections[name] = bytes[n:]
			}
		case 10:
			m.code = content
		}
		bytes = rest
	}
	return m
}

// table returns a table of the module's sections.
func (m module) table() *Table {
	table := New(func() (map[string][]byte, error) { return m.sections, nil })
	table.recovered = func(cause any) { panic(cause) }
	return table
}
