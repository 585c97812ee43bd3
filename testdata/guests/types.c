// One export per shape of signature that a host has to pass through: the numeric types alone and mixed, nothing at all, many.
#include "guest.h"

EXPORT("sum") int32_t sum(int32_t x, int32_t y) { return (int32_t)((uint32_t)x + (uint32_t)y); }
EXPORT("arity_0") int32_t arity_0(void) { return 42; }
EXPORT("void") void nothing(void) {}
EXPORT("bool_casted_to_i32") _Bool bool_casted_to_i32(void) { return 1; }
EXPORT("string") const char *string(void) { return "Hello, World!"; }

// Identities.
EXPORT("i32_i32") int32_t i32_i32(int32_t x) { return x; }
EXPORT("i64_i64") int64_t i64_i64(int64_t x) { return x; }
EXPORT("f32_f32") float f32_f32(float x) { return x; }
EXPORT("f64_f64") double f64_f64(double x) { return x; }

// The sum of four parameters of four types.
EXPORT("i32_i64_f32_f64_f64") double i32_i64_f32_f64_f64(int32_t a, int64_t b, float c, double d) {
  return (double)a + (double)b + (double)c + d;
}

// Operations.
EXPORT("i32_add") uint32_t i32_add(uint32_t x, uint32_t y) { return x + y; }
EXPORT("i64_add") uint64_t i64_add(uint64_t x, uint64_t y) { return x + y; }
EXPORT("f32_add") float f32_add(float x, float y) { return x + y; }
EXPORT("f64_add") double f64_add(double x, double y) { return x + y; }

// More parameters than the registers of any machine hold: each counts with its own weight.
EXPORT("many_i64") uint64_t many_i64(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g,
                                     uint64_t h, uint64_t i, uint64_t j, uint64_t k, uint64_t l) {
  return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j + 11 * k + 12 * l;
}
EXPORT("many_f64") double many_f64(double a, double b, double c, double d, double e, double f, double g, double h, double i,
                                   double j, double k, double l) {
  return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j + 11 * k + 12 * l;
}
EXPORT("many_mixed") double many_mixed(int32_t a, float b, int64_t c, double d, int32_t e, float f, int64_t g, double h,
                                       int32_t i, float j, int64_t k, double l) {
  return a + 2 * (double)b + 3 * (double)c + 4 * d + 5 * (double)e + 6 * (double)f + 7 * (double)g + 8 * h + 9 * (double)i +
         10 * (double)j + 11 * (double)k + 12 * l;
}
