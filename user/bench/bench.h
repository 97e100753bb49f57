/*
 * What the benchmarks' files share. An item is run(n): it prepares, makes n
 * operations, and gives the ticks of these alone (TIMED).
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>

#define PAGE 4096l
#define MIB  (1l << 20)
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

struct item {
	const char *name;
	long (*run)(long n);
	long n;	    /**< operations a round */
	long bytes; /**< not 0: a rate, of so many bytes an operation */
};

/* In the order in which they run; each ends with a NULL name. */
extern const struct item call_items[], process_items[], memory_items[],
	file_items[], event_items[];

#define BUF_SIZE 65536
extern char buf[BUF_SIZE];

/** This program's path, and that of the tiny one beside it. */
extern char self[], tiny[];

/** The time-stamp counter. */
static inline long
ticks(void)
{
	unsigned low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
	return (long)((unsigned long)high << 32 | low);
}

/** The ticks that an expression takes, n times. */
#define TIMED(n, operation)                                                    \
	({                                                                     \
		long start_ = ticks();                                         \
		for (long i_ = 0; i_ < (n); i_++)                              \
			operation;                                             \
		ticks() - start_;                                              \
	})

/** A call's result; if it failed, the running item is given up. */
long need(long result);

/** mmap at any place; needed to succeed. */
void *map(long size, int prot, int flags, int fd);

/** open with mode 0644; needed to succeed. */
int open_file(const char *path, int flags);

/** The file "pages" of n pages, written, so in the cache. */
int cached_file(long n);

#endif
