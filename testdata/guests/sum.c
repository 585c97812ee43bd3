// The smallest guest: adds two numbers.
#include "guest.h"

EXPORT("sum") int32_t sum(int32_t x, int32_t y) { return (int32_t)((uint32_t)x + (uint32_t)y); }
