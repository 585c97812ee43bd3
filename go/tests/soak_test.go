package tests

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// A long mixed load, as a server has it in a day: modules of all sizes come and go, and nothing
// grows.

const (
	// mixers is how many goroutines share the load.
	mixers = 4
	// keptModules and keptInstances is what each of them has at a time.
	keptModules   = 25
	keptInstances = 16
)

// rounds is how long the mixed load lasts: ROUNDS, a million where SOAK is set, or otherwise.
func rounds(otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv("ROUNDS")); err == nil && n > 0 {
		return n
	}
	if soak() {
		return 1_000_000
	}
	return otherwise
}

// Memory and mappings are the same after a tenth of the load as in its second half. With SOAK set
// there are a million rounds, with ROUNDS that many. What is compared are medians: where the
// collector is, and what the load has at the moment, makes single figures vary by some hundreds of
// KiB.
func TestMixedLoadLeavesNothing(t *testing.T) {
	total, steps := rounds(pick(8_000, 2_000)), 20
	if soak() {
		steps = 100
	}
	// Go's own profile of its heap grows with what it meets.
	noProfile := []string{"GODEBUG=memprofilerate=0"}
	if !inChild(t, childOptions{timeout: 10*hang + time.Duration(total)*20*time.Millisecond, env: noProfile}) {
		return
	}
	before := measure(t)
	var load [mixers]*mixer
	inParallel(mixers, func(i int) { load[i] = newMixer(t, uint64(i)) })
	warmUp(t)
	curve := []resources{measure(t)}
	began := time.Now()
	for step := 1; step <= steps; step++ {
		inParallel(mixers, func(i int) {
			for range max(total/steps/mixers, 1) {
				load[i].round()
			}
		})
		curve = append(curve, measure(t))
		if step*10%steps == 0 || soak() {
			t.Logf("%3d %%, %v: %v; Go has %.1f MiB of that", step*100/steps, time.Since(began).Round(time.Second), curve[step], float64(ofGo())/(1<<20))
		}
		if t.Failed() {
			return
		}
	}
	for _, m := range load {
		m.close()
	}
	then := median(curve[steps/10 : steps/5+1])
	idle := then
	idle.engine = before.engine
	expectBack(t, idle)
	now := median(curve[steps/2:])
	allowed := then.resident + 2<<20
	if raceEnabled {
		allowed += 128 << 20 // shadow memory
	}
	t.Logf("medians: %.1f MiB and %d mappings after a tenth of the load, %.1f MiB and %d in its second half",
		float64(then.resident)/(1<<20), then.maps, float64(now.resident)/(1<<20), now.maps)
	if now.resident > allowed {
		t.Errorf("%.1f MiB are resident in the second half, %.1f MiB after a tenth of the load", float64(now.resident)/(1<<20), float64(then.resident)/(1<<20))
	}
	if now.maps > then.maps+then.maps/10+16 {
		t.Errorf("there are %d mappings in the second half, %d after a tenth of the load", now.maps, then.maps)
	}
}

// median has the medians of memory and mappings, and the last ones of the rest.
func median(of []resources) resources {
	m, middle := of[len(of)-1], len(of)/2
	resident, maps := make([]int64, len(of)), make([]int, len(of))
	for i, r := range of {
		resident[i], maps[i] = r.resident, r.maps
	}
	slices.Sort(resident)
	slices.Sort(maps)
	m.resident, m.maps = resident[middle], maps[middle]
	return m
}

// warmUp fills what is kept for reuse, which takes the load some 50,000 rounds: the stacks of
// functions of the engine, fibers, and the chunks of heaps of compilations. 16 of these wait for
// the next ones, and keep what was touched of their first MiB. Texts that need more, translated at
// the same time, touch all of that.
func warmUp(t *testing.T) {
	text := "(module (func " + strings.Repeat("(drop (i32.add (i32.const 1) (i32.const 2)))", 20_000) + "))"
	defer inParallel(32, func(int) {
		if _, err := wasmer.Wat2Wasm(text); err != nil {
			t.Error(err)
		}
	})
	large := generated(rand.New(rand.NewPCG(0, 0)), maxGenerated)
	set := imports(t, increment)
	defer set.Close()
	for range 2 {
		inParallel(32, func(int) {
			module := compile(t, large)
			instance := start(t, module, set)
			_, err := instance.Exports["trap"]()
			expectTrap(t, "trap", err, wasmer.TrapUnreachable)
			instance.Close()
			module.Close()
		})
	}
}

