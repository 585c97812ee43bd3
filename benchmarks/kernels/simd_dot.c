// Vectors of 32-bit floats: dot products of arrays that lie in the first cache. Written with the vector extensions of C, which become SIMD
// instructions in WebAssembly and in native code.
#include "../../testdata/guests/guest.h"

#define LENGTH 4096

typedef float f32x4 __attribute__((vector_size(16)));

static f32x4 a[LENGTH / 4], b[LENGTH / 4];

static float dot(const f32x4 *x, const f32x4 *y) {
  f32x4 s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
  for (int i = 0; i < LENGTH / 4; i += 4) {
    s0 += x[i] * y[i];
    s1 += x[i + 1] * y[i + 1];
    s2 += x[i + 2] * y[i + 2];
    s3 += x[i + 3] * y[i + 3];
  }
  f32x4 s = (s0 + s1) + (s2 + s3);
  return (s[0] + s[1]) + (s[2] + s[3]);
}

EXPORT("app_main") double simd_dot(void) {
  for (int i = 0; i < LENGTH; i++) {
    a[i / 4][i % 4] = (float)(i % 97) * 0.25f;
    b[i / 4][i % 4] = (float)(i % 89) * 0.5f - 11;
  }
  double sum = 0;
  for (int round = 0; round < 20000; round++) {
    sum += dot(a, b);
    a[round % (LENGTH / 4)][round % 4] += 0.5f;
  }
  return sum;
}
