/*
 * stdio: files with one buffer, which at any time holds either bytes read
 * ahead (reading) or bytes not yet written (writing). Changing from one to the
 * other flushes or seeks first. printf is in printf.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bits.h"
#include "internal.h"
#include "list.h"

enum state { IDLE, READING, WRITING };

struct file {
	struct list link; /* in files */
	int fd;
	int mode; /* _IOFBF, _IOLBF, _IONBF; -1: ask when first writing */
	enum state state;
	bool readable, writable, append, eof, error, fixed;
	size_t at;  /* next byte to read, or to be put */
	size_t end; /* READING: the end of what was read */
	char *buf;  /* of BUFSIZ bytes */
};

static char std_bufs[3][BUFSIZ];

static struct file std_files[3] = {
	{ .fd = 0,
	  .buf = std_bufs[0],
	  .mode = -1,
	  .readable = true,
	  .fixed = true },
	{ .fd = 1,
	  .buf = std_bufs[1],
	  .mode = -1,
	  .writable = true,
	  .fixed = true },
	{ .fd = 2,
	  .buf = std_bufs[2],
	  .mode = _IONBF,
	  .writable = true,
	  .fixed = true },
};
FILE *const stdin = &std_files[0];
FILE *const stdout = &std_files[1];
FILE *const stderr = &std_files[2];

/* The files that fopen made. */
static struct list files = LIST_INIT(files);

/** Reads "r", "w", "a", with + b e x. @return the open flags, or -1 */
static int
parse_mode(const char *mode)
{
	static const char letters[] = "rwa";
	static const int meaning[] = { O_RDONLY, O_WRONLY | O_CREAT | O_TRUNC,
				       O_WRONLY | O_CREAT | O_APPEND };
	const char *first = *mode != '\0' ? strchr(letters, *mode) : NULL;
	int flags;

	if (first == NULL) {
		errno = EINVAL;
		return -1;
	}
	flags = meaning[first - letters];
	while (*++mode != '\0') {
		if (*mode == '+')
			flags = (flags & ~O_ACCMODE) | O_RDWR;
		if (*mode == 'e')
			flags |= O_CLOEXEC;
		if (*mode == 'x')
			flags |= O_EXCL;
	}
	return flags;
}

static FILE *
make_file(int fd, int flags)
{
	FILE *f = calloc(1, sizeof(*f) + BUFSIZ);

	if (f == NULL)
		return NULL;
	f->buf = (char *)(f + 1);
	f->fd = fd;
	f->mode = -1;
	f->readable = (flags & O_ACCMODE) != O_WRONLY;
	f->writable = (flags & O_ACCMODE) != O_RDONLY;
	f->append = (flags & O_APPEND) != 0;
	list_add(&f->link, &files);
	return f;
}

FILE *
fdopen(int fd, const char *mode)
{
	int flags = parse_mode(mode);

	if (flags < 0 || fcntl(fd, F_GETFL) < 0)
		return NULL;
	return make_file(fd, flags);
}

FILE *
fopen(const char *path, const char *mode)
{
	int flags = parse_mode(mode);
	int fd = flags < 0 ? -1 : open(path, flags, 0666);
	FILE *f = fd < 0 ? NULL : make_file(fd, flags);

	if (fd >= 0 && f == NULL)
		close(fd);
	return f;
}

/** Writes out a WRITING buffer; seeks back over what a READING one has left. */
static int
settle(FILE *f)
{
	int result = 0;

	if (f->state == WRITING && write_all(f->fd, f->buf, f->at) < 0) {
		f->error = true;
		result = EOF;
	}
	if (f->state == READING && f->at < f->end)
		lseek(f->fd, (off_t)f->at - (off_t)f->end, SEEK_CUR);
	f->state = IDLE;
	f->at = f->end = 0;
	return result;
}

int
fflush(FILE *f)
{
	int result = 0;

	if (f != NULL)
		return settle(f);
	for (int i = 0; i < 3; i++)
		if (std_files[i].state == WRITING)
			result |= settle(&std_files[i]);
	list_for_each (f, &files, link)
		if (f->state == WRITING)
			result |= settle(f);
	return result;
}

void
stdio_flush_all(void)
{
	fflush(NULL);
}

int
fclose(FILE *f)
{
	int result = settle(f);

	if (close(f->fd) < 0)
		result = EOF;
	if (!f->fixed) {
		list_del(&f->link);
		free(f);
	}
	return result;
}

int
setvbuf(FILE *f, char *buf, int mode, size_t size)
{
	(void)buf;
	(void)size;
	if (mode < _IOFBF || mode > _IONBF || settle(f) < 0)
		return -1;
	f->mode = mode;
	return 0;
}

int
fileno(FILE *f)
{
	return f->fd;
}

int
feof(FILE *f)
{
	return f->eof;
}

int
ferror(FILE *f)
{
	return f->error;
}

void
clearerr(FILE *f)
{
	f->eof = f->error = false;
}

