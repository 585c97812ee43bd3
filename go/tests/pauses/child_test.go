//go:build linux && amd64 && !gowasmer_static

package pauses

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/image"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// The child is the test binary again. It compiles the guests that its environment names, as the
// test answers it.

// guestsVariable has the paths of the guests, separated by colons.
const guestsVariable = "GOWASMER_PAUSES_GUESTS"

// sharedFile is the descriptor of the file behind the page in the child.
const sharedFile = 3

func TestMain(m *testing.M) {
	if guests := os.Getenv(guestsVariable); guests != "" {
		if err := inChild(filepath.SplitList(guests)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// subject is a guest with what a compilation makes of it that nobody disturbs.
type subject struct {
	name            string
	wasm, reference []byte
}

type child struct {
	*page
	subjects []subject
}

// say stops, so that the test reads the message and answers.
func (c *child) say(message uint64) {
	c.message = message
	runtime.Breakpoint()
}

func inChild(guests []string) error {
	shared, err := openPage(os.NewFile(sharedFile, "page"))
	if err != nil {
		return err
	}
	c := &child{page: shared}
	for _, path := range guests {
		wasm, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s := subject{name: filepath.Base(path), wasm: wasm}
		if s.reference, err = compile(context.Background(), wasm); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if err := c.compile(s); err != nil {
			return fmt.Errorf("undisturbed: %w", err)
		}
		c.subjects = append(c.subjects, s)
	}
	if !image.PausesArrive() {
		return errors.New("pauses do not arrive here")
	}
	c.places = image.FindPlaces()
	c.say(sayHello)
	for i, s := range c.subjects {
		c.guest = uint64(i)
		c.say(sayRound)
		err := c.compile(s)
		if c.say(sayRoundOver); err != nil {
			return fmt.Errorf("paused: %w", err)
		}
	}
	if err := c.giveUp(); err != nil {
		return err
	}
	c.say(sayStep)
	if c.more != 0 {
		err := c.compile(c.subjects[c.guest])
		if c.say(sayStepOver); err != nil {
			return fmt.Errorf("step by step: %w", err)
		}
	}
	return nil
}

// warmUp is how many compilations are given up before what the process has is measured. All stacks
// would be gone before the end, if each of the others kept one.
const warmUp = 30

// giveUp gives up compilations as long as the test wants.
func (c *child) giveUp() error {
	var before int64
	var engineBefore engine.Stats
	for i := 0; ; i++ {
		if i == warmUp {
			before, engineBefore = addressSpace(), engine.ReadStats()
		}
		c.gone = 0
		if c.say(sayOne); c.more == 0 {
			break
		}
		s := c.subjects[c.guest]
		err := c.compileUntil(s)
		if errors.Is(err, context.Canceled) {
			c.gone, err = 1, nil
		}
		if c.say(sayOneOver); err != nil {
			return fmt.Errorf("to be given up: %w", err)
		}
		if err := c.compile(s); err != nil {
			return fmt.Errorf("after one that was given up: %w", err)
		}
	}
	// Go reserves 64 MiB at a time for its own heap. A heap of the image has 4 MiB at least; if
	// each compilation left one, that were a gigabyte.
	const allowed = 200 << 20
	grown := addressSpace() - before
	if c.grown = uint64(max(grown, 0)); before != 0 && grown > allowed {
		return fmt.Errorf("compilations that were given up have left %d bytes of address space behind", grown)
	}
	if now := engine.ReadStats(); now != engineBefore {
		return fmt.Errorf("compilations that were given up have left something behind: %+v, before %+v", now, engineBefore)
	}
	return nil
}

// compileUntil compiles a guest, and gives that up when the test says so at a pause.
func (c *child) compileUntil(s subject) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var over atomic.Bool
	defer over.Store(true)
	watching := make(chan struct{})
	go func() {
		close(watching)
		// There is one processor of Go: a paused compilation goes on when this has looked.
		for !over.Load() {
			if atomic.SwapUint64(&c.cancel, 0) != 0 {
				cancel()
			}
			runtime.Gosched()
		}
	}()
	<-watching
	return c.check(ctx, s)
}

// compile compiles a guest and compares.
func (c *child) compile(s subject) error { return c.check(context.Background(), s) }

func (c *child) check(ctx context.Context, s subject) error {
	got, err := compile(ctx, s.wasm)
	if err == nil && !bytes.Equal(got, s.reference) {
		at := 0
		for at < min(len(got), len(s.reference)) && got[at] == s.reference[at] {
			at++
		}
		err = fmt.Errorf("%d bytes, which differ at %d from the %d bytes of an undisturbed compilation", len(got), at, len(s.reference))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}

func compile(ctx context.Context, wasm []byte) ([]byte, error) {
	module, err := wasmer.CompileContext(ctx, wasm)
	if err != nil {
		return nil, err
	}
	defer module.Close()
	return module.Serialize()
}

// addressSpace returns the bytes of address space that the process has.
func addressSpace() int64 {
	debug.FreeOSMemory()
	status, _ := os.ReadFile("/proc/self/statm")
	pages, _, _ := strings.Cut(string(status), " ")
	count, _ := strconv.ParseInt(pages, 10, 64)
	return count * int64(os.Getpagesize())
}
