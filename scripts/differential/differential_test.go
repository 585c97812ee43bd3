package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// stream is what rust/fuzz/tests/emit.rs writes: a module with everything in three ways, a small
// one, one that is not valid, none, and one that the oracles do not agree on.
func stream(t *testing.T) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "cases.bin"))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// decoded are its cases.
func decoded(t *testing.T) (cases []*testCase) {
	t.Helper()
	err := read(bytes.NewReader(stream(t)), func(c *testCase) bool {
		cases = append(cases, c)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != 7 {
		t.Fatalf("%d cases, expected 7", len(cases))
	}
	return cases
}

func TestCasesAreDecoded(t *testing.T) {
	cases := decoded(t)
	for i, expected := range []verdict{verdictValid, verdictValid, verdictValid, verdictValid, verdictInvalid, verdictNothing, verdictDisputed} {
		if c := cases[i]; c.number != uint64(i) || c.verdict != expected {
			t.Errorf("case %d: number %d and verdict %d, expected verdict %d", i, c.number, c.verdict, expected)
		}
	}
	for i, expected := range []how{guarded | explicit, serialized | canonicalNaNs, serialized | explicit | canonicalNaNs} {
		if got := cases[i].how; got != expected {
			t.Errorf("case %d: to be run in the ways %b, expected %b", i, got, expected)
		}
	}
	if oracles[cases[0].oracle] != "wasmi" || oracles[cases[3].oracle] != "wasmtime" || cases[6].text != "words" {
		t.Errorf("the oracles are %d and %d, they say %q", cases[0].oracle, cases[3].oracle, cases[6].text)
	}
	c := cases[0]
	if c.name != "all-0000000000010100" || c.seed != 0x10100 || c.maxPages != 160 || c.maxElements != 20_000 || c.cut != 0 {
		t.Errorf("case 0 is %s, seed %#x, limits %d and %d, cut %d", c.name, c.seed, c.maxPages, c.maxElements, c.cut)
	}
	if len(c.imports) != 13 || c.imports[2] != (given{kind: wasmer.ImportExportKindMemory, maximum: 160}) ||
		c.imports[5] != (given{kind: wasmer.ImportExportKindTable, maximum: 3}) || c.imports[10].value.kind != wasmer.TypeV128 {
		t.Errorf("case 0 imports %v", c.imports)
	}
	start := c.events[0]
	arguments := []value{{wasmer.TypeV128, 1, 2}, {kind: wasmer.TypeFuncRef}, {kind: wasmer.TypeExternRef}}
	if start.kind != eventInstance || len(start.hostCalls) != 1 || start.hostCalls[0].function != 1 || !slices.Equal(start.hostCalls[0].arguments, arguments) {
		t.Errorf("case 0 begins with %+v", start)
	}
}

func TestCasesAreRun(t *testing.T) {
	var total tally
	for _, c := range decoded(t) {
		err := check(c, &total)
		if disputed := c.verdict == verdictDisputed; (err != nil) != disputed {
			t.Errorf("case %d: %v", c.number, err)
		}
	}
	for _, counted := range []counter{countReturned, countTrapped, countHostCalls, countStates, countInvalid, countNothing, countWasmi, countWasmtime} {
		if total[counted] == 0 {
			t.Errorf("%s: none", counterNames[counted])
		}
	}
}

// Whatever an oracle says otherwise is found.
func TestDifferencesAreFound(t *testing.T) {
	find := func(c *testCase, kind eventKind, which func(*event) bool) *event {
		for i := range c.events {
			if e := &c.events[i]; e.kind == kind && which(e) {
				return e
			}
		}
		t.Fatal("there is no such event")
		return nil
	}
	anyEvent := func(*event) bool { return true }
	called := func(name string) func(*event) bool { return func(e *event) bool { return e.export == name } }
	holds := func(kind wasmer.ImportExportKind, change func(*state)) func(*testCase) {
		return func(c *testCase) {
			e := find(c, eventState, anyEvent)
			for i := range e.states {
				if e.states[i].kind == kind {
					change(&e.states[i])
					return
				}
			}
		}
	}
	numbers, others := called("numbers"), called("others")
	for name, plant := range map[string]func(*testCase){
		"result":     func(c *testCase) { find(c, eventCall, numbers).outcome.results[0].low ^= 1 },
		"upper half": func(c *testCase) { find(c, eventCall, others).outcome.results[2].high ^= 1 },
		"reference":  func(c *testCase) { find(c, eventCall, others).outcome.results[0].low ^= 1 },
		"argument":   func(c *testCase) { find(c, eventCall, numbers).arguments[0].low ^= 1 },
		"trap":       func(c *testCase) { find(c, eventCall, called("divide")).outcome.trap = 1 },
		"no trap": func(c *testCase) {
			find(c, eventCall, called("divide")).outcome = outcome{results: []value{{kind: wasmer.TypeI32}}}
		},
		"host's argument":  func(c *testCase) { find(c, eventCall, others).hostCalls[0].arguments[0].high ^= 1 },
		"host's function":  func(c *testCase) { find(c, eventCall, numbers).hostCalls[0].function ^= 1 },
		"missing call":     func(c *testCase) { find(c, eventCall, numbers).hostCalls = nil },
		"further call":     func(c *testCase) { e := find(c, eventCall, numbers); e.hostCalls = append(e.hostCalls, e.hostCalls...) },
		"start":            func(c *testCase) { find(c, eventInstance, anyEvent).hostCalls[0].arguments[0].low ^= 1 },
		"memory":           holds(wasmer.ImportExportKindMemory, func(s *state) { s.hash ^= 1 }),
		"size of a memory": holds(wasmer.ImportExportKindMemory, func(s *state) { s.size++ }),
		"table":            holds(wasmer.ImportExportKindTable, func(s *state) { s.hash ^= 1 }),
		"size of a table":  holds(wasmer.ImportExportKindTable, func(s *state) { s.size++ }),
		"global":           holds(wasmer.ImportExportKindGlobal, func(s *state) { s.value.low ^= 1 }),
		"type of a global": holds(wasmer.ImportExportKindGlobal, func(s *state) { s.value.kind = wasmer.TypeF32 }),
		"imported global":  func(c *testCase) { c.imports[6].value.low ^= 1 },
		"validity":         func(c *testCase) { c.verdict = verdictInvalid },
	} {
		for i := range 3 {
			c := decoded(t)[i]
			plant(c)
			if err := check(c, new(tally)); err == nil {
				t.Errorf("%s: no difference is found in case %d", name, i)
			}
		}
	}
}

// A stream that ends early, or was altered, is an error and nothing worse.
func TestDamagedStreams(t *testing.T) {
	whole := stream(t)
	ignore := func(*testCase) bool { return true }
	for size := range len(whole) {
		if err := read(bytes.NewReader(whole[:size]), ignore); err == nil {
			t.Fatalf("%d bytes of %d: no error", size, len(whole))
		}
	}
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x81
		_ = read(bytes.NewReader(damaged), ignore)
	}
	other := bytes.Clone(whole)
	other[4]++
	if err := read(bytes.NewReader(other), ignore); err == nil || !strings.Contains(err.Error(), "version") {
		t.Errorf("another version: %v", err)
	}
}

// An emitter that a signal kills loses a case; one that fails ends the run.
func TestEmittersFail(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	var lost []uint64
	lose := func(number uint64, _ error) { lost = append(lost, number) }
	killed := emission{command: []string{"/bin/sh", "-c", "kill -KILL $$", "sh"}}
	if err := killed.emit(context.Background(), 1, 2, nil, lose); err == nil || len(lost) != maxRestarts || lost[0] != 1 || lost[1] != 3 {
		t.Errorf("emitters that are killed: %v, the cases %v are lost", err, lost)
	}
	lost = nil
	failing := emission{command: []string{"/bin/sh", "-c", "exit 3", "sh"}}
	if err := failing.emit(context.Background(), 0, 1, nil, lose); err == nil || lost != nil {
		t.Errorf("an emitter that fails: %v, the cases %v are lost", err, lost)
	}
	missing := emission{command: []string{"/does/not/exist"}}
	if err := missing.emit(context.Background(), 0, 1, nil, lose); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no emitter: %v", err)
	}
}
