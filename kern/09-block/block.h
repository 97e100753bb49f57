/*
 * block: what all disks have in common. A disk is a number of sectors that
 * requests read, write and flush; partitions are parts of one. Drivers
 * (chapter disk) register disks here.
 */
#ifndef BLOCK_H
#define BLOCK_H

#include "dev.h"

#define SECTOR_SIZE		512
#define BLOCK_REQUEST_PAGES_MAX 32 /**< segments a command: 128 KiB */
#define BLOCK_NAME_MAX		16
/** Device numbers, as on Linux: a disk has minor 16 * index, its partitions
 * those behind it. */
#define DISK_MAJOR  8
#define DISK_MINORS 16

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH };

/** A piece of memory of a request: within one page. */
struct block_segment {
	paddr_t pa;
	uint32_t len; /**< bytes, a multiple of SECTOR_SIZE */
};

/**
 * One transfer. The submitter fills the first part and keeps it, and what it
 * points to, unchanged until done is called. Requests in flight at once are
 * done in any order, and BLOCK_FLUSH is about writes whose done was called
 * before it was submitted.
 */
struct block_request {
	enum block_op op;
	uint64_t sector;
	unsigned nsegments;
	struct block_segment *segments;
	/** Called at the end, in interrupt context or the submitter's. */
	void (*done)(struct block_request *r);
	void *arg;

	int error; /**< result: 0 or -EIO */

	/* The block layer's, and the driver's; set when it is submitted. The
	 * sector is the disk's meanwhile, if it was a partition's. */
	struct block_device *device; /**< the disk */
	uint64_t offset;	     /**< of the partition on it, in sectors */
	bool through;		     /**< to the platter, past the cache */
	struct list link;	     /**< driver's queue */
	/** Requests merged behind this one, each where the last one ends; the
	 * first one has the sums of all. */
	struct block_request *next, *last;
	uint32_t nsectors;
	unsigned total_segments;
};

/** What has been asked of a disk; added to atomically. */
struct block_stats {
	uint64_t requests[3]; /**< by enum block_op */
	uint64_t sectors[3];
	uint64_t merged[3]; /**< of the requests, those without a command */
	uint64_t errors;    /**< requests that ended with one */
	unsigned in_flight; /**< commands; under the driver's lock, as is */
	unsigned deepest;   /**< the most that there have been */
};

struct block_device {
	char name[BLOCK_NAME_MAX]; /**< "sda", "sda1" */
	unsigned index;		   /**< of disks: the order of discovery */
	uint64_t sectors;
	bool read_only;
	/** Driver: takes merged requests, block_parts. */
	bool merges;
	/** Driver: has r->through done. */
	bool forces;
	/** Driver: start @p r; done comes later or from within. Any context in
	 * which a spinlock may be taken; never fails by return. */
	void (*submit)(struct block_device *d, struct block_request *r);
	void *driver_data;

	struct block_device *disk; /**< of a partition: what it is a part of */
	uint64_t start;		   /**< and where; sectors */
	unsigned partition;	   /**< and its number, from 1 */
	struct block_stats stats;
	/** cache: writes of blocks that failed, and how many of these a sync
	 * has told. Under its lock. */
	unsigned write_failures;
	_Atomic unsigned failures_told;
	struct list link;
};

/** Add a disk, for good; its name is chosen here. */
void block_register(struct block_device *d);
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

/** Check bounds and start a request. @return 0, or -EIO past the end (done is
 * then not called) */
int block_submit(struct block_device *d, struct block_request *r);
/** Start a request, of which done and arg need not be set, and wait for its
 * end. May sleep. @return 0 or -EIO */
int block_run(struct block_device *d, struct block_request *r);
/** The same for a write that is on the platter when this returns: forced
 * (FUA) where the disk can, else with a flush behind it. */
int block_run_through(struct block_device *d, struct block_request *r);

/** Transfer @p len bytes (whole sectors) at kernel address @p buf and wait;
 * the buffer is in the direct map. May sleep. @return 0 or -EIO */
int block_transfer(struct block_device *d, enum block_op op, uint64_t sector,
		   void *buf, size_t len);

/** Have what was written reach the platter. May sleep. @return 0 or -EIO */
int block_flush(struct block_device *d);

/* ---- Several requests at once ---- */

/**
 * Requests that one thread starts together and waits for together: they are
 * held back (the queue is "plugged") and merged with their neighbours until
 * it starts them or waits. On the thread's stack.
 */
struct block_batch {
	struct block_device *device;
	struct list held; /**< not started */
	unsigned nheld;
	struct spinlock lock;
	struct waitq ended;
	unsigned running; /**< under lock, as is what follows */
	bool waiting;
	int error; /**< the first */
};

void block_batch_begin(struct block_batch *b, struct block_device *d);
/** Add @p r, whose done and arg are the batch's. It has its own result in
 * r->error after the wait. Starts what is held when that becomes much. */
void block_batch_add(struct block_batch *b, struct block_request *r);
/** Start what is held. */
void block_batch_start(struct block_batch *b);
/** Start what is held, and wait until all have ended; the batch can then be
 * used again. May sleep. @return 0, or the first error */
int block_batch_wait(struct block_batch *b);

/* ---- For drivers ---- */

/** @p r has ended, and those merged with it: their submitters take them back.
 * No locks held. */
void block_finish(struct block_request *r, int error);

/** Merge @p r with a neighbour in @p queue, a list that its owner has locked:
 * it need not be added then. @return whether there was one */
bool block_merge(struct list *queue, struct block_request *r);

/** Undo merging: add @p r and each that was merged with it to @p queue. */
void block_unmerge(struct block_request *r, struct list *queue);

/** A command begins, has ended. The driver's lock is held. */
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
