// Host does the work by itself, and then loads a plugin that does it, too. Both have one engine.
package main

import (
	"errors"
	"fmt"
	"os"
	"plugin"

	"github.com/gowasmer/wasmer/go/tests/testdata/buildmodes/cwork"
	"github.com/gowasmer/wasmer/go/tests/testdata/buildmodes/work"
	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("works")
}

func run(path string) error {
	if err := errors.Join(work.Run(), cwork.Run()); err != nil {
		return err
	}
	p, err := plugin.Open(path)
	if err != nil {
		return err
	}
	run, err := p.Lookup("Run")
	if err != nil {
		return err
	}
	if err := run.(func() error)(); err != nil {
		return fmt.Errorf("plugin: %w", err)
	}
	bytes, err := wasmer.Wat2Wasm(`(module (func (export "sum") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))`)
	if err != nil {
		return err
	}
	instance, err := wasmer.NewInstance(bytes)
	if err != nil {
		return err
	}
	defer instance.Close()
	sum, err := p.Lookup("Sum")
	if err != nil {
		return err
	}
	return sum.(func(*wasmer.Instance) error)(&instance)
}
