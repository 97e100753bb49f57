/*
 * POSIX fcntl.h.
 */
#ifndef FCNTL_H
#define FCNTL_H

#include "abi/fcntl.h"
#include "sys/types.h"

/** A third argument, the mode, goes with O_CREAT. */
int open(const char *path, int flags, ...);
int openat(int dir, const char *path, int flags, ...);
int creat(const char *path, mode_t mode);
int fcntl(int fd, int cmd, ...);

#endif
