// The C functions of the tests.
#include <stddef.h>
#include <stdint.h>

void *cfuncs_add_pointer(void);
void *cfuncs_mix_pointer(void);
void *cfuncs_registers_pointer(void);
void *cfuncs_go_pointer(void);
int cfuncs_on_thread(size_t stack_bytes, uintptr_t handle);
