/*
 * C's stdlib.h, without floating point and system().
 */
#ifndef STDLIB_H
#define STDLIB_H

#include <stddef.h>

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1
#define RAND_MAX     0x7fffffff

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *p, size_t size);
void free(void *p);
/** Like realloc for count * size, which may not overflow (OpenBSD). */
void *reallocarray(void *p, size_t count, size_t size);

__attribute__((noreturn)) void exit(int status);
__attribute__((noreturn)) void abort(void);
/** At most 32 functions. */
int atexit(void (*fn)(void));

int atoi(const char *s);
long atol(const char *s);
long strtol(const char *restrict s, char **restrict end, int base);
unsigned long strtoul(const char *restrict s, char **restrict end, int base);
long long strtoll(const char *restrict s, char **restrict end, int base);
unsigned long long strtoull(const char *restrict s, char **restrict end,
			    int base);

/** Heapsort: in place, O(n log n) whatever the input, not stable. */
void qsort(void *base, size_t count, size_t size,
	   int (*cmp)(const void *, const void *));
void *bsearch(const void *key, const void *base, size_t count, size_t size,
	      int (*cmp)(const void *, const void *));

char *getenv(const char *name);
int setenv(const char *name, const char *value, int overwrite);
int unsetenv(const char *name);

int rand(void);
void srand(unsigned seed);
/** A sequence of its own for each state. */
int rand_r(unsigned *state);

/** Makes a directory (a file), filling in the XXXXXX that ends the name. */
char *mkdtemp(char *name);
int mkstemp(char *name);

static inline int
abs(int x)
{
	return x < 0 ? -x : x;
}

static inline long
labs(long x)
{
	return x < 0 ? -x : x;
}

#endif
