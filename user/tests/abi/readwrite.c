/*
 * read, write, readv, writev, pread64, pwrite64, lseek: their manual pages.
 */
#include <limits.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include "check.h"

static int
open_file(const char *content)
{
	make_file("f", content);
	return open("f", O_RDWR);
}

TEST(read_moves_on)
{
	char buf[8] = "";
	int fd = open_file("abcdef");

	CHECK_EQ(read(fd, buf, 4), 4);
	CHECK(memcmp(buf, "abcd", 4) == 0);
	CHECK_EQ(read(fd, buf, 4), 2);
	CHECK(memcmp(buf, "ef", 2) == 0);
	CHECK_EQ(read(fd, buf, 4), 0);
	CHECK_EQ(read(fd, buf, 0), 0);
}

TEST(write_over_and_beyond)
{
	char buf[16];
	int fd = open_file("abcdef");

	CHECK_EQ(write(fd, "XY", 2), 2);
	CHECK_EQ(lseek(fd, 8, SEEK_SET), 8);
	CHECK_EQ(write(fd, "Z", 1), 1);
	CHECK_EQ(size_of_file("f"), 9);
	CHECK_EQ(pread(fd, buf, 16, 0), 9);
	CHECK(memcmp(buf, "XYcdef\0\0Z", 9) == 0);
}

TEST(write_big)
{
	static char out[300000], in[300000];
	int fd = open_file("");

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7 + i / 4096);
	CHECK_EQ(write(fd, out, sizeof(out)), sizeof(out));
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(read(fd, in, sizeof(in)), sizeof(in));
	CHECK(memcmp(in, out, sizeof(in)) == 0);
}

TEST(write_sparse)
{
	struct stat st;
	char c = 'x';
	int fd = open_file("");

	CHECK_EQ(pwrite(fd, "a", 1, 10 << 20), 1);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, (10 << 20) + 1);
	CHECK(st.st_blocks * 512 < 1 << 20);
	CHECK_EQ(pread(fd, &c, 1, 5 << 20), 1);
	CHECK_EQ(c, 0);
}

TEST(shared_position)
{
	char c;
	int fd = open_file("abc"), other = dup(fd);

	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_EQ(read(other, &c, 1), 1);
	CHECK_EQ(c, 'b');
	CHECK_EQ(IN_CHILD(CHECK_EQ(read(fd, &c, 1), 1); CHECK_EQ(c, 'c')), 0);
	CHECK_EQ(read(fd, &c, 1), 0);
}

TEST(read_errors)
{
	char c;
	int fd = open_file("abc");

	CHECK_ERR(read(-1, &c, 1), EBADF);
	CHECK_ERR(read(99, &c, 1), EBADF);
	CHECK_ERR(read(fd, BAD, 1), EFAULT);
	CHECK_ERR(read(fd, KERNEL_HALF, 1), EFAULT);
	CHECK_ERR(read(fd, &c, (size_t)-1), EFAULT);
	CHECK_ERR(read(open(".", O_RDONLY), &c, 1), EISDIR);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
}

TEST(write_errors)
{
	int fd = open_file("abc");

	CHECK_ERR(write(-1, "x", 1), EBADF);
	CHECK_ERR(write(99, "x", 1), EBADF);
	CHECK_ERR(write(fd, BAD, 1), EFAULT);
	CHECK_ERR(write(fd, KERNEL_HALF, 1), EFAULT);
	CHECK_EQ(size_of_file("f"), 3);
}

/* Pages that have to be read first. */
TEST(fault_at_a_hole)
{
	int fd = open_file("");

	REQUIRE(ftruncate(fd, 200000) == 0);
	CHECK_ERR(pread(fd, BAD, 10, 50000), EFAULT);
	CHECK_ERR(pwrite(fd, BAD, 10, 100000), EFAULT);
}

