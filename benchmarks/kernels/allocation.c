// Allocation: binary trees made, counted and freed with an allocator of size classes, free lists and splitting, over a static heap.
#include "../../testdata/guests/guest.h"

typedef struct block {
  uint32_t class;
  struct block *next;
} block;

static uint8_t heap[1 << 21] __attribute__((aligned(16)));
static uint32_t top;
static block *free_blocks[16];

__attribute__((noinline)) static void *allocate(uint32_t size) {
  uint32_t class = 0, room = 16;
  while (room < size + 8) {
    room *= 2;
    class ++;
  }
  block *b = free_blocks[class];
  if (b) {
    free_blocks[class] = b->next;
  } else {
    if (top + room > sizeof heap)
      return NULL;
    b = (block *)(void *)(heap + top);
    top += room;
  }
  b->class = class;
  return (uint8_t *)b + 8;
}

__attribute__((noinline)) static void release(void *address) {
  block *b = (block *)(void *)((uint8_t *)address - 8);
  uint32_t class = b->class & 15;
  // Natively the pointer takes the place of the payload, which is never smaller than one.
  b->next = free_blocks[class];
  free_blocks[class] = b;
}

typedef struct tree {
  struct tree *left, *right;
  uint32_t weight;
} tree;

static tree *grow(int depth, uint32_t *seed) {
  *seed = *seed * 1664525 + 1013904223;
  tree *t = allocate((uint32_t)sizeof(tree) + (*seed >> 28) * 4);
  if (!t)
    return NULL;
  t->weight = *seed >> 20;
  t->left = depth ? grow(depth - 1, seed) : NULL;
  t->right = depth ? grow(depth - 1, seed) : NULL;
  return t;
}

static uint32_t weigh(const tree *t) { return t ? t->weight + 3 * weigh(t->left) + 5 * weigh(t->right) : 1; }

static void fell(tree *t) {
  if (!t)
    return;
  fell(t->left);
  fell(t->right);
  release(t);
}

EXPORT("app_main") int64_t allocation(void) {
  top = 0;
  for (int i = 0; i < 16; i++)
    free_blocks[i] = NULL;
  uint32_t seed = 99;
  uint64_t sum = 0;
  tree *kept = grow(10, &seed);
  for (int round = 0; round < 250; round++) {
    tree *t = grow(6 + round % 7, &seed);
    sum = sum * 31 + weigh(t);
    fell(t);
  }
  return (int64_t)(sum + weigh(kept));
}
