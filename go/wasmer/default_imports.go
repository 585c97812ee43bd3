package wasmer

import (
	"errors"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file has the functions that may stand for imports that nobody provides.

// WithTrappingImports lets a module be instantiated although functions are missing that it imports:
// a call of one ends the guest with an [*UnknownImportError]. Memories, tables and globals must be
// there.
//
// Of several options among WithTrappingImports, [WithZeroImports] and [WithDefaultImports], the
// first one that has a function for an import provides it.
func WithTrappingImports() InstanceOption {
	return missingOption(func(wanted *engine.Import) (*core.HostFunc, error) {
		err := &UnknownImportError{wanted.Namespace, wanted.Name}
		return standIn(wanted, func(*core.Call, []uint64) error { return err }), nil
	})
}

// WithZeroImports lets a module be instantiated although functions are missing that it imports: a
// call of one does nothing, and its results are zero, or null references. Memories, tables and
// globals must be there. See [WithTrappingImports] for several such options.
func WithZeroImports() InstanceOption {
	return missingOption(func(wanted *engine.Import) (*core.HostFunc, error) {
		results := wanted.Type.Func.ResultSlots()
		return standIn(wanted, func(_ *core.Call, slots []uint64) error {
			clear(slots[:results])
			return nil
		}), nil
	})
}

// WithDefaultImports has a function called for each function that a module imports and nobody
// provides, when the module is instantiated. It gets the two parts of the import's name and the
// type, and returns a host function of that type, such as one of [HostFunc], or the zero
// HostFunction to provide none. An import that is left without a function is an error of
// instantiating, and so is a function of another type. Memories, tables and globals must be there.
// See [WithTrappingImports] for several such options.
func WithDefaultImports(
	provide func(namespace, name string, t FunctionType) HostFunction,
) InstanceOption {
	if provide == nil {
		return InstanceOption{}
	}
	return missingOption(func(wanted *engine.Import) (*core.HostFunc, error) {
		function := provide(wanted.Namespace, wanted.Name, functionTypeFromEngine(wanted.Type.Func))
		if function.why != "" {
			return nil, errors.New("the default function " + function.why)
		}
		return function.host, nil
	})
}

// standIn makes a function of the type that an import has.
func standIn(wanted *engine.Import, call core.HostCall) *core.HostFunc {
	return &core.HostFunc{Params: wanted.Type.Func.Params, Results: wanted.Type.Func.Results, Call: call}
}

// missingOption makes an option that is asked after those before it.
func missingOption(provide func(*engine.Import) (*core.HostFunc, error)) InstanceOption {
	return InstanceOption{func(options *core.InstanceOptions) {
		before := options.Missing
		if before == nil {
			options.Missing = provide
			return
		}
		options.Missing = func(wanted *engine.Import) (*core.HostFunc, error) {
			if host, err := before(wanted); host != nil || err != nil {
				return host, err
			}
			return provide(wanted)
		}
	}}
}
