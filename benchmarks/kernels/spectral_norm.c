// Floating point with memory: the spectral norm of a matrix that is computed, and one that is stored and multiplied.
#include "../../testdata/guests/guest.h"

#define SIZE 160

static double matrix[SIZE][SIZE], product[SIZE][SIZE], u[SIZE], v[SIZE], t[SIZE];

static double element(int i, int j) { return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1); }

static void times(const double *from, double *to) {
  for (int i = 0; i < SIZE; i++) {
    double sum = 0;
    for (int j = 0; j < SIZE; j++)
      sum += element(i, j) * from[j];
    to[i] = sum;
  }
}

static void times_transposed(const double *from, double *to) {
  for (int i = 0; i < SIZE; i++) {
    double sum = 0;
    for (int j = 0; j < SIZE; j++)
      sum += element(j, i) * from[j];
    to[i] = sum;
  }
}

EXPORT("app_main") double spectral_norm(void) {
  for (int i = 0; i < SIZE; i++)
    u[i] = 1;
  for (int round = 0; round < 40; round++) {
    times(u, t);
    times_transposed(t, v);
    times(v, t);
    times_transposed(t, u);
  }
  double above = 0, below = 0;
  for (int i = 0; i < SIZE; i++) {
    above += u[i] * v[i];
    below += v[i] * v[i];
  }
  for (int i = 0; i < SIZE; i++)
    for (int j = 0; j < SIZE; j++)
      matrix[i][j] = element(i, j) - 0.001 * j;
  for (int i = 0; i < SIZE; i++)
    for (int j = 0; j < SIZE; j++)
      product[i][j] = 0;
  for (int i = 0; i < SIZE; i++)
    for (int k = 0; k < SIZE; k++)
      for (int j = 0; j < SIZE; j++)
        product[i][j] += matrix[i][k] * matrix[k][j];
  double trace = 0;
  for (int i = 0; i < SIZE; i++)
    trace += product[i][i];
  return __builtin_sqrt(above / below) + trace;
}
