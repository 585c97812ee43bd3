// copy FROM TO [PIECE]: copies a file in pieces of that many bytes (65536), with its times. Prints nothing.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *what) {
  fprintf(stderr, "copy: %s: %s\n", what, strerror(errno));
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: copy FROM TO [PIECE]\n");
    return 2;
  }
  long piece = argc > 3 ? atol(argv[3]) : 65536;
  char *buffer = piece > 0 ? malloc(piece) : NULL;
  if (!buffer) {
    fprintf(stderr, "copy: no pieces of %s bytes\n", argc > 3 ? argv[3] : "65536");
    return 2;
  }
  int from = open(argv[1], O_RDONLY);
  struct stat about;
  if (from < 0 || fstat(from, &about) < 0)
    return fail(argv[1]);
  int to = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (to < 0)
    return fail(argv[2]);
  ssize_t n;
  while ((n = read(from, buffer, piece)) > 0)
    for (ssize_t done = 0, written; done < n; done += written)
      if ((written = write(to, buffer + done, n - done)) < 0)
        return fail(argv[2]);
  if (n < 0)
    return fail(argv[1]);
  struct timespec times[2] = {about.st_atim, about.st_mtim};
  if (futimens(to, times) < 0 || close(to) < 0)
    return fail(argv[2]);
  return 0;
}
