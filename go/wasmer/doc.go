// Package wasmer compiles WebAssembly modules to machine code and runs them.
//
// A module is compiled once and instantiated as often as needed. Exported functions become Go
// functions of the types that they have:
//
//	module, err := wasmer.Compile(bytes)
//	instance, err := module.InstantiateContext(ctx, imports)
//	defer instance.Close()
//
//	sum, err := wasmer.Func2[int32, int32, int32](&instance, "sum")
//	value, err := sum(ctx, 5, 37) // 42
//
// Functions whose types are not known when the program is written are called by [Function.Call]:
//
//	function, err := instance.Function("sum")
//	results, err := function.Call(ctx, 5, 37) // []Value{I32(42)}
//
// Programs that were built for WASI are run by a [Wasi]:
//
//	w := wasmer.Wasi{Args: []string{"hello"}, Stdout: os.Stdout}
//	err := w.Run(ctx, &module)
//
// # Modules and instances
//
// [Compile] turns bytes into a [Module]: code that can be instantiated any number of times, from
// any number of goroutines. An [Instance] has memories, tables and globals of its own. Modules are
// in the binary format; [Wat2Wasm] translates the text format to it. [Inspect] describes a module
// and [ValidateContext] reports what is wrong with it, without compiling. [WithCache] keeps
// compiled modules in a folder. Both Module and Instance are small values that refer to shared
// state: copies are the same module or instance.
//
// What an instance needs from outside is in its [Imports]: Go functions, C functions, memories,
// globals, tables, and functions of other instances. A [Linker] resolves imports by the names of
// instances, for hosts of many modules. [WithTrappingImports], [WithZeroImports] and
// [WithDefaultImports] provide functions that are otherwise missing.
//
// # Calls and concurrency
//
// A guest runs as a coroutine of the goroutine that calls it, on a stack of its own (see
// [SetStackSize]). All exported functions may be called by many goroutines at the same time, and
// from within host functions. WebAssembly defines no order between the accesses of concurrent calls
// to the same memory: a guest that was not made for that needs one instance per goroutine, or a
// lock. Host functions run on the goroutine of the caller as ordinary Go: they may block, panic,
// call [runtime.Goexit] and call guests. A panic of a host function arrives at the caller of the
// exported function.
//
// A guest that loops endlessly blocks neither the garbage collector nor other goroutines. A call
// and an instantiation are given up when their context is done. The state of such a guest (its
// memory, tables and globals) is as it was at the moment of interruption, which may be any; the
// host is sound, and the instance can be called again.
//
// # Ways to call
//
// Where the types are known when the program is written, [Func0] to [Func6] and [Proc0] to [Proc6]
// make Go functions of exported ones, and [Host0] to [Host6] and [HostProc0] to [HostProc6] host
// functions of Go ones; [Number] lists which Go types stand for which types of WebAssembly.
// [Function.CallSlots] and [HostFunc] pass values as they lie in slots. None of these allocates.
// Plain Go functions are passed to [Imports.Append]; those of numbers are called without reflection
// and without allocation. The context of a call arrives in the host functions that it leads to. A
// server takes an instance per request from a [Pool].
//
// # References, globals and tables
//
// A [Value] may be a number, a vector, or a reference: to a function ([FuncRef], [NewFunction]) or
// to any Go value ([ExternRef]). References are arguments and results of calls and of host
// functions, and elements of a [Table] and values of a [Global], which belong to an instance or are
// made by the host. Instances between which functions went, or that share a global or a table, are
// linked: what one of them can reach is kept as long as any of them is, and freed with the last.
//
// # WASI
//
// Programs that were built for WASI preview 1 (GOOS=wasip1, wasm32-wasip1, wasi-libc) are run by
// [Wasi.Run], with the arguments, streams, directories and clocks of that [Wasi], and nothing else;
// [Wasi.ImportObject] returns the same for instances that are made in another way. A guest holds a
// goroutine and no thread while it waits for input, a connection or a time, and ends with the
// context of the call. Writing ends when the Writer returns.
//
// # Errors and traps
//
// Nothing that a module or an argument does ends the process. A guest that fails traps: the error
// then wraps a [*Trap] with its code and a backtrace, and matches one of the errors
// [ErrUnreachable] and so on by [errors.Is]. An error that a host function returns, or that of a
// context that was done, is found in the returned error by [errors.Is] and [errors.As] likewise; a
// [*HostError] has the functions of the guest that called the host function.
//
// [Instance.Terminate] ends all calls of an instance from outside. The text of an error is made
// when it is asked for, and bounded, however many calls the error has passed through.
//
// # Closing
//
// Close of a module, instance, memory, global, table, pool, linker or set of imports may be called
// more than once, at any time. It refuses later calls with an error that matches [ErrClosed], and
// frees the resources when the last running call ends. What is dropped without Close is freed after
// a garbage collection; an instance lives as long as one of its exported functions is held.
//
// A host function may close the instance that called it. Its call continues, and nested calls are
// refused. The methods of [Memory] that take an offset check bounds, and return an error after
// Close.
//
// A slice of [Memory.Data] points directly into the memory of the guest, and does not keep it
// alive. It must not be used after the memory, or the instance that it belongs to, was closed or
// dropped: that may crash the program, but never shows bytes of another instance.
//
// # Trust
//
// Modules may come from anyone: validation, traps and address space keep a guest inside its
// memories. The bytes that [DeserializeModule] takes, and the files of a [Cache], contain machine
// code: they must come from someone who may run code in your process. C function pointers given to
// [Imports.Append] are called as they are.
//
// The specification is WebAssembly 2.0 (https://www.w3.org/TR/wasm-core-2/) and parts of 3.0;
// modules that use other proposals are refused with an error that names the proposal.
//
// # Coming from go-ext-wasm
//
// Programs written for github.com/wasmerio/go-ext-wasm/wasmer 0.3.1 compile after changing the
// import path, and behave as before, but for what was broken: imports are told apart by namespace
// and name, exported functions may be called from many goroutines, Close may be called twice, and
// an int that does not fit an i32 is an error. What they use stays. For each there is a
// newer way:
//
//	go-ext-wasm                           newer
//	NewInstance(bytes)                    Compile, once, and Module.InstantiateContext
//	NewInstanceWithImports                the same
//	module.Instantiate...                 Module.InstantiateContext
//	instance.Exports["sum"](5, 37)        Func2[int32, int32, int32](&instance, "sum")
//	                                      or Instance.Function and Function.Call
//	Append("sum", sum, C.sum)             Append("sum", sum), without cgo
//	func sum(c unsafe.Pointer, ...)       func sum(ctx context.Context, ...)
//	                                      or func sum(c *InstanceContext, ...)
//	IntoInstanceContext(c).Data()         a closure, or InstanceContext.Data
//	Validate                              ValidateContext, which returns the reason
//	memory.Data()[offset:]                Memory.Read, Write, ReadUint32Le and so on
//	NewWasiImportObject                   Wasi.Run, or Wasi.ImportObject
//	GetLastError                          the returned error, with errors.Is and errors.As
package wasmer
