// The motion of the sun and the four giant planets, by a symplectic integrator: f64 arithmetic and one square root per pair.
// Units are astronomical units, years and solar masses. The result is the total energy after n steps of 0.01 days.
#include "guest.h"

#define BODIES 5
#define PI 3.141592653589793
#define SOLAR_MASS (4 * PI * PI)
#define YEAR 365.24

typedef struct {
  double position[3], velocity[3], mass;
} Body;

static const Body start[BODIES] = {
    {{0, 0, 0}, {0, 0, 0}, SOLAR_MASS},
    {{4.84143144246472090e+00, -1.16032004402742839e+00, -1.03622044471123109e-01},
     {1.66007664274403694e-03 * YEAR, 7.69901118419740425e-03 * YEAR, -6.90460016972063023e-05 * YEAR},
     9.54791938424326609e-04 * SOLAR_MASS},
    {{8.34336671824457987e+00, 4.12479856412430479e+00, -4.03523417114321381e-01},
     {-2.76742510726411899e-03 * YEAR, 4.99852801234917238e-03 * YEAR, 2.30417297573763929e-05 * YEAR},
     2.85885980666130812e-04 * SOLAR_MASS},
    {{1.28943695621391310e+01, -1.51111514016986312e+01, -2.23307578892655734e-01},
     {2.96460137564761618e-03 * YEAR, 2.37847173959480950e-03 * YEAR, -2.96589568540237556e-05 * YEAR},
     4.36624404335156298e-05 * SOLAR_MASS},
    {{1.53796971148509165e+01, -2.59193146099879641e+01, 1.79258772950371181e-01},
     {2.68067772490389322e-03 * YEAR, 1.62824170038242295e-03 * YEAR, -9.51592254519715870e-05 * YEAR},
     5.15138902046611451e-05 * SOLAR_MASS},
};

static Body bodies[BODIES];

// Starts from the same positions in every call, with the sun moving so that the whole system's momentum is zero.
static void reset(void) {
  for (int i = 0; i < BODIES; i++)
    bodies[i] = start[i];
  for (int i = 1; i < BODIES; i++)
    for (int axis = 0; axis < 3; axis++)
      bodies[0].velocity[axis] -= bodies[i].velocity[axis] * bodies[i].mass / SOLAR_MASS;
}

static void advance(double step) {
  for (int i = 0; i < BODIES; i++) {
    Body *a = &bodies[i];
    for (int j = i + 1; j < BODIES; j++) {
      Body *b = &bodies[j];
      double dx = a->position[0] - b->position[0], dy = a->position[1] - b->position[1], dz = a->position[2] - b->position[2];
      double square = dx * dx + dy * dy + dz * dz;
      double pull = step / (square * __builtin_sqrt(square));
      double on_a = b->mass * pull, on_b = a->mass * pull;
      a->velocity[0] -= dx * on_a;
      a->velocity[1] -= dy * on_a;
      a->velocity[2] -= dz * on_a;
      b->velocity[0] += dx * on_b;
      b->velocity[1] += dy * on_b;
      b->velocity[2] += dz * on_b;
    }
  }
  for (int i = 0; i < BODIES; i++)
    for (int axis = 0; axis < 3; axis++)
      bodies[i].position[axis] += step * bodies[i].velocity[axis];
}

static double energy(void) {
  double sum = 0;
  for (int i = 0; i < BODIES; i++) {
    const Body *a = &bodies[i];
    double speed = a->velocity[0] * a->velocity[0] + a->velocity[1] * a->velocity[1] + a->velocity[2] * a->velocity[2];
    sum += 0.5 * a->mass * speed;
    for (int j = i + 1; j < BODIES; j++) {
      const Body *b = &bodies[j];
      double dx = a->position[0] - b->position[0], dy = a->position[1] - b->position[1], dz = a->position[2] - b->position[2];
      sum -= a->mass * b->mass / __builtin_sqrt(dx * dx + dy * dy + dz * dz);
    }
  }
  return sum;
}

EXPORT("main") double nbody(int32_t steps) {
  reset();
  for (int32_t i = 0; i < steps; i++)
    advance(0.01);
  return energy();
}
