/*
 * brk, mmap, munmap, mprotect, mremap, madvise, msync: their manual pages.
 */
#include <sys/resource.h>
#include "check.h"

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char *
map(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, RW, ANON, -1, 0);

	REQUIRE(p != MAP_FAILED);
	return p;
}

/** Whether reading (writing) there ends a child by this signal; 0: neither. */
static int
signal_of_read(volatile char *p)
{
	int status = IN_CHILD((void)*p);

	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static int
signal_of_write(volatile char *p)
{
	int status = IN_CHILD(*p = 1);

	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static int
open_pages(const char *path, char fill, size_t size)
{
	static char buf[16 * PAGE];
	int fd = open(path, O_RDWR | O_CREAT, 0644);

	memset(buf, fill, size);
	REQUIRE(write(fd, buf, size) == (ssize_t)size);
	return fd;
}

TEST(brk)
{
	char *start = sbrk(0);

	REQUIRE(start != NULL);
	CHECK_EQ(brk(start + 5 * PAGE), 0);
	CHECK_EQ(sbrk(0), start + 5 * PAGE);
	CHECK(start[0] == 0 && start[5 * PAGE - 1] == 0);
	memset(start, 'x', 5 * PAGE);
	CHECK_EQ(brk(start + 100), 0);
	CHECK_EQ(start[50], 'x');
	CHECK_EQ(brk(start + 5 * PAGE), 0);
	CHECK_EQ(start[4 * PAGE], 0); /* given back, so zero again */
	CHECK_EQ(brk(start), 0);
	CHECK_EQ(signal_of_read(start + 4 * PAGE), SIGSEGV);
}

TEST(brk_refusals)
{
	char *start = sbrk(0);
	struct rlimit rl = { PAGE, PAGE };

	/* the call answers with the break as it is */
	CHECK_EQ(syscall(NR_brk, 0), start);
	CHECK_EQ(syscall(NR_brk, 1), start);
	CHECK_EQ(syscall(NR_brk, 1ul << 47), start);
	CHECK_EQ(syscall(NR_brk, -1l), start);
	CHECK_EQ(setrlimit(RLIMIT_DATA, &rl), 0);
	CHECK_EQ(syscall(NR_brk, start + 16 * PAGE), start);
}

TEST(mmap_anonymous)
{
	char *p = map(4);

	CHECK_EQ((unsigned long)p % PAGE, 0);
	for (size_t i = 0; i < 4 * PAGE; i++)
		if (p[i] != 0)
			FAIL("byte %zu is not zero", i);
	memset(p, 'x', 4 * PAGE);
	CHECK_EQ(munmap(p, 4 * PAGE), 0);
	CHECK_EQ(signal_of_read(p), SIGSEGV);
}

TEST(mmap_is_copied_by_fork)
{
	char *p = map(1);

	p[0] = 'a';
	CHECK_EQ(IN_CHILD(CHECK_EQ(p[0], 'a'); p[0] = 'b'; CHECK_EQ(p[0], 'b')),
		 0);
	CHECK_EQ(p[0], 'a');
}

TEST(mmap_shared_anonymous)
{
	char *p = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED);
	CHECK_EQ(IN_CHILD(p[9] = 'b'), 0);
	CHECK_EQ(p[9], 'b');
}

TEST(mmap_file_private)
{
	int fd = open_pages("f", 'f', 2 * PAGE);
	char c, *p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, PAGE);

	REQUIRE(p != MAP_FAILED);
	CHECK_EQ(p[7], 'f');
	p[7] = 'x';
	CHECK_EQ(pread(fd, &c, 1, PAGE + 7), 1);
	CHECK_EQ(c, 'f');
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(p[8], 'f');
}

TEST(mmap_file_shared)
{
	int fd = open_pages("f", 'f', PAGE);
	char c, *p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	char *q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	REQUIRE(p != MAP_FAILED && q != MAP_FAILED);
	p[7] = 'x';
	CHECK_EQ(q[7], 'x');
	CHECK_EQ(pread(fd, &c, 1, 7), 1);
	CHECK_EQ(c, 'x');
	CHECK_EQ(pwrite(fd, "y", 1, 8), 1);
	CHECK_EQ(p[8], 'y');
	CHECK_EQ(msync(p, PAGE, MS_SYNC), 0);
	CHECK_EQ(munmap(p, PAGE), 0);
	CHECK_EQ(pread(open("f", O_RDONLY), &c, 1, 7), 1);
	CHECK_EQ(c, 'x');
}

