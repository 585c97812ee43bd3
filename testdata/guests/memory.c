// Exports its memory (2 pages, no maximum), hands out pointers into it, and grows it from inside.
#include "guest.h"

static char text[64];

// Writes a NUL-terminated string into memory and returns where.
EXPORT("return_hello") char *return_hello(void) {
  static const char hello[] = "Hello, World!";
  for (uint32_t i = 0; i < sizeof hello; i++)
    text[i] = hello[i];
  return text;
}

// The size of memory in pages.
EXPORT("size") uint32_t size(void) { return (uint32_t)__builtin_wasm_memory_size(0); }

// Grows memory by so many pages; returns the old size in pages, or -1.
EXPORT("grow") int32_t grow(uint32_t pages) { return (int32_t)__builtin_wasm_memory_grow(0, pages); }

EXPORT("load8") uint32_t load8(const volatile uint8_t *address) { return *address; }
EXPORT("store8") void store8(volatile uint8_t *address, uint32_t value) { *address = (uint8_t)value; }
EXPORT("load32") uint32_t load32(const volatile uint32_t *address) { return *address; }
EXPORT("store32") void store32(volatile uint32_t *address, uint32_t value) { *address = value; }
EXPORT("load64") uint64_t load64(const volatile uint64_t *address) { return *address; }
EXPORT("store64") void store64(volatile uint64_t *address, uint64_t value) { *address = value; }

// Fills [address, address + length) with a byte.
EXPORT("fill") void fill(volatile uint8_t *address, uint32_t value, uint32_t length) {
  for (uint32_t i = 0; i < length; i++)
    address[i] = (uint8_t)value;
}
