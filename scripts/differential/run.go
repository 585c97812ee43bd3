package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// This file runs one case through the package and compares what it does with what it has to do.

// timeout is how long a module may take, and patience how long when it is tried again: none takes
// it but one that hangs. What an oracle has found to run long is not in a case.
const (
	timeout  = 60 * time.Second
	patience = 5 * timeout
)

// errEarly ends a run where this engine met a limit that the oracle has not met, or later.
var errEarly = errors.New("the stack is used up")

// check runs a case in all its variants. The error says what differs.
func check(c *testCase, t *tally) error {
	t[countCases]++
	switch c.verdict {
	case verdictNothing:
		t[countNothing]++
		return nil
	case verdictDisputed:
		return errors.New(c.text)
	}
	if valid := wasmer.Validate(c.module); valid != (c.verdict == verdictValid) {
		return fmt.Errorf("validation says %v, expected %v", valid, !valid)
	}
	if c.verdict == verdictInvalid {
		t[countInvalid]++
		module, err := wasmer.Compile(c.module)
		if err == nil {
			module.Close()
			return errors.New("a module that is not valid is compiled")
		}
		return nil
	}
	t[countWasmi+counter(c.oracle)]++
	if c.cut > 0 {
		t[countFuel+counter(c.cut)-1]++
	}
	isNaN := false
	for _, variant := range []how{guarded, explicit, serialized} {
		if c.how&variant == 0 {
			continue
		}
		variant |= c.how & canonicalNaNs
		err := runVariant(c, variant, timeout, t)
		// The machine may have had other things to do.
		if errors.Is(err, context.DeadlineExceeded) {
			t[countSlow]++
			err = runVariant(c, variant, patience, t)
		}
		// The generator makes most NaN canonical, but not all.
		if err != nil && variant&canonicalNaNs == 0 && runVariant(c, variant|canonicalNaNs, patience, new(tally)) == nil {
			isNaN, err = true, nil
		}
		if err != nil {
			return fmt.Errorf("%v (%s): %w", variant, oracles[c.oracle], err)
		}
	}
	if isNaN {
		t[countNaN]++
	}
	return nil
}

// runVariant runs a case in one variant, for so long at most.
func runVariant(c *testCase, variant how, timeout time.Duration, t *tally) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	module, options, err := compile(ctx, c.module, variant)
	if err != nil {
		return fmt.Errorf("a valid module is refused: %w", errors.Join(err, errors.Unwrap(err)))
	}
	defer module.Close()
	t[countModules]++
	r := run{ctx: ctx, c: c, module: &module, options: options, tally: t}
	defer r.close()
	for i := range c.events {
		err := r.event(&c.events[i])
		switch {
		case err == errEarly:
			t[countStack]++
			return nil
		case err != nil:
			return fmt.Errorf("event %d: %w", i, err)
		case ctx.Err() != nil:
			return fmt.Errorf("event %d took until the end of %v: %w", i, timeout, ctx.Err())
		}
	}
	return nil
}

func compile(ctx context.Context, bytes []byte, variant how) (wasmer.Module, []wasmer.CompileOption, error) {
	var options []wasmer.CompileOption
	if variant&canonicalNaNs != 0 {
		options = append(options, wasmer.WithCanonicalNaNs())
	}
	if variant&explicit != 0 {
		options = append(options, wasmer.WithExplicitBounds())
	}
	module, err := wasmer.CompileContext(ctx, bytes, options...)
	if err != nil || variant&serialized == 0 {
		return module, options, err
	}
	defer module.Close()
	written, err := module.Serialize()
	if err != nil {
		return module, options, err
	}
	again, err := wasmer.DeserializeModule(written)
	return again, options, err
}

// run is a module that runs a case, of which one instance lives at a time.
type run struct {
	ctx      context.Context
	c        *testCase
	module   *wasmer.Module
	options  []wasmer.CompileOption
	provider *provider
	instance wasmer.Instance
	tally    *tally
}

func (r *run) close() {
	r.instance.Close()
	if r.provider != nil {
		r.provider.close()
		r.provider = nil
	}
}

// event does what an event says, and compares what comes of it.
func (r *run) event(e *event) error {
	switch e.kind {
	case eventInstance:
		r.close()
		var err error
		r.provider, err = provide(r.c, r.module, r.options)
		if err != nil {
			return err
		}
		r.provider.expected = e.hostCalls
		r.instance, err = r.module.InstantiateContext(r.ctx, r.provider.imports,
			wasmer.WithMemoryCeiling(uint32(r.c.maxPages)), wasmer.WithTableCeiling(uint32(r.c.maxElements)))
		return r.compare("the instantiation", e, nil, err)
	case eventCall:
		r.provider.expected = e.hostCalls
		results, err := r.call(e)
		return r.compare(fmt.Sprintf("the call of %q with %v", e.export, e.arguments), e, results, err)
	default:
		return r.compareStates(e.states)
	}
}

