/*
 * Several buffers at a position, with flags for one call: preadv(2); and having
 * a range of a file written: sync_file_range(2), syncfs(2).
 */
#include <sys/uio.h>
#include "check.h"

static int
file_of(const char *bytes)
{
	int fd;

	make_file("f", bytes);
	fd = open("f", O_RDWR);
	REQUIRE(fd >= 0);
	return fd;
}

static const char *
content(int fd)
{
	static char text[100];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

TEST(preadv_and_pwritev)
{
	char a[3] = "", b[5] = "";
	struct iovec in[2] = { { a, 2 }, { b, 4 } };
	struct iovec out[2] = { { (char *)"AB", 2 }, { (char *)"C", 1 } };
	int fd = file_of("0123456789");

	CHECK_EQ(preadv(fd, in, 2, 3), 6);
	CHECK(strcmp(a, "34") == 0 && strcmp(b, "5678") == 0);
	CHECK_EQ(preadv(fd, in, 2, 8), 2);
	CHECK_EQ(preadv(fd, in, 2, 10), 0);
	CHECK_EQ(pwritev(fd, out, 2, 9), 3);
	CHECK(strcmp(content(fd), "012345678ABC") == 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
}

TEST(the_file_is_looked_at_before_the_buffers)
{
	int fd = file_of("0123456789"), p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_ERR(readv(open("f", O_WRONLY), BAD, 1), EBADF);
	CHECK_ERR(writev(open("f", O_RDONLY), BAD, 1), EBADF);
	CHECK_ERR(preadv(p[0], BAD, 1, 0), ESPIPE);
	CHECK_ERR(pwritev(p[0], BAD, 1, 0), ESPIPE);
	CHECK_ERR(preadv(open("f", O_PATH), BAD, 1, 0), EBADF);
	CHECK_ERR(preadv(fd, BAD, 1, 0), EFAULT);
}

TEST(preadv2_position)
{
	char a[3] = "";
	struct iovec iov = { a, 2 };
	int fd = file_of("0123456789");

	CHECK_EQ(lseek(fd, 4, SEEK_SET), 4);
	CHECK_EQ(preadv2(fd, &iov, 1, -1, 0), 2);
	CHECK(strcmp(a, "45") == 0);
	CHECK_EQ(preadv2(fd, &iov, 1, 0, RWF_HIPRI), 2);
	CHECK(strcmp(a, "01") == 0);
	CHECK_EQ(pwritev2(fd, &iov, 1, -1, 0), 2);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 8);
	CHECK(strcmp(content(fd), "0123450189") == 0);
}

TEST(pwritev2_append)
{
	struct iovec iov = { (char *)"ab", 2 };
	int fd = file_of("0123");

	CHECK_EQ(pwritev2(fd, &iov, 1, 0, RWF_APPEND), 2);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	CHECK(strcmp(content(fd), "0123ab") == 0);
	CHECK_EQ(pwritev2(fd, &iov, 1, -1, RWF_APPEND), 2);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 8);
}

TEST(pwritev2_sync)
{
	struct iovec iov = { (char *)"ab", 2 };
	int fd = file_of("");

	CHECK_EQ(pwritev2(fd, &iov, 1, 0, RWF_DSYNC), 2);
	CHECK_EQ(pwritev2(fd, &iov, 1, 2, RWF_SYNC), 2);
	CHECK_EQ(size_of_file("f"), 4);
}

TEST(preadv2_errors)
{
	char a[2];
	struct iovec iov = { a, 2 }, bad = { a, (size_t)-1 };
	struct iovec both[] = { { (void *)-4096ul, 2 }, bad };
	int fd = file_of("0123"), p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_ERR(preadv2(fd, &iov, 1, -2, 0), EINVAL);
	CHECK_ERR(preadv(fd, &iov, 1, -1), EINVAL);
	CHECK_ERR(preadv2(fd, &iov, 1, 0, 0x4000), EOPNOTSUPP);
	CHECK_ERR(pwritev2(fd, &iov, 1, 0, 0x4000), EOPNOTSUPP);
	CHECK_ERR(preadv2(fd, &iov, -1, 0, 0), EINVAL);
	CHECK_ERR(preadv2(fd, &iov, 1025, 0, 0), EINVAL);
	CHECK_ERR(preadv2(fd, &bad, 1, 0, 0), EINVAL);
	CHECK_ERR(preadv2(fd, BAD, 1, 0, 0), EFAULT);
	CHECK_ERR(preadv2(fd, both, 2, 0, 0), EINVAL);
	CHECK_ERR(preadv2(p[0], &iov, 1, 0, 0), ESPIPE);
	CHECK_ERR(pwritev2(p[1], &iov, 1, 0, 0), ESPIPE);
	CHECK_EQ(pwritev2(p[1], &iov, 1, -1, 0), 2);
	CHECK_ERR(preadv2(-1, &iov, 1, 0, 0), EBADF);
	CHECK_ERR(pwritev2(open("f", O_RDONLY), &iov, 1, 0, 0), EBADF);
}

/** O_APPEND wins over the position, as the BUGS section tells. */
TEST(pwrite_appends)
{
	int fd = file_of("0123");

	CHECK_EQ(fcntl(fd, F_SETFL, O_APPEND), 0);
	CHECK_EQ(pwrite(fd, "x", 1, 0), 1);
	CHECK(strcmp(content(fd), "0123x") == 0);
}

TEST(sync_file_range)
{
	int fd = file_of("0123"), p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(sync_file_range(fd, 0, 0, 7), 0);
	CHECK_EQ(sync_file_range(fd, 0, 2, SYNC_FILE_RANGE_WRITE), 0);
	CHECK_ERR(sync_file_range(fd, 0, 0, 8), EINVAL);
	CHECK_ERR(sync_file_range(fd, -1, 0, 0), EINVAL);
	CHECK_ERR(sync_file_range(fd, 0, -1, 0), EINVAL);
	CHECK_ERR(sync_file_range(fd, INT64_MAX, 10, 0), EINVAL);
	CHECK_ERR(sync_file_range(-1, 0, 0, 0), EBADF);
	CHECK_ERR(sync_file_range(-1, -1, 0, 8), EBADF);
	CHECK_ERR(sync_file_range(p[1], -1, 0, 7), EINVAL);
	CHECK_ERR(sync_file_range(p[1], 0, 0, 7), ESPIPE);
}

TEST(syncfs)
{
	int fd = file_of("0123"), p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(syncfs(fd), 0);
	CHECK_EQ(syncfs(open(".", O_RDONLY)), 0);
	CHECK_EQ(syncfs(p[0]), 0);
	CHECK_ERR(syncfs(-1), EBADF);
	CHECK_ERR(syncfs(open("f", O_PATH)), EBADF);
}
