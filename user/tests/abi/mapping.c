/*
 * The kinds of memory that mmap(2) can be asked for: mappings that grow down,
 * that are filled at once, that stay in memory (mlock(2)); and what
 * /proc/self/status says of them.
 */
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include "check.h"

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define MIB  (1ul << 20)
/* A place with nothing around it. */
#define MIDDLE ((char *)0x20000000000)

static char *
map_at(char *at, size_t pages, int flags)
{
	char *p = mmap(at, pages * PAGE, RW, ANON | flags, -1, 0);

	REQUIRE(p == at);
	/* The compiler must not know what p points to the start of. */
	__asm__("" : "+r"(p));
	return p;
}

/** The signal that a store there ends a child by; 0: none. */
static int
signal_of_write(volatile char *p)
{
	int status = IN_CHILD(*p = 1);

	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/** Pages that are in memory, of a mapping of at most 64. */
static int
in_core(char *p, size_t pages)
{
	unsigned char vec[64];
	int n = 0;

	REQUIRE(syscall(NR_mincore, p, pages * PAGE, vec) == 0);
	for (size_t i = 0; i < pages; i++)
		n += vec[i] & 1;
	return n;
}

/** A line of /proc/self/status, in KiB. */
static long
status_of(const char *key)
{
	char text[4096] = "", *at;
	ssize_t n = read(open("/proc/self/status", O_RDONLY), text,
			 sizeof(text) - 1);

	REQUIRE(n > 0 && (at = strstr(text, key)) != NULL);
	return strtol(at + strlen(key), NULL, 10);
}

/* ---- Growing down ---- */

TEST(growsdown_grows_on_a_fault_below)
{
	volatile char *p = map_at(MIDDLE, 2, MAP_GROWSDOWN | MAP_FIXED);

	p[0] = 1;
	p[-1] = 2;
	p[-(long)(4 * PAGE) + 5] = 3; /* leaving pages out */
	CHECK(p[0] == 1 && p[-1] == 2 && p[-(long)(4 * PAGE) + 5] == 3);
	CHECK_EQ(p[-(long)(2 * PAGE)], 0);
	CHECK_EQ(munmap(MIDDLE - 4 * PAGE, 6 * PAGE), 0);
	CHECK_EQ(signal_of_write(p - 1), SIGSEGV);
}

TEST(growsdown_by_the_kernel)
{
	char *p = map_at(MIDDLE, 2, MAP_GROWSDOWN | MAP_FIXED);
	int fd = open("/dev/zero", O_RDONLY);

	p[-10] = 'x';
	CHECK_EQ(read(fd, p - PAGE - 10, 20), 20); /* a copy-out faults */
	CHECK_EQ(read(fd, p - 3 * PAGE, 8), 8);
	CHECK_EQ(p[-10], 'x');
}

TEST(growsdown_stops_at_its_guard_gap)
{
	char *p = map_at(MIDDLE, 2, MAP_GROWSDOWN | MAP_FIXED);

	/* 256 pages are kept free above what lies below */
	map_at(MIDDLE - 2 * MIB, 1, MAP_FIXED);
	CHECK_EQ(signal_of_write(p - MIB + 2 * PAGE), 0);
	CHECK_EQ(signal_of_write(p - MIB - PAGE), SIGSEGV);
	CHECK_EQ(signal_of_write(p - 2 * MIB + PAGE), SIGSEGV);
}

TEST(growsdown_keeps_others_away)
{
	char *p = map_at(MIDDLE, 2, MAP_GROWSDOWN | MAP_FIXED);

	/* a hint within the gap is not taken */
	CHECK(mmap(p - 16 * PAGE, PAGE, RW, ANON, -1, 0) != p - 16 * PAGE);
}

TEST(growsdown_within_the_limit)
{
	volatile char *p = map_at(MIDDLE, 2, MAP_GROWSDOWN | MAP_FIXED);
	struct rlimit rl = { MIB, MIB };

	/* a child's stack is its own already, and small */
	CHECK_EQ(WTERMSIG(IN_CHILD({
			 setrlimit(RLIMIT_STACK, &rl);
			 p[-(long)(MIB / 2)] = 1;
			 p[-(long)(MIB + PAGE)] = 1;
		 })),
		 SIGSEGV);
	CHECK_EQ(IN_CHILD({
			 setrlimit(RLIMIT_STACK, &rl);
			 p[-(long)(MIB / 2)] = 1;
		 }),
		 0);
}

TEST(growsdown_and_rights)
{
	volatile char *p = map_at(MIDDLE, 4, MAP_GROWSDOWN | MAP_FIXED);

	/* the lower end's rights are those that grow */
	CHECK_EQ(mprotect(MIDDLE, 2 * PAGE, PROT_READ), 0);
	CHECK_EQ(signal_of_write(p - 1), SIGSEGV);
	CHECK_EQ(IN_CHILD((void)p[-1]), 0);
	CHECK_EQ(mprotect(MIDDLE, PAGE, RW | PROT_GROWSDOWN), 0);
	p[-1] = 1;
	CHECK_ERR(mprotect(map_at(MIDDLE + 8 * PAGE, 1, MAP_FIXED), PAGE,
			   RW | PROT_GROWSDOWN),
		  EINVAL);
}

TEST(growsdown_parts_grow_again)
{
	volatile char *p = map_at(MIDDLE, 6, MAP_GROWSDOWN | MAP_FIXED);

	p[5 * PAGE] = 5;
	CHECK_EQ(munmap(MIDDLE, 2 * PAGE), 0); /* the lower end */
	p[PAGE] = 1;
	CHECK_EQ(p[0], 0);
	CHECK_EQ(munmap(MIDDLE + 2 * PAGE, 2 * PAGE), 0); /* a hole */
	p[3 * PAGE] = 3;
	CHECK(p[PAGE] == 1 && p[3 * PAGE] == 3 && p[5 * PAGE] == 5);
	/* split by rights, the upper part is still a stack's */
	CHECK_EQ(mprotect(MIDDLE + 3 * PAGE, 2 * PAGE, PROT_READ), 0);
	CHECK_EQ(mprotect(MIDDLE + 5 * PAGE, PAGE, RW | PROT_GROWSDOWN), 0);
	CHECK_EQ(munmap(MIDDLE + 3 * PAGE, 2 * PAGE), 0);
	p[4 * PAGE] = 4;
}

TEST(growsdown_is_for_private_zeros)
{
	int fd = open("file", O_RDWR | O_CREAT, 0644);

	CHECK_EQ(ftruncate(fd, PAGE), 0);
	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_GROWSDOWN, fd, 0),
		  EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_GROWSDOWN, fd, 0),
		  EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, RW,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0),
		  EINVAL);
}

