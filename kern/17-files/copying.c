/*
 * The calls that copy within the kernel: sendfile, from a file to wherever, and
 * copy_file_range, from file to file.
 */
#include "abi/syscall.h"
#include "files_internal.h"

/* ---- sendfile ---- */

/* Send a piece by way of a page of its own: of what the page cache does not
 * have (devices, /proc). @return as send_piece */
static int64_t
send_read(struct file *out, uint64_t *to, struct file *in, uint64_t pos,
	  size_t len)
{
	struct page *page = page_alloc(0, PAGE_KERNEL, 0);
	struct iovec iov;
	struct uio u;
	int64_t n;

	if (!page)
		return -ENOMEM;
	u = uio_kernel(&iov, page_address(page), MIN(len, PAGE_SIZE));
	n = file_read(in, &u, &pos);
	if (n > 0) {
		u = uio_kernel(&iov, page_address(page), n);
		n = file_write(out, &u, to);
	}
	page_unref(page);
	return n;
}

/* Send what one page holds, to *to or where @p out stands. The page is written
 * from where it is cached, with a reference and no lock: what is written to the
 * file meanwhile may be sent. @return bytes, 0 at the end, or -errno */
static int64_t
send_piece(struct file *out, uint64_t *to, struct file *in, uint64_t pos,
	   size_t len)
{
	struct vnode *v = in->vnode;
	struct page *page;
	struct iovec iov;
	struct uio u;
	uint64_t size;
	int64_t n;
	int error;

	if (in->ops != &regular_file_ops)
		return send_read(out, to, in, pos, len);
	size = v->size;
	if (pos >= size)
		return 0;
	len = MIN(MIN(len, size - pos), PAGE_SIZE - pos % PAGE_SIZE);
	page = page_cache_get(v->cache, pos / PAGE_SIZE, &error);
	if (!page)
		return error;
	u = uio_kernel(&iov, (char *)page_address(page) + pos % PAGE_SIZE, len);
	n = file_write(out, &u, to);
	page_unref(page);
	return n;
}

/* As far as @p out takes it: *pos goes on by what was written, not by what was
 * read, so nothing is lost. What was moved before an error, or a signal, is the
 * result; the next call meets the error anew. */
static int64_t
send(struct file *out, uint64_t *to, struct file *in, uint64_t *pos, size_t len)
{
	size_t done = 0;
	int64_t n = 0;

	while (done < len) {
		n = send_piece(out, to, in, *pos, len - done);
		if (n <= 0)
			break;
		*pos += n;
		done += n;
		if (done == len ||
		    thread_interrupted(INTERRUPT_SIGNAL | INTERRUPT_KILL) ||
		    heap_again())
			break;
	}
	if (done && in->ops == &regular_file_ops)
		notify_file(in->vnode, IN_ACCESS);
	return done ? (int64_t)done : n;
}

/* The file to read comes first, sendfile(2); what cannot be read again, if not
 * all of it can be written, is refused. @p pos: NULL: the file's own. */
static int64_t
check_sendfile(const struct file *out, struct file *in, const uint64_t *pos)
{
	bool has_positions = in && file_has_positions(in);

	if (!in || !file_readable(in))
		return -EBADF;
	if (pos && !has_positions)
		return -ESPIPE;
	if (pos && (int64_t)*pos < 0)
		return -EINVAL;
	if (!out || !file_writable(out))
		return -EBADF;
	if (!in->ops->read || in->ops == &dir_file_ops || !has_positions)
		return -EINVAL;
	return out->ops->write && !(out->flags & O_APPEND) ? 0 : -EINVAL;
}

/* Send from *from where there is one, else from the position; which is not kept
 * locked meanwhile: the write may wait for long, and may be to the same file.
 * Two at once send the same, as on Linux. */
static int64_t
sendfile(struct file *out, struct file *in, uint64_t *from, size_t len)
{
	uint64_t pos;
	int64_t n;

	if (from)
		return send(out, NULL, in, from, len);
	mutex_lock(&in->pos_lock);
	pos = in->pos;
	mutex_unlock(&in->pos_lock);
	n = send(out, NULL, in, &pos, len);
	mutex_lock(&in->pos_lock);
	in->pos = pos;
	mutex_unlock(&in->pos_lock);
	return n;
}

