/*
 * unistd.h's descriptors and names, fcntl.h, and sys/stat.h: one system call
 * each. Where Linux has both open and openat, the plain one is called by its
 * own number, so that a test of open tests open.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "internal.h"

ssize_t
read(int fd, void *buf, size_t n)
{
	return syscall(NR_read, fd, buf, n);
}

ssize_t
write(int fd, const void *buf, size_t n)
{
	return syscall(NR_write, fd, buf, n);
}

ssize_t
pread(int fd, void *buf, size_t n, off_t pos)
{
	return syscall(NR_pread64, fd, buf, n, pos);
}

ssize_t
pwrite(int fd, const void *buf, size_t n, off_t pos)
{
	return syscall(NR_pwrite64, fd, buf, n, pos);
}

ssize_t
readv(int fd, const struct iovec *iov, int count)
{
	return syscall(NR_readv, fd, iov, count);
}

ssize_t
writev(int fd, const struct iovec *iov, int count)
{
	return syscall(NR_writev, fd, iov, count);
}

off_t
lseek(int fd, off_t pos, int whence)
{
	return syscall(NR_lseek, fd, pos, whence);
}

int
close(int fd)
{
	return (int)syscall(NR_close, fd);
}

int
dup(int fd)
{
	return (int)syscall(NR_dup, fd);
}

int
dup2(int fd, int to)
{
	return (int)syscall(NR_dup2, fd, to);
}

int
dup3(int fd, int to, int flags)
{
	return (int)syscall(NR_dup3, fd, to, flags);
}

int
pipe(int fd[2])
{
	return (int)syscall(NR_pipe, fd);
}

int
pipe2(int fd[2], int flags)
{
	return (int)syscall(NR_pipe2, fd, flags);
}

int
ftruncate(int fd, off_t size)
{
	return (int)syscall(NR_ftruncate, fd, size);
}

int
truncate(const char *path, off_t size)
{
	return (int)syscall(NR_truncate, path, size);
}

int
fsync(int fd)
{
	return (int)syscall(NR_fsync, fd);
}

int
fdatasync(int fd)
{
	return (int)syscall(NR_fdatasync, fd);
}

int
access(const char *path, int mode)
{
	return (int)syscall(NR_access, path, mode);
}

int
chdir(const char *path)
{
	return (int)syscall(NR_chdir, path);
}

int
fchdir(int fd)
{
	return (int)syscall(NR_fchdir, fd);
}

int
chroot(const char *path)
{
	return (int)syscall(NR_chroot, path);
}

int
chown(const char *path, uid_t uid, gid_t gid)
{
	return (int)syscall(NR_chown, path, uid, gid);
}

int
fchown(int fd, uid_t uid, gid_t gid)
{
	return (int)syscall(NR_fchown, fd, uid, gid);
}

int
lchown(const char *path, uid_t uid, gid_t gid)
{
	return (int)syscall(NR_lchown, path, uid, gid);
}

int
fchownat(int dir, const char *path, uid_t uid, gid_t gid, int flags)
{
	return (int)syscall(NR_fchownat, dir, path, uid, gid, flags);
}

int
link(const char *old, const char *name)
{
	return (int)syscall(NR_link, old, name);
}

int
linkat(int olddir, const char *old, int dir, const char *name, int flags)
{
	return (int)syscall(NR_linkat, olddir, old, dir, name, flags);
}

int
symlink(const char *target, const char *name)
{
	return (int)syscall(NR_symlink, target, name);
}

int
symlinkat(const char *target, int dir, const char *name)
{
	return (int)syscall(NR_symlinkat, target, dir, name);
}

ssize_t
readlink(const char *path, char *buf, size_t size)
{
	return syscall(NR_readlink, path, buf, size);
}

ssize_t
readlinkat(int dir, const char *path, char *buf, size_t size)
{
	return syscall(NR_readlinkat, dir, path, buf, size);
}

int
unlink(const char *path)
{
	return (int)syscall(NR_unlink, path);
}

int
unlinkat(int dir, const char *path, int flags)
{
	return (int)syscall(NR_unlinkat, dir, path, flags);
}

int
rmdir(const char *path)
{
	return (int)syscall(NR_rmdir, path);
}

int
rename(const char *old, const char *name)
{
	return (int)syscall(NR_rename, old, name);
}

int
renameat(int olddir, const char *old, int dir, const char *name)
{
	return (int)syscall(NR_renameat, olddir, old, dir, name);
}

int
renameat2(int olddir, const char *old, int dir, const char *name,
	  unsigned flags)
{
	return (int)syscall(NR_renameat2, olddir, old, dir, name, flags);
}

int
creat(const char *path, mode_t mode)
{
	return (int)syscall(NR_creat, path, mode);
}

int
stat(const char *path, struct stat *st)
{
	return (int)syscall(NR_stat, path, st);
}

int
lstat(const char *path, struct stat *st)
{
	return (int)syscall(NR_lstat, path, st);
}

int
fstat(int fd, struct stat *st)
{
	return (int)syscall(NR_fstat, fd, st);
}

int
fstatat(int dir, const char *path, struct stat *st, int flags)
{
	return (int)syscall(NR_newfstatat, dir, path, st, flags);
}

int
chmod(const char *path, mode_t mode)
{
	return (int)syscall(NR_chmod, path, mode);
}

int
fchmod(int fd, mode_t mode)
{
	return (int)syscall(NR_fchmod, fd, mode);
}

int
mkdir(const char *path, mode_t mode)
{
	return (int)syscall(NR_mkdir, path, mode);
}

int
mkdirat(int dir, const char *path, mode_t mode)
{
	return (int)syscall(NR_mkdirat, dir, path, mode);
}

int
mknod(const char *path, mode_t mode, dev_t dev)
{
	return (int)syscall(NR_mknod, path, mode, dev);
}

int
mknodat(int dir, const char *path, mode_t mode, dev_t dev)
{
	return (int)syscall(NR_mknodat, dir, path, mode, dev);
}

int
utimensat(int dir, const char *path, const struct timespec times[2], int flags)
{
	return (int)syscall(NR_utimensat, dir, path, times, flags);
}

void
sync(void)
{
	syscall(NR_sync);
}

mode_t
umask(mode_t mask)
{
	return (mode_t)syscall(NR_umask, mask);
}

/* A mode stands after the flags if they may create a file. */
#define TAKE_MODE(flags, mode)                                                 \
	do {                                                                   \
		va_list ap;                                                    \
                                                                               \
		va_start(ap, flags);                                           \
		mode = (flags) & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t)    \
						       : 0;                    \
		va_end(ap);                                                    \
	} while (0)

