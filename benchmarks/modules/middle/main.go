// A Go program for WASI: the middle one of the modules that are compiled and instantiated.
package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
)

func main() {
	words := strings.Fields(strings.Join(os.Args, " "))
	slices.Sort(words)
	_ = json.NewEncoder(os.Stdout).Encode(map[string][]string{"words": words})
}
