/*
 * Memory blocks and strings, shared by kernel and library: what C11 and POSIX
 * say of each, so only the additions are described. Bytes compare unsigned.
 * The definitions: lib/freestanding/string.c; strerror and strdup, which need
 * the library, in lib/src.
 */
#ifndef STRING_H
#define STRING_H

#include <stddef.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *p, int c, size_t n);

/** The first place of needle in hay, or NULL (GNU). */
void *memmem(const void *hay, size_t haylen, const void *needle,
	     size_t needlelen);

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
/** Like strchr, but gives the end of the string where c is not (GNU). */
char *strchrnul(const char *s, int c);
char *strstr(const char *hay, const char *needle);
size_t strspn(const char *s, const char *accept);
size_t strcspn(const char *s, const char *reject);
char *strpbrk(const char *s, const char *accept);

char *strcpy(char *restrict dst, const char *restrict src);
char *strcat(char *restrict dst, const char *restrict src);
char *strncpy(char *restrict dst, const char *restrict src, size_t n);

/**
 * Copies a string into a buffer of size bytes, cut to fit and always ended
 * (unless size is 0), as OpenBSD's.
 * @return strlen(src): the copy was cut if that is size or more
 */
size_t strlcpy(char *restrict dst, const char *restrict src, size_t size);

/** Appends likewise. @return the length of the string it tried to make */
size_t strlcat(char *restrict dst, const char *restrict src, size_t size);

/* Only in the library, not in the kernel: */
char *strerror(int errnum);
char *strsignal(int sig);
char *strdup(const char *s);
char *strndup(const char *s, size_t max);
char *strtok_r(char *restrict s, const char *restrict delim,
	       char **restrict at);

#endif
