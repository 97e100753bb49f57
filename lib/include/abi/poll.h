/*
 * poll, select and epoll of the Linux x86-64 ABI.
 */
#ifndef ABI_POLL_H
#define ABI_POLL_H

#include <stdint.h>

#define POLLIN	   0x001
#define POLLPRI	   0x002
#define POLLOUT	   0x004
#define POLLERR	   0x008
#define POLLHUP	   0x010
#define POLLNVAL   0x020
#define POLLRDNORM 0x040
#define POLLRDBAND 0x080
#define POLLWRNORM 0x100
#define POLLWRBAND 0x200
#define POLLMSG	   0x400
#define POLLRDHUP  0x2000

struct pollfd {
	int32_t fd; /**< negative: skip this entry */
	int16_t events;
	int16_t revents;
};

#define FD_SETSIZE 1024

/** select(2): descriptor n is bit n % 64 of word n / 64. */
typedef struct {
	uint64_t fds_bits[FD_SETSIZE / 64];
} fd_set;

#define EPOLL_CTL_ADD  1
#define EPOLL_CTL_DEL  2
#define EPOLL_CTL_MOD  3

#define EPOLLIN	       0x001u
#define EPOLLPRI       0x002u
#define EPOLLOUT       0x004u
#define EPOLLERR       0x008u
#define EPOLLHUP       0x010u
#define EPOLLRDHUP     0x2000u
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP    (1u << 29)
#define EPOLLONESHOT   (1u << 30)
#define EPOLLET	       (1u << 31)

/** Packed on x86-64, so that 32-bit programs see the same bytes. */
struct epoll_event {
	uint32_t events;
	uint64_t data;
} __attribute__((packed));

#endif