TEST(stack_has_its_guard_gap)
{
	char line[256], *end;
	unsigned long start = 0;
	FILE *f = fopen("/proc/self/maps", "r");

	while (fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, "[stack]") != NULL)
			start = strtoul(line, &end, 16);
	fclose(f);
	REQUIRE(start != 0);
	map_at((char *)start - 4 * MIB, 1, MAP_FIXED);
	CHECK_EQ(signal_of_write((char *)start - MIB), 0);
	CHECK_EQ(signal_of_write((char *)start - 3 * MIB - PAGE), SIGSEGV);
}

/* ---- Flags ---- */

TEST(stack_and_noreserve_are_hints)
{
	char *p = mmap(NULL, PAGE, RW, ANON | MAP_STACK, -1, 0);

	REQUIRE(p != MAP_FAILED);
	p[0] = 1;
	/* more than any machine has */
	CHECK_ERR(mmap(NULL, 1ul << 46, RW, ANON, -1, 0), ENOMEM);
	p = mmap(NULL, 1ul << 45, RW, ANON | MAP_NORESERVE, -1, 0);
	REQUIRE(p != MAP_FAILED);
	p[1ul << 44] = 1;
	CHECK_EQ(p[1ul << 44], 1);
}

TEST(populate_fills)
{
	char *p = mmap(NULL, 8 * PAGE, RW, ANON | MAP_POPULATE, -1, 0);

	REQUIRE(p != MAP_FAILED);
	CHECK_EQ(in_core(p, 8), 8);
	p = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0);
	CHECK_EQ(in_core(p, 8), 0);
	p[3 * PAGE] = 1;
	CHECK_EQ(in_core(p, 8), 1);
	p = mmap(NULL, 8 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE,
		 -1, 0);
	CHECK_EQ(in_core(p, 8), 8);
}

