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

/** Of a mount. */
struct tmpfs {
	struct page_quota pages;    /**< of files' contents */
	_Atomic uint64_t heap_used; /**< bytes of kernel heap for files */
	uint64_t heap_max;
	_Atomic uint64_t last_ino, nfiles;
};

/** Fill @p m as an empty tmpfs whose root has mode @p mode. 0 or -errno. */
int tmpfs_setup(struct mount *m, const char *options, uint32_t mode);

/** Add an entry to directory @p dir of a tmpfs; -EEXIST where there is one.
 * @p target: of a link, or NULL. */
int tmpfs_add(struct vnode *dir, const char *name, uint32_t mode, uint64_t rdev,
	      const char *target);

/* ---- mount.c ---- */

/** All types (the linker's section). */
extern const struct filesystem filesystems[], filesystems_end[];

/** The file system type @p name, or NULL. */
const struct filesystem *filesystem_find(const char *name);
/** Mount @p fs on @p covered (whose reference is taken over on success; NULL:
 * as the root). 0 or -errno */
int mount_on(const struct filesystem *fs, const char *source,
	     struct vnode *covered, unsigned flags, const char *options);
/** Mount @p fs where no path leads. 0 or -errno */
int mount_nowhere(const struct filesystem *fs, const char *source,
		  struct mount **result);
/** Take down @p m, a root that another one covers, unless somebody is in it. */
void mount_drop_covered(struct mount *m);
/** Take down detached mounts that nobody uses any more. May sleep. */
void mount_reap(void);
void mount_init(void);

/* ---- nameless.c ---- */

void nameless_init(void);

/* ---- Devices ---- */

void devices_init(void);
void block_files_init(void);
/** Write back the pages of disks that are open as files. */
int block_files_sync(void);

/* ---- sync.c ---- */

void sync_init(void);

#endif
