// Comparisons of 16 bytes at once and masks of their results: searching for a byte, as memchr and strlen do.
#include "../../testdata/guests/guest.h"

#define LENGTH (1 << 16)

typedef int8_t i8x16 __attribute__((vector_size(16)));

static uint8_t text[LENGTH] __attribute__((aligned(16)));

// The highest bit of each lane.
static uint32_t bitmask(i8x16 lanes) {
#ifdef __wasm__
  return (uint32_t)__builtin_wasm_bitmask_i8x16(lanes);
#else
  typedef char c8x16 __attribute__((vector_size(16)));
  return (uint32_t)__builtin_ia32_pmovmskb128((c8x16)lanes);
#endif
}

// Where a byte is first found at or after an index; LENGTH if nowhere.
static uint32_t find(uint32_t from, uint8_t wanted) {
  for (uint32_t at = from & ~15u; at < LENGTH; at += 16) {
    i8x16 found = *(const i8x16 *)(text + at) == (int8_t)wanted;
    uint32_t mask = bitmask(found);
    if (at < from)
      mask &= 0xffffu << (from - at);
    if (mask)
      return at + (uint32_t)__builtin_ctz(mask);
  }
  return LENGTH;
}

EXPORT("app_main") int64_t simd_memchr(void) {
  uint32_t seed = 7;
  for (int i = 0; i < LENGTH; i++) {
    seed = seed * 1664525 + 1013904223;
    // Bytes of a text; each 4096th ends one.
    text[i] = i % 4096 == 4095 ? 0 : (uint8_t)(32 + (seed >> 25) % 90);
  }
  uint64_t sum = 0;
  for (int round = 0; round < 500; round++) {
    uint8_t wanted = (uint8_t)(round % 4 ? 200 + round % 4 : 0);
    for (uint32_t at = 0; at < LENGTH; at++) {
      at = find(at, wanted);
      sum = sum * 31 + at;
    }
    // Now and then a frequent byte.
    if (round % 16 == 0)
      for (uint32_t at = 0; at < LENGTH; at++)
        sum += at = find(at, (uint8_t)(40 + round % 64));
  }
  return (int64_t)sum;
}
