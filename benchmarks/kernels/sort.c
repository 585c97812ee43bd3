// Sorting: quicksort with insertion below 12, heapsort, and a merge sort of records by an inlined comparison.
#include "../../testdata/guests/guest.h"

#define COUNT 40000

typedef struct {
  uint32_t key, index;
} record;

static uint32_t numbers[COUNT];
static record records[COUNT], spare[COUNT];

static void quicksort(uint32_t *a, int low, int high) {
  while (high - low > 12) {
    uint32_t pivot = a[low + (high - low) / 2];
    int i = low, j = high;
    while (i <= j) {
      while (a[i] < pivot)
        i++;
      while (a[j] > pivot)
        j--;
      if (i <= j) {
        uint32_t t = a[i];
        a[i++] = a[j];
        a[j--] = t;
      }
    }
    if (j - low < high - i) {
      quicksort(a, low, j);
      low = i;
    } else {
      quicksort(a, i, high);
      high = j;
    }
  }
  for (int i = low + 1; i <= high; i++) {
    uint32_t x = a[i];
    int j = i - 1;
    for (; j >= low && a[j] > x; j--)
      a[j + 1] = a[j];
    a[j + 1] = x;
  }
}

static void sift(uint32_t *a, int at, int count) {
  uint32_t x = a[at];
  for (int child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && a[child + 1] > a[child])
      child++;
    if (a[child] <= x)
      break;
    a[at] = a[child];
  }
  a[at] = x;
}

static void heapsort(uint32_t *a, int count) {
  for (int i = count / 2 - 1; i >= 0; i--)
    sift(a, i, count);
  for (int i = count - 1; i > 0; i--) {
    uint32_t t = a[0];
    a[0] = a[i];
    a[i] = t;
    sift(a, 0, i);
  }
}

static void mergesort(void) {
  record *from = records, *to = spare;
  for (int width = 1; width < COUNT; width *= 2) {
    for (int start = 0; start < COUNT; start += 2 * width) {
      int middle = start + width < COUNT ? start + width : COUNT, end = start + 2 * width < COUNT ? start + 2 * width : COUNT;
      for (int i = start, j = middle, k = start; k < end; k++)
        to[k] = i < middle && (j >= end || from[i].key <= from[j].key) ? from[i++] : from[j++];
    }
    record *t = from;
    from = to;
    to = t;
  }
}

static void fill(uint32_t seed) {
  for (uint32_t i = 0; i < COUNT; i++) {
    seed = seed * 1664525 + 1013904223;
    numbers[i] = seed >> 4;
    records[i].key = seed >> 20;
    records[i].index = i;
  }
}

EXPORT("app_main") int64_t sort(void) {
  uint64_t sum = 0;
  for (uint32_t round = 1; round <= 2; round++) {
    fill(round);
    quicksort(numbers, 0, COUNT - 1);
    for (int i = 0; i < COUNT; i += 37)
      sum = sum * 31 + numbers[i];
    fill(round + 100);
    heapsort(numbers, COUNT);
    mergesort();
    for (int i = 0; i < COUNT; i += 41)
      sum = sum * 31 + numbers[i] + records[i].index + spare[i].key;
  }
  return (int64_t)sum;
}