TEST(mmap_end_of_file)
{
	int fd = open_pages("f", 'f', 100);
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);

	REQUIRE(p != MAP_FAILED);
	CHECK_EQ(p[99], 'f');
	CHECK_EQ(p[100], 0);
	CHECK_EQ(p[PAGE - 1], 0);
	CHECK_EQ(signal_of_read(p + PAGE), SIGBUS);
	CHECK_EQ(size_of_file("f"), 100);
}

TEST(mmap_truncated_under)
{
	int fd = open_pages("f", 'f', 2 * PAGE);
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);

	REQUIRE(p != MAP_FAILED && p[PAGE] == 'f');
	CHECK_EQ(ftruncate(fd, 10), 0);
	CHECK_EQ(signal_of_read(p + PAGE), SIGBUS);
	CHECK_EQ(p[10], 0);
	CHECK_EQ(p[9], 'f');
}

/* Private copies of what is cut off go, too; a hole's are left alone. */
TEST(mmap_private_truncated_under)
{
	int fd = open_pages("f", 'f', 3 * PAGE);
	char *p = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);

	REQUIRE(p != MAP_FAILED);
	memset(p, 'p', 3 * PAGE);
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			   3 * PAGE),
		 0);
	CHECK(p[0] == 'p' && p[2 * PAGE] == 'p');
	CHECK_EQ(ftruncate(fd, PAGE + 10), 0);
	CHECK_EQ(signal_of_read(p + 2 * PAGE), SIGBUS);
	CHECK(p[PAGE + 9] == 'p' && p[PAGE + 11] == 'p');
	CHECK_EQ(ftruncate(fd, 3 * PAGE), 0);
	CHECK_EQ(p[2 * PAGE], 0);
	CHECK(p[0] == 'p' && p[PAGE] == 'p');
}

TEST(mmap_fixed)
{
	char *p = map(3);

	memset(p, 'x', 3 * PAGE);
	CHECK_EQ(mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0), p + PAGE);
	CHECK(p[PAGE - 1] == 'x' && p[PAGE] == 0 && p[2 * PAGE] == 'x');
}

TEST(mmap_fixed_file_over_reservation)
{
	int fd = open_pages("f", 'f', PAGE);
	char *p = mmap(NULL, 4 * PAGE, PROT_NONE, ANON, -1, 0);

	REQUIRE(p != MAP_FAILED);
	CHECK_EQ(
		mmap(p + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0),
		p + PAGE);
	CHECK_EQ(p[PAGE], 'f');
	CHECK_EQ(signal_of_read(p), SIGSEGV);
	CHECK_EQ(signal_of_read(p + 2 * PAGE), SIGSEGV);
}

TEST(mmap_fixed_noreplace)
{
	char *p = map(2);

	CHECK_ERR(mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	CHECK_EQ(munmap(p, PAGE), 0);
	CHECK_EQ(mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), p);
}

TEST(mmap_hint)
{
	char *p = map(4);

	CHECK_EQ(munmap(p, 4 * PAGE), 0);
	CHECK_EQ(mmap(p, PAGE, RW, ANON, -1, 0), p); /* it is free */
	CHECK(mmap(p, PAGE, RW, ANON, -1, 0) != p);  /* now it is not */
}

TEST(mmap_hint_for_the_first_2_gib)
{
	char *p = (char *)0x50000000, *top = (char *)0x80000000;

	CHECK_EQ(mmap(p, 2 * PAGE, RW, ANON | MAP_32BIT, -1, 0), p);
	CHECK(mmap(p, PAGE, RW, ANON | MAP_32BIT, -1, 0) < (void *)top);
	CHECK(mmap(top, PAGE, RW, ANON | MAP_32BIT, -1, 0) < (void *)top);
	CHECK_EQ(mmap(p - PAGE, PAGE, RW, ANON | MAP_32BIT, -1, 0), p - PAGE);
	CHECK(mmap(top - PAGE, 2 * PAGE, RW, ANON | MAP_32BIT, -1, 0) <
	      (void *)(top - PAGE));
}