// call calls an export, in the way that the seed chooses.
func (r *run) call(e *event) ([]value, error) {
	function, err := r.instance.Function(e.export)
	if err != nil {
		return nil, err
	}
	first, err := r.firstFunction()
	if err != nil {
		return nil, err
	}
	functionType := function.Type()
	if r.c.seed>>26&1 == 0 {
		arguments := mapped(e.arguments, func(v value) any { return v.to(first) })
		results, err := function.Call(r.ctx, arguments...)
		return mapped(results, of), err
	}
	count := func(types []wasmer.ValueType) (slots int) {
		for _, t := range types {
			slots += slotsOf(t)
		}
		return slots
	}
	slots := make([]uint64, max(count(functionType.Params), count(functionType.Results)))
	if err := toSlots(&r.instance, e.arguments, first, slots); err != nil {
		return nil, err
	}
	if err := function.CallSlots(r.ctx, slots); err != nil {
		return nil, err
	}
	return fromSlots(&r.instance, functionType.Results, slots)
}

// firstFunction returns the first exported function, in the order of the exports.
func (r *run) firstFunction() (*wasmer.Function, error) {
	i := slices.IndexFunc(r.module.Exports, func(export wasmer.ExportDescriptor) bool { return export.Kind == wasmer.ImportExportKindFunction })
	if i < 0 {
		return nil, errors.New("no function is exported")
	}
	return r.instance.Function(r.module.Exports[i].Name)
}

// compare compares how an event has ended.
func (r *run) compare(what string, e *event, results []value, err error) error {
	p := r.provider
	if errors.Is(err, wasmer.ErrStackOverflow) {
		return errEarly
	}
	if p.failed != nil {
		return fmt.Errorf("%s: %w", what, p.failed)
	}
	var trap *wasmer.Trap
	switch {
	case err == nil && e.outcome.trap == 0 && slices.Equal(results, e.outcome.results):
		r.tally[countReturned]++
	case errors.As(err, &trap) && e.outcome.trap != 0 && slices.Contains(trapKinds[e.outcome.trap], trap.Code):
		r.tally[countTrapped]++
	case err != nil:
		return fmt.Errorf("%s: error %w, expected %v", what, err, e.outcome)
	default:
		return fmt.Errorf("%s: results %v, expected %v", what, results, e.outcome)
	}
	if len(p.expected) > 0 {
		return fmt.Errorf("%s: %d calls of the host are missing", what, len(p.expected))
	}
	r.tally[countHostCalls] += len(e.hostCalls)
	return nil
}

// compareStates compares what the exports hold that are no functions.
func (r *run) compareStates(expected []state) error {
	exports := slices.DeleteFunc(slices.Clone(r.module.Exports), func(export wasmer.ExportDescriptor) bool {
		return export.Kind == wasmer.ImportExportKindFunction
	})
	if len(exports) != len(expected) {
		return fmt.Errorf("%d exports that are no functions, expected %d", len(exports), len(expected))
	}
	for i, export := range exports {
		got, err := r.state(export)
		if err != nil {
			return fmt.Errorf("export %q: %w", export.Name, err)
		}
		if got != expected[i] {
			return fmt.Errorf("export %q holds %+v, expected %+v", export.Name, got, expected[i])
		}
		r.tally[countStates]++
	}
	return nil
}

func (r *run) state(export wasmer.ExportDescriptor) (state, error) {
	to := state{kind: export.Kind}
	switch export.Kind {
	case wasmer.ImportExportKindGlobal:
		global, err := r.instance.Global(export.Name)
		if err != nil {
			return to, err
		}
		v, err := global.Get()
		to.value = of(v)
		return to, err
	case wasmer.ImportExportKindMemory:
		memory, err := r.instance.ExportedMemory(export.Name)
		if err != nil {
			return to, err
		}
		data := memory.Data()
		to.size, to.hash = uint64(len(data)), hashBytes(data)
		return to, nil
	default:
		table, err := r.instance.Table(export.Name)
		if err != nil {
			return to, err
		}
		to.size = table.Size()
		for i := range to.size {
			element, err := table.Get(i)
			if err != nil {
				return to, err
			}
			to.hash = mix(to.hash, of(element).low)
		}
		return to, nil
	}
}
