// Recursion and branches: all ways to put twelve queens on a board by sets of bits, and nine by looking at the rows of those before.
#include "../../testdata/guests/guest.h"

static uint32_t place(uint32_t columns, uint32_t left, uint32_t right, uint32_t all) {
  if (columns == all)
    return 1;
  uint32_t count = 0;
  for (uint32_t free = all & ~(columns | left | right); free;) {
    uint32_t bit = free & (0 - free);
    free ^= bit;
    count += place(columns | bit, (left | bit) << 1, (right | bit) >> 1, all);
  }
  return count;
}

static uint8_t rows[16];

static int safe(int column, int row) {
  for (int i = 0; i < column; i++) {
    int distance = rows[i] - row;
    if (distance == 0 || distance == column - i || distance == i - column)
      return 0;
  }
  return 1;
}

static uint32_t search(int column, int size) {
  if (column == size)
    return 1;
  uint32_t count = 0;
  for (int row = 0; row < size; row++)
    if (safe(column, row)) {
      rows[column] = (uint8_t)row;
      count += search(column + 1, size);
    }
  return count;
}

EXPORT("app_main") int64_t queens(void) {
  return (int64_t)((uint64_t)place(0, 0, 0, (1u << 12) - 1) << 32 | search(0, 9));
}
