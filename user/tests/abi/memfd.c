/*
 * memfd_create and its seals, mlock and its kin: their manual pages.
 */
#include <sys/resource.h>
#include "check.h"

static int
memfd(const char *name, unsigned flags)
{
	return (int)syscall(NR_memfd_create, name, flags);
}

static void *
map(int fd, int prot, int flags)
{
	return mmap(NULL, 4096, prot, flags, fd, 0);
}

TEST(memfd_is_a_file)
{
	char path[64], text[64] = "", buf[8] = "";
	int fd = memfd("some name", MFD_CLOEXEC);
	struct stat st;
	char *m;

	REQUIRE(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	CHECK_EQ(write(fd, "hello", 5), 5);
	CHECK_EQ(pread(fd, buf, 8, 1), 4);
	CHECK(strcmp(buf, "ello") == 0);
	CHECK_EQ(ftruncate(fd, 10000), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, 10000);
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0777);
	m = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	REQUIRE(m != MAP_FAILED);
	m[1] = 'E';
	CHECK_EQ(pread(fd, buf, 5, 0), 5);
	CHECK(strcmp(buf, "hEllo") == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(readlink(path, text, sizeof(text) - 1) > 0);
	CHECK(strcmp(text, "/memfd:some name (deleted)") == 0);
	/* opened anew by way of /proc; shared with a child */
	CHECK_EQ(IN_CHILD({
			 int again = open(path, O_RDWR);

			 CHECK(again >= 0);
			 CHECK_EQ(pwrite(again, "J", 1, 0), 1);
		 }),
		 0);
	CHECK_EQ(m[0], 'J');
	close(fd);
	CHECK_EQ(m[0], 'J'); /* the mapping keeps it */
}

TEST(memfd_errors)
{
	static char name[300];
	int fd;

	memset(name, 'n', sizeof(name) - 1);
	CHECK_ERR(memfd(name, 0), EINVAL);
	name[250] = '\0';
	CHECK_ERR(memfd(name, 0), EINVAL);
	name[249] = '\0';
	fd = memfd(name, 0);
	CHECK(fd >= 0);
	CHECK_ERR(memfd("x", 0x80000000u), EINVAL);
	CHECK_ERR(memfd(BAD, 0), EFAULT);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	CHECK_EQ(fcntl(memfd("", 0), F_GETFD), 0);
	int pipes[2];
	REQUIRE(pipe(pipes) == 0);
	CHECK_ERR(fcntl(pipes[0], F_GET_SEALS), EINVAL);
}

TEST(seals_on_the_size)
{
	int fd = memfd("x", MFD_ALLOW_SEALING);
	static char page[8192];

	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
	CHECK_EQ(ftruncate(fd, 6000), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	CHECK_ERR(ftruncate(fd, 5999), EPERM);
	CHECK_EQ(ftruncate(fd, 6000), 0);
	CHECK_EQ(ftruncate(fd, 7000), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW);
	CHECK_ERR(ftruncate(fd, 7001), EPERM);
	CHECK_EQ(pwrite(fd, "x", 1, 6999), 1);
	CHECK_ERR(pwrite(fd, "xy", 2, 6999), EPERM);
	CHECK_ERR(pwrite(fd, "x", 1, 7000), EPERM);
	CHECK_EQ(pwrite(fd, page, sizeof(page), 0), 4096);
	CHECK_ERR(syscall(NR_fallocate, fd, 0, 0L, 8000L), EPERM);
	CHECK_ERR(syscall(NR_fallocate, fd, FALLOC_FL_KEEP_SIZE, 0L, 8000L),
		  EPERM);
	CHECK_EQ(syscall(NR_fallocate, fd, 0, 0L, 7000L), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
}

TEST(seals_on_the_contents)
{
	int fd = memfd("x", MFD_ALLOW_SEALING), readonly;
	char path[64], *shared, *private;

	CHECK_EQ(write(fd, "text", 4), 4);
	shared = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	private = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
	/* with this one, the mapping that is there may still write */
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
	shared[0] = 'n';
	CHECK(map(fd, PROT_READ | PROT_WRITE, MAP_SHARED) == MAP_FAILED);
	CHECK_EQ(errno, EPERM);
	CHECK_ERR(pwrite(fd, "x", 1, 0), EPERM);
	munmap(shared, 4096);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	CHECK_ERR(pwrite(fd, "x", 1, 0), EPERM);
	CHECK_ERR(syscall(NR_fallocate, fd, 3 /* PUNCH_HOLE | KEEP_SIZE */, 0L,
			  4096L),
		  EPERM);
	private[1] = 'o'; /* a copy is nobody's business */
	CHECK(memcmp(private, "noxt", 4) == 0);
	CHECK(map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE) != MAP_FAILED);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	readonly = open(path, O_RDONLY);
	shared = map(readonly, PROT_READ, MAP_SHARED);
	REQUIRE(shared != MAP_FAILED);
	CHECK(memcmp(shared, "next", 4) == 0);
	CHECK_ERR(mprotect(shared, 4096, PROT_READ | PROT_WRITE), EACCES);
	CHECK_ERR(fcntl(readonly, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, 0x100), EINVAL);
}

/* ---- mlock ---- */

static long
locked_kib(void)
{
	static char text[8192];
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	char *line;

	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	line = strstr(text, "VmLck:");
	return line == NULL ? -1 : atol(line + 6);
}

#define PAGES(n) ((size_t)(n)*4096)

static char *
fresh(size_t pages)
{
	char *m = mmap(NULL, PAGES(pages), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(m != MAP_FAILED);
	return m;
}

static int
resident(char *m)
{
	unsigned char in_core = 0;

	CHECK_EQ(syscall(NR_mincore, m, 4096L, &in_core), 0);
	return in_core & 1;
}

static int
call_mlock(void *m, size_t len)
{
	return (int)syscall(NR_mlock, m, len);
}

TEST(mlock_brings_pages_in)
{
	char *m = fresh(10);

	CHECK_EQ(call_mlock(m + 4096 + 5, 4096), 0); /* pages 1 and 2 */
	CHECK(!resident(m) && resident(m + PAGES(1)) && resident(m + PAGES(2)));
	CHECK_EQ(locked_kib(), 8);
	CHECK_ERR(madvise(m + PAGES(1), 4096, MADV_DONTNEED), EINVAL);
	CHECK_EQ(IN_CHILD(CHECK_EQ(locked_kib(), 0)), 0);
	CHECK_EQ(syscall(NR_munlock, m + PAGES(1), 4096L), 0);
	CHECK_EQ(locked_kib(), 4);
	CHECK_EQ(madvise(m + PAGES(1), 4096, MADV_DONTNEED), 0);
	CHECK_EQ(syscall(NR_mlock2, m + PAGES(4), PAGES(2), MLOCK_ONFAULT), 0);
	CHECK(!resident(m + PAGES(4)));
	CHECK_EQ(locked_kib(), 12);
	munmap(m, PAGES(10));
	CHECK_EQ(locked_kib(), 0);
}

TEST(mlock_errors)
{
	char *m = fresh(4);

	munmap(m + PAGES(1), 4096);
	CHECK_ERR(call_mlock(m, PAGES(3)), ENOMEM);
	CHECK_ERR(call_mlock(m, (size_t)-8192), EINVAL);
	CHECK_ERR(syscall(NR_mlock2, m, 4096L, 2), EINVAL);
	CHECK_ERR(syscall(NR_munlock, m, PAGES(3)), ENOMEM);
	CHECK_ERR(syscall(NR_mlockall, 0), EINVAL);
	CHECK_ERR(syscall(NR_mlockall, 8), EINVAL);
	CHECK_ERR(syscall(NR_mlockall, MCL_ONFAULT), EINVAL);
	CHECK_EQ(call_mlock(m, 0), 0);
}

TEST(mlock_limit)
{
	struct rlimit rl = { PAGES(4), PAGES(4) }, none = { 0, 0 };
	char *m = fresh(10);

	AS_USER({
		REQUIRE(setrlimit(RLIMIT_MEMLOCK, &rl) == 0);
		CHECK_EQ(call_mlock(m, PAGES(3)), 0);
		CHECK_ERR(call_mlock(m + PAGES(4), PAGES(2)), ENOMEM);
		CHECK_ERR(syscall(NR_mlockall, MCL_CURRENT), ENOMEM);
		CHECK_EQ(syscall(NR_mlockall, MCL_FUTURE), 0);
		CHECK(mmap(NULL, PAGES(5), PROT_READ,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
		CHECK_EQ(errno, EAGAIN);
		CHECK_EQ(syscall(NR_munlockall), 0);
		REQUIRE(setrlimit(RLIMIT_MEMLOCK, &none) == 0);
		CHECK_ERR(call_mlock(m, 4096), EPERM);
		CHECK_ERR(syscall(NR_mlockall, MCL_CURRENT), EPERM);
	});
	REQUIRE(setrlimit(RLIMIT_MEMLOCK, &none) == 0);
	CHECK_EQ(call_mlock(m, PAGES(10)), 0); /* root may */
}

TEST(mlockall_now_and_later)
{
	char *before = fresh(3), *after;

	CHECK_EQ(syscall(NR_mlockall, MCL_CURRENT), 0);
	CHECK(resident(before) && resident(before + PAGES(2)));
	after = fresh(3);
	CHECK(!resident(after));
	CHECK_EQ(syscall(NR_mlockall, MCL_CURRENT | MCL_FUTURE), 0);
	CHECK(resident(after));
	after = fresh(3);
	CHECK(resident(after + PAGES(2)));
	CHECK_ERR(madvise(after, 4096, MADV_DONTNEED), EINVAL);
	CHECK_EQ(syscall(NR_munlockall), 0);
	CHECK_EQ(locked_kib(), 0);
	CHECK(!resident(fresh(1)));
}

TEST(locked_pages_elsewhere)
{
	char *m = fresh(4), *shared;
	struct rlimit rl = { PAGES(2), PAGES(2) }, none = { 0, 0 };

	CHECK_ERR(syscall(NR_munlock, m, -4096L), EINVAL);
	CHECK_ERR(syscall(NR_munlock, m, -1L - 4095), EINVAL);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK_EQ(call_mlock(shared, 4096), 0);
	CHECK_ERR(msync(shared, 4096, MS_INVALIDATE), EBUSY);
	AS_USER({
		REQUIRE(setrlimit(RLIMIT_MEMLOCK, &rl) == 0);
		m = fresh(2);
		CHECK_EQ(call_mlock(m, PAGES(2)), 0);
		CHECK(mremap(m, PAGES(2), PAGES(4), MREMAP_MAYMOVE) ==
		      MAP_FAILED);
		CHECK_EQ(errno, EAGAIN);
		REQUIRE(setrlimit(RLIMIT_MEMLOCK, &none) == 0);
		CHECK_ERR(syscall(NR_mlock2, m, 4096L, 0), EPERM);
	});
}

TEST(mincore_errors)
{
	unsigned char in_core;
	char *m = fresh(2);

	CHECK_ERR(syscall(NR_mincore, m + 1, 4096L, &in_core), EINVAL);
	CHECK_ERR(syscall(NR_mincore, m, 4096L, BAD), EFAULT);
	munmap(m, 4096);
	CHECK_ERR(syscall(NR_mincore, m, 4096L, &in_core), ENOMEM);
}

TEST(mincore_up_to_a_hole)
{
	unsigned char in_core[3] = { 9, 9, 9 };
	char *m = fresh(3);

	m[0] = 1;
	munmap(m + PAGES(2), 4096);
	CHECK_ERR(syscall(NR_mincore, m, PAGES(3), in_core), ENOMEM);
	CHECK(in_core[0] == 1 && in_core[1] == 0 && in_core[2] == 9);
}

TEST(ranges_that_wrap)
{
	CHECK_ERR(madvise((void *)-4096L, 8192, MADV_NORMAL), EINVAL);
	CHECK_ERR(madvise((void *)-4096L, 4096, MADV_NORMAL), EINVAL);
	CHECK_EQ(msync((void *)-4096L, 0, MS_SYNC), 0);
	CHECK_ERR(msync((void *)-4096L, 8192, MS_SYNC), ENOMEM);
}
