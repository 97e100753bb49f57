/*
 * Regular files: reading and writing by way of the page cache, cutting off.
 * Reads take no lock; what changes the contents or the size takes the vnode's.
 *
 * Entry points: regular_file_ops, vnode_read, vnode_fsync, vnode_truncate.
 */
#include "file.h"
#include "notify.h"
#include "string.h"

#define DAY_SECONDS 86400

/* Seconds of CLOCK_REALTIME, a few seconds late: who compares days need not ask
 * a clock at each read. Written by the flush thread alone, in one piece. */
static int64_t coarse_seconds;

/* ---- Times ---- */

void
regular_note_time(void)
{
	coarse_seconds = clock_realtime_ns() / 1000000000;
}

static inline bool
is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec ||
	       (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

/* Whether the access time is behind a change, or a day old: mount(2),
 * MS_RELATIME. Who asks "was it read since it was written?" (a mailbox) gets
 * the right answer; who asks when, at most a day's error. */
static inline bool
access_is_news(const struct vnode *v)
{
	return !is_before(&v->mtime, &v->atime) ||
	       !is_before(&v->ctime, &v->atime) ||
	       v->atime.tv_sec + DAY_SECONDS <= coarse_seconds;
}

/* The time is set without the lock, which reads do not take: of two readers at
 * once either's time will do. */
void
file_note_access(const struct file *f)
{
	struct vnode *v = f->vnode;

	if ((!access_is_news(v) && !(v->mount->flags & MS_STRICTATIME)) ||
	    (f->flags & O_NOATIME) ||
	    (v->mount->flags & (MS_NOATIME | MS_RDONLY)) ||
	    (v->type == VT_DIR && v->mount->flags & MS_NODIRATIME))
		return;
	vnode_touch(v, TOUCH_ATIME);
}

/* ---- Reading ---- */

/* No lock: cached_read sees the size once for each page, and a write that goes
 * on meanwhile may be seen in part (POSIX.1-2017, 2.9.7 asks for more; Linux's
 * file systems do not give it either). */
static int64_t
regular_read(struct file *f, struct uio *u, uint64_t *pos)
{
	int64_t n = cached_read(f->vnode->cache, u, pos);

	if (n > 0)
		file_note_access(f);
	return n;
}

int64_t
vnode_read(struct vnode *v, void *buf, size_t len, uint64_t pos)
{
	struct iovec iov;
	struct uio u = uio_kernel(&iov, buf, len);

	if (v->type != VT_REG || !v->cache)
		return -EINVAL;
	return cached_read(v->cache, &u, &pos);
}

/* ---- Writing ---- */

/* How much of a write at @p at the limits allow. setrlimit(2), RLIMIT_FSIZE: a
 * write that begins below the limit ends at it, short; one that begins there is
 * SIGXFSZ and -EFBIG. What no offset can name (FILE_SIZE_MAX) ends in the same
 * way, without the signal. To write nothing is never too much. @return 0 or
 * -EFBIG */
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

/* How much of a write at @p at the seals allow (fcntl(2), F_ADD_SEALS); as
 * Linux has it, up to the last page that does not grow. The lock is held under
 * which seals are added, so none comes between this look and the bytes. @return
 * 0 or -EPERM */
static int
check_seals(const struct vnode *v, uint64_t at, size_t *len)
{
	uint64_t size = v->size;

	if (!v->seals || *len == 0)
		return 0;
	if (v->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if (!(v->seals & F_SEAL_GROW) || at + *len <= size)
		return 0;
	if (ROUND_DOWN(size, PAGE_SIZE) <= at)
		return -EPERM;
	*len = ROUND_DOWN(size, PAGE_SIZE) - at;
	return 0;
}

uint32_t
plain_mode(uint32_t mode, uint32_t gid)
{
	const struct cred *c = current_cred();

	if ((mode & S_IXGRP) || !(is_root(c) || cred_in_group(c, gid)))
		return mode & ~(S_ISUID | S_ISGID);
	return mode & ~S_ISUID;
}

int
vnode_drop_set_id(struct vnode *v)
{
	struct vattr attr = { .valid = VATTR_MODE };

	if (!(v->mode & (S_ISUID | S_ISGID)) || is_root(current_cred()))
		return 0;
	attr.mode = plain_mode(v->mode, v->gid);
	return attr.mode != v->mode ? vnode_change_locked(v, &attr) : 0;
}

/* The lock is held from the look at the size to the last byte: O_APPEND's
 * position and its bytes cannot be parted (POSIX.1-2017, write). It is that of
 * pwrite, too, whatever position was given (pwrite(2), BUGS: as on Linux). The
 * set-id bits go before the first byte, so at no moment has the file new
 * contents and the old rights; where they cannot go, nothing is written. A
 * write of nothing leaves them (Linux). */
static int64_t
locked_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct vnode *v = f->vnode;
	size_t len = u->left;
	int64_t n;

	if ((f->flags | u->flags) & O_APPEND)
		*pos = v->size;
	n = limit_write(*pos, &len);
	if (!n)
		n = check_seals(v, *pos, &len);
	if (!n && len > 0)
		n = vnode_drop_set_id(v);
	if (n)
		return n;
	n = cached_write(v->cache, u, pos, len);
	if (n > 0)
		vnode_touch(v, TOUCH_MTIME | TOUCH_CTIME);
	return n;
}

/* Pages first: to write them may allocate blocks, and so change what the file
 * system has to write. Of two errors the pages' is told, but both are tried. */
int
vnode_fsync(struct vnode *v, bool data_only)
{
	int error = v->cache ? page_cache_sync(v->cache) : 0, e = 0;

	if (v->ops->fsync)
		e = v->ops->fsync(v, data_only);
	return error ? error : e;
}

static int
file_fsync(struct file *f, bool data_only)
{
	return vnode_fsync(f->vnode, data_only);
}

/* What O_SYNC asks for is done without the lock: others may write while the
 * disk works. Their bytes may reach the disk with ours, which does no harm. An
 * error there is told in place of the length (write(2): -EIO, the bytes are in
 * memory). dirty_balance may make the writer wait, so it comes last and holds
 * nothing. */
static int64_t
regular_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct vnode *v = f->vnode;
	unsigned flags = f->flags | u->flags;
	int64_t n;
	int error;

	vnode_lock(v, 0);
	n = locked_write(f, u, pos);
	vnode_unlock(v);
	if (n <= 0)
		return n;
	/* O_SYNC has the bit O_DSYNC and one more (open(2)). */
	if ((flags & O_DSYNC) || (v->mount->flags & MS_SYNCHRONOUS)) {
		error = vnode_fsync(v, (flags & O_SYNC) == O_DSYNC);
		if (error)
			return error;
	}
	dirty_balance(v->cache);
	return n;
}

