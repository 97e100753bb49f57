/*
 * Micro-benchmarks of system calls: "NAME TICKS" a line, the median of several
 * rounds, by the time-stamp counter. Where one tick is one instruction (QEMU
 * with -icount shift=0) these are instructions and the same on every run; there
 * use one CPU, and give memory size and the order of items along with the
 * figures. Usage: bench [-d FOLDER] [-r ROUNDS] [-l] [NAME ...]
 * The items named ..._8m are in MB per 10^9 ticks. An item whose calls the
 * kernel does not have prints "NAME -".
 */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bench.h"
#include "bits.h"
#include "tree.h"

#define ROUNDS	   5
#define ROUNDS_MAX 101

char buf[BUF_SIZE];
char self[PATH_MAX], tiny[PATH_MAX + 8];

static const struct item *const tables[] = { call_items, process_items,
					     memory_items, file_items,
					     event_items };

/* Leaves the running item: a call it needs has failed. */
static jmp_buf give_up;

long
need(long result)
{
	if (result < 0)
		longjmp(give_up, 1);
	return result;
}

void *
map(long size, int prot, int flags, int fd)
{
	void *p = mmap(NULL, (size_t)size, prot, flags, fd, 0);

	need(p == MAP_FAILED ? -1 : 0);
	return p;
}

int
open_file(const char *path, int flags)
{
	return (int)need(open(path, flags, 0644));
}

int
cached_file(long n)
{
	int fd = open_file("pages", O_RDWR | O_CREAT);

	for (long i = 0; i < n; i++)
		need(pwrite(fd, buf, PAGE, i * PAGE));
	return fd;
}

static int
compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

/** Runs an item's rounds, after one that is not counted, and prints it. */
static void
measure(const struct item *it, int rounds)
{
	static long t[ROUNDS_MAX];
	long median;

	if (setjmp(give_up) != 0) {
		printf("%s -\n", it->name);
		return;
	}
	it->run(it->n);
	for (int i = 0; i < rounds; i++)
		t[i] = it->run(it->n);
	qsort(t, (size_t)rounds, sizeof(t[0]), compare);
	median = MAX(t[rounds / 2], 1);
	if (it->bytes == 0)
		printf("%s %ld\n", it->name, median / it->n);
	else /* 10^6 bytes for 10^9 ticks */
		printf("%s %ld\n", it->name, it->bytes * it->n * 1000 / median);
	fflush(stdout);
}

/** Finds this program and the tiny one, which stands beside it. */
static void
find_programs(const char *name)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		strlcpy(self, name, sizeof(self));
	snprintf(tiny, sizeof(tiny), "%.*stiny",
		 (int)(strrchr(self, '/') - self) + 1, self);
}

static bool
is_wanted(const char *name, char **wanted)
{
	if (*wanted == NULL)
		return true;
	for (; *wanted != NULL; wanted++)
		if (strcmp(*wanted, name) == 0)
			return true;
	return false;
}

/** Does one thing with every wanted item of every table. */
static void
for_all(void (*fn)(const struct item *it, int rounds), char **wanted,
	int rounds)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (const struct item *it = tables[i]; it->name != NULL; it++)
			if (is_wanted(it->name, wanted))
				fn(it, rounds);
}

static void
print_name(const struct item *it, int rounds)
{
	(void)rounds;
	puts(it->name);
}

static int
usage(void)
{
	fprintf(stderr, "usage: bench [-d FOLDER] [-r ROUNDS] [-l] "
			"[NAME ...]\n");
	return 2;
}

int
main(int argc, char **argv)
{
	const char *parent = "/tmp";
	char folder[PATH_MAX];
	int option, rounds = ROUNDS;

	if (argc > 1 && strcmp(argv[1], "-x") == 0)
		return 0; /* started by fork_exec_self */
	while ((option = getopt(argc, argv, "d:r:l")) != -1) {
		if (option == '?')
			return usage();
		if (option == 'l')
			return for_all(print_name, argv + argc, 0), 0;
		if (option == 'd')
			parent = optarg;
		else
			rounds = MIN(MAX(atoi(optarg), 1), ROUNDS_MAX);
	}
	find_programs(argv[0]);
	snprintf(folder, sizeof(folder), "%s/bench.XXXXXX", parent);
	if (mkdtemp(folder) == NULL || chdir(folder) < 0) {
		perror(folder);
		return 2;
	}
	for_all(measure, argv + optind, rounds);
	chdir("/");
	remove_tree(folder);
	return 0;
}
