/*
 * What all calls that read or write bytes have in common: the errors of
 * read(2), write(2), readv(2) and pread(2). Each call is a row of a table, each
 * error a test that goes through the table. (EINTR, EAGAIN: waiting.c.)
 */
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include "check.h"

#define CLONE_NEWNS 0x20000
#define MS_PRIVATE  (1 << 18)
#define PAGE	    4096

static char buf[PAGE];
static struct iovec iov[UIO_MAXIOV + 1] = { { buf, PAGE } };

static const struct call {
	const char *name;
	int number;
	bool writes, vector;
	bool positioned; /**< it has a position, which may not be -1 */
} calls[] = {
	{ "read", NR_read, false, false, false },
	{ "readv", NR_readv, false, true, false },
	{ "pread64", NR_pread64, false, false, true },
	{ "preadv", NR_preadv, false, true, true },
	{ "preadv2", NR_preadv2, false, true, true },
	{ "write", NR_write, true, false, false },
	{ "writev", NR_writev, true, true, false },
	{ "pwrite64", NR_pwrite64, true, false, true },
	{ "pwritev", NR_pwritev, true, true, true },
	{ "pwritev2", NR_pwritev2, true, true, true },
};

#define EACH_CALL(c)                                                           \
	for (const struct call *c = calls; c < calls + ARRAY_SIZE(calls); c++)

/** With n bytes or buffers at data, at pos if it has a position. */
static void
fails_with(const struct call *c, int fd, const void *data, long n, long pos,
	   int error)
{
	long got;

	errno = 0;
	got = syscall(c->number, fd, data, n, pos, 0L, 0L);
	if (got != -1 || errno != error)
		FAIL("%s is %ld (errno %d), not errno %d", c->name, got, errno,
		     error);
}

/** With a page in the buffer. */
static void
fails(const struct call *c, int fd, long pos, int error)
{
	iov[0] = (struct iovec){ buf, PAGE };
	if (c->vector)
		fails_with(c, fd, iov, 1, pos, error);
	else
		fails_with(c, fd, buf, PAGE, pos, error);
}

/** A file of one page, opened. */
static int
page_file(const char *name, int flags)
{
	int fd = open(name, O_WRONLY | O_CREAT, 0644);

	REQUIRE(fd >= 0);
	REQUIRE(write(fd, buf, PAGE) == PAGE);
	REQUIRE(close(fd) == 0);
	REQUIRE((fd = open(name, flags)) >= 0);
	return fd;
}

TEST(descriptor_that_cannot)
{
	EACH_CALL(c)
	{
		fails(c, -1, 0, EBADF);
		fails(c, 9999, 0, EBADF);
		fails(c, page_file("f", c->writes ? O_RDONLY : O_WRONLY), 0,
		      EBADF);
		fails(c, page_file("f", O_PATH), 0, EBADF);
	}
}

TEST(buffer_at_a_bad_address)
{
	int fd = page_file("f", O_RDWR);

	EACH_CALL(c)
	{
		iov[0] = (struct iovec){ BAD, PAGE };
		fails_with(c, fd, c->vector ? iov : BAD, c->vector ? 1 : PAGE,
			   0, EFAULT);
		lseek(fd, 0, SEEK_SET);
		fails_with(c, fd, BAD, 1, 0, EFAULT);
		fails_with(c, fd, KERNEL_HALF, 1, 0, EFAULT);
	}
}

TEST(folders_are_not_read)
{
	int fd = open(".", O_RDONLY);

	EACH_CALL(c)
	if (!c->writes)
		fails(c, fd, 0, EISDIR);
}

TEST(vectors_that_are_none)
{
	int fd = page_file("f", O_RDWR);

	EACH_CALL(c)
	if (c->vector) {
		fails_with(c, fd, iov, -1, 0, EINVAL);
		fails_with(c, fd, iov, UIO_MAXIOV + 1, 0, EINVAL);
		iov[0].iov_len = (size_t)-1;
		fails_with(c, fd, iov, 1, 0, EINVAL);
	}
}

TEST(positions_that_are_none)
{
	int fd = page_file("f", O_RDWR), p[2];

	REQUIRE(pipe(p) == 0);
	EACH_CALL(c)
	if (c->positioned) {
		fails(c, fd, -2, EINVAL);
		fails(c, p[c->writes], 0, ESPIPE);
	}
}

/** An eventfd takes eight bytes. */
TEST(too_few_bytes)
{
	int fd = (int)syscall(NR_eventfd2, 1, 0);

	EACH_CALL(c)
	if (!c->positioned) {
		iov[0] = (struct iovec){ buf, 4 };
		fails_with(c, fd, c->vector ? iov : (void *)buf,
			   c->vector ? 1 : 4, 0, EINVAL);
	}
}

TEST(beyond_the_limit_of_size)
{
	struct rlimit limit = { PAGE, PAGE };
	int fd = page_file("f", O_WRONLY), in = page_file("in", O_RDONLY);

	signal(SIGXFSZ, SIG_IGN);
	REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	REQUIRE(lseek(fd, PAGE, SEEK_SET) == PAGE);
	EACH_CALL(c)
	if (c->writes)
		fails(c, fd, PAGE, EFBIG);
	CHECK_ERR(ftruncate(fd, PAGE + 1), EFBIG);
	CHECK_ERR(truncate("f", PAGE + 1), EFBIG);
	CHECK_ERR(syscall(NR_copy_file_range, in, 0, fd, 0, PAGE, 0), EFBIG);
	CHECK_EQ(size_of_file("f"), PAGE);
}

/** The file's only page, after itself. */
static long
copy_within(const char *path)
{
	int fd = open(path, O_RDWR);
	off_t from = 0, to = PAGE;
	long n = syscall(NR_copy_file_range, fd, &from, fd, &to, PAGE, 0);
	int error = errno;

	close(fd);
	errno = error;
	return n;
}

TEST(no_space)
{
	int fd, in = page_file("in", O_RDONLY), p[2];
	off_t end = PAGE;

	if (syscall(NR_unshare, CLONE_NEWNS) == 0)
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	REQUIRE(mkdir("m", 0755) == 0);
	REQUIRE(mount("t", "m", "tmpfs", 0, "size=4k") == 0);
	fd = page_file("m/f", O_WRONLY);
	REQUIRE(lseek(fd, PAGE, SEEK_SET) == PAGE);
	EACH_CALL(c)
	if (c->writes)
		fails(c, fd, PAGE, ENOSPC);
	CHECK_ERR(sendfile(fd, in, NULL, PAGE), ENOSPC);
	CHECK_ERR(copy_within("m/f"), ENOSPC);
	REQUIRE(pipe(p) == 0 && write(p[1], buf, PAGE) == PAGE);
	CHECK_ERR(syscall(NR_splice, p[0], NULL, fd, &end, PAGE, 0), ENOSPC);
	close(fd);
	CHECK_EQ(umount2("m", MNT_DETACH), 0);
}

TEST(sealed_file)
{
	int fd = (int)syscall(NR_memfd_create, "sealed", MFD_ALLOW_SEALING);

	REQUIRE(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	EACH_CALL(c)
	if (c->writes)
		fails(c, fd, 0, EPERM);
}

TEST(pipe_without_a_reader)
{
	int p[2];

	signal(SIGPIPE, SIG_IGN);
	REQUIRE(pipe(p) == 0 && close(p[0]) == 0);
	EACH_CALL(c)
	if (c->writes && !c->positioned)
		fails(c, p[1], 0, EPIPE);
}
