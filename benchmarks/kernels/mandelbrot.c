// Floating point in registers: iterations of the Mandelbrot set over a grid, no memory, no calls.
#include "../../testdata/guests/guest.h"

EXPORT("app_main") double mandelbrot(void) {
  double sum = 0;
  for (int row = 0; row < 128; row++) {
    for (int column = 0; column < 192; column++) {
      double real = column * (3.0 / 192) - 2.1, imaginary = row * (2.4 / 128) - 1.2;
      double x = 0, y = 0;
      int steps = 0;
      while (steps < 400) {
        double xx = x * x, yy = y * y;
        if (xx + yy > 4.0)
          break;
        y = 2 * x * y + imaginary;
        x = xx - yy + real;
        steps++;
      }
      sum += steps + x * 1e-3 + y * 1e-6;
    }
  }
  return sum;
}
