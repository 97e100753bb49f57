/*
 * Page faults and maps.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

/** Touches n pages. */
static void
touch(volatile char *p, long n, bool write)
{
	for (long i = 0; i < n; i++)
		if (write)
			p[i * PAGE] = 1;
		else
			(void)p[i * PAGE];
}

static long
fault_anon_page(long n)
{
	char *p = map(n * PAGE, RW, ANON, -1);
	long t = TIMED(1, touch(p, n, true));

	munmap(p, (size_t)(n * PAGE));
	return t;
}

static long
mmap_fault_munmap_page(long n)
{
	return TIMED(1, ({
			     char *p = map(n * PAGE, RW, ANON, -1);
			     touch(p, n, true);
			     munmap(p, (size_t)(n * PAGE));
		     }));
}

static long
fault_cow_page(long n)
{
	char *p = map(n * PAGE, RW, ANON, -1);
	int hold[2];
	pid_t child;
	long t;

	touch(p, n, true);
	need(pipe(hold));
	child = (pid_t)need(fork());
	if (child == 0) { /* shares the pages until told to end */
		close(hold[1]);
		read(hold[0], buf, 1);
		_exit(0);
	}
	t = TIMED(1, touch(p, n, true));
	close(hold[0]);
	close(hold[1]);
	waitpid(child, NULL, 0);
	munmap(p, (size_t)(n * PAGE));
	return t;
}

static long
file_fault(long n, bool write)
{
	int fd = cached_file(n);
	char *p = map(n * PAGE, write ? RW : PROT_READ, MAP_PRIVATE, fd);
	long t = TIMED(1, touch(p, n, write));

	munmap(p, (size_t)(n * PAGE));
	close(fd);
	unlink("pages");
	return t;
}

static long
mmap_file_read_page(long n)
{
	return file_fault(n, false);
}

static long
mmap_file_private_write_page(long n)
{
	return file_fault(n, true);
}

static long
mmap_munmap_1(long n)
{
	return TIMED(n, munmap(map(PAGE, RW, ANON, -1), PAGE));
}

static long
mmap_touch_munmap_1(long n)
{
	return TIMED(n, ({
			     char *p = map(PAGE, RW, ANON, -1);
			     touch(p, 1, true);
			     munmap(p, PAGE);
		     }));
}

static long
mprotect_pair(long n)
{
	char *p = map(PAGE, RW, ANON, -1);
	long t;

	touch(p, 1, true);
	t = TIMED(n, (mprotect(p, PAGE, PROT_READ), mprotect(p, PAGE, RW)));
	munmap(p, PAGE);
	return t;
}

static long
brk_grow_touch_page(long n)
{
	char *start = sbrk(0);
	long t = TIMED(n, ({
			       char *p = sbrk(PAGE);
			       touch(p, 1, true);
		       }));

	brk(start);
	return t;
}

const struct item memory_items[] = {
	{ "fault_anon_page", fault_anon_page, 1024, 0 },
	{ "mmap_fault_munmap_page", mmap_fault_munmap_page, 1024, 0 },
	{ "fault_cow_page", fault_cow_page, 1024, 0 },
	{ "mmap_file_read_page", mmap_file_read_page, 1024, 0 },
	{ "mmap_file_private_write_page", mmap_file_private_write_page, 1024,
	  0 },
	{ "mmap_munmap_1", mmap_munmap_1, 500, 0 },
	{ "mmap_touch_munmap_1", mmap_touch_munmap_1, 500, 0 },
	{ "mprotect_pair", mprotect_pair, 500, 0 },
	{ "brk_grow_touch_page", brk_grow_touch_page, 500, 0 },
	{ 0 },
};
