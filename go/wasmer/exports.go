package wasmer

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// exportedType is what a call needs to know about the type of a function; it belongs to the module.
type exportedType struct {
	*engine.FuncType
	slots                   int // the larger number of both
	paramSlots, resultSlots int
	plain                   bool // all are numbers: each takes one slot
	checked                 bool // there are parameters of type funcref, whose slots must be looked at
}

func newExportedType(t *engine.FuncType) exportedType {
	to := exportedType{FuncType: t, paramSlots: t.ParamSlots(), resultSlots: t.ResultSlots(), plain: true}
	to.slots = max(to.paramSlots, to.resultSlots)
	for _, param := range t.Params {
		to.plain = to.plain && param <= engine.F64
		to.checked = to.checked || param == engine.FuncRef
	}
	for _, result := range t.Results {
		to.plain = to.plain && result <= engine.F64
	}
	return to
}

// exportedFunction is a function that an instance exports, or one that is known by a reference. The closures of Instance.Exports refer to it, and it to the
// instance.
type exportedFunction struct {
	instance *instanceState
	typ      *exportedType
	name     string
	export   uint32                           // position among the module's exports, or noExport
	entry    atomic.Pointer[fiber.Entry]      // how to enter it; asked for at the first call
	known    atomic.Pointer[functionIdentity] // made when somebody asks for it: most exports are called by their closures, if at all
}

// functionIdentity is what makes a function a value.
type functionIdentity struct {
	public Function                         // what users get
	same   atomic.Pointer[exportedFunction] // the one that stands for all that are the same function, once it was a value
	slot   atomic.Uint64                    // a reference to it, once it was a value
}

// identity makes the function a value.
func (f *exportedFunction) identity() *functionIdentity {
	if known := f.known.Load(); known != nil {
		return known
	}
	f.known.CompareAndSwap(nil, &functionIdentity{public: Function{f}})
	return f.known.Load()
}

// function returns what users get; it is the same each time.
func (f *exportedFunction) function() *Function { return &f.identity().public }

// makeFunctions makes the exported functions of an instance.
func makeFunctions(instance *instanceState) []exportedFunction {
	count := 0
	for i := range instance.about.functions {
		if instance.about.functions[i].FuncType != nil {
			count++
		}
	}
	functions, next := make([]exportedFunction, count), 0
	for i := range instance.about.functions {
		if instance.about.functions[i].FuncType == nil {
			continue
		}
		f := &functions[next]
		next++
		f.instance, f.typ = instance, &instance.about.functions[i]
		f.name, f.export = instance.about.Exports[i].Name, uint32(i)
	}
	return functions
}

// makeExports makes the map of closures over functions.
func makeExports(functions []exportedFunction) map[string]func(...interface{}) (Value, error) {
	exports := make(map[string]func(...interface{}) (Value, error), len(functions))
	for i := range functions {
		exports[functions[i].name] = functions[i].callOne
	}
	return exports
}

// callOne calls the function with untyped arguments, and returns its only result. It is what Instance.Exports holds, and allocates nothing.
func (f *exportedFunction) callOne(arguments ...interface{}) (Value, error) {
	t := f.typ
	if len(arguments) != len(t.Params) || len(t.Results) > 1 || !t.plain {
		return f.callOneOfAny(arguments)
	}
	fb, slots, err := f.begin(background)
	if err != nil {
		return Value{}, err
	}
	for i, argument := range arguments {
		if !encodeArgument(slotAt(slots, i), t.Params[i], argument) {
			f.end(fb)
			return Value{}, f.badArgument(i, argument)
		}
	}
	if err := f.run(background, fb); err != nil {
		return Value{}, err
	}
	result := void()
	if len(t.Results) != 0 {
		result = valueFromSlot(*slotAt(slots, 0), t.Results[0])
	}
	f.end(fb)
	return result, nil
}

