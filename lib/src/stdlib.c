/*
 * Numbers from text, sorting and searching, random numbers, names for temporary
 * files, and the strings that need memory.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bits.h"

/** The value of a digit, 36 or more if it is none. */
static unsigned
digit_value(char c)
{
	if (isdigit(c))
		return (unsigned)(c - '0');
	if (isalpha(c))
		return (unsigned)(tolower(c) - 'a' + 10);
	return 99;
}

/** Skips 0x or 0 as the base (0: find out) allows. */
static const char *
skip_prefix(const char *s, unsigned *base)
{
	bool hex =
		s[0] == '0' && (s[1] | 0x20) == 'x' && digit_value(s[2]) < 16;

	if (hex && (*base == 0 || *base == 16)) {
		*base = 16;
		return s + 2;
	}
	if (*base == 0)
		*base = s[0] == '0' ? 8 : 10;
	return s;
}

/**
 * What the strto functions share: the magnitude, at most max (else ERANGE).
 * @param negative set if there was a minus
 */
static unsigned long
parse(const char *s, char **end, unsigned base, bool *negative,
      unsigned long max_plus, unsigned long max_minus)
{
	const char *start = s;
	unsigned long value = 0, max;
	bool any = false, over = false;

	while (isspace(*s))
		s++;
	*negative = *s == '-';
	if (*s == '-' || *s == '+')
		s++;
	max = *negative ? max_minus : max_plus;
	for (s = skip_prefix(s, &base); digit_value(*s) < base; s++) {
		any = true;
		over |= __builtin_mul_overflow(value, base, &value) ||
			__builtin_add_overflow(value, digit_value(*s), &value);
	}
	if (end != NULL)
		*end = (char *)(any ? s : start);
	if (!over && value <= max)
		return value;
	errno = ERANGE;
	return max;
}

static bool
base_is_bad(const char *s, char **end, int base)
{
	if (base == 0 || (base >= 2 && base <= 36))
		return false;
	if (end != NULL)
		*end = (char *)s;
	errno = EINVAL;
	return true;
}

long
strtol(const char *restrict s, char **restrict end, int base)
{
	bool negative;
	unsigned long value;

	if (base_is_bad(s, end, base))
		return 0;
	value = parse(s, end, (unsigned)base, &negative, LONG_MAX,
		      (unsigned long)LONG_MAX + 1);
	return (long)(negative ? -value : value);
}

unsigned long
strtoul(const char *restrict s, char **restrict end, int base)
{
	bool negative;
	unsigned long value;

	if (base_is_bad(s, end, base))
		return 0;
	value = parse(s, end, (unsigned)base, &negative, ULONG_MAX, ULONG_MAX);
	return negative && value != ULONG_MAX ? -value : value;
}

long long
strtoll(const char *restrict s, char **restrict end, int base)
{
	return strtol(s, end, base);
}

unsigned long long
strtoull(const char *restrict s, char **restrict end, int base)
{
	return strtoul(s, end, base);
}

long
atol(const char *s)
{
	return strtol(s, NULL, 10);
}

int
atoi(const char *s)
{
	return (int)atol(s);
}

static void
swap(char *a, char *b, size_t size)
{
	for (; size > 0; size--, a++, b++) {
		char c = *a;

		*a = *b;
		*b = c;
	}
}

/** Lets element i of a heap sink until no child is greater. */
static void
sift(char *base, size_t i, size_t count, size_t size,
     int (*cmp)(const void *, const void *))
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= count)
			return;
		if (child + 1 < count &&
		    cmp(base + child * size, base + (child + 1) * size) < 0)
			child++;
		if (cmp(base + i * size, base + child * size) >= 0)
			return;
		swap(base + i * size, base + child * size, size);
		i = child;
	}
}

void
qsort(void *base, size_t count, size_t size,
      int (*cmp)(const void *, const void *))
{
	for (size_t i = count / 2; i-- > 0;)
		sift(base, i, count, size, cmp);
	for (size_t n = count; n > 1; n--) {
		swap(base, (char *)base + (n - 1) * size, size);
		sift(base, 0, n - 1, size, cmp);
	}
}

void *
bsearch(const void *key, const void *base, size_t count, size_t size,
	int (*cmp)(const void *, const void *))
{
	const char *low = base;

	while (count > 0) {
		const char *middle = low + count / 2 * size;
		int order = cmp(key, middle);

		if (order == 0)
			return (void *)middle;
		if (order > 0) {
			low = middle + size;
			count--;
		}
		count /= 2;
	}
	return NULL;
}

/* Steele and Vigna's SplitMix, cut to 32 bits of state: no need for more. */
int
rand_r(unsigned *state)
{
	uint64_t x = *state += 0x9e3779b9;

	x = (x ^ (x >> 16)) * 0x21f0aaad;
	x = ((uint32_t)x ^ ((uint32_t)x >> 15)) * 0x735a2d97ul;
	return (int)(((uint32_t)x ^ ((uint32_t)x >> 15)) & RAND_MAX);
}

static unsigned rand_state = 1;

void
srand(unsigned seed)
{
	rand_state = seed;
}

int
rand(void)
{
	return rand_r(&rand_state);
}

/** Fills in the XXXXXX at a name's end. @return 0, or -1 */
static int
fill_template(char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t len = strlen(name);
	uint64_t r;

	if (len < 6 || strcmp(name + len - 6, "XXXXXX") != 0) {
		errno = EINVAL;
		return -1;
	}
	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
		r = (uint64_t)getpid() << 32 | (unsigned)rand();
	for (size_t i = len - 6; i < len; i++, r /= 62)
		name[i] = letters[r % 62];
	return 0;
}

/** Fills in names until make succeeds or fails with another error. */
static int
make_unique(char *name, int (*make)(const char *name))
{
	size_t len = strlen(name);
	int result = -1;

	for (int tries = 0; tries < 100; tries++) {
		if (fill_template(name) < 0)
			return -1;
		result = make(name);
		if (result >= 0 || errno != EEXIST)
			break;
		memcpy(name + len - 6, "XXXXXX", 6);
	}
	return result;
}

static int
make_dir(const char *name)
{
	return mkdir(name, 0700);
}

static int
make_file(const char *name)
{
	return open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
}

char *
mkdtemp(char *name)
{
	return make_unique(name, make_dir) < 0 ? NULL : name;
}

int
mkstemp(char *name)
{
	return make_unique(name, make_file);
}

char *
strndup(const char *s, size_t max)
{
	size_t len = strnlen(s, max);
	char *copy = malloc(len + 1);

	if (copy == NULL)
		return NULL;
	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *
strdup(const char *s)
{
	return strndup(s, SIZE_MAX);
}

char *
strtok_r(char *restrict s, const char *restrict delim, char **restrict at)
{
	if (s == NULL)
		s = *at;
	s += strspn(s, delim);
	if (*s == '\0') {
		*at = s;
		return NULL;
	}
	*at = s + strcspn(s, delim);
	if (**at != '\0')
		*(*at)++ = '\0';
	return s;
}
