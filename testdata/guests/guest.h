// What every guest written in C shares: fixed-width types, the attributes that export and import functions, and linear memory as
// seen from freestanding C. The same sources also compile natively (check.sh), where linear memory is a static array.
#ifndef GUEST_H
#define GUEST_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE 65536u

#ifdef __wasm__

#define EXPORT(name) __attribute__((export_name(name), visibility("default")))
#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

// Adds pages to linear memory; returns the address of the first new byte, or null when the host refuses.
static inline uint8_t *grow_memory(uint32_t pages) {
  uint32_t old = (uint32_t)__builtin_wasm_memory_grow(0, pages);
  return old == UINT32_MAX ? NULL : (uint8_t *)(uintptr_t)(old * PAGE_SIZE);
}

#else

#define EXPORT(name)
#define IMPORT(module, name)
#define NATIVE_PAGES 1024u

static inline uint8_t *grow_memory(uint32_t pages) {
  static uint8_t linear_memory[NATIVE_PAGES * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
  static uint32_t used;
  if (pages > NATIVE_PAGES - used)
    return NULL;
  uint8_t *start = linear_memory + (size_t)used * PAGE_SIZE;
  used += pages;
  return start;
}

#endif
#endif
