#include "cfuncs.h"
#include "_cgo_export.h"
#include <pthread.h>

static int32_t add(void *context, int32_t a, int32_t b) {
  (void)context;
  return (int32_t)((uint32_t)a + (uint32_t)b);
}

static double mix(void *context, int32_t a, int64_t b, float c, double d, int32_t e, int64_t f, float g, double h, int64_t i,
                  int64_t j) {
  (void)context;
  return (double)a + (double)b + (double)c + d + (double)e + (double)f + (double)g + h + (double)i + (double)j;
}

static float registers(void *context, float a, int32_t b, double c, int64_t d, int32_t e, double f, int64_t g) {
  (void)context;
  return (float)((double)a + (double)b + c + (double)d + (double)e + f + (double)g);
}

static int32_t call_go(void *context, int32_t n) { return cfuncs_call_go(context, n); }

void *cfuncs_add_pointer(void) { return (void *)add; }
void *cfuncs_mix_pointer(void) { return (void *)mix; }
void *cfuncs_registers_pointer(void) { return (void *)registers; }
void *cfuncs_go_pointer(void) { return (void *)call_go; }

static void *thread_main(void *handle) {
  cfuncs_thread_main((uintptr_t)handle);
  return NULL;
}

int cfuncs_on_thread(size_t stack_bytes, uintptr_t handle) {
  pthread_attr_t attributes;
  pthread_t thread;
  int failed = pthread_attr_init(&attributes);
  if (failed) return failed;
  failed = pthread_attr_setstacksize(&attributes, stack_bytes);
  if (!failed) failed = pthread_create(&thread, &attributes, thread_main, (void *)handle);
  pthread_attr_destroy(&attributes);
  return failed ? failed : pthread_join(thread, NULL);
}