TEST(mmap_errors)
{
	int rd, wr, dir = open(".", O_RDONLY), p[2];
	char *at = map(1);

	make_file("f", "abc");
	rd = open("f", O_RDONLY);
	wr = open("f", O_WRONLY);
	REQUIRE(pipe(p) == 0);
	CHECK_ERR(mmap(NULL, 0, RW, ANON, -1, 0), EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERR(mmap(at + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_PRIVATE, rd, 1), EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF);
	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_PRIVATE, 99, 0), EBADF);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, wr, 0), EACCES);
	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_SHARED, wr, 0), EACCES);
	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_SHARED, rd, 0), EACCES);
	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_PRIVATE, dir, 0), ENODEV);
	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_PRIVATE, p[0], 0), ENODEV);
	CHECK_ERR(mmap(NULL, 1ul << 47, RW, ANON, -1, 0), ENOMEM);
	CHECK_ERR(mmap(NULL, -PAGE, RW, ANON, -1, 0), ENOMEM);
	CHECK_ERR(mmap((void *)(1ul << 47), PAGE, RW, ANON | MAP_FIXED, -1, 0),
		  ENOMEM);
	CHECK(mmap(NULL, PAGE, RW, MAP_PRIVATE, rd, 0) != MAP_FAILED);
}

/** Of two errors in one call, the same is told. */
TEST(mmap_order_of_errors)
{
	int fd = open_pages("f", 'f', PAGE);
	int flags = MAP_SHARED_VALIDATE;

	CHECK_ERR(mmap(NULL, PAGE, RW, ANON, -1, 5), EINVAL);
	CHECK(mmap(NULL, PAGE, RW, ANON, -1, -(off_t)PAGE) != MAP_FAILED);
	CHECK_ERR(mmap(NULL, 0, RW, MAP_PRIVATE, 99, 0), EBADF);
	CHECK_ERR(mmap(NULL, PAGE, RW, 0, 99, 0), EBADF);
	CHECK_ERR(mmap(NULL, 0, RW, MAP_PRIVATE, 99, 5), EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, RW, flags | MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, RW, flags | 0x2000000, fd, 0), EOPNOTSUPP);
	CHECK(mmap(NULL, PAGE, RW, MAP_SHARED | 0x2000000, fd, 0) !=
	      MAP_FAILED);
	CHECK(mmap(NULL, PAGE, RW, flags | MAP_POPULATE, fd, 0) != MAP_FAILED);
}

