package wast

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// invalidError says that a module is not valid.
type invalidError struct{ cause error }

func (e *invalidError) Error() string { return fmt.Sprintf("validation error %q", e.cause) }

// refusedError says that a module uses a proposal that is not supported.
type refusedError struct{ proposal string }

func (e *refusedError) Error() string {
	return fmt.Sprintf("the proposal %s is not supported", e.proposal)
}

// linkError says that imports are missing or have other types.
type linkError struct{ cause error }

func (e *linkError) Error() string { return fmt.Sprintf("link error %q", e.cause) }

// acceptedError says that a module is valid that had to be refused.
type acceptedError struct{ expected string }

func (e *acceptedError) Error() string {
	return fmt.Sprintf("expected a validation error (%q), the module was compiled", e.expected)
}

// compile compiles a module. Validate must be of the same opinion.
func (r *runner) compile(bytes []byte) (wasmer.Module, error) {
	module, err := wasmer.Compile(bytes, r.options.Compile...)
	valid := wasmer.Validate(bytes)
	if err == nil {
		if !valid {
			module.Close()
			return wasmer.Module{}, errors.New("the module was compiled, but Validate says that it is not valid")
		}
		return module, nil
	}
	if valid {
		return wasmer.Module{}, fmt.Errorf("the module is valid, but cannot be compiled: %w", errors.Unwrap(err))
	}
	cause := errors.Unwrap(err)
	if proposal, ok := refusedFor(cause.Error()); ok {
		return wasmer.Module{}, &refusedError{proposal}
	}
	return wasmer.Module{}, &invalidError{cause}
}

// refusedFor finds the proposal that the reason of a refusal names.
func refusedFor(reason string) (proposal string, ok bool) {
	rest, ok := strings.CutPrefix(reason, "the proposal ")
	if !ok {
		return "", false
	}
	proposal, _, ok = strings.Cut(rest, " is not supported")
	return proposal, ok
}

// instantiate compiles, links and starts a module. One that imports from a refused one is refused
// for the same reason.
func (r *runner) instantiate(bytes []byte) (wasmer.Instance, error) {
	module, err := r.compile(bytes)
	if err != nil {
		return wasmer.Instance{}, err
	}
	defer module.Close()
	imports, err := r.imports.Imports()
	if err != nil {
		return wasmer.Instance{}, err
	}
	defer imports.Close()
	instance, err := module.InstantiateContext(r.ctx, imports)
	if err == nil {
		r.closers = append(r.closers, instance.Close)
		return instance, nil
	}
	text := err.Error()
	if !strings.HasPrefix(text, "Failed to instantiate the module:\n    link error: ") {
		return wasmer.Instance{}, err
	}
	for namespace, proposal := range r.refused {
		if strings.Contains(text, "namespace: "+namespace+", name: ") {
			return wasmer.Instance{}, &refusedError{proposal}
		}
	}
	return wasmer.Instance{}, &linkError{err}
}

// assertRefused checks that a module is refused: its text by the parser of the text format, or else
// its binary form by the validator.
func (r *runner) assertRefused(module *ScriptModule, message string) error {
	if module.Error != "" {
		return nil
	}
	compiled, err := r.compile(module.Bytes)
	var invalid *invalidError
	var refused *refusedError
	switch {
	case err == nil:
		compiled.Close()
		return &acceptedError{message}
	case errors.As(err, &invalid), r.options.Whole && errors.As(err, &refused):
		return nil
	}
	return unexpected(fmt.Sprintf("a validation error (%q)", message), nil, err)
}

// assertUnlinkable checks that a module is refused when it is linked, not earlier.
func (r *runner) assertUnlinkable(module *ScriptModule, message string) error {
	bytes, err := binary(module)
	if err != nil {
		return err
	}
	_, err = r.instantiate(bytes)
	var link *linkError
	if errors.As(err, &link) {
		return nil
	}
	return unexpected(fmt.Sprintf("a link error (%q)", message), nil, err)
}

// sameTrap reports whether an error is the trap that a script expects. The suite's texts may say
// more than ours ("uninitialized element 2"), or less.
func sameTrap(err error, message string) bool {
	var trap *wasmer.Trap
	if !errors.As(err, &trap) {
		return false
	}
	text := trap.Code.Error()
	return strings.HasPrefix(message, text) || strings.HasPrefix(text, message)
}

// unexpected is the failure of a directive that expected something else.
func unexpected(expected string, values []wasmer.Value, err error) error {
	if err != nil {
		return fmt.Errorf("expected %s, got %w", expected, err)
	}
	return fmt.Errorf("expected %s, got the results %s", expected, formatValues(values))
}
