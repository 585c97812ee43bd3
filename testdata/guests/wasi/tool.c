// A WASI program with a command for each thing that tests and examples need; it is linked with wasi-libc.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  return 1;
}

static int copy(FILE *from, FILE *to) {
  char buffer[4096];
  size_t n;
  while ((n = fread(buffer, 1, sizeof buffer, from)) > 0)
    if (fwrite(buffer, 1, n, to) != n)
      return fail("write");
  return ferror(from) ? fail("read") : 0;
}

static int cat(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file)
    return fail(path);
  int code = copy(file, stdout);
  fclose(file);
  return code;
}

static int write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  if (!file)
    return fail(path);
  fputs(text, file);
  return fclose(file) ? fail(path) : 0;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int list(const char *path) {
  DIR *directory = opendir(path);
  if (!directory)
    return fail(path);
  char *names[256];
  size_t count = 0;
  for (struct dirent *entry; count < 256 && (entry = readdir(directory));)
    if (entry->d_name[0] != '.')
      names[count++] = strdup(entry->d_name);
  closedir(directory);
  qsort(names, count, sizeof *names, by_name);
  for (size_t i = 0; i < count; i++)
    printf("%s\n", names[i]);
  return 0;
}

static int clocks(void) {
  struct timespec now, from, to;
  clock_gettime(CLOCK_REALTIME, &now);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", gmtime(&now.tv_sec));
  clock_gettime(CLOCK_MONOTONIC, &from);
  sleep(3600);
  clock_gettime(CLOCK_MONOTONIC, &to);
  unsigned char byte[4];
  if (getentropy(byte, sizeof byte))
    return fail("getentropy");
  printf("%s, an hour of sleep takes %lld s, random bytes %02x%02x%02x%02x\n", text, (long long)(to.tv_sec - from.tv_sec), byte[0],
         byte[1], byte[2], byte[3]);
  return 0;
}

int main(int argc, char **argv) {
  const char *command = argc > 1 ? argv[1] : "args", *first = argc > 2 ? argv[2] : "", *second = argc > 3 ? argv[3] : "";
  if (!strcmp(command, "args")) {
    for (int i = 0; i < argc; i++)
      printf("%s\n", argv[i]);
  } else if (!strcmp(command, "env")) {
    const char *value = getenv(first);
    printf("%s\n", value ? value : "(not set)");
  } else if (!strcmp(command, "copy")) {
    return copy(stdin, stdout);
  } else if (!strcmp(command, "cat")) {
    return cat(first);
  } else if (!strcmp(command, "write")) {
    return write_file(first, second);
  } else if (!strcmp(command, "list")) {
    return list(first);
  } else if (!strcmp(command, "mkdir")) {
    return mkdir(first, 0777) ? fail(first) : 0;
  } else if (!strcmp(command, "remove")) {
    return remove(first) ? fail(first) : 0;
  } else if (!strcmp(command, "rename")) {
    return rename(first, second) ? fail(first) : 0;
  } else if (!strcmp(command, "clock")) {
    return clocks();
  } else if (!strcmp(command, "exit")) {
    exit(atoi(first));
  } else if (!strcmp(command, "trap")) {
    __builtin_trap();
  } else if (!strcmp(command, "loop")) {
    for (volatile int i = 0;; i++)
      ;
  } else {
    fprintf(stderr, "unknown command %s\n", command);
    return 2;
  }
  return 0;
}
