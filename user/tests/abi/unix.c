/*
 * AF_UNIX: names, connections, datagrams, credentials, files that are passed:
 * unix(7), bind(2), listen(2), accept(2), connect(2), cmsg(3).
 */
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include "check.h"

static char buf[300000];
static int a[2];

/* ---- Names ---- */

/** An address; a first character '@' stands for NUL. */
static struct sockaddr_un
name_of(const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	memcpy(un.sun_path, name, strlen(name));
	if (*name == '@')
		un.sun_path[0] = '\0';
	return un;
}

static socklen_t
len_of(const char *name)
{
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			   strlen(name) + (*name == '@' ? 0 : 1));
}

typedef int name_call(int, const struct sockaddr *, socklen_t);

static int
by_name(name_call *call, int fd, const char *name)
{
	struct sockaddr_un un = name_of(name);

	return call(fd, (struct sockaddr *)&un, len_of(name));
}

#define BIND(fd, name)	  by_name(bind, fd, name)
#define CONNECT(fd, name) by_name(connect, fd, name)

static int
bound(int type, const char *name)
{
	int s = socket(AF_UNIX, type, 0);

	REQUIRE(s >= 0);
	REQUIRE(BIND(s, name) == 0);
	return s;
}

static int
listener(int type, const char *name, int backlog)
{
	int s = bound(type, name);

	REQUIRE(listen(s, backlog) == 0);
	return s;
}

static int
unbound(int type)
{
	return socket(AF_UNIX, type, 0);
}

static ssize_t
send_to(int fd, const char *name, const char *text, int flags)
{
	struct sockaddr_un un = name_of(name);

	return sendto(fd, text, strlen(text), flags, (struct sockaddr *)&un,
		      len_of(name));
}

/** A connection through a listener: a[0] has connected, a[1] is accepted. */
static void
join(int type)
{
	int l = listener(type, "@joins", 5);

	a[0] = unbound(type);
	REQUIRE(CONNECT(a[0], "@joins") == 0);
	a[1] = accept(l, NULL, NULL);
	REQUIRE(a[1] >= 0);
	close(l);
}

static void
pair(int type)
{
	REQUIRE(socketpair(AF_UNIX, type, 0, a) == 0);
}

TEST(bind_path)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	int s;

	umask(027);
	s = bound(SOCK_STREAM, "s");
	CHECK_EQ(mode_of("s"), S_IFSOCK | 0750);
	CHECK_EQ(getsockname(s, (struct sockaddr *)&un, &len), 0);
	CHECK_EQ(len, 4);
	CHECK(un.sun_family == AF_UNIX && strcmp(un.sun_path, "s") == 0);
	CHECK_ERR(BIND(s, "t"), EINVAL);
	CHECK_ERR(BIND(unbound(SOCK_STREAM), "s"), EADDRINUSE);
	CHECK_ERR(open("s", O_RDWR), ENXIO);
	close(s);
	CHECK(exists("s")); /* the name stays */
	CHECK_ERR(BIND(unbound(SOCK_STREAM), "s"), EADDRINUSE);
	CHECK_EQ(unlink("s"), 0);
	CHECK_EQ(BIND(unbound(SOCK_STREAM), "s"), 0);
}

TEST(bind_errors)
{
	int s = unbound(SOCK_STREAM);
	struct sockaddr_un un = name_of("s");

	CHECK_ERR(bind(s, (struct sockaddr *)&un, 1), EINVAL);
	CHECK_ERR(bind(s, (struct sockaddr *)&un, sizeof(un) + 1), EINVAL);
	CHECK_ERR(bind(s, (struct sockaddr *)buf, 200), EINVAL);
	CHECK_ERR(bind(s, (struct sockaddr *)&un, -1u), EINVAL);
	CHECK_ERR(bind(s, BAD, 10), EFAULT);
	un.sun_family = AF_INET;
	CHECK_ERR(bind(s, (struct sockaddr *)&un, 4), EINVAL);
	CHECK_ERR(BIND(s, "no/s"), ENOENT);
	make_file("f", "");
	CHECK_ERR(BIND(s, "f/s"), ENOTDIR);
	CHECK_ERR(BIND(s, "f"), EADDRINUSE);
	make_loop();
	CHECK_ERR(BIND(s, "loop1/s"), ELOOP);
	make_closed_folder();
	AS_USER(CHECK_ERR(BIND(s, "closed/s"), EACCES));
	CHECK_EQ(BIND(s, "s"), 0); /* none of these has bound it */
}

TEST(bind_a_full_path)
{
	char name[UNIX_PATH_MAX + 1];
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int s = unbound(SOCK_DGRAM);

	memset(name, 'p', UNIX_PATH_MAX);
	name[UNIX_PATH_MAX] = '\0';
	memcpy(un.sun_path, name, UNIX_PATH_MAX);
	CHECK_EQ(bind(s, (struct sockaddr *)&un, sizeof(un)), 0);
	CHECK(exists(name));
	CHECK_EQ(connect(unbound(SOCK_DGRAM), (struct sockaddr *)&un,
			 sizeof(un)),
		 0);
}

TEST(bind_abstract)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	int s = bound(SOCK_DGRAM, "@abstract");

	CHECK_EQ(getsockname(s, (struct sockaddr *)&un, &len), 0);
	CHECK(len == 11 && memcmp(un.sun_path, "\0abstract", 9) == 0);
	CHECK_ERR(BIND(unbound(SOCK_DGRAM), "@abstract"), EADDRINUSE);
	CHECK_EQ(BIND(unbound(SOCK_DGRAM), "@abstrac"), 0);
	CHECK_EQ(BIND(unbound(SOCK_STREAM), "@abstract"), 0); /* its own */
	CHECK_EQ(send_to(unbound(SOCK_DGRAM), "@abstract", "abc", 0), 3);
	close(s);
	CHECK_ERR(send_to(unbound(SOCK_DGRAM), "@abstract", "abc", 0),
		  ECONNREFUSED);
	CHECK_EQ(BIND(unbound(SOCK_DGRAM), "@abstract"), 0);
}

