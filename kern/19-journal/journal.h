/*
 * journal: operations on a disk that happen wholly or not at all. Blocks that
 * an operation changes are written to a log first; once the log says that all
 * are there, the operation has happened, whatever the power does. Operations
 * are gathered in transactions, and committed together.
 *
 * A file system brackets each operation by journal_begin and journal_end, and
 * each change of a block by journal_change and journal_changed.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "cache.h"

struct journal;

/** Blocks [log, log + count) of the journal are on the disk from @p disk on. */
struct journal_run {
	uint32_t log, count;
	uint64_t disk;
};

/** What the file system does for its journal. Called by the journal's thread,
 * which may sleep but must not begin an operation. */
struct journal_ops {
	/** Before the transaction is committed: write the data that its
	 * metadata points to, so that no block is ever seen with what a former
	 * owner left in it. What cannot be written is told to its fsync. */
	void (*write_data)(void *fs);
	/** It is committed: blocks that it has freed may be used again. */
	void (*committed)(void *fs, uint32_t tid);
	/** The log cannot be written: nothing will be committed any more. */
	void (*failed)(void *fs, int error);
};

/**
 * Open the journal that lies in @p runs of @p device, in order and without
 * gaps. The device's buffers must not be in use.
 * @param block_size  the file system's, which must be the journal's
 * @param replay      replay what is in it; else forget it
 * @param result      the journal; journal_close it
 * @return 0; -EINVAL: it has features that are not known; -EUCLEAN: it is
 * damaged; -EIO, -ENOMEM
 */
int journal_open(struct block_device *device, uint32_t block_size,
		 const struct journal_run *runs, unsigned nruns, bool replay,
		 struct journal **result);

/** Whether journal_open has replayed anything. */
bool journal_was_replayed(const struct journal *j);

/** Begin to take operations: start the journal's thread.
 * @param credits  blocks that an operation may change at most
 * @return 0, or -EINVAL: the journal is too small for such operations */
int journal_start(struct journal *j, unsigned credits,
		  const struct journal_ops *ops, void *fs);

/** Commit all, write all home, mark the log empty, stop the thread and free
 * the journal. @return 0 or -EIO */
int journal_close(struct journal *j);

/** The operations of this transaction are on disk together. */
typedef uint32_t journal_tid;

/**
 * Begin an operation, joining the running transaction. Waits while the log has
 * no room, or the transaction is being closed. Not nested. Heap: none.
 * @return 0, or -EROFS: the journal has failed
 */
int journal_begin(struct journal *j);
/** The same without waiting. @return -EBUSY where it would have to */
int journal_try_begin(struct journal *j);
/** End it. @return the transaction it is part of */
journal_tid journal_end(struct journal *j);
/** The transaction of the running operation. */
journal_tid journal_current(void);
/** How many more blocks the running operation may change. */
unsigned journal_room(void);

/** An operation could not be brought to its end: commit nothing any more, with
 * what it has left half-done; @p error is what who waits is told. */
void journal_abort(struct journal *j, int error);

/** Take @p b for a change, in an operation. Sleeps; then
 * b->lock is held. */
void journal_change(struct journal *j, struct buf *b);
/** The change is made. */
void journal_changed(struct journal *j, struct buf *b);

/** Block @p block, of metadata, is freed by the running operation: no version
 * of it may be written or replayed once that is committed. */
void journal_revoke(struct journal *j, uint64_t block);

/** Block @p block as the log has it, or will have it, if that is not what the
 * disk has: a buffer, referenced. NULL: the disk has it. */
struct buf *journal_find(struct journal *j, uint64_t block);

/** Have transaction @p tid, and those before it, on the disk. May sleep, not
 * in an operation. @return 0 or -EIO */
int journal_commit(struct journal *j, journal_tid tid);
/** The same for all operations that have ended. */
int journal_sync(struct journal *j);
/** Whether what is in the disk's cache now will be flushed by the commit of
 * @p tid. */
bool journal_will_flush(struct journal *j, journal_tid tid);

/** crc32c (Castagnoli) of @p len bytes, going on from @p crc; ~0 to begin. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