/** Gets a file ready to read (write). @return whether that is allowed */
static bool
enter(FILE *f, enum state state)
{
	if (!(state == READING ? f->readable : f->writable)) {
		errno = EBADF;
		f->error = true;
		return false;
	}
	if (f->state != state) {
		if (settle(f) < 0)
			return false;
		f->state = state;
	}
	if (f->mode < 0) {
		int saved = errno;

		f->mode = isatty(f->fd) ? _IOLBF : _IOFBF;
		errno = saved;
	}
	return true;
}

/** Fills the empty buffer. @return whether there are bytes in it now */
static bool
fill(FILE *f)
{
	ssize_t n;

	if (f == stdin) /* what asks a question should be seen before */
		fflush(stdout);
	n = read(f->fd, f->buf, f->mode == _IONBF ? 1 : BUFSIZ);
	if (n == 0)
		f->eof = true;
	if (n < 0)
		f->error = true;
	f->at = 0;
	f->end = n > 0 ? (size_t)n : 0;
	return n > 0;
}

int
fgetc(FILE *f)
{
	if (!enter(f, READING) || (f->at == f->end && !fill(f)))
		return EOF;
	return (unsigned char)f->buf[f->at++];
}

int
getc(FILE *f)
{
	return fgetc(f);
}

int
getchar(void)
{
	return fgetc(stdin);
}

int
ungetc(int c, FILE *f)
{
	if (c == EOF || !enter(f, READING))
		return EOF;
	if (f->at == 0) { /* nothing was read: make room */
		if (f->end == BUFSIZ)
			return EOF;
		memmove(f->buf + 1, f->buf, f->end++);
		f->at = 1;
	}
	f->buf[--f->at] = (char)c;
	f->eof = false;
	return (unsigned char)c;
}

size_t
fread(void *restrict p, size_t size, size_t count, FILE *restrict f)
{
	size_t want = size * count, got = 0;

	if (want == 0 || !enter(f, READING))
		return 0;
	while (got < want) {
		size_t n;

		if (f->at == f->end && !fill(f))
			break;
		n = MIN(want - got, f->end - f->at);
		memcpy((char *)p + got, f->buf + f->at, n);
		f->at += n;
		got += n;
	}
	return got / size;
}

char *
fgets(char *restrict s, int size, FILE *restrict f)
{
	int n = 0, c = 0;

	while (n < size - 1 && c != '\n' && (c = fgetc(f)) != EOF)
		s[n++] = (char)c;
	if (n == 0 || (c == EOF && ferror(f)))
		return NULL;
	s[n] = '\0';
	return s;
}

ssize_t
getline(char **restrict line, size_t *restrict size, FILE *restrict f)
{
	size_t n = 0;
	int c = 0;

	if (*line == NULL)
		*size = 0;
	while (c != '\n' && (c = fgetc(f)) != EOF) {
		if (n + 2 > *size) {
			size_t bigger = *size * 2 + 64;
			char *moved = realloc(*line, bigger);

			if (moved == NULL)
				return -1;
			*line = moved;
			*size = bigger;
		}
		(*line)[n++] = (char)c;
	}
	if (n == 0 || ferror(f))
		return -1;
	(*line)[n] = '\0';
	return (ssize_t)n;
}

/** Puts bytes in the buffer, writing it out whenever it is full. */
static bool
put_bytes(FILE *f, const char *p, size_t n)
{
	while (n > 0) {
		size_t part = MIN(n, BUFSIZ - f->at);

		memcpy(f->buf + f->at, p, part);
		f->at += part;
		p += part;
		n -= part;
		if (f->at == BUFSIZ && (settle(f) < 0 || !enter(f, WRITING)))
			return false;
	}
	return true;
}

size_t
fwrite(const void *restrict p, size_t size, size_t count, FILE *restrict f)
{
	size_t n = size * count;

	if (n == 0 || !enter(f, WRITING))
		return 0;
	if (!put_bytes(f, p, n))
		return 0;
	if (f->mode == _IONBF || (f->mode == _IOLBF && memchr(p, '\n', n)))
		if (settle(f) < 0)
			return 0;
	return count;
}

int
fputc(int c, FILE *f)
{
	char byte = (char)c;

	return fwrite(&byte, 1, 1, f) == 1 ? (unsigned char)byte : EOF;
}

int
putc(int c, FILE *f)
{
	return fputc(c, f);
}

int
putchar(int c)
{
	return fputc(c, stdout);
}

int
fputs(const char *restrict s, FILE *restrict f)
{
	size_t n = strlen(s);

	return fwrite(s, 1, n, f) == n ? 0 : EOF;
}

int
puts(const char *s)
{
	return fputs(s, stdout) == EOF ? EOF : fputc('\n', stdout);
}

int
fseek(FILE *f, long pos, int whence)
{
	if (settle(f) < 0 || lseek(f->fd, pos, whence) < 0)
		return -1;
	f->eof = false;
	return 0;
}

long
ftell(FILE *f)
{
	off_t pos =
		lseek(f->fd, 0,
		      f->append && f->state == WRITING ? SEEK_END : SEEK_CUR);

	if (pos < 0)
		return -1;
	if (f->state == READING)
		return pos - (off_t)(f->end - f->at);
	return pos + (off_t)f->at;
}

void
rewind(FILE *f)
{
	fseek(f, 0, SEEK_SET);
	f->error = false;
}
