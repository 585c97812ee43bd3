package wasmer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/wasi"
)

// This file has what happens to imports that nobody provides: the error that names them all, with
// hints, or functions that fail when called.

// TrapUnknownImports lets a module be instantiated although functions are missing that it imports:
// one that is called ends the guest with an [*UnknownImportError]. Memories, tables and globals
// have to be there.
func TrapUnknownImports() InstanceOption {
	return func(options *core.InstanceOptions) { options.Missing = unknownImport }
}

// UnknownImportError is the error of a guest that called a function that nobody provides; see
// [TrapUnknownImports].
type UnknownImportError struct {
	// Namespace and Name are those of the import.
	Namespace, Name string
}

// Error names the function.
func (e *UnknownImportError) Error() string {
	text := fmt.Sprintf("the guest called an imported function that nobody provides, namespace: %s, name: %s", e.Namespace, e.Name)
	if hint := importHint(e.Namespace); hint != "" {
		text += " (" + hint + ")"
	}
	return text
}

// unknownImport makes the function that stands for a missing one.
func unknownImport(wanted *engine.Import) *core.HostFunc {
	err := &UnknownImportError{wanted.Namespace, wanted.Name}
	return &core.HostFunc{
		Params: wanted.Type.Func.Params, Results: wanted.Type.Func.Results,
		Call: func(*core.Call, []uint64) error { return err },
	}
}

// missingError names all imports that nobody provides, and behind them, where it is known, who
// would.
func missingError(missing []core.Name) error {
	lines := make([]string, len(missing))
	var hints []string
	for i, name := range missing {
		lines[i] = fmt.Sprintf("Import not found, namespace: %s, name: %s", name.Namespace, name.Name)
		if hint := importHint(name.Namespace); hint != "" && !slices.Contains(hints, hint) {
			hints = append(hints, hint)
		}
	}
	text := strings.Join(lines, "\n    link error: ")
	for _, hint := range hints {
		text += "\n    hint: " + hint
	}
	return &engine.Error{Kind: engine.KindLink, Message: text}
}

// importHint tells what provides a namespace, or is empty.
func importHint(namespace string) string {
	switch {
	case wasi.Functions(namespace) != nil:
		return fmt.Sprintf("namespace %s is WASI's: see the type Wasi, whose ImportObject and Run provide it", namespace)
	case strings.HasPrefix(namespace, "wasi:"):
		return fmt.Sprintf("namespace %s is of WASI preview 2 or later; build for preview 1 (wasm32-wasip1)", namespace)
	case namespace == "gojs" || namespace == "go":
		return fmt.Sprintf("namespace %s is of Go for JavaScript; build with GOOS=wasip1", namespace)
	case strings.HasPrefix(namespace, "__wbindgen") || namespace == "wbg":
		return fmt.Sprintf("namespace %s is wasm-bindgen's, for JavaScript; build for wasm32-wasip1", namespace)
	}
	return ""
}
