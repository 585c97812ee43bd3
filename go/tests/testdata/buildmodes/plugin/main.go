// Plugin is loaded by the program host.
package main

import (
	"errors"

	"github.com/gowasmer/wasmer/go/tests/testdata/buildmodes/cwork"
	"github.com/gowasmer/wasmer/go/tests/testdata/buildmodes/work"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// Run does the work.
func Run() error { return errors.Join(work.Run(), cwork.Run()) }

// Sum calls an instance of the host.
func Sum(instance *wasmer.Instance) error { return work.Computes(instance) }

func main() {}