// callOneOfAny is the same for functions with vectors and references; others are not called.
func (f *exportedFunction) callOneOfAny(arguments []interface{}) (Value, error) {
	if len(arguments) != len(f.typ.Params) || len(f.typ.Results) > 1 {
		return Value{}, f.mismatch(len(arguments), true)
	}
	results, err := f.callAll(background, arguments)
	switch {
	case err != nil:
		return Value{}, err
	case len(results) == 0:
		return void(), nil
	}
	return results[0], nil
}

// background is the context of calls without one.
var background = context.Background()

// callAll is the same with a context and any number of results.
func (f *exportedFunction) callAll(ctx context.Context, arguments []interface{}) ([]Value, error) {
	t := f.typ
	if len(arguments) != len(t.Params) {
		return nil, f.mismatch(len(arguments), false)
	}
	fb, slots, err := f.begin(ctx)
	if err != nil {
		return nil, err
	}
	if err := f.encode(slots, arguments); err != nil {
		f.end(fb)
		return nil, err
	}
	if err := f.run(ctx, fb); err != nil {
		return nil, err
	}
	results, err := f.instance.decode(slots, t.Results)
	f.end(fb)
	if err != nil {
		return nil, f.failed(err)
	}
	return results, nil
}

// mismatch says why a call with a number of arguments cannot be made.
func (f *exportedFunction) mismatch(given int, one bool) error {
	switch {
	case f.instance.life.isClosed():
		return f.failed(closedError("instance"))
	case one && len(f.typ.Results) > 1:
		return f.refused(fmt.Sprintf("it has %d results, use Instance.Function and Function.Call to get them all", len(f.typ.Results)))
	default:
		return f.wrongCount(given)
	}
}

// shortSlots says why a call with a number of slots cannot be made.
func (f *exportedFunction) shortSlots(given int) error {
	switch {
	case f.instance.life.isClosed():
		return f.failed(closedError("instance"))
	default:
		return f.refused(fmt.Sprintf("%d slots are given, expected %d, for %d parameters and %d results", given, f.typ.slots,
			len(f.typ.Params), len(f.typ.Results)))
	}
}

// failed is the error of a call that did not come to its end.
func (f *exportedFunction) failed(cause error) error {
	cause = fromEngine(cause)
	if trap, ok := cause.(*Trap); ok {
		lastError.Store(&lastFailure{trap: trap})
	} else {
		remember(cause.Error())
	}
	return &ExportedFunctionError{f.name, "Failed to call the `%s` exported function.", cause}
}

// refused is the error of a call that cannot be made at all.
func (f *exportedFunction) refused(why string) error {
	return f.invalid("Cannot call the `%s` exported function: " + why + ".")
}

func (f *exportedFunction) invalid(message string) error {
	err := NewExportedFunctionError(f.name, message)
	remember(err.Error())
	return err
}

func (f *exportedFunction) wrongCount(given int) error {
	expected := len(f.typ.Params)
	if given < expected {
		return f.invalid(fmt.Sprintf("Missing %d argument(s) when calling the `%%s` exported function; Expect %d argument(s), given %d.",
			expected-given, expected, given))
	}
	return f.invalid(fmt.Sprintf("Given %d extra argument(s) when calling the `%%s` exported function; Expect %d argument(s), given %d.",
		given-expected, expected, given))
}

func (f *exportedFunction) badArgument(i int, argument interface{}) error {
	param := f.typ.Params[i]
	if outOfRange(param, argument) {
		return f.invalid(fmt.Sprintf("Argument #%d of the `%%s` exported function must be of type `%s`, the given value %d is out of its range.",
			i+1, param, argument))
	}
	return f.invalid(fmt.Sprintf("Argument #%d of the `%%s` exported function must be of type `%s`, cannot cast given value to this type.",
		i+1, param))
}

// signature formats a function type as the text format names its types: "(i32, i32) -> (i64)".
func signature(t *engine.FuncType) string {
	list := func(types []engine.ValType) string {
		names := make([]string, len(types))
		for i, t := range types {
			names[i] = t.String()
		}
		return "(" + strings.Join(names, ", ") + ")"
	}
	return list(t.Params) + " -> " + list(t.Results)
}
