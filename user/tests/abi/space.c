/*
 * Holes and room: fallocate(2), lseek(2) with SEEK_DATA and SEEK_HOLE. A file
 * system may know no holes or cannot have room past the end: then it says so.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include "check.h"

#define BLOCK 4096
#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

/** An open file of n blocks: the first of 'a', the next of 'b', ... */
static int
blocks_file(unsigned n)
{
	char block[BLOCK];
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);

	REQUIRE(fd >= 0);
	for (unsigned i = 0; i < n; i++) {
		memset(block, 'a' + (int)i, sizeof(block));
		REQUIRE(write(fd, block, sizeof(block)) == BLOCK);
	}
	return fd;
}

/** The byte at pos. */
static int
byte_at(int fd, off_t pos)
{
	unsigned char c;

	return pread(fd, &c, 1, pos) == 1 ? c : -1;
}

static bool
all_are(int fd, off_t from, off_t to, int c)
{
	for (; from < to; from++)
		if (byte_at(fd, from) != c)
			return false;
	return true;
}

static long
blocks_of(int fd)
{
	struct stat st;

	fsync(fd);
	return fstat(fd, &st) < 0 ? -1 : st.st_blocks;
}

TEST(fallocate_extends)
{
	int fd = blocks_file(1);
	struct stat st;

	CHECK_EQ(fallocate(fd, 0, 100, 3 * BLOCK), 0);
	CHECK_EQ(size_of_file("f"), 100 + 3 * BLOCK);
	CHECK_EQ(byte_at(fd, BLOCK - 1), 'a');
	CHECK(all_are(fd, BLOCK, BLOCK + 200, 0));
	CHECK_EQ(byte_at(fd, 3 * BLOCK + 99), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK(st.st_blocks * 512 >= 100 + 3 * BLOCK);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), BLOCK); /* it stays */
}

TEST(fallocate_fills_holes)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	struct stat st;

	CHECK_EQ(ftruncate(fd, 20 * BLOCK), 0);
	CHECK_EQ(pwrite(fd, "x", 1, 5 * BLOCK), 1);
	CHECK_EQ(fallocate(fd, 0, 0, 20 * BLOCK), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK(st.st_blocks * 512 >= 20 * BLOCK);
	CHECK_EQ(st.st_size, 20 * BLOCK);
	CHECK_EQ(byte_at(fd, 5 * BLOCK), 'x');
	CHECK(all_are(fd, 5 * BLOCK + 1, 5 * BLOCK + 100, 0));
}

TEST(fallocate_within_changes_nothing)
{
	int fd = blocks_file(3);

	CHECK_EQ(fallocate(fd, 0, 0, 2 * BLOCK), 0);
	CHECK_EQ(size_of_file("f"), 3 * BLOCK);
	CHECK(byte_at(fd, 0) == 'a' && byte_at(fd, BLOCK) == 'b' &&
	      byte_at(fd, 3 * BLOCK - 1) == 'c');
}

TEST(fallocate_keep_size)
{
	int fd = blocks_file(1);

	CHECK_EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, BLOCK), 0);
	CHECK_EQ(size_of_file("f"), BLOCK);
	/* Past the end: ext2 has no way to write that down. */
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, BLOCK, 4 * BLOCK) < 0)
		CHECK_EQ(errno, EOPNOTSUPP);
	CHECK_EQ(size_of_file("f"), BLOCK);
	CHECK_EQ(ftruncate(fd, 5 * BLOCK), 0);
	CHECK(all_are(fd, BLOCK, BLOCK + 100, 0));
	CHECK_EQ(byte_at(fd, 5 * BLOCK - 1), 0);
}

TEST(punch_whole_blocks)
{
	int fd = blocks_file(10);
	long before = blocks_of(fd);

	CHECK_EQ(fallocate(fd, PUNCH, 2 * BLOCK, 3 * BLOCK), 0);
	CHECK_EQ(size_of_file("f"), 10 * BLOCK);
	CHECK_EQ(byte_at(fd, 2 * BLOCK - 1), 'b');
	CHECK(all_are(fd, 2 * BLOCK, 2 * BLOCK + 10, 0));
	CHECK(all_are(fd, 5 * BLOCK - 10, 5 * BLOCK, 0));
	CHECK_EQ(byte_at(fd, 5 * BLOCK), 'f');
	CHECK_EQ(blocks_of(fd), before - 3 * BLOCK / 512);
}

