/*
 * The calls on sockets, whatever the family: socket(2), socketpair(2), send(2),
 * recv(2), shutdown(2) and kin. Options are in sockopt.c, what AF_UNIX alone
 * has in unix.c.
 */
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <time.h>
#include "sockopt.h"

static char buf[400000];

static void
handler(int sig)
{
	(void)sig;
}

static void
on_alarm(int flags)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = flags };

	REQUIRE(sigaction(SIGALRM, &act, NULL) == 0);
}

TEST(socket_kinds)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

	for (unsigned i = 0; i < 3; i++) {
		int s = socket(AF_UNIX, types[i], 0);

		CHECK(s >= 0);
		CHECK_EQ(option(s, SO_TYPE), types[i]);
		CHECK_EQ(option(s, SO_DOMAIN), AF_UNIX);
		CHECK_EQ(option(s, SO_PROTOCOL), 0);
		CHECK_EQ(option(s, SO_ACCEPTCONN), 0);
		CHECK_EQ(option(s, SO_ERROR), 0);
		close(s);
	}
	CHECK_EQ(option(socket(AF_UNIX, SOCK_RAW, 0), SO_TYPE), SOCK_DGRAM);
	CHECK(socket(AF_UNIX, SOCK_STREAM, AF_UNIX) >= 0);
}