int
open(const char *path, int flags, ...)
{
	mode_t mode;

	TAKE_MODE(flags, mode);
	return (int)syscall(NR_open, path, flags, mode);
}

int
openat(int dir, const char *path, int flags, ...)
{
	mode_t mode;

	TAKE_MODE(flags, mode);
	return (int)syscall(NR_openat, dir, path, flags, mode);
}

int
fcntl(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long); /* nobody reads what was not passed */
	va_end(ap);
	return (int)syscall(NR_fcntl, fd, cmd, arg);
}

int
ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	long arg;

	va_start(ap, request);
	arg = va_arg(ap, long);
	va_end(ap);
	return (int)syscall(NR_ioctl, fd, request, arg);
}

int
isatty(int fd)
{
	struct winsize size;

	return ioctl(fd, TIOCGWINSZ, &size) == 0;
}

int
faccessat(int dir, const char *path, int mode, int flags)
{
	if (flags != 0) /* the older call has no place for flags */
		return (int)syscall(NR_faccessat2, dir, path, mode, flags);
	return (int)syscall(NR_faccessat, dir, path, mode);
}

int
fchmodat(int dir, const char *path, mode_t mode, int flags)
{
	if (flags != 0) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return (int)syscall(NR_fchmodat, dir, path, mode);
}

int
mkfifo(const char *path, mode_t mode)
{
	return mknod(path, S_IFIFO | (mode & 07777), 0);
}

int
futimens(int fd, const struct timespec times[2])
{
	return utimensat(fd, NULL, times, 0);
}

char *
getcwd(char *buf, size_t size)
{
	return syscall(NR_getcwd, buf, size) < 0 ? NULL : buf;
}

int
remove(const char *path)
{
	int result = unlink(path);

	if (result < 0 && errno == EISDIR)
		result = rmdir(path);
	return result;
}

int
write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}
