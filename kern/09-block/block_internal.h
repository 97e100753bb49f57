/*
 * What the files of chapter block share among themselves; no other chapter
 * looks in here.
 */
#ifndef BLOCK_INTERNAL_H
#define BLOCK_INTERNAL_H

#include "block.h"

/** Check a request and make it ready for @p d's driver, to which r->device
 * then leads, and count it. To be followed by that driver's submit, or else
 * block_finish: r->sector is the disk's from here to there. Does not sleep.
 * @return 0; -EIO past the end, or a write where @p d is read-only: then
 * it stays its submitter's */
int block_prepare(struct block_device *d, struct block_request *r);

/** Add a partition, for good, behind those of its disk that are there. All its
 * fields are set, and it lies on its disk. Does not sleep. */
void block_register_partition(struct block_device *p);

/** What there are device numbers for: minor 0 of a disk is the disk. */
#define PARTITIONS_MAX (DISK_MINORS - 1u)
/** Entries of a GPT that are looked at: whole sectors of them, and one more
 * than there may be, so that one too many is seen. */
#define GPT_FOUND_MAX 16u

/** An entry that was believed: it lies on the disk (BLOCK3). */
struct partition {
	unsigned number;	 /**< 1 to PARTITIONS_MAX: its place */
	uint64_t start, sectors; /**< of the disk; @p sectors is not 0 */
};

/** What a disk's partition table says, as far as it can be believed. */
struct partitions {
	struct block_device *disk;
	const char *kind; /**< "MBR", "GPT"; NULL: there is none */
	unsigned n;
	struct partition list[PARTITIONS_MAX]; /**< in the table's order */
};

/** Read @p disk's table into *@p t. What is wrong with it is printed, and left
 * out: there is no error. Only for one thread at a time, as the sector is read
 * into a static buffer. Sleeps. */
void partitions_read(struct block_device *disk, struct partitions *t);

#endif
