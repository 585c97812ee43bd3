package core

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/gowasmer/wasmer/go/internal/cache"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file makes modules of their bytes: by compiling them, unless somebody in this process holds
// the same module, or is compiling it, or a cache has it.

// CompileOptions are how a module is compiled.
type CompileOptions struct {
	engine.CompileOptions

	// Cache, if it is not nil, is asked for the compiled module, and keeps it.
	Cache *cache.Cache
}

// key stands for all that the code depends on: the bytes, the options, the engine and the
// processor. Modules with one key are the same, when all their functions are compiled.
func (options *CompileOptions) key(bytes []byte) (cache.Key, error) {
	origin, err := engine.Origin()
	if err != nil {
		return cache.Key{}, err
	}
	text := fmt.Sprintf("%s; explicit bounds %t, canonical NaNs %t, not optimized %t",
		origin, options.ExplicitBounds, options.CanonicalizeNaNs, options.NotOptimized)
	return cache.Sum(bytes, text), nil
}

// sharedKey is the key of code, and whether functions are compiled when they are called: only when
// all are is that code for those, too, who want all at once.
type sharedKey struct {
	cache.Key
	lazy bool
}

// shared has the code of modules by their keys, as long as a module or an instance holds it.
var shared = struct {
	sync.Mutex
	entries map[sharedKey]*sharedCode
}{entries: make(map[sharedKey]*sharedCode)}

// sharedCode is code that several modules have, or that is being made.
type sharedCode struct {
	made  chan struct{} // closed when what follows is known
	code  *Code         // nil if it could not be made
	about *About
	err   error // why not, if that will be so each time
}

// Compile makes a module of its bytes in the binary format. It is given up when the context is
// done.
func Compile(ctx context.Context, bytes []byte, options CompileOptions) (*Module, error) {
	if err := CheckContext(ctx); err != nil {
		return nil, err
	}
	if err := checkBytes(bytes); err != nil {
		return nil, err
	}
	found, err := options.key(bytes)
	if err != nil {
		return nil, err
	}
	module, err := compileShared(ctx, sharedKey{found, options.Lazy}, bytes, options)
	if err == nil && options.Background {
		module.code.inBackground()
	}
	return module, err
}

// compileShared makes a module of code that is shared, or will be.
func compileShared(ctx context.Context, key sharedKey, bytes []byte, options CompileOptions) (*Module, error) {
	for {
		entry, mine := findShared(key)
		if mine {
			return entry.make(ctx, key, bytes, options)
		}
		select {
		case <-entry.made:
		case <-ctx.Done():
			return nil, GivenUp(ctx, "compiling", ctx.Err())
		}
		if entry.err != nil {
			return nil, entry.err
		}
		if module := entry.take(); module != nil {
			if err := module.found(key.Key, options); err != nil {
				module.Close()
				return nil, err
			}
			return module, nil
		}
		// It was given up by somebody else's context, or closed: make it ourselves.
	}
}

// findShared returns the entry of a key, and whether it is new, and thus to be made by the caller.
func findShared(key sharedKey) (entry *sharedCode, mine bool) {
	shared.Lock()
	defer shared.Unlock()
	entry = shared.entries[key]
	if entry != nil && !entry.isOver() {
		return entry, false
	}
	other := shared.entries[sharedKey{key.Key, !key.lazy}]
	if other != nil && other.isComplete() {
		return other, false
	}
	entry = &sharedCode{made: make(chan struct{})}
	shared.entries[key] = entry
	return entry, true
}

// isMade reports whether it is known what became of an entry.
func (entry *sharedCode) isMade() bool {
	select {
	case <-entry.made:
		return true
	default:
		return false
	}
}

// isOver reports whether an entry is of no use: the code was freed.
func (entry *sharedCode) isOver() bool {
	return entry.isMade() && (entry.code == nil || entry.code.holders.Load() == 0)
}

// isComplete reports whether an entry has code all of whose functions are compiled.
func (entry *sharedCode) isComplete() bool {
	return entry.isMade() && !entry.isOver() && entry.code.completing.isOver()
}

// take returns a module of the code, or nil if there is none any more.
func (entry *sharedCode) take() *Module {
	if entry.code == nil || !entry.code.tryHold() {
		return nil
	}
	return moduleOf(entry.code, entry.about)
}

// make makes the module that all others with the key wait for.
func (entry *sharedCode) make(ctx context.Context, key sharedKey, bytes []byte, options CompileOptions) (*Module, error) {
	var module *Module
	var compiled bool
	var err error
	func() {
		defer close(entry.made)
		defer func() {
			if module == nil { // also where the progress function has ended the goroutine
				entry.forget(key)
			}
		}()
		if module, compiled, err = load(ctx, key.Key, bytes, options); err == nil {
			entry.code, entry.about = module.code, module.about
			module.code.unshare = func() { entry.forget(key) }
		} else if alwaysFails(err) {
			entry.err = err
		}
	}()
	if compiled && options.Cache != nil {
		module.code.keep(options.Cache, key.Key)
	}
	return module, err
}

// alwaysFails reports whether an error of compiling is about the module alone.
func alwaysFails(err error) bool {
	var e *engine.Error
	return errors.As(err, &e) && (e.Kind == engine.KindValidation || e.Kind == engine.KindCompile)
}

// forget removes the entry, unless another one has taken its place.
func (entry *sharedCode) forget(key sharedKey) {
	shared.Lock()
	defer shared.Unlock()
	if shared.entries[key] == entry {
		delete(shared.entries, key)
	}
}

// load makes a module from the cache, or compiles it.
func load(ctx context.Context, key cache.Key, bytes []byte, options CompileOptions) (module *Module, compiled bool, err error) {
	if options.Cache != nil && options.Cache.Load(key, func(serialized []byte, file *os.File) error {
		module, err = deserialize(serialized, file)
		return err
	}) {
		if err := engine.TellDone(options.Progress, module.about.Functions); err != nil {
			module.Close()
			return nil, false, err
		}
		return module, false, nil
	}
	handle, err := engine.Compile(ctx, bytes, options.CompileOptions)
	if err != nil {
		return nil, false, GivenUp(ctx, "compiling", err)
	}
	if module, err = newModule(handle); err == nil && options.Lazy {
		module.code.completing.begin()
	}
	return module, err == nil, err
}

// found does what is to be done where a module of this process was found.
func (m *Module) found(key cache.Key, options CompileOptions) error {
	if code := m.code; options.Cache != nil {
		code.completing.whenOver(options.Cache.Dir(), func() { options.Cache.Keep(key, code.serialize) })
	}
	return engine.TellDone(options.Progress, m.about.Functions)
}

// keep stores the code in a cache, when all functions are compiled. What cannot be stored is
// counted there.
func (c *Code) keep(in *cache.Cache, key cache.Key) {
	c.completing.whenOver(in.Dir(), func() { in.Store(key, c.serialize) })
}
