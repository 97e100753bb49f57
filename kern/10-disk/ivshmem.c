/*
 * A disk that is memory: QEMU's ivshmem-plain device, whose BAR 2 is a file of
 * the host. A request has ended when submit returns, so a run under -icount
 * takes the same number of instructions each time; a disk behind a controller
 * answers when the host gets around to it.
 * Source: QEMU, docs/specs/ivshmem-spec.txt.
 */
#include "block.h"
#include "string.h"

#define VENDOR	   0x1af4 /* Red Hat's, for QEMU's devices */
#define DEVICE	   0x1110
#define MEMORY_BAR 2
#define LEN_MAX	   (1ul << 30) /* its page tables take 1/512 of it */

/* One is enough: it carries the root. */
static struct block_device disk;
static char *memory; /* all of the disk; NULL: there is none yet */

/* Within submit, whoever calls it: there is no lock, as transfers at once touch
 * different sectors, and no queue, so nothing to merge (disk.merges is false).
 * A flush copies nothing: what is in the file is there. */
static void
ivshmem_submit(struct block_device *d, struct block_request *r)
{
	char *at = memory + r->sector * SECTOR_SIZE;

	(void)d;
	block_each_segment(s, part, r)
	{
		if (r->op == BLOCK_READ)
			memcpy(direct_map(s->pa), at, s->len);
		else
			memcpy(at, direct_map(s->pa), s->len);
		at += s->len;
	}
	block_finish(r, 0);
}

static bool
ivshmem_match(const struct pci_device *d)
{
	return d->vendor == VENDOR && d->device == DEVICE && !memory;
}

static int
ivshmem_attach(struct pci_device *d)
{
	struct pci_bar bar = pci_bar_get(d, MEMORY_BAR);

	if (bar.io || bar.base == 0 || bar.len < SECTOR_SIZE)
		return -ENXIO;
	if (bar.len > LEN_MAX)
		return -EFBIG;
	pci_enable(d);
	memory = (char *)mmio_map(bar.base, bar.len);
	disk.sectors = bar.len / SECTOR_SIZE;
	disk.submit = ivshmem_submit;
	block_register(&disk);
	return 0;
}

DRIVER(ivshmem, ivshmem_match, ivshmem_attach);
