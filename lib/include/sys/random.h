/*
 * Linux's sys/random.h.
 */
#ifndef SYS_RANDOM_H
#define SYS_RANDOM_H

#include "abi/unistd.h"
#include "sys/types.h"

ssize_t getrandom(void *buf, size_t n, unsigned flags);

#endif