static int64_t
sys_sendfile(int out_fd, int in_fd, int64_t *offset, size_t len)
{
	struct file *in, *out;
	uint64_t pos, *from = offset ? &pos : NULL;
	int64_t n;

	if (offset && copyin(&pos, offset, sizeof(pos)))
		return -EFAULT;
	in = fd_get(in_fd);
	out = fd_get(out_fd);
	n = check_sendfile(out, in, from);
	if (n == 0)
		n = sendfile(out, in, from, MIN(len, RW_MAX));
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return offset && copyout(offset, &pos, sizeof(pos)) ? -EFAULT : n;
}
SYSCALL(NR_sendfile, sys_sendfile);

/* ---- copy_file_range ---- */

/* Where one side of the copy is, and where its user wants to hear of it. */
struct side {
	struct file *f; /* referenced, or NULL */
	int64_t *user;	/* NULL: the file's own position */
	uint64_t pos;	/* goes on by what is copied */
};

static int
side_get(struct side *s, int fd)
{
	s->f = fd_get(fd);
	return !s->f || (s->f->flags & O_PATH) ? -EBADF : 0;
}

static int
side_begin(struct side *s, int64_t *user)
{
	s->user = user;
	if (user)
		return copyin(&s->pos, user, sizeof(s->pos));
	mutex_lock(&s->f->pos_lock);
	s->pos = s->f->pos;
	mutex_unlock(&s->f->pos_lock);
	return 0;
}

static int
side_put(struct side *s, bool moved)
{
	int error = 0;

	if (s->f && moved && s->user) {
		error = copyout(s->user, &s->pos, sizeof(s->pos));
	} else if (s->f && moved) {
		mutex_lock(&s->f->pos_lock);
		s->f->pos = s->pos;
		mutex_unlock(&s->f->pos_lock);
	}
	if (s->f)
		file_put(s->f);
	return error;
}

static int
check_kinds(const struct vnode *in, const struct vnode *out)
{
	if ((in && in->type == VT_DIR) || (out && out->type == VT_DIR))
		return -EISDIR;
	return in && in->type == VT_REG && out && out->type == VT_REG ? 0
								      : -EINVAL;
}

/* copy_file_range(2): in the order of its manual page's list, but that kinds
 * come first. */
static int
check_copy(const struct side *in, const struct side *out, size_t *len)
{
	struct vnode *from = in->f->vnode, *to = out->f->vnode;
	uint64_t in_end, out_end;
	int error = check_kinds(from, to);

	if (error)
		return error;
	if (!file_readable(in->f) || !file_writable(out->f) ||
	    (out->f->flags & O_APPEND))
		return -EBADF;
	if (from->mount->fs != to->mount->fs)
		return -EXDEV;
	if (in->f->ops != &regular_file_ops || out->f->ops != &regular_file_ops)
		return -EINVAL;
	if (__builtin_add_overflow(in->pos, *len, &in_end) ||
	    __builtin_add_overflow(out->pos, *len, &out_end))
		return -EOVERFLOW;
	if ((int64_t)in->pos < 0 || (int64_t)out->pos < 0)
		return -EINVAL;
	*len = MIN(*len, from->size - MIN(from->size, in->pos));
	if (from == to && in->pos < out->pos + *len &&
	    out->pos < in->pos + *len)
		return -EINVAL;
	*len = MIN(*len, RW_MAX);
	return 0;
}

static int64_t
sys_copy_file_range(int in_fd, int64_t *in_pos, int out_fd, int64_t *out_pos,
		    size_t len, unsigned flags)
{
	struct side in = { 0 }, out = { 0 };
	int64_t n = side_get(&in, in_fd);
	int error;

	if (!n)
		n = side_get(&out, out_fd);
	if (!n)
		n = side_begin(&in, in_pos);
	if (!n)
		n = side_begin(&out, out_pos);
	if (!n && flags)
		n = -EINVAL;
	if (!n)
		n = check_copy(&in, &out, &len);
	if (!n && len > 0)
		n = send(out.f, &out.pos, in.f, &in.pos, len);
	error = side_put(&in, n > 0);
	if (!error)
		error = side_put(&out, n > 0);
	else
		side_put(&out, n > 0);
	return error ? error : n;
}
SYSCALL(NR_copy_file_range, sys_copy_file_range);
