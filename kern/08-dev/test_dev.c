/*
 * Self-tests of chapter dev: the bus, waiting and work, what drives say and are
 * told. The block layer: test_block.c; disks: test_disk.c.
 */
#include "ata.h"
#include "string.h"

/* ---- PCI ---- */

SELFTEST(dev_pci_finds_a_host_bridge)
{
	const struct pci_device *d;
	unsigned i;
	bool found = false;

	for (i = 0; (d = pci_device_get(i)) != NULL; i++)
		found |= d->class == 6 && d->subclass == 0;
	CHECK(found);
}

SELFTEST(dev_pci_finds_nothing_twice)
{
	const struct pci_device *a, *b;
	unsigned i, j;

	for (i = 0; (a = pci_device_get(i)) != NULL; i++)
		for (j = 0; j < i; j++) {
			b = pci_device_get(j);
			CHECK(a->bus != b->bus || a->slot != b->slot ||
			      a->function != b->function);
		}
}

/* Display adapters are left out: the log is being written to them. */
SELFTEST(dev_pci_bar_sizing_keeps_the_registers)
{
	const struct pci_device *d;
	unsigned i, n;

	for (i = 0; (d = pci_device_get(i)) != NULL; i++) {
		uint16_t command = pci_read16(d, PCI_COMMAND);

		for (n = 0; n < 6 && d->class != 3; n++) {
			uint32_t before = pci_read32(d, PCI_BAR0 + 4 * n);
			struct pci_bar bar = pci_bar_get(d, n);

			CHECK(pci_read32(d, PCI_BAR0 + 4 * n) == before);
			CHECK(bar.len == 0 || IS_POW2(bar.len));
			CHECK(bar.len == 0 || bar.base % bar.len == 0);
		}
		CHECK(pci_read16(d, PCI_COMMAND) == command);
	}
}

SELFTEST(dev_pci_narrow_reads_agree)
{
	const struct pci_device *d = pci_device_get(0);
	unsigned i;
	uint32_t v;

	CHECK(d != NULL);
	v = pci_read32(d, 0);
	for (i = 0; i < 4; i++)
		CHECK(pci_read8(d, i) == (v >> 8 * i & 0xff));
	CHECK(pci_read16(d, 2) == v >> 16);
	CHECK(d->vendor == (v & 0xffff) && d->device == v >> 16);
}

SELFTEST(dev_pci_capability)
{
	const struct pci_device *d;
	unsigned i, at;

	for (i = 0; (d = pci_device_get(i)) != NULL; i++) {
		at = pci_capability(d, PCI_CAPABILITY_MSI);
		CHECK(at == 0 || pci_read8(d, at) == PCI_CAPABILITY_MSI);
		CHECK(pci_capability(d, 0xee) == 0);
	}
}

/* ---- Waiting and work ---- */

SELFTEST(dev_wait_gives_up)
{
	unsigned looks = 0;

	CHECK(!device_wait((looks++, false), 2));
	CHECK(looks >= 2);
	CHECK(device_wait(true, 0));
	looks = 0;
	CHECK(device_wait(++looks == 5, 10000));
}

static _Atomic unsigned work_runs;
static _Atomic bool work_hold;

static void
count_run(struct work *w)
{
	(void)w;
	while (work_hold)
		thread_yield();
	work_runs++;
}

SELFTEST(dev_work_runs_once_for_many_calls)
{
	static struct work first, second;

	work_runs = 0;
	work_hold = true;
	work_init(&first, count_run);
	work_init(&second, count_run);
	work_queue(&first); /* keeps the thread busy */
	work_queue(&second);
	work_queue(&second);
	work_hold = false;
	CHECK(device_wait(work_runs >= 2, 10000));
	work_queue(&second);
	CHECK(device_wait(work_runs >= 3, 10000));
	CHECK(work_runs == 3);
}

/* ---- ATA's IDENTIFY data ---- */

static uint16_t identify[256];

