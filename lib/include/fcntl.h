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
int fallocate(int fd, int mode, off_t offset, off_t len);
/** As posix_fadvise's call: -1 and errno. */
int fadvise64(int fd, off_t offset, off_t len, int advice);
ssize_t readahead(int fd, off_t offset, size_t len);
int sync_file_range(int fd, off_t offset, off_t len, unsigned flags);

#endif
