// A bytecode interpreter: a loop over a switch of twenty operations (br_table), registers of the interpreted machine in memory.
#include "../../testdata/guests/guest.h"

enum { HALT, LOADI, MOVE, ADD, SUB, MUL, AND, OR, XOR, SHL, SHR, ADDI, LOAD, STORE, JUMP, JZ, JNZ, JLT, CALL, RET };

typedef struct {
  uint8_t op, a, b, c;
} instruction;

static uint32_t registers[16], memory[1024], stack[64];

// A sieve of Eratosthenes over 1000 numbers, then sums, then a hash of the memory by a subroutine; repeated r15 times.
static const instruction program[] = {
    /* 0 */ {LOADI, 1, 2, 0},    {LOADI, 2, 250, 0}, {SHL, 2, 2, 14},    /* r1 = 2, r2 = 250 << r14 (2) = 1000 */
    /* 3 */ {LOADI, 3, 0, 0},    {LOADI, 4, 1, 0},                       /* clear: memory[r3] = 1 */
    /* 5 */ {STORE, 4, 3, 0},    {ADDI, 3, 3, 1},    {JLT, 3, 2, 5},     /* r3 < r2 */
    /* 8 */ {LOAD, 5, 1, 0},     {JZ, 5, 16, 0},                         /* is r1 still marked? */
    /* 10 */ {ADD, 6, 1, 1},     {LOADI, 7, 0, 0},   {JLT, 2, 6, 16},    /* multiples of r1 */
    /* 13 */ {STORE, 7, 6, 0},   {ADD, 6, 6, 1},     {JLT, 6, 2, 13},
    /* 16 */ {ADDI, 1, 1, 1},    {JLT, 1, 2, 8},
    /* 18 */ {LOADI, 3, 2, 0},   {LOADI, 8, 0, 0},
    /* 20 */ {CALL, 27, 0, 0},   {ADDI, 3, 3, 1},    {JLT, 3, 2, 20},
    /* 23 */ {SUB, 15, 15, 13},  {JNZ, 15, 0, 0},    {HALT, 0, 0, 0},    {HALT, 0, 0, 0},
    /* 27 */ {LOAD, 5, 3, 0},    {MUL, 5, 5, 3},     {ADD, 8, 8, 5},     {XOR, 9, 9, 8},    {SHR, 10, 9, 14}, {OR, 10, 10, 13},
    /* 33 */ {AND, 11, 10, 12},  {ADD, 9, 9, 11},    {MOVE, 10, 9, 0},   {RET, 0, 0, 0},
};

EXPORT("app_main") int64_t interpreter(void) {
  uint32_t *r = registers;
  for (int i = 0; i < 16; i++)
    r[i] = 0;
  r[12] = 0x55aa55aa, r[13] = 1, r[14] = 2, r[15] = 350;
  uint32_t pc = 0, depth = 0;
  uint64_t executed = 0;
  for (;;) {
    instruction i = program[pc++];
    executed++;
    switch (i.op) {
    case LOADI: r[i.a] = i.b; break;
    case MOVE: r[i.a] = r[i.b]; break;
    case ADD: r[i.a] = r[i.b] + r[i.c]; break;
    case SUB: r[i.a] = r[i.b] - r[i.c]; break;
    case MUL: r[i.a] = r[i.b] * r[i.c]; break;
    case AND: r[i.a] = r[i.b] & r[i.c]; break;
    case OR: r[i.a] = r[i.b] | r[i.c]; break;
    case XOR: r[i.a] = r[i.b] ^ r[i.c]; break;
    case SHL: r[i.a] = r[i.b] << (r[i.c] & 31); break;
    case SHR: r[i.a] = r[i.b] >> (r[i.c] & 31); break;
    case ADDI: r[i.a] = r[i.b] + i.c; break;
    case LOAD: r[i.a] = memory[r[i.b] & 1023]; break;
    case STORE: memory[r[i.b] & 1023] = r[i.a]; break;
    case JUMP: pc = i.a; break;
    case JZ: if (!r[i.a]) pc = i.b; break;
    case JNZ: if (r[i.a]) pc = i.b; break;
    case JLT: if (r[i.a] < r[i.b]) pc = i.c; break;
    case CALL: stack[depth++ & 63] = pc; pc = i.a; break;
    case RET: pc = stack[--depth & 63]; break;
    default: return (int64_t)((uint64_t)r[9] << 32 | (executed & 0xffffffff));
    }
  }
}
