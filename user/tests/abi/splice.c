/*
 * splice(2), tee(2), vmsplice(2); the size of a pipe, fcntl(2).
 */
#include <abi/splice.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "check.h"

static int p[2], q[2];
static char buf[200000], big[100000];

static long
splice(int in, off_t *in_pos, int out, off_t *out_pos, size_t n, unsigned flags)
{
	return syscall(NR_splice, in, in_pos, out, out_pos, n, flags);
}

static long
tee(int in, int out, size_t n, unsigned flags)
{
	return syscall(NR_tee, in, out, n, flags);
}

static long
vmsplice(int fd, const struct iovec *iov, size_t n, unsigned flags)
{
	return syscall(NR_vmsplice, fd, iov, n, flags);
}

static void
two_pipes(int flags)
{
	REQUIRE(pipe2(p, flags) == 0);
	REQUIRE(pipe2(q, flags) == 0);
}

TEST(splice_file_to_pipe)
{
	off_t pos = 2;
	int fd;

	make_file("f", "abcdefgh");
	fd = open("f", O_RDONLY);
	two_pipes(0);
	CHECK_EQ(splice(fd, NULL, p[1], NULL, 3, 0), 3);
	CHECK_EQ(splice(fd, &pos, p[1], NULL, 2, SPLICE_F_MOVE), 2);
	CHECK_EQ(pos, 4);
	CHECK_EQ(splice(fd, NULL, p[1], NULL, 100, SPLICE_F_MORE), 5);
	CHECK_EQ(splice(fd, NULL, p[1], NULL, 100, 0), 0); /* end of file */
	CHECK_EQ(read(p[0], buf, 100), 10);
	CHECK(memcmp(buf, "abccddefgh", 10) == 0);
}

TEST(splice_pipe_to_file)
{
	off_t pos = 4;
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	two_pipes(0);
	CHECK_EQ(write(p[1], "abcdefgh", 8), 8);
	CHECK_EQ(splice(p[0], NULL, fd, NULL, 3, 0), 3);
	CHECK_EQ(splice(p[0], NULL, fd, &pos, 100, 0), 5);
	CHECK_EQ(pos, 9);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3);
	CHECK_EQ(pread(fd, buf, 100, 0), 9);
	CHECK(memcmp(buf, "abc\0defgh", 9) == 0);
	close(p[1]);
	CHECK_EQ(splice(p[0], NULL, fd, NULL, 100, 0), 0);
}

TEST(splice_much)
{
	int in, out;
	long n, sum = 0;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i % 251);
	in = open("in", O_RDWR | O_CREAT, 0644);
	out = open("out", O_RDWR | O_CREAT, 0644);
	REQUIRE(write(in, big, sizeof(big)) == sizeof(big));
	lseek(in, 1, SEEK_SET);
	two_pipes(0);
	CHECK_EQ(write(p[1], "x", 1), 1); /* pages of the two do not agree */
	while ((n = splice(in, NULL, p[1], NULL, 1 << 20, 0)) > 0) {
		long left = n + (sum == 0);

		while (left > 0) {
			long m = splice(p[0], NULL, out, NULL, (size_t)left, 0);

			REQUIRE(m > 0);
			left -= m;
			sum += m;
		}
	}
	CHECK_EQ(sum, sizeof(big));
	CHECK_EQ(pread(out, buf, sizeof(buf), 0), sizeof(big));
	CHECK(buf[0] == 'x' && memcmp(buf + 1, big + 1, sizeof(big) - 1) == 0);
}

TEST(splice_between_pipes)
{
	two_pipes(0);
	CHECK_EQ(write(p[1], "abcdef", 6), 6);
	CHECK_EQ(splice(p[0], NULL, q[1], NULL, 4, 0), 4);
	CHECK_EQ(read(q[0], buf, 100), 4);
	CHECK(memcmp(buf, "abcd", 4) == 0);
	CHECK_EQ(read(p[0], buf, 100), 2);
	if (fork() == 0) {
		usleep(20000);
		write(p[1], "later", 5);
		_exit(0);
	}
	CHECK_EQ(splice(p[0], NULL, q[1], NULL, 100, 0), 5); /* waits */
	close(p[1]);
	CHECK_EQ(splice(p[0], NULL, q[1], NULL, 100, 0), 0);
}

