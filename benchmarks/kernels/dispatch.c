// Indirect calls: objects with tables of functions, and a comparison handed over as a pointer; every call goes through the table.
#include "../../testdata/guests/guest.h"

typedef struct shape shape;
typedef struct {
  int32_t (*area)(const shape *);
  void (*grow)(shape *, int32_t);
  int32_t (*kind)(void);
} methods;
struct shape {
  const methods *methods;
  int32_t a, b;
};

static int32_t square_area(const shape *s) { return s->a * s->a; }
static void square_grow(shape *s, int32_t by) { s->a = (s->a + by) & 1023; }
static int32_t square_kind(void) { return 1; }
static int32_t rectangle_area(const shape *s) { return s->a * s->b; }
static void rectangle_grow(shape *s, int32_t by) { s->a = (s->a + by) & 511, s->b = (s->b ^ by) & 511; }
static int32_t rectangle_kind(void) { return 2; }
static int32_t triangle_area(const shape *s) { return s->a * s->b / 2; }
static void triangle_grow(shape *s, int32_t by) { s->b = (s->b + by * 3) & 255; }
static int32_t triangle_kind(void) { return 3; }
static int32_t line_area(const shape *s) { return s->b & 1; }
static void line_grow(shape *s, int32_t by) { s->b += by; }
static int32_t line_kind(void) { return 4; }

static const methods all[4] = {{square_area, square_grow, square_kind},
                               {rectangle_area, rectangle_grow, rectangle_kind},
                               {triangle_area, triangle_grow, triangle_kind},
                               {line_area, line_grow, line_kind}};

static shape shapes[256];

EXPORT("app_main") int64_t dispatch(void) {
  uint32_t seed = 12345;
  for (int i = 0; i < 256; i++) {
    seed = seed * 1664525 + 1013904223;
    shapes[i].methods = &all[i % 7 % 4];
    shapes[i].a = (int32_t)(seed >> 24);
    shapes[i].b = (int32_t)(seed >> 16 & 255);
  }
  int64_t sum = 0;
  for (int round = 0; round < 4000; round++)
    for (int i = 0; i < 256; i++) {
      shape *s = &shapes[i];
      sum += s->methods->area(s) + s->methods->kind();
      s->methods->grow(s, round & 15);
    }
  return sum;
}
