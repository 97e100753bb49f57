/*
 * The devices that are nothing but behaviour: null, zero, full, random,
 * urandom, kmsg. Numbers as on Linux (Documentation/admin-guide/devices.txt).
 * And getrandom, which is random without a file.
 */
#include "abi/syscall.h"
#include "abi/unistd.h"
#include "tmpfs_internal.h"

#define MEMORY_MAJOR 1
#define KMSG_LINE    1024u /* the longest message written to kmsg */
#define COPY_BYTES   256u
#define RANDOM_MAX   33554431ul /* bytes: getrandom(2), the urandom source */

static int64_t
read_nothing(struct file *f, struct uio *u, uint64_t *pos)
{
	(void)f;
	(void)u;
	(void)pos;
	return 0;
}

/* All is taken without being read: even a bad address is no error, as on
 * Linux. */
static int64_t
write_nowhere(struct file *f, struct uio *u, uint64_t *pos)
{
	(void)f;
	(void)pos;
	return u->left;
}

/* Any position will do, and stays 0; so pread and pwrite work
 * (file_has_positions). */
static int64_t
seek_nowhere(struct file *f, int64_t offset, int whence)
{
	(void)f;
	(void)offset;
	(void)whence;
	return 0;
}

/* Where the operation is there, epoll takes the file; the others it refuses
 * (-EPERM). */
static unsigned
always_ready(struct file *f, struct poll_table *table)
{
	(void)f;
	(void)table;
	return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

/* A fault in the middle ends the read, short; at the first byte it is
 * -EFAULT. */
static int64_t
read_zeros(struct file *f, struct uio *u, uint64_t *pos)
{
	size_t len = u->left, done = uio_zero(u, len);

	(void)f;
	(void)pos;
	return done || !len ? (int64_t)done : -EFAULT;
}

static int64_t
write_full(struct file *f, struct uio *u, uint64_t *pos)
{
	(void)f;
	(void)pos;
	return u->left ? -ENOSPC : 0;
}

/* A mapping of it is memory of zeros: mmap without a file (MAP_ANONYMOUS), as
 * it was done before that was there. */
static int
map_zeros(struct file *f, struct vnode **backing)
{
	(void)f;
	*backing = NULL;
	return 0;
}

/* In pieces, for the stack is small; each is given out at once and not kept. A
 * signal ends the read after the first piece: getrandom(2) promises that 256
 * bytes come whole. */
static int64_t
read_random(struct file *f, struct uio *u, uint64_t *pos)
{
	uint8_t bytes[COPY_BYTES];
	size_t done = 0, n, moved;

	(void)f;
	(void)pos;
	while (u->left > 0) {
		n = MIN(u->left, sizeof(bytes));
		random_bytes(bytes, n);
		moved = uio_copy_to(u, bytes, n);
		done += moved;
		if (moved < n)
			return done ? (int64_t)done : -EFAULT;
		if (thread_interrupted(INTERRUPT_SIGNAL | INTERRUPT_KILL))
			break;
	}
	return done;
}

/* getrandom(2). It never waits: random_bytes has what it needs from the start
 * of the machine on, so GRND_NONBLOCK and the sources are alike. Two sources at
 * once are an error. */
static int64_t
sys_getrandom(void *user, size_t len, unsigned flags)
{
	struct iovec iov;
	struct uio u = uio_user(&iov, user, MIN(len, RANDOM_MAX));

	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) ==
		    (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	return read_random(NULL, &u, NULL);
}
SYSCALL(NR_getrandom, sys_getrandom);

/* ---- The kernel's log ---- */

/* Plain text, unlike Linux's records with numbers before each. What was copied
 * moves the position, byte by byte; a fault gives the rest back. */
static int64_t
read_log(struct file *f, struct uio *u, uint64_t *pos)
{
	char text[COPY_BYTES];
	size_t done = 0, n, moved;
	uint64_t at = *pos;

	(void)f;
	while (u->left > 0) {
		n = log_read(&at, text, MIN(u->left, sizeof(text)));
		if (n == 0)
			break;
		moved = uio_copy_to(u, text, n);
		done += moved;
		*pos = at - (n - moved);
		if (moved < n)
			return done ? (int64_t)done : -EFAULT;
	}
	return done;
}

/* What follows a "<priority>", a decimal number, if there is one. */
static char *
skip_priority(char *text)
{
	char *p = text;

	if (*p != '<')
		return text;
	do
		p++;
	while (*p >= '0' && *p <= '9');
	return *p == '>' ? p + 1 : text;
}

/* One write is one message: its "<priority>" is left out, as there are none;
 * what is too long is refused rather than cut (-EINVAL, as on Linux). A newline
 * ends it. */
static int64_t
write_log(struct file *f, struct uio *u, uint64_t *pos)
{
	char text[KMSG_LINE + 1], *start, *end;
	size_t len = u->left;

	(void)f;
	(void)pos;
	if (len > KMSG_LINE)
		return -EINVAL;
	if (uio_copy_from(u, text, len) < len)
		return -EFAULT;
	text[len] = '\0';
	start = skip_priority(text);
	end = text + len;
	if (end > start && end[-1] != '\n')
		*end++ = '\n';
	log_write(start, end - start);
	return len;
}

/* The ends alone: positions are of a stream whose beginning is overwritten, and
 * nobody can know another one. */
static int64_t
seek_log(struct file *f, int64_t offset, int whence)
{
	char ignored[COPY_BYTES];

	if (offset != 0)
		return -EINVAL;
	if (whence == SEEK_SET || whence == SEEK_DATA)
		f->pos = 0;
	else if (whence == SEEK_END)
		while (log_read(&f->pos, ignored, sizeof(ignored)))
			;
	else
		return -EINVAL;
	return 0;
}

/* ---- The table ---- */

/* Minors of MEMORY_MAJOR. With has_pos the file has a position of its own. */
static const struct {
	const char *name;
	unsigned minor;
	uint32_t mode;
	bool has_pos;
	struct file_ops ops;
} table[] = {
	{ "null",
	  3,
	  0666,
	  false,
	  { .read = read_nothing,
	    .write = write_nowhere,
	    .seek = seek_nowhere } },
	{ "zero",
	  5,
	  0666,
	  false,
	  { .read = read_zeros,
	    .write = write_nowhere,
	    .seek = seek_nowhere,
	    .mmap = map_zeros } },
	{ "full",
	  7,
	  0666,
	  false,
	  { .read = read_zeros, .write = write_full, .seek = seek_nowhere } },
	{ "random",
	  8,
	  0666,
	  false,
	  { .read = read_random,
	    .write = write_nowhere,
	    .seek = seek_nowhere,
	    .poll = always_ready } },
	{ "urandom",
	  9,
	  0666,
	  false,
	  { .read = read_random,
	    .write = write_nowhere,
	    .seek = seek_nowhere } },
	{ "kmsg",
	  11,
	  0644,
	  true,
	  { .read = read_log,
	    .write = write_log,
	    .seek = seek_log,
	    .poll = always_ready } },
};

static int
open_device(struct vnode *v, struct file *f)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].minor != dev_minor(v->rdev))
			continue;
		f->ops = &table[i].ops;
		f->has_pos = table[i].has_pos;
		return 0;
	}
	return -ENXIO;
}

void
devices_init(void)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		devfs_add(table[i].name, S_IFCHR | table[i].mode,
			  dev_make(MEMORY_MAJOR, table[i].minor), open_device);
}
