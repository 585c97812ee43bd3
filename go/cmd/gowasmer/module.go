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

// isCompiled reports whether a file is what compile has written.
func isCompiled(file []byte) bool { return len(file) >= 8 && !bytes.HasPrefix(file, binaryMagic) }

// openModule compiles a file, or takes it as it is if it was compiled before.
func openModule(ctx context.Context, path string, o *settings, s streams) (wasmer.Module, error) {
	var module wasmer.Module
	if o.stackSize > 0 { // before the engine is used
		if err := wasmer.SetStackSize(o.stackSize); err != nil {
			return module, err
		}
	}
	file, err := readFile(ctx, path, s.in)
	switch {
	case isGivenUp(err):
		return module, guestEnded(path, err)
	case err != nil:
		return module, err
	case !isCompiled(file):
		module, err = compileModule(ctx, path, file, o, s)
	default:
		module, err = wasmer.DeserializeModule(file)
		if err == nil && (o.explicitBounds || o.canonicalNaNs || o.optLevel != wasmer.OptLevelSpeed) {
			module.Close()
			return module, usagef("%s is compiled already; give --explicit-bounds, --canonical-nans and --opt-level to gowasmer compile", path)
		}
	}
	switch {
	case isGivenUp(err):
		return module, guestEnded(path, err)
	case err != nil:
		return module, fmt.Errorf("%s: %w", path, causeOf(err))
	}
	return module, nil
}

// compileModule compiles a module in the binary format, and shows progress.
func compileModule(ctx context.Context, path string, file []byte, o *settings, s streams) (wasmer.Module, error) {
	var options []wasmer.CompileOption
	if o.explicitBounds {
		options = append(options, wasmer.WithExplicitBounds())
	}
	if o.canonicalNaNs {
		options = append(options, wasmer.WithCanonicalNaNs())
	}
	cache, err := o.cacheOption()
	if err != nil {
		return wasmer.Module{}, err
	}
	options = append(options, cache)
	if o.optLevel != wasmer.OptLevelSpeed {
		options = append(options, wasmer.WithOptLevel(o.optLevel))
	}
	if o.lazy {
		options = append(options, wasmer.WithLazy())
	}
	if o.background {
		options = append(options, wasmer.WithBackground())
	}
	line := newProgressLine(o, path, s.errs)
	if line != nil {
		options = append(options, wasmer.WithProgress(line.show))
	}
	defer line.clear()
	return wasmer.CompileContext(ctx, file, options...)
}

// isGivenUp reports whether an error is that of a context.
func isGivenUp(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// causeOf leaves the fixed text of a ModuleError away, which says less than its cause.
func causeOf(err error) error {
	var e *wasmer.ModuleError
	if errors.As(err, &e) && errors.Unwrap(e) != nil {
		return errors.Unwrap(e)
	}
	return err
}

// readFile reads a module from a file, or from standard input for "-". The text format is
// translated.
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

// isText reports whether a file is meant to be in the text format: it begins with a parenthesis or
// a comment.
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

// validate reports whether a module is valid.
func validate(_ *settings, arguments []string, s streams) error {
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
func compile(o *settings, arguments []string, s streams) error {
	if len(arguments) != 1 || o.output == "" {
		return usagef("compile takes one FILE and -o OUT, given %d files and output %q", len(arguments), o.output)
	}
	path, ctx := arguments[0], context.Background()
	file, err := readFile(ctx, path, s.in)
	if err != nil {
		return err
	}
	if isCompiled(file) {
		return fmt.Errorf("%s: is compiled already", path)
	}
	module, err := compileModule(ctx, path, file, o, s)
	if err != nil {
		return fmt.Errorf("%s: %w", path, causeOf(err))
	}
	defer module.Close()
	artifact, err := module.Serialize()
	if err != nil {
		return fmt.Errorf("%s: %w", path, causeOf(err))
	}
	return os.WriteFile(o.output, artifact, 0o644)
}
