// Wasi-memory-files gives a WASI program files that are nowhere on a disk: a map and a zip archive,
// which it can only read, and a file system in memory that it can write to, each under a path of
// its own. Any fs.FS will do, such as files that are embedded in the program.
//
// The guest is testdata/guests/wasi/tool.wasm, made of tool.c beside it. Run it at the top of the
// repository:
//
//	go run ./examples/wasi-memory-files
package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"testing/fstest"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	code, err := wasmer.ReadBytes("testdata/guests/wasi/tool.wasm")
	if err != nil {
		return err
	}
	module, err := wasmer.Compile(code)
	if err != nil {
		return err
	}
	defer module.Close()

	config := fstest.MapFS{
		"app.conf":       {Data: []byte("colour = blue\n")},
		"conf.d/net":     {Data: []byte("port = 80\n")},
		"conf.d/storage": {Data: []byte("path = /var\n")},
	}
	archive, err := newArchive()
	if err != nil {
		return err
	}
	memory := wasmer.NewMemoryFS(1 << 20) // 1 MiB at most
	for _, arguments := range [][]string{
		{"cat", "/etc/app.conf"},
		{"list", "/etc/conf.d"},
		{"cat", "/archive/docs/readme"},
		{"write", "/etc/app.conf", "colour = red"},
		{"mkdir", "/var/out"},
		{"write", "/var/out/result", "42\n"},
		{"rename", "/var/out/result", "/var/result"},
		{"list", "/var"},
	} {
		wasi := wasmer.Wasi{
			Args:   append([]string{"tool"}, arguments...),
			Stdout: os.Stdout,
			Stderr: os.Stdout,
			Dirs:   []wasmer.WasiDir{{Guest: "/etc", FS: config}, {Guest: "/archive", FS: archive}, {Guest: "/var", FS: memory}},
		}
		err := wasi.Run(context.Background(), &module)
		var exit *wasmer.ExitError
		if err != nil && !errors.As(err, &exit) { // the program says what it could not do
			return err
		}
	}
	result, err := memory.ReadFile("result")
	if err != nil {
		return err
	}
	fmt.Printf("/var/result has %q\n", result)
	return nil
}

// newArchive makes a zip archive with one file.
func newArchive() (fs.FS, error) {
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	file, err := w.Create("docs/readme")
	if err != nil {
		return nil, err
	}
	if _, err := file.Write([]byte("from an archive\n")); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
}
