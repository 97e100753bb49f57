/*
 * What the tests of sockets share: pairs, and options by their value.
 */
#ifndef TESTS_SOCKOPT_H
#define TESTS_SOCKOPT_H

#include <sys/socket.h>
#include <sys/time.h>
#include "check.h"

static int a[2];

static inline void
pair(int type)
{
	REQUIRE(socketpair(AF_UNIX, type, 0, a) == 0);
}

static inline int
option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	CHECK_EQ(getsockopt(fd, SOL_SOCKET, name, &value, &len), 0);
	CHECK_EQ(len, sizeof(value));
	return value;
}

static inline int
set(int fd, int name, int value)
{
	return setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value));
}

static inline int
set_time(int fd, int name, long sec, long usec)
{
	struct timeval tv = { sec, usec };

	return setsockopt(fd, SOL_SOCKET, name, &tv, sizeof(tv));
}

#endif
