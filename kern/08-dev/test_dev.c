/*
 * Self-tests of chapter dev that need no disk: the bus, waiting and work, the
 * block layer on a disk made of memory, IDENTIFY data. Disks: test_disk.c.
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

/* ---- The block layer, on a disk made of memory ---- */

#define RAM_ORDER   7
#define RAM_SECTORS ((PAGE_SIZE << RAM_ORDER) / SECTOR_SIZE)

static struct {
	struct block_device disk;
	uint8_t *memory;
	struct work work;
	struct list queue;
	struct spinlock lock;
	unsigned submitted, flushes;
	int error;  /* that every request ends with */
	bool later; /* end requests in another thread */
} ram;

static void
ram_run(struct block_request *r)
{
	uint8_t *at = ram.memory + r->sector * SECTOR_SIZE;
	unsigned i;

	for (i = 0; i < r->nsegments; i++) {
		void *to = direct_map(r->segments[i].pa);

		if (r->op == BLOCK_READ)
			memcpy(to, at, r->segments[i].len);
		else
			memcpy(at, to, r->segments[i].len);
		at += r->segments[i].len;
	}
	block_finish(r, ram.error);
}

static void
ram_work(struct work *w)
{
	struct block_request *r;
	uint64_t rflags;

	(void)w;
	for (;;) {
		rflags = spin_lock_irqsave(&ram.lock);
		r = list_first(&ram.queue, struct block_request, link);
		if (r)
			list_del(&r->link);
		spin_unlock_irqrestore(&ram.lock, rflags);
		if (!r)
			return;
		ram_run(r);
	}
}

static void
ram_submit(struct block_device *d, struct block_request *r)
{
	uint64_t rflags;

	(void)d;
	ram.submitted++;
	ram.flushes += r->op == BLOCK_FLUSH;
	if (!ram.later) {
		ram_run(r);
		return;
	}
	rflags = spin_lock_irqsave(&ram.lock);
	list_add_tail(&r->link, &ram.queue);
	spin_unlock_irqrestore(&ram.lock, rflags);
	work_queue(&ram.work);
}

/* A fresh disk of zeros. @return whether there is memory for it */
static bool
ram_open(void)
{
	struct page *page = page_alloc(RAM_ORDER, PAGE_KERNEL, ALLOC_ZERO);

	memset(&ram, 0, sizeof(ram));
	if (!page)
		return false;
	ram.memory = page_address(page);
	ram.disk.sectors = RAM_SECTORS;
	ram.disk.submit = ram_submit;
	strlcpy(ram.disk.name, "ram", sizeof(ram.disk.name));
	list_init(&ram.queue);
	spin_init(&ram.lock, "test disk");
	work_init(&ram.work, ram_work);
	return true;
}

static void
ram_close(void)
{
	page_unref(address_to_page(ram.memory));
}

/* Write longer than a request, read back shifted: does it arrive? */
static bool
ram_round_trip(uint8_t *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = i % 251;
	if (block_transfer(&ram.disk, BLOCK_WRITE, 3, buf, len) != 0)
		return false;
	memset(buf, 0, len);
	if (block_transfer(&ram.disk, BLOCK_READ, 4, buf, len) != 0)
		return false;
	for (i = 0; i < len - SECTOR_SIZE; i++)
		if (buf[i] != (i + SECTOR_SIZE) % 251)
			return false;
	return buf[len - 1] == 0;
}

SELFTEST(dev_block_transfers_more_than_a_request)
{
	const unsigned order = 6; /* 256 KiB */
	size_t len = (PAGE_SIZE << order) - 3 * SECTOR_SIZE;
	struct page *page = page_alloc(order, PAGE_KERNEL, 0);
	uint8_t *buf;
	bool now, later;

	CHECK(page != NULL && ram_open());
	buf = (uint8_t *)page_address(page) + SECTOR_SIZE;
	now = ram_round_trip(buf, len);
	memset(ram.memory, 0, RAM_SECTORS * SECTOR_SIZE);
	ram.later = true;
	later = ram_round_trip(buf, len);
	ram_close();
	page_unref(page);
	CHECK(now);
	CHECK(later);
	CHECK(ram.disk.stats.requests[BLOCK_READ] >= 4);
	CHECK(ram.disk.stats.sectors[BLOCK_READ] == 2 * len / SECTOR_SIZE);
}

SELFTEST(dev_block_refuses_what_is_past_the_end)
{
	static uint8_t buf[2 * SECTOR_SIZE] __attribute__((aligned(1024)));
	unsigned before;
	int last, end, across, far;

	CHECK(ram_open());
	last = block_transfer(&ram.disk, BLOCK_READ, RAM_SECTORS - 1, buf,
			      SECTOR_SIZE);
	before = ram.submitted;
	end = block_transfer(&ram.disk, BLOCK_READ, RAM_SECTORS, buf,
			     SECTOR_SIZE);
	across = block_transfer(&ram.disk, BLOCK_WRITE, RAM_SECTORS - 1, buf,
				2 * SECTOR_SIZE);
	far = block_transfer(&ram.disk, BLOCK_READ, UINT64_MAX, buf,
			     2 * SECTOR_SIZE);
	ram_close();
	CHECK(last == 0);
	CHECK(end == -EIO && across == -EIO && far == -EIO);
	CHECK(ram.submitted == before);
}

SELFTEST(dev_block_errors_reach_the_caller)
{
	static uint8_t buf[SECTOR_SIZE] __attribute__((aligned(512)));
	int read, flush, write, fine;

	CHECK(ram_open());
	ram.later = true;
	fine = block_flush(&ram.disk);
	ram.error = -EIO;
	read = block_transfer(&ram.disk, BLOCK_READ, 0, buf, sizeof(buf));
	flush = block_flush(&ram.disk);
	ram.error = 0;
	ram.disk.read_only = true;
	write = block_transfer(&ram.disk, BLOCK_WRITE, 0, buf, sizeof(buf));
	ram_close();
	CHECK(fine == 0);
	CHECK(read == -EIO);
	CHECK(flush == -EIO && ram.flushes == 2);
	CHECK(write == -EIO && ram.submitted == 3);
}

SELFTEST(dev_block_find)
{
	struct block_device *d = block_get(0);

	CHECK(block_find("nodisk") == NULL);
	CHECK(block_get(12345) == NULL);
	CHECK(d == NULL || (block_find("sda") == d && d->sectors > 0));
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
