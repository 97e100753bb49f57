/*
 * The calls on descriptors: close, dup and its kin, fcntl, ioctl. What applies
 * to every file is done here, the rest is the file's own.
 */
#include "abi/ioctl.h"
#include "abi/syscall.h"
#include "files_internal.h"

/* ---- close, dup ---- */

static int64_t
sys_close(int fd)
{
	return fd_close(fd);
}
SYSCALL(NR_close, sys_close);

/* close_range(2): a range with no descriptor in it is no error. Who wants the
 * others of its table not to see it leaves the table first. */
static int64_t
sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) ||
	    first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE)
		fdtable_unshare();
	fd_close_range(first, last, flags & CLOSE_RANGE_CLOEXEC);
	return 0;
}
SYSCALL(NR_close_range, sys_close_range);

static int64_t
sys_dup(int fd)
{
	struct file *f = fd_get(fd);

	return f ? fd_install(f, 0, false) : -EBADF;
}
SYSCALL(NR_dup, sys_dup);

static int64_t
dup_to(int from, int to, bool cloexec)
{
	struct file *f = fd_get(from);
	int error;

	if (!f)
		return -EBADF;
	error = fd_replace(to, f, cloexec);
	if (error < 0)
		file_put(f);
	return error;
}

/* Onto itself nothing happens, FD_CLOEXEC stays (POSIX.1-2017, dup2()); dup3
 * makes that an error (dup3(2)). */
static int64_t
sys_dup2(int from, int to)
{
	struct file *f;

	if (from != to)
		return dup_to(from, to, false);
	f = fd_get(from);
	if (!f)
		return -EBADF;
	file_put(f);
	return to;
}
SYSCALL(NR_dup2, sys_dup2);

static int64_t
sys_dup3(int from, int to, int flags)
{
	if ((flags & ~O_CLOEXEC) || from == to)
		return -EINVAL;
	return dup_to(from, to, flags & O_CLOEXEC);
}
SYSCALL(NR_dup3, sys_dup3);

/* ---- fcntl ---- */

/* Status flags that F_SETFL changes; all others in its argument are ignored
 * (fcntl(2); POSIX.1-2017, fcntl()). */
#define SETTABLE (O_APPEND | O_ASYNC | O_DIRECT | O_NOATIME | O_NONBLOCK)

/* A number that no descriptor may have is EINVAL; EMFILE: none is free. */
static int64_t
dup_from(struct file *f, uint64_t from, bool cloexec)
{
	unsigned limit =
		vfs_ops.nofile_limit ? vfs_ops.nofile_limit() : UINT32_MAX;

	if (from >= limit || from > INT32_MAX)
		return -EINVAL;
	return fd_install(file_get(f), from, cloexec);
}

/* All who have the open file have the same flags: no change may undo one that
 * another thread makes at once. */
static void
replace_flags(struct file *f, unsigned mask, unsigned flags)
{
	unsigned old = atomic_load(&f->flags);

	while (!atomic_compare_exchange_weak(&f->flags, &old,
					     (old & ~mask) | (flags & mask)))
		;
}

static int64_t
set_flags(struct file *f, unsigned flags)
{
	if ((flags & ~f->flags & O_NOATIME) && f->vnode &&
	    check_owner(f->vnode))
		return -EPERM;
	replace_flags(f, SETTABLE, flags);
	return 0;
}

/* Commands that a file opened with O_PATH knows, too. */
static int64_t
fcntl_any(int fd, struct file *f, unsigned command, uint64_t arg)
{
	switch (command) {
	case F_DUPFD:
		return dup_from(f, arg, false);
	case F_DUPFD_CLOEXEC:
		return dup_from(f, arg, true);
	case F_GETFD:
		return fd_get_flags(fd);
	case F_SETFD:
		return fd_set_flags(fd, arg & FD_CLOEXEC);
	case F_GETFL:
		return f->flags;
	default:
		return -EBADF;
	}
}

/* F_SETLK and F_SETLKW. Who closed the descriptor meanwhile has not seen the
 * lock that we got, and nobody else would release it. */
static int64_t
set_process_lock(int fd, struct file *f, unsigned command, struct flock *user)
{
	int64_t error = record_lock(f, command, user);

	if (error || fd_is(fd, f))
		return error;
	record_locks_release(f->vnode, current()->fdtable);
	return -EBADF;
}

static int64_t
fcntl_open(int fd, struct file *f, unsigned command, uint64_t arg)
{
	switch (command) {
	case F_SETFL:
		return set_flags(f, arg);
	case F_SETLK:
	case F_SETLKW:
		return set_process_lock(fd, f, command, (struct flock *)arg);
	case F_GETLK:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return record_lock(f, command, (struct flock *)arg);
	case F_ADD_SEALS:
	case F_GET_SEALS:
		return file_seals(f, command, arg);
	default:
		return vfs_ops.fcntl ? vfs_ops.fcntl(f, command, arg) : -EINVAL;
	}
}

static int64_t
sys_fcntl(int fd, unsigned command, uint64_t arg)
{
	struct file *f = fd_get(fd);
	int64_t result;

	if (!f)
		return -EBADF;
	if (command <= F_GETFL || command == F_DUPFD_CLOEXEC ||
	    (f->flags & O_PATH))
		result = fcntl_any(fd, f, command, arg);
	else
		result = fcntl_open(fd, f, command, arg);
	file_put(f);
	return result;
}
SYSCALL(NR_fcntl, sys_fcntl);

/* ---- ioctl ---- */

static int64_t
set_nonblocking(struct file *f, const int *user)
{
	int on;

	if (copyin(&on, user, sizeof(on)))
		return -EFAULT;
	replace_flags(f, O_NONBLOCK, on ? O_NONBLOCK : 0);
	return 0;
}

/* FIONREAD of a regular file: what is left to read, as of some moment. */
static int64_t
bytes_left(struct file *f, int *user)
{
	uint64_t size = f->vnode->size, pos = f->pos;
	int left = pos < size ? MIN(size - pos, (uint64_t)INT32_MAX) : 0;

	return copyout(user, &left, sizeof(left));
}

static int64_t
file_ioctl(int fd, struct file *f, uint32_t request, uint64_t arg)
{
	switch (request) {
	case FIOCLEX:
		return fd_set_flags(fd, true);
	case FIONCLEX:
		return fd_set_flags(fd, false);
	case FIONBIO:
		return set_nonblocking(f, (const int *)arg);
	case FIONREAD:
		if (f->ops == &regular_file_ops)
			return bytes_left(f, (int *)arg);
		break;
	}
	return f->ops->ioctl ? f->ops->ioctl(f, request, arg) : -ENOTTY;
}

static int64_t
sys_ioctl(int fd, uint32_t request, uint64_t arg)
{
	struct file *f = fd_get(fd);
	int64_t result = -EBADF;

	if (!f)
		return -EBADF;
	if (!(f->flags & O_PATH))
		result = file_ioctl(fd, f, request, arg);
	file_put(f);
	return result;
}
SYSCALL(NR_ioctl, sys_ioctl);