TEST(socket_flags)
{
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	CHECK_EQ(fcntl(s, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(s, F_GETFL), O_RDWR | O_NONBLOCK);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(fcntl(s, F_GETFD), 0);
	CHECK_EQ(fcntl(s, F_GETFL), O_RDWR);
	pair(SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(fcntl(a[i], F_GETFD), FD_CLOEXEC);
		CHECK_EQ(fcntl(a[i], F_GETFL), O_RDWR | O_NONBLOCK);
	}
}

TEST(socket_errors)
{
	struct rlimit few = { 20, 20 };

	CHECK_ERR(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERR(socket(AF_MAX, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERR(socket(AF_UNIX, 11, 0), EINVAL);
	CHECK_ERR(socket(AF_UNIX, SOCK_STREAM | 0x10000, 0), EINVAL);
	CHECK_ERR(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
	CHECK_ERR(socket(AF_UNIX, SOCK_STREAM, 7), EPROTONOSUPPORT);
	CHECK_ERR(socketpair(AF_UNIX, SOCK_STREAM, 0, BAD), EFAULT);
	CHECK_ERR(socketpair(AF_MAX, SOCK_STREAM, 0, a), EAFNOSUPPORT);
	CHECK_ERR(socketpair(AF_UNIX, SOCK_STREAM, 7, a), EPROTONOSUPPORT);
	CHECK_ERR(socketpair(AF_UNIX, SOCK_STREAM | 0x10000, 0, a), EINVAL);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (dup(1) >= 0)
		;
	CHECK_ERR(socket(AF_UNIX, SOCK_STREAM, 0), EMFILE);
	CHECK_ERR(socketpair(AF_UNIX, SOCK_STREAM, 0, a), EMFILE);
	CHECK_ERR(socket(AF_MAX, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERR(socketpair(AF_MAX, SOCK_STREAM, 0, a), EMFILE);
}

TEST(socket_bad_descriptors)
{
	struct msghdr m = { 0 };
	struct mmsghdr mm = { 0 };
	socklen_t len = 4;

	for (int i = 0; i < 2; i++) {
		int fd = i ? open(".", O_RDONLY) : -1;
		int want = i ? ENOTSOCK : EBADF;

#define WRONG(call) (errno = 0, (call) == -1 && errno == want)
		CHECK(WRONG(bind(fd, (struct sockaddr *)buf, 10)));
		CHECK(WRONG(listen(fd, 1)));
		CHECK(WRONG(accept(fd, NULL, NULL)));
		CHECK(WRONG(accept4(fd, NULL, NULL, SOCK_CLOEXEC)));
		CHECK(WRONG(connect(fd, (struct sockaddr *)buf, 10)));
		CHECK(WRONG(send(fd, buf, 1, 0)));
		CHECK(WRONG(recv(fd, buf, 1, 0)));
		CHECK(WRONG(sendmsg(fd, &m, 0)));
		CHECK(WRONG(recvmsg(fd, &m, 0)));
		CHECK(WRONG(sendmmsg(fd, &mm, 1, 0)));
		CHECK(WRONG(recvmmsg(fd, &mm, 1, 0, NULL)));
		CHECK(WRONG(shutdown(fd, SHUT_RD)));
		CHECK(WRONG(getsockname(fd, (struct sockaddr *)buf, &len)));
		CHECK(WRONG(getpeername(fd, (struct sockaddr *)buf, &len)));
		CHECK(WRONG(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, buf, 4)));
		CHECK(WRONG(getsockopt(fd, SOL_SOCKET, SO_TYPE, buf, &len)));
	}
}

TEST(socket_file)
{
	struct stat st, st2;

	pair(SOCK_STREAM);
	CHECK_EQ(fstat(a[0], &st), 0);
	CHECK_EQ(fstat(a[1], &st2), 0);
	CHECK(S_ISSOCK(st.st_mode) && st.st_size == 0);
	CHECK(st.st_dev == st2.st_dev && st.st_ino != st2.st_ino);
	CHECK_ERR(lseek(a[0], 0, SEEK_SET), ESPIPE);
	CHECK_ERR(pread(a[0], buf, 1, 0), ESPIPE);
	CHECK_ERR(pwrite(a[0], buf, 1, 0), ESPIPE);
	CHECK_ERR(ftruncate(a[0], 0), EINVAL);
	CHECK_ERR(fsync(a[0]), EINVAL);
	CHECK_ERR(ioctl(a[0], TCGETS, buf), ENOTTY);
	CHECK_ERR(syscall(NR_getdents64, a[0], buf, 100), ENOTDIR);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, a[0], 0) == MAP_FAILED &&
	      errno == ENODEV);
	CHECK_EQ(readlink("/proc/self/fd/3", buf, 100) > 0, 1);
}

/* ---- Bytes ---- */

TEST(stream_carries_bytes)
{
	struct iovec iov[2] = { { "de", 2 }, { "fg", 2 } };

	pair(SOCK_STREAM);
	CHECK_EQ(send(a[0], "ab", 2, 0), 2);
	CHECK_EQ(write(a[0], "c", 1), 1);
	CHECK_EQ(writev(a[0], iov, 2), 4);
	CHECK_EQ(recv(a[1], buf, 100, 0), 7);
	CHECK(memcmp(buf, "abcdefg", 7) == 0);
	CHECK_EQ(send(a[1], "xyz", 3, 0), 3); /* both ways */
	iov[0] = (struct iovec){ buf, 1 };
	iov[1] = (struct iovec){ buf + 1, 5 };
	CHECK_EQ(readv(a[0], iov, 2), 3);
	CHECK(memcmp(buf, "xyz", 3) == 0);
	CHECK_EQ(write(a[0], "", 0), 0);
	CHECK_EQ(read(a[1], buf, 0), 0);
	CHECK_ERR(recv(a[1], buf, 0, MSG_DONTWAIT), EAGAIN);
}

TEST(packets_keep_their_ends)
{
	static const int types[] = { SOCK_DGRAM, SOCK_SEQPACKET };

	for (int i = 0; i < 2; i++) {
		pair(types[i]);
		CHECK_EQ(send(a[0], "abc", 3, 0), 3);
		CHECK_EQ(send(a[0], "", 0, 0), 0);
		CHECK_EQ(send(a[0], "defghi", 6, MSG_EOR), 6);
		CHECK_EQ(send(a[0], "jklmno", 6, 0), 6);
		CHECK_EQ(send(a[0], "p", 1, 0), 1);
		CHECK_EQ(recv(a[1], buf, 100, 0), 3);
		CHECK_EQ(recv(a[1], buf, 100, 0), 0);
		CHECK_EQ(recv(a[1], buf, 2, 0), 2); /* the rest is lost */
		CHECK_EQ(recv(a[1], buf, 2, MSG_TRUNC), 6);
		CHECK(memcmp(buf, "jk", 2) == 0);
		CHECK_EQ(read(a[1], buf, 100), 1);
		CHECK_EQ(buf[0], 'p');
		CHECK_ERR(recv(a[1], buf, 1, MSG_DONTWAIT), EAGAIN);
	}
}

TEST(recv_peek)
{
	pair(SOCK_STREAM);
	CHECK_EQ(send(a[0], "abc", 3, 0), 3);
	CHECK_EQ(recv(a[1], buf, 2, MSG_PEEK), 2);
	CHECK_EQ(recv(a[1], buf, 9, MSG_PEEK), 3);
	CHECK_EQ(recv(a[1], buf, 9, 0), 3);
	CHECK_ERR(recv(a[1], buf, 9, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
	pair(SOCK_SEQPACKET);
	CHECK_EQ(send(a[0], "abc", 3, 0), 3);
	CHECK_EQ(send(a[0], "de", 2, 0), 2);
	CHECK_EQ(recv(a[1], buf, 1, MSG_PEEK | MSG_TRUNC), 3);
	CHECK_EQ(recv(a[1], buf, 9, MSG_PEEK), 3);
	CHECK_EQ(recv(a[1], buf, 9, 0), 3);
	CHECK_EQ(recv(a[1], buf, 9, 0), 2);
}

TEST(recv_waitall)
{
	pair(SOCK_STREAM);
	if (fork() == 0) {
		for (int i = 0; i < 4; i++) {
			usleep(5000);
			send(a[0], "abcde", 5, 0);
		}
		_exit(0);
	}
	CHECK_EQ(recv(a[1], buf, 18, MSG_WAITALL), 18);
	CHECK_EQ(recv(a[1], buf, 18, MSG_DONTWAIT), 2);
	send(a[0], "xy", 2, 0);
	shutdown(a[0], SHUT_WR);
	CHECK_EQ(recv(a[1], buf, 18, MSG_WAITALL), 2);
}

/* A reader that wants all takes from a sender that cannot send all at once. */
TEST(recv_waitall_more_than_fits)
{
	size_t n = sizeof(buf);
	int status;

	pair(SOCK_STREAM);
	REQUIRE(set(a[0], SO_SNDBUF, 4096) == 0);
	if (fork() == 0) {
		for (size_t i = 0; i < n; i++)
			buf[i] = (char)(i % 251);
		_exit(send(a[0], buf, n, 0) != (ssize_t)n);
	}
	CHECK_EQ(recv(a[1], buf, n, MSG_WAITALL), n);
	for (size_t i = 0; i < n; i++)
		REQUIRE(buf[i] == (char)(i % 251));
	CHECK(wait(&status) > 0 && status == 0);
}

TEST(recv_low_water)
{
	pair(SOCK_STREAM);
	CHECK_EQ(set(a[1], SO_RCVLOWAT, 6), 0);
	if (fork() == 0) {
		for (int i = 0; i < 2; i++) {
			usleep(5000);
			send(a[0], "abc", 3, 0);
		}
		_exit(0);
	}
	CHECK_EQ(recv(a[1], buf, 100, 0), 6);
}

TEST(send_fills_the_queue)
{
	long total = 0;
	ssize_t n;
	int queued = -1;

	pair(SOCK_STREAM | SOCK_NONBLOCK);
	while ((n = send(a[0], buf, 10000, 0)) > 0)
		total += n;
	CHECK(n == -1 && errno == EAGAIN);
	CHECK(total >= 100000 && total < 2000000);
	CHECK_EQ(ioctl(a[1], FIONREAD, &queued), 0);
	CHECK_EQ(queued, total);
	CHECK_EQ(ioctl(a[0], SIOCOUTQ, &queued), 0);
	CHECK(queued >= total);
	CHECK_EQ(ioctl(a[1], SIOCOUTQ, &queued), 0);
	CHECK_EQ(queued, 0);
	CHECK_ERR(ioctl(a[0], FIONREAD, BAD), EFAULT);
	while ((n = recv(a[1], buf, sizeof(buf), 0)) > 0)
		total -= n;
	CHECK_EQ(total, 0);
	CHECK_EQ(ioctl(a[0], SIOCOUTQ, &queued), 0);
	CHECK_EQ(queued, 0);
	CHECK_EQ(send(a[0], buf, 10000, 0), 10000);
}

TEST(send_blocks_until_there_is_room)
{
	static char in[sizeof(buf)];
	size_t got = 0;
	ssize_t n;
	int status;

	pair(SOCK_STREAM);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (char)(i % 251);
	if (fork() == 0) {
		close(a[1]);
		for (int i = 0; i < 3; i++)
			if (write(a[0], buf, sizeof(buf)) != sizeof(buf))
				_exit(1);
		_exit(0);
	}
	close(a[0]);
	for (int i = 0; i < 3; i++, got = 0) {
		while (got < sizeof(in) &&
		       (n = read(a[1], in + got,
				 MIN(7777ul, sizeof(in) - got))) > 0)
			got += (size_t)n;
		CHECK(memcmp(in, buf, sizeof(in)) == 0);
	}
	CHECK_EQ(read(a[1], in, 1), 0);
	CHECK(wait(&status) > 0 && status == 0);
}

TEST(packets_have_a_largest_size)
{
	pair(SOCK_SEQPACKET);
	CHECK_ERR(send(a[0], buf, 213000, 0), EMSGSIZE);
	CHECK_EQ(set(a[0], SO_SNDBUF, 4096), 0);
	CHECK_ERR(send(a[0], buf, 8192, 0), EMSGSIZE);
	CHECK_EQ(send(a[0], buf, 8192 - 32, 0), 8192 - 32);
	pair(SOCK_DGRAM);
	CHECK_ERR(send(a[0], buf, 213000, 0), EMSGSIZE);
	CHECK_EQ(send(a[0], buf, 200000, 0), 200000);
	CHECK_EQ(recv(a[1], buf, sizeof(buf), 0), 200000);
}

TEST(send_and_recv_faults)
{
	struct msghdr m = { .msg_iov = BAD, .msg_iovlen = 1 };
	struct iovec iov = { BAD, 4 };

	pair(SOCK_STREAM);
	CHECK_ERR(send(a[0], BAD, 4, 0), EFAULT);
	CHECK_ERR(send(a[0], KERNEL_HALF, 4, 0), EFAULT);
	CHECK_ERR(sendmsg(a[0], BAD, 0), EFAULT);
	CHECK_ERR(sendmsg(a[0], &m, 0), EFAULT);
	CHECK_ERR(recvmsg(a[0], BAD, 0), EFAULT);
	CHECK_ERR(recvmsg(a[0], &m, 0), EFAULT);
	m.msg_iov = &iov;
	CHECK_ERR(sendmsg(a[0], &m, 0), EFAULT);
	m.msg_iovlen = 1025;
	CHECK_ERR(sendmsg(a[0], &m, 0), EMSGSIZE);
	CHECK_ERR(recvmsg(a[0], &m, 0), EMSGSIZE);
	m = (struct msghdr){ .msg_control = BAD, .msg_controllen = 16 };
	CHECK_ERR(sendmsg(a[0], &m, 0), EFAULT);
	m = (struct msghdr){ .msg_name = BAD, .msg_namelen = 16 };
	CHECK_ERR(sendmsg(a[0], &m, 0), EFAULT);
	m = (struct msghdr){ .msg_name = buf, .msg_namelen = -1u };
	CHECK_ERR(sendmsg(a[0], &m, 0), EINVAL);
	CHECK_ERR(recvmsg(a[0], &m, MSG_DONTWAIT), EINVAL);
	m.msg_name = NULL; /* then its length does not matter */
	CHECK_EQ(sendmsg(a[0], &m, 0), 0);
	CHECK_ERR(recvmsg(a[0], &m, MSG_DONTWAIT), EAGAIN);
	m = (struct msghdr){ .msg_control = buf, .msg_controllen = 1ul << 40 };
	CHECK_ERR(sendmsg(a[0], &m, 0), ENOBUFS);
	CHECK_EQ(send(a[0], "abc", 3, 0), 3); /* nothing is there so far */
	CHECK_ERR(recv(a[1], BAD, 4, 0), EFAULT);
	CHECK_EQ(recv(a[1], buf, 4, 0), 3);
}

TEST(sendmsg_and_recvmsg)
{
	struct iovec iov[2] = { { "ab", 2 }, { "cde", 3 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	pair(SOCK_DGRAM);
	CHECK_EQ(sendmsg(a[0], &m, 0), 5);
	CHECK_EQ(sendmsg(a[0], &m, 0), 5);
	iov[0] = (struct iovec){ buf, 1 };
	iov[1] = (struct iovec){ buf + 1, 100 };
	m.msg_flags = -1;
	CHECK_EQ(recvmsg(a[1], &m, 0), 5);
	CHECK(memcmp(buf, "abcde", 5) == 0);
	CHECK_EQ(m.msg_flags, 0);
	m.msg_iovlen = 1;
	CHECK_EQ(recvmsg(a[1], &m, MSG_CMSG_CLOEXEC), 1);
	CHECK_EQ(m.msg_flags, (int)(MSG_TRUNC | MSG_CMSG_CLOEXEC));
}

static struct mmsghdr mm[5];
static struct iovec iovs[5];
static char small[5][8];

static void
prepare_five(size_t len)
{
	for (int i = 0; i < 5; i++) {
		iovs[i] = (struct iovec){ small[i], len };
		mm[i] = (struct mmsghdr){
			.msg_hdr = { .msg_iov = &iovs[i], .msg_iovlen = 1 },
		};
	}
}

TEST(sendmmsg_and_recvmmsg)
{
	struct timespec ts = { 5, 0 };

	pair(SOCK_DGRAM);
	prepare_five(3);
	for (int i = 0; i < 5; i++)
		memset(small[i], 'a' + i, 3);
	CHECK_EQ(sendmmsg(a[0], mm, 5, 0), 5);
	CHECK_EQ(mm[4].msg_len, 3);
	prepare_five(8);
	CHECK_EQ(recvmmsg(a[1], mm, 2, 0, NULL), 2);
	CHECK(mm[1].msg_len == 3 && small[1][0] == 'b');
	CHECK_EQ(recvmmsg(a[1], mm, 5, MSG_WAITFORONE, &ts), 3);
	CHECK(mm[2].msg_len == 3 && small[2][0] == 'e');
	CHECK(ts.tv_sec <= 5);
	CHECK_ERR(recvmmsg(a[1], mm, 5, MSG_DONTWAIT, NULL), EAGAIN);
	CHECK_EQ(sendmmsg(a[0], mm, 0, 0), 0);
	mm[1].msg_hdr.msg_iov = BAD;
	CHECK_EQ(sendmmsg(a[0], mm, 5, 0), 1);
	CHECK_ERR(sendmmsg(a[0], mm + 1, 4, 0), EFAULT);
	CHECK_ERR(sendmmsg(a[0], BAD, 1, 0), EFAULT);
	ts.tv_nsec = -1;
	CHECK_ERR(recvmmsg(a[1], mm, 1, 0, &ts), EINVAL);
	CHECK_ERR(recvmmsg(a[1], mm, 1, 0, BAD), EFAULT);
	CHECK_ERR(recvmmsg(a[1], BAD, 1, 0, NULL), EFAULT);
}

/* ---- The end ---- */

TEST(closed_peer_of_a_stream)
{
	pair(SOCK_STREAM);
	CHECK_EQ(send(a[0], "abc", 3, 0), 3);
	close(a[0]);
	CHECK_EQ(recv(a[1], buf, 2, 0), 2);
	CHECK_EQ(recv(a[1], buf, 2, 0), 1);
	CHECK_EQ(recv(a[1], buf, 2, 0), 0);
	CHECK_EQ(WTERMSIG(IN_CHILD(send(a[1], "x", 1, 0))), SIGPIPE);
	CHECK_EQ(WTERMSIG(IN_CHILD(write(a[1], "x", 1))), SIGPIPE);
	CHECK_ERR(send(a[1], "x", 1, MSG_NOSIGNAL), EPIPE);
}

TEST(unread_bytes_reset_the_peer)
{
	pair(SOCK_STREAM);
	CHECK_EQ(send(a[0], "abc", 3, 0), 3);
	close(a[1]);
	CHECK_EQ(option(a[0], SO_ERROR), ECONNRESET);
	CHECK_EQ(option(a[0], SO_ERROR), 0); /* told once */
	CHECK_EQ(recv(a[0], buf, 1, 0), 0);
	pair(SOCK_STREAM);
	CHECK_EQ(send(a[0], "abc", 3, 0), 3);
	CHECK_EQ(send(a[1], "def", 3, 0), 3);
	close(a[1]);
	CHECK_EQ(recv(a[0], buf, 9, 0), 3); /* what has come is there */
	CHECK_ERR(recv(a[0], buf, 9, 0), ECONNRESET);
	CHECK_EQ(recv(a[0], buf, 9, 0), 0);
}

/* Where recvmsg gives what has come before it, recvmmsg does not. */
TEST(recvmmsg_tells_an_error_first)
{
	struct iovec iov = { buf, 9 };
	struct mmsghdr mm = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };

	for (unsigned count = 0; count < 2; count++) {
		pair(SOCK_STREAM);
		CHECK_EQ(send(a[0], "abc", 3, 0), 3);
		CHECK_EQ(send(a[1], "def", 3, 0), 3);
		close(a[1]);
		CHECK_ERR(recvmmsg(a[0], &mm, count, 0, NULL), ECONNRESET);
		CHECK_EQ(recvmmsg(a[0], &mm, 1, 0, NULL), 1);
		CHECK_EQ(mm.msg_len, 3);
	}
}

TEST(closed_peer_of_packets)
{
	pair(SOCK_SEQPACKET);
	close(a[0]);
	CHECK_EQ(recv(a[1], buf, 1, 0), 0);
	CHECK_ERR(send(a[1], "x", 1, 0), EPIPE); /* and no signal */
	pair(SOCK_SEQPACKET);
	CHECK_EQ(send(a[0], "abc", 3, 0), 3);
	close(a[1]);
	CHECK_ERR(recv(a[0], buf, 1, 0), ECONNRESET);
	pair(SOCK_DGRAM);
	close(a[0]);
	CHECK_ERR(send(a[1], "x", 1, 0), ECONNREFUSED);
	CHECK_ERR(send(a[1], "x", 1, 0), ENOTCONN);
	CHECK_ERR(recv(a[1], "x", 1, MSG_DONTWAIT), EAGAIN);
}

TEST(shutdown_of_a_stream)
{
	pair(SOCK_STREAM);
	CHECK_ERR(shutdown(a[0], 3), EINVAL);
	CHECK_ERR(shutdown(a[0], -1), EINVAL);
	CHECK_EQ(send(a[0], "abc", 3, 0), 3);
	CHECK_EQ(shutdown(a[0], SHUT_WR), 0);
	CHECK_ERR(send(a[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(recv(a[1], buf, 9, 0), 3);
	CHECK_EQ(recv(a[1], buf, 9, 0), 0);
	CHECK_EQ(send(a[1], "back", 4, 0), 4); /* the other way is open */
	CHECK_EQ(recv(a[0], buf, 9, 0), 4);
	CHECK_EQ(shutdown(a[0], SHUT_RD), 0);
	CHECK_EQ(recv(a[0], buf, 9, 0), 0);
	CHECK_ERR(send(a[1], "x", 1, MSG_NOSIGNAL), EPIPE);
}

TEST(shutdown_of_datagrams)
{
	pair(SOCK_DGRAM);
	CHECK_EQ(shutdown(a[0], SHUT_RD), 0);
	CHECK_ERR(send(a[1], "x", 1, 0), EPIPE);
	CHECK_EQ(recv(a[0], buf, 1, 0), 0);
	CHECK_ERR(recv(a[0], buf, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(shutdown(a[0], SHUT_WR), 0);
	CHECK_ERR(send(a[0], "x", 1, 0), EPIPE);
}

TEST(shutdown_wakes)
{
	pair(SOCK_STREAM);
	if (fork() == 0) {
		usleep(20000);
		shutdown(a[1], SHUT_RDWR);
		_exit(0);
	}
	CHECK_EQ(recv(a[1], buf, 1, 0), 0);
	pair(SOCK_STREAM);
	if (fork() == 0) {
		usleep(20000);
		shutdown(a[1], SHUT_RDWR);
		_exit(0);
	}
	CHECK(send(a[0], buf, sizeof(buf), MSG_NOSIGNAL) > 0); /* a part */
	CHECK_ERR(send(a[0], buf, 1, MSG_NOSIGNAL), EPIPE);
}

/* ---- Waiting ---- */

TEST(receive_timeout)
{
	struct timespec t0, t1;

	pair(SOCK_STREAM);
	CHECK_EQ(set_time(a[0], SO_RCVTIMEO, 0, 30000), 0);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	CHECK_ERR(recv(a[0], buf, 1, 0), EAGAIN);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	CHECK((t1.tv_sec - t0.tv_sec) * 1000 +
		      (t1.tv_nsec - t0.tv_nsec) / 1000000 >=
	      29);
	pair(SOCK_DGRAM);
	CHECK_EQ(set_time(a[0], SO_RCVTIMEO, 0, 30000), 0);
	CHECK_ERR(recv(a[0], buf, 1, 0), EAGAIN);
}

TEST(send_timeout)
{
	pair(SOCK_STREAM);
	CHECK_EQ(set_time(a[0], SO_SNDTIMEO, 0, 30000), 0);
	while (send(a[0], buf, 10000, MSG_DONTWAIT) > 0)
		;
	CHECK_ERR(send(a[0], buf, 1, 0), EAGAIN);
}

TEST(interrupted_waits)
{
	struct itimerval soon = { { 0, 30000 }, { 0, 30000 } }, off = { 0 };

	pair(SOCK_STREAM);
	on_alarm(0);
	CHECK_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
	CHECK_ERR(recv(a[0], buf, 1, 0), EINTR);
	while (send(a[0], buf, 10000, MSG_DONTWAIT) > 0)
		;
	CHECK_ERR(send(a[0], buf, 1, 0), EINTR);
	/* with a time-out it is not begun again, signal(7) */
	on_alarm(SA_RESTART);
	CHECK_EQ(set_time(a[0], SO_RCVTIMEO, 20, 0), 0);
	CHECK_ERR(recv(a[0], buf, 1, 0), EINTR);
	CHECK_EQ(set_time(a[0], SO_RCVTIMEO, 0, 0), 0);
	if (fork() == 0) {
		usleep(150000);
		send(a[1], "x", 1, 0);
		_exit(0);
	}
	CHECK_EQ(recv(a[0], buf, 1, 0), 1);
	setitimer(ITIMER_REAL, &off, NULL);
}

static short
poll_one(int fd, short events)
{
	struct pollfd f = { fd, events, -1 };

	return poll(&f, 1, 0) < 0 ? -1 : f.revents;
}

#define ALL (POLLIN | POLLOUT | POLLRDHUP | POLLPRI)

TEST(poll_of_a_stream)
{
	pair(SOCK_STREAM | SOCK_NONBLOCK);
	CHECK_EQ(poll_one(a[0], ALL), POLLOUT);
	CHECK_EQ(send(a[1], "x", 1, 0), 1);
	CHECK_EQ(poll_one(a[0], ALL), POLLIN | POLLOUT);
	while (send(a[0], buf, 10000, 0) > 0)
		;
	CHECK_EQ(poll_one(a[0], ALL), POLLIN);
	while (recv(a[1], buf, sizeof(buf), 0) > 0)
		;
	CHECK_EQ(poll_one(a[0], ALL), POLLIN | POLLOUT);
	CHECK_EQ(shutdown(a[1], SHUT_WR), 0);
	CHECK_EQ(poll_one(a[0], ALL), POLLIN | POLLOUT | POLLRDHUP);
	close(a[1]);
	CHECK_EQ(poll_one(a[0], ALL), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	CHECK_EQ(poll_one(socket(AF_UNIX, SOCK_STREAM, 0), ALL),
		 POLLOUT | POLLHUP);
	CHECK_EQ(poll_one(socket(AF_UNIX, SOCK_DGRAM, 0), ALL), POLLOUT);
	pair(SOCK_STREAM);
	send(a[0], "x", 1, 0);
	close(a[1]);
	CHECK(poll_one(a[0], ALL) & POLLERR);
}

TEST(poll_wakes_on_sockets)
{
	struct pollfd f;

	pair(SOCK_STREAM | SOCK_NONBLOCK);
	if (fork() == 0) {
		usleep(20000);
		send(a[1], "x", 1, 0);
		_exit(0);
	}
	f = (struct pollfd){ a[0], POLLIN, 0 };
	CHECK_EQ(poll(&f, 1, -1), 1);
	CHECK_EQ(f.revents, POLLIN);
	while (send(a[0], buf, 10000, 0) > 0)
		;
	if (fork() == 0) {
		usleep(20000);
		while (recv(a[1], buf, sizeof(buf), 0) > 0)
			;
		_exit(0);
	}
	f = (struct pollfd){ a[0], POLLOUT, 0 };
	CHECK_EQ(poll(&f, 1, -1), 1);
	if (fork() == 0) {
		usleep(20000);
		shutdown(a[0], SHUT_WR);
		_exit(0);
	}
	f = (struct pollfd){ a[1], POLLRDHUP, 0 };
	CHECK_EQ(poll(&f, 1, -1), 1);
}

TEST(nonblocking_by_ioctl)
{
	int on = 1;

	pair(SOCK_DGRAM);
	CHECK_EQ(ioctl(a[0], FIONBIO, &on), 0);
	CHECK_ERR(recv(a[0], buf, 1, 0), EAGAIN);
}

TEST(sendfile_to_sockets)
{
	off_t from = 1;
	int fd;

	make_file("f", "abcdefgh");
	fd = open("f", O_RDONLY);
	pair(SOCK_STREAM);
	CHECK_EQ(sendfile(a[0], fd, &from, 3), 3);
	CHECK_EQ(recv(a[1], buf, 100, 0), 3);
	CHECK(memcmp(buf, "bcd", 3) == 0 && from == 4);
	CHECK_EQ(sendfile(a[0], fd, NULL, 100), 8);
	CHECK_EQ(recv(a[1], buf, 100, 0), 8);
	CHECK_ERR(sendfile(a[0], a[1], NULL, 1), EINVAL);
}
