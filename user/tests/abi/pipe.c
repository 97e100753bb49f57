/*
 * pipe, pipe2, poll, select: pipe(7), poll(2), select(2).
 */
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/uio.h>
#include <time.h>
#include "check.h"

static int p[2];

static void
make_pipe(int flags)
{
	REQUIRE(pipe2(p, flags) == 0);
}

/** Fills a pipe whose ends do not block. @return its capacity */
static long
fill(void)
{
	static char buf[4096];
	long total = 0;
	ssize_t n;

	while ((n = write(p[1], buf, sizeof(buf))) > 0)
		total += n;
	CHECK(n == -1 && errno == EAGAIN);
	return total;
}

TEST(pipe_carries_bytes_in_order)
{
	char buf[8] = "";

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(write(p[1], "abc", 3), 3);
	CHECK_EQ(write(p[1], "de", 2), 2);
	CHECK_EQ(read(p[0], buf, 4), 4);
	CHECK_EQ(read(p[0], buf + 4, 4), 1);
	CHECK(strcmp(buf, "abcde") == 0);
	CHECK_ERR(read(p[1], buf, 1), EBADF);
	CHECK_ERR(write(p[0], buf, 1), EBADF);
}

TEST(pipe_end_of_file)
{
	char c;

	make_pipe(0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	close(p[1]);
	CHECK_EQ(read(p[0], &c, 1), 1);
	CHECK_EQ(read(p[0], &c, 1), 0);
	CHECK_EQ(read(p[0], &c, 1), 0);
}

TEST(pipe_broken)
{
	make_pipe(0);
	close(p[0]);
	CHECK_EQ(WTERMSIG(IN_CHILD(write(p[1], "x", 1))), SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERR(write(p[1], "x", 1), EPIPE);
}

TEST(pipe_blocks_reader)
{
	char buf[4];

	make_pipe(0);
	if (fork() == 0) {
		for (int i = 0; i < 100; i++) /* let the reader sleep */
			syscall(NR_sched_yield);
		write(p[1], "ab", 2);
		_exit(0);
	}
	CHECK_EQ(read(p[0], buf, 4), 2);
}

TEST(pipe_blocks_writer)
{
	static char in[300000], out[300000];
	size_t got = 0;
	ssize_t n;

	make_pipe(0);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i % 251);
	if (fork() == 0) {
		close(p[0]);
		_exit(write(p[1], out, sizeof(out)) != sizeof(out));
	}
	close(p[1]);
	while ((n = read(p[0], in + got, 7777)) > 0)
		got += (size_t)n;
	CHECK_EQ(got, sizeof(out));
	CHECK(memcmp(in, out, sizeof(in)) == 0);
	int status;
	CHECK(wait(&status) > 0 && status == 0);
}

TEST(pipe_capacity_and_nonblock)
{
	static char buf[65536];
	char c;
	long total;

	make_pipe(O_NONBLOCK);
	CHECK_ERR(read(p[0], &c, 1), EAGAIN);
	total = fill();
	CHECK(total >= PIPE_BUF);
	CHECK_ERR(write(p[1], "x", 1), EAGAIN);
	CHECK_EQ(read(p[0], buf, PIPE_BUF), PIPE_BUF);
	CHECK_EQ(write(p[1], buf, PIPE_BUF), PIPE_BUF);
	/* no part of a short write, but a part of a long one */
	CHECK_EQ(read(p[0], buf, PIPE_BUF), PIPE_BUF);
	CHECK_EQ(write(p[1], buf, 2 * PIPE_BUF), PIPE_BUF);
}

TEST(pipe_short_writes_are_whole)
{
	char buf[PIPE_BUF];
	int left = 40;

	make_pipe(0);
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			memset(buf, 'a' + i, sizeof(buf));
			for (int k = 0; k < 10; k++)
				write(p[1], buf, sizeof(buf));
			_exit(0);
		}
	close(p[1]);
	for (size_t got = 0; left > 0; got = 0, left--) {
		ssize_t n;

		while (got < sizeof(buf) &&
		       (n = read(p[0], buf + got, sizeof(buf) - got)) > 0)
			got += (size_t)n;
		REQUIRE(got == sizeof(buf));
		for (size_t i = 1; i < sizeof(buf); i++)
			REQUIRE(buf[i] == buf[0]);
	}
	CHECK_EQ(left, 0);
}

