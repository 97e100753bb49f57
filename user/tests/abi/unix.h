/*
 * What the tests of AF_UNIX share: sockets by name, pairs, connections.
 */
#ifndef TESTS_UNIX_H
#define TESTS_UNIX_H

#include <sys/socket.h>
#include <sys/un.h>
#include "check.h"

/** Two ends, of pair or join. */
static int a[2];

/** An address; a first character '@' stands for NUL. */
static inline struct sockaddr_un
name_of(const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	memcpy(un.sun_path, name, strlen(name));
	if (*name == '@')
		un.sun_path[0] = '\0';
	return un;
}

static inline socklen_t
len_of(const char *name)
{
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			   strlen(name) + (*name == '@' ? 0 : 1));
}

typedef int name_call(int, const struct sockaddr *, socklen_t);

static inline int
by_name(name_call *call, int fd, const char *name)
{
	struct sockaddr_un un = name_of(name);

	return call(fd, (struct sockaddr *)&un, len_of(name));
}

#define BIND(fd, name)	  by_name(bind, fd, name)
#define CONNECT(fd, name) by_name(connect, fd, name)

static inline int
bound(int type, const char *name)
{
	int s = socket(AF_UNIX, type, 0);

	REQUIRE(s >= 0);
	REQUIRE(BIND(s, name) == 0);
	return s;
}

static inline int
listener(int type, const char *name, int backlog)
{
	int s = bound(type, name);

	REQUIRE(listen(s, backlog) == 0);
	return s;
}

static inline int
unbound(int type)
{
	return socket(AF_UNIX, type, 0);
}

static inline ssize_t
send_to(int fd, const char *name, const char *text, int flags)
{
	struct sockaddr_un un = name_of(name);

	return sendto(fd, text, strlen(text), flags, (struct sockaddr *)&un,
		      len_of(name));
}

/** A connection through a listener: a[0] has connected, a[1] is accepted. */
static inline void
join(int type)
{
	int l = listener(type, "@joins", 5);

	a[0] = unbound(type);
	REQUIRE(CONNECT(a[0], "@joins") == 0);
	a[1] = accept(l, NULL, NULL);
	REQUIRE(a[1] >= 0);
	close(l);
}

static inline void
pair(int type)
{
	REQUIRE(socketpair(AF_UNIX, type, 0, a) == 0);
}

static inline void
want_cred(int fd)
{
	int on = 1;

	REQUIRE(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, 4) == 0);
}

#endif
