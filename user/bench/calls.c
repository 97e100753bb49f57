/*
 * The shortest calls, and pipes.
 */
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "bench.h"

static long
null_syscall(long n)
{
	return TIMED(n, getppid());
}

static long
clock_gettime_syscall(long n)
{
	struct timespec ts;

	return TIMED(n, syscall(NR_clock_gettime, CLOCK_MONOTONIC, &ts));
}

/* As programs do: by the vDSO, where there is one. */
static long
clock_gettime_library(long n)
{
	struct timespec ts;

	return TIMED(n, clock_gettime(CLOCK_MONOTONIC, &ts));
}

static long
read_zero_1b(long n)
{
	int fd = open_file("/dev/zero", O_RDONLY);
	long t = TIMED(n, read(fd, buf, 1));

	close(fd);
	return t;
}

static long
write_null_1b(long n)
{
	int fd = open_file("/dev/null", O_WRONLY);
	long t = TIMED(n, write(fd, buf, 1));

	close(fd);
	return t;
}

static long
dup_close(long n)
{
	return TIMED(n, close(dup(0)));
}

static long
pipe_self(long n, size_t size)
{
	int p[2];
	long t;

	need(pipe(p));
	t = TIMED(n, (write(p[1], buf, size), read(p[0], buf, size)));
	close(p[0]);
	close(p[1]);
	return t;
}

static long
pipe_1b_self(long n)
{
	return pipe_self(n, 1);
}

static long
pipe_4k_self(long n)
{
	return pipe_self(n, 4096);
}

static long
pipe_pingpong(long n)
{
	int to[2], from[2];
	pid_t child;
	long t;

	need(pipe(to));
	need(pipe(from));
	child = (pid_t)need(fork());
	if (child == 0) {
		close(to[1]);
		while (read(to[0], buf, 1) == 1)
			write(from[1], buf, 1);
		_exit(0);
	}
	t = TIMED(n, (write(to[1], buf, 1), read(from[0], buf, 1)));
	for (int i = 0; i < 2; i++) {
		close(to[i]);
		close(from[i]);
	}
	waitpid(child, NULL, 0);
	return t;
}

const struct item call_items[] = {
	{ "null_syscall", null_syscall, 2000, 0 },
	{ "clock_gettime_syscall", clock_gettime_syscall, 2000, 0 },
	{ "clock_gettime", clock_gettime_library, 2000, 0 },
	{ "read_zero_1b", read_zero_1b, 2000, 0 },
	{ "write_null_1b", write_null_1b, 2000, 0 },
	{ "dup_close", dup_close, 2000, 0 },
	{ "pipe_1b_self", pipe_1b_self, 1000, 0 },
	{ "pipe_4k_self", pipe_4k_self, 1000, 0 },
	{ "pipe_pingpong", pipe_pingpong, 1000, 0 },
	{ 0 },
};
