/*
 * POSIX sys/resource.h.
 */
#ifndef SYS_RESOURCE_H
#define SYS_RESOURCE_H

#include "abi/resource.h"
#include "sys/types.h"

int getrlimit(int resource, struct rlimit *rl);
int setrlimit(int resource, const struct rlimit *rl);
/** Sets and asks at once, of any process (Linux). */
int prlimit(pid_t pid, int resource, const struct rlimit *set,
	    struct rlimit *old);
int getrusage(int who, struct rusage *ru);
/** The nice value; may be -1 without an error. */
int getpriority(int which, int who);
int setpriority(int which, int who, int nice);

#endif
