package tests

import (
	"bufio"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/internal/wast"
)

const (
	suites = "../../build/testsuite"
	ledger = "../../testdata/spec/ledger.txt"
)

// readLedger reads what must happen in each file of the suites, by suite/file. The Rust runner writes the ledger, and checks its form.
func readLedger(t *testing.T) map[string]*wast.Counts {
	t.Helper()
	file, err := os.Open(ledger)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all := map[string]*wast.Counts{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		columns := strings.Fields(lines.Text())
		if len(columns) == 0 || columns[0] == "#" || columns[0] == "total" {
			continue
		}
		number := func(i int) int {
			n, err := strconv.Atoi(columns[i])
			if err != nil {
				t.Fatalf("ledger: %q: %v", lines.Text(), err)
			}
			return n
		}
		switch {
		case columns[0] == "superseded" && len(columns) > 3 && all[columns[1]] != nil:
			all[columns[1]].Accepted += number(2)
		case columns[0] == "refused" && len(columns) > 3 && all[columns[1]] != nil:
			all[columns[1]].Refused[strings.Join(columns[3:], " ")] = number(2)
		case len(columns) == 3:
			all[columns[0]] = &wast.Counts{Assertions: number(1), Commands: number(2), Refused: map[string]int{}}
		default:
			t.Fatalf("ledger: line that cannot be read: %q", lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSpecification runs every file of the specification suites that the engine runs in Rust (rust/engine/tests/spec) through the public package: the
// same numbers of assertions and commands must pass, and the same be refused or superseded by later proposals.
func TestSpecification(t *testing.T) {
	all := readLedger(t)
	if len(all) < 90 {
		t.Fatalf("the ledger has %d files, expected all of the suites", len(all))
	}
	var total wast.Counts
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			counts := runFile(t, filepath.Join(suites, filepath.FromSlash(name)), all[name])
			if !counts.Equal(all[name]) {
				t.Errorf("expected %v by the ledger, got %v", all[name], counts)
			}
			total.Add(counts)
		})
	}
	t.Logf("%d files: %v", len(all), &total)
}

// runFile runs a script, reports what failed, and counts the rest.
func runFile(t *testing.T, path string, expected *wast.Counts) *wast.Counts {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (make suite writes the files)", err)
	}
	results, err := wast.Run(context.Background(), text, wast.Options{Whole: len(expected.Refused) == 0})
	if err != nil {
		t.Fatal(err)
	}
	counts := wast.Count(results)
	shown := 0
	for _, result := range results {
		if result.Outcome == wast.Failed || result.Outcome == wast.Accepted && expected.Accepted == 0 {
			if shown++; shown <= 10 {
				t.Errorf("line %d: %s", result.Line, result.Text)
			}
		}
	}
	if shown > 10 {
		t.Errorf("%d more failures", shown-10)
	}
	return counts
}

// TestScriptFailuresAreNoticed shows each of these directives to the runner, which must say that it fails.
func TestScriptFailuresAreNoticed(t *testing.T) {
	const module = `(module
  (func (export "three") (result i32) i32.const 3)
  (func (export "trap") unreachable)
  (func (export "nan") (result f32) f32.const nan)
  (func (export "null") (result externref) ref.null extern)
  (func (export "same") (param externref) (result externref) local.get 0)
  (global (export "g") i64 (i64.const 7)))
`
	for _, directive := range []string{
		`(assert_return (invoke "three") (i32.const 4))`,
		`(assert_return (invoke "three") (i64.const 3))`,
		`(assert_return (invoke "three"))`,
		`(assert_return (invoke "three") (either (i32.const 2) (i32.const 4)))`,
		`(assert_return (invoke "nan") (f32.const nan:0x200000))`,
		`(assert_return (invoke "nan") (f64.const nan:canonical))`,
		`(assert_return (invoke "null") (ref.extern 0))`,
		`(assert_return (invoke "null") (ref.null func))`,
		`(assert_return (invoke "null") (ref.func))`,
		`(assert_return (invoke "same" (ref.extern 1)) (ref.extern 2))`,
		`(assert_return (invoke "same" (ref.extern 1)) (ref.null))`,
		`(assert_return (invoke "same" (i32.const 1)) (ref.null))`,
		`(assert_return (get "g") (i64.const 8))`,
		`(assert_return (get "h") (i64.const 7))`,
		`(assert_return (invoke "no_such_function"))`,
		`(assert_return (invoke $no_such_module "three"))`,
		`(assert_trap (invoke "three") "unreachable")`,
		`(assert_trap (invoke "trap") "integer overflow")`,
		`(assert_return (invoke "trap"))`,
		`(assert_exhaustion (invoke "trap") "call stack exhausted")`,
		`(assert_invalid (module) "type mismatch")`,
		`(assert_malformed (module quote "(func)") "unexpected token")`,
		`(assert_unlinkable (module) "unknown import")`,
		`(assert_unlinkable (module (func $f unreachable) (start $f)) "unknown import")`,
		`(assert_unlinkable (module (func (result i32))) "unknown import")`,
		`(assert_exception (invoke "trap"))`,
		`(assert_suspension (invoke "trap") "")`,
		`(module (import "spectest" "print" (func (param i64))))`,
		`(module quote "(func")`,
		`(module instance $i $no_such_definition)`,
		`(invoke "trap")`,
		`(register "name" $no_such_module)`,
		`(thread $t (invoke "three"))`,
		`(wait $t)`,
	} {
		results, err := wast.Run(context.Background(), []byte(module+directive), wast.Options{Whole: true})
		if err != nil {
			t.Errorf("%s: %v", directive, err)
			continue
		}
		if len(results) != 2 || results[0].Outcome != wast.Passed || results[1].Outcome != failing(directive) || results[1].Line != 8 {
			t.Errorf("%s: %+v", directive, results)
		}
	}
}

