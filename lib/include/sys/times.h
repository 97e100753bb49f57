/*
 * POSIX sys/times.h.
 */
#ifndef SYS_TIMES_H
#define SYS_TIMES_H

#include "abi/time.h"
#include "sys/types.h"

clock_t times(struct tms *t);

#endif