TEST(fixed_noreplace_replaces_nothing)
{
	char *p = map_at(MIDDLE, 4, MAP_FIXED_NOREPLACE);

	p[0] = 'x';
	CHECK_ERR(
		mmap(p - PAGE, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0),
		EEXIST);
	CHECK_ERR(mmap(p + 3 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE,
		       -1, 0),
		  EEXIST);
	CHECK_ERR(
		mmap(p - PAGE, 6 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0),
		EEXIST);
	CHECK_ERR(mmap(p + 1, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0),
		  EINVAL);
	CHECK_EQ(p[0], 'x');
	map_at(p - PAGE, 1, MAP_FIXED_NOREPLACE);
	map_at(p + 4 * PAGE, 1, MAP_FIXED_NOREPLACE);
}

/* ---- Locked ---- */

TEST(mlock_fills_and_is_counted)
{
	char *p = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0);

	CHECK_EQ(status_of("VmLck:"), 0);
	CHECK_EQ(syscall(NR_mlock, p + PAGE, 2 * PAGE), 0);
	CHECK_EQ(in_core(p, 8), 2);
	CHECK_EQ(status_of("VmLck:"), 8);
	CHECK_EQ(syscall(NR_mlock, p + 2 * PAGE, 2 * PAGE), 0); /* no nesting */
	CHECK_EQ(status_of("VmLck:"), 12);
	CHECK_EQ(syscall(NR_mlock2, p + 5 * PAGE, PAGE, MLOCK_ONFAULT), 0);
	CHECK_EQ(in_core(p, 8), 3);
	CHECK_EQ(status_of("VmLck:"), 16);
	CHECK_EQ(IN_CHILD(CHECK_EQ(status_of("VmLck:"), 0)), 0);
	CHECK_EQ(syscall(NR_munlock, p, 3 * PAGE), 0);
	CHECK_EQ(status_of("VmLck:"), 8);
	CHECK_EQ(munmap(p, 8 * PAGE), 0);
	CHECK_EQ(status_of("VmLck:"), 0);
	p = mmap(NULL, 4 * PAGE, RW, ANON | MAP_LOCKED, -1, 0);
	CHECK_EQ(in_core(p, 4), 4);
	CHECK_EQ(status_of("VmLck:"), 16);
	p = mmap(NULL, 4 * PAGE, RW, ANON | MAP_LOCKED | MAP_NONBLOCK, -1, 0);
	CHECK_EQ(in_core(p, 4), 4); /* that is for MAP_POPULATE alone */
}

TEST(mlockall_is_for_now_and_later)
{
	char *p = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0), *q;
	long all;

	CHECK_EQ(syscall(NR_mlockall, MCL_CURRENT), 0);
	CHECK_EQ(in_core(p, 4), 4);
	all = status_of("VmLck:");
	CHECK(all >= 16);
	q = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);
	CHECK_EQ(in_core(q, 4), 0);
	CHECK_EQ(syscall(NR_mlockall, MCL_FUTURE), 0);
	q = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);
	CHECK_EQ(in_core(q, 4), 4);
	CHECK_EQ(syscall(NR_munlockall), 0);
	CHECK_EQ(status_of("VmLck:"), 0);
	q = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);
	CHECK_EQ(in_core(q, 4), 0);
}