// failing is the outcome that a directive must have.
func failing(directive string) wast.Outcome {
	if strings.HasPrefix(directive, "(assert_invalid") || strings.HasPrefix(directive, "(assert_malformed") {
		return wast.Accepted
	}
	return wast.Failed
}

// TestScriptRefusals counts all that a refused module would have been needed for.
func TestScriptRefusals(t *testing.T) {
	const text = `
		(module $m (type (struct)) (func (export "f")))
		(register "m" $m)
		(invoke $m "f")
		(assert_return (invoke "f"))
		(assert_trap (invoke "f") "unreachable")
		(assert_unlinkable (module (import "m" "f" (func))) "unknown import")
		(assert_invalid (module (type (struct)) (func (result i32))) "type mismatch")
		(module (import "m" "f" (func)))
		(module (func (export "f")))
		(assert_return (invoke "f"))`
	for whole, expected := range map[bool]wast.Counts{
		false: {Assertions: 1, Commands: 1, Refused: map[string]int{"garbage collection": 8}},
		true:  {Assertions: 2, Commands: 1, Refused: map[string]int{"garbage collection": 7}},
	} {
		results, err := wast.Run(context.Background(), []byte(text), wast.Options{Whole: whole})
		if err != nil {
			t.Fatal(err)
		}
		if counts := wast.Count(results); !counts.Equal(&expected) {
			t.Errorf("whole %t: expected %v, got %v: %+v", whole, &expected, counts, results)
		}
	}
}

// TestScriptOutput reads what the functions of module spectest print.
func TestScriptOutput(t *testing.T) {
	const text = `(module (import "spectest" "print_i32_f32" (func $p (param i32 f32))) (import "spectest" "print" (func $n))
		(import "spectest" "global_f64" (global f64)) (import "spectest" "table" (table 10 20 funcref)) (import "spectest" "memory" (memory 1 2))
		(func (export "f") (call $p (i32.const -5) (f32.const 0.5)) (call $n)))
		(invoke "f")`
	var output strings.Builder
	results, err := wast.Run(context.Background(), []byte(text), wast.Options{Output: &output})
	if err != nil || results[0].Text+results[1].Text != "" || output.String() != "-5 : i32, 0.500000 : f32\n\n" {
		t.Errorf("%+v, %v, output %q", results, err, output.String())
	}
}

// TestScriptTexts shows texts that are no scripts, and a context that is done.
func TestScriptTexts(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for text, expected := range map[string]string{
		"(module)\n(assert_nothing)": "line 2, column 2: ",
		"\xff":                       "line 1, column 1: malformed UTF-8 encoding",
		"(module":                    "line 1, column 8: ",
	} {
		if results, err := wast.Run(context.Background(), []byte(text), wast.Options{}); err == nil || !strings.HasPrefix(err.Error(), expected) {
			t.Errorf("%q: %v, %v, expected %q", text, results, err, expected)
		}
	}
	if results, err := wast.Run(ctx, []byte("(module)"), wast.Options{}); err != context.Canceled {
		t.Errorf("a context that is done: %v, %v", results, err)
	}
	if results, err := wast.Run(context.Background(), nil, wast.Options{}); err == nil {
		t.Errorf("no text: %v, %v", results, err)
	}
}
