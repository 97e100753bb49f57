/*
 * block: what all disks have in common. A disk is a number of sectors that
 * requests read, write and flush; partitions are parts of one. Drivers
 * (chapter disk) register disks here.
 */
#ifndef BLOCK_H
#define BLOCK_H

#include "dev.h"

#define SECTOR_SIZE 512
/** Segments of a command: 128 KiB, which are 256 sectors, the most that a
 * command with a 28-bit address takes (ACS-2, READ DMA: a count of 0). */
#define BLOCK_REQUEST_PAGES_MAX 32
#define BLOCK_NAME_MAX		16
/** Device numbers, as on Linux (its devices.txt): a disk has minor 16 * index,
 * its partitions those behind it. */
#define DISK_MAJOR  8
#define DISK_MINORS 16

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH };

/** A piece of memory of a request: within one page. */
struct block_segment {
	paddr_t pa;
	uint32_t len; /**< bytes, a multiple of SECTOR_SIZE; not 0 */
};

/**
 * One transfer. The submitter fills the first part and keeps it, and what it
 * points to, unchanged until done is called. Requests in flight at once are
 * done in any order, and BLOCK_FLUSH is about writes whose done was called
 * before it was submitted.
 */
struct block_request {
	enum block_op op;
	uint64_t sector;    /**< of the disk or partition it is given to */
	unsigned nsegments; /**< at most BLOCK_REQUEST_PAGES_MAX; flush: 0 */
	struct block_segment *segments; /**< the submitter's; flush: unused */
	/** Called once, at the end: in interrupt context on any CPU, in a
	 * driver's thread, or in the submitter's before block_submit returns.
	 * So it does not sleep, and takes no lock that the submitter may hold
	 * then. The request is the submitter's again: it may be freed here. */
	void (*done)(struct block_request *r);
	void *arg; /**< for done; the block layer does not look at it */

	int error; /**< result, valid from done on: 0 or -EIO */

	/* The block layer's, and the driver's; set when it is submitted, and
	 * guarded by the lock of the queue that the request is in. The sector
	 * is the disk's meanwhile, if it was a partition's. */
	struct block_device *device; /**< the disk; NULL once it has ended */
	uint64_t offset;	     /**< of the partition on it, in sectors */
	bool through;		     /**< to the platter, past the cache */
	struct list link; /**< of the driver's queue or a batch's; not used
			   * while it is merged behind another */
	/** Requests merged behind this one, each where the last one ends; the
	 * first one has the sums of all. */
	struct block_request *next, *last;
	uint32_t nsectors;
	unsigned total_segments;
};

/** What has been asked of a disk; added to atomically. A request to a partition
 * counts there and for its disk; merging, errors and commands only for the
 * disk. */
struct block_stats {
	uint64_t requests[3]; /**< by enum block_op */
	uint64_t sectors[3];
	uint64_t merged[3]; /**< of the requests, those without a command */
	uint64_t errors;    /**< requests that ended with one */
	unsigned in_flight; /**< commands; under the driver's lock, as is */
	unsigned deepest;   /**< the most that there have been */
};

/** A disk, or a part of one: there for good, so nobody counts references. */
struct block_device {
	/* Constant once it is registered. */
	char name[BLOCK_NAME_MAX]; /**< "sda", "sda1" */
	unsigned index; /**< order of discovery; a partition: its disk's */
	uint64_t sectors;
	bool read_only; /**< writes fail with -EIO */
	/* Of disks alone, set by the driver before block_register. */
	bool merges; /**< takes merged requests: uses block_each_segment */
	bool forces; /**< has r->through done */
	/** Start @p r, which block_prepare has checked; done comes later or
	 * from within, and tells of every failure. Does not sleep: any context
	 * in which a spinlock may be taken. */
	void (*submit)(struct block_device *d, struct block_request *r);
	void *driver_data;

	struct block_device *disk; /**< what it is a part of; NULL: a disk */
	uint64_t start;		   /**< of a partition: where; sectors */
	unsigned partition;	   /**< and its number, from 1 */

	struct block_stats stats;
	/** cache: batches and blocks whose write failed, and how many of these
	 * a sync has told. Changed under buf.c's sync_lock; the second is read
	 * without it. */
	unsigned write_failures;
	_Atomic unsigned failures_told;
	struct list link; /**< of all; under block.c's lock */
};

/** Add a disk, for good; its name and index are chosen here. @p d stays where
 * it is, is zero but for what the driver has set, and may be asked for
 * transfers from now on. Does not sleep. */
void block_register(struct block_device *d);

/* The look-ups do not sleep and may be made in any context. What they find
 * stays: there is no reference to give back. */

/** Disk number @p index, or NULL past the last. */
struct block_device *block_get(unsigned index);
/** Partition @p number of @p disk (0: itself), or NULL. */
struct block_device *block_partition(struct block_device *disk,
				     unsigned number);
