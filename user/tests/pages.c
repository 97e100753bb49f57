/*
 * What the first touch of a page costs, by what lies there, and what a fork
 * costs by what there is to copy: in ticks of the time-stamp counter, which are
 * instructions under the instruction clock. The book's chapter on address
 * spaces has a table of it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	  4096l
#define N	  512l /* pages */
#define AROUND	  16l
#define RW	  (PROT_READ | PROT_WRITE)
#define ANON	  (MAP_PRIVATE | MAP_ANONYMOUS)
#define MAPS_MOST 1000l

static long
ticks(void)
{
	unsigned low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
	return (long)((unsigned long)high << 32 | low);
}

static char *
map(long pages, int prot, int flags, int fd)
{
	void *p = mmap(NULL, (size_t)(pages * PAGE), prot, flags, fd, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return p;
}

static void
touch(const char *what, volatile char *p, long n, long step, int write)
{
	long t = ticks();

	for (long i = 0; i < n; i += step)
		if (write)
			p[i * PAGE] = 1;
		else
			(void)p[i * PAGE];
	if (what)
		printf("%s %ld\n", what, (ticks() - t) / (n / step));
}

static void
zeros(void)
{
	char *p = map(N, RW, ANON, -1);
	long t;

	touch("zeros, read", p, N, 1, 0);
	touch("zeros, written after a read", p, N, 1, 1);
	munmap(p, N * PAGE);
	p = map(N, RW, ANON, -1);
	touch("zeros, written", p, N, 1, 1);
	touch("the same again, no fault", p, N, 1, 1);
	t = ticks();
	munmap(p, N * PAGE);
	printf("unmapped %ld\n", (ticks() - t) / N);
}

/* A child shares the pages until the first half has been copied. */
static void
copies(void)
{
	char *p = map(N, RW, ANON, -1), byte;
	int hold[2];
	pid_t child;

	touch(NULL, p, N, 1, 1);
	pipe(hold);
	child = fork();
	if (child == 0) {
		close(hold[1]);
		read(hold[0], &byte, 1);
		_exit(0);
	}
	close(hold[0]);
	touch("shared after fork, written", p, N / 2, 1, 1);
	close(hold[1]);
	waitpid(child, NULL, 0);
	touch("not shared any more, written", p + N / 2 * PAGE, N / 2, 1, 1);
	munmap(p, N * PAGE);
}

static void
file_pages(void)
{
	static const char page[PAGE];
	int fd = open("/tmp/pages", O_RDWR | O_CREAT | O_TRUNC, 0644);
	char *p;

	for (long i = 0; i < N; i++)
		write(fd, page, PAGE);
	p = map(N, PROT_READ, MAP_SHARED, fd);
	touch("file, read", p, N, 1, 0);
	munmap(p, N * PAGE);
	p = map(N, PROT_READ, MAP_SHARED, fd);
	touch("file, read, a fault for 16 pages", p, N, AROUND, 0);
	munmap(p, N * PAGE);
	p = map(N, RW, MAP_SHARED, fd);
	touch("file, shared, written", p, N, 1, 1);
	munmap(p, N * PAGE);
	p = map(N, RW, MAP_PRIVATE, fd);
	touch("file, private, written", p, N, 1, 1);
	munmap(p, N * PAGE);
	close(fd);
	unlink("/tmp/pages");
}

/* The second of two: the first has made what is kept for the next. */
static long
fork_exit_wait(void)
{
	long t = 0;

	for (int i = 0; i < 2; i++) {
		t = ticks();
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		waitpid(child, NULL, 0);
		t = ticks() - t;
	}
	return t;
}

static void
forks(void)
{
	static char *maps[MAPS_MOST];
	char *p;

	printf("fork, exit, wait %ld\n", fork_exit_wait());
	for (long mib = 2; mib <= 32; mib *= 4) {
		p = map(mib << 8, RW, ANON, -1);
		touch(NULL, p, mib << 8, 1, 1);
		printf("with %ld MiB %ld\n", mib, fork_exit_wait());
		munmap(p, (size_t)mib << 20);
	}
	/* Two mappings each: without rights for the second they stay two. */
	for (long n = 1; n <= MAPS_MOST; n *= 10) {
		for (long i = 0; i < n; i++) {
			maps[i] = map(2, RW, ANON, -1);
			mprotect(maps[i] + PAGE, PAGE, PROT_NONE);
			maps[i][0] = 1;
		}
		printf("with %ld pages, each a mapping %ld\n", n,
		       fork_exit_wait());
		for (long i = 0; i < n; i++)
			munmap(maps[i], 2 * PAGE);
	}
}

int
main(void)
{
	zeros();
	copies();
	file_pages();
	forks();
	return 0;
}
