// What debugging information says of traps and profiles: functions of several files, some of them inlined.
#include "account.h"

static struct account accounts[2] = {{100, 50}, {0, 50}};

// Traps in check, inlined into withdraw, inlined into transfer, if the amount is above 50.
EXPORT("pay") int32_t pay(int32_t amount) {
  transfer(&accounts[0], &accounts[1], amount); // line 8
  return accounts[1].balance;
}

// Traps in check, inlined twice into this function.
EXPORT("charge") int32_t charge(int32_t amount) {
  withdraw(&accounts[0], amount); // line 14
  return accounts[0].balance;
}

// Traps by an access out of bounds in audit, which is called.
EXPORT("overrun") int32_t overrun(void) {
  return audit((const int32_t *)0x7ffffff0, 4); // line 20
}

static int32_t entries[1024];

// Spends its time in audit.
EXPORT("spin") int32_t spin(int32_t rounds) {
  int32_t sum = 0;
  for (int32_t i = 0; i < rounds; i++) {
    entries[i & 1023] = i;
    sum += audit(entries, 1024); // line 30
  }
  return sum;
}