TEST(bind_automatic)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX }, other;
	socklen_t len = sizeof(un);
	int s = unbound(SOCK_DGRAM), t = unbound(SOCK_DGRAM);

	CHECK_EQ(bind(s, (struct sockaddr *)&un, 2), 0);
	CHECK_EQ(getsockname(s, (struct sockaddr *)&un, &len), 0);
	CHECK(len == 8 && un.sun_path[0] == '\0');
	CHECK_EQ(strspn(un.sun_path + 1, "0123456789abcdef"), 5);
	CHECK_EQ(bind(s, (struct sockaddr *)&un, 2), 0); /* has one */
	CHECK_EQ(bind(t, (struct sockaddr *)&un, 2), 0);
	len = sizeof(other);
	CHECK_EQ(getsockname(t, (struct sockaddr *)&other, &len), 0);
	CHECK(memcmp(&un, &other, 8) != 0);
	CHECK_EQ(sendto(t, "x", 1, 0, (struct sockaddr *)&un, 8), 1);
}

TEST(names_of_both_ends)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	int l = listener(SOCK_STREAM, "s", 5), c = unbound(SOCK_STREAM), s;

	CHECK_ERR(getpeername(c, (struct sockaddr *)&un, &len), ENOTCONN);
	CHECK_EQ(getsockname(c, (struct sockaddr *)&un, &len), 0);
	CHECK(len == 2 && un.sun_family == AF_UNIX);
	CHECK_EQ(CONNECT(c, "s"), 0);
	len = 3; /* a part, and the whole length */
	un.sun_path[0] = un.sun_path[1] = 'z';
	CHECK_EQ(getpeername(c, (struct sockaddr *)&un, &len), 0);
	CHECK(len == 4 && memcmp(un.sun_path, "sz", 2) == 0);
	len = sizeof(un);
	s = accept(l, (struct sockaddr *)&un, &len);
	CHECK(s >= 0 && len == 2);
	len = sizeof(un);
	CHECK_EQ(getsockname(s, (struct sockaddr *)&un, &len), 0);
	CHECK(len == 4 && strcmp(un.sun_path, "s") == 0);
	CHECK_ERR(getsockname(s, (struct sockaddr *)&un, BAD), EFAULT);
	CHECK_ERR(getsockname(s, BAD, &len), EFAULT);
	len = -1u;
	CHECK_ERR(getsockname(s, (struct sockaddr *)&un, &len), EINVAL);
}

/* ---- Connections ---- */

