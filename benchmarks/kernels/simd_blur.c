// Vectors of bytes: a 3 x 3 Gaussian blur of a grey image, in 16-bit lanes. Written with the vector extensions of C, which become SIMD
// instructions in WebAssembly and in native code.
#include "../../testdata/guests/guest.h"

#define WIDTH 512
#define HEIGHT 512

typedef uint8_t u8x8 __attribute__((vector_size(8)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));

static uint8_t images[2][HEIGHT][WIDTH];

static u16x8 load(const uint8_t *at) {
  u8x8 bytes;
  __builtin_memcpy(&bytes, at, sizeof bytes);
  return __builtin_convertvector(bytes, u16x8);
}

// One row: the left neighbour, twice the middle, the right one.
static u16x8 row(const uint8_t *at) { return load(at - 1) + (load(at) << 1) + load(at + 1); }

static void blur(uint8_t (*to)[WIDTH], uint8_t (*from)[WIDTH]) {
  for (int y = 1; y < HEIGHT - 1; y++)
    for (int x = 1; x + 8 < WIDTH; x += 8) {
      u16x8 sum = row(&from[y - 1][x]) + (row(&from[y][x]) << 1) + row(&from[y + 1][x]);
      u8x8 bytes = __builtin_convertvector((sum + 8) >> 4, u8x8);
      __builtin_memcpy(&to[y][x], &bytes, sizeof bytes);
    }
}

EXPORT("app_main") int64_t simd_blur(void) {
  uint32_t seed = 1;
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++) {
      seed = seed * 1664525 + 1013904223;
      images[0][y][x] = (uint8_t)(seed >> 24);
      images[1][y][x] = 0;
    }
  for (int round = 0; round < 100; round++)
    blur(images[(round + 1) % 2], images[round % 2]);
  uint64_t sum = 0;
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++)
      sum = (sum << 5 | sum >> 59) ^ images[0][y][x];
  return (int64_t)sum;
}
