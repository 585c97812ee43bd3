// The 35th Fibonacci number by plain double recursion: 29,860,703 calls and hardly anything else. The attributes keep the
// compiler from turning half of the calls into a loop.
#include "guest.h"

__attribute__((noinline, disable_tail_calls)) static int32_t fibonacci(int32_t n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

EXPORT("app_main") int32_t fib_recursive(void) {
  volatile int32_t n = 35; // volatile, so that the compiler makes no special copy of the recursion
  return fibonacci(n);
}
