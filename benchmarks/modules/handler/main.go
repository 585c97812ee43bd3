//go:build wasip1

// A Go program for WASI that answers requests by an export: what the figure "instance per request"
// starts for each of them.
package main

import (
	"encoding/json"
	"strings"
)

// settings are what the guest makes when it is started, as programs with tables and parsers do.
var settings = func() map[string]int {
	var made map[string]int
	if err := json.NewDecoder(strings.NewReader(`{"factor": 3, "calls": 0}`)).Decode(&made); err != nil {
		panic(err)
	}
	return made
}()

// handle returns a result that depends on how many calls this instance had.
//
//go:wasmexport handle
func handle(n int32) int32 {
	settings["calls"]++
	return n*int32(settings["factor"]) + int32(settings["calls"])
}

func main() {}
