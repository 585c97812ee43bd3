// Package wasi implements WASI preview 1
// (https://github.com/WebAssembly/WASI/tree/main/legacy/preview1): the 46 functions of the
// namespace wasi_snapshot_preview1, and those of its predecessor wasi_unstable, which differ in
// numbers and layouts.
//
// It knows nothing of the engine: a function gets a [Guest], through which it sees the guest's
// memory and the context of the call, and the arguments as 64-bit slots. The way of a call:
// [Functions] names the function, it takes a descriptor out of the table (descriptors.go), checks
// its rights, and asks the object behind it (object.go): a file or directory of the host
// (hostfile.go, hostdir.go), one of an fs.FS (iofile.go, iodir.go), a stream (input.go, output.go;
// of a file of the host, fileinput_linux.go and fileoutput_linux.go) or a socket (socket.go). Who
// has to wait is on a list of the object (waiters.go).
//
// clock_time_get is usually not called: the engine reads the clocks of the system by itself (see
// [System.ShareClock]).
//
// What guards the host from a guest is in few files: memory.go (no access outside of the guest's
// memory), path.go (which paths are accepted) and hostdir.go with at_linux.go (no path leads out of
// an os.Root).
package wasi
