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

/*
 * The kernel sees 64 bits of each argument, but the compiler leaves what it
 * likes in the upper half of an int where "..." begins: stack garbage, in the
 * sixth. So every argument is made a long here, and those not given are 0.
 */
#define syscall(...) SYSCALL_LONGS(syscall, __VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define syscall_raw(...)                                                       \
	SYSCALL_LONGS(syscall_raw, __VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define SYSCALL_LONGS(f, n, a, b, c, d, e, g, ...)                             \
	(f)((long)(n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e),  \
	    (long)(g))

#endif
