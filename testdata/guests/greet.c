// Strings across the border: the host allocates guest memory, writes a NUL-terminated name into it, and calls greet, which
// returns a new NUL-terminated string. The host gives both back with deallocate.
#include "guest.h"

// A free list of blocks with a header of one word: the size of the block's payload.
typedef struct Block {
  uint32_t size;
  struct Block *next;
} Block;

#define HEADER 8u

static Block *free_blocks;
static uint8_t *heap_next, *heap_end;

EXPORT("allocate") uint8_t *allocate(uint32_t size) {
  if (size > UINT32_MAX - 2 * PAGE_SIZE)
    __builtin_trap();
  size = (size + 7u) & ~7u;
  for (Block **link = &free_blocks; *link; link = &(*link)->next) {
    Block *block = *link;
    if (block->size >= size) {
      *link = block->next;
      return (uint8_t *)block + HEADER;
    }
  }
  if ((size_t)(heap_end - heap_next) < size + HEADER) {
    uint32_t pages = (size + HEADER + PAGE_SIZE - 1) / PAGE_SIZE;
    uint8_t *start = grow_memory(pages);
    if (!start)
      __builtin_trap();
    if (start != heap_end)
      heap_next = start;
    heap_end = start + pages * PAGE_SIZE;
  }
  Block *block = (Block *)heap_next;
  heap_next += size + HEADER;
  block->size = size;
  return (uint8_t *)block + HEADER;
}

// The size given is not needed: the header knows it. Hosts of this kind of guest pass it all the same.
EXPORT("deallocate") void deallocate(uint8_t *pointer, uint32_t size) {
  (void)size;
  Block *block = (Block *)(pointer - HEADER);
  block->next = free_blocks;
  free_blocks = block;
}

EXPORT("greet") uint8_t *greet(const uint8_t *subject) {
  static const uint8_t before[] = "Hello, ", after[] = "!";
  uint32_t length = 0;
  while (subject[length])
    length++;
  uint8_t *greeting = allocate(length + sizeof before + sizeof after - 1), *out = greeting;
  for (const uint8_t *in = before; *in; in++)
    *out++ = *in;
  for (uint32_t i = 0; i < length; i++)
    *out++ = subject[i];
  for (const uint8_t *in = after; *in; in++)
    *out++ = *in;
  *out = 0;
  return greeting;
}
