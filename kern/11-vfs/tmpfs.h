/*
 * tmpfs, for devfs to build on: a file system whose vnodes and cached pages are
 * the files themselves.
 */
#ifndef TMPFS_H
#define TMPFS_H

#include "pagecache.h"

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

#endif