/* A drive with LBA48, a write cache, and 0x123456789 sectors. */
static void
identify_good(void)
{
	memset(identify, 0, sizeof(identify));
	identify[27] = 'A' << 8 | 'B';
	identify[28] = 'C' << 8 | 0x07;
	identify[49] = 0x300;
	identify[60] = 0x5678;
	identify[61] = 0x0234;
	identify[83] = 0x4000 | 1 << 10 | 1 << 12;
	identify[100] = 0x6789;
	identify[101] = 0x2345;
	identify[102] = 0x0001;
}

SELFTEST(dev_ata_identity)
{
	struct ata_identity id;

	identify_good();
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(id.lba48 && id.flush && id.sectors == 0x123456789);
	CHECK(strcmp(id.model, "ABC") == 0);
	CHECK(id.depth == 0 && !id.force && !id.logs);
	identify[83] = 1 << 10; /* not marked valid */
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(!id.lba48 && !id.flush && id.sectors == 0x2345678);
	identify[61] = 0xffff;
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(id.sectors == ATA_LBA28_SECTORS);
}

SELFTEST(dev_ata_identity_refuses)
{
	struct ata_identity id;

	identify_good();
	identify[103] = 0xffff;
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(id.sectors == ATA_LBA48_SECTORS);
	memset(&identify[100], 0, 8);
	CHECK(ata_identity_read(identify, &id) != NULL);
	identify_good();
	identify[49] = 0x200;
	CHECK(ata_identity_read(identify, &id) != NULL);
	identify_good();
	identify[106] = 0x5000;
	identify[117] = 2048; /* sectors of 4096 bytes */
	CHECK(ata_identity_read(identify, &id) != NULL);
	memset(identify, 0xff, sizeof(identify));
	CHECK(ata_identity_read(identify, &id) != NULL);
}

SELFTEST(dev_ata_queue_and_force)
{
	struct ata_identity id;

	identify_good();
	identify[75] = 31;
	identify[76] = 0x100;
	identify[84] = 0x4000 | 1 << 5 | 1 << 6;
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(id.depth == 32 && id.force && id.logs);
	identify[76] = 0xffff; /* no serial drive */
	identify[84] = 1 << 5 | 1 << 6;
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(id.depth == 0 && !id.force && !id.logs);
	identify[76] = 0x100;
	identify[83] = 0; /* no 48-bit addresses */
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(id.depth == 0);
}

SELFTEST(dev_ata_commands)
{
	struct ata_identity new = { .lba48 = true }, old = { .lba48 = false };
	struct block_request r = { .op = BLOCK_WRITE,
				   .sector = 0xabcdef0,
				   .nsectors = 8 };
	struct ata_command c = ata_command_for(&r, &old, NOT_QUEUED);

	CHECK(c.command == ATA_WRITE_DMA && c.device == 0x4a && c.count == 8);
	c = ata_command_for(&r, &new, NOT_QUEUED);
	CHECK(c.command == ATA_WRITE_DMA_EXT && c.device == 0x40 && c.write);
	r.through = true;
	c = ata_command_for(&r, &new, NOT_QUEUED);
	CHECK(c.command == ATA_WRITE_DMA_FUA_EXT);
	c = ata_command_for(&r, &new, 5);
	CHECK(c.command == ATA_WRITE_QUEUED && c.device == 0xc0);
	CHECK(c.features == 8 && c.count == 5 << 3 && c.address == r.sector);
	r = (struct block_request){ .op = BLOCK_FLUSH, .sector = 77 };
	c = ata_command_for(&r, &new, NOT_QUEUED);
	CHECK(c.command == ATA_FLUSH_EXT && c.address == 0 && !c.write);
}

/* The log of the queued command that failed: its tag, if the sum is right. */
SELFTEST(dev_ata_failed_tag)
{
	static uint8_t page[SECTOR_SIZE];

	memset(page, 0, sizeof(page));
	page[0] = 13;
	page[511] = 256 - 13;
	CHECK(ata_failed_tag(page) == 13);
	page[0] = 0x80 | 13; /* it was none of the queue */
	page[511] = 256 - (0x80 | 13);
	CHECK(ata_failed_tag(page) == -1);
	page[0] = 13;
	CHECK(ata_failed_tag(page) == -1);
}
