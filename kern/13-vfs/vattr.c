/*
 * Attributes of a vnode: what stat shows and chmod changes; times; owners of
 * new files; who may open a running program for writing.
 */
#include "vfs_internal.h"

struct timespec
timespec_now(void)
{
	uint64_t now = clock_realtime_ns();

	return (struct timespec){ now / 1000000000, now % 1000000000 };
}

/* Without the file system: the times are in the vnode, and go to the disk with
 * the inode, whenever that is written. A clock is read once for all. */
void
vnode_touch(struct vnode *v, unsigned which)
{
	struct timespec now = timespec_now();

	if (which & TOUCH_ATIME)
		v->atime = now;
	if (which & TOUCH_MTIME)
		v->mtime = now;
	if (which & TOUCH_CTIME)
		v->ctime = now;
	v->dirty = true;
}

void
vnode_set_attributes(struct vnode *v, const struct vattr *attr)
{
	if (attr->valid & VATTR_MODE)
		v->mode = (v->mode & S_IFMT) | (attr->mode & 07777);
	if (attr->valid & VATTR_UID)
		v->uid = attr->uid;
	if (attr->valid & VATTR_GID)
		v->gid = attr->gid;
	if (attr->valid & VATTR_ATIME)
		v->atime = attr->atime;
	if (attr->valid & VATTR_MTIME)
		v->mtime = attr->mtime;
	if (attr->valid & VATTR_CTIME)
		v->ctime = attr->ctime;
	v->dirty = true;
}

int
vnode_change_locked(struct vnode *v, const struct vattr *attr)
{
	if (v->ops->setattr)
		return v->ops->setattr(v, attr);
	vnode_set_attributes(v, attr);
	return 0;
}

/* POSIX.1-2017, open: the group of a new file is the caller's or the
 * directory's; which one, S_ISGID of the directory says, and a directory
 * inherits it with the group. A file gets no S_ISGID, which its mode asks for,
 * of a group that the caller is not in: he would make a program that runs with
 * that group's rights (inode(7)). */
void
vnode_set_owner(struct vnode *v, const struct vnode *dir, uint32_t mode)
{
	const struct cred *c = current_cred();

	v->mode = mode;
	v->uid = c->fsuid;
	v->gid = c->fsgid;
	vnode_touch(v, TOUCH_ATIME | TOUCH_MTIME | TOUCH_CTIME);
	if (!(dir->mode & S_ISGID))
		return;
	v->gid = dir->gid;
	if (S_ISDIR(mode))
		v->mode |= S_ISGID;
	else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
		 !is_root(c) && !cred_in_group(c, v->gid))
		v->mode &= ~S_ISGID;
}

/* Under no lock: st_size and st_blocks may be of two moments. st_blksize, what
 * to read at once, is what the cache has it in. */
int
vnode_stat(struct vnode *v, struct stat *st)
{
	*st = (struct stat){
		.st_dev = v->mount->dev,
		.st_ino = v->ino,
		.st_nlink = v->nlink,
		.st_mode = v->mode,
		.st_uid = v->uid,
		.st_gid = v->gid,
		.st_rdev = v->rdev,
		.st_size = v->size,
		.st_blksize = PAGE_SIZE,
		.st_blocks = v->blocks,
		.st_atim = v->atime,
		.st_mtim = v->mtime,
		.st_ctim = v->ctime,
	};
	return v->ops->getattr ? v->ops->getattr(v, st) : 0;
}

/* ---- Programs that run are not written to ---- */

void
vnode_end_write(struct vnode *v)
{
	atomic_fetch_sub(&v->writers, 1);
}

/* Minus one for each program that runs, plus one for each writer: whoever comes
 * second sees the other's sign. */
int
vnode_begin_write(struct vnode *v)
{
	int n = atomic_load(&v->writers);

	do {
		if (n < 0)
			return -ETXTBSY;
	} while (!atomic_compare_exchange_weak(&v->writers, &n, n + 1));
	/* A remount marks the mount first, and looks for writers then: one of
	 * the two sees the other. */
	if (mount_writable(v) == 0)
		return 0;
	vnode_end_write(v);
	return -EROFS;
}

int
vnode_deny_write(struct vnode *v)
{
	int n = atomic_load(&v->writers);

	do {
		if (n > 0)
			return -ETXTBSY;
	} while (!atomic_compare_exchange_weak(&v->writers, &n, n - 1));
	return 0;
}

void
vnode_allow_write(struct vnode *v)
{
	atomic_fetch_add(&v->writers, 1);
}
