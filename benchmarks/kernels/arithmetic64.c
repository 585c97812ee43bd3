// 64-bit arithmetic: modular powers by division, binary and Euclidean divisors, square roots, bit counts.
#include "../../testdata/guests/guest.h"

static uint64_t power(uint64_t base, uint64_t exponent, uint64_t modulus) { // modulus < 2^32
  uint64_t result = 1;
  for (base %= modulus; exponent; exponent >>= 1) {
    if (exponent & 1)
      result = result * base % modulus;
    base = base * base % modulus;
  }
  return result;
}

static uint64_t euclid(uint64_t a, uint64_t b) {
  while (b) {
    uint64_t t = a % b;
    a = b;
    b = t;
  }
  return a;
}

static uint64_t root(uint64_t x) {
  uint64_t result = 0, bit = (uint64_t)1 << 62;
  while (bit > x)
    bit >>= 2;
  for (; bit; bit >>= 2) {
    if (x >= result + bit) {
      x -= result + bit;
      result = (result >> 1) + bit;
    } else
      result >>= 1;
  }
  return result;
}

EXPORT("app_main") int64_t arithmetic64(void) {
  uint64_t seed = 0x853c49e6748fea9bu, sum = 0;
  for (int i = 0; i < 60000; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    sum += power(seed, seed >> 44, (seed >> 33) | 1);
    sum ^= euclid(seed >> 20, (seed << 30 >> 20) | 1);
    sum += root(seed ^ sum);
    sum += (uint64_t)__builtin_popcountll(seed) + (uint64_t)__builtin_clzll(seed | 1) + (uint64_t)__builtin_ctzll(seed | (uint64_t)1 << 60);
    sum += (uint64_t)((int64_t)seed / (int64_t)((seed & 0xffff) + 3)) + (seed >> (sum & 63));
  }
  return (int64_t)sum;
}
