package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// programs are those of the announcement of go-ext-wasm; each is a line of expected.txt of the
// guests. Others there are checks of correctness only. The kernels are all lines of their own
// expected.txt.
var programs = [][3]string{
	{"nbody", "main", "100000"},
	{"fib_recursive", "app_main", "-"},
	{"pollard_rho_128", "app_main", "-"},
	{"snappy_compress", "app_main", "-"},
}

// program is one thing to run and what it must return.
type program struct {
	name     string
	kernel   bool
	file     string
	entry    string
	args     string
	expected string
}

// readPrograms finds the programs and kernels and what they return natively.
func readPrograms(o *options) ([]*program, error) {
	guests, err := readExpected(filepath.Join(o.root, "testdata", "guests"), false)
	if err != nil {
		return nil, err
	}
	kernels, err := readExpected(filepath.Join(o.root, "benchmarks", "kernels"), true)
	if err != nil {
		return nil, err
	}
	var all []*program
	for _, p := range programs {
		i := slices.IndexFunc(guests, func(g *program) bool { return g.name == p[0] && g.entry == p[1] && g.args == strings.Trim(p[2], "-") })
		if i < 0 {
			return nil, fmt.Errorf("expected.txt of the guests has no line for %s", strings.Join(p[:], " "))
		}
		all = append(all, guests[i])
	}
	all = append(all, kernels...)
	if slices.Equal(o.programs, []string{"none"}) {
		return nil, nil
	}
	for _, name := range o.programs {
		if !slices.ContainsFunc(all, func(p *program) bool { return p.name == name }) {
			return nil, fmt.Errorf("no program %q; there are %s", name, names(all))
		}
	}
	return slices.DeleteFunc(all, func(p *program) bool { return len(o.programs) > 0 && !slices.Contains(o.programs, p.name) }), nil
}

func names(programs []*program) string {
	var list []string
	for _, p := range programs {
		list = append(list, p.name)
	}
	return strings.Join(list, ", ")
}

// readExpected reads the lines of a folder's expected.txt: name, export, arguments ("-" for none),
// result.
func readExpected(folder string, kernel bool) ([]*program, error) {
	path := filepath.Join(folder, "expected.txt")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var found []*program
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 4 {
			return nil, fmt.Errorf("%s: a line of %d fields, expected 4: %q", path, len(fields), line)
		}
		found = append(found, &program{name: fields[0], kernel: kernel, file: filepath.Join(folder, fields[0]+".wasm"), entry: fields[1],
			args: strings.Trim(fields[2], "-"), expected: fields[3]})
	}
	return found, nil
}
