package wasmer

import (
	"github.com/gowasmer/wasmer/go/internal/cache"
	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// Option is an option of [NewInstanceContext], which compiles and instantiates: a [CompileOption]
// or an [InstanceOption].
type Option interface{ isOption() }

// CompileOption is an option of [Compile], such as [WithProgress]. The zero CompileOption changes
// nothing.
type CompileOption struct {
	apply func(*engine.CompileOptions)
	cache func() (*cache.Cache, error)
}

// InstanceOption is an option of [Module.InstantiateContext], such as [WithMemoryCeiling]. The zero
// InstanceOption changes nothing.
type InstanceOption struct{ apply func(*core.InstanceOptions) }

func (CompileOption) isOption()  {}
func (InstanceOption) isOption() {}

// WithExplicitBounds compiles a check of bounds into each access to memory. Without it, each memory
// reserves 8 GiB of address space (not of memory), and accesses outside of it cost nothing to
// detect. With it a memory takes no more address space than it may grow to, which serves where
// address space is limited (ulimit -v) or very many instances live; code is slower. Accesses to
// 64-bit memories, and to those with pages of one byte, are checked in any case.
func WithExplicitBounds() CompileOption {
	return CompileOption{apply: func(options *engine.CompileOptions) { options.ExplicitBounds = true }}
}

// WithCanonicalNaNs makes every NaN that an operation yields have the same bits, so that results
// are the same on all machines (specification, section 4.3.3, leaves them open). It makes
// floating-point code slower.
func WithCanonicalNaNs() CompileOption {
	return CompileOption{apply: func(options *engine.CompileOptions) { options.CanonicalizeNaNs = true }}
}

// OptLevel is how much compiling does for fast code.
type OptLevel int

const (
	// OptLevelSpeed makes fast code. It is the default. Functions whose shape would take compiling
	// out of all proportion, such as one with 20,000 locals in 6,000 blocks, are compiled as with
	// OptLevelNone.
	OptLevelSpeed OptLevel = iota
	// OptLevelNone makes code in half to two thirds of the time. The code is larger, and slow. It
	// serves modules that run shortly, and once.
	OptLevelNone
)

// WithOptLevel chooses how much compiling does for fast code. Results are the same, but for the
// bits of NaNs. A level other than the constants stands for [OptLevelSpeed].
func WithOptLevel(level OptLevel) CompileOption {
	return CompileOption{apply: func(options *engine.CompileOptions) { options.NotOptimized = level == OptLevelNone }}
}

// WithLazy validates all functions of the module, and compiles each one when it is called for the
// first time: [Compile] returns much earlier, and what is never called costs nothing. A call that
// comes to a function without code compiles it on its own goroutine, and ends as usual when its
// context is done meanwhile; calls of one function by many goroutines compile it once. A function
// that cannot be compiled, as it is too large for the code generator or as memory is short, traps
// with [TrapNotCompiled]. The module keeps a copy of its bytes until all is compiled: see
// [WithBackground] and [Module.Complete].
//
// A function that does not stay in a loop of its own is compiled quickly at first, as with
// [OptLevelNone], and once more when it was called some hundred times. Results are the same, but
// for the bits of NaNs.
//
// Where [WithCache] has the module, or this process has it with all functions compiled, that is
// used, and there is nothing left to compile. Otherwise it is stored in the cache when all
// functions are compiled. Modules of the same bytes share what is compiled.
func WithLazy() CompileOption {
	return CompileOption{apply: func(options *engine.CompileOptions) { options.Lazy = true }}
}

// WithBackground is [WithLazy], and has the functions that are not called compiled in the
// background meanwhile, by as many goroutines as there are processors for Go less one, and by one
// at least: first, and quickly, what those call that were called just now. When all are there the
// module is what it would be without these options: instances that
// are made then are as fast, and those that were made before nearly so. Closing the module ends it,
// or the last one that shares the code.
func WithBackground() CompileOption {
	return CompileOption{apply: func(options *engine.CompileOptions) { options.Lazy, options.Background = true, true }}
}

// WithProgress has a function called with the progress of compiling: done of total pieces of code
// are compiled. These are the functions of the module, and one to four trampolines for each type of
// its exported and imported functions. Done never falls, and total stays the same. The function is
// called every 20 milliseconds or so, and once at the end, when done is total unless compiling has
// failed or was given up. It is called by the goroutine that compiles, so that [Compile] and its
// like return after its last call; meanwhile other goroutines go on compiling. It may cancel the
// context. A panic in it ends compiling: the error reports the panic, and wraps its value if that
// is an error. With [WithLazy] the functions are only validated meanwhile.
//
// Where nothing is compiled, because a cache or another module of this process has the code, it is
// called once, with the number of functions for both. It must not compile the same bytes itself,
// which would wait for it.
func WithProgress(progress func(done, total int)) CompileOption {
	return CompileOption{apply: func(options *engine.CompileOptions) { options.Progress = progress }}
}

// WithMemoryCeiling limits each memory of the instance to a number of pages of 64 KiB, or as many
// bytes where its pages have another size, whatever maximum the module declares. Instantiation
// fails if a memory begins with more; growing beyond fails as beyond a declared maximum. Imported
// memories are not concerned. 0 stands for no ceiling.
func WithMemoryCeiling(pages uint32) InstanceOption {
	return InstanceOption{func(options *core.InstanceOptions) { options.MaxMemoryPages = uint64(pages) }}
}

// WithTableCeiling limits each table of the instance to a number of elements, as
// [WithMemoryCeiling] does for memories.
func WithTableCeiling(elements uint32) InstanceOption {
	return InstanceOption{func(options *core.InstanceOptions) { options.MaxTableElements = uint64(elements) }}
}

// compileOptions applies options in their order. The error is that of a cache.
func compileOptions(options []CompileOption) (to core.CompileOptions, err error) {
	var find func() (*cache.Cache, error)
	for _, option := range options {
		if option.apply != nil {
			option.apply(&to.CompileOptions)
		}
		if option.cache != nil {
			find = option.cache
		}
	}
	if find != nil {
		to.Cache, err = find()
	}
	return to, err
}

func instanceOptions(options []InstanceOption) core.InstanceOptions {
	if len(options) == 0 { // no allocation then
		return core.InstanceOptions{}
	}
	var to core.InstanceOptions
	for _, option := range options {
		if option.apply != nil {
			option.apply(&to)
		}
	}
	return to
}

// splitOptions sorts options by what they apply to.
func splitOptions(options []Option) (compile []CompileOption, instance []InstanceOption) {
	for _, option := range options {
		switch option := option.(type) {
		case CompileOption:
			compile = append(compile, option)
		case InstanceOption:
			instance = append(instance, option)
		}
	}
	return compile, instance
}
