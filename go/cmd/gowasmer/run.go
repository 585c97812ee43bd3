package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// The exit codes of run, save for the guest's own: as shells have them for programs that were
// stopped so.
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
func runGuest(o *settings, arguments []string, s streams) error {
	if len(arguments) == 0 {
		return usagef("run takes a FILE and the guest's arguments, given none")
	}
	path := arguments[0]
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the command itself
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	p, err := createProfile(o.profile)
	if err != nil {
		return err
	}
	defer p.discard()
	module, err := openModule(ctx, path, o, s)
	if err != nil {
		return err
	}
	defer module.Close()
	switch {
	case o.invoke != "" && !exportsFunction(&module, o.invoke):
		return usagef("run: %s exports no function %q", path, o.invoke)
	case o.invoke == "" && !exportsFunction(&module, "_start"):
		return usagef("run: %s exports no function \"_start\": it is no program; name a function by --invoke", path)
	}
	if err := p.start(); err != nil {
		return err
	}
	w := wasmer.Wasi{Args: arguments, Env: o.env, Stdin: s.in, Stdout: s.out, Stderr: s.errs, Dirs: o.dirs}
	if o.invoke == "" {
		err = w.Run(ctx, &module, o.forInstance(s)...)
	} else {
		err = invoke(ctx, &w, &module, o, arguments[1:], s)
	}
	err = guestEnded(path, err)
	if unwritten := p.stop(); unwritten != nil {
		if err == nil {
			return unwritten
		}
		fmt.Fprintf(s.errs, "gowasmer: %v\n", unwritten) // what the guest has done is told by the exit code
	}
	return err
}

// guestProfile is a CPU profile of a guest. A nil one is none.
type guestProfile struct {
	file    *os.File
	started bool
}

// createProfile creates the file of a profile, none for an empty path.
func createProfile(path string) (*guestProfile, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, profileError(path, err)
	}
	return &guestProfile{file: file}, nil
}

// profileError tells why there is no profile.
func profileError(path string, err error) error {
	var cause *os.PathError
	if errors.As(err, &cause) {
		err = cause.Err
	}
	return fmt.Errorf("cannot write the profile %s: %w", path, err)
}

// start begins the profile.
func (p *guestProfile) start() error {
	if p == nil {
		return nil
	}
	if err := wasmer.StartCPUProfile(p.file); err != nil {
		return profileError(p.file.Name(), err)
	}
	p.started = true
	return nil
}

// stop ends the profile and writes it.
func (p *guestProfile) stop() error {
	if p == nil {
		return nil
	}
	if err := errors.Join(wasmer.StopCPUProfile(), p.file.Close()); err != nil {
		return profileError(p.file.Name(), err)
	}
	return nil
}

// discard removes the file if the profile was never started.
func (p *guestProfile) discard() {
	if p != nil && !p.started {
		p.file.Close()
		os.Remove(p.file.Name())
	}
}

func exportsFunction(module *wasmer.Module, name string) bool {
	for _, export := range module.Exports {
		if export.Name == name && export.Kind == wasmer.ImportExportKindFunction {
			return true
		}
	}
	return false
}

// invoke calls one exported function, with the arguments read by the types of its parameters, and
// prints the results.
func invoke(ctx context.Context, w *wasmer.Wasi, module *wasmer.Module, o *settings, texts []string, s streams) error {
	instance, err := w.Instantiate(ctx, module, nil, o.forInstance(s)...)
	if err != nil {
		return err
	}
	defer instance.Close()
	if o.invoke == "_initialize" { // it was called
		return nil
	}
	function, err := instance.Function(o.invoke)
	if err != nil {
		return err
	}
	values, err := parseArguments(o.invoke, function.Type(), texts)
	if err != nil {
		return err
	}
	return callAndPrint(ctx, function, values, s)
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
