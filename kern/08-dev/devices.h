/*
 * What the files of chapter dev share among themselves; no other chapter looks
 * in here. The disk drivers' own are ata.h and ahci.h.
 */
#ifndef DEVICES_H
#define DEVICES_H

#include "dev.h"

/** Find the PCI devices, and let the drivers attach to them. */
void pci_init(void);
void pci_attach_drivers(void);

/** Start the thread that does struct work. */
void work_start(void);

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

/** Look for partitions on all disks, and register them. May sleep. */
void partitions_find(void);

#endif