/* ---- Cutting off ---- */

/* Have the last page that stays in the cache if a part of it goes: what reads
 * it does so by the old size. With a reference to it, page_cache_truncate finds
 * it and zeroes what is cut off: else a later extension would show it
 * (POSIX.1-2017, ftruncate: it reads as zeros). In memory nothing has to be
 * read. */
static int
get_new_tail(struct vnode *v, uint64_t size, struct page **tail)
{
	int error = 0;

	if (size % PAGE_SIZE == 0 || v->cache->quota)
		return 0;
	*tail = page_cache_get(v->cache, size / PAGE_SIZE, &error);
	return *tail ? 0 : error;
}

/* Mappings go before the cache: of two ways to the pages the one that takes no
 * look at the size is closed first, and a fault that comes now finds the new
 * one. */
static void
drop_cut_off(struct vnode *v)
{
	if (vfs_ops.unmap_pages)
		vfs_ops.unmap_pages(v, DIV_ROUND_UP(v->size, PAGE_SIZE),
				    UINT64_MAX);
	page_cache_truncate(v->cache, v->size);
}

/* Until the file system has changed the size nothing is lost, as it may refuse;
 * and it may have to write some of the pages. Without a lock, a reader could
 * bring pages back until then, too (CACHE2). Growing, the bytes of the last
 * page past the old end are zeroed: a mapping may have written there. */
int
vnode_resize(struct vnode *v, uint64_t size)
{
	struct vattr attr = { .valid = VATTR_SIZE | VATTR_MTIME | VATTR_CTIME,
			      .size = size };
	uint64_t before = v->size;
	struct page *tail = NULL;
	int error = 0;

	if ((size < before && v->seals & F_SEAL_SHRINK) ||
	    (size > before && v->seals & F_SEAL_GROW))
		return -EPERM;
	attr.mtime = attr.ctime = timespec_now();
	if (size < before)
		error = get_new_tail(v, size, &tail);
	else
		page_cache_zero_tail(v->cache, before);
	if (error)
		return error;
	error = vnode_change_locked(v, &attr);
	if (v->size < before) /* even after an error of its disk */
		drop_cut_off(v);
	if (tail)
		page_unref(tail);
	return error;
}

/* The limit binds growth alone: a file that is past it already can be cut
 * (setrlimit(2)). A file system without setattr makes the contents up (procfs):
 * -EINVAL. */
int
vnode_truncate(struct vnode *v, uint64_t size)
{
	uint64_t limit =
		vfs_ops.fsize_limit ? vfs_ops.fsize_limit() : UINT64_MAX;
	int error;

	if (size > v->size && size > limit) {
		if (vfs_ops.fsize_exceeded)
			vfs_ops.fsize_exceeded();
		return -EFBIG;
	}
	if (size > FILE_SIZE_MAX)
		return -EFBIG;
	if (!v->ops->setattr)
		return -EINVAL;
	vnode_lock(v, 0);
	error = vnode_drop_set_id(v);
	if (!error)
		error = vnode_resize(v, size);
	vnode_unlock(v);
	if (!error)
		notify_file(v, IN_MODIFY);
	return error;
}

/* ---- The operations ---- */

/* Any regular file can be mapped: its pages are the cache's, as they are for
 * read. */
static int
regular_mmap(struct file *f, struct vnode **backing)
{
	*backing = f->vnode;
	return 0;
}

const struct file_ops regular_file_ops = {
	.read = regular_read,
	.write = regular_write,
	.fsync = file_fsync,
	.mmap = regular_mmap,
};
