/*
 * Extended attributes: no file system here has them, and these calls say so.
 * They look at their arguments, as on Linux, for programs ask with wrong ones
 * what a kernel can do. A list is empty rather than refused: cp and ls ask for
 * it about every file.
 *
 * A file that cannot be reached is told first. Of the arguments only the name
 * is read: values and buffers are never used, so a bad address there is not
 * found.
 */
#include "abi/syscall.h"
#include "files.h"

/* Linux's XATTR_NAME_MAX and XATTR_SIZE_MAX (linux/limits.h), in bytes. */
#define NAME_MOST     255
#define SIZE_MOST     65536
#define XATTR_CREATE  1
#define XATTR_REPLACE 2

/* A name of 1 to 255 bytes (one that is empty or too long is -ERANGE, on Linux,
 * too); and what all calls but the lists answer then. */
static int64_t
refuse(const char *user)
{
	char name[NAME_MOST + 1];
	int64_t len = copyin_string(name, user, sizeof(name));

	if (len == 0 || len == -ENAMETOOLONG)
		return -ERANGE;
	return len < 0 ? len : -EOPNOTSUPP;
}

/* setxattr(2). Both flags at once are no error, as on Linux: they contradict
 * each other only once it is looked whether the attribute is there. */
static int64_t
refuse_to_set(const char *name, uint64_t size, int flags)
{
	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	if (size > SIZE_MOST)
		return -E2BIG;
	return refuse(name);
}

/* @p answer, if the file can be reached. */
static int64_t
of_path(const char *path, unsigned at_flags, int64_t answer)
{
	struct vnode *v;
	int error = user_walk(AT_FDCWD, path, at_flags, &v);

	if (error)
		return error;
	vnode_put(v);
	return answer;
}

/* The same of a descriptor. One open with O_PATH gives no access to its file's
 * attributes, these included. */
static int64_t
of_file(int fd, int64_t answer)
{
	struct file *f = fd_get(fd);
	bool bad = !f || (f->flags & O_PATH);

	if (f)
		file_put(f);
	return bad ? -EBADF : answer;
}

/* ---- setxattr ---- */

static int64_t
sys_setxattr(const char *path, const char *name, const void *value,
	     uint64_t size, int flags)
{
	(void)value;
	return of_path(path, 0, refuse_to_set(name, size, flags));
}
SYSCALL(NR_setxattr, sys_setxattr);

static int64_t
sys_lsetxattr(const char *path, const char *name, const void *value,
	      uint64_t size, int flags)
{
	(void)value;
	return of_path(path, AT_SYMLINK_NOFOLLOW,
		       refuse_to_set(name, size, flags));
}
SYSCALL(NR_lsetxattr, sys_lsetxattr);

static int64_t
sys_fsetxattr(int fd, const char *name, const void *value, uint64_t size,
	      int flags)
{
	(void)value;
	return of_file(fd, refuse_to_set(name, size, flags));
}
SYSCALL(NR_fsetxattr, sys_fsetxattr);

/* ---- getxattr, removexattr ---- */

/* getxattr's value and size are not looked at, as no attribute is ever found;
 * so one function does for both calls. The same goes for the two pairs
 * below. */
static int64_t
sys_xattr(const char *path, const char *name)
{
	return of_path(path, 0, refuse(name));
}
SYSCALL(NR_getxattr, sys_xattr);
SYSCALL(NR_removexattr, sys_xattr);

static int64_t
sys_lxattr(const char *path, const char *name)
{
	return of_path(path, AT_SYMLINK_NOFOLLOW, refuse(name));
}
SYSCALL(NR_lgetxattr, sys_lxattr);
SYSCALL(NR_lremovexattr, sys_lxattr);

static int64_t
sys_fxattr(int fd, const char *name)
{
	return of_file(fd, refuse(name));
}
SYSCALL(NR_fgetxattr, sys_fxattr);
SYSCALL(NR_fremovexattr, sys_fxattr);

/* ---- listxattr ---- */

/* listxattr(2): 0 is the length of an empty list. A size of 0 asks for that
 * length, and gets the same answer. */
static int64_t
sys_listxattr(const char *path)
{
	return of_path(path, 0, 0);
}
SYSCALL(NR_listxattr, sys_listxattr);

static int64_t
sys_llistxattr(const char *path)
{
	return of_path(path, AT_SYMLINK_NOFOLLOW, 0);
}
SYSCALL(NR_llistxattr, sys_llistxattr);

static int64_t
sys_flistxattr(int fd)
{
	return of_file(fd, 0);
}
SYSCALL(NR_flistxattr, sys_flistxattr);
