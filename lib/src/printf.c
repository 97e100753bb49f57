/*
 * The printf family over format (lib/freestanding), and perror. What goes to a
 * file is gathered in pieces, so that an unbuffered stderr does not make a
 * system call for each character.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "format.h"
#include "internal.h"

/** Output on its way to a file or a descriptor. */
struct pieces {
	FILE *f; /* NULL: to fd */
	int fd;
	bool failed;
	size_t n;
	char buf[256];
};

static void
put_out(struct pieces *out)
{
	if (out->n == 0)
		return;
	if (out->f != NULL)
		out->failed |= fwrite(out->buf, 1, out->n, out->f) != out->n;
	else
		out->failed |= write_all(out->fd, out->buf, out->n) < 0;
	out->n = 0;
}

static void
put_char(void *arg, char c)
{
	struct pieces *out = arg;

	out->buf[out->n++] = c;
	if (out->n == sizeof(out->buf))
		put_out(out);
}

static int
print(struct pieces *out, const char *fmt, va_list ap)
{
	int count = format(put_char, out, fmt, ap);

	put_out(out);
	return out->failed ? -1 : count;
}

int
vfprintf(FILE *f, const char *fmt, va_list ap)
{
	return print(&(struct pieces){ .f = f }, fmt, ap);
}

int
vdprintf(int fd, const char *fmt, va_list ap)
{
	return print(&(struct pieces){ .fd = fd }, fmt, ap);
}

int
vprintf(const char *fmt, va_list ap)
{
	return vfprintf(stdout, fmt, ap);
}

int
vsnprintf(char *buf, size_t n, const char *fmt, va_list ap)
{
	return vsnformat(buf, n, fmt, ap);
}

int
printf(const char *fmt, ...)
{
	va_list ap;
	int count;

	va_start(ap, fmt);
	count = vfprintf(stdout, fmt, ap);
	va_end(ap);
	return count;
}

int
fprintf(FILE *f, const char *fmt, ...)
{
	va_list ap;
	int count;

	va_start(ap, fmt);
	count = vfprintf(f, fmt, ap);
	va_end(ap);
	return count;
}

int
dprintf(int fd, const char *fmt, ...)
{
	va_list ap;
	int count;

	va_start(ap, fmt);
	count = vdprintf(fd, fmt, ap);
	va_end(ap);
	return count;
}

int
snprintf(char *buf, size_t n, const char *fmt, ...)
{
	va_list ap;
	int count;

	va_start(ap, fmt);
	count = vsnformat(buf, n, fmt, ap);
	va_end(ap);
	return count;
}

int
sprintf(char *buf, const char *fmt, ...)
{
	va_list ap;
	int count;

	va_start(ap, fmt);
	count = vsnformat(buf, INT_MAX, fmt, ap);
	va_end(ap);
	return count;
}

void
perror(const char *s)
{
	if (s != NULL && *s != '\0')
		fprintf(stderr, "%s: %s\n", s, strerror(errno));
	else
		fprintf(stderr, "%s\n", strerror(errno));
}
