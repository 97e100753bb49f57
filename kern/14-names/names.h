/*
 * names: the calls that make, remove and move names, and what every change of
 * a directory's entries does.
 */
#ifndef NAMES_H
#define NAMES_H

#include "walk.h"

/* ---- Entries ---- */

/** Whether the caller may add an entry to @p dir: 0; -ENOENT: it has been
 * removed, and gets no entries any more; -EROFS, -EACCES. Does not sleep. The
 * answer lasts as long as the lock of @p dir, which is held if an entry is to
 * follow. */
int may_create(struct vnode *dir);
/** Whether the caller may remove @p v from @p dir, whose lock is held: 0,
 * -EROFS, -EACCES; -EPERM: the directory is sticky, and neither it nor the file
 * is the caller's. Does not sleep. */
int may_remove(struct vnode *dir, const struct vnode *v);
/** The file system has added an entry: @p name leads to @p v, which is new in
 * @p dir. Tell the name cache and those who watch, and set the directory's
 * times. The lock of @p dir is held for writing since the name was found free.
 * Allocates; may sleep. */
void entry_added(struct vnode *dir, const struct name *name, struct vnode *v);

/** @p name in @p dir leads to @p v no more: set the times, and remember the
 * name where @p v is in use. To tell the cache, which may be told a new vnode
 * at once, is the caller's. Both locks are held for writing, and the caller has
 * a reference to @p v. Allocates; may sleep. */
void entry_removed(struct vnode *dir, const struct name *name, struct vnode *v);

/* ---- The calls on names, for the kernel itself ---- */

/*
 * As the system calls of these names, with paths in kernel memory, which stay
 * the caller's. A relative path is taken from @p dirfd, or with AT_FDCWD from
 * the running thread's directory; rights are checked, and the umask applied, as
 * for its process (a kernel thread is root, with umask 022). All may sleep; no
 * locks are held; the running thread has heap reserved, and what it reserved is
 * renewed after the walk. 0 or a negative errno: those of path_walk, -EINTR
 * among them, then those of the call.
 */

/** @p mode: type (none: a regular file) and permissions; @p rdev is of devices
 * alone. -EEXIST, -EROFS, -EACCES, -EPERM: a device, and the caller is not
 * root, or a directory; -EINVAL: no type that can be made; the file system's
 * (-ENOSPC). */
int vfs_mknod(int dirfd, const char *path, uint32_t mode, uint64_t rdev);
/** Make a socket's file, with the permissions @p mode as far as the umask lets
 * it have them. *v referenced. As vfs_mknod: -EEXIST also where the path is of
 * a socket that nobody listens on. */
int vfs_make_socket(const char *path, uint32_t mode, struct vnode **v);
/** @p mode: the permissions and S_ISVTX. -EEXIST, -EROFS, -EACCES, -ENOSPC,
 * -EPERM: the file system has no mkdir. */
int vfs_mkdir(int dirfd, const char *path, uint32_t mode);
/** -EISDIR: a directory, or no name at the end; -EROFS, -EACCES, -EPERM,
 * -EBUSY: something is mounted there. */
int vfs_unlink(int dirfd, const char *path);
/** -ENOTDIR; -ENOTEMPTY, also for ".."; -EINVAL for "."; -EBUSY: "/", or
 * something is mounted there; -EROFS, -EACCES, -EPERM. */
int vfs_rmdir(int dirfd, const char *path);
/** @p target is any text of at least one byte: it is not walked. -ENOENT where
 * it is empty; -EEXIST, -EROFS, -EACCES, -ENOSPC. */
int vfs_symlink(const char *target, int dirfd, const char *path);
/** A link at the end of @p from is itself linked to, but with AT_SYMLINK_FOLLOW
 * in @p at_flags. -EXDEV: another mount's; -EPERM: a directory; -EEXIST,
 * -EROFS, -EACCES; -ENOENT: its last name went meanwhile; -EMLINK, -ENOSPC. */
int vfs_link(int from_fd, const char *from, int to_fd, const char *to,
	     unsigned at_flags);
/** @p flags: RENAME_NOREPLACE or RENAME_EXCHANGE, not both. In one step for all
 * who look: the new name always leads to the old or the new file. -EXDEV,
 * -EROFS, -EACCES, -EPERM; -EEXIST (NOREPLACE); -ENOENT; -EINVAL: a directory
 * into itself; -ENOTEMPTY, -EISDIR, -ENOTDIR: what is there cannot be replaced
 * by this; -EBUSY: no name at the end, or something is mounted on either;
 * -ENOSPC. */
int vfs_rename(int from_fd, const char *from, int to_fd, const char *to,
	       unsigned flags);

#endif
