/*
 * names: the calls that make, remove and move names, and what every change of
 * a directory's entries does.
 */
#ifndef NAMES_H
#define NAMES_H

#include "walk.h"

/* ---- Entries ---- */

/** Whether the caller may add an entry to @p dir: 0, -ENOENT (removed), -EROFS,
 * -EACCES. The lock is held. */
int may_create(struct vnode *dir);
/** Whether the caller may remove @p v from @p dir: 0, -EROFS, -EACCES, -EPERM
 * (sticky). The lock is held. */
int may_remove(struct vnode *dir, const struct vnode *v);
/** Add an entry: @p name leads to @p v, new in @p dir. The lock is held. */
void entry_added(struct vnode *dir, const struct name *name, struct vnode *v);

/** @p name in @p dir, locked, leads to @p v no more: tell the cache and set the
 * times. The caller has a reference to @p v. */
void entry_removed(struct vnode *dir, const struct name *name, struct vnode *v);

/* ---- The calls on names, for the kernel itself ---- */

/* As the system calls of these names, with paths in kernel memory. No locks are
 * held. */
int vfs_mknod(int dirfd, const char *path, uint32_t mode, uint64_t rdev);
/** Make a socket's file, with the permissions @p mode as far as the umask lets
 * it have them. *v referenced. */
int vfs_make_socket(const char *path, uint32_t mode, struct vnode **v);
int vfs_mkdir(int dirfd, const char *path, uint32_t mode);
int vfs_unlink(int dirfd, const char *path);
int vfs_rmdir(int dirfd, const char *path);
int vfs_symlink(const char *target, int dirfd, const char *path);
int vfs_link(int from_fd, const char *from, int to_fd, const char *to,
	     unsigned at_flags);
int vfs_rename(int from_fd, const char *from, int to_fd, const char *to,
	       unsigned flags);

#endif
