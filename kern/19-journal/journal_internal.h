/*
 * What the files of chapter journal share.
 *
 * Lock order: a buffer's lock, journal->lock, the buffer cache's. Only the
 * journal's thread commits and writes home, so those two never meet.
 */
#ifndef JOURNAL_INTERNAL_H
#define JOURNAL_INTERNAL_H

#include "journal.h"
#include "journal_format.h"
#include "string.h"

#define JOURNAL_TRANSACTIONS 16 /**< at once: running to logged */
#define JOURNAL_RUNS_MAX     (KALLOC_MAX / sizeof(struct journal_run))
#define LOG_WRITES	     4 /**< requests at once, of 128 KiB at most */

enum transaction_state {
	TRANSACTION_FREE,
	TRANSACTION_RUNNING,	/**< takes operations */
	TRANSACTION_CLOSING,	/**< takes no more, and waits for theirs */
	TRANSACTION_COMMITTING, /**< being written to the log */
	TRANSACTION_LOGGED,	/**< committed; its blocks go home */
};

/** One transaction, in one of the journal's slots; used again once FREE.
 * Guarded by the journal's lock. Once its last operation has ended no other
 * thread touches it, so the journal's thread reads its lists of changed
 * buffers without the lock, and changes `away` and `home`; what a buffer says
 * of itself (buf_log) it changes under it. Each list holds a reference to its
 * buffers. */
struct transaction {
	enum transaction_state state;
	journal_tid tid;
	uint64_t began;	     /**< clock_ns of its first operation */
	unsigned operations; /**< that have not ended (LOG1) */
	/** Running: by buf's running_link; committing: by committing_link. */
	struct list bufs, revoked;
	unsigned nbufs, nrevoked; /**< lengths of the two */
	/** Logged, by logged_link: not written home yet; written since. */
	struct list away, home;
	/* Constant from COMMITTING on. */
	uint32_t start;	  /**< its first block in the log */
	uint32_t blocks;  /**< of the log that it takes */
	struct list link; /**< journal.logged */
};

/** Consecutive blocks on their way to the log. Allocated once: committing must
 * not wait for memory, which may wait for a commit. */
struct log_write {
	struct block_request r;
	struct block_segment segments[BLOCK_REQUEST_PAGES_MAX];
};

struct journal {
	/* Constant once open. */
	struct block_device *device;
	uint32_t block_size;
	uint32_t first, end;	  /**< the circle: [first, end) */
	unsigned credits;	  /**< blocks an operation may change */
	unsigned transaction_max; /**< blocks in a transaction */
	unsigned tags_per_block, revokes_per_block; /**< that we write */
	uint32_t seed; /**< of checksums: the UUID's */
	bool replayed;
	const struct journal_ops *ops; /**< NULL: not started */
	void *fs;		       /**< for ops */
	struct journal_run *runs;      /**< where its blocks are; by log */
	unsigned nruns;

	/* The thread's, and before it starts the opener's. */
	struct journal_super *super;
	struct page *page;    /**< of the superblock */
	struct page *scratch; /**< descriptors, and what is read */
	struct page *escape;  /**< a block that begins as ours do */
	struct log_write *writes;
	bool marked_empty; /**< what the superblock on the disk says */

	struct spinlock lock;
	/* Guarded by it: */
	struct transaction transactions[JOURNAL_TRANSACTIONS];
	struct transaction *running, *committing;
	struct list logged; /**< oldest first; changed by the thread alone */
	/** Of the next to be made; the last that is on the disk, with all
	 * before it; the last whose commit somebody waits for. */
	journal_tid next_tid, committed, wanted;
	uint32_t head; /**< where the next transaction goes; the thread's */
	uint32_t free; /**< blocks of the circle that nobody has, LOG5 */
	/** An operation could not begin for want of room; journal_close has
	 * asked for the thread's end; that has come. */
	bool room_wanted, stop, stopped;
	bool half_home; /**< writing home was tried since the last commit */
	bool flushed;	/**< the committing one's flush has been asked for */
	int error;	/**< once set, nothing is committed any more */

	struct waitq work; /**< the thread waits here, */
	struct waitq room; /**< who begins here, */
	struct waitq done; /**< and for a commit here */
};

/* ---- log.c: the log as an array of blocks ---- */

/** Disk sector of log block @p at: 512-byte units of the device. Constant data,
 * no lock. */
uint64_t log_sector(const struct journal *j, uint32_t at);
/** The block behind @p at in the circle: the last is followed by `first`, not
 * by the superblock. */
uint32_t log_next(const struct journal *j, uint32_t at);
/** Read or write a block, past the buffer cache; @p page holds it. Sleeps until
 * it is done; written, it may still be in the disk's cache. @return 0 or -EIO
 */
int log_transfer(struct journal *j, enum block_op op, uint32_t at,
		 struct page *page);
/** Have the disk's superblock say that the log begins with transaction @p tid
 * at @p start; 0: that it is empty, and @p tid the next. Lasting only after a
 * flush. By the thread, or before it starts. Sleeps. @return 0 or -EIO */
int log_super_write(struct journal *j, uint32_t start, journal_tid tid);

/** Crc of a block of ours (descriptor, revoke, commit) whose checksum field is
 * zeroed meanwhile. */
uint32_t log_checksum(const struct journal *j, const void *block);
/** What a tag says of logged block @p block: of the transaction's number, too,
 * so that what an earlier round has left in its place is not taken for it.
 * @p block as it lies in the log, escaped. */
uint32_t log_tag_checksum(const struct journal *j, journal_tid tid,
			  const void *block);

static inline bool
journal_has(const struct journal *j, uint32_t incompat)
{
	return be32(j->super->incompat) & incompat;
}

/* ---- crc32c.c ---- */

/** Fill the tables, and look for the instruction; before any journal is opened.
 */
void crc32c_init(void);
/** crc32c where the CPU has no instruction for it. */
uint32_t crc32c_by_tables(uint32_t crc, const void *data, size_t len);

/* ---- recover.c ---- */

/** Replay the log, if it is not empty, and mark it so. Before the thread
 * starts; takes pages, sleeps.
 * @param next  receives the first number not used
 * @return 0; -EUCLEAN: it contradicts itself, and maybe a part was written
 * home; -EIO, -ENOMEM: also for too many revoked blocks. With an error the
 * superblock still has the log, to be tried again */
int journal_recover(struct journal *j, journal_tid *next);

/** Mark the log empty, whatever is in it. *@p next as above. Sleeps. @return 0
 * or -EIO */
int journal_forget(struct journal *j, journal_tid *next);

/* ---- commit.c, home.c: by the journal's thread ---- */

/** Commit the running transaction, which there is. Sleeps: for its operations,
 * and for the disk. Errors end the journal (journal_fail), and are told to who
 * waits. No locks held. */
void journal_commit_running(struct journal *j);
/** Write committed blocks home and free what they took of the log; all but what
 * running operations change anew. Sleeps, for buffers' locks and the disk.
 * Those who wait for room are woken, be there any or not. No locks held. */
void journal_write_home(struct journal *j);
/** The log cannot be written: tell the file system, then all who wait. By the
 * thread; no locks held. */
void journal_fail(struct journal *j, int error);

/** Log blocks that @p nbufs changed blocks and @p nrevoked revoked ones take,
 * with descriptors, revoke blocks and the commit block. */
uint32_t transaction_blocks(const struct journal *j, unsigned nbufs,
			    unsigned nrevoked);
/** Forget that @p b is in a logged transaction's list; gives back its
 * reference. The journal's lock is held; does not sleep. */
void buf_unlog(struct buf *b);

#endif
