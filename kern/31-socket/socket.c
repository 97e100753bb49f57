/*
 * What all sockets have in common: their making, and what an open file does
 * that is a socket (read, write, poll, ioctl, fstat). The calls of their own
 * are in calls.c, message.c and option.c.
 */
#include "abi/termios.h"
#include "socket_internal.h"

/* st_dev of sockets: of no file system, and not that of pipes, so that device
 * and inode number together still name one file. */
#define SOCKET_DEV 15

/* Put together by the linker, of each SOCKET_FAMILY. */
extern const struct socket_family socket_families[], socket_families_end[];

static _Atomic uint64_t last_ino;

/* ---- Making ---- */

/* The numbers first, whether they could mean anything, then who knows them: a
 * type out of range is EINVAL even in a domain that nobody has, as on Linux. */
int
socket_create(int domain, int type, int protocol, struct socket **result)
{
	const struct socket_family *f;

	if (domain < 0 || domain >= AF_MAX)
		return -EAFNOSUPPORT;
	if (type < 0 || type > SOCK_PACKET)
		return -EINVAL;
	for (f = socket_families; f < socket_families_end; f++)
		if (f->domain == domain)
			return f->create(type, protocol, result);
	return -EAFNOSUPPORT;
}

void
socket_init(struct socket *s, const struct socket_ops *ops, int domain,
	    int type, int protocol)
{
	const struct cred *c = current_cred();

	s->ops = ops;
	s->domain = domain;
	s->type = type;
	s->protocol = protocol;
	s->ino = atomic_fetch_add(&last_ino, 1) + 1;
	s->attr.mode = S_IFSOCK | 0777;
	s->attr.uid = c->fsuid;
	s->attr.gid = c->fsgid;
	s->created = timespec_now();
	waitq_init(&s->read_wq, "socket readers");
	waitq_init(&s->write_wq, "socket writers");
	s->sndbuf = s->rcvbuf = SOCKET_BUF_DEFAULT;
	s->rcvlowat = 1;
}

/* ---- For the families ---- */

/* The look spares the common case an atomic write to a shared line. An error
 * that comes after the look is one that comes after the call. */
int
socket_take_error(struct socket *s)
{
	return s->error ? -atomic_exchange(&s->error, 0) : 0;
}

uint64_t
socket_deadline(const struct socket *s, bool send)
{
	uint64_t ns = send ? s->sndtimeo : s->rcvtimeo;

	return ns ? deadline_after(ns) : WAIT_FOREVER;
}

/* A wait with a time-out that were begun again would begin its time-out again,
 * too, and a timer that strikes often enough would keep it from ever ending.
 * That a time-out is EAGAIN, as if the socket did not block: socket(7). */
int
socket_wait_error(int error, uint64_t deadline)
{
	if (error == -EINTR && deadline == WAIT_FOREVER)
		return -ERESTARTSYS;
	return error == -ETIMEDOUT ? -EAGAIN : error;
}

/* ---- The file ---- */

/* A read of no bytes is done before it looks at the socket; recv of none is
 * not, as it may take a datagram out. */
static int64_t
socket_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct socket *s = f->private_data;
	struct msg m = { .data = u,
			 .nonblock = (f->flags | u->flags) & O_NONBLOCK };

	(void)pos;
	if (!u->left)
		return 0;
	return s->ops->receive(s, &m);
}

/* Of no bytes, too: that is an empty datagram. What a socket sends has no
 * position, so *pos stays; u->flags has O_NONBLOCK from splice, whose wish is
 * not the file's. */
static int64_t
socket_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct socket *s = f->private_data;
	struct msg m = { .data = u,
			 .nonblock = (f->flags | u->flags) & O_NONBLOCK };

	(void)pos;
	return s->ops->send(s, &m);
}

static int64_t
socket_seek(struct file *f, int64_t offset, int whence)
{
	(void)f, (void)offset, (void)whence;
	return -ESPIPE;
}

static unsigned
socket_poll(struct file *f, struct poll_table *table)
{
	struct socket *s = f->private_data;

	return s->ops->poll(s, table);
}

static int
socket_ioctl(struct file *f, uint64_t request, uint64_t arg)
{
	struct socket *s = f->private_data;

	return s->ops->ioctl ? s->ops->ioctl(s, request, arg) : -ENOTTY;
}

/* Mode and owner are words of their own: a chown that runs meanwhile may be
 * seen in part. The times are all that of its making. */
static int
socket_stat(struct file *f, struct stat *st)
{
	const struct socket *s = f->private_data;

	st->st_dev = SOCKET_DEV;
	st->st_ino = s->ino;
	st->st_mode = s->attr.mode;
	st->st_uid = s->attr.uid;
	st->st_gid = s->attr.gid;
	st->st_atim = st->st_mtim = st->st_ctim = s->created;
	return 0;
}

static struct file_attr *
socket_attr(struct file *f)
{
	struct socket *s = f->private_data;

	return &s->attr;
}

/* Only here does a socket end that has had a file (SOCKET2). */
static void
socket_release(struct file *f)
{
	struct socket *s = f->private_data;

	s->ops->release(s);
}

static const struct file_ops socket_file_ops = {
	.read = socket_read,
	.write = socket_write,
	.seek = socket_seek,
	.poll = socket_poll,
	.ioctl = socket_ioctl,
	.stat = socket_stat,
	.attr = socket_attr,
	.release = socket_release,
};

/* SOCK_NONBLOCK is O_NONBLOCK by value, socket(2). */
struct file *
socket_file(struct socket *s, unsigned flags)
{
	struct file *f =
		file_new(&socket_file_ops, O_RDWR | (flags & SOCK_NONBLOCK), s);

	s->file = f;
	return f;
}

struct socket *
socket_of(const struct file *f)
{
	return f->ops == &socket_file_ops ? f->private_data : NULL;
}

/* A file that was opened with O_PATH can do nothing, not even be of the wrong
 * kind: EBADF, open(2). It has the operations of no socket, even if its path is
 * a socket's. */
struct socket *
socket_get(int fd, struct borrowed *b, int *error)
{
	struct socket *s;

	*b = fd_borrow(fd);
	if (!b->file) {
		*error = -EBADF;
		return NULL;
	}
	s = socket_of(b->file);
	if (!s) {
		*error = b->file->flags & O_PATH ? -EBADF : -ENOTSOCK;
		fd_return(*b);
	}
	return s;
}
