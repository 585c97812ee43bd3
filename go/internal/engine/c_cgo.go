//go:build linux && (amd64 || arm64) && cgo

package engine

// This file enters guests from C: those that call C functions of the embedder do so on the stack of
// C, and may call Go from there.

/*
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// What has to be left of a thread's stack for C functions, and for the way back into Go.
enum { reserve = 64 << 10 };

// What the entry of a guest must know of a thread: its number, in the low bits, and above them the
// page below which its stack must not go. It is kept under a key, by plain functions. A variable of
// the thread's own would be as fast, but Go's own linker knows none, and a library that is loaded
// late may find no room for it.
enum { number_bits = 22, page_bits = 12 }; // the kernel has numbers below 1 << 22
static pthread_key_t thread_key;
static int have_key;

static void make_key(void) { have_key = pthread_key_create(&thread_key, 0) == 0; }

static uintptr_t find_thread(void) {
	pthread_attr_t attributes;
	void *low = 0;
	size_t size = 0;
	uintptr_t limit = 0; // where the system does not tell, nothing is refused
	if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
		if (pthread_attr_getstack(&attributes, &low, &size) == 0)
			limit = (uintptr_t)low + (size / 2 < reserve ? size / 2 : reserve);
		pthread_attr_destroy(&attributes);
	}
	uintptr_t thread = limit >> page_bits << number_bits | (uintptr_t)syscall(SYS_gettid);
	if (have_key)
		pthread_setspecific(thread_key, (void *)thread); // if memory is short it is looked up again the next time
	return thread;
}

// Enters or resumes the guest of a context.
static uint64_t enter(uintptr_t function, void *context) {
	uintptr_t thread = have_key ? (uintptr_t)pthread_getspecific(thread_key) : 0;
	if (thread == 0)
		thread = find_thread();
	return ((uint64_t (*)(void *, uintptr_t, uint32_t))function)(context, thread >> number_bits << page_bits, thread & ((1 << number_bits) - 1));
}

static void call(uintptr_t function, void *context) {
	((void (*)(void *))function)(context);
}
#cgo noescape enter
#cgo noescape call
*/
import "C"

import (
	"sync"
	"unsafe"
)

// CanCallC reports whether guests can call C functions.
const CanCallC = true

var forC struct {
	once                sync.Once
	enter, resume, call C.uintptr_t
}

func findFunctionsForC() {
	C.make_key()
	enter, resume, call := functionsForC()
	forC.enter, forC.resume, forC.call = C.uintptr_t(enter), C.uintptr_t(resume), C.uintptr_t(call)
}

// Enter runs the function that the context names, by cgo, and returns the status.
func Enter(context unsafe.Pointer) uint64 {
	forC.once.Do(findFunctionsForC)
	return uint64(C.enter(forC.enter, context))
}

// Resume continues a suspended guest, by cgo, and returns the status.
func Resume(context unsafe.Pointer) uint64 { return uint64(C.enter(forC.resume, context)) }

// CCall calls the C function pointer that the guest wants.
func CCall(context unsafe.Pointer) {
	forC.once.Do(findFunctionsForC)
	C.call(forC.call, context)
}
