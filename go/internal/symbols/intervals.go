package symbols

import (
	"cmp"
	"slices"
)

// span is a range of addresses that has a value. Of spans that contain each other the inner one has
// the greater depth, or begins later.
type span struct {
	low, high uint32 // the addresses from low up to, not including, high
	depth     int32
	value     int32
}

// interval begins at an address and ends where the next one begins. The value -1 is none.
type interval struct {
	start uint32
	value int32
}

// flatten returns the intervals of the innermost spans, in ascending order. Spans that overlap
// without containing each other are cut off.
func flatten(spans []span) []interval {
	slices.SortStableFunc(spans, func(a, b span) int {
		return cmp.Or(
			cmp.Compare(a.low, b.low), cmp.Compare(a.depth, b.depth), cmp.Compare(b.high, a.high),
		)
	})
	intervals := make([]interval, 0, len(spans)+1)
	begin := func(start uint32, value int32) {
		if n := len(intervals); n > 0 && intervals[n-1].start == start {
			intervals[n-1].value = value
		} else {
			intervals = append(intervals, interval{start, value})
		}
	}
	var open []span
	closeUpTo := func(address uint32) {
		for len(open) > 0 && open[len(open)-1].high <= address {
			end := open[len(open)-1].high
			open = open[:len(open)-1]
			if len(open) == 0 {
				begin(end, -1)
			} else {
				begin(end, open[len(open)-1].value)
			}
		}
	}
	for _, s := range spans {
		if s.low >= s.high {
			continue
		}
		closeUpTo(s.low)
		if len(open) > 0 {
			s.high = min(s.high, open[len(open)-1].high)
		}
		begin(s.low, s.value)
		open = append(open, s)
	}
	closeUpTo(tombstone)
	return slices.Clip(intervals)
}

// find returns the value of an address, or -1.
func find(intervals []interval, address uint32) int32 {
	next, _ := slices.BinarySearchFunc(intervals, address, func(i interval, address uint32) int {
		if i.start <= address {
			return -1
		}
		return 1
	})
	if next == 0 {
		return -1
	}
	return intervals[next-1].value
}
