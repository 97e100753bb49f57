/*
 * What all calls that send and receive have in common on AF_UNIX sockets: the
 * errors of send(2) and recv(2), by each call. (EINTR, EAGAIN: waiting.c; bad
 * descriptors and buffers: socket.c.)
 */
#include <sys/mount.h>
#include <sys/uio.h>
#include "unix.h"

#define CLONE_NEWNS 0x20000
#define MS_PRIVATE  (1 << 18)
#define HUGE_SIZE   1000000

static char buf[HUGE_SIZE];

enum { SENDTO, SENDMSG, SENDMMSG, SENDS };
enum { RECVFROM, RECVMSG, RECVMMSG, RECEIVES };

/** n bytes to this name (NULL: to the peer) by one of the calls. */
static long
send_by(int call, int fd, const char *name, size_t n, int flags)
{
	struct sockaddr_un un = name_of(name != NULL ? name : "");
	socklen_t len = name != NULL ? len_of(name) : 0;
	struct iovec iov = { buf, n };
	struct mmsghdr m = { .msg_hdr = { .msg_name = len > 0 ? &un : NULL,
					  .msg_namelen = len,
					  .msg_iov = &iov,
					  .msg_iovlen = 1 } };

	switch (call) {
	case SENDTO:
		return sendto(fd, buf, n, flags, m.msg_hdr.msg_name, len);
	case SENDMSG:
		return sendmsg(fd, &m.msg_hdr, flags);
	default:
		return sendmmsg(fd, &m, 1, flags);
	}
}

static long
receive_by(int call, int fd, int flags)
{
	struct iovec iov = { buf, 10 };
	struct mmsghdr m = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };

	switch (call) {
	case RECVFROM:
		return recvfrom(fd, buf, 10, flags, NULL, NULL);
	case RECVMSG:
		return recvmsg(fd, &m.msg_hdr, flags);
	default:
		return recvmmsg(fd, &m, 1, flags, NULL);
	}
}

TEST(send_without_a_peer)
{
	int stream = unbound(SOCK_STREAM), packets = unbound(SOCK_DGRAM);

	for (int call = 0; call < SENDS; call++) {
		CHECK_ERR(send_by(call, stream, NULL, 1, 0), ENOTCONN);
		CHECK_ERR(send_by(call, packets, NULL, 1, 0), ENOTCONN);
		CHECK_ERR(send_by(call, stream, "none", 1, 0), EOPNOTSUPP);
		CHECK_ERR(send_by(call, packets, "none", 1, 0), ENOENT);
	}
}

TEST(send_with_a_name_too_many)
{
	pair(SOCK_STREAM);
	for (int call = 0; call < SENDS; call++)
		CHECK_ERR(send_by(call, a[0], "none", 1, 0), EISCONN);
}

TEST(send_to_who_has_gone)
{
	int from = unbound(SOCK_DGRAM);

	pair(SOCK_STREAM);
	close(a[1]);
	close(bound(SOCK_DGRAM, "gone"));
	for (int call = 0; call < SENDS; call++) {
		CHECK_ERR(send_by(call, a[0], NULL, 1, MSG_NOSIGNAL), EPIPE);
		CHECK_ERR(send_by(call, from, "gone", 1, 0), ECONNREFUSED);
	}
}

TEST(send_flags_and_sizes)
{
	int from = unbound(SOCK_DGRAM);

	bound(SOCK_DGRAM, "to");
	for (int call = 0; call < SENDS; call++) {
		CHECK_ERR(send_by(call, from, "to", 1, MSG_OOB), EOPNOTSUPP);
		CHECK_ERR(send_by(call, from, "to", HUGE_SIZE, 0), EMSGSIZE);
	}
}

TEST(send_to_what_is_no_name)
{
	int from = unbound(SOCK_DGRAM);
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_un other = { .sun_family = 77, .sun_path = "x" };

	CHECK_ERR(sendto(from, "x", 1, 0, (void *)&un, 200), EINVAL);
	CHECK_ERR(sendto(from, "x", 1, 0, (void *)&un, 1), EINVAL);
	CHECK_ERR(sendto(from, "x", 1, 0, (void *)&other, 10), EINVAL);
}

