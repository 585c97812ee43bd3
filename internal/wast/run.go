// Package wast runs specification scripts (the files .wast of WebAssembly's test suite) over the
// public package wasmer. The crate rust/suite reads their text and encodes them; here they are
// decoded, and here are the instances that a script makes, and the judgement of its assertions.
package wast

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Outcome is what became of a directive.
type Outcome int

// The outcomes.
const (
	// Passed: what was asked for happened.
	Passed Outcome = iota
	// Failed: something else happened.
	Failed
	// Refused: a module that is needed uses a proposal that is not supported.
	Refused
	// Accepted: a module that had to be refused is valid. That is a failure, unless a later
	// proposal has made it valid.
	Accepted
)

// Result is what became of one directive.
type Result struct {
	// Line is where the directive stands, counted from 1.
	Line int
	// Directive is its name.
	Directive string
	// Assertion reports whether its name begins with assert; all others are commands.
	Assertion bool
	// Outcome is what became of it.
	Outcome Outcome
	// Text says how it failed, or names the proposal for which it was refused.
	Text string
}

// Options decide how scripts are run.
type Options struct {
	// Whole says that all proposals that the script uses are supported: a module that has to be
	// invalid is then rightly refused because it uses another one.
	Whole bool
	// Output is where the print functions of module spectest write; nil for nowhere.
	Output io.Writer
	// Compile are options for all modules.
	Compile []wasmer.CompileOption
}

// Run runs a script and says what became of each directive. The error is that of the context, when
// it is done.
func Run(ctx context.Context, script *Script, options Options) ([]Result, error) {
	r := &runner{
		ctx: ctx, options: options, imports: wasmer.NewImportObject(),
		named: map[string]*loaded{}, definitions: map[string][]byte{}, refused: map[string]string{},
	}
	defer r.close()
	if err := r.provideSpectest(); err != nil {
		return nil, fmt.Errorf("module spectest: %w", err)
	}
	results := make([]Result, len(script.Directives))
	for i := range script.Directives {
		d := &script.Directives[i]
		results[i] = Result{Line: d.Line, Directive: d.Kind.String(), Assertion: d.IsAssertion()}
		var refused *refusedError
		var accepted *acceptedError
		err := r.directive(d)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.As(err, &refused):
			results[i].Outcome, results[i].Text = Refused, refused.proposal
		case errors.As(err, &accepted):
			results[i].Outcome, results[i].Text = Accepted, err.Error()
		case err != nil:
			results[i].Outcome, results[i].Text = Failed, err.Error()
		}
	}
	return results, nil
}

// runner is what a script has defined so far.
type runner struct {
	ctx         context.Context
	options     Options
	imports     *wasmer.ImportObject
	newest      *loaded
	named       map[string]*loaded
	definitions map[string][]byte // "" is the newest
	refused     map[string]string // namespaces that refused modules were to have, and the proposals
	closers     []func()
}

// loaded is an instance, or the proposal for which its module was refused.
type loaded struct {
	instance wasmer.Instance
	refused  *refusedError
}

// close closes all that the script has made, the newest first.
func (r *runner) close() {
	for i := len(r.closers) - 1; i >= 0; i-- {
		r.closers[i]()
	}
	r.imports.Close()
}

