package main

// This file counts what was compared.

// counter is something that is counted.
type counter int

const (
	countCases counter = iota
	countNothing
	countInvalid
	countWasmi
	countWasmtime
	countModules
	countReturned
	countTrapped
	countHostCalls
	countStates
	countFuel
	countOracleStack
	countLimit
	countManyHostCalls
	countStack
	countNaN
	countSlow
	counters
)

// cuts are the ways in which a run by the oracle can end.
const cuts = int(countStack-countFuel) + 1

// counterNames are what reports call the counters.
var counterNames = [counters]string{
	countCases:         "cases",
	countNothing:       "no module",
	countInvalid:       "modules that are refused",
	countWasmi:         "modules that wasmi judges",
	countWasmtime:      "modules that wasmtime judges",
	countModules:       "compilations",
	countReturned:      "instantiations and calls that returned",
	countTrapped:       "instantiations and calls that trapped",
	countHostCalls:     "calls of the host",
	countStates:        "states of memories, tables and globals",
	countFuel:          "cut short by the oracle: too long",
	countOracleStack:   "cut short by the oracle: stack",
	countLimit:         "cut short by the oracle: limit",
	countManyHostCalls: "cut short by the oracle: calls of the host",
	countStack:         "cut short here: stack",
	countNaN:           "equal once NaN is canonical",
	countSlow:          "equal once there was more time",
}

// tally is how often each was counted.
type tally [counters]int

// add adds another one.
func (t *tally) add(other *tally) {
	for i, n := range other {
		t[i] += n
	}
}