/** The disk or partition called @p name ("sda", "sda1"), or NULL. */
struct block_device *block_find(const char *name);
/** Number @p n of all disks and partitions, or NULL past the last: a disk's
 * partitions come after it. */
struct block_device *block_nth(unsigned n);

/** Whether @p a and @p b have sectors in common: the same one, or a disk and
 * its partition. */
bool block_overlap(const struct block_device *a, const struct block_device *b);

/**
 * Check a request and start it: @p r and its segments are the block layer's
 * until done is called, which may be before this returns. Does not sleep; no
 * lock is held that done takes. Two requests for the same sector that are in
 * flight at once, one of them a write, may be carried out in either order: to
 * have only one is the submitter's business.
 *
 * @return 0, and done tells the result; -EIO past the end of @p d, or for a
 * write where it is read-only: done is then not called
 */
int block_submit(struct block_device *d, struct block_request *r);
/** Start a request, of which done and arg need not be set, and wait for its
 * end. Sleeps, and no signal ends that: the disk has the memory until then.
 * @return 0 or -EIO */
int block_run(struct block_device *d, struct block_request *r);
/** The same for a write that is on the platter when this returns: forced
 * (FUA) where the disk can, else with a flush behind it. After an error it may
 * be there or not. Sleeps. @return 0 or -EIO */
int block_run_through(struct block_device *d, struct block_request *r);

/** Transfer @p len bytes (whole sectors) at kernel address @p buf and wait;
 * the buffer is in the direct map or the kernel image, and aligned to a sector.
 * What is longer than a request goes in several, one after the other; after an
 * error those before it have been done. Sleeps. @return 0 or -EIO */
int block_transfer(struct block_device *d, enum block_op op, uint64_t sector,
		   void *buf, size_t len);

/** Have what was written reach the platter: all writes to the disk, of which
 * @p d may be a partition, whose end was known when this was called. Sleeps.
 * @return 0 or -EIO */
int block_flush(struct block_device *d);

/* ---- Several requests at once ---- */

/**
 * Requests that one thread starts together and waits for together: they are
 * held back (the queue is "plugged") and merged with their neighbours until
 * it starts them or waits. On the thread's stack, as requests that are in
 * flight know of it: a batch to which something was added must be waited for.
 */
struct block_batch {
	/* The thread's own. */
	struct block_device *device;
	struct list held; /**< counted in running, and not started */
	unsigned nheld;	  /**< commands; merged requests do not count */

	/* Guarded by lock, which is taken with interrupts off. */
	struct spinlock lock;
	struct waitq ended;
	unsigned running; /**< requests added that have not ended */
	bool waiting;	  /**< the thread has come to wait */
	int error;	  /**< the first since the last wait */
};

/** Make @p b a batch for @p d, a disk or a partition. Does not sleep. */
void block_batch_begin(struct block_batch *b, struct block_device *d);
/** Add @p r, whose done and arg are the batch's; it and its segments stay until
 * the wait is over, and then it has its own result in r->error. One that is
 * refused (see block_submit) has that at once. Starts what is held when that
 * becomes much. A flush among them comes at no certain place. Does not sleep;
 * no locks of a driver are held. */
void block_batch_add(struct block_batch *b, struct block_request *r);
/** Start what is held. Does not sleep. */
void block_batch_start(struct block_batch *b);
/** Start what is held, and wait until all have ended; the batch can then be
 * used again, and its error is forgotten. Sleeps, and no signal ends that.
 * @return 0, or the first error */
int block_batch_wait(struct block_batch *b);

/* ---- For drivers ---- */

/** @p r has ended, and those merged with it, all with @p error: their
 * submitters take them back, and may be gone when this returns. No spinlocks
 * held: done may submit the next. Does not sleep; any context. */
void block_finish(struct block_request *r, int error);

/** Merge @p r with a neighbour in @p queue, a list that its owner has locked:
 * it need not be added then. It may so pass others of the queue, a flush among
 * them: that is about writes that had ended before it was submitted, which
 * nothing in the queue has. Does not sleep. @return whether there was one */
bool block_merge(struct list *queue, struct block_request *r);

/** Undo merging: add @p r and each that was merged with it to the end of
 * @p queue, which its owner has locked: so each can fail by itself. Does not
 * sleep. */
void block_unmerge(struct block_request *r, struct list *queue);

/** A command begins, has ended: with all requests that are merged into it, it
 * counts once. The driver's lock is held, which guards the two numbers. */
static inline void
block_started(struct block_device *d)
{
	if (++d->stats.in_flight > d->stats.deepest)
		d->stats.deepest = d->stats.in_flight;
}

static inline void
block_ended(struct block_device *d)
{
	d->stats.in_flight--;
}

/** For each segment @p s of @p r and of what is merged with it. A flush has
 * none, and no array of them. */
#define block_each_segment(s, part, r)                                         \
	for (struct block_request *part = (r); part; part = part->next)        \
		for (struct block_segment *s = part->segments;                 \
		     s - part->segments < (long)part->nsegments; s++)

#endif
