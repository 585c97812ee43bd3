// sort FROM TO LINES: sorts the lines of a file ("-" is standard input or output). No more than LINES of them are in memory at once: sorted runs go to
// files beside the result, TO.run0 and so on, which are merged and removed.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { longest = 4096, most_runs = 256 };

static void fail(const char *what) {
  fprintf(stderr, "sort: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static FILE *open_file(const char *path, const char *mode, FILE *standard) {
  FILE *file = strcmp(path, "-") ? fopen(path, mode) : standard;
  if (!file)
    fail(path);
  return file;
}

static char *run_path(const char *to, int run) {
  static char path[1024];
  snprintf(path, sizeof path, "%s.run%d", strcmp(to, "-") ? to : "sort", run);
  return path;
}

static void write_run(const char *path, char **lines, size_t count) {
  qsort(lines, count, sizeof *lines, by_text);
  FILE *file = open_file(path, "w", NULL);
  for (size_t i = 0; i < count; i++) {
    fputs(lines[i], file);
    free(lines[i]);
  }
  if (fclose(file))
    fail(path);
}

int main(int argc, char **argv) {
  size_t most = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
  if (most == 0) {
    fprintf(stderr, "usage: sort FROM TO LINES\n");
    return 2;
  }
  FILE *from = open_file(argv[1], "r", stdin);
  char **lines = calloc(most, sizeof *lines), line[longest];
  size_t count = 0;
  int runs = 0;
  while (fgets(line, sizeof line - 1, from)) {
    if (!strchr(line, '\n'))
      strcat(line, "\n");
    lines[count++] = strdup(line);
    if (count == most && runs < most_runs - 1) {
      write_run(run_path(argv[2], runs++), lines, count);
      count = 0;
    } else if (count == most) {
      fprintf(stderr, "sort: more than %d runs\n", most_runs);
      return 1;
    }
  }
  if (ferror(from))
    fail(argv[1]);
  if (count)
    write_run(run_path(argv[2], runs++), lines, count);

  FILE *sources[most_runs], *to = open_file(argv[2], "w", stdout);
  char *heads[most_runs];
  for (int i = 0; i < runs; i++) {
    sources[i] = open_file(run_path(argv[2], i), "r", NULL);
    heads[i] = malloc(longest);
    if (!fgets(heads[i], longest, sources[i]))
      fail(run_path(argv[2], i));
  }
  for (;;) {
    int least = -1;
    for (int i = 0; i < runs; i++)
      if (heads[i] && (least < 0 || strcmp(heads[i], heads[least]) < 0))
        least = i;
    if (least < 0)
      break;
    fputs(heads[least], to);
    if (!fgets(heads[least], longest, sources[least])) {
      fclose(sources[least]);
      heads[least] = NULL;
      if (unlink(run_path(argv[2], least)) < 0)
        fail(run_path(argv[2], least));
    }
  }
  return fclose(to) ? (fail(argv[2]), 1) : 0;
}