TEST(connect_and_accept)
{
	int l = listener(SOCK_STREAM, "s", 5), c = unbound(SOCK_STREAM), s;
	int accepting = 0;
	socklen_t len = 4;

	CHECK_EQ(getsockopt(l, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &len), 0);
	CHECK_EQ(accepting, 1);
	CHECK_EQ(CONNECT(c, "s"), 0);
	CHECK_EQ(send(c, "early", 5, 0), 5); /* before it is accepted */
	s = accept4(l, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	CHECK(s >= 0);
	CHECK_EQ(fcntl(s, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(s, F_GETFL), O_RDWR | O_NONBLOCK);
	CHECK_EQ(recv(s, buf, 9, 0), 5);
	CHECK_EQ(send(s, "abc", 3, 0), 3);
	CHECK_EQ(recv(c, buf, 9, 0), 3);
	CHECK_ERR(CONNECT(c, "s"), EISCONN);
	CHECK_ERR(send_to(c, "s", "x", 0), EISCONN);
	CHECK_ERR(listen(c, 1), EINVAL);
	CHECK_ERR(accept(c, NULL, NULL), EINVAL);
	CHECK_ERR(accept4(l, NULL, NULL, 1), EINVAL);
	CHECK_ERR(CONNECT(l, "s"), EINVAL);
	CHECK_ERR(ioctl(l, FIONREAD, &accepting), EINVAL);
}

TEST(connect_errors)
{
	struct sockaddr_un un = name_of("s");
	int c = unbound(SOCK_STREAM), d = unbound(SOCK_DGRAM);

	CHECK_ERR(CONNECT(c, "none"), ENOENT);
	make_file("f", "");
	CHECK_ERR(CONNECT(c, "f"), ECONNREFUSED);
	CHECK_ERR(CONNECT(c, "f/s"), ENOTDIR);
	make_loop();
	CHECK_ERR(CONNECT(c, "loop1"), ELOOP);
	CHECK_ERR(CONNECT(c, "@none"), ECONNREFUSED);
	bound(SOCK_STREAM, "s"); /* and does not listen */
	CHECK_ERR(CONNECT(c, "s"), ECONNREFUSED);
	CHECK_ERR(CONNECT(d, "s"), EPROTOTYPE);
	CHECK_ERR(send_to(d, "s", "x", 0), EPROTOTYPE);
	close(bound(SOCK_STREAM, "gone"));
	CHECK_ERR(CONNECT(c, "gone"), ECONNREFUSED);
	CHECK_EQ(mknod("node", S_IFSOCK | 0777, 0), 0);
	CHECK_EQ(mode_of("node") & S_IFMT, S_IFSOCK);
	CHECK_ERR(CONNECT(c, "node"), ECONNREFUSED);
	CHECK_ERR(connect(c, (struct sockaddr *)&un, 1), EINVAL);
	CHECK_ERR(connect(c, (struct sockaddr *)&un, 2), EINVAL);
	CHECK_ERR(connect(c, BAD, 10), EFAULT);
	un.sun_family = AF_INET;
	CHECK_ERR(connect(c, (struct sockaddr *)&un, 10), EINVAL);
	CHECK_ERR(connect(d, (struct sockaddr *)&un, 10), EINVAL);
	CHECK_ERR(send(c, "x", 1, 0), ENOTCONN);
	CHECK_ERR(send_to(c, "s", "x", 0), EOPNOTSUPP);
	CHECK_ERR(recv(c, buf, 1, 0), EINVAL);
	CHECK_ERR(recv(unbound(SOCK_SEQPACKET), buf, 1, 0), ENOTCONN);
	CHECK_ERR(send(unbound(SOCK_SEQPACKET), buf, 1, 0), ENOTCONN);
	CHECK_ERR(send(d, "x", 1, 0), ENOTCONN);
}

TEST(connect_needs_permission)
{
	listener(SOCK_STREAM, "s", 5);
	bound(SOCK_DGRAM, "d");
	CHECK_EQ(chmod("s", 0755), 0);
	CHECK_EQ(chmod("d", 0755), 0);
	AS_USER(CHECK_ERR(CONNECT(unbound(SOCK_STREAM), "s"), EACCES);
		CHECK_ERR(CONNECT(unbound(SOCK_DGRAM), "d"), EACCES);
		CHECK_ERR(send_to(unbound(SOCK_DGRAM), "d", "x", 0), EACCES));
	CHECK_EQ(chmod("s", 0722), 0);
	AS_USER(CHECK_EQ(CONNECT(unbound(SOCK_STREAM), "s"), 0));
}

TEST(a_socket_moves_with_its_name)
{
	listener(SOCK_STREAM, "s", 5);
	CHECK_EQ(rename("s", "t"), 0);
	CHECK_ERR(CONNECT(unbound(SOCK_STREAM), "s"), ENOENT);
	CHECK_EQ(CONNECT(unbound(SOCK_STREAM), "t"), 0);
	CHECK_EQ(link("t", "u"), 0);
	CHECK_EQ(symlink("u", "v"), 0);
	CHECK_EQ(CONNECT(unbound(SOCK_STREAM), "v"), 0);
}

TEST(listen_errors)
{
	CHECK_ERR(listen(unbound(SOCK_STREAM), 1), EINVAL);
	CHECK_ERR(listen(bound(SOCK_DGRAM, "@l"), 1), EOPNOTSUPP);
	CHECK_ERR(accept(bound(SOCK_STREAM, "@l"), NULL, NULL), EINVAL);
	CHECK_ERR(accept(unbound(SOCK_DGRAM), NULL, NULL), EOPNOTSUPP);
	pair(SOCK_STREAM);
	CHECK_ERR(listen(a[0], 1), EINVAL);
}

TEST(backlog)
{
	int l = listener(SOCK_STREAM, "s", 1), c, n = 0;

	do {
		c = unbound(SOCK_STREAM | SOCK_NONBLOCK);
	} while (n < 9 && CONNECT(c, "s") == 0 && ++n);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(n, 2);
	CHECK(accept(l, NULL, NULL) >= 0);
	CHECK_EQ(CONNECT(c, "s"), 0);
	if (fork() == 0) {
		usleep(20000);
		accept(l, NULL, NULL);
		_exit(0);
	}
	CHECK_EQ(CONNECT(unbound(SOCK_STREAM), "s"), 0); /* waits for room */
	CHECK_EQ(listen(l, 5), 0);
	c = unbound(SOCK_STREAM | SOCK_NONBLOCK);
	CHECK_EQ(CONNECT(c, "s"), 0);
}

TEST(connect_timeout)
{
	struct timeval tv = { 0, 30000 };
	int c = unbound(SOCK_STREAM);

	listener(SOCK_STREAM, "s", 0);
	CHECK_EQ(CONNECT(unbound(SOCK_STREAM), "s"), 0);
	CHECK_EQ(setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	CHECK_ERR(CONNECT(c, "s"), EAGAIN);
}

TEST(accept_waits)
{
	struct timeval tv = { 0, 30000 };
	int l = listener(SOCK_STREAM, "s", 5), status;

	if (fork() == 0) {
		usleep(20000);
		_exit(CONNECT(unbound(SOCK_STREAM), "s"));
	}
	CHECK(accept(l, NULL, NULL) >= 0);
	CHECK(wait(&status) > 0 && status == 0);
	CHECK_EQ(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	CHECK_ERR(accept(l, NULL, NULL), EAGAIN);
	fcntl(l, F_SETFL, O_NONBLOCK);
	CHECK_ERR(accept(l, NULL, NULL), EAGAIN);
	CHECK_EQ(CONNECT(unbound(SOCK_STREAM), "s"), 0);
	CHECK_ERR(accept(l, (struct sockaddr *)buf, BAD), EFAULT);
	CHECK_EQ(shutdown(l, SHUT_RD), 0);
	CHECK_ERR(accept(l, NULL, NULL), EAGAIN);
	fcntl(l, F_SETFL, 0);
	CHECK_ERR(accept(l, NULL, NULL), EINVAL);
	CHECK_ERR(CONNECT(unbound(SOCK_STREAM), "s"), ECONNREFUSED);
}

TEST(accept_without_descriptors)
{
	struct rlimit few = { 20, 20 };
	int l = listener(SOCK_STREAM, "s", 5), c = unbound(SOCK_STREAM), last;

	fcntl(l, F_SETFL, O_NONBLOCK);
	CHECK_EQ(CONNECT(c, "s"), 0);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	while ((last = dup(1)) >= 0 && last < 19)
		;
	CHECK_ERR(accept(l, NULL, NULL), EMFILE);
	close(last);
	CHECK(accept(l, NULL, NULL) >= 0); /* it has waited */
}

TEST(listener_closes)
{
	int l = listener(SOCK_STREAM, "s", 5), c = unbound(SOCK_STREAM);

	CHECK_EQ(CONNECT(c, "s"), 0);
	close(l);
	CHECK_ERR(recv(c, buf, 1, 0), ECONNRESET);
	CHECK_EQ(recv(c, buf, 1, 0), 0);
	CHECK_ERR(CONNECT(unbound(SOCK_STREAM), "s"), ECONNREFUSED);
}

TEST(accept_of_who_has_gone)
{
	int l = listener(SOCK_STREAM, "s", 5), c = unbound(SOCK_STREAM), s;

	CHECK_EQ(CONNECT(c, "s"), 0);
	CHECK_EQ(send(c, "abc", 3, 0), 3);
	close(c);
	s = accept(l, NULL, NULL);
	CHECK_EQ(recv(s, buf, 9, 0), 3);
	CHECK_EQ(recv(s, buf, 9, 0), 0);
}

static short
poll_one(int fd, short events)
{
	struct pollfd f = { fd, events, -1 };

	return poll(&f, 1, 0) < 0 ? -1 : f.revents;
}

TEST(poll_listener)
{
	struct pollfd f;
	int l = listener(SOCK_STREAM, "s", 5), c = unbound(SOCK_STREAM);

	CHECK_EQ(poll_one(l, POLLIN | POLLOUT), 0);
	if (fork() == 0) {
		usleep(20000);
		_exit(CONNECT(c, "s"));
	}
	f = (struct pollfd){ l, POLLIN, 0 };
	CHECK_EQ(poll(&f, 1, -1), 1);
	CHECK_EQ(f.revents, POLLIN);
	CHECK(accept(l, NULL, NULL) >= 0);
	CHECK_EQ(poll_one(l, POLLIN), 0);
}

TEST(seqpacket_connects)
{
	join(SOCK_SEQPACKET);
	CHECK_EQ(send(a[0], "abc", 3, 0), 3);
	CHECK_EQ(send(a[0], "de", 2, 0), 2);
	CHECK_EQ(recv(a[1], buf, 9, 0), 3);
	CHECK_EQ(recv(a[1], buf, 9, 0), 2);
	CHECK_EQ(send_to(a[0], "ignored", "x", 0), 1);
}

/* ---- Datagrams ---- */

TEST(datagrams_by_name)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	int s = bound(SOCK_DGRAM, "s"), c = bound(SOCK_DGRAM, "c");

	CHECK_EQ(send_to(c, "s", "abc", 0), 3);
	CHECK_EQ(recvfrom(s, buf, 9, 0, (struct sockaddr *)&un, &len), 3);
	CHECK(len == 4 && strcmp(un.sun_path, "c") == 0);
	CHECK_EQ(sendto(s, "back", 4, 0, (struct sockaddr *)&un, len), 4);
	CHECK_EQ(recv(c, buf, 9, 0), 4);
	len = sizeof(un);
	CHECK_EQ(send_to(unbound(SOCK_DGRAM), "s", "x", 0), 1);
	CHECK_EQ(recvfrom(s, buf, 9, 0, (struct sockaddr *)&un, &len), 1);
	CHECK_EQ(len, 0); /* it has no name */
	CHECK_EQ(send_to(s, "s", "self", 0), 4);
	CHECK_EQ(recv(s, buf, 9, 0), 4);
	CHECK_ERR(send_to(c, "none", "x", 0), ENOENT);
}

TEST(datagrams_connected)
{
	struct sockaddr un = { .sa_family = AF_UNSPEC };
	int s = bound(SOCK_DGRAM, "s"), t = bound(SOCK_DGRAM, "t");
	int c = bound(SOCK_DGRAM, "c");

	CHECK_EQ(CONNECT(c, "s"), 0);
	CHECK_EQ(send(c, "abc", 3, 0), 3);
	CHECK_EQ(recv(s, buf, 9, 0), 3);
	CHECK_EQ(send_to(c, "t", "de", 0), 2); /* still, to others too */
	CHECK_EQ(recv(t, buf, 9, 0), 2);
	/* who is connected receives from its peer alone */
	CHECK_ERR(send_to(t, "c", "x", 0), EPERM);
	CHECK_ERR(CONNECT(t, "c"), EPERM);
	CHECK_EQ(send_to(s, "c", "x", 0), 1);
	CHECK_EQ(CONNECT(c, "t"), 0);
	CHECK_EQ(send(c, "f", 1, 0), 1);
	CHECK_EQ(recv(t, buf, 9, 0), 1);
	CHECK_EQ(connect(c, &un, sizeof(un)), 0);
	CHECK_ERR(send(c, "x", 1, 0), ENOTCONN);
	CHECK_EQ(send_to(s, "c", "x", 0), 1);
}

TEST(datagrams_to_one_who_is_gone)
{
	int s = bound(SOCK_DGRAM, "s"), c = unbound(SOCK_DGRAM);

	CHECK_EQ(CONNECT(c, "s"), 0);
	close(s);
	CHECK_ERR(send(c, "x", 1, 0), ECONNREFUSED);
	CHECK_ERR(send(c, "x", 1, 0), ENOTCONN);
	CHECK_ERR(send_to(c, "s", "x", 0), ECONNREFUSED);
}

static int
fill(int fd)
{
	int n = 0;

	while (send(fd, "x", 1, MSG_DONTWAIT) == 1)
		n++;
	CHECK_EQ(errno, EAGAIN);
	return n;
}

/** In a child, after a moment. */
static void
drain(int fd)
{
	if (fork() != 0)
		return;
	usleep(20000);
	while (recv(fd, buf, 1, MSG_DONTWAIT) == 1)
		;
	_exit(0);
}

TEST(datagram_queue_is_short)
{
	int s = bound(SOCK_DGRAM, "s"), c = unbound(SOCK_DGRAM), n;
	struct timeval tv = { 0, 30000 };
	struct pollfd f = { c, POLLOUT, 0 };

	CHECK_EQ(CONNECT(c, "s"), 0);
	CHECK_EQ(poll_one(c, POLLOUT), POLLOUT);
	n = fill(c);
	CHECK(n > 5 && n < 1000);
	CHECK_EQ(poll_one(c, POLLOUT), 0);
	CHECK_EQ(setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	CHECK_ERR(send(c, "x", 1, 0), EAGAIN);
	drain(s);
	CHECK_EQ(poll(&f, 1, -1), 1);
	CHECK_EQ(send(c, "x", 1, 0), 1);
	fill(c);
	tv.tv_usec = 0;
	CHECK_EQ(setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	drain(s);
	CHECK_EQ(send(c, "x", 1, 0), 1);
}

TEST(a_full_receiver_stops_receiving)
{
	int s = bound(SOCK_DGRAM, "s"), c = unbound(SOCK_DGRAM);

	CHECK_EQ(CONNECT(c, "s"), 0);
	fill(c);
	close(s);
	CHECK_ERR(send(c, "x", 1, 0), ECONNREFUSED);
}

TEST(datagrams_are_charged_to_the_sender)
{
	int n = 0, queued;

	pair(SOCK_DGRAM);
	while (send(a[0], buf, 10000, MSG_DONTWAIT) > 0)
		n++;
	CHECK_EQ(errno, EAGAIN);
	CHECK(n > 5 && n < 100);
	CHECK_EQ(ioctl(a[1], FIONREAD, &queued), 0);
	CHECK_EQ(queued, 10000); /* the first alone */
	while (recv(a[1], buf, sizeof(buf), MSG_DONTWAIT) > 0)
		n--;
	CHECK_EQ(n, 0);
	CHECK_EQ(send(a[0], buf, 10000, MSG_DONTWAIT), 10000);
}

/* ---- Control data ---- */

static char control[CMSG_SPACE(300 * sizeof(int))];

/** Sends "x" and so many files. */
static ssize_t
send_files(int fd, const int *fds, unsigned n)
{
	struct iovec iov = { "x", 1 };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)),
	};
	struct cmsghdr h = { CMSG_LEN(n * sizeof(int)), SOL_SOCKET,
			     SCM_RIGHTS };

	memcpy(control, &h, sizeof(h));
	memcpy(CMSG_DATA(control), fds, n * sizeof(int));
	return sendmsg(fd, &m, MSG_NOSIGNAL);
}

static ssize_t
send_file(int fd, int file)
{
	return send_files(fd, &file, 1);
}

static struct msghdr got;
static struct cmsghdr got_head;

/** Receives with so much room for control data. */
static ssize_t
receive(int fd, size_t n, size_t room, int flags)
{
	struct iovec iov = { buf, n };
	ssize_t result;

	got = (struct msghdr){
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = room,
	};
	memset(control, 0, sizeof(control));
	result = recvmsg(fd, &got, flags);
	memcpy(&got_head, control, sizeof(got_head));
	return result;
}

/** The i-th descriptor of what was received. */
static int
got_fd(int i)
{
	int fd;

	memcpy(&fd, CMSG_DATA(control) + (size_t)i * sizeof(fd), sizeof(fd));
	return fd;
}

static int
receive_file(int fd)
{
	REQUIRE(receive(fd, 1, sizeof(control), 0) == 1);
	REQUIRE(got_head.cmsg_len == CMSG_LEN(sizeof(int)));
	return got_fd(0);
}

TEST(rights_pass_a_file)
{
	int fd, p[2], types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

	for (int i = 0; i < 3; i++) {
		pair(types[i]);
		REQUIRE(pipe(p) == 0);
		CHECK_EQ(send_file(a[0], p[1]), 1);
		close(p[1]);
		fd = receive_file(a[1]);
		CHECK(got_head.cmsg_level == SOL_SOCKET &&
		      got_head.cmsg_type == SCM_RIGHTS);
		CHECK_EQ(got.msg_controllen, CMSG_SPACE(sizeof(int)));
		CHECK_EQ(got.msg_flags, 0);
		CHECK_EQ(fcntl(fd, F_GETFD), 0);
		CHECK_EQ(write(fd, "abc", 3), 3);
		CHECK_EQ(read(p[0], buf, 9), 3);
		close(fd);
		CHECK_EQ(read(p[0], buf, 9), 0); /* that was the last */
	}
}

TEST(rights_share_the_position)
{
	int fd, back;

	make_file("f", "abcdef");
	fd = open("f", O_RDONLY);
	pair(SOCK_STREAM);
	CHECK_EQ(send_file(a[0], fd), 1);
	CHECK_EQ(receive(a[1], 1, sizeof(control), MSG_CMSG_CLOEXEC), 1);
	CHECK_EQ((unsigned)got.msg_flags, MSG_CMSG_CLOEXEC);
	back = got_fd(0);
	CHECK_EQ(fcntl(back, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(read(back, buf, 2), 2);
	CHECK_EQ(read(fd, buf, 1), 1);
	CHECK_EQ(buf[0], 'c');
}

TEST(rights_are_checked)
{
	int fds[254], pid = 0;
	struct msghdr m = { .msg_control = control, .msg_controllen = 20 };
	struct cmsghdr h = { 30, SOL_SOCKET, SCM_RIGHTS };

	pair(SOCK_STREAM);
	for (int i = 0; i < 254; i++)
		fds[i] = 1;
	CHECK_ERR(send_file(a[0], 99), EBADF);
	CHECK_ERR(send_files(a[0], fds, 254), EINVAL);
	CHECK_EQ(send_files(a[0], fds, 253), 1);
	memcpy(control, &h, sizeof(h)); /* longer than there is */
	CHECK_ERR(sendmsg(a[0], &m, 0), EINVAL);
	h.cmsg_len = 15;
	memcpy(control, &h, sizeof(h));
	CHECK_ERR(sendmsg(a[0], &m, 0), EINVAL);
	h = (struct cmsghdr){ 20, SOL_SOCKET, 77 };
	memcpy(control, &h, sizeof(h));
	CHECK_ERR(sendmsg(a[0], &m, 0), EINVAL);
	h.cmsg_type = SCM_CREDENTIALS;
	memcpy(control, &h, sizeof(h));
	memcpy(CMSG_DATA(control), &pid, sizeof(pid));
	CHECK_ERR(sendmsg(a[0], &m, 0), EINVAL);
}

TEST(rights_that_do_not_fit)
{
	int fds[4], next;

	close_range(3, ~0u, 0); /* what the tests were started with */
	pair(SOCK_STREAM);
	for (int i = 0; i < 4; i++)
		fds[i] = dup(a[0]);
	next = dup(1);
	close(next);
	CHECK_EQ(send_files(a[0], fds, 4), 1);
	CHECK_EQ(receive(a[1], 1, CMSG_LEN(2 * sizeof(int)), 0), 1);
	CHECK_EQ(got.msg_flags, MSG_CTRUNC);
	CHECK_EQ(got_head.cmsg_len, CMSG_LEN(2 * sizeof(int)));
	CHECK(got_fd(0) == next && got_fd(1) == next + 1);
	CHECK_ERR(fcntl(next + 2, F_GETFD), EBADF); /* they are closed */
	CHECK_EQ(send_file(a[0], fds[0]), 1);
	CHECK_EQ(receive(a[1], 1, 0, 0), 1);
	CHECK_EQ(got.msg_flags, MSG_CTRUNC);
	CHECK_EQ(got.msg_controllen, 0);
	CHECK_EQ(send_file(a[0], fds[0]), 1);
	CHECK_EQ(recv(a[1], buf, 1, 0), 1); /* recv has no room at all */
	CHECK_ERR(fcntl(next + 2, F_GETFD), EBADF);
}

TEST(rights_beyond_the_limit_of_descriptors)
{
	struct rlimit few = { 20, 20 };
	int fds[3] = { 1, 1, 1 };

	pair(SOCK_STREAM);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (dup(1) < 18)
		;
	CHECK_EQ(send_files(a[0], fds, 3), 1);
	CHECK_EQ(receive(a[1], 1, sizeof(control), 0), 1);
	CHECK_EQ(got_head.cmsg_len, CMSG_LEN(sizeof(int)));
	CHECK_EQ(got.msg_flags, MSG_CTRUNC);
}

TEST(rights_stand_in_the_stream)
{
	pair(SOCK_STREAM);
	CHECK_EQ(send(a[0], "ab", 2, 0), 2);
	CHECK_EQ(send_file(a[0], a[0]), 1);
	CHECK_EQ(send(a[0], "cd", 2, 0), 2);
	/* up to the end of what they came with, and no further */
	CHECK_EQ(receive(a[1], 100, sizeof(control), 0), 3);
	CHECK(memcmp(buf, "abx", 3) == 0);
	CHECK_EQ(got_head.cmsg_len, CMSG_LEN(sizeof(int)));
	CHECK_EQ(receive(a[1], 100, sizeof(control), 0), 2);
	CHECK_EQ(got.msg_controllen, 0);
	CHECK_EQ(send(a[0], "", 0, 0), 0);
}

TEST(rights_peeked)
{
	int fd, p[2];

	pair(SOCK_STREAM);
	REQUIRE(pipe(p) == 0);
	CHECK_EQ(send_file(a[0], p[1]), 1);
	close(p[1]);
	CHECK_EQ(receive(a[1], 1, sizeof(control), MSG_PEEK), 1);
	fd = got_fd(0);
	CHECK_EQ(receive_file(a[1]), fd + 1);
	close(fd);
	CHECK_EQ(write(fd + 1, "x", 1), 1);
	close(fd + 1);
	CHECK_EQ(read(p[0], buf, 9), 1);
	CHECK_EQ(read(p[0], buf, 9), 0);
}

TEST(rights_in_a_queue_that_is_closed)
{
	int p[2];

	for (int i = 0; i < 2; i++) {
		pair(i ? SOCK_STREAM : SOCK_DGRAM);
		REQUIRE(pipe(p) == 0);
		CHECK_EQ(send_file(a[0], p[1]), 1);
		close(p[1]);
		close(a[1]);
		CHECK_EQ(read(p[0], buf, 9), 0);
	}
}

TEST(rights_in_a_connection_never_accepted)
{
	int l = listener(SOCK_STREAM, "s", 5), c = unbound(SOCK_STREAM), p[2];

	REQUIRE(pipe(p) == 0);
	CHECK_EQ(CONNECT(c, "s"), 0);
	CHECK_EQ(send_file(c, p[1]), 1);
	close(p[1]);
	close(l);
	CHECK_EQ(read(p[0], buf, 9), 0);
}

/* Sockets in the queues of sockets, far deeper than a stack would allow. */
TEST(rights_in_long_chains)
{
	int p[2], next[2];

	REQUIRE(pipe(p) == 0);
	pair(SOCK_STREAM);
	CHECK_EQ(send_file(a[0], p[1]), 1);
	close(p[1]);
	for (int i = 0; i < 500; i++) {
		int error;

		REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, next) == 0);
		error = send_file(next[0], a[1]) < 0 ? errno : 0;
		if (error) { /* older kernels: no more than a few */
			CHECK_EQ(error, ETOOMANYREFS);
			break;
		}
		close(a[0]);
		close(a[1]);
		a[0] = next[0];
		a[1] = next[1];
	}
	close(a[1]);
	CHECK_EQ(read(p[0], buf, 9), 0);
}

/* Nobody can ever receive what is only in its own queue, or in another's that
 * is in its own; the collector closes it, at the latest when some other socket
 * is closed. */
TEST(rights_in_cycles)
{
	int b[2], p[2];
	struct pollfd f;

	REQUIRE(pipe(p) == 0);
	pair(SOCK_STREAM);
	CHECK_EQ(send_file(a[0], p[1]), 1);
	CHECK_EQ(send_file(a[0], a[1]), 1); /* it is in its own queue */
	close(a[0]);
	close(a[1]);
	pair(SOCK_DGRAM);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, b) == 0);
	CHECK_EQ(send_file(a[0], p[1]), 1);
	CHECK_EQ(send_file(a[0], b[1]), 1); /* each in the other's */
	CHECK_EQ(send_file(b[0], a[1]), 1);
	close(p[1]);
	close(a[0]);
	close(a[1]);
	close(b[1]);
	close(b[0]);
	close(unbound(SOCK_STREAM));
	f = (struct pollfd){ p[0], POLLIN, 0 };
	CHECK_EQ(poll(&f, 1, 20000), 1);
	CHECK_EQ(read(p[0], buf, 9), 0);
}

