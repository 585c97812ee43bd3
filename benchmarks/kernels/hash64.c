// Integer hashing in 64 bits: an open-addressing hash table of 64-bit keys with multiplying and rotating hashes.
#include "../../testdata/guests/guest.h"

#define SLOTS (1u << 15)

static uint64_t keys[SLOTS], values[SLOTS];

static uint64_t rotate(uint64_t x, int n) { return x << n | x >> (64 - n); }

static uint64_t hash(uint64_t x) {
  x *= 0x9e3779b185ebca87u;
  x = rotate(x, 31) * 0xc2b2ae3d27d4eb4fu;
  x ^= x >> 33;
  x *= 0x165667b19e3779f9u;
  return x ^ x >> 29;
}

static void add(uint64_t key, uint64_t value) {
  uint32_t slot = (uint32_t)hash(key) & (SLOTS - 1);
  while (keys[slot] && keys[slot] != key)
    slot = (slot + 1) & (SLOTS - 1);
  keys[slot] = key;
  values[slot] += value;
}

EXPORT("app_main") int64_t hash64(void) {
  for (uint32_t i = 0; i < SLOTS; i++)
    keys[i] = values[i] = 0;
  uint64_t seed = 88172645463325252u, sum = 0;
  for (int i = 0; i < 1000000; i++) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    add(seed % 20000 + 1, seed >> 40);
  }
  for (uint32_t i = 0; i < SLOTS; i++)
    sum = rotate(sum, 5) ^ hash(keys[i] + values[i]);
  return (int64_t)sum;
}
