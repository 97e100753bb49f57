/*
 * The calls on positions in a file and on the room it takes: lseek, fallocate;
 * and those that tell beforehand what will be read: fadvise64, readahead.
 */
#include "abi/syscall.h"
#include "files.h"
#include "notify.h"

/* ---- Positions ---- */

static int64_t
seek_target(const struct file *f, int64_t offset, int whence)
{
	uint64_t size = f->vnode ? f->vnode->size : 0;

	switch (whence) {
	case SEEK_SET:
		return offset;
	case SEEK_CUR:
		return f->pos + offset;
	case SEEK_END:
		return size + offset;
	case SEEK_DATA:
	case SEEK_HOLE:
		if (offset < 0 || !f->vnode)
			return -ENXIO;
		return vnode_seek(f->vnode, offset, whence == SEEK_DATA);
	default:
		return -EINVAL;
	}
}

/* The position's lock is held. Past the end is no error, nor does it change the
 * file (POSIX.1-2017, lseek()); SEEK_DATA's and SEEK_HOLE's have errors of
 * their own: ENXIO is "nothing there any more" (lseek(2)). */
static int64_t
seek(struct file *f, int64_t offset, int whence)
{
	int64_t target;

	if (f->ops->seek)
		return f->ops->seek(f, offset, whence);
	target = seek_target(f, offset, whence);
	if (target < 0)
		return whence >= SEEK_DATA ? target : -EINVAL;
	if ((uint64_t)target > FILE_SIZE_MAX)
		return -EOVERFLOW;
	f->pos = target;
	return target;
}

static int64_t
sys_lseek(int fd, int64_t offset, unsigned whence)
{
	struct file *f = fd_get(fd);
	int64_t result;

	if (!f)
		return -EBADF;
	if (f->flags & O_PATH) {
		result = -EBADF;
	} else if (whence > SEEK_HOLE) {
		result = -EINVAL;
	} else if (!file_has_positions(f)) {
		result = -ESPIPE;
	} else {
		mutex_lock(&f->pos_lock);
		result = seek(f, offset, whence);
		mutex_unlock(&f->pos_lock);
	}
	file_put(f);
	return result;
}
SYSCALL(NR_lseek, sys_lseek);

/* ---- fallocate ---- */

#define KNOWN_MODES                                                            \
	(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)

/* fallocate(2): which modes go together. */
static int
check_mode(unsigned mode)
{
	if (mode & ~KNOWN_MODES)
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) &&
	    mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	return 0;
}

static bool
is_fifo(struct file *f)
{
	struct stat st = { 0 };

	if (f->vnode)
		return f->vnode->type == VT_FIFO;
	if (f->ops->stat) /* a pipe has no vnode */
		f->ops->stat(f, &st);
	return S_ISFIFO(st.st_mode);
}

static int
check_file(struct file *f)
{
	if (!file_writable(f))
		return -EBADF;
	if (is_fifo(f))
		return -ESPIPE;
	return f->ops == &regular_file_ops ? 0 : -ENODEV;
}

/* RLIMIT_FSIZE, which does not bind what is there. */
static int
check_limit(const struct vnode *v, uint64_t end)
{
	uint64_t limit =
		vfs_ops.fsize_limit ? vfs_ops.fsize_limit() : UINT64_MAX;

	if (end <= v->size || end <= limit)
		return end > FILE_SIZE_MAX ? -EFBIG : 0;
	if (vfs_ops.fsize_exceeded)
		vfs_ops.fsize_exceeded();
	return -EFBIG;
}

/* The file's lock is held. ZERO_RANGE is a hole and room in its place: if there
 * is none left, the hole stays, and reads as zeros as it should. */
static int
change_room(struct vnode *v, unsigned mode, uint64_t from, uint64_t to)
{
	bool keep_size = mode & FALLOC_FL_KEEP_SIZE;
	int error = 0;

	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE) &&
	    v->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if (!(mode & FALLOC_FL_PUNCH_HOLE) && to > v->size &&
	    v->seals & F_SEAL_GROW)
		return -EPERM;
	error = vnode_drop_set_id(v);
	if (!error && mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		error = vnode_punch(v, from, to);
	if (!error && !(mode & FALLOC_FL_PUNCH_HOLE))
		error = vnode_allocate(v, from, to, keep_size);
	if (error)
		return error;
	vnode_touch(v, TOUCH_MTIME | TOUCH_CTIME);
	return 0;
}