/* The same through a listener that is itself in the queue. */
TEST(rights_in_a_cycle_through_a_listener)
{
	int l = listener(SOCK_STREAM, "@cycle", 5), c = unbound(SOCK_STREAM);
	int p[2];
	struct pollfd f;

	REQUIRE(pipe(p) == 0);
	CHECK_EQ(CONNECT(c, "@cycle"), 0);
	CHECK_EQ(send_file(c, l), 1);
	CHECK_EQ(send_file(c, p[1]), 1);
	close(p[1]);
	close(l);
	close(c);
	close(unbound(SOCK_STREAM));
	f = (struct pollfd){ p[0], POLLIN, 0 };
	CHECK_EQ(poll(&f, 1, 20000), 1);
	CHECK_EQ(read(p[0], buf, 9), 0);
}

/* What can still be received is not collected. */
TEST(rights_that_can_be_reached)
{
	int b[2], s, t;

	pair(SOCK_STREAM);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, b) == 0);
	CHECK_EQ(send_file(a[0], b[1]), 1);
	CHECK_EQ(send_file(b[0], b[1]), 1); /* a cycle, in a queue we have */
	CHECK_EQ(send_file(b[0], b[0]), 1);
	CHECK_EQ(send(b[0], "alive", 5, 0), 5);
	close(b[1]);
	close(b[0]);
	close(unbound(SOCK_STREAM));
	s = receive_file(a[1]);
	t = receive_file(s);
	receive_file(s);
	CHECK_EQ(recv(t, buf, 9, 0), 5);
}

