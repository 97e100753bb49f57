/*
 * The inside of chapter files: descriptor tables and record locks. Look-ups of
 * descriptors take no lock: slots and chunks are published with release stores,
 * chunks live as long as the table, and files are freed after a grace period.
 *
 * FILES1: a slot holds a file exactly if its bit in `used` is set.
 */
#ifndef FILES_INTERNAL_H
#define FILES_INTERNAL_H

#include "files.h"
#include "notify.h"
#include "string.h"

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

/** Whether the running process's descriptor @p fd is @p f. Where it is not,
 * whoever closed it is past the table's lock. */
bool fd_is(int fd, const struct file *f);

/** Release what the process with table @p t has locked of @p v: it closes a
 * descriptor of it (fcntl(2)). */
void record_locks_release(struct vnode *v, const struct fdtable *t);
/** Release what belongs to open file @p f: its last reference is going. */
void file_locks_release(struct file *f);
/** fcntl's F_GETLK, F_SETLK, F_SETLKW, and F_OFD_GETLK and so on. */
int64_t record_lock(struct file *f, unsigned command, struct flock *user);

/* ---- memfd.c ---- */

/** fcntl's F_ADD_SEALS and F_GET_SEALS. */
int64_t file_seals(struct file *f, unsigned command, uint64_t seals);

#endif
