/*
 * splice, tee, vmsplice: bytes go between a pipe and a file, another pipe or
 * user memory without a buffer of the program's. splice(2), tee(2),
 * vmsplice(2).
 *
 * The file is read into, or written from, the pipe's own pages, and may take
 * its time: the pipe's lock is not held meanwhile, its end is marked as taken
 * (IPC3).
 */
#include "abi/splice.h"
#include "abi/syscall.h"
#include "pipe.h"

/* All but SPLICE_F_NONBLOCK are hints, for a kernel that moves pages instead of
 * copying: known, and not heeded. */
#define SPLICE_FLAGS                                                           \
	(SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

/** The other side: a file at a position, or user memory. On the call's stack;
 * the call holds the file. */
struct other {
	struct file *file; /* NULL: memory */
	uint64_t *pos;	   /* NULL: the file's own */
	struct uio *u;	   /* memory: what is left of it */
	bool nonblock;	   /* this call's wish, whatever the file's flags */
};

/* ---- One piece ---- */

/* @p n bytes to @p mem, in a page of the pipe's. A fault after some bytes is no
 * error yet: it is told as a short count, and the next call meets it. */
static int64_t
read_other(struct other *o, char *mem, size_t n)
{
	struct iovec iov;
	struct uio u = uio_kernel(&iov, mem, n);

	if (!o->file) {
		n = uio_copy_from(o->u, mem, n);
		return n ? (int64_t)n : -EFAULT;
	}
	u.flags = o->nonblock ? O_NONBLOCK : 0;
	return file_read(o->file, &u, o->pos);
}

static int64_t
write_other(struct other *o, char *mem, size_t n)
{
	struct iovec iov;
	struct uio u = uio_kernel(&iov, mem, n);

	if (!o->file) {
		n = uio_copy_to(o->u, mem, n);
		return n ? (int64_t)n : -EFAULT;
	}
	u.flags = o->nonblock ? O_NONBLOCK : 0;
	return file_write(o->file, &u, o->pos);
}

/* ---- All of it ---- */

/* Waits for the first byte, then takes what is there. What the other side has
 * not taken stays in the pipe, in its place (IPC3). Between two pieces nothing
 * is held: there a signal ends the call, with what has been done, and heap is
 * reserved anew. */
static int64_t
from_pipe(struct pipe *p, struct other *o, size_t len)
{
	size_t done = 0, want;
	int64_t n = 0;
	char *mem;

	while (done < len) {
		n = pipe_begin_read(p, o->nonblock || done, len - done, &mem);
		if (n <= 0)
			break;
		want = n;
		n = write_other(o, mem, want);
		pipe_end_read(p, MAX(n, (int64_t)0));
		if (n > 0)
			done += n;
		if (n < (int64_t)want || done == len ||
		    thread_interrupted(INTERRUPT_SIGNAL | INTERRUPT_KILL) ||
		    heap_again())
			break;
	}
	return done ? (int64_t)done : n;
}

/* Waits for room for the first byte, then fills what room there is. Only a
 * regular file is read again after a piece: of others more may not be there.
 * That nobody reads the pipe is found out before the file is read: nothing of
 * it is lost. */
static int64_t
to_pipe(struct pipe *p, struct other *o, size_t len)
{
	bool again = !o->file || o->file->ops == &regular_file_ops;
	size_t done = 0, want;
	int64_t n = 0;
	char *mem;

	while (done < len) {
		n = pipe_begin_write(p, o->nonblock || done, len - done, &mem);
		if (n <= 0)
			break;
		want = n;
		n = read_other(o, mem, want);
		pipe_end_write(p, MAX(n, (int64_t)0));
		if (n > 0)
			done += n;
		if (n < (int64_t)want || !again || done == len ||
		    thread_interrupted(INTERRUPT_SIGNAL | INTERRUPT_KILL) ||
		    heap_again())
			break;
	}
	if (n == -EPIPE && !done)
		signal_thread(current(), SIGPIPE, NULL);
	return done ? (int64_t)done : n;
}

/* With itself a pipe would never be done: EINVAL, splice(2), tee(2). */
static int64_t
between_pipes(struct pipe *from, struct pipe *to, size_t len, bool nonblock,
	      bool move)
{
	int64_t n;

	if (from == to)
		return -EINVAL;
	n = pipe_copy(from, to, len, nonblock, move);
	if (n == -EPIPE)
		signal_thread(current(), SIGPIPE, NULL);
	return n;
}

/* ---- splice ---- */

/* Go through @p fn with the file at *user, if there is one: the file's own
 * position is not used then, nor changed, splice(2). *user moves on only if
 * something was done. */
static int64_t
at_offset(struct pipe *p, struct other *o, int64_t *user, size_t len,
	  int64_t (*fn)(struct pipe *p, struct other *o, size_t len))
{
	uint64_t pos;
	int64_t n;

	if (!user)
		return fn(p, o, len);
	if (!file_has_positions(o->file))
		return -EINVAL;
	if (copyin(&pos, user, sizeof(pos)))
		return -EFAULT;
	if ((int64_t)pos < 0)
		return -EINVAL;
	o->pos = &pos;
	n = fn(p, o, len);
	if (n > 0 && copyout(user, &pos, sizeof(pos)))
		return -EFAULT;
	return n;
}

/* splice(2): one side at least is a pipe. A file with O_APPEND is refused, as
 * its position would not be the one that is asked for. A position for a pipe is
 * ESPIPE whatever its end, and so comes before EBADF. O_NONBLOCK of the pipe
 * counts as the flag does; that of the other file is the file's own business,
 * in its read or write. */
static int64_t
splice_files(struct file *in, int64_t *in_pos, struct file *out,
	     int64_t *out_pos, size_t len, unsigned flags)
{
	struct pipe *from = pipe_of(in), *to = pipe_of(out);
	struct file *pipe_file = from ? in : out;
	struct other o = { .file = from ? out : in };

	if ((from && in_pos) || (to && out_pos))
		return -ESPIPE;
	if (!file_readable(in) || !file_writable(out))
		return -EBADF;
	o.nonblock = flags & SPLICE_F_NONBLOCK || pipe_file->flags & O_NONBLOCK;
	if (from && to)
		return between_pipes(from, to, len,
				     o.nonblock || out->flags & O_NONBLOCK,
				     true);
	if (!from && !to)
		return -EINVAL;
	if (from)
		return out->ops->write && !(out->flags & O_APPEND)
			       ? at_offset(from, &o, out_pos, len, from_pipe)
			       : -EINVAL;
	return in->ops->read && in->ops != &dir_file_ops
		       ? at_offset(to, &o, in_pos, len, to_pipe)
		       : -EINVAL;
}

/* No bytes are no error, whatever else is wrong: tee has the flags first. Both
 * as on Linux. */
static int64_t
sys_splice(int in_fd, int64_t *in_pos, int out_fd, int64_t *out_pos, size_t len,
	   unsigned flags)
{
	struct file *in, *out;
	int64_t n = -EBADF;

	if (!len)
		return 0;
	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	in = fd_get(in_fd);
	out = fd_get(out_fd);
	if (in && out)
		n = splice_files(in, in_pos, out, out_pos, MIN(len, RW_MAX),
				 flags);
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return n;
}
SYSCALL(NR_splice, sys_splice);

/* ---- tee ---- */

/* What can be done with both ends comes before whether they are pipes: EBADF,
 * then EINVAL. */
static int64_t
sys_tee(int in_fd, int out_fd, size_t len, unsigned flags)
{
	struct file *in, *out;
	int64_t n = -EBADF;

	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	if (!len)
		return 0;
	in = fd_get(in_fd);
	out = fd_get(out_fd);
	if (in && out && file_readable(in) && file_writable(out))
		n = pipe_of(in) && pipe_of(out)
			    ? between_pipes(pipe_of(in), pipe_of(out), len,
					    flags & SPLICE_F_NONBLOCK ||
						    (in->flags | out->flags) &
							    O_NONBLOCK,
					    false)
			    : -EINVAL;
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return n;
}
SYSCALL(NR_tee, sys_tee);

/* ---- vmsplice ---- */

/* The end of the pipe says which way: a FIFO that is open for both is written
 * to. The bytes are copied, so the memory is the caller's again at once. */
static int64_t
splice_memory(struct file *f, const struct iovec *user, uint64_t n,
	      unsigned flags)
{
	struct pipe *p = pipe_of(f);
	struct user_iov iov;
	struct uio u;
	struct other o = {
		.u = &u,
		.nonblock = flags & SPLICE_F_NONBLOCK || f->flags & O_NONBLOCK,
	};
	int64_t len = user_iov_get(&iov, user, n);

	u = (struct uio){
		.iov = iov.iov, .niov = n, .left = len, .user = true
	};
	if (len > 0)
		len = file_writable(f) ? to_pipe(p, &o, len)
				       : from_pipe(p, &o, len);
	user_iov_put(&iov);
	return len;
}

/* What is no pipe is EBADF here, vmsplice(2), and not EINVAL as in splice. */
static int64_t
sys_vmsplice(int fd, const struct iovec *user, uint64_t n, unsigned flags)
{
	struct file *f;
	int64_t result;

	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	result = pipe_of(f) ? splice_memory(f, user, n, flags) : -EBADF;
	file_put(f);
	return result;
}
SYSCALL(NR_vmsplice, sys_vmsplice);
