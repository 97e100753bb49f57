/*
 * POSIX sys/uio.h.
 */
#ifndef SYS_UIO_H
#define SYS_UIO_H

#include "abi/uio.h"
#include "sys/types.h"

ssize_t readv(int fd, const struct iovec *iov, int count);
ssize_t writev(int fd, const struct iovec *iov, int count);

#endif
