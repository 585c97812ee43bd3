package tests

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// columns is how wide comments and documents may be, a tab counted as four.
const columns = 100

// wideTables are the files of Rust in whose comments rows of a layout or of a table are wider. What
// matters is the number of such lines: it can fall and not rise.
var wideTables = map[string]int{
	"rust/engine/src/ffi/describe.rs":               5, // a layout
	"rust/engine/src/ffi/table.rs":                  1, // generated
	"rust/engine/src/lib.rs":                        1, // a list of modules
	"rust/engine/src/translate/ops/simd/relaxed.rs": 9,
	"rust/engine/src/translate/mod.rs":              17,
	"rust/fuzz/src/encoding.rs":                     7, // a layout
	"rust/fuzz/src/lib.rs":                          2, // a list of modules
}

// target is the address of a link, which cannot be broken.
var target = regexp.MustCompile(`\]\([^)]*\)|https?://\S+`)

func width(line string) int {
	return utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    "))
}

// TestWidth checks that no comment of a file of Go or Rust, and no line of a document, is wider
// than 100 columns. Tables, code and links may be.
func TestWidth(t *testing.T) {
	for _, name := range tracked(t) {
		if strings.HasPrefix(name, "testdata/") { // guests
			continue
		}
		switch filepath.Ext(name) {
		case ".go", ".rs", ".s":
		default:
			continue
		}
		if strings.HasSuffix(name, "_gen.go") {
			continue
		}
		wide := 0
		output := false // what an example prints is one comment, with the lines as they are
		for i, line := range strings.Split(readDocument(t, name), "\n") {
			comment := strings.TrimLeft(line, "\t ")
			output = strings.HasPrefix(comment, "//") && (output || comment == "// Output:")
			if output || !strings.HasPrefix(comment, "//") || width(target.ReplaceAllString(line, "")) <= columns {
				continue
			}
			if strings.HasPrefix(comment, "//go:") || strings.HasPrefix(comment, "//export ") {
				continue
			}
			if wide++; wide > wideTables[name] {
				t.Errorf("%s:%d: a comment of %d columns: %.60s...", name, i+1, width(line), comment)
			}
		}
		if wide < wideTables[name] {
			t.Errorf("%s has %d wide comments, and wideTables %d: lower that", name, wide, wideTables[name])
		}
	}
	for _, name := range append(documents(t), "testdata/guests/README.md") {
		fenced := false
		for i, line := range strings.Split(readDocument(t, name), "\n") {
			if strings.HasPrefix(strings.TrimLeft(line, " "), "```") {
				fenced = !fenced
			}
			if fenced || strings.HasPrefix(line, "|") || width(target.ReplaceAllString(line, "")) <= columns {
				continue
			}
			t.Errorf("%s:%d: %d columns: %.60s...", name, i+1, width(line), line)
		}
	}
}
