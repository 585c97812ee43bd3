// Wasi-streams shows proxies of the streams of WASI programs: they are Readers and Writers of Go,
// so that one can stand between a program and the world, and programs can be joined to a pipeline.
//
// The guests are testdata/guests/wasi/tool.wasm and sort.wasm, made of the C programs beside them.
// Run it at the top of the repository:
//
//	go run ./examples/wasi-streams
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	copier, err := compile("testdata/guests/wasi/tool.wasm")
	if err != nil {
		return err
	}
	defer copier.Close()
	sorter, err := compile("testdata/guests/wasi/sort.wasm")
	if err != nil {
		return err
	}
	defer sorter.Close()

	// The first program reads through a filter; the second reads what the first has written.
	input := &upper{strings.NewReader("pear\napple\nfig\n")}
	output := &prefixer{to: os.Stdout, prefix: "guest: "}
	reader, writer := io.Pipe()
	first := make(chan error, 1)
	go func() {
		w := wasmer.Wasi{Args: []string{"tool", "copy"}, Stdin: input, Stdout: writer}
		err := w.Run(ctx, copier)
		writer.CloseWithError(err) // the second program sees the end, or why there is none
		first <- err
	}()
	// It sorts no more than two lines at a time: the rest goes to files, which are in memory here.
	w := wasmer.Wasi{
		Args: []string{"sort", "-", "-", "2"}, Stdin: reader, Stdout: output, Stderr: output,
		Dirs: []wasmer.WasiDir{{Guest: "/", FS: wasmer.NewMemoryFS(1 << 20)}},
	}
	err = w.Run(ctx, sorter)
	_ = reader.Close() // should it have ended early, the first one does not wait forever
	if err := errors.Join(err, <-first); err != nil {
		return err
	}
	fmt.Printf("%d bytes have passed\n", output.passed)
	return nil
}

func compile(file string) (*wasmer.Module, error) {
	code, err := wasmer.ReadBytes(file)
	if err != nil {
		return nil, err
	}
	module, err := wasmer.Compile(code)
	return &module, err
}

// upper is a Reader that makes letters of another large.
type upper struct{ from io.Reader }

func (u *upper) Read(p []byte) (int, error) {
	n, err := u.from.Read(p)
	copy(p, bytes.ToUpper(p[:n]))
	return n, err
}

// prefixer is a Writer that puts something before each line, and counts bytes. A Writer must
// neither keep nor change what it is given: it is the guest's memory.
type prefixer struct {
	to     io.Writer
	prefix string
	inLine bool
	passed int
}

func (p *prefixer) Write(data []byte) (int, error) {
	for line := range bytes.Lines(data) {
		if !p.inLine {
			if _, err := io.WriteString(p.to, p.prefix); err != nil {
				return 0, err
			}
		}
		if _, err := p.to.Write(line); err != nil {
			return 0, err
		}
		p.inLine = !bytes.HasSuffix(line, []byte("\n"))
	}
	p.passed += len(data)
	return len(data), nil
}
