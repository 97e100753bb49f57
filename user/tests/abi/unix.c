/*
 * AF_UNIX: names, connections, datagrams: unix(7), bind(2), listen(2),
 * accept(2), connect(2). Control data is in rights.c.
 */
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include "unix.h"

static char buf[300000];

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

/** A socket that has no path yet gives it its permissions. */
TEST(bind_with_a_mode)
{
	int s = unbound(SOCK_STREAM), p[2];
	struct stat st;

	umask(022);
	CHECK_EQ(fchmod(s, 0620), 0);
	CHECK_EQ(fstat(s, &st), 0);
	CHECK_EQ(st.st_mode, S_IFSOCK | 0620);
	AS_USER(CHECK_ERR(fchmod(s, 0600), EPERM));
	CHECK_EQ(BIND(s, "s"), 0);
	CHECK_EQ(stat("s", &st), 0);
	CHECK_EQ(st.st_mode, S_IFSOCK | 0600);
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(fchmod(p[0], 0644), 0);
	CHECK_EQ(fstat(p[1], &st), 0);
	CHECK_EQ(st.st_mode, S_IFIFO | 0644);
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
	/* who finds that out loses what was received before */
	pair(SOCK_DGRAM);
	CHECK_EQ(send(a[1], "x", 1, 0), 1);
	close(a[1]);
	CHECK_EQ(recv(a[0], buf, 9, MSG_PEEK), 1);
	CHECK_ERR(send(a[0], "x", 1, 0), ECONNREFUSED);
	CHECK_ERR(recv(a[0], buf, 9, MSG_DONTWAIT), EAGAIN);
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

/* What the sender alone is enough to tell comes before the receiver. */
TEST(datagrams_that_cannot_be_sent)
{
	struct sockaddr_un un = name_of("none");
	int d = unbound(SOCK_DGRAM);

	CHECK_ERR(send(d, buf, sizeof(buf), 0), EMSGSIZE);
	CHECK_ERR(sendto(d, buf, sizeof(buf), 0, (struct sockaddr *)&un,
			 len_of("none")),
		  EMSGSIZE);
	un.sun_family = AF_INET;
	CHECK_ERR(sendto(d, buf, sizeof(buf), 0, (struct sockaddr *)&un,
			 len_of("none")),
		  EINVAL);
	CHECK_ERR(send(unbound(SOCK_SEQPACKET), buf, sizeof(buf), 0), ENOTCONN);
	pair(SOCK_DGRAM);
	while (send(a[0], buf, 10000, MSG_DONTWAIT) > 0)
		;
	CHECK_ERR(send_to(a[0], "none", "x", MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(shutdown(a[0], SHUT_WR), 0);
	CHECK_ERR(send(a[0], buf, sizeof(buf), 0), EMSGSIZE);
	CHECK_ERR(send_to(a[0], "none", "x", 0), EPIPE);
	un.sun_family = AF_INET;
	CHECK_ERR(
		sendto(a[0], buf, 1, 0, (struct sockaddr *)&un, len_of("none")),
		EINVAL);
	CHECK_EQ(recv(a[1], buf, sizeof(buf), 0), 10000);
}

static socklen_t
name_len(int fd)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);

	REQUIRE(getsockname(fd, (struct sockaddr *)&un, &len) == 0);
	return len;
}

/* Who asks for credentials has a name from when it gives an address, even one
 * that leads nowhere; but not one that is none. */
TEST(credentials_need_an_address_first)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	struct sockaddr_un un = name_of("none");
	const struct sockaddr *to = (struct sockaddr *)&un;
	int s;

	for (int i = 0; i < 3; i++) {
		s = unbound(types[i]);
		want_cred(s);
		un.sun_family = AF_INET;
		CHECK_ERR(connect(s, to, sizeof(un)), EINVAL);
		CHECK_EQ(name_len(s), 2);
		un.sun_family = AF_UNIX;
		CHECK_ERR(connect(s, to, sizeof(un)), ENOENT);
		CHECK_EQ(name_len(s), 8);
	}
	s = unbound(SOCK_DGRAM);
	want_cred(s);
	un.sun_family = AF_INET;
	CHECK_ERR(sendto(s, "x", 1, 0, to, sizeof(un)), EINVAL);
	CHECK_EQ(name_len(s), 2);
	CHECK_ERR(send(s, "x", 1, 0), ENOTCONN);
	CHECK_EQ(name_len(s), 8);
	pair(SOCK_SEQPACKET);
	want_cred(a[0]);
	CHECK_EQ(send(a[0], "x", 1, 0), 1);
	CHECK_EQ(name_len(a[0]), 8);
	pair(SOCK_STREAM);
	want_cred(a[0]);
	CHECK_EQ(send(a[0], "x", 1, 0), 1);
	CHECK_EQ(name_len(a[0]), 2);
}
