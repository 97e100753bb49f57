/*
 * What the kernel tells a program at its start: getauxval(3), and the functions
 * of the library that it gives it, vdso(7).
 */
#ifndef SYS_AUXV_H
#define SYS_AUXV_H

#include "abi/elf.h"

/** The value of an entry of the auxiliary vector; 0 where there is none. */
unsigned long getauxval(unsigned long type);

/** The function of the vDSO that has this name and version, or NULL. (The host
 * has no such call.) */
void *vdso_function(const char *name, const char *version);

#endif
