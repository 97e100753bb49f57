/*
 * POSIX sys/uio.h.
 */
#ifndef SYS_UIO_H
#define SYS_UIO_H

#include "abi/uio.h"
#include "sys/types.h"

ssize_t readv(int fd, const struct iovec *iov, int count);
ssize_t writev(int fd, const struct iovec *iov, int count);
ssize_t preadv(int fd, const struct iovec *iov, int count, off_t pos);
ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t pos);
ssize_t preadv2(int fd, const struct iovec *iov, int count, off_t pos,
		int flags);
ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t pos,
		 int flags);

#endif