TEST(rights_of_one_user_are_bounded)
{
	struct rlimit few = { 50, 50 };

	AS_USER(int fds[20]; ssize_t n; int sent = 0;
		for (int i = 0; i < 20; i++) fds[i] = 1;
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0); pair(SOCK_STREAM);
		while ((n = send_files(a[0], fds, 20)) == 1 && sent < 100)
			sent++;
		CHECK_EQ(errno, ETOOMANYREFS); CHECK_EQ(sent, 3);
		CHECK_EQ(receive(a[1], 1, 0, 0), 1);
		CHECK_EQ(send_files(a[0], fds, 20), 1));
}

/* ---- Credentials ---- */

static struct ucred
peer_of(int fd)
{
	struct ucred c;
	socklen_t len = sizeof(c);

	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len), 0);
	CHECK_EQ(len, sizeof(c));
	return c;
}

TEST(peer_credentials)
{
	struct ucred c;
	int l = listener(SOCK_STREAM, "s", 5), child, s;

	CHECK_EQ(chmod("s", 0777), 0);
	c = peer_of(unbound(SOCK_STREAM));
	CHECK(c.pid == 0 && c.uid == -1u && c.gid == -1u);
	pair(SOCK_STREAM);
	c = peer_of(a[0]);
	CHECK(c.pid == getpid() && c.uid == 0 && c.gid == 0);
	child = fork();
	if (child == 0) {
		become_user();
		s = unbound(SOCK_STREAM);
		CHECK_EQ(CONNECT(s, "s"), 0);
		c = peer_of(s); /* of who listens */
		CHECK(c.pid == getppid() && c.uid == 0);
		recv(s, buf, 1, 0);
		_exit(check_failures);
	}
	s = accept(l, NULL, NULL);
	c = peer_of(s);
	CHECK(c.pid == child && c.uid == USER_ID && c.gid == USER_ID);
	send(s, "x", 1, 0);
	CHECK(waitpid(child, &s, 0) == child && s == 0);
}

