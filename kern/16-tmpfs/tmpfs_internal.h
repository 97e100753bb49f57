/*
 * What the files of chapter tmpfs know of each other: tmpfs for devfs to build
 * on, mounts, and the start of each part.
 */
#ifndef TMPFS_INTERNAL_H
#define TMPFS_INTERNAL_H

#include "notify.h"
#include "string.h"
#include "tmpfs.h"

/* ---- tmpfs.c ---- */

/** Of a mount (mount.private_data). No lock: counters, and bounds that are
 * constant once it is mounted. */
struct tmpfs {
	struct page_quota pages;    /**< of files' contents */
	_Atomic uint64_t heap_used; /**< bytes of kernel heap for files */
	uint64_t heap_max;	    /**< TMPFS2 */
	/** Numbers given out, none of them twice; files that there are. */
	_Atomic uint64_t last_ino, nfiles;
};

/** Fill @p m as an empty tmpfs whose root has mode @p mode, unless @p options
 * say otherwise. No locks are held. 0; -EINVAL: an option; after an error the
 * mount's `unmount` frees what there is. */
int tmpfs_setup(struct mount *m, const char *options, uint32_t mode);

/** Add an entry to directory @p dir of a tmpfs, whoever may write it, whose
 * lock is not held. @p mode: its type too, but for links; @p target: of a link,
 * or NULL. Allocates; may sleep. 0, -EEXIST where there is one, -ENOSPC. */
int tmpfs_add(struct vnode *dir, const char *name, uint32_t mode, uint64_t rdev,
	      const char *target);

/* ---- mount.c ---- */

/** All types (the linker's section). */
extern const struct filesystem filesystems[], filesystems_end[];

/** The file system type @p name, or NULL. Any context. */
const struct filesystem *filesystem_find(const char *name);
/** Mount @p fs on @p covered (whose reference is taken over on success; NULL:
 * as the root). May sleep; no locks are held. 0; -ENOTBLK: @p source is no
 * disk; -EBUSY: that is mounted, or @p covered is; the file system's. */
int mount_on(const struct filesystem *fs, const char *source,
	     struct vnode *covered, unsigned flags, const char *options);
/** Mount @p fs where no path leads, for ever. May sleep. 0 or -errno, *result
 * even then. */
int mount_nowhere(const struct filesystem *fs, const char *source,
		  struct mount **result);
/** Take down @p m, a root that another one covers, unless somebody is in it:
 * then it stays, out of sight. May sleep; no locks are held. */
void mount_drop_covered(struct mount *m);
/** Take down detached mounts that nobody uses any more. May sleep; no locks are
 * held. */
void mount_reap(void);
void mount_init(void);

/* ---- mountcalls.c ---- */

/** mount(2), MS_REMOUNT: new flags for all of the mount at @p target, which is
 * its root. May sleep; no locks are held. 0; those of path_walk; -EINVAL: no
 * root of a mount; -EBUSY: open for writing; -EROFS: its disk is; -EIO... */
int vfs_remount(const char *target, unsigned flags);

/* ---- nameless.c ---- */

void nameless_init(void);

/* ---- Devices ---- */

void devices_init(void);
void block_files_init(void);
/** Write back the pages of disks that are open as files, to the disk, but not
 * through its own cache. An error stays to be told by the file's fsync. May
 * sleep. 0 or the first error. */
int block_files_sync(void);

/* ---- sync.c ---- */

/** mount_sync (tmpfs.h), also where nobody may write any more. */
int mount_write_back(struct mount *m);
void sync_init(void);

#endif
