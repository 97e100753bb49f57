/*
 * Scattered buffers of the Linux x86-64 ABI: readv, writev and kin.
 */
#ifndef ABI_UIO_H
#define ABI_UIO_H

#include <stddef.h>

/** More entries than this in one call is EINVAL. */
#define UIO_MAXIOV 1024

struct iovec {
	void *iov_base;
	size_t iov_len;
};

#endif
