// A Go program for WASI that works for a while: it makes a source of 3,000 functions, parses and
// type-checks it, formats it, compresses and uncompresses the result, and writes what it counted
// into the file that is named as its argument.
package main

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"log"
	"os"
	"strings"
)

const functions = 3000

func main() {
	source := generate()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "generated.go", source, parser.ParseComments)
	check(err)
	info := types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{}}
	_, err = new(types.Config).Check("generated", set, []*ast.File{file}, &info)
	check(err)
	var formatted, compressed bytes.Buffer
	check(format.Node(&formatted, set, file))
	writer, err := flate.NewWriter(&compressed, flate.BestCompression)
	check(err)
	_, err = writer.Write(formatted.Bytes())
	check(err)
	check(writer.Close())
	back, err := io.ReadAll(flate.NewReader(&compressed))
	check(err)
	if sha256.Sum256(back) != sha256.Sum256(formatted.Bytes()) {
		log.Fatal("what was compressed came back as something else")
	}
	check(os.WriteFile(os.Args[1], fmt.Appendf(nil, "%d definitions, %d uses\n", len(info.Defs), len(info.Uses)), 0o644))
}

func generate() string {
	var b strings.Builder
	b.WriteString("package generated\n\ntype pair[K comparable, V any] struct { key K; value V; next *pair[K, V] }\n")
	for i := range functions {
		fmt.Fprintf(&b, `
// function%[1]d adds.
func function%[1]d(list *pair[string,int], limit int) (sum int, names []string) {
 for p := list; p != nil; p = p.next { if p.value %% %[2]d == 0 && len(names) < limit { names = append(names, p.key) }
  switch { case p.value > %[1]d: sum += p.value*%[1]d; case p.value < 0: sum -= 1; default: sum ^= %[1]d } }
 return sum, names
}
`, i, i%9+1)
	}
	return b.String()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
