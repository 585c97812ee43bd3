package wasmer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/wasi"
)

// This file has the errors about imports that nobody provides: the one that names them all, with
// hints, and that of a call of one. The functions that may stand for them are in
// default_imports.go.

// UnknownImportError is the error of a guest that called a function that nobody provides; see
// [WithTrappingImports].
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
