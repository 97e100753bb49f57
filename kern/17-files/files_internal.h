/*
 * The inside of chapter files: descriptor tables and record locks. Look-ups of
 * descriptors take no lock: slots and chunks are published with release stores,
 * chunks live as long as the table, and files are freed after a grace period.
 *
 * FILES1: a slot holds a file exactly if its bit in `used` is set.
 *
 * Locks: a descriptor table's and that of all record locks are spinlocks; none
 * is taken within the other.
 */
#ifndef FILES_INTERNAL_H
#define FILES_INTERNAL_H

#include "files.h"
#include "notify.h"
#include "string.h"

#define FDS_A_CHUNK   64u  /**< the bits of a word: see `used` */
#define CHUNKS_INLINE 4u   /**< 256 descriptors: more than most programs have */
#define CHUNKS_MAX    160u /**< a page of the heap holds as many */
/** More than proc's NOFILE_MAX: the table itself is never what is full. */
#define FDS_MAX (CHUNKS_MAX * FDS_A_CHUNK)

/** Descriptors that come and go together; changed under the table's lock. */
struct fdchunk {
	/** FDS_A_CHUNK slots, read under RCU; NULL: none used yet. It never
	 * moves, and stays when all of them are free again. */
	struct file **files;
	uint64_t used;	  /**< bit n: descriptor n of the chunk */
	uint64_t cloexec; /**< the same; means something where `used` is set */
};

struct fdtable {
	/** Of threads that have it as theirs: 1 says that no other thread can
	 * change it (fd_borrow), and that exec need not copy it. */
	struct refcount refs;
	struct spinlock lock; /* guards all changes */
	/** RCU: descriptors below `limit` have a chunk in `chunks`. Both change
	 * at most once, from what stands here to CHUNKS_MAX on the heap. */
	unsigned limit;
	struct fdchunk *chunks;
	struct fdchunk inline_chunks[CHUNKS_INLINE];
	struct file *first[FDS_A_CHUNK]; /**< slots of chunk 0 */
};

/** Whether the running process's descriptor @p fd is @p f. Where it is not,
 * whoever closed it is past the table's lock. Does not sleep. */
bool fd_is(int fd, const struct file *f);

/* ---- reclock.c ---- */

/** Release what the process with table @p t has locked of @p v: it closes a
 * descriptor of it (fcntl(2)). The caller has a reference to v. Does not sleep.
 */
void record_locks_release(struct vnode *v, const struct fdtable *t);
/** Release what belongs to open file @p f, which has a vnode: its last
 * reference is going. Does not sleep. */
void file_locks_release(struct file *f);
/**
 * fcntl's F_GETLK, F_SETLK, F_SETLKW, and F_OFD_GETLK and so on. @p f is not of
 * O_PATH; it stays referenced by the caller. No locks held; may sleep.
 *
 * @param user  struct flock of the process; the answer of F_GETLK goes there
 * @return 0; -EFAULT, -EINVAL, -EOVERFLOW; -EBADF: not open for that; -EAGAIN:
 *         another's lock stands against it; -EDEADLK: to wait would be for
 *         ever; -ERESTARTSYS
 */
int64_t record_lock(struct file *f, unsigned command, struct flock *user);

/* ---- memfd.c ---- */

/** fcntl's F_ADD_SEALS and F_GET_SEALS, of a file that is not of O_PATH. May
 * sleep. @return 0, or the seals; -EINVAL: it is no memfd, or a seal is not
 * known; -EPERM: not open for writing, or sealed against more; -EBUSY: it is
 * mapped for writing */
int64_t file_seals(struct file *f, unsigned command, uint64_t seals);

#endif
