// Pollard's rho in 128-bit integers: finds a factor of a composite of 126 bits, in about 11,000 steps. All of the time goes into
// modular multiplication, which doubles and adds: 128-bit shifts, additions and comparisons, carried by 64-bit ones.
#include "guest.h"

typedef unsigned __int128 uint128_t;

static inline uint128_t wide(uint64_t high, uint64_t low) { return (uint128_t)high << 64 | low; }

static inline uint128_t add_mod(uint128_t x, uint128_t y, uint128_t modulus) { // x, y < modulus < 2^127
  uint128_t sum = x + y;
  return sum >= modulus ? sum - modulus : sum;
}

static uint128_t multiply_mod(uint128_t x, uint128_t y, uint128_t modulus) {
  uint128_t product = 0;
  for (; y; y >>= 1) {
    if ((uint64_t)y & 1)
      product = add_mod(product, x, modulus);
    x = add_mod(x, x, modulus);
  }
  return product;
}

static uint128_t greatest_common_divisor(uint128_t x, uint128_t y) { // binary: shifts and subtractions only
  if (!x || !y)
    return x | y;
  uint32_t twos = 0;
  while (!((uint64_t)(x | y) & 1)) {
    x >>= 1;
    y >>= 1;
    twos++;
  }
  while (!((uint64_t)x & 1))
    x >>= 1;
  while (y) {
    while (!((uint64_t)y & 1))
      y >>= 1;
    if (x > y) {
      uint128_t larger = x;
      x = y;
      y = larger;
    }
    y -= x;
  }
  while (twos--)
    x <<= 1;
  return x;
}

// A factor of the composite: follows x -> x^2 + c with a slow and a fast runner, and takes the divisor every 64 steps.
static uint128_t find_factor(uint128_t composite, uint64_t c) {
  uint128_t slow = 2, fast = 2, product = 1, factor = 1;
  while (factor == 1) {
    uint128_t slow_before = slow, fast_before = fast;
    for (int i = 0; i < 64; i++) {
      slow = add_mod(multiply_mod(slow, slow, composite), c, composite);
      fast = add_mod(multiply_mod(fast, fast, composite), c, composite);
      fast = add_mod(multiply_mod(fast, fast, composite), c, composite);
      product = multiply_mod(product, slow > fast ? slow - fast : fast - slow, composite);
    }
    factor = greatest_common_divisor(product, composite);
    if (factor == composite || factor == 0) { // too many at once: the same steps again, one at a time
      slow = slow_before, fast = fast_before, factor = 1;
      while (factor == 1) {
        slow = add_mod(multiply_mod(slow, slow, composite), c, composite);
        fast = add_mod(multiply_mod(fast, fast, composite), c, composite);
        fast = add_mod(multiply_mod(fast, fast, composite), c, composite);
        factor = greatest_common_divisor(slow > fast ? slow - fast : fast - slow, composite);
      }
    }
  }
  return factor;
}

static uint128_t remainder_of(uint128_t dividend, uint128_t divisor) { // long division by doubling
  uint128_t multiple = divisor;
  while (multiple <= dividend >> 1)
    multiple <<= 1;
  for (; multiple >= divisor; multiple >>= 1)
    if (dividend >= multiple)
      dividend -= multiple;
  return dividend;
}

// The low 64 bits of the factor found; 0 if it does not divide the composite.
EXPORT("app_main") int64_t pollard_rho_128(void) {
  volatile uint64_t high = 0x34563e087ed29bad, low = 0x52094dec2866cafd; // 29059003 * 2394013706978180493953768382631
  uint128_t composite = wide(high, low), factor = composite;
  for (uint64_t c = 1; factor == composite; c++)
    factor = find_factor(composite, c);
  return remainder_of(composite, factor) ? 0 : (int64_t)(uint64_t)factor;
}
