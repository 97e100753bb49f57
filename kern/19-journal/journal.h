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
	/** It is committed: blocks that it has freed may be used again. Not
	 * called for one in which nothing was changed and which was not
	 * logged. */
	void (*committed)(void *fs, uint32_t tid);
	/** The log cannot be written: nothing will be committed any more.
	 * Called before anyone who waits is woken, with no lock held. */
	void (*failed)(void *fs, int error);
};

/**
 * Open the journal that lies in @p runs of @p device, in order and without
 * gaps. The device's buffers must not be in use: replaying writes past them.
 * The heap is reserved; sleeps.
 * @param runs        copied; block 0 of the journal is its superblock
 * @param block_size  the file system's, which must be the journal's
 * @param replay      replay what is in it; else forget it
 * @param result      the journal; journal_close it
 * @return 0; -EINVAL: it has features that are not known, or more than 256 runs
 * (a heap object); -EUCLEAN: it is damaged, or its log is: maybe replayed in
 * part, but still marked as full; -EIO, -ENOMEM
 */
int journal_open(struct block_device *device, uint32_t block_size,
		 const struct journal_run *runs, unsigned nruns, bool replay,
		 struct journal **result);

/** Whether journal_open has replayed a log that was not empty: what was read of
 * the disk before is old then. */
bool journal_was_replayed(const struct journal *j);

/** Begin to take operations: start the journal's thread.
 * @param credits  blocks that an operation may change and free at most
 * @param fs       for @p ops, which is used until journal_close returns
 * @return 0, or -EINVAL: the journal is too small for such operations; it is
 * to be closed then */
int journal_start(struct journal *j, unsigned credits,
		  const struct journal_ops *ops, void *fs);

/** Commit all, write all home, mark the log empty, stop the thread and free the
 * journal, whether there are errors or not. No operation runs or begins.
 * Sleeps. @return 0, or the error by which it has failed (-EIO) */
int journal_close(struct journal *j);

/** The operations of this transaction are on disk together. Numbers wrap: a is
 * later than b if (int32_t)(a - b) > 0. */
typedef uint32_t journal_tid;

/**
 * Begin an operation, joining the running transaction. Waits while the log has
 * no room, or the transaction is being closed. Not nested. Heap: none. Sleeps,
 * and no signal ends it; no lock is held that the journal's thread takes, or
 * that an operation takes.
 * @return 0, or -EROFS: the journal has failed, and no operation runs
 */
int journal_begin(struct journal *j);
/** The same without waiting: for who is waited for by the journal's thread.
 * Does not sleep. @return 0, -EROFS, or -EBUSY where it would have to wait;
 * room is asked for then */
int journal_try_begin(struct journal *j);
/** End it. All that it has changed has been given to journal_changed. Does not
 * sleep. @return the transaction it is part of, for journal_commit */
journal_tid journal_end(struct journal *j);
/** The transaction of the running operation, which there is. */
journal_tid journal_current(void);
/** How many more blocks the running operation may change or free; one that it
 * has changed before counts no more. */
unsigned journal_room(void);

/** An operation could not be brought to its end: commit nothing any more, with
 * what it has left half-done; @p error is what journal_close will tell. Called
 * before journal_end, so that its transaction cannot be committed in between.
 * The first error stays. Does not sleep. */
void journal_abort(struct journal *j, int error);

/** Take @p b for a change, in an operation: it joins the transaction, which
 * takes a reference, and the cache neither writes nor forgets it. Costs a
 * credit the first time. Sleeps; then b->lock is held, until journal_changed.
 * Not a block that the same transaction has freed (LOG4). */
void journal_change(struct journal *j, struct buf *b);
/** The change is made, and the buffer's contents are whole; lets b->lock go. */
void journal_changed(struct journal *j, struct buf *b);

/** Block @p block, of metadata, is freed by the running operation: no version
 * of it may be written or replayed once that is committed. Costs a credit if
 * the log has one, or will. Does not sleep. */
void journal_revoke(struct journal *j, uint64_t block);

/** Block @p block as the log has it, or will have it, if that is not what the
 * disk has: a buffer, referenced. NULL: the disk has it. Does not sleep; the
 * answer is good as long as the caller keeps others from changing and from
 * revoking the block. */
struct buf *journal_find(struct journal *j, uint64_t block);

/** Have transaction @p tid, and those before it, on the disk: its commit is
 * begun at once, and waited for. Sleeps, uninterruptibly; not in an operation,
 * which the commit would wait for, nor by the journal's thread. @return 0 or
 * -EIO: the journal has failed before it was committed */
int journal_commit(struct journal *j, journal_tid tid);
/** The same for all operations that have ended; if none has since the last
 * commit, there is nothing to wait for, and nothing is flushed. */
int journal_sync(struct journal *j);
/** Whether what is in the disk's cache now will be flushed by the commit of
 * @p tid: that has not asked for its flush yet. Asked before journal_commit;
 * if not, who wants his data on the platter flushes himself. Does not sleep. */
bool journal_will_flush(struct journal *j, journal_tid tid);

/** crc32c (Castagnoli) of @p len bytes, going on from @p crc; ~0 to begin. Not
 * inverted at the end, as JBD2 and ext4 have it. Any context. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