static void
want_cred(int fd)
{
	int on = 1;

	REQUIRE(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, 4) == 0);
}

static struct ucred
got_cred(void)
{
	struct ucred c;

	CHECK(got_head.cmsg_len == CMSG_LEN(sizeof(c)) &&
	      got_head.cmsg_type == SCM_CREDENTIALS);
	memcpy(&c, CMSG_DATA(control), sizeof(c));
	return c;
}

TEST(credentials_of_messages)
{
	struct ucred c;

	for (int i = 0; i < 2; i++) {
		pair(i ? SOCK_STREAM : SOCK_DGRAM);
		want_cred(a[1]);
		CHECK_EQ(send(a[0], "abc", 3, 0), 3);
		CHECK_EQ(receive(a[1], 9, sizeof(control), 0), 3);
		c = got_cred();
		CHECK(c.pid == getpid() && c.uid == 0 && c.gid == 0);
		AS_USER(CHECK_EQ(write(a[0], "de", 2), 2));
		CHECK_EQ(receive(a[1], 9, sizeof(control), 0), 2);
		c = got_cred();
		CHECK(c.pid != getpid() && c.uid == USER_ID);
		CHECK_EQ(write(a[0], "f", 1), 1);
		CHECK_EQ(recv(a[1], buf, 9, 0), 1);
		CHECK_EQ(write(a[0], "g", 1), 1);
		CHECK_EQ(receive(a[1], 9, 4, 0), 1);
		CHECK_EQ(got.msg_flags, MSG_CTRUNC);
	}
}