// directive runs one directive; the error says how it failed, or that it is refused.
func (r *runner) directive(d *Directive) error {
	switch d.Kind {
	case DirectiveModule:
		bytes, err := binary(&d.Module)
		if err != nil {
			return err
		}
		return r.load(d.Name, bytes)
	case DirectiveDefinition:
		return r.define(d)
	case DirectiveInstance:
		bytes, ok := r.definitions[d.Of]
		if !ok {
			return fmt.Errorf("no module definition %q", d.Of)
		}
		return r.load(d.Name, bytes)
	case DirectiveRegister:
		return r.register(d.Name, d.Of)
	case DirectiveInvoke:
		_, err := r.act(&d.Action)
		return err
	case AssertReturn:
		values, err := r.act(&d.Action)
		if err != nil {
			return unexpected("results", nil, err)
		}
		return compare(d.Patterns, values)
	case AssertTrap:
		values, err := r.act(&d.Action)
		if sameTrap(err, d.Message) {
			return nil
		}
		return unexpected(fmt.Sprintf("trap %q", d.Message), values, err)
	case AssertExhaustion:
		values, err := r.act(&d.Action)
		if errors.Is(err, wasmer.ErrStackOverflow) {
			return nil
		}
		return unexpected(fmt.Sprintf("%q", d.Message), values, err)
	case AssertMalformed, AssertInvalid:
		return r.assertRefused(&d.Module, d.Message)
	case AssertUnlinkable:
		return r.assertUnlinkable(&d.Module, d.Message)
	case AssertException:
		values, err := r.act(&d.Action)
		var exception *wasmer.Exception
		if errors.As(err, &exception) {
			return nil
		}
		return unexpected("an exception", values, err)
	case AssertSuspension:
		values, err := r.act(&d.Action)
		return unexpected("a suspension", values, err)
	case DirectiveUnsupported:
		return fmt.Errorf("%s: not supported", d.Message)
	default:
		return fmt.Errorf("unknown directive %v", d.Kind)
	}
}

// binary returns the module in the binary format.
func binary(module *ScriptModule) ([]byte, error) {
	if module.Error != "" {
		return nil, fmt.Errorf("the module cannot be translated: %s", module.Error)
	}
	return module.Bytes, nil
}

// define keeps a module for later, which must be valid.
func (r *runner) define(d *Directive) error {
	bytes, err := binary(&d.Module)
	if err != nil {
		return err
	}
	r.definitions[""] = bytes
	r.definitions[d.Name] = bytes
	module, err := r.compile(bytes)
	if err != nil {
		return err
	}
	module.Close()
	return nil
}

// load instantiates a module, which becomes the newest instance, even if it is refused.
func (r *runner) load(name string, bytes []byte) error {
	l := &loaded{}
	instance, err := r.instantiate(bytes)
	if err != nil && !errors.As(err, &l.refused) {
		return err
	}
	l.instance = instance
	r.newest = l
	if name != "" {
		r.named[name] = l
	}
	return err
}

// register offers the exports of an instance under a namespace.
func (r *runner) register(namespace, name string) error {
	l, err := r.find(name)
	if err != nil {
		var refused *refusedError
		if errors.As(err, &refused) {
			r.refused[namespace] = refused.proposal
		}
		return err
	}
	imports := wasmer.NewImports().Namespace(namespace)
	defer imports.Close()
	if _, err := imports.AppendInstance(&l.instance); err != nil {
		return err
	}
	delete(r.refused, namespace)
	return r.imports.Extend(*imports)
}

// find returns an instance by its name, "" for the newest.
func (r *runner) find(name string) (*loaded, error) {
	l := r.newest
	if name != "" {
		l = r.named[name]
	}
	switch {
	case l == nil && name == "":
		return nil, errors.New("no module yet")
	case l == nil:
		return nil, fmt.Errorf("no module $%s", name)
	case l.refused != nil:
		return nil, l.refused
	}
	return l, nil
}

// act does what an action says, and returns the results.
func (r *runner) act(action *Action) ([]wasmer.Value, error) {
	if action.Kind == ActionInstantiate {
		bytes, err := binary(&action.Module)
		if err != nil {
			return nil, err
		}
		_, err = r.instantiate(bytes)
		return nil, err
	}
	l, err := r.find(action.Instance)
	if err != nil {
		return nil, err
	}
	if action.Kind == ActionGet {
		global, err := l.instance.Global(action.Name)
		if err != nil {
			return nil, err
		}
		value, err := global.Get()
		return []wasmer.Value{value}, err
	}
	function, err := l.instance.Function(action.Name)
	if err != nil {
		return nil, err
	}
	arguments := make([]any, len(action.Arguments))
	for i := range action.Arguments {
		if arguments[i], err = value(&action.Arguments[i]); err != nil {
			return nil, err
		}
	}
	return function.Call(r.ctx, arguments...)
}
