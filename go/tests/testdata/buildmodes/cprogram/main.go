// Cprogram does the work without C and with it.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/gowasmer/wasmer/go/tests/testdata/buildmodes/cwork"
	"github.com/gowasmer/wasmer/go/tests/testdata/buildmodes/work"
)

func main() {
	if err := errors.Join(work.Run(), cwork.Run()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("works")
}
