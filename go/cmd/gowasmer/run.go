package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// The exit codes of run, save for the guest's own: as shells have them for programs that were stopped so.
const (
	exitTimeout = 124 // as timeout(1)
	exitCtrlC   = 130 // 128 + SIGINT
	exitTrap    = 134 // 128 + SIGABRT
)

// exitCode ends the command with a code. If there is an error, it is printed.
type exitCode struct {
	code int
	err  error
}

func (e *exitCode) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

// runGuest runs a WASI program, or an exported function of any module.
func runGuest(arguments []string, s streams) error {
	o, err := parseRun(arguments)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the command itself
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	module, err := openModule(ctx, o.file, s)
	if err != nil {
		return err
	}
	defer module.Close()
	if o.invoke != "" && !exportsFunction(&module, o.invoke) {
		return usagef("run: %s exports no function %q", o.file, o.invoke)
	}
	w := wasmer.Wasi{Args: o.args, Env: o.env, Stdin: s.in, Stdout: s.out, Stderr: s.errs, Dirs: o.dirs}
	var options []wasmer.InstanceOption
	if o.maxMemory > 0 {
		options = append(options, wasmer.WithMemoryCeiling(o.maxMemory))
	}
	if o.trapUnknown {
		options = append(options, wasmer.WithTrappingImports())
	}
	if o.invoke == "" {
		if !exportsFunction(&module, "_start") {
			return usagef("run: %s exports no function \"_start\": it is no program; name a function by --invoke", o.file)
		}
		return guestEnded(o.file, w.Run(ctx, &module, options...))
	}
	return guestEnded(o.file, invoke(ctx, &w, &module, o, options, s))
}

// openModule compiles a file, or takes it as it is if it was compiled before.
func openModule(ctx context.Context, path string, s streams) (wasmer.Module, error) {
	var module wasmer.Module
	file, err := readFile(ctx, path, s.in)
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return module, guestEnded(path, err)
	case err != nil:
		return module, err
	}
	if len(file) >= 8 && !bytes.HasPrefix(file, binaryMagic) {
		module, err = wasmer.DeserializeModule(file)
	} else {
		module, err = wasmer.CompileContext(ctx, file)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return module, guestEnded(path, err)
	}
	if err != nil {
		return module, fmt.Errorf("%s: %w", path, causeOf(err))
	}
	return module, nil
}

// causeOf leaves the fixed text of a ModuleError away, which says less than its cause.
func causeOf(err error) error {
	var e *wasmer.ModuleError
	if errors.As(err, &e) && errors.Unwrap(e) != nil {
		return errors.Unwrap(e)
	}
	return err
}

func exportsFunction(module *wasmer.Module, name string) bool {
	for _, export := range module.Exports {
		if export.Name == name && export.Kind == wasmer.ImportExportKindFunction {
			return true
		}
	}
	return false
}

// invoke calls one exported function, with the arguments read by the types of its parameters, and prints the results.
func invoke(ctx context.Context, w *wasmer.Wasi, module *wasmer.Module, o *runOptions, options []wasmer.InstanceOption, s streams) error {
	object, err := w.ImportObject()
	if err != nil {
		return err
	}
	imports, err := object.Imports()
	if err != nil {
		return err
	}
	instance, err := module.InstantiateContext(ctx, imports, options...)
	if err != nil {
		return err
	}
	defer instance.Close()
	if initialize, err := instance.Function("_initialize"); err == nil && o.invoke != "_initialize" {
		if _, err := initialize.Call(ctx); err != nil {
			return err
		}
	}
	function, err := instance.Function(o.invoke)
	if err != nil {
		return err
	}
	t := function.Type()
	values, err := parseArguments(o.invoke, &engine.FuncType{Params: engineTypes(t.Params), Results: engineTypes(t.Results)}, o.args[1:])
	if err != nil {
		return err
	}
	results, err := function.Call(ctx, values...)
	if err != nil {
		return err
	}
	for _, result := range results {
		if _, err := fmt.Fprintln(s.out, formatValue(result)); err != nil {
			return err
		}
	}
	return nil
}

func engineTypes(types []wasmer.ValueType) []engine.ValType {
	to := make([]engine.ValType, len(types))
	for i, t := range types {
		switch t {
		case wasmer.TypeI32:
			to[i] = engine.I32
		case wasmer.TypeI64:
			to[i] = engine.I64
		case wasmer.TypeF32:
			to[i] = engine.F32
		case wasmer.TypeF64:
			to[i] = engine.F64
		default:
			to[i] = engine.ExternRef // something that has no form on a command line
		}
	}
	return to
}

// guestEnded makes of the way in which a guest ended the exit code of the command.
func guestEnded(file string, err error) error {
	var exit *wasmer.ExitError
	var trap *wasmer.Trap
	var unknown *wasmer.UnknownImportError
	var wrong *usageError
	switch {
	case err == nil, errors.As(err, &wrong):
		return err
	case errors.As(err, &exit):
		return &exitCode{code: int(exit.Code)}
	case errors.As(err, &trap):
		return &exitCode{exitTrap, fmt.Errorf("%s: %w", file, trap)}
	case errors.As(err, &unknown):
		return &exitCode{exitTrap, fmt.Errorf("%s: %w", file, unknown)}
	case errors.Is(err, context.DeadlineExceeded):
		return &exitCode{exitTimeout, fmt.Errorf("%s: the time given by --timeout is over", file)}
	case errors.Is(err, context.Canceled):
		return &exitCode{exitCtrlC, fmt.Errorf("%s: interrupted", file)}
	}
	text := strings.TrimPrefix(causeOf(err).Error(), "link error: ")
	return fmt.Errorf("%s: %s", file, text)
}
