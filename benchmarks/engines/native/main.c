// Command native runs the programs compiled for this machine, under the protocol of the other engines: the file named by -program says which.
// Each round runs in a process of its own, so that memory is as fresh as in a new instance. Nothing is compiled: compile_run_ns is 0.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define I32(type, function) type function(void);
#define I64(type, function) type function(void);
#define F64(type, function) type function(void);
#define F64_OF_I32(type, function) type function(int32_t);
#define PROGRAM(name, entry, kind, type, function) kind(type, function)
#include "programs.h"
#undef I32
#undef I64
#undef F64
#undef F64_OF_I32
#undef PROGRAM

typedef struct {
  const char *name, *entry, *type;
  int takes_argument;
  uint64_t (*run)(int32_t);
} program;

static uint64_t bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

#define I32(f) (void)argument; return (uint32_t)f();
#define I64(f) (void)argument; return (uint64_t)f();
#define F64(f) (void)argument; return bits_of(f());
#define F64_OF_I32(f) return bits_of(f(argument));
#define PROGRAM(name, entry, kind, type, function) \
  static uint64_t run_##name(int32_t argument) { kind(function) }
#include "programs.h"
#undef I32
#undef I64
#undef F64
#undef F64_OF_I32
#undef PROGRAM

#define I32 "i32", 0
#define I64 "i64", 0
#define F64 "f64", 0
#define F64_OF_I32 "f64", 1
#define PROGRAM(name, entry, kind, type, function) {#name, #entry, kind, run_##name},
static const program programs[] = {
#include "programs.h"
};

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void print_result(const program *p, uint64_t bits) {
  printf(strcmp(p->type, "i32") ? "%s:%016llx" : "%s:%08llx", p->type, (unsigned long long)bits);
}

// copy_main is the main function of testdata/guests/wasi/copy.c.
int copy_main(int count, char **arguments);

// measure_copy is the one work besides programs: the copy of a file of 100 MB, in memory where the system has files there (see protocol/wasi.go).
static int measure_copy(void) {
  enum { size = 100 << 20, piece = 1 << 16, samples = 3 };
  char directory[64] = "/dev/shm/gowasmer-bench-XXXXXX", from[80], to[80];
  if (!mkdtemp(directory)) {
    strcpy(directory, "/tmp/gowasmer-bench-XXXXXX");
    if (!mkdtemp(directory)) {
      perror("native: mkdtemp");
      return 1;
    }
  }
  snprintf(from, sizeof from, "%s/from", directory);
  snprintf(to, sizeof to, "%s/to", directory);
  FILE *file = fopen(from, "w");
  char *text = calloc(1, piece);
  int status = !file || !text;
  for (int i = 0; !status && i < size / piece; i++)
    status = fwrite(text, piece, 1, file) != 1;
  status = status || fclose(file);
  for (int i = 0; !status && i <= samples; i++) {
    char *command[] = {"copy", from, to, NULL};
    int64_t start = now();
    status = copy_main(3, command);
    int64_t end = now();
    if (i > 0) // the first one makes the file
      printf("{\"figure\":\"WASI\",\"case\":\"copy of 100 MB by 64 KB\",\"unit\":\"ns\",\"value\":%lld}\n", (long long)(end - start));
  }
  unlink(from);
  unlink(to);
  rmdir(directory);
  if (status)
    fprintf(stderr, "native: the copy failed\n");
  return status;
}

int main(int count, char **arguments) {
  const char *file = "", *args = "";
  int rounds = 1, expected = 0;
  for (int i = 1; i < count; i++) {
    const char *next = i + 1 < count ? arguments[i + 1] : "";
    if (!strcmp(arguments[i], "-program"))
      file = next, i++;
    else if (!strcmp(arguments[i], "-args"))
      args = next, i++;
    else if (!strcmp(arguments[i], "-rounds"))
      rounds = atoi(next), i++;
    else if (!strcmp(arguments[i], "-list"))
      return puts("WASI") < 0;
    else if (!strcmp(arguments[i], "-figure"))
      return measure_copy();
    else if (!strcmp(arguments[i], "-expected"))
      expected = 1;
    else if (!strcmp(arguments[i], "-entry") || !strcmp(arguments[i], "-result"))
      i++;
  }
  const char *slash = strrchr(file, '/');
  const char *base = slash ? slash + 1 : file;
  size_t length = strcspn(base, ".");
  const program *p = NULL;
  for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
    if (strlen(programs[i].name) == length && !strncmp(programs[i].name, base, length))
      p = &programs[i];
  if (!p) {
    fprintf(stderr, "native: no program \"%.*s\" was compiled in\n", (int)length, base);
    return 1;
  }
  if (expected) {
    printf("%s %s - ", p->name, p->entry);
    print_result(p, p->run(0));
    printf("\n");
    return 0;
  }
  for (int round = 0; round < rounds; round++) {
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) {
      perror("native: fork");
      return 1;
    }
    if (child == 0) {
      int64_t start = now();
      uint64_t bits = p->run(atoi(args));
      int64_t end = now();
      printf("{\"compile_run_ns\":0,\"run_ns\":%lld,\"result\":\"", (long long)(end - start));
      print_result(p, bits);
      printf("\",\"first\":%s}\n", round == 0 ? "true" : "false");
      fflush(stdout);
      _exit(0);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) {
      fprintf(stderr, "native: %s ended with status %d\n", p->name, status);
      return 1;
    }
  }
  return 0;
}
