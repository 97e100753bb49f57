/*
 * Scattered buffers of the Linux x86-64 ABI: readv, writev and kin.
 */
#ifndef ABI_UIO_H
#define ABI_UIO_H

#include <stddef.h>

/** More entries than this in one call is EINVAL. */
#define UIO_MAXIOV 1024

/** Most bytes that one call moves. */
#define RW_MAX 0x7ffff000ul

/* preadv2(2) */
#define RWF_HIPRI  1
#define RWF_DSYNC  2
#define RWF_SYNC   4
#define RWF_NOWAIT 8
#define RWF_APPEND 16

struct iovec {
	void *iov_base;
	size_t iov_len;
};

#endif