// ofGo is how much memory Go holds, at most.
func ofGo() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.Sys - stats.HeapReleased
}

// mixer does a part of the load.
type mixer struct {
	t         *testing.T
	random    *rand.Rand
	imports   *wasmer.Imports
	guests    [][]byte
	modules   [keptModules]wasmer.Module
	instances [keptInstances]wasmer.Instance
}

func newMixer(t *testing.T, seed uint64) *mixer {
	m := &mixer{t: t, random: rand.New(rand.NewPCG(seed, 1)), imports: imports(t, increment)}
	paths, err := filepath.Glob("../../testdata/guests/*.wasm")
	if err != nil || len(paths) == 0 {
		t.Errorf("no guests: %v", err)
	}
	for _, path := range paths {
		m.guests = append(m.guests, read(t, path))
	}
	for i := range m.modules {
		m.modules[i] = m.compile(generated(m.random, countOfFunctions(m.random)))
	}
	for i := range m.instances {
		m.replaceInstance(i)
	}
	return m
}

func (m *mixer) close() {
	for i := range m.instances {
		m.instances[i].Close()
	}
	for i := range m.modules {
		m.modules[i].Close()
	}
	m.imports.Close()
}

// compile compiles what is valid.
func (m *mixer) compile(bytes []byte) wasmer.Module {
	module, err := wasmer.Compile(bytes)
	if err != nil {
		m.t.Errorf("compile: %v", errors.Join(err, errors.Unwrap(err)))
	}
	return module
}

// round does one thing of many.
func (m *mixer) round() {
	r := m.random
	switch n := r.IntN(1000); {
	case n < 480:
		m.replaceInstance(r.IntN(keptInstances))
	case n < 740:
		module := m.compile(generated(r, countOfFunctions(r)))
		module.Close()
	case n < 750:
		module := m.compile(m.guests[r.IntN(len(m.guests))])
		module.Close()
	case n < 840:
		i := r.IntN(keptModules)
		m.modules[i].Close() // its instances go on
		m.modules[i] = m.compile(generated(r, countOfFunctions(r)))
	case n < 880:
		m.text()
	case n < 920:
		m.serialize()
	case n < 960:
		m.invalid()
	case n < 995:
		_, err := m.instances[r.IntN(keptInstances)].Exports["trap"]()
		expectTrap(m.t, "trap", err, wasmer.TrapUnreachable)
		if err != nil && len(err.Error()) == 0 {
			m.t.Error("a trap says nothing")
		}
	default:
		m.cancelled()
	}
}

// replaceInstance closes an instance, and makes another one and calls it.
func (m *mixer) replaceInstance(i int) {
	m.instances[i].Close()
	m.instances[i] = start(m.t, m.modules[m.random.IntN(keptModules)], m.imports)
	call(m.t, &m.instances[i], "run", m.random.Int32())
}

// text translates a text, and compiles what comes of it.
func (m *mixer) text() {
	bytes, err := wasmer.Wat2Wasm(generatedText(m.random))
	if err != nil {
		m.t.Errorf("translation of a text: %v", err)
	}
	module := m.compile(bytes)
	module.Close()
}

// serialize writes a module out, reads it, and uses what was read.
func (m *mixer) serialize() {
	bytes, err := m.modules[m.random.IntN(keptModules)].Serialize()
	if err != nil {
		m.t.Errorf("serialisation: %v", err)
	}
	module, err := wasmer.DeserializeModule(bytes)
	if err != nil {
		m.t.Errorf("deserialisation: %v", err)
		return
	}
	defer module.Close()
	instance := start(m.t, module, m.imports)
	call(m.t, &instance, "run", 1)
	instance.Close()
}

// invalid compiles a module that ends early, and wrongly.
func (m *mixer) invalid() {
	bytes := generated(m.random, countOfFunctions(m.random))
	bytes = append(bytes[:len(bytes)-2-m.random.IntN(len(bytes)/2)], 0xff) // no section begins so
	if _, err := wasmer.Compile(bytes); err == nil {
		m.t.Error("a module that was cut is compiled")
	}
}

// cancelled compiles a large module and gives up some time later.
func (m *mixer) cancelled() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(m.random.IntN(20_000))*time.Microsecond)
	defer cancel()
	module, err := wasmer.CompileContext(ctx, generated(m.random, maxGenerated))
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		m.t.Errorf("a compilation that was given up: %v", errors.Join(err, errors.Unwrap(err)))
	}
	module.Close()
}