/** More than all memory: only what is the disk's, or not to be written. */
TEST(mmap_more_than_memory)
{
	int fd = open_pages("f", 'f', PAGE);
	size_t much = 1ul << 40;
	char *p = mmap(NULL, much, RW, MAP_SHARED, fd, 0);

	REQUIRE(p != MAP_FAILED && p[0] == 'f');
	CHECK_EQ(signal_of_write(p + much - 1), SIGBUS);
	CHECK_ERR(mmap(NULL, much, RW, MAP_PRIVATE, fd, 0), ENOMEM);
	CHECK_ERR(mmap(NULL, much, RW, ANON, -1, 0), ENOMEM);
	CHECK_ERR(mmap(NULL, much, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
		  ENOMEM);
	CHECK(mmap(NULL, much, PROT_READ, ANON, -1, 0) != MAP_FAILED);
	CHECK(mmap(NULL, much, RW, ANON | MAP_NORESERVE, -1, 0) != MAP_FAILED);
}

TEST(mmap_address_space_limit)
{
	struct rlimit rl = { 64 << 20, 64 << 20 };

	CHECK_EQ(setrlimit(RLIMIT_AS, &rl), 0);
	CHECK_ERR(mmap(NULL, 65 << 20, RW, ANON, -1, 0), ENOMEM);
	CHECK(mmap(NULL, 1 << 20, RW, ANON, -1, 0) != MAP_FAILED);
}

/** What a fixed mapping replaces does not count: so loaders map libraries. */
TEST(mmap_replaces_within_the_limit)
{
	char *q = map(200), text[64] = "";
	struct rlimit rl = { 0, RLIM_INFINITY };

	REQUIRE(read(open("/proc/self/statm", O_RDONLY), text, 63) > 0);
	rl.rlim_cur = (strtoul(text, NULL, 10) + 20) * PAGE;
	REQUIRE(setrlimit(RLIMIT_AS, &rl) == 0);
	CHECK_ERR(mmap(NULL, 30 * PAGE, RW, ANON, -1, 0), ENOMEM);
	CHECK_EQ(mmap(q, 200 * PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0), q);
	CHECK_EQ(mmap(q + PAGE, 100 * PAGE, RW, ANON | MAP_FIXED, -1, 0),
		 q + PAGE);
	CHECK_EQ(munmap(q + 150 * PAGE, 50 * PAGE), 0);
	CHECK_ERR(mmap(q + 50 * PAGE, 180 * PAGE, RW, ANON | MAP_FIXED, -1, 0),
		  ENOMEM);
	CHECK_EQ(mmap(q + 50 * PAGE, 150 * PAGE, RW, ANON | MAP_FIXED, -1, 0),
		 q + 50 * PAGE);
}

TEST(mmap_execute)
{
	static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
	char *p = map(1); /* mov $42, %eax; ret */

	memcpy(p, code, sizeof(code));
	CHECK_EQ(WTERMSIG(IN_CHILD(((int (*)(void))p)())), SIGSEGV);
	CHECK_EQ(mprotect(p, PAGE, PROT_READ | PROT_EXEC), 0);
	CHECK_EQ(((int (*)(void))p)(), 42);
}

TEST(mmap_sparse_is_cheap)
{
	char *p =
		mmap(NULL, 16ul << 30, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);

	REQUIRE(p != MAP_FAILED);
	CHECK_EQ(mprotect(p + (8ul << 30), PAGE, RW), 0);
	p[8ul << 30] = 1;
	CHECK_EQ(munmap(p, 16ul << 30), 0);
}

TEST(munmap)
{
	char *p = map(5);

	memset(p, 'x', 5 * PAGE);
	CHECK_EQ(munmap(p + PAGE, PAGE), 0);  /* a hole in the middle */
	CHECK_EQ(munmap(p + 3 * PAGE, 1), 0); /* a part is a page */
	CHECK(p[0] == 'x' && p[2 * PAGE] == 'x' && p[4 * PAGE] == 'x');
	CHECK_EQ(signal_of_read(p + PAGE), SIGSEGV);
	CHECK_EQ(signal_of_read(p + 3 * PAGE), SIGSEGV);
	CHECK_EQ(munmap(p, 5 * PAGE), 0); /* holes are no error */
	CHECK_EQ(munmap(p, 5 * PAGE), 0);
}

TEST(munmap_errors)
{
	char *p = map(1);

	CHECK_ERR(munmap(p + 1, PAGE), EINVAL);
	CHECK_ERR(munmap(p, 0), EINVAL);
	CHECK_ERR(munmap((void *)(1ul << 47), PAGE), EINVAL);
	CHECK_ERR(munmap(p, 1ul << 47), EINVAL);
}

TEST(mprotect)
{
	char *p = map(3);

	memset(p, 'x', 3 * PAGE);
	CHECK_EQ(mprotect(p + PAGE, PAGE, PROT_READ), 0);
	CHECK_EQ(p[PAGE], 'x');
	CHECK_EQ(signal_of_write(p + PAGE), SIGSEGV);
	CHECK_EQ(signal_of_write(p), 0);
	CHECK_EQ(signal_of_write(p + 2 * PAGE), 0);
	CHECK_EQ(mprotect(p, 2 * PAGE, PROT_NONE), 0);
	CHECK_EQ(signal_of_read(p), SIGSEGV);
	CHECK_EQ(signal_of_read(p + PAGE), SIGSEGV);
	CHECK_EQ(mprotect(p, 3 * PAGE, RW), 0);
	CHECK(p[0] == 'x' && p[PAGE] == 'x');
	p[PAGE] = 'y';
	CHECK_EQ(mprotect(p, 0, PROT_NONE), 0);
	CHECK_EQ(p[0], 'x');
}

TEST(mprotect_errors)
{
	char *p = map(3);
	char *shared;

	make_file("f", "abc");
	shared =
		mmap(NULL, PAGE, PROT_READ, MAP_SHARED, open("f", O_RDONLY), 0);
	CHECK_ERR(mprotect(p + 1, PAGE, RW), EINVAL);
	CHECK_ERR(mprotect(p, PAGE, 0x10), EINVAL);
	CHECK_ERR(mprotect(shared, PAGE, RW), EACCES);
	CHECK_EQ(munmap(p + PAGE, PAGE), 0);
	CHECK_ERR(mprotect(p, 3 * PAGE, PROT_READ), ENOMEM);
	CHECK_ERR(mprotect((void *)0x1000, PAGE, RW), ENOMEM);
}

TEST(mprotect_order_of_errors)
{
	char *p = map(1);
	void *hole = (void *)0x1000;

	CHECK_EQ(mprotect(p, PAGE, RW | PROT_SEM), 0);
	CHECK_EQ(mprotect(p, 0, 0x10), 0);
	CHECK_EQ(mprotect(p, 0, PROT_GROWSUP), 0);
	CHECK_ERR(mprotect(p, 0, PROT_GROWSUP | PROT_GROWSDOWN), EINVAL);
	CHECK_ERR(mprotect(p + 1, 0, RW), EINVAL);
	CHECK_ERR(mprotect(p, PAGE, PROT_GROWSUP), EINVAL);
	CHECK_ERR(mprotect(p, PAGE, PROT_GROWSDOWN), EINVAL);
	CHECK_ERR(mprotect(hole, PAGE, PROT_GROWSDOWN), ENOMEM);
	CHECK_ERR(mprotect(hole, PAGE, PROT_GROWSUP), ENOMEM);
}

TEST(mprotect_does_not_break_copy_on_write)
{
	char *p = map(1);

	p[0] = 'a';
	CHECK_EQ(IN_CHILD({
			 CHECK_EQ(mprotect(p, PAGE, PROT_READ), 0);
			 CHECK_EQ(mprotect(p, PAGE, RW), 0);
			 p[0] = 'b';
		 }),
		 0);
	CHECK_EQ(p[0], 'a');
}

TEST(mremap)
{
	char *p = map(2), *q;

	p[0] = 'a';
	p[PAGE] = 'b';
	q = mremap(p, 2 * PAGE, 200 * PAGE, MREMAP_MAYMOVE);
	REQUIRE(q != MAP_FAILED);
	CHECK(q[0] == 'a' && q[PAGE] == 'b' && q[199 * PAGE] == 0);
	CHECK_EQ(mremap(q, 200 * PAGE, PAGE, 0), q);
	CHECK_EQ(q[0], 'a');
	CHECK_EQ(signal_of_read(q + PAGE), SIGSEGV);
}

TEST(mremap_fixed)
{
	char *p = map(1), *to = map(3);

	p[0] = 'a';
	to[0] = to[2 * PAGE] = 't';
	CHECK_EQ(
		mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + PAGE),
		to + PAGE);
	CHECK(to[PAGE] == 'a' && to[0] == 't' && to[2 * PAGE] == 't');
	CHECK_EQ(signal_of_read(p), SIGSEGV);
}

