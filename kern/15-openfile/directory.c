/*
 * Reading directories. Entries are collected in a page of the kernel with the
 * directory's lock held, and copied to the caller without it: the copy may
 * fault, and the fault may have to wait for a disk.
 *
 * Between two pages others may change the directory. POSIX.1-2017, readdir: of
 * what is added or removed meanwhile it is unspecified whether it is seen; all
 * else is seen once, which is for the file system's positions to keep
 * (vnode_ops.readdir).
 */
#include "file.h"
#include "notify.h"
#include "string.h"

/* The page being filled; sizes in bytes. */
struct collector {
	char *buf;
	size_t size, used;
	bool full; /* an entry was left out for want of room */
};

/* A record of getdents64(2): rounded up to 8 bytes, so that the next one's
 * numbers are aligned, with zeros behind the name: nothing of the kernel's page
 * gets out. */
static bool
collect(void *arg, const char *name, size_t len, uint64_t ino, unsigned type,
	uint64_t next)
{
	struct collector *c = arg;
	size_t bytes = ROUND_UP(sizeof(struct linux_dirent64) + len + 1, 8ul);
	struct linux_dirent64 *d;

	if (bytes > c->size - c->used) {
		c->full = true;
		return false;
	}
	d = (struct linux_dirent64 *)(c->buf + c->used);
	*d = (struct linux_dirent64){ ino, next, bytes, type };
	memcpy(d->d_name, name, len);
	memset(d->d_name + len, 0, bytes - sizeof(struct linux_dirent64) - len);
	c->used += bytes;
	return true;
}

/* A directory that was removed has no entries, not even "." (-ENOENT,
 * getdents(2)). */
static int
collect_entries(struct vnode *dir, uint64_t *pos, struct collector *c)
{
	int error;

	if (!dir->ops->readdir)
		return -ENOTDIR;
	rwlock_read_lock(&dir->lock);
	error = dir->nlink == 0 ? -ENOENT
				: dir->ops->readdir(dir, pos, collect, c);
	rwlock_read_unlock(&dir->lock);
	return error;
}

/* Fill the user's buffer, a page at a time. The position is moved when a page's
 * entries have been copied: after a fault the next call begins with those that
 * were lost. An error after some pages is told by the next call. Not one entry
 * fits: -EINVAL, or the caller would take 0 for the end. */
static int
fill(struct file *f, char *user, size_t size, char *page)
{
	size_t done = 0;
	uint64_t pos;
	int error;

	for (;;) {
		struct collector c = { page, MIN(size - done, PAGE_SIZE), 0,
				       false };

		pos = f->pos;
		error = collect_entries(f->vnode, &pos, &c);
		if (error == 0 && c.used == 0 && c.full && done == 0)
			error = -EINVAL;
		if (error == 0 && c.used > 0)
			error = copyout(user + done, page, c.used);
		if (error)
			return done ? (int)done : error;
		f->pos = pos;
		done += c.used;
		if (c.used == 0 || !c.full)
			return done;
	}
}

/* POSIX.1-2017, readdir: marks the access time, unless that is not wanted. */
static int
dir_readdir(struct file *f, void *user, size_t size)
{
	struct page *page = page_alloc(0, PAGE_KERNEL, 0);
	int n;

	if (!page)
		return -ENOMEM;
	n = fill(f, user, size, page_address(page));
	page_unref(page);
	if (n > 0)
		file_note_access(f);
	if (n >= 0)
		notify_file(f->vnode, IN_ACCESS);
	return n;
}

static int64_t
dir_read(struct file *f, struct uio *u, uint64_t *pos)
{
	(void)f;
	(void)u;
	(void)pos;
	return -EISDIR;
}

/* Any position is taken: those that this directory never gave lead to what
 * follows them. The end is not known without reading all. */
static int64_t
dir_seek(struct file *f, int64_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (offset < 0)
		return -EINVAL;
	f->pos = offset;
	return offset;
}

/* fsync of a directory makes its entries durable, which fsync of a file in it
 * does not (fsync(2)). */
static int
dir_fsync(struct file *f, bool data_only)
{
	struct vnode *v = f->vnode;

	return v->ops->fsync ? v->ops->fsync(v, data_only) : 0;
}

const struct file_ops dir_file_ops = {
	.read = dir_read,
	.seek = dir_seek,
	.readdir = dir_readdir,
	.fsync = dir_fsync,
};