TEST(fault_in_the_middle)
{
	char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/dev/zero", O_RDONLY), out = open_file("");
	long n;

	REQUIRE(mprotect(map + 4096, 4096, PROT_NONE) == 0);
	/* what went before the fault counts, or nothing did */
	n = read(fd, map, 8192);
	CHECK(n == 4096 || (n == -1 && errno == EFAULT));
	n = write(out, map, 8192);
	CHECK(n == 4096 || (n == -1 && errno == EFAULT));
	CHECK_EQ(read(fd, map, 4096), 4096);
}

/** To the byte: up to the page that is not there. */
TEST(fault_after_odd_bytes)
{
	char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *end = map + 4096;
	struct iovec iov[2] = { { map, 10 }, { end - 5, 10 } };
	int fd = open_file("");

	memcpy(end - 12, "abcdefghijkl", 12);
	REQUIRE(mprotect(end, 4096, PROT_NONE) == 0);
	CHECK_EQ(pwrite(fd, end - 12, 20, 0), 12);
	CHECK_EQ(pwrite(fd, end - 3, 20, 12), 3);
	memset(end - 20, 0, 20);
	CHECK_EQ(pread(fd, end - 13, 15, 0), 13);
	CHECK(memcmp(end - 13, "abcdefghijklj", 13) == 0);
	CHECK_EQ(writev(fd, iov, 2), 15);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(readv(fd, iov, 2), 15);
}

TEST(write_file_size_limit)
{
	struct rlimit rl = { 4096, 4096 };
	static char buf[8192];
	int fd = open_file("");

	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &rl), 0);
	CHECK_EQ(write(fd, buf, 8192), 4096);
	CHECK_ERR(write(fd, buf, 1), EFBIG);
	signal(SIGXFSZ, SIG_DFL);
	CHECK_EQ(WTERMSIG(IN_CHILD(write(fd, buf, 1))), SIGXFSZ);
}

TEST(readv)
{
	char a[3] = "", b[8] = "";
	struct iovec iov[3] = { { a, 2 }, { NULL, 0 }, { b, 8 } };
	int fd = open_file("abcdef");

	CHECK_EQ(readv(fd, iov, 3), 6);
	CHECK(strcmp(a, "ab") == 0 && memcmp(b, "cdef", 5) == 0);
	CHECK_EQ(readv(fd, iov, 3), 0);
	CHECK_EQ(readv(fd, iov, 0), 0);
}

TEST(writev)
{
	struct iovec iov[3] = { { "ab", 2 }, { NULL, 0 }, { "cde", 3 } };
	char buf[8] = "";
	int fd = open_file("");

	CHECK_EQ(writev(fd, iov, 3), 5);
	CHECK_EQ(pread(fd, buf, 8, 0), 5);
	CHECK(strcmp(buf, "abcde") == 0);
	CHECK_EQ(writev(fd, iov, 0), 0);
}

TEST(vector_errors)
{
	char c;
	struct iovec iov = { &c, 1 },
		     huge[2] = { { &c, (size_t)-1 }, { &c, 1 } };
	struct iovec bad = { BAD, 1 };
	int fd = open_file("abc");

	CHECK_ERR(readv(-1, &iov, 1), EBADF);
	CHECK_ERR(writev(99, &iov, 1), EBADF);
	CHECK_ERR(readv(fd, &iov, -1), EINVAL);
	CHECK_ERR(writev(fd, &iov, -1), EINVAL);
	CHECK_ERR(readv(fd, &iov, UIO_MAXIOV + 1), EINVAL);
	CHECK_ERR(readv(fd, huge, 2), EINVAL);
	CHECK_ERR(writev(fd, huge, 2), EINVAL);
	CHECK_ERR(readv(fd, BAD, 1), EFAULT);
	CHECK_ERR(writev(fd, BAD, 1), EFAULT);
	CHECK_ERR(readv(fd, &bad, 1), EFAULT);
	CHECK_ERR(writev(fd, &bad, 1), EFAULT);
}