TEST(an_empty_name_is_none)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	pair(SOCK_DGRAM);
	CHECK_EQ(sendto(a[0], "x", 1, 0, (void *)&un, 0), 1);
	CHECK_EQ(recv(a[1], buf, 9, 0), 1);
	pair(SOCK_STREAM);
	CHECK_EQ(sendto(a[0], "x", 1, 0, (void *)&un, 0), 1);
	CHECK_EQ(sendto(a[0], "x", 1, 0, BAD, 0), 1);
}

/** That it is closed says the stream at once, and keeps the peer's error. */
TEST(send_on_a_broken_stream)
{
	pair(SOCK_STREAM);
	CHECK_EQ(send(a[0], "x", 1, 0), 1);
	close(a[1]); /* which has not read it */
	CHECK_ERR(send(a[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_ERR(send(a[0], "", 0, MSG_NOSIGNAL), EPIPE);
	CHECK_ERR(recv(a[0], buf, 9, 0), ECONNRESET);
	CHECK_EQ(WTERMSIG(IN_CHILD(write(a[0], "", 0))), SIGPIPE);
}

TEST(send_tells_the_state_before_the_message)
{
	struct {
		struct cmsghdr h;
		int fd;
	} c = { { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS }, -1 };
	struct msghdr m = { .msg_control = &c, .msg_controllen = sizeof(c) };
	int s = bound(SOCK_DGRAM, "s"), from = unbound(SOCK_DGRAM);

	CHECK_ERR(sendmsg(unbound(SOCK_SEQPACKET), &m, 0), ENOTCONN);
	bound(SOCK_DGRAM, "t");
	CHECK_EQ(CONNECT(s, "t"), 0);
	CHECK_EQ(shutdown(s, SHUT_RD), 0);
	CHECK_ERR(send_by(SENDTO, from, "s", 1, 0), EPERM);
	CHECK_EQ(shutdown(from, SHUT_WR), 0);
	CHECK_ERR(send_by(SENDTO, from, "none", 1, 0), EPIPE);
}

TEST(send_needs_permission)
{
	bound(SOCK_DGRAM, "roots");
	CHECK_EQ(chmod("roots", 0600), 0);
	AS_USER(int from = unbound(SOCK_DGRAM);
		for (int call = 0; call < SENDS; call++)
			CHECK_ERR(send_by(call, from, "roots", 1, 0), EACCES));
}

TEST(receive_without_a_peer)
{
	int stream = unbound(SOCK_STREAM), packets = unbound(SOCK_SEQPACKET);

	for (int call = 0; call < RECEIVES; call++) {
		CHECK_ERR(receive_by(call, stream, 0), EINVAL);
		CHECK_ERR(receive_by(call, packets, 0), ENOTCONN);
	}
}

TEST(accept4_errors)
{
	int l = listener(SOCK_STREAM, "l", 5), client = unbound(SOCK_STREAM);
	socklen_t len = sizeof(struct sockaddr_un), negative = (socklen_t)-1;
	struct sockaddr_un un;

	CHECK_ERR(accept4(l, NULL, NULL, 1), EINVAL);
	CHECK_ERR(accept4(unbound(SOCK_DGRAM), NULL, NULL, 0), EOPNOTSUPP);
	CHECK_ERR(accept4(unbound(SOCK_STREAM), NULL, NULL, 0), EINVAL);
	CHECK_EQ(CONNECT(client, "l"), 0);
	CHECK_ERR(accept4(l, BAD, &len, 0), EFAULT);
	CHECK_ERR(getpeername(client, BAD, &len), EFAULT);
	CHECK_ERR(getpeername(client, (void *)&un, BAD), EFAULT);
	CHECK_ERR(getpeername(client, (void *)&un, &negative), EINVAL);
	CHECK_ERR(getsockname(client, (void *)&un, &negative), EINVAL);
}

TEST(bind_read_only)
{
	if (syscall(NR_unshare, CLONE_NEWNS) == 0)
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	REQUIRE(mkdir("m", 0755) == 0);
	REQUIRE(mount("t", "m", "tmpfs", MS_RDONLY, NULL) == 0);
	CHECK_ERR(BIND(unbound(SOCK_STREAM), "m/s"), EROFS);
	CHECK_EQ(umount2("m", MNT_DETACH), 0);
}