TEST(splice_socket)
{
	int s[2];

	two_pipes(0);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	CHECK_EQ(send(s[0], "abc", 3, 0), 3);
	CHECK_EQ(splice(s[1], NULL, p[1], NULL, 100, 0), 3);
	CHECK_EQ(splice(p[0], NULL, s[1], NULL, 100, 0), 3);
	CHECK_EQ(recv(s[0], buf, 100, 0), 3);
	CHECK(memcmp(buf, "abc", 3) == 0);
	shutdown(s[0], SHUT_WR);
	CHECK_EQ(splice(s[1], NULL, p[1], NULL, 100, 0), 0);
}

TEST(splice_devices)
{
	two_pipes(0);
	CHECK_EQ(write(p[1], "abc", 3), 3);
	CHECK_EQ(splice(p[0], NULL, open("/dev/null", O_WRONLY), NULL, 9, 0),
		 3);
}

TEST(splice_does_not_block)
{
	int fd;

	two_pipes(0);
	make_file("f", "abc");
	fd = open("f", O_RDWR);
	CHECK_ERR(splice(p[0], NULL, fd, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERR(splice(p[0], NULL, q[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERR(tee(p[0], q[1], 1, SPLICE_F_NONBLOCK), EAGAIN);
	two_pipes(O_NONBLOCK);
	while (write(p[1], big, 4096) > 0)
		;
	CHECK_ERR(splice(fd, NULL, p[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERR(splice(q[0], NULL, fd, NULL, 1, 0), EAGAIN); /* O_NONBLOCK */
	CHECK_EQ(write(q[1], "x", 1), 1);
	CHECK_ERR(splice(q[0], NULL, p[1], NULL, 1, 0), EAGAIN);
	CHECK_ERR(tee(q[0], p[1], 1, 0), EAGAIN);
}

TEST(splice_errors)
{
	off_t pos = 0, negative = -1;
	int fd, folder = open(".", O_RDONLY), append;

	make_file("f", "abc");
	fd = open("f", O_RDWR);
	append = open("f", O_RDWR | O_APPEND);
	two_pipes(0);
	CHECK_EQ(write(p[1], "abc", 3), 3);
	CHECK_EQ(splice(-1, NULL, -1, NULL, 0, 0), 0);
	CHECK_ERR(splice(-1, NULL, p[1], NULL, 1, 0), EBADF);
	CHECK_ERR(splice(fd, NULL, -1, NULL, 1, 0), EBADF);
	CHECK_ERR(splice(p[1], NULL, fd, NULL, 1, 0), EBADF);
	CHECK_ERR(splice(fd, NULL, p[0], NULL, 1, 0), EBADF);
	CHECK_ERR(splice(fd, NULL, fd, NULL, 1, 0), EINVAL);
	CHECK_ERR(splice(p[0], NULL, p[1], NULL, 1, 0), EINVAL);
	CHECK_ERR(splice(p[0], NULL, append, NULL, 1, 0), EINVAL);
	CHECK_ERR(splice(fd, NULL, p[1], NULL, 1, 0x100), EINVAL);
	CHECK_ERR(splice(folder, NULL, p[1], NULL, 1, 0), EINVAL);
	CHECK_ERR(splice(p[0], &pos, fd, NULL, 1, 0), ESPIPE);
	CHECK_ERR(splice(fd, NULL, p[1], &pos, 1, 0), ESPIPE);
	CHECK_ERR(splice(fd, NULL, p[0], &pos, 1, 0), ESPIPE);
	CHECK_ERR(splice(p[0], &pos, q[1], NULL, 1, 0), ESPIPE);
	CHECK_ERR(splice(fd, BAD, p[1], NULL, 1, 0), EFAULT);
	CHECK_ERR(splice(fd, &negative, p[1], NULL, 1, 0), EINVAL);
	close(q[0]);
	CHECK_EQ(WTERMSIG(IN_CHILD(splice(fd, NULL, q[1], NULL, 1, 0))),
		 SIGPIPE);
	CHECK_EQ(WTERMSIG(IN_CHILD(splice(p[0], NULL, q[1], NULL, 1, 0))),
		 SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERR(splice(fd, NULL, q[1], NULL, 1, 0), EPIPE);
	CHECK_ERR(splice(p[0], NULL, q[1], NULL, 1, 0), EPIPE);
}

TEST(tee_copies)
{
	two_pipes(0);
	CHECK_EQ(write(p[1], "abcdef", 6), 6);
	CHECK_EQ(tee(p[0], q[1], 4, 0), 4);
	CHECK_EQ(read(q[0], buf, 100), 4);
	CHECK(memcmp(buf, "abcd", 4) == 0);
	CHECK_EQ(tee(p[0], q[1], 100, 0), 6);
	CHECK_EQ(read(p[0], buf, 100), 6); /* it is all there still */
	CHECK_EQ(read(q[0], buf, 100), 6);
	CHECK(memcmp(buf, "abcdef", 6) == 0);
	CHECK_EQ(tee(p[0], q[1], 0, 0), 0);
	close(p[1]);
	CHECK_EQ(tee(p[0], q[1], 1, 0), 0);
}

TEST(tee_errors)
{
	make_file("f", "");
	two_pipes(0);
	CHECK_EQ(write(p[1], "abc", 3), 3);
	CHECK_ERR(tee(-1, q[1], 1, 0), EBADF);
	CHECK_ERR(tee(p[0], -1, 1, 0), EBADF);
	CHECK_ERR(tee(p[1], q[1], 1, 0), EBADF);
	CHECK_ERR(tee(p[0], p[1], 1, 0), EINVAL);
	CHECK_ERR(tee(p[0], open("f", O_RDWR), 1, 0), EINVAL);
	CHECK_ERR(tee(open("f", O_RDWR), q[1], 1, 0), EINVAL);
	CHECK_ERR(tee(p[0], q[1], 1, 0x100), EINVAL);
	close(q[0]);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERR(tee(p[0], q[1], 1, 0), EPIPE);
}

/** Who waits for bytes does not look yet whether they can be written. */
TEST(empty_before_broken)
{
	two_pipes(O_NONBLOCK);
	close(q[0]);
	CHECK_ERR(tee(p[0], q[1], 1, 0), EAGAIN);
	CHECK_ERR(splice(p[0], NULL, q[1], NULL, 1, 0), EAGAIN);
	close(p[1]);
	CHECK_EQ(WTERMSIG(IN_CHILD(tee(p[0], q[1], 1, 0))), SIGPIPE);
}

TEST(vmsplice_both_ways)
{
	struct iovec iov[2] = { { "abc", 3 }, { "de", 2 } };

	two_pipes(0);
	CHECK_EQ(vmsplice(p[1], iov, 2, SPLICE_F_GIFT), 5);
	CHECK_EQ(vmsplice(p[1], iov, 0, 0), 0);
	iov[0] = (struct iovec){ buf, 1 };
	iov[1] = (struct iovec){ buf + 1, 100 };
	CHECK_EQ(vmsplice(p[0], iov, 2, 0), 5);
	CHECK(memcmp(buf, "abcde", 5) == 0);
	iov[0] = (struct iovec){ big, sizeof(big) }; /* more than fits */
	CHECK(vmsplice(p[1], iov, 1, SPLICE_F_NONBLOCK) >= 4096);
	CHECK_ERR(vmsplice(p[1], iov, 1, SPLICE_F_NONBLOCK), EAGAIN);
}

TEST(vmsplice_errors)
{
	struct iovec iov = { BAD, 1 }, good = { buf, 1 };

	two_pipes(0);
	CHECK_ERR(vmsplice(-1, &good, 1, 0), EBADF);
	CHECK_ERR(vmsplice(open(".", O_RDONLY), &good, 1, 0), EBADF);
	CHECK_ERR(vmsplice(p[1], &good, 1, 0x100), EINVAL);
	CHECK_ERR(vmsplice(p[1], &good, 1025, 0), EINVAL);
	CHECK_ERR(vmsplice(p[1], BAD, 1, 0), EFAULT);
	CHECK_ERR(vmsplice(p[1], &iov, 1, 0), EFAULT);
	CHECK_EQ(vmsplice(p[1], &good, 1, 0), 1);
	CHECK_ERR(vmsplice(p[0], &iov, 1, 0), EFAULT);
	CHECK_ERR(vmsplice(p[0], BAD, 1, 0), EFAULT);
}

/* A reader and a splice at one pipe: each byte goes to one of them. */
TEST(splice_shares_a_pipe)
{
	long n, sum = 0;
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	two_pipes(0);
	if (fork() == 0) {
		for (int i = 0; i < 100; i++)
			write(p[1], big, 1000);
		_exit(0);
	}
	close(p[1]);
	if (fork() == 0) {
		while ((n = read(p[0], buf, 777)) > 0)
			sum += n;
		write(q[1], &sum, sizeof(sum));
		_exit(0);
	}
	while ((n = splice(p[0], NULL, fd, NULL, 555, 0)) > 0)
		sum += n;
	CHECK_EQ(n, 0);
	CHECK_EQ(size_of_file("f"), sum);
	CHECK_EQ(read(q[0], &n, sizeof(n)), sizeof(n));
	CHECK_EQ(sum + n, 100000);
}

/** A child that has not the pipe's writing end. @return it, once it sleeps */
#define SLEEPING_CHILD(...)                                                    \
	({                                                                     \
		pid_t child_ = fork();                                         \
		if (child_ == 0) {                                             \
			close(p[1]);                                           \
			__VA_ARGS__;                                           \
			_exit(check_failures != 0);                            \
		}                                                              \
		until_asleep(child_);                                          \
		child_;                                                        \
	})

static int
status_of(pid_t child)
{
	int status = -1;

	REQUIRE(waitpid(child, &status, 0) == child);
	return status;
}

/* The last writer goes while a splice holds the reading end: everybody who
 * waits for that end is told of the end of the file. */
TEST(splice_holds_up_the_end_of_file)
{
	long n, filled = 0;
	int s[2];
	pid_t splicer, readers[2], closer;

	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) == 0);
	while ((n = write(s[0], big, sizeof(big))) > 0)
		filled += n;
	REQUIRE(fcntl(s[0], F_SETFL, 0) == 0 && fcntl(s[1], F_SETFL, 0) == 0);
	two_pipes(0);
	REQUIRE(write(p[1], "x", 1) == 1);
	splicer = SLEEPING_CHILD(
		CHECK_EQ(splice(p[0], NULL, s[0], NULL, 1, 0), 1));
	for (int i = 0; i < 2; i++)
		readers[i] = SLEEPING_CHILD(CHECK_EQ(read(p[0], buf, 1), 0));
	closer = fork();
	if (closer == 0) { /* on Linux it waits for the splice, too */
		read(q[0], buf, 1);
		close(p[1]);
		pause();
	}
	close(p[1]);
	REQUIRE(write(q[1], "x", 1) == 1);
	until_asleep(closer);
	for (filled++; filled > 0; filled -= n)
		REQUIRE((n = read(s[1], buf, sizeof(buf))) > 0);
	CHECK_EQ(status_of(splicer), 0);
	CHECK_EQ(status_of(readers[0]), 0);
	CHECK_EQ(status_of(readers[1]), 0);
}

/* A tee is woken for bytes and finds no room for them: who reads gets them. */
TEST(tee_without_room_passes_a_wake_up_on)
{
	pid_t reader;

	two_pipes(0);
	REQUIRE(fcntl(q[1], F_SETFL, O_NONBLOCK) == 0);
	while (write(q[1], big, 4096) > 0)
		;
	REQUIRE(fcntl(q[1], F_SETFL, 0) == 0);
	SLEEPING_CHILD(tee(p[0], q[1], 1, 0));
	reader = SLEEPING_CHILD(CHECK_EQ(read(p[0], buf, 1), 1));
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(status_of(reader), 0);
}

TEST(sendfile_to_a_pipe)
{
	make_file("f", "abcdef");
	two_pipes(0);
	CHECK_EQ(sendfile(p[1], open("f", O_RDONLY), NULL, 100), 6);
	CHECK_EQ(read(p[0], buf, 100), 6);
	CHECK(memcmp(buf, "abcdef", 6) == 0);
}

/* A pipe has other sizes while bytes are in it, around the end of its ring. */
TEST(pipe_resized_in_use)
{
	static char in[1 << 20], out[1 << 20];
	static const int sizes[] = {
		131072, 131072, 32768, 65536, 65536, 16384
	};
	static const int eighths[] = { 0, 3, 7 };
	size_t written = 0, got = 0;

	two_pipes(O_NONBLOCK);
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = i * 7 + i / 4096;
	for (int i = 0; i < 60; i++) {
		/* As much as fits, and a part of it out again. */
		while (written < sizeof(in)) {
			long n = write(p[1], in + written,
				       MIN(1777ul, sizeof(in) - written));

			if (n < 0)
				break;
			written += n;
		}
		REQUIRE(written == sizeof(in) || errno == EAGAIN);
		for (long n, part = (written - got) * eighths[i % 3] / 8;
		     part > 0; part -= n, got += n)
			REQUIRE((n = read(p[0], out + got, part)) > 0);
		errno = 0;
		if (fcntl(p[1], F_SETPIPE_SZ, sizes[i % 6]) < 0)
			CHECK_EQ(errno, EBUSY);
		else
			CHECK_EQ(fcntl(p[0], F_GETPIPE_SZ), sizes[i % 6]);
	}
	for (long n; (n = read(p[0], out + got, 3000)) > 0;)
		got += n;
	CHECK_EQ(got, written);
	CHECK(memcmp(in, out, got) == 0);
}

TEST(pipe_room_by_size)
{
	static char buf[1 << 20];

	two_pipes(O_NONBLOCK);
	CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, 1 << 20), 1 << 20);
	CHECK_EQ(write(p[1], buf, sizeof(buf)), sizeof(buf));
	CHECK_ERR(write(p[1], buf, 1), EAGAIN);
	CHECK_ERR(fcntl(p[1], F_SETPIPE_SZ, 1 << 19), EBUSY);
	CHECK_EQ(read(p[0], buf, sizeof(buf)), sizeof(buf));
	CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, 1), 4096);
	CHECK_EQ(write(p[1], buf, sizeof(buf)), 4096);
	CHECK_ERR(write(p[1], buf, 1), EAGAIN);
}

TEST(pipe_size)
{
	long size;

	two_pipes(0);
	size = fcntl(p[0], F_GETPIPE_SZ);
	CHECK_EQ(size, 65536);
	CHECK_EQ(fcntl(p[1], F_GETPIPE_SZ), size);
	CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, size), size);
	CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, 10000), 16384);
	CHECK_EQ(fcntl(p[0], F_GETPIPE_SZ), 16384);
	CHECK_ERR(fcntl(p[1], F_SETPIPE_SZ, -1), EINVAL);
	AS_USER(CHECK_ERR(fcntl(p[1], F_SETPIPE_SZ, 64 << 20), EPERM));
	size = fcntl(p[1], F_SETPIPE_SZ, 2 << 20);
	if (size > 0) { /* not if root's privileges are cut down */
		CHECK_EQ(size, 2 << 20);
		AS_USER(CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, size), size);
			CHECK_ERR(fcntl(p[1], F_SETPIPE_SZ, 2 * size), EPERM);
			CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, 4096), 4096);
			CHECK_ERR(fcntl(p[1], F_SETPIPE_SZ, size), EPERM));
	}
	CHECK_ERR(fcntl(open(".", O_RDONLY), F_GETPIPE_SZ), EBADF);
	CHECK_ERR(fcntl(open(".", O_RDONLY), F_SETPIPE_SZ, 4096), EBADF);
}