TEST(punch_parts_of_blocks)
{
	int fd = blocks_file(4);

	CHECK_EQ(fallocate(fd, PUNCH, 100, 50), 0);
	CHECK_EQ(byte_at(fd, 99), 'a');
	CHECK(all_are(fd, 100, 150, 0));
	CHECK_EQ(byte_at(fd, 150), 'a');
	CHECK_EQ(fallocate(fd, PUNCH, BLOCK + 10, 2 * BLOCK), 0);
	CHECK_EQ(byte_at(fd, BLOCK + 9), 'b');
	CHECK(all_are(fd, BLOCK + 10, 3 * BLOCK + 10, 0));
	CHECK_EQ(byte_at(fd, 3 * BLOCK + 10), 'd');
}

/** What was there must not come back, whoever fills the hole. */
TEST(punch_and_write_again)
{
	int fd = blocks_file(4);

	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(fallocate(fd, PUNCH, 0, 4 * BLOCK), 0);
	CHECK_EQ(pwrite(fd, "x", 1, BLOCK + 5), 1);
	CHECK_EQ(fsync(fd), 0);
	CHECK(all_are(fd, BLOCK, BLOCK + 5, 0));
	CHECK_EQ(byte_at(fd, BLOCK + 5), 'x');
	CHECK(all_are(fd, BLOCK + 6, 4 * BLOCK, 0));
}

TEST(punch_at_and_past_the_end)
{
	int fd = blocks_file(2);

	CHECK_EQ(ftruncate(fd, BLOCK + 100), 0);
	CHECK_EQ(fallocate(fd, PUNCH, BLOCK, 10 * BLOCK), 0);
	CHECK_EQ(size_of_file("f"), BLOCK + 100);
	CHECK(all_are(fd, BLOCK, BLOCK + 100, 0));
	CHECK_EQ(byte_at(fd, BLOCK - 1), 'a');
	CHECK_EQ(fallocate(fd, PUNCH, 20 * BLOCK, BLOCK), 0);
	CHECK_EQ(size_of_file("f"), BLOCK + 100);
}

/** A hole is seen through mappings, and what is stored there stays. */
TEST(punch_under_a_mapping)
{
	int fd = blocks_file(4);
	char *p = mmap(NULL, 4 * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       0);

	REQUIRE(p != MAP_FAILED);
	CHECK(p[BLOCK] == 'b' && p[2 * BLOCK] == 'c');
	p[BLOCK + 1] = 'y';
	CHECK_EQ(fallocate(fd, PUNCH, BLOCK, 2 * BLOCK), 0);
	CHECK(p[BLOCK] == 0 && p[BLOCK + 1] == 0 && p[2 * BLOCK] == 0);
	CHECK(p[0] == 'a' && p[3 * BLOCK] == 'd');
	p[2 * BLOCK + 7] = 'z';
	CHECK_EQ(byte_at(fd, 2 * BLOCK + 7), 'z');
	CHECK_EQ(msync(p, 4 * BLOCK, MS_SYNC), 0);
	CHECK_EQ(byte_at(fd, 2 * BLOCK + 7), 'z');
	CHECK(lseek(fd, BLOCK, SEEK_DATA) <= 2 * BLOCK + 7);
}

/** Deep in the trees of a file with blocks of 1 KiB. */
TEST(punch_far_out)
{
	static const off_t at[] = { 0, 11, 12, 267, 268, 65803, 65804, 100000 };
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	unsigned n = sizeof(at) / sizeof(at[0]);

	for (unsigned i = 0; i < n; i++)
		CHECK_EQ(pwrite(fd, "x", 1, at[i] * 1024), 1);
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(fallocate(fd, PUNCH, 12 * 1024, 65792 * 1024), 0);
	for (unsigned i = 0; i < n; i++)
		CHECK_EQ(byte_at(fd, at[i] * 1024),
			 at[i] >= 12 && at[i] < 65804 ? 0 : 'x');
	CHECK_EQ(fallocate(fd, PUNCH, 0, 200000 * 1024), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 0);
	CHECK_ERR(lseek(fd, 0, SEEK_DATA), ENXIO);
}