TEST(pipe_zero_bytes)
{
	make_pipe(0);
	CHECK_EQ(write(p[1], "", 0), 0);
	CHECK_EQ(read(p[0], NULL, 0), 0);
}

/** Of what fits a page, all is copied or nothing. */
TEST(pipe_faults)
{
	char buf[10];
	struct iovec iov[2] = { { (char *)"abc", 3 }, { BAD, 3 } };

	make_pipe(O_NONBLOCK);
	CHECK_ERR(writev(p[1], iov, 2), EFAULT);
	CHECK_ERR(read(p[0], buf, 10), EAGAIN);
	CHECK_EQ(write(p[1], "012345", 6), 6);
	iov[0].iov_base = buf;
	CHECK_ERR(readv(p[0], iov, 2), EFAULT);
	CHECK_EQ(read(p[0], buf, 10), 6);
	CHECK(memcmp(buf, "012345", 6) == 0);
}

TEST(pipe_flags)
{
	make_pipe(O_CLOEXEC | O_NONBLOCK);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(fcntl(p[i], F_GETFD), FD_CLOEXEC);
		CHECK_EQ(fcntl(p[i], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	}
	make_pipe(0);
	CHECK_EQ(fcntl(p[0], F_GETFD), 0);
	CHECK_EQ(fcntl(p[0], F_GETFL) & O_ACCMODE, O_RDONLY);
	CHECK_EQ(fcntl(p[1], F_GETFL) & O_ACCMODE, O_WRONLY);
}

TEST(pipe_errors)
{
	CHECK_ERR(pipe(BAD), EFAULT);
	CHECK_ERR(pipe2(BAD, 0), EFAULT);
	CHECK_ERR(pipe2(p, O_CREAT), EINVAL);
	CHECK_ERR(pipe2(p, 0x40000000), EINVAL);
}

TEST(pipe_bytes_waiting)
{
	int n = -1;

	make_pipe(0);
	CHECK_EQ(ioctl(p[0], FIONREAD, &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(write(p[1], "abc", 3), 3);
	CHECK_EQ(ioctl(p[0], FIONREAD, &n), 0);
	CHECK_EQ(n, 3);
}

static short
poll_one(int fd, short events)
{
	struct pollfd f = { fd, events, -1 };

	return poll(&f, 1, 0) < 0 ? -1 : f.revents;
}

TEST(poll_pipe)
{
	make_pipe(O_NONBLOCK);
	CHECK_EQ(poll_one(p[0], POLLIN), 0);
	CHECK_EQ(poll_one(p[1], POLLOUT), POLLOUT);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(poll_one(p[0], POLLIN), POLLIN);
	CHECK_EQ(poll_one(p[0], POLLOUT), 0);
	CHECK_EQ(poll_one(p[0], 0), 0);
	fill();
	CHECK_EQ(poll_one(p[1], POLLOUT), 0);
	close(p[1]);
	CHECK_EQ(poll_one(p[0], POLLIN), POLLIN | POLLHUP);
	make_pipe(0);
	close(p[1]);
	CHECK_EQ(poll_one(p[0], POLLIN), POLLHUP);
	make_pipe(0);
	close(p[0]);
	CHECK_EQ(poll_one(p[1], POLLOUT), POLLOUT | POLLERR);
}

TEST(poll_files_are_ready)
{
	make_file("f", "");
	CHECK_EQ(poll_one(open("f", O_RDWR), POLLIN | POLLOUT),
		 POLLIN | POLLOUT);
	CHECK_EQ(poll_one(99, POLLIN), POLLNVAL);
	CHECK_EQ(poll_one(-1, POLLIN), 0);
}

TEST(poll_several)
{
	struct pollfd f[3];

	make_pipe(0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	f[0] = (struct pollfd){ p[0], POLLIN, -1 };
	f[1] = (struct pollfd){ -5, POLLIN, -1 };
	f[2] = (struct pollfd){ p[1], POLLOUT, -1 };
	CHECK_EQ(poll(f, 3, -1), 2);
	CHECK(f[0].revents == POLLIN && f[1].revents == 0 &&
	      f[2].revents == POLLOUT);
}

TEST(poll_wakes)
{
	struct pollfd f;

	make_pipe(0);
	f = (struct pollfd){ p[0], POLLIN, 0 };
	if (fork() == 0) {
		struct timespec ts = { 0, 50000000 };

		nanosleep(&ts, NULL);
		write(p[1], "x", 1);
		_exit(0);
	}
	CHECK_EQ(poll(&f, 1, -1), 1);
	CHECK_EQ(f.revents, POLLIN);
}

static long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

TEST(poll_timeout)
{
	struct pollfd f;
	long start = now_ms();

	make_pipe(0);
	f = (struct pollfd){ p[0], POLLIN, -1 };
	CHECK_EQ(poll(&f, 1, 60), 0);
	CHECK(now_ms() - start >= 59);
	CHECK_EQ(f.revents, 0);
	start = now_ms();
	CHECK_EQ(poll(NULL, 0, 30), 0);
	CHECK(now_ms() - start >= 29);
}

/* What was asked is the caller's, who may change it meanwhile. */
TEST(poll_answers_in_revents_alone)
{
	struct pollfd *f = mmap(NULL, sizeof(*f), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	make_pipe(0);
	*f = (struct pollfd){ p[0], POLLIN, 0 };
	if (fork() == 0) {
		until_asleep(getppid());
		f->events = POLLIN | POLLPRI;
		write(p[1], "x", 1);
		_exit(0);
	}
	CHECK_EQ(poll(f, 1, -1), 1);
	CHECK_EQ(f->revents, POLLIN);
	CHECK_EQ(f->events, POLLIN | POLLPRI);
	REQUIRE(mprotect(f, sizeof(*f), PROT_READ) == 0);
	CHECK_ERR(poll(f, 1, 0), EFAULT);
}

static void
ignore(int sig)
{
	(void)sig;
}

TEST(poll_errors)
{
	struct pollfd f;
	struct sigaction act = { .sa_handler = ignore, .sa_flags = SA_RESTART };

	make_pipe(0);
	f = (struct pollfd){ p[0], POLLIN, 0 };
	CHECK_ERR(poll(BAD, 1, 0), EFAULT);
	CHECK_ERR(poll(&f, 1u << 30, 0), EINVAL);
	CHECK_EQ(sigaction(SIGALRM, &act, NULL), 0);
	alarm(1);
	CHECK_ERR(poll(&f, 1, -1), EINTR); /* SA_RESTART or not */
}

TEST(select)
{
	struct timeval tv = { 0, 0 };
	fd_set rd, wr;

	make_pipe(0);
	FD_ZERO(&rd);
	FD_ZERO(&wr);
	FD_SET(p[0], &rd);
	FD_SET(p[1], &wr);
	CHECK_EQ(select(p[1] + 1, &rd, &wr, NULL, &tv), 1);
	CHECK(!FD_ISSET(p[0], &rd) && FD_ISSET(p[1], &wr));
	CHECK_EQ(write(p[1], "x", 1), 1);
	FD_SET(p[0], &rd);
	CHECK_EQ(select(p[1] + 1, &rd, &wr, NULL, NULL), 2);
	CHECK(FD_ISSET(p[0], &rd));
	FD_SET(p[0] + 40, &rd);
	CHECK_ERR(select(p[0] + 41, &rd, NULL, NULL, NULL), EBADF);
	CHECK_ERR(select(-1, NULL, NULL, NULL, NULL), EINVAL);
	CHECK_ERR(select(p[0] + 1, BAD, NULL, NULL, NULL), EFAULT);
	tv.tv_sec = -1;
	CHECK_ERR(select(0, NULL, NULL, NULL, &tv), EINVAL);
}

/** What was open before stays so. */
TEST(select_above_a_lowered_limit)
{
	struct timeval tv = { 0, 0 };
	struct rlimit rl = { 3, 3 };
	fd_set wr;

	make_pipe(0);
	FD_ZERO(&wr);
	FD_SET(p[1], &wr);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &rl), 0);
	CHECK_EQ(select(p[1] + 1, NULL, &wr, NULL, &tv), 1);
	CHECK(FD_ISSET(p[1], &wr));
}

/** pselect6 takes its mask through a structure of two words. */
static long
pselect(int n, fd_set *rd, const struct timespec *ts, const sigset_t *mask)
{
	unsigned long arg[2] = { (unsigned long)mask, KSIGSET_SIZE };

	return syscall(NR_pselect6, n, rd, NULL, NULL, ts, arg);
}

TEST(pselect)
{
	struct timespec none = { 0, 0 };
	struct sigaction act = { .sa_handler = ignore };
	sigset_t usr1 = KSIGMASK(SIGUSR1), empty = 0;
	fd_set rd;

	make_pipe(0);
	FD_ZERO(&rd);
	FD_SET(p[0], &rd);
	CHECK_EQ(pselect(p[0] + 1, &rd, &none, NULL), 0);
	CHECK(!FD_ISSET(p[0], &rd));
	CHECK_EQ(write(p[1], "x", 1), 1);
	FD_SET(p[0], &rd);
	CHECK_EQ(pselect(p[0] + 1, &rd, NULL, NULL), 1);
	CHECK_EQ(sigaction(SIGUSR1, &act, NULL), 0);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &usr1, NULL), 0);
	raise(SIGUSR1);
	CHECK_ERR(pselect(0, NULL, NULL, &empty), EINTR);
	raise(SIGUSR1);
	CHECK_ERR(pselect(0, NULL, &none, &empty), EINTR);
	none.tv_nsec = -1;
	CHECK_ERR(pselect(0, NULL, &none, NULL), EINVAL);
	CHECK_ERR(pselect(p[0] + 1, BAD, NULL, NULL), EFAULT);
	close(p[0]);
	CHECK_ERR(pselect(p[0] + 1, &rd, NULL, NULL), EBADF);
}

static long
call_ppoll(void *fds, void *time_out, void *mask, size_t size)
{
	return syscall(NR_ppoll, fds, 1, time_out, mask, size);
}

TEST(ppoll)
{
	struct timespec none = { 0, 0 };
	struct sigaction act = { .sa_handler = ignore };
	sigset_t usr1 = KSIGMASK(SIGUSR1), empty = 0;
	struct pollfd f;

	make_pipe(0);
	f = (struct pollfd){ p[0], POLLIN, 0 };
	CHECK_EQ(call_ppoll(&f, &none, NULL, 8), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(call_ppoll(&f, NULL, NULL, 8), 1);
	CHECK_EQ(f.revents, POLLIN);
	CHECK_EQ(sigaction(SIGUSR1, &act, NULL), 0);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &usr1, NULL), 0);
	raise(SIGUSR1);
	f.fd = -1;
	CHECK_ERR(call_ppoll(&f, NULL, &empty, 8), EINTR);
	raise(SIGUSR1);
	CHECK_ERR(call_ppoll(&f, &none, &empty, 8), EINTR);
	CHECK_EQ(call_ppoll(&f, &none, &empty, 8), 0); /* it was handled */
	CHECK_ERR(call_ppoll(&f, NULL, &empty, 4), EINVAL);
	CHECK_ERR(call_ppoll(BAD, &none, NULL, 8), EFAULT);
	CHECK_ERR(call_ppoll(&f, BAD, NULL, 8), EFAULT);
	CHECK_ERR(call_ppoll(&f, &none, BAD, 8), EFAULT);
	none.tv_nsec = -1;
	CHECK_ERR(call_ppoll(&f, &none, NULL, 8), EINVAL);
}
