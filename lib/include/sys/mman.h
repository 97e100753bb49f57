/*
 * POSIX sys/mman.h, and Linux's mremap and madvise.
 */
#ifndef SYS_MMAN_H
#define SYS_MMAN_H

#include "abi/mman.h"
#include "sys/types.h"

void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t pos);
int munmap(void *at, size_t len);
int mprotect(void *at, size_t len, int prot);
int msync(void *at, size_t len, int flags);
int madvise(void *at, size_t len, int advice);
/** A fifth argument, the new address, goes with MREMAP_FIXED. */
void *mremap(void *at, size_t oldlen, size_t newlen, int flags, ...);

/* POSIX shared memory: files in /dev/shm. */
int shm_open(const char *name, int flags, mode_t mode);
int shm_unlink(const char *name);

#endif