/* A stream that several write to: a read ends where the writer changes. */
TEST(credentials_part_a_stream)
{
	pair(SOCK_STREAM);
	want_cred(a[1]);
	CHECK_EQ(send(a[0], "ab", 2, 0), 2);
	CHECK_EQ(IN_CHILD(CHECK_EQ(send(a[0], "cd", 2, 0), 2)), 0);
	CHECK_EQ(send(a[0], "ef", 2, 0), 2);
	CHECK_EQ(receive(a[1], 100, sizeof(control), 0), 2);
	CHECK_EQ(receive(a[1], 1, sizeof(control), 0), 1);
	CHECK(got_cred().pid != getpid());
	CHECK_EQ(receive(a[1], 100, sizeof(control), 0), 1);
	CHECK_EQ(receive(a[1], 100, sizeof(control), 0), 2);
	CHECK_EQ(got_cred().pid, getpid());
}

static ssize_t
send_cred(int fd, struct ucred c)
{
	struct iovec iov = { "x", 1 };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(sizeof(c)),
	};
	struct cmsghdr h = { CMSG_LEN(sizeof(c)), SOL_SOCKET, SCM_CREDENTIALS };

	memcpy(control, &h, sizeof(h));
	memcpy(CMSG_DATA(control), &c, sizeof(c));
	return sendmsg(fd, &m, 0);
}

