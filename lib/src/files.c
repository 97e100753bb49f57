/*
 * The rarer calls on files: room, locks, copies, several buffers at a position.
 * One system call each.
 */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "internal.h"

int
fallocate(int fd, int mode, off_t offset, off_t len)
{
	return (int)syscall(NR_fallocate, fd, mode, offset, len);
}

int
fadvise64(int fd, off_t offset, off_t len, int advice)
{
	return (int)syscall(NR_fadvise64, fd, offset, len, advice);
}

ssize_t
readahead(int fd, off_t offset, size_t len)
{
	return syscall(NR_readahead, fd, offset, len);
}

int
sync_file_range(int fd, off_t offset, off_t len, unsigned flags)
{
	return (int)syscall(NR_sync_file_range, fd, offset, len, flags);
}

int
syncfs(int fd)
{
	return (int)syscall(NR_syncfs, fd);
}

ssize_t
copy_file_range(int in, off_t *in_pos, int out, off_t *out_pos, size_t len,
		unsigned flags)
{
	return syscall(NR_copy_file_range, in, in_pos, out, out_pos, len,
		       flags);
}

ssize_t
sendfile(int out, int in, off_t *pos, size_t n)
{
	return syscall(NR_sendfile, out, in, pos, n);
}

int
close_range(unsigned first, unsigned last, int flags)
{
	return (int)syscall(NR_close_range, first, last, flags);
}

int
flock(int fd, int operation)
{
	return (int)syscall(NR_flock, fd, operation);
}

int
statx(int dir, const char *path, int flags, unsigned mask, struct statx *st)
{
	return (int)syscall(NR_statx, dir, path, flags, mask, st);
}

/* The kernel takes a position in two words, of which the low one has 64 bits
 * here. */

ssize_t
preadv(int fd, const struct iovec *iov, int count, off_t pos)
{
	return syscall(NR_preadv, fd, iov, count, pos, 0);
}

ssize_t
pwritev(int fd, const struct iovec *iov, int count, off_t pos)
{
	return syscall(NR_pwritev, fd, iov, count, pos, 0);
}

ssize_t
preadv2(int fd, const struct iovec *iov, int count, off_t pos, int flags)
{
	return syscall(NR_preadv2, fd, iov, count, pos, 0, flags);
}

ssize_t
pwritev2(int fd, const struct iovec *iov, int count, off_t pos, int flags)
{
	return syscall(NR_pwritev2, fd, iov, count, pos, 0, flags);
}
