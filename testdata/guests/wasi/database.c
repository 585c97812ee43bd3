// database FILE: a database of names and values in one file, by commands on standard input:
//   set NAME VALUE, get NAME, delete NAME, list, count, compact
// The file is a header and records that are appended: lengths, name, value; a value of length -1 deletes. It is read whole when it is opened, a record
// that was cut off is removed, and values are read from the file when they are asked for.
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct header {
  char magic[8];
};
struct lengths {
  int32_t name, value;
};
struct entry {
  char *name;
  off_t at;
  int32_t length; // -1: deleted
};

static const struct header header = {"RECORDS"};
static struct entry *entries;
static size_t count, room;
static int file;
static off_t end;
static const char *path;

static void fail(const char *what) {
  fprintf(stderr, "database: %s: %s\n", what, errno ? strerror(errno) : "not a database");
  exit(1);
}

// find looks for a name, by halving; if it is absent, it is added as deleted.
static struct entry *find(const char *name, size_t length) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = strncmp(entries[middle].name, name, length);
    if (order == 0 && entries[middle].name[length])
      order = 1;
    if (order == 0)
      return &entries[middle];
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  if (count == room)
    entries = realloc(entries, (room = room ? room * 2 : 64) * sizeof *entries);
  memmove(entries + low + 1, entries + low, (count - low) * sizeof *entries);
  count++;
  entries[low] = (struct entry){strndup(name, length), 0, -1};
  return &entries[low];
}

static void open_database(void) {
  errno = 0;
  file = open(path, O_RDWR | O_CREAT, 0666);
  struct stat about;
  if (file < 0 || fstat(file, &about) < 0)
    fail(path);
  struct header found;
  if (about.st_size == 0) {
    if (pwrite(file, &header, sizeof header, 0) != sizeof header)
      fail(path);
  } else if (pread(file, &found, sizeof found, 0) != sizeof found || memcmp(&found, &header, sizeof header)) {
    errno = 0;
    fail(path);
  }
  end = sizeof header;
  struct lengths l;
  while (pread(file, &l, sizeof l, end) == sizeof l) {
    off_t next = end + (off_t)sizeof l + l.name + (l.value > 0 ? l.value : 0);
    char name[256];
    if (l.name <= 0 || l.name > (int)sizeof name || next > about.st_size || pread(file, name, l.name, end + sizeof l) != l.name)
      break;
    struct entry *e = find(name, l.name);
    e->at = end + (off_t)sizeof l + l.name;
    e->length = l.value;
    end = next;
  }
  if (end < about.st_size) {
    fprintf(stderr, "database: %lld bytes of a record that was cut off are removed\n", (long long)(about.st_size - end));
    if (ftruncate(file, end) < 0)
      fail(path);
  }
}

// append writes a record by one call, so that it is there wholly or cut off.
static void append(int to, off_t *at, struct entry *e, const char *value, int32_t length) {
  struct lengths l = {(int32_t)strlen(e->name), length};
  size_t size = sizeof l + l.name + (length > 0 ? length : 0);
  char *record = malloc(size);
  memcpy(record, &l, sizeof l);
  memcpy(record + sizeof l, e->name, l.name);
  if (length > 0)
    memcpy(record + sizeof l + l.name, value, length);
  if (pwrite(to, record, size, *at) != (ssize_t)size)
    fail(path);
  free(record);
  e->at = *at + (off_t)sizeof l + l.name;
  e->length = length;
  *at += size;
}

static char *value_of(struct entry *e) {
  char *value = calloc(1, e->length + 1);
  if (pread(file, value, e->length, e->at) != e->length)
    fail(path);
  return value;
}

// compact writes what is not deleted to another file, which then takes the place of the first.
static void compact(void) {
  char other[1024];
  snprintf(other, sizeof other, "%s.new", path);
  int to = open(other, O_RDWR | O_CREAT | O_EXCL, 0666);
  if (to < 0 || pwrite(to, &header, sizeof header, 0) != sizeof header)
    fail(other);
  off_t at = sizeof header;
  for (size_t i = 0; i < count; i++) {
    if (entries[i].length < 0)
      continue;
    char *value = value_of(&entries[i]);
    append(to, &at, &entries[i], value, entries[i].length);
    free(value);
  }
  if (fsync(to) < 0 || rename(other, path) < 0 || close(file) < 0)
    fail(other);
  file = to;
  end = at;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: database FILE\n");
    return 2;
  }
  path = argv[1];
  open_database();
  char *line = malloc(1 << 20), name[256];
  while (fgets(line, 1 << 20, stdin)) {
    line[strcspn(line, "\n")] = 0;
    int used = 0;
    if (sscanf(line, "set %255s %n", name, &used) == 1 && used) {
      append(file, &end, find(name, strlen(name)), line + used, (int32_t)strlen(line + used));
    } else if (sscanf(line, "get %255s", name) == 1) {
      struct entry *e = find(name, strlen(name));
      char *value = e->length < 0 ? strdup("(none)") : value_of(e);
      printf("%s\n", value);
      free(value);
    } else if (sscanf(line, "delete %255s", name) == 1) {
      append(file, &end, find(name, strlen(name)), NULL, -1);
    } else if (!strcmp(line, "compact")) {
      compact();
    } else if (!strcmp(line, "list") || !strcmp(line, "count")) {
      size_t alive = 0;
      for (size_t i = 0; i < count; i++)
        if (entries[i].length >= 0 && ++alive && line[0] == 'l')
          printf("%s %d\n", entries[i].name, entries[i].length);
      if (line[0] == 'c')
        printf("%zu\n", alive);
    } else {
      fprintf(stderr, "database: unknown command %s\n", line);
      return 2;
    }
  }
  return fsync(file) < 0 ? (fail(path), 1) : 0;
}
