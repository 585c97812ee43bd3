// 128-bit arithmetic: additions, subtractions, shifts, comparisons of the compiler's 128-bit type, and full products of 64 bits put
// together from four of 32, as MVP WebAssembly has no other way (so that all, native code too, do the same work).
#include "../../testdata/guests/guest.h"

typedef unsigned __int128 uint128_t;

static uint128_t multiply(uint64_t x, uint64_t y) {
  uint64_t x0 = (uint32_t)x, x1 = x >> 32, y0 = (uint32_t)y, y1 = y >> 32;
  uint128_t middle = (uint128_t)(x0 * y1) + x1 * y0;
  return ((uint128_t)(x1 * y1) << 64 | x0 * y0) + (middle << 32);
}

// Montgomery's product modulo an odd number below 2^63.
static uint64_t montgomery(uint64_t x, uint64_t y, uint64_t modulus, uint64_t inverse) {
  uint128_t product = multiply(x, y);
  uint64_t factor = (uint64_t)product * inverse;
  uint64_t reduced = (uint64_t)((product + multiply(factor, modulus)) >> 64);
  return reduced >= modulus ? reduced - modulus : reduced;
}

static uint64_t bits_of(uint128_t x) { // of an approximate square root, by shifts and subtractions
  uint128_t result = 0, bit = (uint128_t)1 << 126;
  while (bit > x)
    bit >>= 2;
  for (; bit; bit >>= 2) {
    if (x >= result + bit) {
      x -= result + bit;
      result = (result >> 1) + bit;
    } else
      result >>= 1;
  }
  return (uint64_t)result;
}

EXPORT("app_main") int64_t arithmetic128(void) {
  uint64_t modulus = 0x7ffffffffffffe75u, inverse = 1, x = 3, sum = 0;
  for (int i = 0; i < 6; i++)
    inverse *= 2 - modulus * inverse;
  inverse = 0 - inverse;
  uint128_t state = 1;
  for (int i = 0; i < 12000; i++) {
    for (int j = 0; j < 60; j++)
      x = montgomery(x, x + (uint64_t)j, modulus, inverse);
    state += multiply(x, (uint64_t)(state >> 64) ^ x);
    sum += bits_of(state) ^ x;
  }
  return (int64_t)sum;
}
