/*
 * The calls that move bytes: read, write and their kin with positions and with
 * several buffers; and those that have them reach the disk: fsync and its kin.
 */
#include "abi/syscall.h"
#include "files_internal.h"

/* ---- One buffer ---- */

/* read(2), write(2), in Linux's order: a bad position, which needs no file to
 * be told; then the descriptor, open for this; then the address. No more than
 * RW_MAX bytes are moved at once, whatever is asked for, so the count always
 * fits an int. What waits, and what a fault or a signal half-way gives, is the
 * file's: after the first byte it is a count, not an error. */
static inline int64_t
rw(int fd, void *buf, size_t len, uint64_t *pos, bool write)
{
	struct borrowed b;
	struct file *f;
	struct iovec iov;
	struct uio u;
	int64_t n;

	if (pos && (int64_t)*pos < 0)
		return -EINVAL;
	b = fd_borrow(fd);
	f = b.file;
	if (!f)
		return -EBADF;
	if (!user_range_ok(buf, len)) {
		n = (write ? file_writable(f) : file_readable(f)) ? -EFAULT
								  : -EBADF;
	} else {
		u = uio_user(&iov, buf, MIN(len, RW_MAX));
		n = write ? file_write(f, &u, pos) : file_read(f, &u, pos);
	}
	fd_return(b);
	return n;
}

static int64_t
sys_read(int fd, void *buf, size_t len)
{
	return rw(fd, buf, len, NULL, false);
}
SYSCALL(NR_read, sys_read);

static int64_t
sys_write(int fd, void *buf, size_t len)
{
	return rw(fd, buf, len, NULL, true);
}
SYSCALL(NR_write, sys_write);

/* At a position: the file's own stays where it is, and threads that share the
 * file need no lock between lseek and read (POSIX.1-2017, pread()). */
static int64_t
sys_pread64(int fd, void *buf, size_t len, uint64_t pos)
{
	return rw(fd, buf, len, &pos, false);
}
SYSCALL(NR_pread64, sys_pread64);

/* With O_APPEND it appends all the same, as on Linux; POSIX would have it write
 * at @p pos (pwrite(2)). */
static int64_t
sys_pwrite64(int fd, void *buf, size_t len, uint64_t pos)
{
	return rw(fd, buf, len, &pos, true);
}
SYSCALL(NR_pwrite64, sys_pwrite64);

/* ---- Several buffers ---- */

/* Up to UIO_MAXIOV pieces, 16 KiB: more than an object of the heap can have. */
static int
iov_room(struct user_iov *c, unsigned n)
{
	unsigned order = 0;

	c->pages = NULL;
	c->iov = c->small;
	if (n <= IOV_INLINE)
		return 0;
	while (PAGE_SIZE << order < n * sizeof(struct iovec))
		order++;
	c->pages = page_alloc(order, PAGE_KERNEL, 0);
	if (!c->pages)
		return -ENOMEM;
	c->iov = page_address(c->pages);
	return 0;
}

/* Check the pieces and sum them up; what is past RW_MAX is cut off, but its
 * address is checked. A length that would be negative is EINVAL
 * (POSIX.1-2017, readv()). */
static int64_t
iov_check(struct iovec *iov, unsigned n)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		if ((int64_t)iov[i].iov_len < 0)
			return -EINVAL;
	for (i = 0; i < n; i++) {
		if (!user_range_ok(iov[i].iov_base, iov[i].iov_len))
			return -EFAULT;
		iov[i].iov_len = MIN(iov[i].iov_len, RW_MAX - sum);
		sum += iov[i].iov_len;
	}
	return sum;
}

int64_t
user_iov_get(struct user_iov *c, const struct iovec *user, uint64_t n)
{
	int64_t sum;

	c->pages = NULL;
	if (n > UIO_MAXIOV)
		return -EINVAL;
	sum = iov_room(c, n);
	if (sum == 0)
		sum = copyin(c->iov, user, n * sizeof(*user));
	return sum ? sum : iov_check(c->iov, n);
}

void
user_iov_put(struct user_iov *c)
{
	if (c->pages)
		page_unref(c->pages);
}

/* What is wrong with the file comes before what is wrong with the buffers. A
 * pipe has no positions, whatever it is open for; one of O_PATH is no file to
 * move bytes at all. */
static int
check_rwv(struct file *f, bool at_pos, bool write)
{
	if (at_pos && (f->flags & O_PATH) == 0 && !file_has_positions(f))
		return -ESPIPE;
	return (write ? file_writable(f) : file_readable(f)) ? 0 : -EBADF;
}

static int64_t
rwv(int fd, const struct iovec *user, uint64_t n, uint64_t *pos, bool write,
    unsigned flags)
{
	struct borrowed b;
	struct user_iov c;
	struct uio u;
	int64_t result;

	if (pos && (int64_t)*pos < 0)
		return -EINVAL;
	b = fd_borrow(fd);
	if (!b.file)
		return -EBADF;
	c.pages = NULL;
	result = check_rwv(b.file, pos, write);
	if (!result)
		result = user_iov_get(&c, user, n);
	if (result >= 0) {
		u = (struct uio){
			.iov = c.iov,
			.niov = n,
			.left = result,
			.user = true,
			.flags = flags,
		};
		result = write ? file_write(b.file, &u, pos)
			       : file_read(b.file, &u, pos);
	}
	user_iov_put(&c);
	fd_return(b);
	return result;
}

