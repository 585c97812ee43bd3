package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// binaryMagic begins every module in the binary format; what compile writes begins otherwise.
var binaryMagic = []byte("\x00asm")

// loaded is a compiled module: its artifact, and what it consists of.
type loaded struct {
	artifact    []byte
	description *engine.Description
	// fileSize is that of the file, in the binary format if it was text; precompiled says whether it was an artifact already.
	fileSize    int
	precompiled bool
}

// load reads a file and compiles it, unless it is compiled already.
func load(path string, in io.Reader) (*loaded, error) {
	file, err := readFile(context.Background(), path, in)
	if err != nil {
		return nil, err
	}
	if err := engine.Init(); err != nil {
		return nil, err
	}
	l := &loaded{artifact: file, fileSize: len(file), precompiled: len(file) >= 8 && !bytes.HasPrefix(file, binaryMagic)}
	var module engine.Module
	if l.precompiled {
		module, err = engine.Deserialize(file)
	} else {
		module, err = engine.Compile(context.Background(), file, engine.CompileOptions{})
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer module.Free()
	if l.description, err = module.Describe(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if !l.precompiled {
		if l.artifact, err = module.Serialize(); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return l, nil
}

// readFile reads a module from a file, or from standard input for "-". The text format is translated.
func readFile(ctx context.Context, path string, in io.Reader) ([]byte, error) {
	file, err := readBytes(path, in)
	if err != nil || !isText(file) {
		return file, err
	}
	if file, err = wasmer.Wat2WasmContext(ctx, file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

// isText says whether a file is meant to be in the text format: it begins with a parenthesis or a comment.
func isText(file []byte) bool {
	file = bytes.TrimLeft(file, " \t\r\n")
	return len(file) > 0 && (file[0] == '(' || file[0] == ';')
}

// readBytes reads a file as it is, or standard input for "-".
func readBytes(path string, in io.Reader) ([]byte, error) {
	if path == "-" {
		file, err := io.ReadAll(in)
		if err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		return file, nil
	}
	file, err := os.ReadFile(path)
	var cause *os.PathError
	if errors.As(err, &cause) {
		return nil, fmt.Errorf("%s: %w", path, cause.Err)
	}
	return file, err
}

// validate says whether a module is valid.
func validate(arguments []string, s streams) error {
	if len(arguments) != 1 {
		return usagef("validate takes one FILE, given %d arguments", len(arguments))
	}
	file, err := readFile(context.Background(), arguments[0], s.in)
	if err != nil {
		return err
	}
	if err := engine.Validate(context.Background(), file); err != nil {
		return fmt.Errorf("%s: %w", arguments[0], err)
	}
	_, err = fmt.Fprintf(s.out, "%s: valid\n", arguments[0])
	return err
}

// compile writes the compiled form of a module.
func compile(arguments []string, s streams) error {
	var files []string
	output := ""
	for i := 0; i < len(arguments); i++ {
		if arguments[i] != "-o" {
			files = append(files, arguments[i])
			continue
		}
		if i++; i == len(arguments) {
			return usagef("compile: -o must be followed by the name of the file to write")
		}
		if output != "" {
			return usagef("compile: -o is given twice")
		}
		output = arguments[i]
	}
	if len(files) != 1 || output == "" {
		return usagef("compile takes one FILE and -o OUT, given %d files and output %q", len(files), output)
	}
	l, err := load(files[0], s.in)
	if err != nil {
		return err
	}
	if l.precompiled {
		return fmt.Errorf("%s: is compiled already", files[0])
	}
	return os.WriteFile(output, l.artifact, 0o644)
}
