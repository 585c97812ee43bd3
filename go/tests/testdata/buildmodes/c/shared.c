// A C program that loads the library when it runs.
#include "threads.h"
#include <dlfcn.h>

int main(int argc, char **argv) {
  void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  int (*works)(void) = library ? (int (*)(void))dlsym(library, "gowasmer_works") : NULL;
  if (!works) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  if (!works_everywhere(works)) return 1;
  puts("works");
  return 0;
}
