// Program does the work without C.
package main

import (
	"fmt"
	"os"

	"github.com/gowasmer/wasmer/go/tests/testdata/buildmodes/work"
)

func main() {
	if err := work.Run(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("works")
}
