/*
 * Reading and writing regular files, and disks as files: through the page
 * cache. Reads take no lock; writes take the vnode's. No page-cache lock is
 * held while bytes move to or from user memory: that may fault, and the fault
 * may need the very page.
 *
 * Entry points: regular_file_ops, cached_read, cached_write, vnode_read.
 */
#include "pagecache.h"
#include "regular.h"
#include "vfs_internal.h"

/* A write allocates its blocks in windows, so that a disk that fills up is
 * found after what fits is written. */
#define WRITE_WINDOW 65536ul
#define DAY_SECONDS  86400

int64_t coarse_seconds; /* of CLOCK_REALTIME, by the flush thread */

/* ---- Times ---- */

static inline bool
is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec ||
	       (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

/* The access time moves only if the file has changed since, or once a day. */
static inline void
note_access(const struct file *f)
{
	struct vnode *v = f->vnode;

	if ((is_before(&v->mtime, &v->atime) &&
	     is_before(&v->ctime, &v->atime) &&
	     v->atime.tv_sec + DAY_SECONDS > coarse_seconds) ||
	    (f->flags & O_NOATIME) ||
	    (v->mount->flags & (MS_NOATIME | MS_RDONLY)))
		return;
	vnode_touch(v, TOUCH_ATIME);
}

/* ---- Reading ---- */

/* Move @p n bytes at @p at, within one page. @return bytes moved */
static inline size_t
read_piece(struct vnode *v, struct uio *u, uint64_t at, size_t n, int *error)
{
	struct page *page;
	size_t done;

	/* What a file in memory has no page for is zero, and stays so. */
	page = v->cache->quota ? page_cache_peek(v, at / PAGE_SIZE)
			       : page_cache_get(v, at / PAGE_SIZE, error);
	if (!page)
		return v->cache->quota ? uio_zero(u, n) : 0;
	done = uio_copy_to(u, (char *)page_address(page) + at % PAGE_SIZE, n);
	page_unref(page);
	return done;
}

int64_t
cached_read(struct vnode *v, struct uio *u, uint64_t *pos)
{
	uint64_t at = *pos, size = v->size;
	size_t left, n, done;
	int error = -EFAULT;

	if (at >= size)
		return 0;
	for (left = MIN(u->left, size - at); left > 0; left -= done) {
		n = MIN(left, PAGE_SIZE - at % PAGE_SIZE);
		done = read_piece(v, u, at, n, &error);
		at += done;
		if (done < n)
			break;
	}
	if (at == *pos && left > 0)
		return error;
	n = at - *pos;
	*pos = at;
	return n;
}

static int64_t
regular_read(struct file *f, struct uio *u, uint64_t *pos)
{
	int64_t n = cached_read(f->vnode, u, pos);

	if (n > 0)
		note_access(f);
	return n;
}

int64_t
vnode_read(struct vnode *v, void *buf, size_t len, uint64_t pos)
{
	struct iovec iov;
	struct uio u = uio_kernel(&iov, buf, len);

	if (v->type != VT_REG || !v->cache)
		return -EINVAL;
	return cached_read(v, &u, &pos);
}

/* ---- Writing ---- */

/* What a new page got belongs into one that came into being meanwhile, or only
 * a part of it was copied and the rest is the file's. */
static int
merge(struct vnode *v, uint64_t index, const char *data, size_t offset,
      size_t len)
{
	struct page *page;
	int error = 0;

	page = page_cache_get(v, index, &error);
	if (!page)
		return error;
	memcpy((char *)page_address(page) + offset, data + offset, len);
	page_cache_dirty(v, page);
	page_unref(page);
	return 0;
}

/* Write to a page that is not cached and whose present contents do not matter:
 * fill it before others can see it. */
static size_t
write_new(struct vnode *v, struct uio *u, uint64_t at, size_t n, int *error)
{
	struct page *page = page_alloc(0, PAGE_CACHE, 0);
	uint64_t index = at / PAGE_SIZE;
	size_t offset = at % PAGE_SIZE, done;
	char *data;

	*error = -ENOMEM;
	if (!page)
		return 0;
	data = page_address(page);
	memset(data, 0, offset);
	done = uio_copy_from(u, data + offset, n);
	memset(data + offset + done, 0, PAGE_SIZE - offset - done);
	*error = -EFAULT;
	if (done == n || index * PAGE_SIZE >= v->size)
		*error = done ? page_cache_add(v, page, index, true) : -EFAULT;
	else if (done > 0)
		*error = -EEXIST;
	if (*error == -EEXIST)
		*error = merge(v, index, data, offset, done);
	page_unref(page);
	if (*error)
		return 0;
	*error = -EFAULT; /* if less than n is done */
	return done;
}

/* Whether the page's bytes outside [at, at + n) are past the end of file. */
static inline bool
is_whole(const struct vnode *v, uint64_t at, size_t n)
{
	uint64_t start = ROUND_DOWN(at, PAGE_SIZE);

	return n == PAGE_SIZE || start >= v->size ||
	       (at == start && at + n >= v->size);
}

static size_t
write_piece(struct vnode *v, struct uio *u, uint64_t at, size_t n, int *error)
{
	struct page *page = page_cache_peek(v, at / PAGE_SIZE);
	size_t done;

	*error = -EFAULT;
	if (!page && is_whole(v, at, n))
		return write_new(v, u, at, n, error);
	if (!page)
		page = page_cache_get(v, at / PAGE_SIZE, error);
	if (!page)
		return 0;
	done = uio_copy_from(u, (char *)page_address(page) + at % PAGE_SIZE, n);
	page_cache_dirty(v, page);
	page_unref(page);
	return done;
}

/* Have the file system allocate for *len bytes; on a full disk, for what is in
 * the first page, which may fit. */
static int
prepare_some(struct vnode *v, uint64_t at, size_t *len)
{
	size_t first = MIN(*len, PAGE_SIZE - at % PAGE_SIZE);
	int error;

	if (!v->ops->prepare_write)
		return 0;
	error = v->ops->prepare_write(v, at, *len);
	if (error != -ENOSPC || first == *len)
		return error;
	*len = first;
	return v->ops->prepare_write(v, at, first);
}

/* Write at most a window of *len bytes, whose blocks are allocated first; *len
 * becomes what was tried. */
static size_t
write_window(struct vnode *v, struct uio *u, uint64_t at, size_t *len,
	     int *error)
{
	uint64_t begin = at, end;
	size_t n, done;

	*error = prepare_some(v, at, len);
	if (*error)
		return 0;
	end = at + *len;
	while (at < end) {
		n = MIN(end - at, PAGE_SIZE - at % PAGE_SIZE);
		done = write_piece(v, u, at, n, error);
		at += done;
		if (done > 0 && at > v->size)
			v->size = at;
		if (done < n)
			break;
	}
	return at - begin;
}

int64_t
cached_write(struct vnode *v, struct uio *u, uint64_t *pos, size_t len)
{
	uint64_t at = *pos, end = at + len;
	size_t n, done;
	int error = 0;

	if (at > v->size)
		page_cache_zero_tail(v, v->size);
	while (at < end) {
		n = MIN(end - at, WRITE_WINDOW - at % WRITE_WINDOW);
		done = write_window(v, u, at, &n, &error);
		at += done;
		if (done < n)
			break;
	}
	if (at == *pos && len > 0)
		return error;
	n = at - *pos;
	*pos = at;
	return n;
}

/* How much of a write at @p at the limits allow. @return 0 or -EFBIG */
static int
limit_write(uint64_t at, size_t *len)
{
	uint64_t limit =
		vfs_ops.fsize_limit ? vfs_ops.fsize_limit() : UINT64_MAX;

	if (at >= limit && *len > 0) {
		if (vfs_ops.fsize_exceeded)
			vfs_ops.fsize_exceeded();
		return -EFBIG;
	}
	limit = MIN(limit, FILE_SIZE_MAX);
	if (at >= limit && *len > 0)
		return -EFBIG;
	*len = MIN(*len, limit - MIN(at, limit));
	return 0;
}

/* A write by another than root takes set-user-id and set-group-id away. */
static void
drop_set_id(struct vnode *v)
{
	struct vattr attr = { .valid = VATTR_MODE };

	if (!(v->mode & (S_ISUID | S_ISGID)) || is_root(current_cred()))
		return;
	attr.mode = v->mode & ~S_ISUID;
	if (v->mode & S_IXGRP)
		attr.mode &= ~S_ISGID;
	if (attr.mode != v->mode)
		vnode_change_locked(v, &attr);
}

static int64_t
locked_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct vnode *v = f->vnode;
	size_t len = u->left;
	int64_t n;

	if (f->flags & O_APPEND)
		*pos = v->size;
	n = limit_write(*pos, &len);
	if (n)
		return n;
	drop_set_id(v);
	n = cached_write(v, u, pos, len);
	if (n > 0)
		vnode_touch(v, TOUCH_MTIME | TOUCH_CTIME);
	return n;
}

static int
regular_fsync(struct file *f, bool data_only)
{
	struct vnode *v = f->vnode;
	int error = page_cache_sync(v), e = 0;

	if (v->ops->fsync)
		e = v->ops->fsync(v, data_only);
	return error ? error : e;
}

static int64_t
regular_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct vnode *v = f->vnode;
	int64_t n;
	int error;

	vnode_lock(v, 0);
	n = locked_write(f, u, pos);
	vnode_unlock(v);
	if (n <= 0)
		return n;
	if (f->flags & O_DSYNC) {
		error = regular_fsync(f, (f->flags & O_SYNC) != O_SYNC);
		if (error)
			return error;
	}
	dirty_balance(v);
	return n;
}

static int
regular_mmap(struct file *f, struct vnode **backing)
{
	*backing = f->vnode;
	return 0;
}

static unsigned
regular_poll(struct file *f, struct poll_table *table)
{
	(void)f;
	(void)table;
	return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

const struct file_ops regular_file_ops = {
	.read = regular_read,
	.write = regular_write,
	.poll = regular_poll,
	.fsync = regular_fsync,
	.mmap = regular_mmap,
};
