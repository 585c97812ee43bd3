package tests

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	gotoken "go/token"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documents returns the paths of the documents that people read, relative to the repository.
func documents(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"*.md", "docs/*.md", "benchmarks/*.md", "examples/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			name, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			if name != "THIRD-PARTY.md" { // generated
				found = append(found, filepath.ToSlash(name))
			}
		}
	}
	return found
}

// root is the folder of the repository.
const root = "../.."

// readDocument returns the text of a file of the repository.
func readDocument(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// snippet is a fence of Go in a document.
type snippet struct {
	document string
	line     int // of the first line of code
	code     string
}

// snippetsOf returns the fences of a document that begin with "```go".
func snippetsOf(name, text string) []snippet {
	var found []snippet
	var current *snippet
	for i, line := range strings.Split(text, "\n") {
		switch {
		case current == nil && line == "```go":
			current = &snippet{document: name, line: i + 2}
		case current != nil && line == "```":
			found = append(found, *current)
			current = nil
		case current != nil:
			current.code += line + "\n"
		}
	}
	return found
}

// snippetImports are the packages that snippets may use without importing them.
var snippetImports = map[string]string{
	"bytes": "bytes", "context": "context", "embed": "embed", "errors": "errors", "fmt": "fmt",
	"http": "net/http", "io": "io", "log": "log", "math": "math", "net": "net", "os": "os",
	"slog": "log/slog", "strings": "strings", "sync": "sync", "time": "time",
	"wasmer": "github.com/gowasmer/wasmer/go/wasmer",
}

// declarations is what a snippet of declarations begins with.
var declarations = regexp.MustCompile(`^(//[^\n]*\n)*(func|type) `)

// file returns a snippet as a whole file. A snippet that begins with a package clause is one.
// Declarations get imports. All else is the body of a function that has what the parameters below
// name, and returns an error.
func (s snippet) file() ([]byte, error) {
	if strings.HasPrefix(s.code, "package ") {
		return []byte(s.code), nil
	}
	body := s.code
	if !declarations.MatchString(s.code) {
		body = "func _(ctx context.Context, module *wasmer.Module, instance *wasmer.Instance, " +
			"binary []byte, imports *wasmer.Imports) error {\n{\n" + s.code + "}\nreturn nil\n}\n"
	}
	parsed, err := parser.ParseFile(gotoken.NewFileSet(), "", "package snippet\n"+body, 0)
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	unresolved := map[*ast.Ident]bool{}
	for _, identifier := range parsed.Unresolved {
		unresolved[identifier] = true
	}
	ast.Inspect(parsed, func(node ast.Node) bool {
		if selector, is := node.(*ast.SelectorExpr); is {
			if name, is := selector.X.(*ast.Ident); is && unresolved[name] {
				used[name.Name] = true
			}
		}
		return true
	})
	var file strings.Builder
	file.WriteString("package snippet\n\nimport (\n")
	for name := range used {
		if path, known := snippetImports[name]; known {
			fmt.Fprintf(&file, "\t%q\n", path)
		}
	}
	file.WriteString(")\n\n" + body)
	return []byte(file.String()), nil
}

// TestSnippets compiles each snippet of Go in the documents, in a package of its own of a module
// that uses this one. Snippets are formatted as gofmt formats them.
func TestSnippets(t *testing.T) {
	folder := t.TempDir()
	absolute, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	module := "module snippets\n\ngo 1.25\n\nrequire github.com/gowasmer/wasmer v0.0.0\n\n" +
		"replace github.com/gowasmer/wasmer => " + absolute + "\n"
	if err := os.WriteFile(filepath.Join(folder, "go.mod"), []byte(module), 0o644); err != nil {
		t.Fatal(err)
	}
	places := map[string]snippet{}
	for _, document := range documents(t) {
		for _, s := range snippetsOf(document, readDocument(t, document)) {
			place := fmt.Sprintf("s%03d", len(places))
			places[place] = s
			formatted, err := format.Source([]byte(s.code))
			if err != nil {
				t.Errorf("%s:%d: %v", s.document, s.line, err)
				continue
			}
			if !bytes.Equal(formatted, []byte(s.code)) {
				t.Errorf("%s:%d: not formatted, expected\n%s", s.document, s.line, formatted)
			}
			file, err := s.file()
			if err != nil {
				t.Errorf("%s:%d: %v", s.document, s.line, err)
				continue
			}
			path := filepath.Join(folder, place, "snippet.go")
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, file, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(places) < 20 {
		t.Errorf("only %d snippets were found", len(places))
	}
	command := exec.Command("go", "build", "-mod=mod", "-gcflags=-e", "./...")
	command.Dir = folder
	command.Env = append(os.Environ(), "GOWORK=off", "GOPROXY=off", "PWD="+folder)
	output, err := command.CombinedOutput()
	if err == nil {
		return
	}
	t.Errorf("%v\n%s", err, output)
	for place, s := range places {
		if bytes.Contains(output, []byte(place+"/")) || bytes.Contains(output, []byte(place+"\n")) {
			t.Errorf("%s is %s:%d:\n%s", place, s.document, s.line, s.code)
		}
	}
}

// tracked returns the paths of the files of the repository, and of their folders. Files that git
// ignores are not among them; without git, folders of what is built are left out.
func tracked(t *testing.T) []string {
	t.Helper()
	command := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	command.Dir = root
	output, err := command.Output()
	files := strings.Split(strings.TrimSuffix(string(output), "\x00"), "\x00")
	if err != nil {
		files = walked(t)
	}
	folders := map[string]bool{}
	for _, file := range files {
		for folder := path.Dir(file); folder != "."; folder = path.Dir(folder) {
			folders[folder] = true
		}
	}
	files = slices.DeleteFunc(files, func(name string) bool { // removed, but not committed
		_, err := os.Stat(filepath.Join(root, name))
		return err != nil
	})
	return slices.AppendSeq(files, maps.Keys(folders))
}

// walked returns the paths of all files but those in folders of what is built.
func walked(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			switch entry.Name() {
			case ".git", "target", "build", "bin":
				return filepath.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(root, path)
		found = append(found, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var (
	quoted = regexp.MustCompile("`([^`\n]+)`")

	// filePath is what is taken for a path in the repository: a name with an extension that files
	// here have, or one below a folder at the top.
	filePath = regexp.MustCompile(`^[A-Za-z0-9_./-]+\.(go|rs|s|h|sh|toml|md|yml|txt|wat|wast|c)$|` +
		`^(go|rust|scripts|testdata|internal|benchmarks|examples|docs|\.ci|\.github)/[A-Za-z0-9_./-]*$`)

	testName   = regexp.MustCompile(`^(Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9]*$`)
	makeTarget = regexp.MustCompile(`^make (?:[A-Z_]+=\S+ )*([a-z][a-z0-9-]*)`)
	link       = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading    = regexp.MustCompile(`(?m)^#+ +(.+)$`)
)

// elsewhere are names in documents that look like files of this repository, and are not.
var elsewhere = []string{"libgowasmer.a", "mmap.c"}

// TestDocumentedNames checks that the files, tests and targets of make that documents name are
// there. A file may be named by the end of its path.
func TestDocumentedNames(t *testing.T) {
	files := tracked(t)
	var tests strings.Builder
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			tests.WriteString(readDocument(t, name))
		}
	}
	makefile := readDocument(t, "Makefile") + readDocument(t, "benchmarks/Makefile")
	for _, document := range documents(t) {
		if document == "CHANGELOG.md" { // tells of what is gone
			continue
		}
		for i, line := range strings.Split(readDocument(t, document), "\n") {
			for _, match := range quoted.FindAllStringSubmatch(line, -1) {
				name := match[1]
				switch target := makeTarget.FindStringSubmatch(name); {
				case target != nil:
					if !strings.Contains(makefile, "\n"+target[1]+":") {
						t.Errorf("%s:%d: there is no target of make %q", document, i+1, target[1])
					}
				case testName.MatchString(name):
					if !strings.Contains(tests.String(), "func "+name+"(") {
						t.Errorf("%s:%d: there is no test %s", document, i+1, name)
					}
				case filePath.MatchString(name) && !strings.HasPrefix(name, "build/"):
					name := strings.TrimSuffix(strings.TrimPrefix(name, "./"), "/")
					there := slices.ContainsFunc(files, func(file string) bool {
						return file == name || strings.HasSuffix(file, "/"+name)
					})
					if !there && !slices.Contains(elsewhere, name) {
						t.Errorf("%s:%d: there is no file %s", document, i+1, name)
					}
				}
			}
		}
	}
}

// TestRationaleReferences checks that sections of RATIONALE.md that are named elsewhere are there.
func TestRationaleReferences(t *testing.T) {
	var headings strings.Builder
	for _, match := range heading.FindAllStringSubmatch(readDocument(t, "RATIONALE.md"), -1) {
		headings.WriteString(match[1] + "\n")
	}
	reference := regexp.MustCompile(`RATIONALE\.md, \\?"([^"\\]+)`)
	for _, name := range tracked(t) {
		switch filepath.Ext(name) {
		case ".go", ".rs", ".s", ".sh", ".md":
		default:
			continue
		}
		text := strings.ReplaceAll(readDocument(t, name), "\n// ", " ")
		text = strings.ReplaceAll(text, "\n", " ")
		for _, match := range reference.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(headings.String(), match[1]) {
				t.Errorf("%s refers to %q, which is no section of RATIONALE.md", name, match[1])
			}
		}
	}
}

// anchor returns the fragment by which a heading is linked.
func anchor(heading string) string {
	var result strings.Builder
	for _, r := range strings.ToLower(heading) {
		switch {
		case r == ' ' || r == '-':
			result.WriteByte('-')
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_':
			result.WriteRune(r)
		}
	}
	return result.String()
}

// TestDocumentLinks checks that what documents link to in the repository is there, headings
// included.
func TestDocumentLinks(t *testing.T) {
	for _, document := range documents(t) {
		for _, match := range link.FindAllStringSubmatch(readDocument(t, document), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			path, fragment, _ := strings.Cut(match[1], "#")
			target := document
			if path != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(document), path))
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s links to %s: %v", document, match[1], err)
				continue
			}
			if fragment == "" {
				continue
			}
			headings := heading.FindAllStringSubmatch(readDocument(t, target), -1)
			if !slices.ContainsFunc(headings, func(h []string) bool { return anchor(h[1]) == fragment }) {
				t.Errorf("%s links to %s, which has no heading of that name", document, match[1])
			}
		}
	}
}

