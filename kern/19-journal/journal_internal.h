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

#define JOURNAL_TRANSACTIONS 16 /**< in memory at once */
#define JOURNAL_RUNS_MAX     170
#define LOG_WRITES	     4 /**< requests at once */

enum transaction_state {
	TRANSACTION_FREE,
	TRANSACTION_RUNNING,	/**< takes operations */
	TRANSACTION_CLOSING,	/**< takes no more, and waits for theirs */
	TRANSACTION_COMMITTING, /**< being written to the log */
	TRANSACTION_LOGGED,	/**< committed; its blocks go home */
};

/** Guarded by the journal's lock. */
struct transaction {
	enum transaction_state state;
	journal_tid tid;
	uint64_t began;	     /**< clock_ns of its first operation */
	unsigned operations; /**< that have not ended */
	/** Running: by buf's running_link; committing: by committing_link. */
	struct list bufs, revoked;
	unsigned nbufs, nrevoked;
	/** Logged, by logged_link: not written home yet; written since. */
	struct list away, home;
	uint32_t start;	  /**< its first block in the log */
	uint32_t blocks;  /**< of the log that it takes */
	struct list link; /**< journal.logged */
};

/** Consecutive blocks on their way to the log. */
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
	unsigned tags_per_block, revokes_per_block;
	uint32_t seed; /**< of checksums: the UUID's */
	bool replayed;
	const struct journal_ops *ops;
	void *fs;
	struct journal_run *runs;
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
	struct list logged; /**< oldest first */
	journal_tid next_tid, committed, wanted;
	uint32_t head; /**< where the next transaction goes */
	uint32_t free; /**< blocks of the circle */
	bool room_wanted, stop, stopped;
	bool half_home; /**< writing home was tried since the last commit */
	bool flushed;	/**< the committing one's flush has been asked for */
	int error;	/**< once set, nothing is committed any more */

	struct waitq work; /**< the thread waits here, */
	struct waitq room; /**< who begins here, */
	struct waitq done; /**< and for a commit here */
};

/* ---- log.c: the log as an array of blocks ---- */

/** Disk sector of log block @p at. */
uint64_t log_sector(const struct journal *j, uint32_t at);
/** The block behind @p at in the circle. */
uint32_t log_next(const struct journal *j, uint32_t at);
/** Read or write a block; @p page holds it. @return 0 or -EIO */
int log_transfer(struct journal *j, enum block_op op, uint32_t at,
		 struct page *page);
/** Have the disk's superblock say that the log begins with transaction @p tid
 * at @p start; 0: that it is empty, and @p tid the next. Lasting only after a
 * flush. */
int log_super_write(struct journal *j, uint32_t start, journal_tid tid);

/** Crc of a block of ours whose checksum field is zeroed meanwhile. */
uint32_t log_checksum(const struct journal *j, const void *block);
/** What a tag says of a logged block. */
uint32_t log_tag_checksum(const struct journal *j, journal_tid tid,
			  const void *block);

static inline bool
journal_has(const struct journal *j, uint32_t incompat)
{
	return be32(j->super->incompat) & incompat;
}

/* ---- crc32c.c ---- */

void crc32c_init(void);
/** crc32c where the CPU has no instruction for it. */
uint32_t crc32c_by_tables(uint32_t crc, const void *data, size_t len);

/* ---- recover.c ---- */

/** Replay the log. *next: the first number not used. @return 0, -EUCLEAN,
 * -EIO, -ENOMEM */
int journal_recover(struct journal *j, journal_tid *next);

/** Mark the log empty, whatever is in it. *next as above. */
int journal_forget(struct journal *j, journal_tid *next);

/* ---- commit.c, home.c: by the journal's thread ---- */

/** Commit the running transaction, if there is one. */
void journal_commit_running(struct journal *j);
/** Write committed blocks home and free what they took of the log; all but what
 * running operations change anew. */
void journal_write_home(struct journal *j);
/** The log cannot be written. */
void journal_fail(struct journal *j, int error);

/** Log blocks that @p nbufs changed blocks and @p nrevoked revoked ones take.
 */
uint32_t transaction_blocks(const struct journal *j, unsigned nbufs,
			    unsigned nrevoked);
/** Forget that @p b is in a list; gives back its reference. Locked. */
void buf_unlog(struct buf *b);

#endif
