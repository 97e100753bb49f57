/*
 * What the tests of epoll and of eventfd share: counters, sets, and what is
 * ready in one.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include "check.h"

#define EFD_SEMAPHORE 1

static inline int
make(void)
{
	int ep = (int)syscall(NR_epoll_create1, 0);

	REQUIRE(ep >= 0);
	return ep;
}

static inline int
counter(unsigned value, int flags)
{
	int fd = (int)syscall(NR_eventfd2, value, flags | O_NONBLOCK);

	REQUIRE(fd >= 0);
	return fd;
}

static inline void
add_to(int fd, uint64_t n)
{
	REQUIRE(write(fd, &n, sizeof(n)) == sizeof(n));
}

static inline uint64_t
take(int fd)
{
	uint64_t n = 0;

	CHECK_EQ(read(fd, &n, sizeof(n)), sizeof(n));
	return n;
}

static inline int
ctl(int ep, int op, int fd, unsigned events)
{
	struct epoll_event e = { events, (uint64_t)fd };

	return (int)syscall(NR_epoll_ctl, ep, op, fd, &e);
}

static inline void
add(int ep, int fd, unsigned events)
{
	REQUIRE(ctl(ep, EPOLL_CTL_ADD, fd, events) == 0);
}

static inline int
wait_for(int ep, struct epoll_event *e, int max, int ms)
{
	return (int)syscall(NR_epoll_wait, ep, e, max, ms);
}

/** What is ready at once: the events of one descriptor, 0: nothing. */
static inline unsigned
look(int ep, int fd)
{
	struct epoll_event e = { 0, 77 };
	int n = wait_for(ep, &e, 1, 0);

	if (n != 1) {
		CHECK_EQ(n, 0);
		return 0;
	}
	CHECK_EQ(e.data, fd);
	return e.events;
}

#endif
