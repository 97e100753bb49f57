/*
 * Copies in the kernel: copy_file_range(2), sendfile(2).
 */
#include <sys/resource.h>
#include <sys/sendfile.h>
#include "check.h"

/** An open file with these bytes. */
static int
file_of(const char *path, const char *content)
{
	int fd;

	make_file(path, content);
	fd = open(path, O_RDWR);
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

static long
position(int fd)
{
	return lseek(fd, 0, SEEK_CUR);
}

/* ---- copy_file_range ---- */

TEST(copy_moves_positions)
{
	int a = file_of("a", "0123456789"), b = file_of("b", "");

	CHECK_EQ(copy_file_range(a, NULL, b, NULL, 4, 0), 4);
	CHECK_EQ(position(a), 4);
	CHECK_EQ(position(b), 4);
	CHECK_EQ(copy_file_range(a, NULL, b, NULL, 100, 0), 6);
	CHECK(strcmp(content(b), "0123456789") == 0);
	CHECK_EQ(copy_file_range(a, NULL, b, NULL, 100, 0), 0);
}

TEST(copy_at_offsets)
{
	int a = file_of("a", "0123456789"), b = file_of("b", "abcdef");
	off_t from = 2, to = 4;

	CHECK_EQ(copy_file_range(a, &from, b, &to, 3, 0), 3);
	CHECK_EQ(from, 5);
	CHECK_EQ(to, 7);
	CHECK_EQ(position(a), 0);
	CHECK_EQ(position(b), 0);
	CHECK(strcmp(content(b), "abcd234") == 0);
	from = 10;
	CHECK_EQ(copy_file_range(a, &from, b, &to, 3, 0), 0);
	CHECK_EQ(copy_file_range(a, NULL, b, NULL, 0, 0), 0);
}

TEST(copy_within_a_file)
{
	int a = file_of("a", "0123456789");
	off_t from = 0, to = 10;

	CHECK_EQ(copy_file_range(a, &from, a, &to, 10, 0), 10);
	CHECK(strcmp(content(a), "01234567890123456789") == 0);
	from = 0;
	to = 5;
	CHECK_ERR(copy_file_range(a, &from, a, &to, 6, 0), EINVAL);
	CHECK_EQ(copy_file_range(a, &from, a, &to, 5, 0), 5);
}

TEST(copy_large)
{
	int a = open("a", O_RDWR | O_CREAT, 0644), b = file_of("b", "");
	char block[1000], back[1000];
	ssize_t n;
	off_t from = 0, to = 0;

	for (int i = 0; i < 300; i++) {
		memset(block, i, sizeof(block));
		REQUIRE(write(a, block, sizeof(block)) == sizeof(block));
	}
	while ((n = copy_file_range(a, &from, b, &to, 300000, 0)) > 0)
		;
	CHECK_EQ(n, 0);
	CHECK_EQ(size_of_file("b"), 300000);
	CHECK_EQ(pread(b, back, sizeof(back), 299000), 1000);
	CHECK(memcmp(back, block, sizeof(back)) == 0);
}

TEST(copy_errors)
{
	int a = file_of("a", "0123456789"), b = file_of("b", "abc"), p[2];
	int dir = open(".", O_RDONLY);
	off_t off = -1;

	CHECK_EQ(pipe(p), 0);
	CHECK_ERR(copy_file_range(-1, NULL, b, NULL, 1, 0), EBADF);
	CHECK_ERR(copy_file_range(a, NULL, -1, NULL, 1, 0), EBADF);
	CHECK_ERR(copy_file_range(open("a", O_WRONLY), NULL, b, NULL, 1, 0),
		  EBADF);
	CHECK_ERR(copy_file_range(a, NULL, open("b", O_RDONLY), NULL, 1, 0),
		  EBADF);
	CHECK_ERR(copy_file_range(a, NULL, open("b", O_WRONLY | O_APPEND), NULL,
				  1, 0),
		  EBADF);
	CHECK_ERR(copy_file_range(a, NULL, b, NULL, 1, 1), EINVAL);
	CHECK_ERR(copy_file_range(dir, NULL, b, NULL, 1, 0), EISDIR);
	CHECK_ERR(copy_file_range(dir, NULL, p[1], NULL, 1, 0), EISDIR);
	CHECK_ERR(copy_file_range(open("a", O_PATH), NULL, p[1], NULL, 1, 0),
		  EBADF);
	CHECK_ERR(copy_file_range(p[0], NULL, b, NULL, 1, 0), EINVAL);
	CHECK_ERR(copy_file_range(a, NULL, p[1], NULL, 1, 0), EINVAL);
	CHECK_ERR(copy_file_range(a, &off, b, NULL, 10, 0), EOVERFLOW);
	CHECK_ERR(copy_file_range(a, NULL, b, &off, 10, 0), EOVERFLOW);
	CHECK_ERR(copy_file_range(a, BAD, b, NULL, 1, 0), EFAULT);
	CHECK_ERR(copy_file_range(a, BAD, -1, NULL, 1, 0), EBADF);
	CHECK_ERR(copy_file_range(a, BAD, b, NULL, 1, 1), EFAULT);
	off = INT64_MAX - 5;
	CHECK_EQ(copy_file_range(a, &off, b, NULL, 10, 0), 0);
}

TEST(copy_between_file_systems)
{
	int a = open("/proc/self/status", O_RDONLY), b = file_of("b", "");

	CHECK_ERR(copy_file_range(a, NULL, b, NULL, 1, 0), EXDEV);
}

TEST(copy_limit)
{
	struct rlimit limit = { 5, 5 };
	int a = file_of("a", "0123456789"), b = file_of("b", "");

	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK_EQ(copy_file_range(a, NULL, b, NULL, 10, 0), 5);
	CHECK_ERR(copy_file_range(a, NULL, b, NULL, 5, 0), EFBIG);
}

/* ---- sendfile ---- */

TEST(sendfile_to_a_file)
{
	int a = file_of("a", "0123456789"), b = file_of("b", "");
	off_t from = 7;

	CHECK_EQ(sendfile(b, a, NULL, 4), 4);
	CHECK_EQ(position(a), 4);
	CHECK_EQ(position(b), 4);
	CHECK_EQ(sendfile(b, a, &from, 100), 3);
	CHECK_EQ(from, 10);
	CHECK_EQ(position(a), 4);
	CHECK(strcmp(content(b), "0123789") == 0);
	CHECK_EQ(sendfile(b, a, &from, 100), 0);
}

TEST(sendfile_to_a_pipe)
{
	int a = file_of("a", "0123456789"), p[2];
	char got[10];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(sendfile(p[1], a, NULL, 100), 10);
	CHECK_EQ(read(p[0], got, 10), 10);
	CHECK(memcmp(got, "0123456789", 10) == 0);
}

/** From what has positions but no pages of its own. */
TEST(sendfile_of_a_device)
{
	int b = file_of("b", ""), version = open("/proc/version", O_RDONLY);
	char got[10];
	off_t from = 3;

	CHECK_EQ(sendfile(b, open("/dev/zero", O_RDONLY), NULL, 10000), 10000);
	CHECK_EQ(position(b), 10000);
	CHECK_EQ(sendfile(b, version, &from, 2), 2);
	CHECK_EQ(from, 5);
	CHECK_EQ(position(version), 0);
	CHECK_EQ(sendfile(b, version, NULL, 5), 5);
	CHECK_EQ(position(version), 5);
	CHECK_EQ(pread(b, got, 10, 10000), 7);
	CHECK(memcmp(got, "uxLinux", 7) == 0);
}

TEST(sendfile_errors)
{
	int a = file_of("a", "0123456789"), b = file_of("b", ""), p[2];
	char fill[4096];
	off_t off = -1;

	CHECK_EQ(pipe(p), 0);
	CHECK_ERR(sendfile(-1, a, NULL, 1), EBADF);
	CHECK_ERR(sendfile(b, -1, NULL, 1), EBADF);
	CHECK_ERR(sendfile(b, open("a", O_WRONLY), NULL, 1), EBADF);
	CHECK_ERR(sendfile(open("b", O_RDONLY), a, NULL, 1), EBADF);
	CHECK_ERR(sendfile(b, a, BAD, 1), EFAULT);
	CHECK_ERR(sendfile(b, a, &off, 1), EINVAL);
	CHECK_ERR(sendfile(open("b", O_WRONLY | O_APPEND), a, NULL, 1), EINVAL);
	CHECK_ERR(sendfile(b, open(".", O_RDONLY), NULL, 1), EINVAL);
	off = 0;
	CHECK_ERR(sendfile(b, p[0], &off, 1), ESPIPE);
	CHECK_ERR(sendfile(-1, p[0], &off, 1), ESPIPE);
	CHECK_ERR(sendfile(-1, -1, BAD, 1), EFAULT);
	CHECK_EQ(fcntl(p[1], F_SETFL, O_NONBLOCK), 0);
	memset(fill, 0, sizeof(fill));
	while (write(p[1], fill, sizeof(fill)) > 0)
		;
	CHECK_ERR(sendfile(p[1], a, NULL, 1), EAGAIN);
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERR(sendfile(p[1], a, NULL, 1), EPIPE);
}
