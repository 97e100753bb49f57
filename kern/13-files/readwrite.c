/*
 * The calls that move bytes: read, write and their kin with positions and with
 * several buffers; lseek; sendfile; fsync.
 */
#include "abi/syscall.h"
#include "files_internal.h"

#define RW_MAX	   0x7ffff000ul /* bytes of one call, as on Linux */
#define IOV_INLINE 8

/* ---- One buffer ---- */

static inline int64_t
rw(int fd, void *buf, size_t len, uint64_t *pos, bool write)
{
	struct file *f;
	struct iovec iov;
	struct uio u;
	int64_t n;

	if (pos && (int64_t)*pos < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (!user_range_ok(buf, len)) {
		n = (write ? file_writable(f) : file_readable(f)) ? -EFAULT
								  : -EBADF;
	} else {
		u = uio_user(&iov, buf, MIN(len, RW_MAX));
		n = write ? file_write(f, &u, pos) : file_read(f, &u, pos);
	}
	file_put(f);
	return n;
}

static int64_t
sys_read(int fd, void *buf, size_t len)
{
	return rw(fd, buf, len, NULL, false);
}
SYSCALL(NR_read, sys_read, 16);

static int64_t
sys_write(int fd, void *buf, size_t len)
{
	return rw(fd, buf, len, NULL, true);
}
SYSCALL(NR_write, sys_write, 16);

static int64_t
sys_pread64(int fd, void *buf, size_t len, uint64_t pos)
{
	return rw(fd, buf, len, &pos, false);
}
SYSCALL(NR_pread64, sys_pread64, 16);

static int64_t
sys_pwrite64(int fd, void *buf, size_t len, uint64_t pos)
{
	return rw(fd, buf, len, &pos, true);
}
SYSCALL(NR_pwrite64, sys_pwrite64, 16);

/* ---- Several buffers ---- */

struct iov_copy {
	struct iovec *iov;
	struct iovec small[IOV_INLINE];
	struct page *pages; /* where there are many */
};

static int
iov_room(struct iov_copy *c, unsigned n)
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

/* Check the pieces and sum them up; what is past RW_MAX is cut off. */
static int64_t
iov_check(struct iovec *iov, unsigned n)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		if ((int64_t)iov[i].iov_len < 0)
			return -EINVAL;
		if (!user_range_ok(iov[i].iov_base, iov[i].iov_len))
			return -EFAULT;
		iov[i].iov_len = MIN(iov[i].iov_len, RW_MAX - sum);
		sum += iov[i].iov_len;
	}
	return sum;
}

static int64_t
iov_get(struct iov_copy *c, const struct iovec *user, uint64_t n)
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

static int64_t
rwv(int fd, const struct iovec *user, uint64_t n, uint64_t *pos, bool write)
{
	struct file *f;
	struct iov_copy c;
	struct uio u;
	int64_t result;

	if (pos && (int64_t)*pos < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	result = iov_get(&c, user, n);
	if (result >= 0) {
		u = (struct uio){
			.iov = c.iov, .niov = n, .left = result, .user = true
		};
		result = write ? file_write(f, &u, pos) : file_read(f, &u, pos);
	}
	if (c.pages)
		page_unref(c.pages);
	file_put(f);
	return result;
}

static int64_t
sys_readv(int fd, const struct iovec *iov, uint64_t n)
{
	return rwv(fd, iov, n, NULL, false);
}
SYSCALL(NR_readv, sys_readv, 16);

static int64_t
sys_writev(int fd, const struct iovec *iov, uint64_t n)
{
	return rwv(fd, iov, n, NULL, true);
}
SYSCALL(NR_writev, sys_writev, 16);

static int64_t
sys_preadv(int fd, const struct iovec *iov, uint64_t n, uint64_t pos)
{
	return rwv(fd, iov, n, &pos, false);
}
SYSCALL(NR_preadv, sys_preadv, 16);

static int64_t
sys_pwritev(int fd, const struct iovec *iov, uint64_t n, uint64_t pos)
{
	return rwv(fd, iov, n, &pos, true);
}
SYSCALL(NR_pwritev, sys_pwritev, 16);

/* ---- Positions ---- */

/* Files here have no holes to speak of: all is data, up to the end. */
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
		if (offset < 0 || (uint64_t)offset >= size)
			return -ENXIO;
		return whence == SEEK_DATA ? offset : (int64_t)size;
	default:
		return -EINVAL;
	}
}