/** What is replaced may be the front of the mapping that is moved. */
TEST(mremap_to_the_front_of_its_file)
{
	int fd = open("pages", O_RDWR | O_CREAT, 0644);
	char *p;

	for (unsigned i = 0; i < 8; i++)
		CHECK_EQ(pwrite(fd, &"abcdefgh"[i], 1, (off_t)(i * PAGE)), 1);
	CHECK_EQ(ftruncate(fd, 8 * PAGE), 0);
	p = mmap(NULL, 8 * PAGE, RW, MAP_SHARED, fd, 0);
	REQUIRE(p != MAP_FAILED);
	CHECK_EQ(mremap(p + 4 * PAGE, 2 * PAGE, 2 * PAGE,
			MREMAP_MAYMOVE | MREMAP_FIXED, p),
		 p);
	CHECK(p[0] == 'e' && p[PAGE] == 'f');
	CHECK(p[2 * PAGE] == 'c' && p[3 * PAGE] == 'd' && p[7 * PAGE] == 'h');
}

TEST(mremap_errors)
{
	char *p = map(3);

	CHECK_ERR(mremap(p + 1, PAGE, PAGE, 0), EINVAL);
	CHECK_ERR(mremap(p, PAGE, 0, 0), EINVAL);
	CHECK_ERR(mremap(p, PAGE, PAGE, 0x100), EINVAL);
	CHECK_ERR(mremap(p, PAGE, PAGE, MREMAP_FIXED, p), EINVAL);
	CHECK_ERR(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 1),
		  EINVAL);
	CHECK_ERR(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			 p + PAGE),
		  EINVAL);				 /* they overlap */
	CHECK_ERR(mremap(p, PAGE, 2 * PAGE, 0), ENOMEM); /* no room */
	CHECK_EQ(munmap(p + PAGE, PAGE), 0);
	CHECK_ERR(mremap(p + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
	CHECK_ERR(mremap(p, 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE), EFAULT);
}

/** What is cut off may be of many mappings, with holes. */
TEST(mremap_shrinks_over_borders)
{
	char *p = map(8);

	memset(p, 'x', 8 * PAGE);
	CHECK_EQ(mprotect(p + 3 * PAGE, PAGE, PROT_READ), 0);
	CHECK_EQ(munmap(p + 5 * PAGE, PAGE), 0);
	CHECK_ERR(mremap(p, 8 * PAGE, 9 * PAGE, MREMAP_MAYMOVE), EFAULT);
	CHECK_EQ(mremap(p, 7 * PAGE, 2 * PAGE, 0), p);
	CHECK_EQ(p[2 * PAGE - 1], 'x');
	CHECK_EQ(signal_of_read(p + 2 * PAGE), SIGSEGV);
	CHECK_EQ(signal_of_read(p + 3 * PAGE), SIGSEGV);
	CHECK_EQ(signal_of_read(p + 6 * PAGE), SIGSEGV);
	CHECK_EQ(p[7 * PAGE], 'x');
	CHECK_ERR(mremap(p, -PAGE, PAGE, MREMAP_MAYMOVE), EINVAL);
	CHECK_ERR(mremap((char *)-PAGE, PAGE, PAGE, MREMAP_MAYMOVE), EFAULT);
}

/** What is moved must be of one mapping; what is cut off need not be. */
TEST(mremap_moves_and_shrinks)
{
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
	char *p = map(8), *to = map(8);

	memset(p, 'x', 8 * PAGE);
	CHECK_EQ(mprotect(p + 4 * PAGE, PAGE, PROT_READ), 0);
	CHECK_EQ(munmap(p + 6 * PAGE, PAGE), 0);
	CHECK_ERR(mremap(p, 8 * PAGE, 5 * PAGE, flags, to), EFAULT);
	CHECK_EQ(p[8 * PAGE - 1], 'x');
	CHECK_EQ(mremap(p, 8 * PAGE, 4 * PAGE, flags, to), to);
	CHECK(to[4 * PAGE - 1] == 'x' && to[4 * PAGE] == 0);
	CHECK_EQ(signal_of_read(p), SIGSEGV);
	CHECK_EQ(signal_of_read(p + 4 * PAGE), SIGSEGV);
	CHECK_EQ(signal_of_read(p + 7 * PAGE), SIGSEGV);
}

TEST(mremap_leaves_the_old_place)
{
	int fd = open_pages("f", 'f', 2 * PAGE);
	int flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
	char *file = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0), *to = map(4);
	char *shared = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0), *q;

	REQUIRE(file != MAP_FAILED && shared != MAP_FAILED);
	file[0] = 'x';
	q = mremap(file, 2 * PAGE, 2 * PAGE, flags, NULL);
	REQUIRE(q != MAP_FAILED && q != file);
	CHECK(q[0] == 'x' && q[PAGE] == 'f');
	CHECK(file[0] == 'f' && file[PAGE] == 'f');
	shared[0] = 's';
	q = mremap(shared, 2 * PAGE, 2 * PAGE, flags, to);
	REQUIRE(q != MAP_FAILED && q != shared && q != to);
	CHECK(q[0] == 's' && shared[0] == 's');
	q[PAGE] = 't';
	CHECK_EQ(shared[PAGE], 't');
	CHECK_EQ(munmap(to, 4 * PAGE), 0);
	q = mremap(q, 2 * PAGE, 2 * PAGE, flags, to); /* a wish */
	REQUIRE(q == to);
	CHECK(q[PAGE] == 't' && file[PAGE] == 't');
	CHECK_ERR(mremap(q, PAGE, PAGE, flags, to + 1), EINVAL);
	CHECK_ERR(mremap(q, PAGE, PAGE, flags, q), EINVAL);
}

