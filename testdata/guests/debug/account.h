// Functions that are inlined into those of other files.
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include "../guest.h"

struct account {
  int32_t balance;
  int32_t limit;
};

static inline __attribute__((always_inline)) void check(int32_t amount, int32_t limit) {
  if (amount > limit)
    __builtin_trap(); // line 14: innermost of the functions that account.c and main.c have inlined
}

static inline __attribute__((always_inline)) void withdraw(struct account *from, int32_t amount) {
  check(amount, from->limit); // line 18
  from->balance -= amount;
}

void transfer(struct account *from, struct account *to, int32_t amount);
int32_t audit(const int32_t *entries, int32_t count);

#endif
