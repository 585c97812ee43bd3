package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// maxTraced is how many bytes of an error's text, or of a value, a trace has.
const maxTraced = 200

// tracer returns a hook that writes a line for each call of a host function, when it has ended.
func tracer(to io.Writer) wasmer.Hook {
	return func(_ *wasmer.InstanceContext, call *wasmer.HostCall, next func() error) error {
		line := fmt.Sprintf("%s.%s(%s) -> ", printable(call.Namespace), printable(call.Name), traceValues(call.Arguments))
		outcome := "panic\n"
		defer func() { io.WriteString(to, line+outcome) }()
		err := next()
		switch {
		case err != nil:
			outcome = "error: " + traceText(err.Error()) + "\n"
		case len(call.Results) == 1:
			outcome = traceValues(call.Results) + "\n"
		default:
			outcome = "(" + traceValues(call.Results) + ")\n"
		}
		return err
	}
}

// traceValues writes values with their types: "i32 1, f64 0.5".
func traceValues(values []wasmer.Value) string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = value.GetType().String() + " " + traceText(formatValue(value))
	}
	return strings.Join(texts, ", ")
}

// traceText returns the first line of a text, or its beginning if that is long.
func traceText(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > maxTraced {
		text = strings.ToValidUTF8(text[:maxTraced], "") + "..."
	}
	return text
}