TEST(vector_most)
{
	static struct iovec iov[UIO_MAXIOV];
	static char buf[UIO_MAXIOV];
	int fd = open_file("");

	for (int i = 0; i < UIO_MAXIOV; i++)
		iov[i] = (struct iovec){ &buf[i], 1 };
	CHECK_EQ(writev(fd, iov, UIO_MAXIOV), UIO_MAXIOV);
	CHECK_EQ(size_of_file("f"), UIO_MAXIOV);
}

TEST(pread_pwrite)
{
	char buf[4] = "";
	int fd = open_file("abcdef");

	CHECK_EQ(pread(fd, buf, 2, 3), 2);
	CHECK(strcmp(buf, "de") == 0);
	CHECK_EQ(pread(fd, buf, 2, 6), 0);
	CHECK_EQ(pread(fd, buf, 2, 1l << 40), 0);
	CHECK_EQ(pwrite(fd, "X", 1, 1), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	CHECK_EQ(pread(fd, buf, 3, 0), 3);
	CHECK(memcmp(buf, "aXc", 3) == 0);
}

TEST(pread_pwrite_errors)
{
	char c;
	int fd = open_file("abc"), p[2];

	CHECK_ERR(pread(-1, &c, 1, 0), EBADF);
	CHECK_ERR(pwrite(-1, &c, 1, 0), EBADF);
	CHECK_ERR(pread(fd, &c, 1, -1), EINVAL);
	CHECK_ERR(pwrite(fd, &c, 1, -1), EINVAL);
	CHECK_ERR(pread(fd, BAD, 1, 0), EFAULT);
	CHECK_ERR(pwrite(fd, BAD, 1, 0), EFAULT);
	CHECK_ERR(pread(open("f", O_WRONLY), &c, 1, 0), EBADF);
	CHECK_ERR(pwrite(open("f", O_RDONLY), &c, 1, 0), EBADF);
	CHECK_ERR(pread(open(".", O_RDONLY), &c, 1, 0), EISDIR);
	REQUIRE(pipe(p) == 0);
	CHECK_ERR(pread(p[0], &c, 1, 0), ESPIPE);
	CHECK_ERR(pwrite(p[1], &c, 1, 0), ESPIPE);
}

TEST(lseek)
{
	int fd = open_file("abcdef");

	CHECK_EQ(lseek(fd, 2, SEEK_SET), 2);
	CHECK_EQ(lseek(fd, 2, SEEK_CUR), 4);
	CHECK_EQ(lseek(fd, -1, SEEK_CUR), 3);
	CHECK_EQ(lseek(fd, -1, SEEK_END), 5);
	CHECK_EQ(lseek(fd, 100, SEEK_END), 106);
	CHECK_EQ(size_of_file("f"), 6);
}

TEST(lseek_errors)
{
	int fd = open_file("abcdef"), p[2];

	CHECK_EQ(lseek(fd, 3, SEEK_SET), 3);
	CHECK_ERR(lseek(fd, -4, SEEK_CUR), EINVAL);
	CHECK_ERR(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERR(lseek(fd, -7, SEEK_END), EINVAL);
	CHECK_ERR(lseek(fd, 0, 99), EINVAL);
	CHECK_ERR(lseek(fd, 0, -1), EINVAL);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3);
	CHECK_ERR(lseek(-1, 0, SEEK_SET), EBADF);
	REQUIRE(pipe(p) == 0);
	CHECK_ERR(lseek(p[0], 0, SEEK_SET), ESPIPE);
}

TEST(lseek_data_hole)
{
	int fd = open_file("abc");
	off_t hole = lseek(fd, 0, SEEK_HOLE);

	CHECK(hole == 3 || (hole == -1 && errno == EINVAL));
	if (hole == 3) {
		CHECK_EQ(lseek(fd, 1, SEEK_DATA), 1);
		CHECK_ERR(lseek(fd, 3, SEEK_DATA), ENXIO);
	}
}
