package tests

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	gotoken "go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// floors are the files of a package from the ground up, without the endings ".go" and of systems. A
// file uses what is declared on lower floors only, except for what exceptions list. RATIONALE.md,
// "How are the Go packages layered?", has the same exceptions.
var floors = []struct {
	folder     string
	floors     []string // the files of each, separated by spaces
	exceptions []string // "file uses file"
}{
	{
		folder: "go/internal/core",
		floors: []string{
			"complete doc errors faces functype lifetime",
			"code memory",
			"module",
			"parts shared",
			"ownfiber tokens",
			"space",
			"store",
			"running",
			"references",
			"fastcalls object",
			"value",
			"exception global table",
			"registry",
			"link",
			"instance snapshot",
		},
	},
	{
		folder: "go/wasmer",
		floors: []string{
			"boundedtext descriptors doc filesystem memoryfs numbers options platform profile source valuetype wasi_exit",
			"compilefailure externtypes nearnames unknown_imports",
			"function trap",
			"errortext",
			"compat_lasterror",
			"errors stacksize",
			"cache compat_errors memory module tag value wat",
			"arguments compat_memory exception global inspect memory_access memorytype table",
			"callerrors",
			"references",
			"calls",
			"compat_exports",
			"instance",
			"context",
			"hook hostdirect_leading hostdirect_plain hostnumbers",
			"compat_context hostdirect hostslots typed_calls",
			"default_imports hostsignature typed_hosts",
			"hostregisters",
			"hostfunc",
			"imports",
			"compat_importobject compat_imports instantiate",
			"compat_instance compat_module linker newfunction snapshot terminate wasi_bind",
			"wasi",
			"compat_wasi pool",
		},
	},
}

// goPackage is what `go list` tells of a package.
type goPackage struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

func TestFloors(t *testing.T) {
	packages := listPackages(t, "./go/internal/core", "./go/wasmer")
	if n := len(floors[0].exceptions) + len(floors[1].exceptions); n > 10 {
		t.Errorf("%d exceptions, expected 10 at most", n)
	}
	for _, building := range floors {
		t.Run(filepath.Base(building.folder), func(t *testing.T) {
			uses := usesOfFiles(t, packages, building.folder)
			floorOf := make(map[string]int)
			for floor, files := range building.floors {
				for file := range strings.FieldsSeq(files) {
					if _, twice := floorOf[file]; twice {
						t.Errorf("%s is listed twice", file)
					}
					floorOf[file] = floor
				}
			}
			exceptions := make(map[string]bool)
			for _, exception := range building.exceptions {
				exceptions[exception] = true
			}
			for _, file := range slices.Sorted(maps.Keys(uses)) {
				if _, ok := floorOf[file]; !ok {
					t.Errorf("%s is on no floor", file)
				}
				for _, used := range slices.Sorted(maps.Keys(uses[file])) {
					arrow := file + " uses " + used
					if exceptions[arrow] {
						delete(exceptions, arrow)
					} else if floorOf[used] >= floorOf[file] {
						t.Errorf("%s, which does not lie below it: %s", arrow, strings.Join(slices.Sorted(maps.Keys(uses[file][used])), ", "))
					}
				}
				delete(floorOf, file)
			}
			for file := range floorOf {
				t.Errorf("there is no file %s", file)
			}
			for exception := range exceptions {
				t.Errorf("no exception is needed for %q", exception)
			}
			if t.Failed() {
				t.Logf("without exceptions the floors would be\n%s", strings.Join(levels(uses), "\n"))
			}
		})
	}
}

// listPackages asks for packages of this module and all that they import.
func listPackages(t *testing.T, patterns ...string) map[string]*goPackage {
	t.Helper()
	command := exec.Command("go", append([]string{"list", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles"}, patterns...)...)
	command.Dir = filepath.Join("..", "..")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := make(map[string]*goPackage)
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		p := new(goPackage)
		if err := decoder.Decode(p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages[p.ImportPath] = p
	}
}

// usesOfFiles returns which names each file of a package uses of which others: names of the
// package, of methods and of fields.
func usesOfFiles(t *testing.T, packages map[string]*goPackage, folder string) map[string]map[string]map[string]bool {
	t.Helper()
	p := packages["github.com/gowasmer/wasmer/"+folder]
	fileSet := gotoken.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(fileSet, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	config := types.Config{Importer: importer.ForCompiler(fileSet, "gc", func(path string) (io.ReadCloser, error) {
		imported := packages[path]
		if imported == nil {
			return nil, fmt.Errorf("package %s is not listed", path)
		}
		return os.Open(imported.Export)
	})}
	info := types.Info{Uses: make(map[*ast.Ident]types.Object)}
	checked, err := config.Check(p.ImportPath, fileSet, files, &info)
	if err != nil {
		t.Fatal(err)
	}
	uses := make(map[string]map[string]map[string]bool)
	for _, file := range files {
		uses[floorName(fileSet, file.Pos())] = make(map[string]map[string]bool)
	}
	for identifier, object := range info.Uses {
		if object.Pkg() != checked || !object.Pos().IsValid() {
			continue
		}
		from, to := floorName(fileSet, identifier.Pos()), floorName(fileSet, object.Pos())
		if from == to {
			continue
		}
		if uses[from][to] == nil {
			uses[from][to] = make(map[string]bool)
		}
		uses[from][to][object.Name()] = true
	}
	return uses
}

// floorName returns the name of a file as floors list it.
func floorName(fileSet *gotoken.FileSet, position gotoken.Pos) string {
	name := strings.TrimSuffix(filepath.Base(fileSet.Position(position).Filename), ".go")
	for _, ending := range []string{"_linux", "_amd64", "_arm64", "_other"} {
		name = strings.TrimSuffix(name, ending)
	}
	return name
}

// levels puts each file on the lowest floor that it can stand on, and those that use each other in
// a circle on the last.
func levels(uses map[string]map[string]map[string]bool) []string {
	var all []string
	left := maps.Clone(uses)
	for len(left) > 0 {
		var level []string
		for file := range left {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(uses[file])), func(used string) bool { return left[used] != nil }) {
				level = append(level, file)
			}
		}
		if level == nil {
			level = append(slices.Sorted(maps.Keys(left)), "(in circles)")
		}
		slices.Sort(level)
		all = append(all, strings.Join(level, " "))
		for _, file := range level {
			delete(left, file)
		}
		if slices.Contains(level, "(in circles)") {
			break
		}
	}
	return all
}