TEST(mlock_within_the_limit)
{
	char *p = mmap(NULL, 64 * PAGE, RW, ANON, -1, 0);
	struct rlimit rl = { 4 * PAGE, 4 * PAGE }, none = { 0, 0 };

	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &rl), 0);
	CHECK_EQ(syscall(NR_mlock, p, 8 * PAGE), 0); /* root's is none */
	CHECK_EQ(syscall(NR_munlock, p, 8 * PAGE), 0);
	AS_USER({
		CHECK_EQ(syscall(NR_mlock, p, 4 * PAGE), 0);
		CHECK_ERR(syscall(NR_mlock, p + 4 * PAGE, PAGE), ENOMEM);
		CHECK_ERR(mmap(NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0),
			  EAGAIN);
		CHECK_EQ(syscall(NR_munlock, p, PAGE), 0);
		CHECK_EQ(syscall(NR_mlock, p + 4 * PAGE, PAGE), 0);
		/* What is locked already does not count twice. */
		CHECK_EQ(syscall(NR_mlock, p + PAGE, 4 * PAGE), 0);
		CHECK_EQ(syscall(NR_mlock, p + 2 * PAGE, 2 * PAGE), 0);
		CHECK_ERR(syscall(NR_mlock, p, 4 * PAGE), ENOMEM);
		CHECK_EQ(status_of("VmLck:"), 16);
	});
	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	AS_USER({
		CHECK_ERR(syscall(NR_mlock, p, PAGE), EPERM);
		CHECK_ERR(syscall(NR_mlock, p, -PAGE), EPERM);
		CHECK_ERR(syscall(NR_mlock, p, 1ul << 62), EPERM);
		CHECK_ERR(mmap(NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0),
			  EPERM);
	});
}

/** Pages that cannot be had: the call says so, and the lock is set. */
TEST(mlock_of_what_cannot_be_read)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_NONE, ANON, -1, 0), *q;
	int fd = open("short", O_RDWR | O_CREAT, 0644);

	CHECK_ERR(syscall(NR_mlock, p, 2 * PAGE), ENOMEM);
	CHECK_EQ(status_of("VmLck:"), 8);
	CHECK_EQ(syscall(NR_mlock2, p, 2 * PAGE, MLOCK_ONFAULT), 0);
	REQUIRE(ftruncate(fd, PAGE) == 0);
	q = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK_EQ(syscall(NR_mlock, q, PAGE), 0);
	CHECK_ERR(syscall(NR_mlock, q, 2 * PAGE), ENOMEM);
	CHECK_EQ(syscall(NR_mlockall, MCL_CURRENT), 0);
	CHECK(mmap(NULL, PAGE, PROT_NONE, ANON | MAP_LOCKED, -1, 0) !=
	      MAP_FAILED);
}

/** The lock goes with the pages. */
TEST(mremap_takes_the_lock_along)
{
	char *p = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0), *q;

	CHECK_EQ(syscall(NR_mlock, p, 4 * PAGE), 0);
	q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
		   NULL);
	REQUIRE(q != MAP_FAILED);
	CHECK_ERR(madvise(q, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_EQ(madvise(p, PAGE, MADV_DONTNEED), 0);
}

TEST(mlock_errors)
{
	char *p = mmap(NULL, 3 * PAGE, RW, ANON, -1, 0);

	CHECK_EQ(munmap(p + PAGE, PAGE), 0);
	CHECK_ERR(syscall(NR_mlock, p, 3 * PAGE), ENOMEM);
	CHECK_ERR(syscall(NR_munlock, p, 3 * PAGE), ENOMEM);
	CHECK_ERR(syscall(NR_mlock2, p, PAGE, 2), EINVAL);
	CHECK_ERR(syscall(NR_mlockall, 0), EINVAL);
	CHECK_ERR(syscall(NR_mlockall, 8), EINVAL);
	CHECK_ERR(syscall(NR_mlockall, MCL_ONFAULT), EINVAL);
}
