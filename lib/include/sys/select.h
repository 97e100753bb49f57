/*
 * POSIX sys/select.h.
 */
#ifndef SYS_SELECT_H
#define SYS_SELECT_H

#include "abi/poll.h"
#include "abi/time.h"

#define FD_ZERO(set) ((void)(*(set) = (fd_set){ { 0 } }))
#define FD_SET(fd, set)                                                        \
	((void)((set)->fds_bits[(fd) / 64] |= 1ul << ((fd) % 64)))
#define FD_CLR(fd, set)                                                        \
	((void)((set)->fds_bits[(fd) / 64] &= ~(1ul << ((fd) % 64))))
#define FD_ISSET(fd, set) (((set)->fds_bits[(fd) / 64] >> ((fd) % 64)) & 1)

int select(int n, fd_set *rd, fd_set *wr, fd_set *ex, struct timeval *tv);

#endif
