/*
 * What the files of chapter block share among themselves; no other chapter
 * looks in here.
 */
#ifndef BLOCK_INTERNAL_H
#define BLOCK_INTERNAL_H

#include "block.h"

/** Check a request and make it ready for @p d's driver, to which r->device
 * then leads. @return 0 or -EIO */
int block_prepare(struct block_device *d, struct block_request *r);

/** Add a partition, for good. All its fields are set, and it lies on its
 * disk. */
void block_register_partition(struct block_device *p);

#define PARTITIONS_MAX (DISK_MINORS - 1u)
#define GPT_FOUND_MAX  16u

struct partition {
	unsigned number;
	uint64_t start, sectors;
};

/** What a disk's partition table says, as far as it can be believed. */
struct partitions {
	struct block_device *disk;
	const char *kind; /**< NULL: there is none */
	unsigned n;
	struct partition list[PARTITIONS_MAX];
};

/** Read @p disk's table. Only for one thread at a time. May sleep. */
void partitions_read(struct block_device *disk, struct partitions *t);

#endif