static int64_t
seek(struct file *f, int64_t offset, int whence)
{
	int64_t target;

	if (f->ops->seek)
		return f->ops->seek(f, offset, whence);
	target = seek_target(f, offset, whence);
	if (target < 0)
		return target == -ENXIO && whence >= SEEK_DATA ? -ENXIO
							       : -EINVAL;
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
SYSCALL(NR_lseek, sys_lseek, 4);

/* ---- sendfile ---- */

/* Send what one page holds. @return bytes, 0 at the end, or -errno */
static int64_t
send_piece(struct file *out, struct file *in, uint64_t pos, size_t len)
{
	struct vnode *v = in->vnode;
	uint64_t size = v->size;
	struct page *page;
	struct iovec iov;
	struct uio u;
	int64_t n;
	int error;

	if (pos >= size)
		return 0;
	len = MIN(MIN(len, size - pos), PAGE_SIZE - pos % PAGE_SIZE);
	page = page_cache_get(v->cache, pos / PAGE_SIZE, &error);
	if (!page)
		return error;
	u = uio_kernel(&iov, (char *)page_address(page) + pos % PAGE_SIZE, len);
	n = file_write(out, &u, NULL);
	page_unref(page);
	return n;
}

static int64_t
send(struct file *out, struct file *in, uint64_t *pos, size_t len)
{
	size_t done = 0;
	int64_t n = 0;

	while (done < len) {
		n = send_piece(out, in, *pos, len - done);
		if (n <= 0)
			break;
		*pos += n;
		done += n;
		if (thread_interrupted(INTERRUPT_SIGNAL | INTERRUPT_KILL))
			break;
	}
	return done ? (int64_t)done : n;
}

static int64_t
check_sendfile(const struct file *out, const struct file *in)
{
	if (!file_readable(in) || !file_writable(out))
		return -EBADF;
	if (in->ops != &regular_file_ops || !out->ops->write ||
	    (out->flags & O_APPEND))
		return -EINVAL;
	return 0;
}

/* Send from *offset (a user's) where there is one, else from the position. */
static int64_t
sendfile(struct file *out, struct file *in, int64_t *offset, size_t len)
{
	uint64_t pos;
	int64_t n;

	if (offset) {
		if (copyin(&pos, offset, sizeof(pos)))
			return -EFAULT;
		if ((int64_t)pos < 0)
			return -EINVAL;
		n = send(out, in, &pos, len);
		return copyout(offset, &pos, sizeof(pos)) ? -EFAULT : n;
	}
	mutex_lock(&in->pos_lock);
	pos = in->pos;
	mutex_unlock(&in->pos_lock);
	n = send(out, in, &pos, len);
	mutex_lock(&in->pos_lock);
	in->pos = pos;
	mutex_unlock(&in->pos_lock);
	return n;
}

static int64_t
sys_sendfile(int out_fd, int in_fd, int64_t *offset, size_t len)
{
	struct file *in = fd_get(in_fd), *out = fd_get(out_fd);
	int64_t n = -EBADF;

	if (in && out) {
		n = check_sendfile(out, in);
		if (n == 0)
			n = sendfile(out, in, offset, MIN(len, RW_MAX));
	}
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return n;
}
SYSCALL(NR_sendfile, sys_sendfile, 16);

/* ---- To the disk ---- */

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
SYSCALL(NR_syncfs, sys_syncfs, 16);

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
SYSCALL(NR_fsync, sys_fsync, 16);

static int64_t
sys_fdatasync(int fd)
{
	return do_fsync(fd, true);
}
SYSCALL(NR_fdatasync, sys_fdatasync, 16);
