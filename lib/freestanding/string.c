/*
 * string.h without a system under it. Copy and fill move eight bytes an
 * iteration by rep movsq and stosq, which is what counts where a rep iteration
 * is one instruction, and end with one unaligned word that overlaps what is
 * done already, instead of a loop over the last bytes. No vector registers.
 */
#include <stdint.h>
#include "string.h"

/* Or gcc finds that these loops are a strlen, and calls strlen. */
#ifndef __clang__
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

/* Words at any address, of any type. */
typedef uint64_t __attribute__((may_alias, aligned(1))) word64;
typedef uint32_t __attribute__((may_alias, aligned(1))) word32;
typedef uint16_t __attribute__((may_alias, aligned(1))) word16;

/** Fewer than 8 bytes. All are loaded before any is stored: may overlap. */
static inline void
copy_short(char *d, const char *s, size_t n)
{
	if (n >= 4) {
		uint32_t first = *(const word32 *)s;
		uint32_t last = *(const word32 *)(s + n - 4);

		*(word32 *)d = first;
		*(word32 *)(d + n - 4) = last;
	} else if (n >= 2) {
		uint16_t first = *(const word16 *)s;
		uint16_t last = *(const word16 *)(s + n - 2);

		*(word16 *)d = first;
		*(word16 *)(d + n - 2) = last;
	} else if (n == 1) {
		*d = *s;
	}
}

/** Forwards, n >= 8; right also where dst overlaps src from below. */
static inline void
copy_forward(char *d, const char *s, size_t n)
{
	uint64_t last = *(const word64 *)(s + n - 8);
	char *end = d + n - 8;
	size_t words = n / 8;

	__asm__ volatile("rep movsq"
			 : "+D"(d), "+S"(s), "+c"(words)
			 :
			 : "memory");
	*(word64 *)end = last;
}

/** Backwards, n >= 8; right also where dst overlaps src from above. */
static inline void
copy_backward(char *d, const char *s, size_t n)
{
	uint64_t first = *(const word64 *)s;
	char *start = d;

	while (n >= 8) {
		n -= 8;
		*(word64 *)(d + n) = *(const word64 *)(s + n);
	}
	*(word64 *)start = first;
}

void *
memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	if (n < 8)
		copy_short(dst, src, n);
	else
		copy_forward(dst, src, n);
	return dst;
}

void *
memmove(void *dst, const void *src, size_t n)
{
	if (n < 8)
		copy_short(dst, src, n);
	else if ((uintptr_t)dst - (uintptr_t)src >= n)
		copy_forward(dst, src, n);
	else
		copy_backward(dst, src, n);
	return dst;
}

void *
memset(void *dst, int c, size_t n)
{
	uint64_t fill = (unsigned char)c * (uint64_t)0x0101010101010101;
	size_t words = n / 8;
	char *d = dst;

	if (n < 8) {
		for (size_t i = 0; i < n; i++)
			d[i] = (char)c;
		return dst;
	}
	*(word64 *)(d + n - 8) = fill;
	__asm__ volatile("rep stosq"
			 : "+D"(d), "+c"(words)
			 : "a"(fill)
			 : "memory");
	return dst;
}

int
memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;

	for (; n >= 8 && *(const word64 *)p == *(const word64 *)q; n -= 8) {
		p += 8;
		q += 8;
	}
	for (; n > 0; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

void *
memchr(const void *p, int c, size_t n)
{
	const unsigned char *s = p;

	for (; n > 0; n--, s++)
		if (*s == (unsigned char)c)
			return (void *)s;
	return NULL;
}

void *
memmem(const void *hay, size_t haylen, const void *needle, size_t needlelen)
{
	const char *h = hay;

	for (; haylen >= needlelen; h++, haylen--)
		if (memcmp(h, needle, needlelen) == 0)
			return (void *)h;
	return NULL;
}

size_t
strlen(const char *s)
{
	const char *p = s;

	while (*p != '\0')
		p++;
	return (size_t)(p - s);
}

size_t
strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] != '\0')
		n++;
	return n;
}

int
strcmp(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

int
strncmp(const char *a, const char *b, size_t n)
{
	for (; n > 0; n--, a++, b++)
		if (*a != *b || *a == '\0')
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

char *
strchrnul(const char *s, int c)
{
	while (*s != '\0' && *s != (char)c)
		s++;
	return (char *)s;
}

char *
strchr(const char *s, int c)
{
	char *p = strchrnul(s, c);

	return *p == (char)c ? p : NULL;
}

char *
strrchr(const char *s, int c)
{
	const char *found = NULL;

	do
		if (*s == (char)c)
			found = s;
	while (*s++ != '\0');
	return (char *)found;
}

char *
strstr(const char *hay, const char *needle)
{
	return memmem(hay, strlen(hay), needle, strlen(needle));
}

size_t
strspn(const char *s, const char *accept)
{
	size_t n = 0;

	while (s[n] != '\0' && strchr(accept, s[n]) != NULL)
		n++;
	return n;
}

size_t
strcspn(const char *s, const char *reject)
{
	size_t n = 0;

	while (s[n] != '\0' && strchr(reject, s[n]) == NULL)
		n++;
	return n;
}

char *
strpbrk(const char *s, const char *accept)
{
	s += strcspn(s, accept);
	return *s == '\0' ? NULL : (char *)s;
}

char *
strcpy(char *restrict dst, const char *restrict src)
{
	return memcpy(dst, src, strlen(src) + 1);
}

char *
strcat(char *restrict dst, const char *restrict src)
{
	strcpy(dst + strlen(dst), src);
	return dst;
}

char *
strncpy(char *restrict dst, const char *restrict src, size_t n)
{
	size_t len = strnlen(src, n);

	memcpy(dst, src, len);
	memset(dst + len, 0, n - len);
	return dst;
}

size_t
strlcpy(char *restrict dst, const char *restrict src, size_t size)
{
	size_t len = strlen(src);

	if (size > 0) {
		size_t fit = len < size ? len : size - 1;

		memcpy(dst, src, fit);
		dst[fit] = '\0';
	}
	return len;
}

size_t
strlcat(char *restrict dst, const char *restrict src, size_t size)
{
	size_t used = strnlen(dst, size);

	return used + strlcpy(dst + used, src, size - used);
}
