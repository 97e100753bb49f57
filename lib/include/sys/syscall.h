/*
 * System calls by number, for what has no function of its own and for tests
 * that want the kernel's answer.
 */
#ifndef SYS_SYSCALL_H
#define SYS_SYSCALL_H

#include "abi/syscall.h"

/**
 * Calls the kernel with up to six arguments after the number.
 * @return the call's result, or -1 with errno set
 */
long syscall(long n, ...);

/** The same, giving an error as the kernel does: the errno negated. */
long syscall_raw(long n, ...);

#endif
