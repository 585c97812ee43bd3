// Runs the programs natively and prints what they return, one line each: program, export, arguments, and the result as its type
// and bits. The same lines are expected of the guests (expected.txt).
#include <stdint.h>
#include <stdio.h>
#include <string.h>

double nbody(int32_t steps);
int32_t fib_recursive(void);
int64_t pollard_rho_128(void);
int64_t snappy_compress(void);

static void print_nbody(int32_t steps) {
  double energy = nbody(steps);
  uint64_t bits;
  memcpy(&bits, &energy, sizeof bits);
  printf("nbody main %d f64:%016llx\n", steps, (unsigned long long)bits);
}

int main(void) {
  print_nbody(0);
  print_nbody(1000);
  print_nbody(100000);
  printf("fib_recursive app_main - i32:%08x\n", (unsigned)fib_recursive());
  printf("pollard_rho_128 app_main - i64:%016llx\n", (unsigned long long)pollard_rho_128());
  printf("snappy_compress app_main - i64:%016llx\n", (unsigned long long)snappy_compress());
  return 0;
}
