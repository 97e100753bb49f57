/*
 * Control data of AF_UNIX: files and credentials that are passed: unix(7),
 * cmsg(3).
 */
#include <poll.h>
#include <sys/resource.h>
#include "unix.h"

static char buf[100];

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

/** Whether strace looks on. */
static bool
traced(void)
{
	char status[4096] = "";
	int fd = open("/proc/self/status", O_RDONLY);

	read(fd, status, sizeof(status) - 1);
	close(fd);
	return !strstr(status, "\nTracerPid:\t0\n");
}

/* Files, and behind them a piece of a length that cannot be. The first two make
 * strace go on for ever. */
TEST(rights_before_a_wrong_length)
{
	static const size_t lengths[] = { SIZE_MAX, SIZE_MAX - 15,
					  1UL << 34 | 4, 1UL << 34,
					  (1UL << 34) - 4, 17 };
	struct msghdr m = { .msg_control = control,
			    .msg_controllen = CMSG_SPACE(4 * sizeof(int)) +
					      sizeof(struct cmsghdr) };
	struct cmsghdr h = { CMSG_LEN(4 * sizeof(int)), SOL_SOCKET,
			     SCM_RIGHTS };
	int fds[4] = { 1, 1, 1, 1 };

	pair(SOCK_STREAM);
	memcpy(control, &h, sizeof(h));
	memcpy(CMSG_DATA(control), fds, sizeof(fds));
	for (unsigned i = traced() ? 2 : 0; i < 6; i++) {
		h.cmsg_len = lengths[i];
		memcpy(control + CMSG_SPACE(sizeof(fds)), &h, sizeof(h));
		CHECK_ERR(sendmsg(a[0], &m, 0), EINVAL);
	}
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

/* A descriptor that cannot be told is none. */
TEST(rights_at_a_bad_address)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov = { buf, 1 };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = page + 4096 - CMSG_LEN(sizeof(int)),
		.msg_controllen = CMSG_LEN(2 * sizeof(int)),
	};
	int fds[3], next;

	close_range(3, ~0u, 0); /* what the tests were started with */
	CHECK_EQ(mprotect(page + 4096, 4096, PROT_NONE), 0);
	pair(SOCK_STREAM);
	for (int i = 0; i < 3; i++)
		fds[i] = dup(a[0]);
	next = dup(1);
	close(next);
	CHECK_EQ(send_files(a[0], fds, 3), 1);
	CHECK_EQ(recvmsg(a[1], &m, 0), 1);
	CHECK_EQ(m.msg_flags, MSG_CTRUNC);
	memcpy(&got_head, page + 4096 - CMSG_LEN(sizeof(int)),
	       sizeof(got_head));
	CHECK_EQ(got_head.cmsg_len, CMSG_LEN(sizeof(int)));
	CHECK_EQ(fcntl(next, F_GETFD), 0);
	CHECK_ERR(fcntl(next + 1, F_GETFD), EBADF);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	close(a[0]);
	CHECK_ERR(recv(a[1], buf, 1, MSG_DONTWAIT), EAGAIN); /* it is open */
	close(next);
	CHECK_EQ(recv(a[1], buf, 1, MSG_DONTWAIT), 0); /* and so no more */
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

/* Each passes a socket with a word in it to itself, again and again, and has
 * no other reference meanwhile; others close sockets at this time, so that the
 * collector looks at it in every state. */
static void
pass_around(int rounds)
{
	int via[2], s[2], peeked;

	for (int i = 0; i < rounds; i++) {
		REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, via) == 0);
		REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
		REQUIRE(send(s[0], "word", 4, 0) == 4);
		REQUIRE(send_file(s[0], s[1]) == 1); /* and in its own queue */
		REQUIRE(send_file(via[0], s[1]) == 1);
		close(s[1]);
		close(s[0]);
		if (i % 2) {
			REQUIRE(receive(via[1], 1, 100, MSG_PEEK) == 1);
			peeked = got_fd(0);
			s[1] = receive_file(via[1]);
			close(peeked);
		} else {
			s[1] = receive_file(via[1]);
		}
		REQUIRE(read(s[1], buf, 4) == 4 && memcmp(buf, "word", 4) == 0);
		close(s[1]); /* now it is garbage */
		close(via[0]);
		close(via[1]);
	}
}

TEST(rights_race_with_the_collector)
{
	int status;

	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			pass_around(200);
			_exit(check_failures);
		}
	for (int i = 0; i < 4; i++)
		CHECK(wait(&status) > 0 && status == 0);
}

/* What is sent while the other side closes is closed with it. */
TEST(rights_sent_to_one_that_closes)
{
	int p[2];
	pid_t pid;

	for (int i = 0; i < 300; i++) {
		pair(SOCK_STREAM);
		REQUIRE(pipe2(p, O_NONBLOCK) == 0);
		pid = fork();
		if (pid == 0) {
			close(a[1]);
			while (send_file(a[0], p[1]) == 1)
				;
			_exit(0);
		}
		close(a[0]);
		REQUIRE(read(a[1], buf, 1) == 1);
		close(a[1]);
		REQUIRE(waitpid(pid, NULL, 0) == pid);
		close(p[1]);
		REQUIRE(read(p[0], buf, 1) == 0);
		close(p[0]);
	}
}