TEST(madvise)
{
	char *p = map(3);

	memset(p, 'x', 3 * PAGE);
	CHECK_EQ(madvise(p + PAGE, PAGE, MADV_DONTNEED), 0);
	CHECK(p[0] == 'x' && p[PAGE] == 0 && p[2 * PAGE] == 'x');
	CHECK_EQ(madvise(p, 3 * PAGE, MADV_NORMAL), 0);
	CHECK_EQ(madvise(p, 3 * PAGE, MADV_WILLNEED), 0);
	CHECK_EQ(madvise(p, PAGE, MADV_FREE), 0);
	CHECK(p[0] == 'x' || p[0] == 0);
	CHECK_EQ(madvise(p, 0, MADV_DONTNEED), 0);
}

TEST(madvise_file)
{
	int fd = open_pages("f", 'f', PAGE);
	char *p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);

	p[0] = 'x';
	CHECK_EQ(madvise(p, PAGE, MADV_DONTNEED), 0);
	CHECK_EQ(p[0], 'f');
}

TEST(madvise_errors)
{
	char *p = map(3);

	CHECK_ERR(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_ERR(madvise(p, PAGE, 12345), EINVAL);
	CHECK_EQ(munmap(p + PAGE, PAGE), 0);
	CHECK_ERR(madvise(p, 3 * PAGE, MADV_DONTNEED), ENOMEM);
	CHECK_ERR(madvise(p, 1ul << 62, MADV_NORMAL), ENOMEM);
	CHECK_ERR(madvise(p, -PAGE, MADV_NORMAL), EINVAL); /* it wraps */
	CHECK_ERR(madvise(p, -1ul, MADV_NORMAL), EINVAL);
}

TEST(madvise_remove_errors)
{
	int fd = open_pages("f", 'f', PAGE), rd = open("f", O_RDONLY);
	char *p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);

	CHECK_ERR(madvise(map(1), PAGE, MADV_REMOVE), EINVAL);
	CHECK_ERR(madvise(p, PAGE, MADV_REMOVE), EACCES);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, rd, 0);
	CHECK_ERR(madvise(p, PAGE, MADV_REMOVE), EACCES);
	CHECK_EQ(p[0], 'f');
}

