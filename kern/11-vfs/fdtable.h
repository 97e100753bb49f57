/*
 * The inside of a descriptor table. Look-ups take no lock: slots and chunks are
 * published with release stores, chunks live as long as the table, and files
 * are freed after a grace period.
 *
 * VFS7: a slot holds a file exactly if its bit in `used` is set.
 */
#ifndef FDTABLE_H
#define FDTABLE_H

#include "vfs.h"

#define FDS_A_CHUNK   64u
#define CHUNKS_INLINE 4u
#define CHUNKS_MAX    160u /**< a page of the heap holds as many */
#define FDS_MAX	      (CHUNKS_MAX * FDS_A_CHUNK)

struct fdchunk {
	struct file **files; /**< FDS_A_CHUNK; NULL: none used yet */
	uint64_t used;	     /**< bit n: descriptor n of the chunk */
	uint64_t cloexec;
};

struct fdtable {
	struct refcount refs;
	struct spinlock lock; /* guards all changes */
	/** RCU: descriptors below `limit` have a chunk in `chunks`. */
	unsigned limit;
	struct fdchunk *chunks;
	struct fdchunk inline_chunks[CHUNKS_INLINE];
	struct file *first[FDS_A_CHUNK];
};

#endif
