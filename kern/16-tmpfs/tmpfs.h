/*
 * tmpfs: file systems come into the tree. Mounting and unmounting, the root,
 * and the file systems that need no disk: tmpfs and devfs, which shows devices
 * as files. Open files are in file.h.
 */
#ifndef TMPFS_H
#define TMPFS_H

#include "file.h"
#include "names.h"

/* ---- Mounting ---- */

/** Mount a file system of type @p type on path @p target (NULL: as root, over
 * the present one). @p source: "sda", "/dev/sda", or any text. @p flags: those
 * that a mount keeps (MS_*); @p options: the file system's own, "x=y,...".
 * Checks no permission. May sleep; no locks are held. @return 0; those of
 * path_walk; -ENODEV: no such type; -ENOTBLK: not a disk; -EACCES: its node is
 * on a MS_NODEV mount; -EBUSY: it is mounted already, or something else came to
 * the place meanwhile; the file system's (-EINVAL: it is not one of its
 * disks) */
int vfs_mount(const char *type, const char *source, const char *target,
	      unsigned flags, const char *options);
/** Take away the mount whose root @p target leads to. @p flags:
 * UMOUNT_NOFOLLOW, MNT_DETACH: at once, and what is in use goes when it is no
 * more. Checks no permission. May sleep; no locks are held. @return 0; those of
 * path_walk; -EINVAL: it is no root of a mount; -EBUSY: it is in use, or the
 * root of the tree */
int vfs_unmount(const char *target, unsigned flags);
/** proc, before the first program: mount the root file system that root=NAME
 * on the command line names (else the first disk, else memory) and /dev. */
void vfs_mount_root(void);
/** Write everything dirty, of all mounts, to their disks, and wait. May sleep;
 * no locks are held. @return 0, or the first error */
int vfs_sync(void);
/** Before the machine stops, when no program runs any more: write everything,
 * and make all disks read-only and clean. May sleep; no locks are held. */
void vfs_shutdown(void);
/** Call @p fn for every mount, detached ones too, in the order in which they
 * were mounted, with the list of mounts locked: none comes or goes meanwhile,
 * and @p fn may not mount. It may sleep. */
void mount_for_each(void (*fn)(struct mount *m, void *arg), void *arg);
/** Write all of @p m and wait until it is on the disk. Goes on after an error.
 * May sleep; no vnode's lock is held. @return 0, or the first error (-EIO);
 * nothing is written of a read-only mount, nor of one in memory */
int mount_sync(struct mount *m);

/** Make a regular file in memory that no path leads to; @p mode has type and
 * permissions, @p text (at most NAME_MAX bytes) is what /proc shows of it. *@p
 * result is referenced: with the last reference it goes. Allocates; may sleep.
 * 0, -ENOSPC */
int tmpfs_nameless(const char *text, uint32_t mode, struct vnode **result);
/** Whether @p v was made by that. */
bool vnode_is_nameless(const struct vnode *v);

/* ---- Devices as files ---- */

/**
 * Make a device file /dev/@p name, in every devfs that is mounted and will be.
 * @p mode is S_IFCHR or S_IFBLK and permission bits; @p name is copied. Opening
 * it calls @p open with a file whose operations it sets (and may refuse: a
 * negative errno); it may sleep, and no locks are held. There is no way to take
 * it back. Allocates; may sleep. */
void devfs_add(const char *name, uint32_t mode, uint64_t rdev,
	       int (*open)(struct vnode *v, struct file *f));
/** Open device v->rdev, of the type of v->mode, for @p f: for device nodes in
 * other file systems (mknod). -ENXIO: there is none; the device's. May
 * sleep. */
int devfs_open_rdev(struct vnode *v, struct file *f);

#endif