/** A part of one tree, and the beginning of the next. */
TEST(punch_parts_of_trees)
{
	static const off_t at[] = { 200, 259, 260, 267, 268, 299, 300, 600 };
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	unsigned n = sizeof(at) / sizeof(at[0]);

	for (unsigned i = 0; i < n; i++)
		CHECK_EQ(pwrite(fd, "x", 1, at[i] * 1024), 1);
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(fallocate(fd, PUNCH, 260 * 1024, 40 * 1024), 0);
	for (unsigned i = 0; i < n; i++)
		CHECK_EQ(byte_at(fd, at[i] * 1024),
			 at[i] >= 260 && at[i] < 300 ? 0 : 'x');
	CHECK_EQ(lseek(fd, 260 * 1024, SEEK_DATA), 300 * 1024);
}

TEST(zero_range)
{
	int fd = blocks_file(4);

	if (fallocate(fd, FALLOC_FL_ZERO_RANGE, BLOCK + 1, 4 * BLOCK) < 0) {
		CHECK_EQ(errno, EOPNOTSUPP); /* tmpfs of Linux */
		return;
	}
	CHECK_EQ(size_of_file("f"), 5 * BLOCK + 1);
	CHECK_EQ(byte_at(fd, BLOCK), 'b');
	CHECK(all_are(fd, BLOCK + 1, 5 * BLOCK + 1, 0));
}

TEST(fallocate_errors)
{
	int fd = blocks_file(1), p[2];

	CHECK_ERR(fallocate(-1, 0, 0, 1), EBADF);
	CHECK_ERR(fallocate(open("f", O_RDONLY), 0, 0, 1), EBADF);
	CHECK_ERR(fallocate(fd, 0, -1, 1), EINVAL);
	CHECK_ERR(fallocate(fd, 0, 0, 0), EINVAL);
	CHECK_ERR(fallocate(fd, 0, 0, -1), EINVAL);
	CHECK_ERR(fallocate(fd, 0, INT64_MAX, 1), EFBIG);
	CHECK_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, 0x4000, 0, 1), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, FALLOC_FL_ZERO_RANGE | PUNCH, 0, 1),
		  EOPNOTSUPP);
	CHECK_EQ(pipe(p), 0);
	CHECK_ERR(fallocate(p[1], 0, 0, 1), ESPIPE);
	CHECK_ERR(fallocate((int)syscall(NR_eventfd2, 0, 0), 0, 0, 1), ENODEV);
	CHECK_ERR(fallocate(socket(AF_UNIX, SOCK_STREAM, 0), 0, 0, 1), ENODEV);
	CHECK_ERR(fallocate(open("/dev/null", O_WRONLY), 0, 0, 1), ENODEV);
	CHECK_ERR(fallocate(open(".", O_RDONLY), 0, 0, 1), EBADF);
}

/* In memory: a file system on a disk may take all there is before it gives up,
 * and meanwhile others have none. */
TEST(fallocate_no_space)
{
	int fd = open("/dev/shm/hardtack-space", O_RDWR | O_CREAT | O_TRUNC,
		      0600);
	char c = 'a';

	REQUIRE(fd >= 0);
	unlink("/dev/shm/hardtack-space");
	CHECK_EQ(write(fd, &c, 1), 1);
	CHECK_ERR(fallocate(fd, 0, 0, 1l << 41), ENOSPC);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 1);
	CHECK_EQ(byte_at(fd, 0), 'a');
}

TEST(fallocate_limit)
{
	struct rlimit limit = { 2 * BLOCK, 2 * BLOCK };
	int fd = blocks_file(1);

	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK_EQ(fallocate(fd, 0, 0, 2 * BLOCK), 0);
	CHECK_ERR(fallocate(fd, 0, 0, 2 * BLOCK + 1), EFBIG);
	CHECK_EQ(size_of_file("f"), 2 * BLOCK);
}