/* One call of the file's read or write moves all pieces: no other write comes
 * in between (POSIX.1-2017, writev()). */
static int64_t
sys_readv(int fd, const struct iovec *iov, uint64_t n)
{
	return rwv(fd, iov, n, NULL, false, 0);
}
SYSCALL(NR_readv, sys_readv);

static int64_t
sys_writev(int fd, const struct iovec *iov, uint64_t n)
{
	return rwv(fd, iov, n, NULL, true, 0);
}
SYSCALL(NR_writev, sys_writev);

static int64_t
sys_preadv(int fd, const struct iovec *iov, uint64_t n, uint64_t pos)
{
	return rwv(fd, iov, n, &pos, false, 0);
}
SYSCALL(NR_preadv, sys_preadv);

static int64_t
sys_pwritev(int fd, const struct iovec *iov, uint64_t n, uint64_t pos)
{
	return rwv(fd, iov, n, &pos, true, 0);
}
SYSCALL(NR_pwritev, sys_pwritev);

/* What preadv2's flags say, as flags of open. Nothing here can tell beforehand
 * whether it would wait (RWF_NOWAIT). */
static int
call_flags(unsigned rwf, unsigned *flags)
{
	if (rwf & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND))
		return -EOPNOTSUPP;
	*flags = (rwf & RWF_DSYNC ? O_DSYNC : 0) |
		 (rwf & RWF_SYNC ? O_SYNC : 0) |
		 (rwf & RWF_APPEND ? O_APPEND : 0);
	return 0;
}

/* @p pos -1: the file's own position. */
static int64_t
rwv2(int fd, const struct iovec *iov, uint64_t n, uint64_t pos, unsigned rwf,
     bool write)
{
	unsigned flags;
	int error = call_flags(rwf, &flags);

	if (error)
		return error;
	return rwv(fd, iov, n, pos == UINT64_MAX ? NULL : &pos, write, flags);
}

static int64_t
sys_preadv2(int fd, const struct iovec *iov, uint64_t n, uint64_t pos,
	    uint64_t pos_high, unsigned rwf)
{
	(void)pos_high; /* the position is whole in the low word */
	return rwv2(fd, iov, n, pos, rwf, false);
}
SYSCALL(NR_preadv2, sys_preadv2);

static int64_t
sys_pwritev2(int fd, const struct iovec *iov, uint64_t n, uint64_t pos,
	     uint64_t pos_high, unsigned rwf)
{
	(void)pos_high;
	return rwv2(fd, iov, n, pos, rwf, true);
}
SYSCALL(NR_pwritev2, sys_pwritev2);

/* ---- To the disk ---- */

/* A file that is in no file system (a pipe) has nothing to write, which is no
 * error: syncfs(2) knows none for it. */
static int64_t
sys_syncfs(int fd)
{
	struct vnode *v;
	int error = fd_real_vnode(fd, &v);

	if (error)
		return error == -EBADF ? -EBADF : 0;
	error = mount_sync(v->mount);
	vnode_put(v);
	return error;
}
SYSCALL(NR_syncfs, sys_syncfs);

/* The file need not be open for writing: others may have written it. One that
 * cannot be brought to a disk (a pipe, a socket) is EINVAL (POSIX.1-2017,
 * fsync()). Where a page could not be written the next fsync says so, once. */
static int64_t
do_fsync(int fd, bool data_only)
{
	struct file *f = fd_get(fd);
	int error = -EINVAL;

	if (!f)
		return -EBADF;
	if (f->flags & O_PATH)
		error = -EBADF;
	else if (f->ops->fsync)
		error = f->ops->fsync(f, data_only);
	file_put(f);
	return error;
}

static int64_t
sys_fsync(int fd)
{
	return do_fsync(fd, false);
}
SYSCALL(NR_fsync, sys_fsync);

static int64_t
sys_fdatasync(int fd)
{
	return do_fsync(fd, true);
}
SYSCALL(NR_fdatasync, sys_fdatasync);

#define SYNC_RANGE                                                             \
	(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |                 \
	 SYNC_FILE_RANGE_WAIT_AFTER)

/* sync_file_range(2): writes the file's pages, not what leads to them (so it
 * promises nothing for after a crash); more of them than were asked for, and
 * waits for them, which any of the flags allows. None of them: do nothing. */
static int64_t
sys_sync_file_range(int fd, int64_t offset, int64_t len, unsigned flags)
{
	struct vnode *v = NULL;
	int64_t end;
	int error = fd_real_vnode(fd, &v);

	if (error == -EBADF)
		return error;
	if ((flags & ~SYNC_RANGE) || offset < 0 || len < 0 ||
	    __builtin_add_overflow(offset, len, &end))
		error = -EINVAL;
	else if (!v ||
		 (v->type != VT_REG && v->type != VT_BLK && v->type != VT_DIR))
		error = -ESPIPE;
	else if (flags && v->type == VT_REG)
		error = page_cache_sync(v->cache);
	if (v)
		vnode_put(v);
	return error;
}
SYSCALL(NR_sync_file_range, sys_sync_file_range);