TEST(credentials_that_are_claimed)
{
	struct ucred c = { getpid(), 0, 0 };

	pair(SOCK_STREAM);
	want_cred(a[1]);
	CHECK_EQ(send_cred(a[0], c), 1);
	c = (struct ucred){ 1, 5, 6 }; /* root may say so */
	CHECK_EQ(send_cred(a[0], c), 1);
	c.pid = 1 << 21;
	CHECK_ERR(send_cred(a[0], c), ESRCH);
	CHECK_EQ(receive(a[1], 100, sizeof(control), 0), 1);
	CHECK_EQ(receive(a[1], 100, sizeof(control), 0), 1);
	c = got_cred();
	CHECK(c.pid == 1 && c.uid == 5 && c.gid == 6);
	AS_USER(c = ((struct ucred){ getpid(), USER_ID, USER_ID });
		CHECK_EQ(send_cred(a[0], c), 1); c.uid = 0;
		CHECK_ERR(send_cred(a[0], c), EPERM); c.uid = USER_ID;
		c.gid = 0; CHECK_ERR(send_cred(a[0], c), EPERM);
		c.gid = USER_ID; c.pid = 1;
		CHECK_ERR(send_cred(a[0], c), EPERM));
}

TEST(credentials_and_rights_together)
{
	struct cmsghdr h;

	pair(SOCK_STREAM);
	want_cred(a[1]);
	CHECK_EQ(send_file(a[0], a[0]), 1);
	CHECK_EQ(receive(a[1], 100, sizeof(control), 0), 1);
	CHECK_EQ(got_cred().pid, getpid());
	memcpy(&h, control + CMSG_SPACE(sizeof(struct ucred)), sizeof(h));
	CHECK(h.cmsg_type == SCM_RIGHTS && h.cmsg_len == CMSG_LEN(4));
	CHECK_EQ(got.msg_controllen,
		 CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(4));
}

/* Who asks for credentials has a name from its first message on. */
TEST(credentials_need_a_name)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	int s = bound(SOCK_DGRAM, "s"), c = unbound(SOCK_DGRAM);

	want_cred(c);
	CHECK_EQ(send_to(c, "s", "x", 0), 1);
	CHECK_EQ(recvfrom(s, buf, 9, 0, (struct sockaddr *)&un, &len), 1);
	CHECK(len == 8 && un.sun_path[0] == '\0');
}
