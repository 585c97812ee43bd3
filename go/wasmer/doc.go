// Package wasmer compiles WebAssembly modules to machine code and runs them.
//
// A program in one piece:
//
//	bytes, err := wasmer.ReadBytes("sum.wasm")
//	instance, err := wasmer.NewInstance(bytes)
//	defer instance.Close()
//	result, err := instance.Exports["sum"](5, 37)
//	fmt.Println(result) // 42
//
// # Modules and instances
//
// [Compile] turns bytes into a [Module]: code that is compiled once and can be instantiated any
// number of times, from any number of goroutines. An [Instance] has memories, tables and globals of
// its own; [NewInstance] compiles and instantiates in one step. What an instance needs from outside
// is given by [Imports]: Go functions, C functions, memories, globals, tables, and functions of
// other instances. Modules are in the binary format; [Wat2Wasm] translates the text format to it.
// Both Module and Instance are small values that refer to shared state: copies are the same module
// or instance.
//
// # Calls and concurrency
//
// A guest runs as a coroutine of the goroutine that calls it, on a stack of its own. All exported
// functions may be called by many goroutines at the same time, and from within host functions.
// WebAssembly gives no order between the accesses of concurrent calls to the same memory: a guest
// that was not made for that needs one instance per goroutine, or a lock. Host functions run on the
// goroutine of the caller as ordinary Go: they may block, panic, call [runtime.Goexit] and call
// guests. A panic of a host function arrives at the caller of the exported function.
//
// A guest that loops endlessly blocks neither the garbage collector nor other goroutines.
// [Function.Call] and its like, [NewInstanceContext] and [Module.InstantiateContext] give up a
// guest when their context is done. The state of such a guest (its memory, tables and globals) is
// as it was at the moment of interruption, which may be any; the host is sound, and the instance
// can be called again.
//
// # Ways to call
//
// Where the types are known when the program is written, [Func0] to [Func6] and [Proc0] to [Proc6]
// make Go functions of exported ones, and [Host0] to [Host6] and [HostProc0] to [HostProc6] host
// functions of Go ones. [Function.CallSlots] and [HostFunc] pass values as they lie in slots. None
// of these allocates. Functions that are only known when the program runs are called by
// [Instance.Exports] or [Function.Call], and plain Go functions are given to [Imports.Append]. The
// context of a call arrives in the host functions that it leads to. A server takes an instance per
// request from a [Pool].
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
// [Wasi.Run], with the arguments, streams, directories and clocks that a [Wasi] gives them, and
// nothing else; [Wasi.ImportObject] gives the same to instances that are made otherwise. A guest
// holds a goroutine and no thread while it waits for input, a connection or a time, and ends with
// the context of the call. Writing ends when the Writer returns.
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
// Close of a module, instance, memory, global, table, pool or set of imports may be called more
// than once, at any time. It refuses later calls with an error that matches [ErrClosed], and frees
// the resources when the last running call ends. What is dropped without Close is freed after a
// garbage collection; an instance lives as long as one of its exported functions is held.
//
// A host function may close the instance that called it: its call goes on, and nested calls are
// refused. The methods of [Memory] that take an offset check bounds, and give an error after Close.
//
// A slice of [Memory.Data] points directly into the memory of the guest, and does not keep it
// alive. It must not be used after the memory, or the instance that it belongs to, was closed or
// dropped: that may crash the program, but never shows bytes of another instance.
//
// # Trust
//
// Modules may come from anyone: validation, traps and address space keep a guest inside its
// memories. The bytes that [DeserializeModule] takes contain machine code: they must come from
// someone who may run code in your process. C function pointers given to [Imports.Append] are
// called as they are.
//
// The specification is WebAssembly 2.0 (https://www.w3.org/TR/wasm-core-2/) and parts of 3.0;
// modules that use other proposals are refused with an error that names the proposal.
//
// This package begins with the interface of go-ext-wasm 0.3.1: programs written for it compile
// after changing the import path.
package wasmer
