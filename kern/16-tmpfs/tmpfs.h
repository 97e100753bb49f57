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
 * the present one). @p source: "sda", "/dev/sda", or any text. Checks no
 * permission. @return 0, -ENODEV: no such type, -ENOTBLK, -EBUSY... */
int vfs_mount(const char *type, const char *source, const char *target,
	      unsigned flags, const char *options);
int vfs_unmount(const char *target, unsigned flags);
/** proc, before the first program: mount the root file system that root=NAME
 * on the command line names (else the first disk, else memory) and /dev. */
void vfs_mount_root(void);
/** Write everything dirty, of all mounts, to their disks. May sleep. */
int vfs_sync(void);
/** Before the machine stops: write everything, and make all disks read-only
 * and clean. May sleep. */
void vfs_shutdown(void);
/** Call @p fn for every mount, in order. May sleep within. */
void mount_for_each(void (*fn)(struct mount *m, void *arg), void *arg);
/** Write all of @p m and wait until it is on the disk. 0 or -EIO. */
int mount_sync(struct mount *m);

/** Make a file in memory, mode @p mode, that no path leads to; @p text is what
 * /proc shows of it. *@p result is referenced. 0, -ENOSPC */
int tmpfs_nameless(const char *text, uint32_t mode, struct vnode **result);
/** Whether @p v was made by that. */
bool vnode_is_nameless(const struct vnode *v);

/* ---- Devices as files ---- */

/**
 * Make a device file /dev/@p name. @p mode is S_IFCHR or S_IFBLK and
 * permission bits. Opening it calls @p open with a file whose operations it
 * sets (and may refuse).
 */
void devfs_add(const char *name, uint32_t mode, uint64_t rdev,
	       int (*open)(struct vnode *v, struct file *f));
/** Open device @p rdev: for device nodes in other file systems (mknod). */
int devfs_open_rdev(struct vnode *v, struct file *f);

#endif
