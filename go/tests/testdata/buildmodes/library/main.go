// Library is a library for C programs.
package main

import "C"

import (
	"errors"
	"fmt"
	"os"

	"github.com/gowasmer/wasmer/go/tests/testdata/buildmodes/cwork"
	"github.com/gowasmer/wasmer/go/tests/testdata/buildmodes/work"
)

// gowasmer_works does the work, and says by 1 that everything worked.
//
//export gowasmer_works
func gowasmer_works() C.int {
	if err := errors.Join(work.Run(), cwork.Run()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 0
	}
	return 1
}

func main() {}
