// Package image runs the engine: it maps the engine's image, which is embedded in the program,
// hands it stacks and heaps, enters its functions, and does for it what only the operating system
// can do.
//
// The image is position-independent code without a libc, without thread-local storage and without
// system calls of its own. Its functions are entered by Go assembly, on stacks of their own, as
// guests are. A function that wants something leaves to Go with a status in the context block at
// the top of its stack (serve, in call.go); Go does it and resumes the function. So the image may
// be paused by Go's preemption signal, may continue on another thread, and may be given up.
//
// In order of use:
//
//   - elf.go, load.go: from the embedded bytes to mapped code, checked all the way
//   - stack.go: the stacks; call.go: calling an entry of the image on one
//   - services.go, signals.go, vdso.go: what the image asks of the operating system
//   - heap.go: heaps of units of work that can be given up
//   - slices.go, pauses.go, released.go: what preemption needs
//
// The Rust side is rust/image. The layouts that both sides share are written in
// rust/engine/src/abi; layout_gen.go and layout_gen.h are generated from there.
package image