TEST(msync_errors)
{
	char *p = map(3);

	CHECK_EQ(msync(p, PAGE, MS_ASYNC), 0);
	CHECK_ERR(msync(p + 1, PAGE, MS_SYNC), EINVAL);
	CHECK_ERR(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	CHECK_ERR(msync(p, PAGE, 0x100), EINVAL);
	CHECK_EQ(munmap(p + PAGE, PAGE), 0);
	CHECK_ERR(msync(p, 3 * PAGE, MS_SYNC), ENOMEM);
}

TEST(stack_grows)
{
	/* 1 MiB below, in steps as a program's calls would take it */
	volatile char *here = (volatile char *)__builtin_frame_address(0);

	for (long i = 0; i < 1 << 20; i += 512)
		here[-i - 4096] = (char)i;
	CHECK_EQ(here[-512 * 100 - 4096], (char)(512 * 100));
}

TEST(stack_limit)
{
	CHECK_EQ(WTERMSIG(IN_CHILD({
			 struct rlimit rl = { 1 << 20, 1 << 20 };
			 volatile char *p = __builtin_frame_address(0);

			 setrlimit(RLIMIT_STACK, &rl);
			 for (long i = 4096; i < 4 << 20; i += 512)
				 p[-i] = 1;
		 })),
		 SIGSEGV);
}

TEST(null_is_not_mapped)
{
	CHECK_EQ(signal_of_read(NULL), SIGSEGV);
	CHECK_EQ(signal_of_read((char *)100), SIGSEGV);
	CHECK_EQ(signal_of_read(KERNEL_HALF), SIGSEGV);
	CHECK_EQ(signal_of_write(KERNEL_HALF), SIGSEGV);
	CHECK_EQ(signal_of_read((char *)0x8000000000000000ul), SIGSEGV);
}
