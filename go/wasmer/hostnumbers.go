package wasmer

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file converts the numbers of host functions whose bits are not as they are in slots.

// goNumbers are the Go types of a host function, and what they stand for.
type goNumbers struct {
	params, results kinds
	// paramTypes and resultTypes tell the types of what is no Number; see host.
	paramTypes, resultTypes []engine.ValType
	wantsToken              bool
}

// host makes a host function of a call that finds the bits of Go values in slots, and leaves those
// of its results there. An int or uint becomes an i32 where an import wants that.
func (n goNumbers) host(call hostCall) *core.HostFunc {
	host := n.hostFor(call, nil)
	if slices.ContainsFunc(n.params, isWord) || slices.ContainsFunc(n.results, isWord) {
		host.Adapt = func(wanted *engine.FuncType) *core.HostFunc { return n.hostFor(call, wanted) }
	}
	return host
}

// hostFor makes the host function for a type that is wanted, or nil for any.
func (n goNumbers) hostFor(call hostCall, wanted *engine.FuncType) *core.HostFunc {
	if wanted == nil {
		wanted = &engine.FuncType{}
	}
	host := &core.HostFunc{
		Params:  choose(n.params, n.paramTypes, wanted.Params),
		Results: choose(n.results, n.resultTypes, wanted.Results),

		WantsToken: n.wantsToken,
	}
	params, results := slotMoves(n.params, host.Params), slotMoves(n.results, host.Results)
	if params != nil || results != nil {
		call = convertingCall(call, params, results)
	}
	host.Call = call.forCore()
	return host
}

// choose returns the types that kinds stand for, and for other kinds than those of Numbers the
// types that are known.
func choose(kinds kinds, known, wanted []engine.ValType) []engine.ValType {
	types := typesOfKinds(kinds, wanted)
	for i, kind := range kinds {
		if _, ok := typeOfKind(kind); !ok {
			types[i] = known[i]
		}
	}
	return types
}

// slotMove is the move of a value in a slot.
type slotMove struct {
	slot   int
	number int // of the parameter or result, from 1
	move   move
}

// slotMoves returns the moves of values whose bits are not as they are in slots.
func slotMoves(kinds kinds, types []engine.ValType) (moves []slotMove) {
	slot := 0
	for i, t := range types {
		if move := moveOf(kinds[i], t); move != moveBits && (t == engine.I32) {
			moves = append(moves, slotMove{slot, i + 1, move})
		}
		slot += t.Slots()
	}
	return moves
}

// convertingCall returns a call that converts arguments and results.
func convertingCall(call hostCall, params, results []slotMove) hostCall {
	return func(c *InstanceContext, slots []uint64) error {
		for _, p := range params {
			bits, err := p.move.take(slots[p.slot])
			if err != nil {
				return fmt.Errorf("argument #%d of the host function is %w", p.number, err)
			}
			slots[p.slot] = bits
		}
		if err := call(c, slots); err != nil {
			return err
		}
		for _, r := range results {
			slot, err := r.move.put(slots[r.slot])
			if err != nil {
				return fmt.Errorf("result #%d of the host function is %w", r.number, err)
			}
			slots[r.slot] = slot
		}
		return nil
	}
}

// kindsIn returns the kinds of Go types that are Numbers, and [reflect.Invalid] for others.
func kindsIn(types []reflect.Type) kinds {
	kinds := make(kinds, len(types))
	for i, t := range types {
		if _, ok := typeOfKind(t.Kind()); ok {
			kinds[i] = t.Kind()
		}
	}
	return kinds
}
