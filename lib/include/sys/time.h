/*
 * POSIX sys/time.h.
 */
#ifndef SYS_TIME_H
#define SYS_TIME_H

#include "abi/time.h"
#include "sys/types.h"

int gettimeofday(struct timeval *tv, void *tz);
int getitimer(int which, struct itimerval *it);
int setitimer(int which, const struct itimerval *it, struct itimerval *old);

#endif
