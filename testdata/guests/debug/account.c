// A file of its own: its functions are called, and others are inlined into them.
#include "account.h"

__attribute__((noinline)) void transfer(struct account *from, struct account *to, int32_t amount) {
  withdraw(from, amount); // line 5
  to->balance += amount;
}

__attribute__((noinline)) int32_t audit(const int32_t *entries, int32_t count) {
  int32_t sum = 0;
  for (int32_t i = 0; i < count; i++)
    sum ^= entries[i] * (i | 1); // line 12
  return sum;
}
