// A C program that links the library.
#include "threads.h"

extern int gowasmer_works(void);

int main(void) {
  if (!works_everywhere(gowasmer_works)) return 1;
  puts("works");
  return 0;
}