// banner is what a file begins with that guards the sandbox.
var banner = regexp.MustCompile(`(?m)^(//!?|#) *Sandbox-critical[.:;]`)

// TestGuardedFiles checks that SECURITY.md lists the files that have the banner, and no others.
func TestGuardedFiles(t *testing.T) {
	_, section, found := strings.Cut(readDocument(t, "SECURITY.md"), "\n## Where is the sandbox guarded?\n")
	if !found {
		t.Fatal("SECURITY.md has no section on guarded files")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var listed, guarded []string
	for _, match := range quoted.FindAllStringSubmatch(section, -1) {
		if strings.Contains(match[1], "/") {
			listed = append(listed, match[1])
		}
	}
	for _, name := range tracked(t) {
		switch filepath.Ext(name) {
		case ".go", ".s", ".rs", ".sh":
		default:
			continue
		}
		lines := strings.SplitN(readDocument(t, name), "\n", 21)
		if len(lines) == 21 {
			lines = lines[:20]
		}
		head := strings.Join(lines, "\n")
		if strings.Contains(head, "SANDBOX") {
			t.Errorf("%s has another spelling of %q", name, "Sandbox-critical")
		}
		if banner.MatchString(head) {
			guarded = append(guarded, name)
		}
	}
	for _, name := range guarded {
		if !slices.Contains(listed, name) {
			t.Errorf("%s has the banner, and is not listed in SECURITY.md", name)
		}
	}
	for i, name := range listed {
		if !slices.Contains(guarded, name) {
			t.Errorf("SECURITY.md lists %s, which has no banner in its first 20 lines", name)
		}
		if slices.Contains(listed[:i], name) {
			t.Errorf("SECURITY.md lists %s twice", name)
		}
	}
}