TEST(fallocate_takes_setuid)
{
	int fd = blocks_file(2);

	CHECK_EQ(fchmod(fd, 06777), 0);
	AS_USER(int mine = open("f", O_RDWR);
		CHECK_EQ(fallocate(mine, PUNCH, 0, BLOCK), 0));
	CHECK_EQ(mode_of("f"), S_IFREG | 0777);
}

TEST(fallocate_sets_times)
{
	struct timespec old[2] = { { 1, 0 }, { 1, 0 } };
	int fd = blocks_file(2);
	struct stat st;

	CHECK_EQ(futimens(fd, old), 0);
	CHECK_EQ(fallocate(fd, PUNCH, 0, BLOCK), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK(st.st_mtime > 1);
	CHECK_EQ(st.st_atime, 1);
}

TEST(seek_data_and_holes)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	CHECK_EQ(ftruncate(fd, 10 * BLOCK), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 0);
	CHECK_ERR(lseek(fd, 0, SEEK_DATA), ENXIO);
	CHECK_EQ(pwrite(fd, "x", 1, 3 * BLOCK), 1);
	CHECK_EQ(pwrite(fd, "x", 1, 4 * BLOCK), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 3 * BLOCK);
	CHECK_EQ(lseek(fd, 3 * BLOCK + 5, SEEK_DATA), 3 * BLOCK + 5);
	off_t hole = lseek(fd, 3 * BLOCK, SEEK_HOLE);
	CHECK(hole == 5 * BLOCK || hole == 3 * BLOCK + 1024);
	CHECK_EQ(lseek(fd, 6 * BLOCK + 1, SEEK_HOLE), 6 * BLOCK + 1);
	CHECK_ERR(lseek(fd, 5 * BLOCK, SEEK_DATA), ENXIO);
	CHECK_ERR(lseek(fd, 10 * BLOCK, SEEK_DATA), ENXIO);
	CHECK_ERR(lseek(fd, 10 * BLOCK, SEEK_HOLE), ENXIO);
	CHECK_ERR(lseek(fd, -1, SEEK_HOLE), ENXIO);
	CHECK_EQ(pwrite(fd, "x", 1, 10 * BLOCK - 1), 1);
	CHECK_EQ(lseek(fd, 10 * BLOCK - 1, SEEK_HOLE), 10 * BLOCK);
}

/** Stored through a mapping and not written back yet, it is data. */
TEST(seek_data_of_a_mapping)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	char *p;

	CHECK_EQ(ftruncate(fd, 4 * BLOCK), 0);
	p = mmap(NULL, 4 * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(p != MAP_FAILED);
	p[2 * BLOCK] = 'x';
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 2 * BLOCK);
}

TEST(readahead_and_advice)
{
	int fd = blocks_file(4), p[2];

	CHECK_EQ(readahead(fd, 0, 4 * BLOCK), 0);
	CHECK_EQ(readahead(fd, 100 * BLOCK, BLOCK), 0);
	CHECK_ERR(readahead(-1, 0, 1), EBADF);
	CHECK_ERR(readahead(open("f", O_WRONLY), 0, 1), EBADF);
	CHECK_EQ(pipe(p), 0);
	CHECK_ERR(readahead(p[0], 0, 1), EINVAL);
	for (int advice = 0; advice <= POSIX_FADV_NOREUSE; advice++)
		CHECK_EQ(fadvise64(fd, 0, 0, advice), 0);
	CHECK_ERR(fadvise64(fd, 0, 0, 99), EINVAL);
	CHECK_ERR(fadvise64(fd, 0, -1, 0), EINVAL);
	CHECK_ERR(fadvise64(-1, 0, 0, 0), EBADF);
	CHECK_ERR(fadvise64(p[0], 0, 0, 0), ESPIPE);
	CHECK_EQ(byte_at(fd, 2 * BLOCK), 'c');
}