static int
allocate(struct file *f, unsigned mode, uint64_t from, uint64_t to)
{
	struct vnode *v = f->vnode;
	int error;

	vnode_lock(v, 0);
	error = mode & FALLOC_FL_KEEP_SIZE ? 0 : check_limit(v, to);
	if (!error)
		error = change_room(v, mode, from, to);
	vnode_unlock(v);
	if (!error)
		notify_file(v, IN_MODIFY);
	if (!error && (f->flags & O_DSYNC))
		error = vnode_fsync(v, false);
	dirty_balance(v->cache);
	return error;
}

/* The errors of fallocate(2) in Linux's order: arguments, mode, the file. */
static int64_t
sys_fallocate(int fd, unsigned mode, int64_t offset, int64_t len)
{
	struct file *f = fd_get(fd);
	int64_t end;
	int error;

	if (!f)
		return -EBADF;
	if (offset < 0 || len <= 0)
		error = -EINVAL;
	else
		error = check_mode(mode);
	if (!error)
		error = check_file(f);
	if (!error && (__builtin_add_overflow(offset, len, &end) ||
		       (uint64_t)end > FILE_SIZE_MAX))
		error = -EFBIG;
	if (!error)
		error = allocate(f, mode, (uint64_t)offset, (uint64_t)end);
	file_put(f);
	return error;
}
SYSCALL(NR_fallocate, sys_fallocate);

/* ---- What will be read ---- */

#define AHEAD_MAX (2ul << 20) /* bytes read ahead by one call */

/* Bring pages into the cache, that they are there when they are read. */
static int
read_ahead(struct vnode *v, uint64_t from, uint64_t len)
{
	uint64_t size = v->size, index = from / PAGE_SIZE, end;
	struct page *page;
	int error = 0;

	if (from >= size || v->cache->quota)
		return 0;
	end = from + MIN(MIN(len, AHEAD_MAX), size - from);
	for (; index * PAGE_SIZE < end && !error; index++) {
		page = page_cache_get(v->cache, index, &error);
		if (page)
			page_unref(page);
	}
	return error;
}

/* readahead(2): what cannot be read is told when it is read. */
static int64_t
sys_readahead(int fd, int64_t offset, size_t len)
{
	struct file *f = fd_get(fd);
	int error = 0;

	if (!f)
		return -EBADF;
	if (!file_readable(f))
		error = -EBADF;
	else if (f->ops != &regular_file_ops || offset < 0)
		error = -EINVAL;
	else
		read_ahead(f->vnode, (uint64_t)offset, len);
	file_put(f);
	return error;
}
SYSCALL(NR_readahead, sys_readahead);

static int
advise(struct file *f, int64_t offset, int64_t len, int advice)
{
	uint64_t from = (uint64_t)offset;

	if (!f->vnode || f->vnode->type == VT_FIFO)
		return -ESPIPE;
	if (offset < 0 || len < 0 || advice < POSIX_FADV_NORMAL ||
	    advice > POSIX_FADV_NOREUSE)
		return -EINVAL;
	/* The rest is no more than what the cache sees by itself. */
	if (advice == POSIX_FADV_WILLNEED && f->ops == &regular_file_ops)
		read_ahead(f->vnode, from, len ? (uint64_t)len : UINT64_MAX);
	return 0;
}

static int64_t
sys_fadvise64(int fd, int64_t offset, int64_t len, int advice)
{
	struct file *f = fd_get(fd);
	int error;

	if (!f)
		return -EBADF;
	error = f->flags & O_PATH ? -EBADF : advise(f, offset, len, advice);
	file_put(f);
	return error;
}
SYSCALL(NR_fadvise64, sys_fadvise64);
