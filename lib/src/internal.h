/*
 * What the library's files share with one another and with nobody else.
 */
#ifndef INTERNAL_H
#define INTERNAL_H

#include <stddef.h>
#include "format.h"

/** The environment as the kernel left it; the auxiliary vector is behind. */
extern char **environ_at_start;

/** Where signal handlers return to (syscall.S). */
void sigrestore(void);

/**
 * Writes out all files; what exit does after the atexit functions. Weak: NULL
 * in a program that uses no stdio, which then carries none.
 */
void stdio_flush_all(void) __attribute__((weak));

/**
 * Writes all bytes, again where a call wrote fewer or was interrupted.
 * @return 0, or -1 with errno set
 */
int write_all(int fd, const char *p, size_t n);

#endif
