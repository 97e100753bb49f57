/*
 * Reading and writing through the page cache, for regular files and for disks.
 */
#ifndef REGULAR_H
#define REGULAR_H

#include "vfs.h"

/** The largest file: what a signed 64-bit offset can name. */
#define FILE_SIZE_MAX 0x7ffffffffffff000ul

/** Read at *pos, up to the vnode's size; *pos moves. @return bytes or -errno */
int64_t cached_read(struct vnode *v, struct uio *u, uint64_t *pos);

/** Write @p len bytes at *pos; the vnode is locked for writing. Extends the
 * size. @return bytes, or -errno if none */
int64_t cached_write(struct vnode *v, struct uio *u, uint64_t *pos, size_t len);

/** Now, in seconds, a few seconds late: for the access time. */
extern int64_t coarse_seconds;

#endif
