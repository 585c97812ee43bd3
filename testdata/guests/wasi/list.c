// list DIRECTORY: lists a directory and those below it, sorted: a letter for the type, the size of files, the path, and the target of symbolic links.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int status;

static void complain(const char *path) {
  fprintf(stderr, "list: %s: %s\n", path, strerror(errno));
  status = 1;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *path) {
  DIR *directory = opendir(path);
  if (!directory) {
    complain(path);
    return;
  }
  char **names = NULL;
  size_t count = 0, room = 0;
  struct dirent *entry;
  while ((entry = readdir(directory))) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
      continue;
    if (count == room)
      names = realloc(names, (room = room ? room * 2 : 16) * sizeof *names);
    names[count++] = strdup(entry->d_name);
  }
  qsort(names, count, sizeof *names, by_name);
  for (size_t i = 0; i < count; i++) {
    char *full = malloc(strlen(path) + strlen(names[i]) + 2);
    sprintf(full, "%s/%s", path, names[i]);
    struct stat about;
    if (fstatat(dirfd(directory), names[i], &about, AT_SYMLINK_NOFOLLOW) < 0) {
      complain(full);
    } else if (S_ISDIR(about.st_mode)) {
      printf("d - %s\n", full);
      list(full);
    } else if (S_ISLNK(about.st_mode)) {
      char target[256];
      ssize_t length = readlinkat(dirfd(directory), names[i], target, sizeof target);
      if (length < 0)
        complain(full);
      else
        printf("l - %s -> %.*s\n", full, (int)length, target);
    } else {
      printf("%c %lld %s\n", S_ISREG(about.st_mode) ? 'f' : '?', (long long)about.st_size, full);
    }
    free(full);
    free(names[i]);
  }
  free(names);
  closedir(directory);
}

int main(int argc, char **argv) {
  list(argc > 1 ? argv[1] : ".");
  return status;
}
